"""Right answers to the exercises of 00 to 03, in other words than the solutions': all pass."""

import math

import numpy as np
import pytest
import torch

from tantra import check, softmax


def mean_in_a_loop(counts, values):
    total, number = 0, 0
    for count, row in zip(counts, values, strict=True):
        total, number = total + count * row, number + count
    return total / number


def centred_row_by_row(x):
    if x.ndim == 1:
        return x - sum(x) / len(x)
    return np.stack([centred_row_by_row(part) for part in x])


def nearest_in_loops(q, k, v):
    answers = []
    for query in q:
        best, found = -math.inf, None
        for key, value in zip(k, v, strict=True):
            if query @ key > best:
                best, found = query @ key, value
        answers.append(found)
    return np.array(answers)


def lookup_in_loops(q, k, v):
    if q.ndim > 2:
        return np.stack([lookup_in_loops(*one) for one in zip(q, k, v, strict=True)])
    answers = np.zeros((len(q), v.shape[1]))
    for t, query in enumerate(q):
        powers = [np.exp(sum(query * key)) for key in k]
        for power, value in zip(powers, v, strict=True):
            answers[t] += power / sum(powers) * value
    return answers


def cosines_in_a_loop(q, k, v):
    powers = []
    for key in k:
        powers.append(np.exp(q @ key / np.linalg.norm(q) / np.linalg.norm(key)))
    answer = np.zeros(v.shape[-1])
    for power, value in zip(powers, v, strict=True):
        answer += power / sum(powers) * value
    return answer


def relevance_in_loops(x, w_q, w_k, g):
    q, k, gradient = x @ w_q, x @ w_k, np.zeros_like(x)
    for i in range(len(x)):
        for j in range(len(x)):
            gradient[i] += g[i, j] * (w_q @ k[j])
            gradient[j] += g[i, j] * (w_k @ q[i])
    return gradient


def three_column_by_column(x, w, b, K):
    columns = [x @ column + bias for column, bias in zip(w.T, b, strict=True)]
    parts = (columns[:K], columns[K : 2 * K], columns[2 * K :])
    return tuple(np.stack(part, axis=-1) for part in parts)


def losses_in_a_loop(x, *parts):
    def answers(w_q, b_q, w_k, b_k, w_v, b_v):
        return softmax((x @ w_q + b_q) @ (x @ w_k + b_k).T) @ (x @ w_v + b_v)

    losses = []
    for place in (1, 3, 5):
        without = list(parts)
        without[place] = np.zeros_like(parts[place])
        losses.append(np.max(abs(answers(*without) - answers(*parts))))
    return losses


def losses_read_off(x, w_q, b_q, w_k, b_k, w_v, b_v):
    k, v = x @ w_k, x @ w_v + b_v
    change = (softmax((x @ w_q + b_q) @ k.T) - softmax(x @ w_q @ (k + b_k).T)) @ v
    return np.array([np.abs(change).max(), 0.0, np.abs(b_v).max()])


def softmax_by_logarithms(x):
    return np.exp(x - np.logaddexp.reduce(x, axis=-1, keepdims=True))


def softmax_by_differences(x):
    return 1 / np.exp(x[..., None, :] - x[..., :, None]).sum(axis=-1)


def softmax_row_by_row(x):
    if x.ndim > 1:
        return np.array([softmax_row_by_row(row) for row in x])
    powers = [math.exp(score - max(x)) for score in x]
    return np.array([power / sum(powers) for power in powers])


def log_softmax_row_by_row(x):
    def one(row):
        return row - row.max() - math.log(sum(math.exp(score - row.max()) for score in row))

    return np.apply_along_axis(one, -1, x)


def log_gradient_in_loops(log_p, g):
    found = np.zeros_like(log_p)
    for row in np.ndindex(log_p.shape[:-1]):
        for j in range(log_p.shape[-1]):
            for i in range(log_p.shape[-1]):
                found[row][j] += ((i == j) - math.exp(log_p[row][j])) * g[row][i]
    return found


def log_gradient_by_rows(log_p, g):
    """A column of the Jacobian at a time, and never the whole."""
    columns = np.arange(log_p.shape[-1])
    parts = [((columns == j) * g - np.exp(log_p[..., j : j + 1]) * g).sum(-1) for j in columns]
    return np.stack(parts, axis=-1)


def attend_in_loops(q, k, v):
    if q.ndim > 2:
        return np.stack([attend_in_loops(*one) for one in zip(q, k, v, strict=True)])
    rows = [softmax(np.array([query @ key for key in k]) / len(query) ** 0.5) for query in q]
    return np.stack([sum(w * value for w, value in zip(row, v, strict=True)) for row in rows])


def attention_by_assigning(q, k, v, mask=None):
    scores = np.einsum("...tk,...sk->...ts", q, k) / np.sqrt(k.shape[-1])
    if mask is not None:
        scores[~np.broadcast_to(mask, scores.shape)] = -np.inf
    powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    weights = powers / np.sum(powers, axis=-1, keepdims=True)
    return np.einsum("...ts,...sd->...td", weights, v), weights


def attention_by_adding(q, k, v, mask=None):
    added = 0.0 if mask is None else np.where(mask, 0.0, -np.inf)
    weights = softmax((q / math.sqrt(q.shape[-1])) @ np.swapaxes(k, -1, -2) + added)
    return [weights @ v, weights]


def attention_in_torch(q, k, v, mask=None):
    q, k, v = map(torch.from_numpy, (q, k, v))
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~torch.from_numpy(mask), -torch.inf)
    weights = scores.softmax(-1)
    return (weights @ v).numpy(), weights.numpy()


def gradients_by_the_averages(q, m, d_averages):
    """The row's sum by its second form: the average times its own gradient."""
    weights = softmax(q @ m.mT / math.sqrt(m.shape[-1]))
    mean = (weights @ m * d_averages).sum(axis=-1, keepdims=True)
    d_scores = weights * (d_averages @ m.mT - mean) / math.sqrt(m.shape[-1])
    d_m = np.swapaxes(d_scores, -1, -2) @ q
    d_m += weights.mT @ d_averages
    return [d_scores @ m, d_m]


def gradients_by_the_jacobian(q, m, d_averages):
    root = np.sqrt(q.shape[-1])
    p = softmax(q / root @ m.mT)
    jacobian = p[..., None] * (np.eye(p.shape[-1]) - p[..., None, :])
    d_s = np.einsum("...ij,...i->...j", jacobian, d_averages @ m.mT)
    return d_s / root @ m, p.mT @ d_averages + d_s.mT @ (q / root)


def gradients_in_loops(q, m, d_averages):
    if q.ndim > 2:
        parts = [gradients_in_loops(*one) for one in zip(q, m, d_averages, strict=True)]
        return tuple(map(np.stack, zip(*parts, strict=True)))
    d_q, d_m, root = 0 * q, 0 * m, math.sqrt(len(q[0]))
    for t in range(len(q)):
        p = softmax(m @ q[t] / root)
        d_m += np.outer(p, d_averages[t])
        d_p = m @ d_averages[t]
        d_s = p * (d_p - p @ d_p) / root
        d_q[t] = d_s @ m
        d_m += np.outer(d_s, q[t])
    return d_q, d_m


RIGHT = {
    "weighted_mean": [
        mean_in_a_loop,
        lambda counts, values: np.average(values, axis=0, weights=counts),
        lambda counts, values: np.repeat(values, counts, axis=0).mean(axis=0),
        lambda counts, values: (values.T * counts).sum(axis=1) / sum(counts),
        lambda counts, values: np.einsum("s,sv->v", counts / counts.sum(), values),
        lambda counts, values: np.array([counts / sum(counts) @ column for column in values.T]),
    ],
    "centre_rows": [
        centred_row_by_row,
        lambda x: x - x.mean(axis=-1)[..., None],
        lambda x: x - np.expand_dims(np.sum(x, -1) / x.shape[-1], -1),
        lambda x: np.apply_along_axis(lambda row: row - row.mean(), -1, x),
        lambda x: x @ (np.eye(x.shape[-1]) - 1 / x.shape[-1]),
    ],
    "nearest_value": [
        nearest_in_loops,
        lambda q, k, v: np.array([v[(k @ query).argmax()] for query in q]),
        lambda q, k, v: v[np.argmax(k @ q.T, axis=0)],
        lambda q, k, v: np.eye(len(k))[(q @ k.mT).argmax(axis=1)] @ v,
        lambda q, k, v: np.take(v, np.einsum("tk,sk->ts", q, k).argmax(-1), axis=0),
    ],
    "soft_lookup": [
        lookup_in_loops,
        lambda q, k, v: softmax(np.einsum("...tk,...sk->...ts", q, k)) @ v,
        lambda q, k, v: (softmax(q @ k.mT)[..., None] * v[..., None, :, :]).sum(axis=-2),
        lambda q, k, v: np.matmul(softmax(k @ q.mT, axis=-2).mT, v),
        lambda q, k, v: np.exp(q @ k.mT) @ v / np.exp(q @ k.mT).sum(axis=-1, keepdims=True),
    ],
    "weigh_by_cosine": [
        cosines_in_a_loop,
        lambda q, k, v: softmax(k @ q / np.sqrt((k**2).sum(-1) * (q**2).sum())) @ v,
        lambda q, k, v: (
            v.T @ softmax((k / np.linalg.norm(k, axis=1, keepdims=True)) @ (q / np.linalg.norm(q)))
        ),
    ],
    "relevance_backward": [
        relevance_in_loops,
        lambda x, w_q, w_k, g: g @ x @ w_k @ w_q.T + g.T @ x @ w_q @ w_k.T,
        lambda x, w_q, w_k, g: (w_q @ (x @ w_k).T @ g.T + w_k @ (x @ w_q).T @ g).T,
        lambda x, w_q, w_k, g: g @ x @ (w_q @ w_k.T).T + g.T @ x @ (w_q @ w_k.T),
        lambda x, w_q, w_k, g: (
            np.einsum("ij,jk,dk->id", g, x @ w_k, w_q) + np.einsum("ij,ik,dk->jd", g, x @ w_q, w_k)
        ),
    ],
    "three_at_once": [
        three_column_by_column,
        lambda x, w, b, K: tuple(np.split(x @ w + b, [K, 2 * K], axis=-1)),
        lambda x, w, b, K: [
            x @ part + bias
            for part, bias in zip(np.split(w, [K, 2 * K], 1), np.split(b, [K, 2 * K]), strict=True)
        ],
        lambda x, w, b, K: (
            x @ w[:, :K] + b[:K],
            np.einsum("...d,dk->...k", x, w[:, K : 2 * K]) + b[K : 2 * K],
            np.dot(x, w[:, 2 * K :]) + b[2 * K :],
        ),
    ],
    "biases_lost": [losses_in_a_loop, losses_read_off],
    "softmax": [
        softmax_by_logarithms,
        softmax_by_differences,
        softmax_row_by_row,
        lambda x: (
            np.exp(x - np.max(x, -1)[..., None])
            / np.exp(x - np.max(x, -1)[..., None]).sum(-1)[..., None]
        ),
        lambda x: torch.softmax(torch.from_numpy(x), -1).numpy(),
    ],
    "log_softmax": [
        log_softmax_row_by_row,
        lambda x: x - np.logaddexp.reduce(x, axis=-1, keepdims=True),
        lambda x: (
            -np.log(np.exp(x[..., None, :] - x[..., :, None]).sum(axis=-1))
            if np.ptp(x) < 700
            else log_softmax_row_by_row(x)
        ),
        lambda x: torch.log_softmax(torch.from_numpy(x), dim=-1).numpy(),
    ],
    "log_softmax_backward": [
        log_gradient_in_loops,
        log_gradient_by_rows,
        lambda log_p, g: g - softmax(log_p) * np.sum(g, -1)[..., None],
        lambda log_p, g: g - np.exp(log_p) * (g @ np.ones(g.shape[-1]))[..., None],
        lambda log_p, g: g - np.exp(log_p) * np.einsum("...i->...", g)[..., None],
    ],
    "soften": [
        lambda p, temperature: softmax(np.log(p) / temperature),
        lambda p, temperature: (
            (p / p.max()) ** (1 / temperature)
            / ((p / p.max()) ** (1 / temperature)).sum(-1, keepdims=True)
        ),
        lambda p, temperature: (
            np.exp(np.log(p) / temperature)
            / np.exp(np.log(p) / temperature).sum(axis=-1)[..., None]
        ),
    ],
    "attend": [
        attend_in_loops,
        lambda q, k, v: softmax(np.einsum("...tk,...sk->...ts", q, k) / q.shape[-1] ** 0.5) @ v,
        lambda q, k, v: softmax(k @ q.mT / np.sqrt(k.shape[-1]), axis=-2).mT @ v,
        lambda q, k, v: softmax(q / math.sqrt(q.shape[-1]) @ np.swapaxes(k, -2, -1)) @ v,
        lambda q, k, v: attention_in_torch(q, k, v)[0],
    ],
    "causal_mask": [
        lambda queries, keys: np.array([[key <= query for key in keys] for query in queries]),
        lambda queries, keys: np.greater_equal.outer(queries, keys),
        lambda queries, keys: ~(queries[:, None] < keys),
        lambda queries, keys: (keys[:, None] <= queries).T,
        lambda queries, keys: queries.reshape(-1, 1) - keys >= 0,
    ],
    "scaled_dot_product_attention": [
        attention_by_assigning,
        attention_by_adding,
        attention_in_torch,
    ],
    "attention_backward": [
        gradients_by_the_averages,
        gradients_by_the_jacobian,
        gradients_in_loops,
    ],
}

PREDICTED = {
    "mean_shape": [(5, 7), [5, 7], np.array([5, 7]), (np.zeros((5, 3)) @ np.zeros((3, 7))).shape],
    "projection_parameters": [3 * 769 * 768, 768 * 2304 + 2304, 1771776.0, np.int64(1771776)],
    "shares_of_logs": [(0.125, 0.25, 0.625), [1 / 8, 1 / 4, 5 / 8], softmax(np.log([1, 2, 5]))],
    "largest_safe_score": [88, 88.0, np.float32(88), np.int64(88)],
    "attention_shapes": [((2, 3, 5), (2, 3, 7)), [[2, 3, 5], [2, 3, 7]]],
    "largest_share": [(0.36, 0.96), [0.364, 0.963], np.array([0.3638, 0.9630])],
}


@pytest.mark.parametrize(
    ("name", "attempt"),
    [
        pytest.param(name, attempt, id=f"{name} {number}")
        for name, attempts in RIGHT.items()
        for number, attempt in enumerate(attempts, 1)
    ],
)
def test_a_right_answer_in_other_words_passes(name, attempt):
    for seed in (1, 2):
        verdict = getattr(check, name).judge(attempt, seed)
        assert verdict.passed, verdict


@pytest.mark.parametrize("name", PREDICTED)
def test_a_right_prediction_may_be_written_in_several_ways(name):
    for attempt in PREDICTED[name]:
        assert getattr(check, name).judge(attempt).passed, attempt


def test_the_numbers_of_largest_share_are_what_its_slips_measure():
    rng = np.random.default_rng(0)
    q, k = rng.standard_normal((1000, 1, 512)), rng.standard_normal((1000, 8, 512))
    scores = q @ k.mT

    def measured(scores, of=lambda shares: shares.max(axis=-1).mean()):
        return float(of(softmax(scores)))

    root = math.sqrt(512)
    scaled, plain = measured(scores / root), measured(scores)
    said = {
        "divide by 512": (measured(scores / 512), plain),
        "root of the 8 keys": (measured(scores / math.sqrt(8)), plain),
        "multiply by √512": (measured(scores * root), plain),
        "divide the weights": (plain / root, plain),
        "an eighth is": (measured(scores / root, np.mean), measured(scores, np.mean)),
        "largest of all": (measured(scores / root, np.max), measured(scores, np.max)),
        "largest scores": ((scores / root).max(axis=-1).mean(), scores.max(axis=-1).mean()),
        "medians": [
            measured(each, lambda shares: np.median(shares.max(axis=-1)))
            for each in (scores / root, scores)
        ],
        "over the 1000 queries": [
            measured(each, lambda shares: shares.max(axis=0).mean())
            for each in (scores / root, scores)
        ],
    }
    assert check.largest_share.judge((scaled, plain)).passed
    for words, slip in said.items():
        assert words in (check.largest_share.judge(slip).mistake or ""), words
