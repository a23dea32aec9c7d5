"""Positions: attention alone sees a bag of vectors; these tell it the order."""

import numpy as np
import torch
from torch import nn

from tantra.arrays import as_positions, in_floats, is_whole, like, namespace
from tantra.cache import held_positions
from tantra.checks import check_count, check_number, one_of

PAIRS = {"halves": -2, "neighbours": -1}  # the axis that tells partners apart


def sinusoidal_positions(length, d_model, base=10_000.0):
    """A sine and a cosine of each position, from quick waves to slow ones.

    length = T   d_model = D  ->  (T, D)

    NumPy float64.  Column 2i holds sin(t / base^(2i/D)), column 2i+1 the cosine; an odd width
    ends on a sine.  Source: Vaswani et al. 2017, section 3.5.
    """
    angles = _angles(length, d_model, base)
    table = np.stack([np.sin(angles), np.cos(angles)], axis=-1)  # (T, D/2, 2)
    return table.reshape(length, -1)[:, :d_model]


def rotary_angles(length, d_head, base=10_000.0):
    """The angle, in radians, by which each position rotates each pair of features.

    length = T   d_head = K  ->  (T, K/2)

    NumPy float64: keep it so, since rounded angles are soon wrong by radians.  Pair i rotates by
    1 / base^(2i/d_head) a step; models for long texts have a larger base.  Raises ValueError for
    an odd d_head.  Source: Su et al. 2021, equation 15.

    >>> rotary_angles(3, 4)
    array([[0.  , 0.  ],
           [1.  , 0.01],
           [2.  , 0.02]])
    """
    check_pairs(d_head)
    return _angles(length, d_head, base)


@in_floats("x")
def rotate(x, angles, pairs="halves"):
    """x with each pair of features rotated by its angle, so that q · k feels only the distance.

    x (..., T, K)   angles (T, K/2)  ->  (..., T, K)

    pairs="halves" rotates features i and i + K/2 together, "neighbours" 2i and 2i + 1, as in the
    paper; neighbours_to_halves leads from one to the other.  Cosines are taken in the angles'
    own type, and only then cast to x's.  Source: Su et al. 2021, equation 34.
    """
    axis = one_of(PAIRS, "pairs", pairs)
    check_angles(x, angles)
    xp = namespace(angles)
    cos, sin = like(xp.cos(angles), x), like(xp.sin(angles), x)
    a, b = _partners(x, pairs)  # each (..., T, K/2)
    rotated = [a * cos - b * sin, a * sin + b * cos]
    return namespace(x).stack(rotated, axis=axis).reshape(x.shape)


def neighbours_to_halves(d_head):
    """The order of features that turns the layout "neighbours" into "halves".

    d_head = K  ->  (K,)

    With p = neighbours_to_halves(K), rotate(x, angles, "neighbours")[..., p] equals
    rotate(x[..., p], angles, "halves"); argsort(p) leads back.

    >>> neighbours_to_halves(6)
    array([0, 2, 4, 1, 3, 5])
    """
    check_pairs(d_head)
    return np.arange(d_head).reshape(-1, 2).T.reshape(-1)


def alibi_bias(num_heads, queries, keys, slopes="paper"):
    """What each head takes from a score for each step of distance: near keys count more.

    num_heads = H   queries (T,)   keys (S,)  ->  (H, T, S)

    In float64, or in the positions' own type where they are floats.  Head h of H (from 1) loses
    2^(-8h/H) a step, as the paper has it.  slopes="released" is what its authors' code does, and
    Bloom's, Falcon's and MPT's: where H is no power of two, the slopes of the power below it, then
    every other one of the power above, up to 0.8 apart.  Source: Press et al. 2021, section 3.
    """
    check_count(num_heads=num_heads)
    slopes = one_of(SLOPES, "slopes", slopes)(int(num_heads))  # (H,)
    queries, keys = as_positions(queries=queries, keys=keys)
    distance = abs(queries[:, None] - keys[None, :])  # (T, S)
    if is_whole(distance):
        distance = distance.astype(float) if namespace(distance) is np else distance.double()
    return -like(slopes, distance)[:, None, None] * distance


def _slopes(num_heads):
    return 2.0 ** (-8 / num_heads * np.arange(1, num_heads + 1))


def _released_slopes(num_heads):
    power = 2 ** (num_heads.bit_length() - 1)
    return np.concatenate([_slopes(power), _slopes(2 * power)[::2]])[:num_heads]


SLOPES = {"paper": _slopes, "released": _released_slopes}


class LearnedPositions(nn.Module):
    """x plus a row to learn for each position, and nothing for attention to know.

    x (B, T, D)  ->  (B, T, D)

    Like every class here it takes how many positions are past, and how many tokens at the front
    of each row are padding; it returns x and a dictionary of what attention must know.  Raises
    ValueError past the last row.  Source: Radford et al. 2019.
    """

    only_distances = False  # each position is known by its number, and the numbers end

    def __init__(self, context_length, d_model, *, generator=None):
        super().__init__()
        check_count(context_length=context_length, d_model=d_model)
        weight = torch.empty(context_length, d_model)
        self.weight = nn.Parameter(nn.init.normal_(weight, std=0.02, generator=generator))

    def forward(self, x, past=0, padding=None):
        return x + _rows(self.weight, x, past, padding), {}


class SinusoidalPositions(nn.Module):
    """x plus waves of each position, made 1/√D as high, and nothing for attention to know.

    x (B, T, D)  ->  (B, T, D)

    The paper has √D x plus the waves: the same direction, but too long a vector for GPT-2's small
    initial weights.  Source: Vaswani et al. 2017, sections 3.4 and 3.5.
    """

    only_distances = False

    def __init__(self, context_length, d_model):
        super().__init__()
        # not a buffer: it stays float64, whatever the model is cast to
        self.table = torch.from_numpy(sinusoidal_positions(context_length, d_model))

    def forward(self, x, past=0, padding=None):
        waves = like(_rows(self.table, x, past, padding), x)
        return x + waves / x.shape[-1] ** 0.5, {}


class RotaryPositions(nn.Module):
    """x as it came; attention gets the angles that rotate its queries and keys.

    x (B, T, D)  ->  (B, T, D)

    Only distances reach the scores, so padding in front changes nothing, and positions never end.
    Source: Su et al. 2021.
    """

    only_distances = True

    def __init__(self, d_head, base=10_000.0):
        super().__init__()
        # not a buffer: it stays float64, whatever the model is cast to
        self.step = torch.from_numpy(rotary_angles(2, d_head, base)[1])  # (K/2,), of one position

    def forward(self, x, past=0, padding=None):
        positions = torch.arange(past, past + x.shape[-2], device=self.step.device)
        return x, {"angles": positions[:, None] * self.step}


class LearnedRotaryPositions(LearnedPositions):
    """Both: x plus a row to learn for each position, and the angles that rotate queries and keys.

    x (B, T, D)  ->  (B, T, D)

    A head can then look back by a distance, and can also know the number of a position.
    Source: ours; chapter 14 measures what it does.
    """

    def __init__(self, context_length, d_model, d_head, base=10_000.0, *, generator=None):
        super().__init__(context_length, d_model, generator=generator)
        self.rotary = RotaryPositions(d_head, base)

    def forward(self, x, past=0, padding=None):
        x, _ = super().forward(x, past, padding)
        return self.rotary(x, past, padding)


class AlibiPositions(nn.Module):
    """x as it came; attention gets what distance takes from its scores.

    x (B, T, D)  ->  (B, T, D)

    slopes is "paper" or "released" (see alibi_bias).  Source: Press et al. 2021.
    """

    only_distances = True

    def __init__(self, num_heads, context_length, slopes="paper"):
        super().__init__()
        check_count(num_heads=num_heads, context_length=context_length)
        one_of(SLOPES, "slopes", slopes)
        self.num_heads, self.context_length, self.slopes = num_heads, context_length, slopes

    def forward(self, x, past=0, padding=None):
        end = past + x.shape[-2]
        fine = torch.promote_types(x.dtype, torch.float32)  # some devices have no float64
        queries = torch.arange(past, end, device=x.device, dtype=fine)
        keys = held_positions(end, self.context_length, x.device).to(fine)
        return x, {"attn_bias": alibi_bias(self.num_heads, queries, keys, self.slopes).to(x.dtype)}


class NoPositions(nn.Module):
    """x as it came, and nothing for attention to know.

    x (B, T, D)  ->  (B, T, D)
    """

    only_distances = True

    def forward(self, x, past=0, padding=None):
        return x, {}


def _rows(table, x, past, padding):
    """The rows of a table for the positions of x, which come after the past ones."""
    end = past + x.shape[-2]
    if end > len(table):
        raise ValueError(
            f"position {end - 1} is asked for, and the table ends at {len(table) - 1}: give a "
            "shorter sequence, or make the table longer"
        )
    if padding is None:
        return table[past:end]
    positions = torch.arange(past, end, device=table.device) - padding[:, None].to(table.device)
    return table[positions.clamp(min=0)]  # (B, T, D): each row counts from its own first token


def _angles(length, width, base):
    check_count(least=0, length=length)
    check_count(d_model=width)
    check_base(base=base)
    frequencies = base ** -(np.arange(0, width, 2) / width)  # from 1 down to almost 1/base
    return np.arange(length)[:, None] * frequencies


def _partners(x, pairs):
    half = x.shape[-1] // 2
    if pairs == "halves":
        return x[..., :half], x[..., half:]
    return x[..., 0::2], x[..., 1::2]


def check_pairs(d_head):
    """TypeError or ValueError unless a head of this width can rotate its features in pairs."""
    check_count(d_head=d_head)
    if d_head % 2:
        raise ValueError(f"d_head is {d_head}, and features are rotated in pairs; use {d_head + 1}")


def check_base(**named):
    """TypeError or ValueError unless the named number is one whose powers are wave lengths."""
    check_number(**named)
    ((name, base),) = named.items()
    if base <= 0:
        raise ValueError(f"{name} is {base}; it must be above 0, such as 10,000")


def check_angles(x, angles):
    """TypeError or ValueError, in words, unless angles are fine enough and fit x.

    x (..., T, K)   angles (T, K/2)
    """
    if angles.dtype.itemsize < 4:
        raise TypeError(
            f"angles are {angles.dtype}, too coarse for far positions; keep them float64 (rotate "
            "casts their cosines)"
        )
    if x.ndim < 2 or (x.shape[-2], x.shape[-1]) != (angles.shape[-2], 2 * angles.shape[-1]):
        raise ValueError(
            f"x {tuple(x.shape)} does not fit angles {tuple(angles.shape)}: x needs "
            f"{angles.shape[-2]} positions and {2 * angles.shape[-1]} features"
        )
