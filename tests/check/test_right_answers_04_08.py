"""Chapters 04 to 08: right answers pass, however they are written."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tantra import check, gelu, scaled_dot_product_attention, silu, softmax

SEEDS = (1, 2)


def split_by_slices(x, num_heads):
    width = x.shape[-1] // num_heads
    return np.stack([x[..., h * width : (h + 1) * width] for h in range(num_heads)], axis=-3)


def split_by_np_split(x, num_heads):
    return np.moveaxis(np.array(np.split(x, num_heads, axis=-1)), 0, -3)


def split_by_einsum(x, num_heads):
    return np.einsum("...thk->...htk", x.reshape((*x.shape[:-1], num_heads, -1)))


def split_in_torch(x, num_heads):
    return torch.from_numpy(x).unflatten(-1, (num_heads, -1)).transpose(-2, -3).numpy()


def heads_one_by_one(x, context, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """Each head with its columns of the matrices, and its rows of w_o: a sum over heads."""
    answer = 0
    for rows in np.split(np.arange(w_q.shape[1]), num_heads):
        scores = (x @ w_q[:, rows]) @ (context @ w_k[:, rows]).mT / len(rows) ** 0.5
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        answer = answer + softmax(scores) @ (context @ w_v[:, rows]) @ w_o[rows]
    return answer


def heads_by_einsum(x, context, w_q, w_k, w_v, w_o, num_heads, mask=None):
    w_q, w_k, w_v = (w.reshape(len(w), num_heads, -1) for w in (w_q, w_k, w_v))
    q = np.einsum("...td,dhk->...htk", x, w_q)
    k, v = (np.einsum("...sd,dhk->...hsk", context, w) for w in (w_k, w_v))
    scores = np.einsum("...htk,...hsk->...hts", q, k) * w_q.shape[-1] ** -0.5
    scores = scores + (0 if mask is None else np.where(mask, 0, -np.inf))
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    averages = np.einsum("...hts,...hsk->...htk", powers, v) / powers.sum(axis=-1)[..., None]
    return np.einsum("...htk,hkd->...td", averages, w_o.reshape(num_heads, -1, w_o.shape[-1]))


def heads_in_torch(x, context, w_q, w_k, w_v, w_o, num_heads, mask=None):
    x, context, w_q, w_k, w_v, w_o = map(torch.from_numpy, (x, context, w_q, w_k, w_v, w_o))
    q, k, v = (
        a.unflatten(-1, (num_heads, -1)).transpose(-2, -3)
        for a in (x @ w_q, context @ w_k, context @ w_v)
    )
    mask = None if mask is None else torch.from_numpy(mask)
    return (
        F.scaled_dot_product_attention(q, k, v, mask).transpose(-2, -3).flatten(-2) @ w_o
    ).numpy()


def heads_of_the_chapter(x, context, w_q, w_k, w_v, w_o, num_heads, mask=None):
    q, k, v = (split_by_slices(a, num_heads) for a in (x @ w_q, context @ w_k, context @ w_v))
    averages = scaled_dot_product_attention(q, k, v, mask)[0]
    return np.concatenate([averages[..., h, :, :] for h in range(num_heads)], axis=-1) @ w_o


def grouped_by_loop(q, g, num_kv_heads):
    total = np.zeros((num_kv_heads, g.shape[-1], q.shape[-1]))
    for h in range(len(q)):
        total[h // (len(q) // num_kv_heads)] += g[h].T @ q[h] / math.sqrt(q.shape[-1])
    return total


def grouped_by_einsum(q, g, num_kv_heads):
    q, g = (a.reshape(num_kv_heads, -1, *a.shape[1:]) for a in (q, g))
    return np.einsum("ghts,ghtk->gsk", g, q) * q.shape[-1] ** -0.5


def grouped_by_long_rows(q, g, num_kv_heads):
    """The heads of a group under each other: one product for each group."""
    q, g = (a.reshape(num_kv_heads, -1, a.shape[-1]) for a in (q, g))
    return g.mT @ (q / np.sqrt(q.shape[-1]))


def apart_in_arrays_of_their_own(q, k, v):
    averages = [np.empty(q.shape[1:]) for _ in range(len(q))]
    for h in range(len(q)):
        averages[h][:] = softmax(q[h] @ k[h].T / q.shape[-1] ** 0.5) @ v[h]
    return np.hstack(averages)


def apart_in_one_table(q, k, v):
    heads, length, width = q.shape
    table = np.empty((length, heads * width))
    for h in range(heads):
        table[:, h * width : (h + 1) * width] = softmax(q[h] @ k[h].T / math.sqrt(width)) @ v[h]
    return table


def apart_all_at_once(q, k, v):
    averages = softmax(np.einsum("htk,hsk->hts", q, k) / math.sqrt(q.shape[2])) @ v
    return averages.transpose(1, 0, 2).reshape(q.shape[1], -1)


def bias_by_loops(num_heads, queries, keys):
    rows = [
        [[-(2 ** (-8 * h / num_heads)) * abs(float(i - j)) for j in keys] for i in queries]
        for h in range(1, num_heads + 1)
    ]
    return np.array(rows)


def bias_by_einsum(num_heads, queries, keys):
    slopes = 2.0 ** np.linspace(-8 / num_heads, -8, num_heads)
    return np.einsum("h,ts->hts", -slopes, np.abs(np.subtract.outer(queries, keys)))


def bias_by_powers(num_heads, queries, keys):
    first = 2 ** (-8 / num_heads)
    distance = np.maximum(keys - queries[:, None], queries[:, None] - keys)
    return np.stack([-(first ** (h + 1)) * distance for h in range(num_heads)])


def rotate_by_complex_numbers(x, angles):
    half = x.shape[-1] // 2
    rotated = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angles)
    return np.concatenate([rotated.real, rotated.imag], axis=-1)


def rotate_by_rotate_half(x, angles):
    cos, sin = (np.concatenate([f(angles)] * 2, axis=-1) for f in (np.cos, np.sin))
    a, b = np.split(x, 2, axis=-1)
    return x * cos + np.concatenate([-b, a], axis=-1) * sin


def rotate_pair_by_pair(x, angles):
    rotated, half = np.empty_like(x), x.shape[-1] // 2
    for t in range(x.shape[-2]):
        for i in range(half):
            c, s = math.cos(angles[t, i]), math.sin(angles[t, i])
            rotated[..., t, i] = x[..., t, i] * c - x[..., t, i + half] * s
            rotated[..., t, i + half] = x[..., t, i] * s + x[..., t, i + half] * c
    return rotated


def back_by_complex_numbers(x, angles, g):
    half = x.shape[-1] // 2
    z, g = (a[..., :half] + 1j * a[..., half:] for a in (x, g))
    by_x = g * np.exp(-1j * angles)
    by_angles = (g * np.conj(1j * z * np.exp(1j * angles))).real
    return (
        np.concatenate([by_x.real, by_x.imag], axis=-1),
        by_angles.sum(axis=tuple(range(x.ndim - 2))),
    )


def back_by_x_not_rotated(x, angles, g):
    """The angles' gradient from x and from g rotated back; a list in place of a tuple."""
    back = rotate_by_rotate_half(g, -angles)
    (a, b), (g_a, g_b) = np.split(x, 2, -1), np.split(back, 2, -1)
    return [back, (g_b * a - g_a * b).reshape(-1, *angles.shape).sum(0)]


def back_term_by_term(x, angles, g):
    cos, sin = np.cos(angles), np.sin(angles)
    (a, b), (g_u, g_v) = np.split(x, 2, -1), np.split(g, 2, -1)
    by_angles = g_u * (-a * sin - b * cos) + g_v * (a * cos - b * sin)
    while by_angles.ndim > 2:
        by_angles = by_angles.sum(axis=0)
    return np.concatenate([g_u * cos + g_v * sin, g_v * cos - g_u * sin], -1), by_angles


def waves_by_loops(length, d_model):
    table = np.zeros((length, d_model))
    for t in range(length):
        for j in range(d_model):
            angle = t / 10_000 ** ((j - j % 2) / d_model)
            table[t, j] = math.cos(angle) if j % 2 else math.sin(angle)
    return table


def waves_one_column_too_many(length, d_model):
    angles = np.arange(length)[:, None] * np.exp(
        -math.log(10_000.0) * np.arange(0, d_model, 2) / d_model
    )
    return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(length, -1)[:, :d_model]


def waves_by_phase(length, d_model):
    """A cosine is a sine a quarter turn on."""
    column = np.arange(d_model)
    angles = np.outer(np.arange(length), 10_000.0 ** -((column - column % 2) / d_model))
    return np.sin(angles + np.pi / 2 * (column % 2))


def norm_by_squares(x, gain, bias, eps=1e-5):
    mean = x.mean(-1)[..., None]
    variance = (x * x).mean(-1)[..., None] - mean * mean
    return bias + (x - mean) * (gain / np.sqrt(variance + eps))


def norm_vector_by_vector(x, gain, bias, eps=1e-5):
    def one(v):
        mean = sum(v) / len(v)
        return (v - mean) / math.sqrt(sum((v - mean) ** 2) / len(v) + eps) * gain + bias

    return np.apply_along_axis(one, -1, x)


def norm_in_torch(x, gain, bias, eps=1e-5):
    x, gain, bias = map(torch.from_numpy, (x, gain, bias))
    return F.layer_norm(x, gain.shape, gain, bias, eps).numpy()


def norm_by_std(x, gain, bias, eps=1e-5):
    std = np.hypot(x.std(axis=-1, keepdims=True), eps**0.5)
    return gain * (x - np.mean(x, axis=-1, keepdims=True)) / std + bias


def rms_by_norm(x, gain, eps=1e-5):
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x * gain / np.sqrt(length**2 / x.shape[-1] + eps)


def rms_by_einsum(x, gain, eps=1e-5):
    squares = np.einsum("...d,...d->...", x, x) / x.shape[-1]
    return gain * x * (squares + eps)[..., None] ** -0.5


def rms_in_torch(x, gain, eps=1e-5):
    x, gain = torch.from_numpy(x), torch.from_numpy(gain)
    return (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * gain).numpy()


def rms_back_by_jacobian(x, gain, g, eps=1e-5):
    D = x.shape[-1]
    root = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    even = x / root
    jacobian = (np.eye(D) - even[..., :, None] * even[..., None, :] / D) / root[..., None]
    by_x = np.einsum("...i,...ij->...j", g * gain, jacobian)
    return by_x, np.sum(g * even, axis=tuple(range(x.ndim - 1)))


def rms_back_through_the_mean_square(x, gain, g, eps=1e-5):
    """Step by step: the mean square, then x."""
    D = x.shape[-1]
    inverse = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + eps)
    by_square = (g * gain * x).sum(-1, keepdims=True) * -0.5 * inverse**3
    rows = (g * x * inverse).reshape(-1, D)
    return g * gain * inverse + by_square * 2 * x / D, rows.sum(0)


def rms_back_by_d_times(x, gain, g, eps=1e-5):
    D, h = x.shape[-1], g * gain
    root = (np.sum(x * x, -1, keepdims=True) / D + eps) ** 0.5
    by_x = D * root**2 * h - x * (h * x).sum(-1, keepdims=True)
    return [by_x / (D * root**3), sum((g * x / root).reshape(-1, D))]


def gelu_by_sigmoid(x):
    with np.errstate(over="ignore"):
        return x / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_by_loop(x):
    root = math.sqrt(2 / math.pi)
    flat = [v * (1 + math.tanh(root * (v + 0.044715 * v**3))) / 2 for v in np.ravel(x)]
    return np.array(flat).reshape(np.shape(x))


def gelu_of_megatron(x):
    return x * 0.5 * (1.0 + np.tanh(0.79788456 * x * (1 + 0.044715 * x * x)))


def gelu_in_torch(x):
    return F.gelu(torch.as_tensor(x), approximate="tanh").numpy()


def network_by_dot(x, w_1, b_1, w_2, b_2):
    return np.dot(gelu_by_sigmoid(np.dot(x, w_1) + b_1), w_2) + b_2


def network_by_einsum(x, w_1, b_1, w_2, b_2):
    hidden = gelu(np.einsum("...d,df->...f", x, w_1) + b_1)
    return np.einsum("...f,fd->...d", hidden, w_2) + b_2


def network_feature_by_feature(x, w_1, b_1, w_2, b_2):
    answer = np.zeros_like(x) + b_2
    for f in range(len(b_1)):
        answer = answer + gelu((x * w_1[:, f]).sum(axis=-1, keepdims=True) + b_1[f]) * w_2[f]
    return answer


def network_with_ones(x, w_1, b_1, w_2, b_2):
    """Biases as one more row of each matrix."""

    def mapped(x, w, b):
        return np.concatenate([x, np.ones((*x.shape[:-1], 1))], axis=-1) @ np.vstack([w, b])

    return mapped(gelu(mapped(x, w_1, b_1)), w_2, b_2)


def gate_by_sigmoid(x, w_gate, w_up, w_down):
    z = x @ w_gate
    with np.errstate(over="ignore"):
        return (z * (x @ w_up) / (1 + np.exp(-z))) @ w_down


def gate_in_one_product(x, w_gate, w_up, w_down):
    gate, up = np.split(x @ np.concatenate([w_gate, w_up], axis=1), 2, axis=-1)
    return silu(gate) * up @ w_down


def gate_in_torch(x, w_gate, w_up, w_down):
    x, w_gate, w_up, w_down = map(torch.from_numpy, (x, w_gate, w_up, w_down))
    return ((F.silu(x @ w_gate) * (x @ w_up)) @ w_down).numpy()


def gelu_back_by_loop(x, g):
    root = math.sqrt(2 / math.pi)

    def slope(v):
        tanh = math.tanh(root * (v + 0.044715 * v**3))
        return (1 + tanh + v * (1 - tanh * tanh) * root * (1 + 0.134145 * v * v)) / 2

    return np.array([slope(v) for v in x.ravel()]).reshape(x.shape) * g


def gelu_back_by_sigmoid(x, g):
    """x times the sigmoid of 2u, so σ + x σ (1 - σ) 2u'."""
    share = 1 / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * np.clip(x + 0.044715 * x**3, -300, 300)))
    twice = math.sqrt(8 / math.pi) * (1 + 0.134145 * x**2)
    return g * (share + x * share * (1 - share) * twice)


def gelu_back_by_cosh(x, g):
    t = torch.from_numpy(x)
    root = math.sqrt(2 / math.pi)
    u = root * (t + 0.044715 * t**3)
    half = 0.5 * t / torch.cosh(u) ** 2 * (root + 3 * root * 0.044715 * t**2)
    return (torch.from_numpy(g) * (0.5 + 0.5 * torch.tanh(u) + half)).numpy()


def pre_in_one_line(x, attention, feed_forward, norm_1, norm_2):
    return (y := x + attention(norm_1(x))) + feed_forward(norm_2(y))


def pre_by_copy(x, attention, feed_forward, norm_1, norm_2):
    stream = x.copy()
    stream += attention(norm_1(stream))
    stream += feed_forward(norm_2(stream))
    return stream


def pre_by_loop(x, attention, feed_forward, norm_1, norm_2):
    for part, norm in ((attention, norm_1), (feed_forward, norm_2)):
        x = np.add(part(norm(x)), x)
    return x


def pre_of_what_is_added(x, attention, feed_forward, norm_1, norm_2):
    seen = attention(norm_1(x))
    return sum([feed_forward(norm_2(seen + x)), seen, x])


def post_in_one_line(x, attention, feed_forward, norm_1, norm_2, alpha):
    return norm_2(alpha * (y := norm_1(alpha * x + attention(x))) + feed_forward(y))


def post_by_copy(x, attention, feed_forward, norm_1, norm_2, alpha):
    stream = np.array(x)
    stream[...] = norm_1(np.multiply(alpha, stream) + attention(stream))
    stream[...] = norm_2(feed_forward(stream) + stream * alpha)
    return stream


def post_by_loop(x, attention, feed_forward, norm_1, norm_2, alpha):
    for part, norm in ((attention, norm_1), (feed_forward, norm_2)):
        x = norm(part(x) + x * alpha)
    return x


def residual_by_cosh(x, w_up, w_down, g):
    return g + np.dot(np.dot(g, w_down.T) / np.cosh(x @ w_up) ** 2, w_up.T)


def residual_by_einsum(x, w_up, w_down, g):
    slope = 1 - np.tanh(np.einsum("...d,df->...f", x, w_up)) ** 2
    return np.einsum("...e,fe,...f,df->...d", g, w_down, slope, w_up) + g


def residual_row_by_row(x, w_up, w_down, g):
    h, by_x = np.tanh(x @ w_up), g.copy()
    for row in np.ndindex(x.shape[:-1]):
        by_x[row] += w_up @ ((w_down @ g[row]) * (1 + h[row]) * (1 - h[row]))
    return by_x


RIGHT = {
    "split_heads": [split_by_slices, split_by_np_split, split_by_einsum, split_in_torch],
    "multi_head_attention": [
        heads_one_by_one,
        heads_by_einsum,
        heads_in_torch,
        heads_of_the_chapter,
    ],
    "grouped_keys_backward": [grouped_by_loop, grouped_by_einsum, grouped_by_long_rows],
    "attend_apart": [apart_in_arrays_of_their_own, apart_in_one_table, apart_all_at_once],
    "head_shapes": [
        [[3, 6, 10, 8], [3, 2, 14, 8], [3, 6, 10, 14]],
        (torch.Size([3, 6, 10, 8]), torch.Size([3, 2, 14, 8]), torch.Size([3, 6, 10, 14])),
        np.array([[3, 6, 10, 8], [3, 2, 14, 8], [3, 6, 10, 14]]),
    ],
    "pairs_without_swapaxes": [34, 34.0, np.int64(34), torch.tensor(34)],
    "alibi_bias": [bias_by_loops, bias_by_einsum, bias_by_powers],
    "rotate": [rotate_by_complex_numbers, rotate_by_rotate_half, rotate_pair_by_pair],
    "rotate_backward": [back_by_complex_numbers, back_by_x_not_rotated, back_term_by_term],
    "sinusoidal_positions": [waves_by_loops, waves_one_column_too_many, waves_by_phase],
    "rotated_score": [0.259, 0.2588, math.cos(math.pi * 75 / 180), np.cos(np.radians(75))],
    "first_return": [44, np.int64(44), np.array(44), 44.0],
    "layer_norm": [norm_by_squares, norm_vector_by_vector, norm_in_torch, norm_by_std],
    "rms_norm": [rms_by_norm, rms_by_einsum, rms_in_torch],
    "rms_norm_backward": [
        rms_back_by_jacobian,
        rms_back_through_the_mean_square,
        rms_back_by_d_times,
    ],
    "copied_norm": [norm_by_squares, norm_vector_by_vector, norm_by_std],
    "unseen_changes": [("abe", "a"), ["abe", "a"], np.array(["abe", "a"])],
    "half_deviation": [0.00183, 0.001826, math.sqrt(1e-5 / 3), np.float64(0.0018257)],
    "gelu": [gelu_by_sigmoid, gelu_by_loop, gelu_of_megatron, gelu_in_torch],
    "feed_forward": [
        network_by_dot,
        network_by_einsum,
        network_feature_by_feature,
        network_with_ones,
    ],
    "swiglu": [gate_by_sigmoid, gate_in_one_product, gate_in_torch],
    "gelu_backward": [gelu_back_by_loop, gelu_back_by_sigmoid, gelu_back_by_cosh],
    "crossing": [1408, 1408.0, np.int64(1408)],
    "hidden_ranks": [(24, 6), [24, 6], np.array([24, 6])],
    "pre_norm_block": [pre_in_one_line, pre_by_copy, pre_by_loop, pre_of_what_is_added],
    "post_norm_block": [post_in_one_line, post_by_copy, post_by_loop],
    "residual_backward": [residual_by_cosh, residual_by_einsum, residual_row_by_row],
    "leaking_block": [pre_in_one_line, pre_by_copy, pre_by_loop],
    "stream_spread": [(5, 1.41), [5.0, 1.414], np.sqrt([25, 2])],
    "paths_left": [(128, 0), [2**7, 0], np.array([128, 0])],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "attempt"), [(name, attempt) for name, right in RIGHT.items() for attempt in right]
)
def test_a_right_answer_passes(name, attempt, seed):
    verdict = getattr(check, name).judge(attempt, seed)
    assert verdict.passed, (verdict.case, verdict.problem, verdict.mistake)


@pytest.mark.parametrize("name", RIGHT)
def test_there_are_three_of_each(name):
    assert len(RIGHT[name]) >= 3
