"""Chapter 12's chunks: right however they are written, refused where too many scores are held."""

import numpy as np
import pytest
import torch

from tantra import check, scaled_dot_product_attention


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


def ones_beside_the_values(q, k, v, chunk):
    """The sum of powers is the column of the values that holds ones."""
    k, v = k / np.sqrt(q.shape[-1]), np.concatenate([v, np.ones_like(v[..., :1])], axis=-1)
    largest, summed = np.full((*q.shape[:-1], 1), -np.inf), 0.0
    for s in range(0, k.shape[-2], chunk):
        scores = q @ k[..., s : s + chunk, :].mT
        new = np.maximum(largest, scores.max(axis=-1, keepdims=True))
        summed = summed * np.exp(largest - new) + np.exp(scores - new) @ v[..., s : s + chunk, :]
        largest = new
    return summed[..., :-1] / summed[..., -1:]


def parts_side_by_side(q, k, v, chunk):
    """The averages and log-sums of all chunks, weighed at the end."""
    averages, log_sums = [], []
    for s in range(0, k.shape[-2], chunk):
        scores = q @ k[..., s : s + chunk, :].mT / np.sqrt(q.shape[-1])
        p, m = powers(scores), scores.max(axis=-1, keepdims=True)
        averages.append(p @ v[..., s : s + chunk, :] / p.sum(axis=-1, keepdims=True))
        log_sums.append(m + np.log(p.sum(axis=-1, keepdims=True)))
    shares = np.exp(log_sums - np.max(log_sums, axis=0))
    return (shares * averages).sum(axis=0) / shares.sum(axis=0)


def row_after_row(q, k, v, chunk):
    """Each query alone, and for it a few keys at a time."""
    rows = [two_passes(q[..., t : t + 1, :], k, v, chunk) for t in range(q.shape[-2])]
    return np.concatenate(rows, axis=-2)


def by_einsum(q, k, v, chunk):
    p = powers(np.einsum("...tk,...sk->...ts", q, k) / np.sqrt(q.shape[-1]))
    return p @ v / p.sum(axis=-1, keepdims=True)


def put_together(q, k, v, chunk):
    """The scores chunk by chunk, and then all side by side."""
    starts = range(0, k.shape[-2], chunk)
    scores = np.concatenate([q @ k[..., s : s + chunk, :].mT for s in starts], axis=-1)
    p = powers(scores / np.sqrt(q.shape[-1]))
    return p @ v / p.sum(axis=-1, keepdims=True)


def filled_chunk_by_chunk(q, k, v, chunk):
    """All scores in an array that was made of nothing."""
    scores = np.empty((*q.shape[:-1], k.shape[-2]))
    for s in range(0, k.shape[-2], chunk):
        scores[..., s : s + chunk] = q @ k[..., s : s + chunk, :].mT / np.sqrt(q.shape[-1])
    p = powers(scores)
    return np.asarray(p) @ np.asarray(v) / p.sum(axis=-1, keepdims=True)


def kept_in_a_list(q, k, v, chunk):
    """The scores of all chunks, each in its own array, until the largest is known."""
    starts = range(0, k.shape[-2], chunk)
    scores = [q @ k[..., s : s + chunk, :].mT / np.sqrt(q.shape[-1]) for s in starts]
    largest = np.max([part.max(axis=-1, keepdims=True) for part in scores], axis=0)
    found = [np.exp(part - largest) for part in scores]
    summed = sum(p @ v[..., s : s + chunk, :] for p, s in zip(found, starts, strict=True))
    return summed / sum(p.sum(axis=-1, keepdims=True) for p in found)


def row_by_row(q, k, v, chunk):
    rows = [by_einsum(q[..., t : t + 1, :], k, v, chunk) for t in range(q.shape[-2])]
    return np.concatenate(rows, axis=-2)


def twice_as_many(q, k, v, chunk):
    return two_passes(q, k, v, 2 * chunk)


def scores_at_once_powers_in_chunks(q, k, v, chunk):
    scores, total, summed = q @ k.mT / np.sqrt(q.shape[-1]), 0.0, 0.0
    largest = scores.max(axis=-1, keepdims=True)
    for s in range(0, k.shape[-2], chunk):
        found = np.exp(scores[..., s : s + chunk] - largest)
        total = total + found.sum(axis=-1, keepdims=True)
        summed = summed + found @ v[..., s : s + chunk, :]
    return summed / total


def by_torch(q, k, v, chunk):
    attention = torch.nn.functional.scaled_dot_product_attention
    return attention(*(torch.from_numpy(np.asarray(x)) for x in (q, k, v))).numpy()


def by_tantra(q, k, v, chunk):
    return scaled_dot_product_attention(q, k, v)[0]


CHUNKS = [
    two_passes,
    one_key_at_a_time,
    ones_beside_the_values,
    parts_side_by_side,
    row_after_row,
]
TOO_MANY = [
    by_einsum,
    put_together,
    filled_chunk_by_chunk,
    kept_in_a_list,
    row_by_row,
    twice_as_many,
    scores_at_once_powers_in_chunks,
    by_tantra,
]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("attempt", CHUNKS)
def test_chunks_may_be_written_in_other_ways(attempt, seed):
    verdict = check.chunked_average.judge(attempt, seed)
    assert verdict.passed, (verdict.problem, verdict.mistake)


@pytest.mark.parametrize("attempt", TOO_MANY)
def test_more_scores_of_a_row_than_chunk_are_refused(attempt):
    verdict = check.chunked_average.judge(attempt)
    assert verdict.status == "failed"
    assert "more than chunk scores of a row are there at one time" in verdict.mistake


def test_what_torch_holds_cannot_be_seen():
    assert "write the loop in NumPy" in check.chunked_average.judge(by_torch).mistake
