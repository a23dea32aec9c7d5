"""Chapter 12's chunks: right however they are written, wrong where all scores are there at once."""

import numpy as np
import pytest

from tantra import check


def powers(scores):
    return np.exp(scores - scores.max(axis=-1, keepdims=True))


def two_passes(q, k, v, chunk):
    """The largest scores first, then the sums; keys turned over beforehand."""
    keys, root = k.swapaxes(-1, -2), np.sqrt(q.shape[-1])
    starts = range(0, k.shape[-2], chunk)
    parts = [np.max(q @ keys[..., s : s + chunk] / root, axis=-1, keepdims=True) for s in starts]
    largest, total, summed = np.max(parts, axis=0), 0.0, 0.0
    for s in starts:
        found = np.exp(q @ keys[..., s : s + chunk] / root - largest)
        total = total + found.sum(axis=-1, keepdims=True)
        summed = summed + found @ v[..., s : s + chunk, :]
    return summed / total


def one_key_at_a_time(q, k, v, chunk):
    largest, total, summed = -np.inf, 0.0, 0.0
    for key, value in zip(np.moveaxis(k, -2, 0), np.moveaxis(v, -2, 0), strict=True):
        score = np.einsum("...tk,...k->...t", q, key)[..., None] / np.sqrt(q.shape[-1])
        new = np.maximum(largest, score)
        shrink, power = np.exp(largest - new), np.exp(score - new)
        total, largest = total * shrink + power, new
        summed = summed * shrink + power * value[..., None, :]
    return summed / total


def by_einsum(q, k, v, chunk):
    p = powers(np.einsum("...tk,...sk->...ts", q, k) / np.sqrt(q.shape[-1]))
    return p @ v / p.sum(axis=-1, keepdims=True)


def put_together(q, k, v, chunk):
    """The scores chunk by chunk, and then all side by side."""
    starts = range(0, k.shape[-2], chunk)
    scores = np.concatenate([q @ k[..., s : s + chunk, :].mT for s in starts], axis=-1)
    p = powers(scores / np.sqrt(q.shape[-1]))
    return p @ v / p.sum(axis=-1, keepdims=True)


def row_by_row(q, k, v, chunk):
    rows = [by_einsum(q[..., t : t + 1, :], k, v, chunk) for t in range(q.shape[-2])]
    return np.concatenate(rows, axis=-2)


@pytest.mark.parametrize("attempt", [two_passes, one_key_at_a_time])
def test_chunks_may_be_written_in_other_ways(attempt):
    verdict = check.chunked_average.judge(attempt)
    assert verdict.passed, verdict.problem


@pytest.mark.parametrize("attempt", [by_einsum, put_together, row_by_row])
def test_the_scores_of_all_keys_at_once_are_refused(attempt):
    verdict = check.chunked_average.judge(attempt)
    assert verdict.status == "failed"
    assert "the scores of all 5 keys at once" in verdict.problem
    assert verdict.mistake.startswith("the averages are right, but")
