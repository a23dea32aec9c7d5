"""Right answers to chapter 17 pass, however they are written."""

import math

import numpy as np
import pytest
import torch

import tantra
from tantra import check
from tantra.check.exercises import chapters


def input_by_loops(sentences, table):
    longest, width = sentences.shape[1] + 1, table.shape[1]
    goes_in, wanted = [], []
    for row in sentences.tolist():
        said = [token for token in row if token]
        goes_in.append([1, *row])
        wanted.append([*said, 2] + [0] * (longest - len(said) - 1))
    x = table[np.array(goes_in)] * width**0.5
    return x + tantra.sinusoidal_positions(longest, width), np.array(wanted)


def input_by_where(sentences, table):
    longer = np.concatenate([sentences, np.zeros_like(sentences[:, :1])], axis=1)
    before = np.concatenate([np.ones_like(sentences[:, :1]), sentences], axis=1)
    wanted = np.where((longer == 0) & (before != 0), 2, longer)
    width = table.shape[-1]
    one_hot = np.eye(len(table))[before]
    waves = tantra.sinusoidal_positions(before.shape[-1], width)
    return np.sqrt(width) * one_hot @ table + waves, wanted


def input_by_torch(sentences, table):
    rows, width = torch.from_numpy(sentences), table.shape[-1]
    before = torch.nn.functional.pad(rows, (1, 0), value=1)
    wanted = torch.nn.functional.pad(rows, (0, 1))
    wanted.scatter_(1, (rows != 0).sum(1, keepdim=True), 2)
    x = torch.nn.functional.embedding(before, torch.from_numpy(table)).numpy() * math.sqrt(width)
    return x + tantra.sinusoidal_positions(before.shape[1], width), wanted.numpy()


def cross_by_rows(x, memory, lengths, w_q, w_k, w_v):
    out = []
    for one, other, length in zip(x, memory, lengths, strict=True):
        scores = one @ w_q @ (other[:length] @ w_k).T / math.sqrt(w_q.shape[1])
        out.append(tantra.softmax(scores) @ other[:length] @ w_v)
    return np.array(out)


def cross_by_einsum(x, memory, lengths, w_q, w_k, w_v):
    scores = np.einsum("btd,dk,ek,bse->bts", x, w_q, w_k, memory) / w_q.shape[1] ** 0.5
    e = np.exp(scores - scores.max()) * (np.arange(memory.shape[1]) < lengths[:, None])[:, None]
    return np.einsum("bts,bsd,dv->btv", e / e.sum(-1, keepdims=True), memory, w_v)


def cross_by_the_library(x, memory, lengths, w_q, w_k, w_v):
    mask = tantra.padding_mask(lengths, memory.shape[1])[:, 0]
    return tantra.scaled_dot_product_attention(x @ w_q, memory @ w_k, memory @ w_v, mask)[0]


def divergence_by_loops(logits, targets, smoothing):
    V, found = logits.shape[-1], []
    for row, wanted in zip(logits.reshape(-1, V), targets.reshape(-1), strict=True):
        if wanted == 0:
            continue
        log_p, rest = tantra.log_softmax(row), smoothing / (V - 2)
        q = [1 - smoothing if i == wanted else rest for i in range(1, V)]
        found.append(sum(a * (math.log(a) - b) for a, b in zip(q, log_p[1:], strict=True)))
    return sum(found) / len(found)


def divergence_by_parts(logits, targets, smoothing):
    counts = targets != 0
    log_p, V = tantra.log_softmax(logits[counts]), logits.shape[-1]
    rest = smoothing / (V - 2)
    floor = (1 - smoothing) * np.log(1 - smoothing) + smoothing * np.log(rest)
    true = log_p[np.arange(counts.sum()), targets[counts]]
    spread = log_p[:, 1:].sum(-1)
    return floor - ((1 - smoothing) * true + rest * (spread - true)).mean()


def divergence_by_torch(logits, targets, smoothing):
    log_p = torch.log_softmax(torch.from_numpy(logits), -1)
    q = torch.full_like(log_p, smoothing / (logits.shape[-1] - 2))
    q.scatter_(-1, torch.from_numpy(targets)[..., None], 1 - smoothing)
    terms = torch.nn.functional.kl_div(log_p[..., 1:], q[..., 1:], reduction="none").sum(-1)
    return terms[torch.from_numpy(targets) != 0].mean().item()


def write_with_while(scores, most):
    said = []
    while len(said) < most:
        rows = scores(np.array([1, *said]))
        if np.argmax(rows[-1]) == 2:
            return said
        said.append(np.argmax(rows[-1]))
    return said


def write_by_recursion(scores, most, said=()):
    token = scores(np.array([1, *said]))[len(said)].argmax() if most else 2
    return list(said) if token == 2 else write_by_recursion(scores, most - 1, (*said, int(token)))


def write_and_cut(scores, most):
    target = np.array([1])
    for _ in range(most):
        target = np.append(target, scores(target)[-1].argmax())
    return [int(token) for token in target[1 : [*list(target), 2].index(2)]]


def memory_by_einsum(g, memory, q, w_k, w_v):
    k, v, root = memory @ w_k, memory @ w_v, q.shape[1] ** 0.5
    a = tantra.softmax(q @ k.T / root)
    d = np.einsum("tv,sv->ts", g, v)
    s = a * d - a * np.einsum("ts,ts->t", a, d)[:, None]
    return np.einsum("ts,tv,dv->sd", a, g, w_v) + np.einsum("ts,tk,dk->sd", s, q, w_k) / root


def memory_by_jacobian(g, memory, q, w_k, w_v):
    found = np.zeros_like(memory)
    for query, by_out in zip(q, g, strict=True):
        a = tantra.softmax(query @ (memory @ w_k).T / len(query) ** 0.5)
        by_scores = (np.diag(a) - np.outer(a, a)) @ (memory @ w_v) @ by_out
        found += np.outer(a, w_v @ by_out) + np.outer(by_scores, w_k @ query) / len(query) ** 0.5
    return found


def memory_with_folded_weights(g, memory, q, w_k, w_v):
    asked, sent = q @ w_k.T / np.sqrt(q.shape[1]), g @ w_v.T  # in the space of the memory
    a = tantra.softmax(asked @ memory.T)
    d = sent @ memory.T
    return a.T @ sent + (a * (d - (a * d).sum(1)[:, None])).T @ asked


def average_with_numpy(weights, checkpoints):
    for name, x in weights.items():
        np.mean([one[name] for one in checkpoints], axis=0, out=x)


def average_by_identity(weights, checkpoints):
    names = {id(x): name for name, x in weights.items()}
    for name in names.values():
        weights[name].fill(0)
        for one in checkpoints:
            weights[name] += one[name] / len(checkpoints)


def average_by_torch(weights, checkpoints):
    for name in reversed(weights):
        all_of_it = torch.stack([torch.from_numpy(one[name]) for one in checkpoints])
        torch.from_numpy(weights[name]).copy_(all_of_it.mean(0))


RIGHT = {
    "decoder_input": [input_by_loops, input_by_where, input_by_torch],
    "cross_attend": [cross_by_rows, cross_by_einsum, cross_by_the_library],
    "smoothed_divergence": [divergence_by_loops, divergence_by_parts, divergence_by_torch],
    "write_greedily": [write_with_while, write_by_recursion, write_and_cut],
    "memory_gradient": [memory_by_einsum, memory_by_jacobian, memory_with_folded_weights],
    "average_into": [average_with_numpy, average_by_identity, average_by_torch],
    "bleu_of_two": [70.5, 100 * 5 / 6 * np.exp(-1 / 6), 70.54],
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("name", "place"), [(name, i) for name, answers in RIGHT.items() for i in range(len(answers))]
)
def test_a_right_answer_passes(name, place, seed):
    verdict = getattr(check, name).judge(RIGHT[name][place], seed)
    assert verdict.passed, verdict


def test_every_exercise_has_three():
    for exercise in chapters()["two_sequences"]:
        assert len(RIGHT[exercise.name]) >= 3
