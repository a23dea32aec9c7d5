"""The exercises of chapter 05, positions."""

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, behind, gradients


def _frequencies(width, base=10_000.0):
    return base ** -(np.arange(0, width, 2) / width)


def _waves(angles, width, first=np.sin, second=np.cos):
    """A table with the two waves of each angle side by side, cut to width."""
    pairs = np.stack([first(angles), second(angles)], axis=-1)
    return pairs.reshape(len(angles), -1)[:, :width]


def _even_only(angles, width):
    """A table that fails where the width is odd."""
    table = np.zeros((len(angles), width))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table


def _odd_only(angles, width):
    """A table that fails where the width is even."""
    table = np.zeros((len(angles), width))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles[:, :-1])
    return table


def _every(length, width):
    """The angle of each position and pair.   ->  (T, D/2)"""
    return np.arange(length)[:, None] * _frequencies(width)


def _one_axis(length, width):
    """Positions that are not a column: they meet the frequencies one by one."""
    table, angles = np.zeros((length, width)), np.arange(length) * _frequencies(width)
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table


def _quickest_dropped(length, width):
    """At an odd width the cosines begin with the second angle."""
    table, angles = np.zeros((length, width)), _every(length, width)
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles[:, width % 2 :])
    return table


def _given_table(length, d_model):
    angles = length / 10_000 ** (np.arange(0, d_model, 2) / d_model)
    table = np.zeros((length, d_model))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles)
    return table


sinusoidal_positions = Exercise(
    name="sinusoidal_positions",
    kind="hunt",
    asks="A sine and a cosine of each position, for any width.",
    reference=tantra.sinusoidal_positions,
    given=_given_table,
    cases={
        "four positions, width 6": (4, 6),
        "an odd width": (4, 5),
        "one position": (1, 2),
        "width 1": (3, 1),
    },
    draw=lambda rng: (int(rng.integers(5, 16)), int(rng.integers(31, 60))),
    mistakes={
        "the width no longer runs off the end. All rows are still equal: the angles are made from "
        "the length; each position needs its own.": (
            lambda length, width: _waves(np.full((length, 1), length) * _frequencies(width), width)
        ),
        "the rows differ now. An odd width still fails: there is one cosine less than sines.": (
            lambda length, width: _even_only(_every(length, width), width)
        ),
        "an odd width is right now, and an even one fails: there are d_model // 2 cosines, whether "
        "the width is odd or even.": (
            lambda length, width: _odd_only(_every(length, width), width)
        ),
        "positions count from 0 in this course: row 0 is made of sin 0 and cos 0.": (
            lambda length, width: _waves(_every(length + 1, width)[1:], width)
        ),
        "at an odd width the last column stayed 0: it is the sine of the slowest angle.": (
            lambda length, width: np.pad(
                _waves(_every(length, width)[:, : width // 2], width), ((0, 0), (0, width % 2))
            )
        ),
        "sines belong to the even columns, 0, 2, 4, and cosines to the odd ones.": (
            lambda length, width: _waves(_every(length, width), width, np.cos, np.sin)
        ),
        "all sines came first, then all cosines: they alternate, column by column.": (
            lambda length, width: np.concatenate(
                [np.sin(_every(length, width)), np.cos(_every(length, width))[:, : width // 2]], 1
            )
        ),
        "at an odd width the angles are those of the next even width: the exponent is 2i / D with "
        "the D that was given.": (
            lambda length, width: _waves(_every(length, width + width % 2), width)
        ),
        "the width D was given, and yours is one wider: at an odd width leave the last cosine "
        "out.": (
            lambda length, width: _waves(_every(length, width + width % 2), width + width % 2)
        ),
        "at an odd width yours is one column too wide: the last angle has a sine and no cosine.": (
            lambda length, width: _waves(_every(length, width), width + width % 2)
        ),
        "hand i has the exponent 2i / D, and yours i / D: take 0, 2, 4, ... over D.": (
            lambda length, width: _waves(
                np.arange(length)[:, None] * 10_000.0 ** -(np.arange((width + 1) // 2) / width),
                width,
            )
        ),
        "at an odd width the cosines leave out the first angle: it is the last that has no cosine, "
        "angles[:, : d_model // 2].": _quickest_dropped,
        "np.arange(0, d_model, 2) is 2i already: the exponent is 2i / D, and yours 4i / D.": (
            lambda length, width: _waves(
                np.arange(length)[:, None] * _frequencies(width) ** 2, width
            )
        ),
        "the table lies on its side: positions are its rows, features its columns.": (
            lambda length, width: _waves(_every(length, width), width).T
        ),
        "positions and frequencies lie along the same axis: give the positions an axis of their "
        "own, np.arange(length)[:, None].": _one_axis,
        "yours multiplies by the powers of 10,000: later columns should turn more slowly, so "
        "divide.": (
            lambda length, width: _waves(np.arange(length)[:, None] / _frequencies(width), width)
        ),
        "sine and cosine of a pair share one angle: both columns 2i and 2i + 1 have the exponent "
        "2i / D.": lambda length, width: np.sin(
            np.arange(length)[:, None] / 10_000.0 ** (np.arange(width) / width)
            + np.pi / 2 * (np.arange(width) % 2)
        ),
        "// rounds every exponent down to 0, so that all hands turn alike: divide with /.": (
            lambda length, width: _waves(
                np.arange(length)[:, None] * np.ones((width + 1) // 2), width
            )
        ),
        "each position is divided by the length: the angles are the positions themselves, 0, 1, 2, "
        "over the powers.": (lambda length, width: _waves(_every(length, width) / length, width)),
        "the rows count down: row 0 is position 0.": (
            lambda length, width: _waves(_every(length, width)[::-1], width)
        ),
        "the last row is missing: positions run from 0 to length - 1, np.arange(length).": (
            lambda length, width: _waves(_every(length, width)[:-1], width)
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "Print the table for length 4 and width 6. Should its rows be alike?",
        "Which axis is time? Angles of shape (T, D/2) come from a column of positions, (T, 1).",
        "positions = np.arange(length)[:, None]; and np.cos(angles[:, : d_model // 2]).",
    ),
)


def _halves(x):
    return np.split(x, 2, axis=-1)


def _rotated_by(x, angles, first, second):
    """Both halves of the answer, each a function of a, b, cos and sin."""
    parts = *_halves(x), np.cos(angles), np.sin(angles)
    return np.concatenate([first(*parts), second(*parts)], axis=-1)


def _first(a, b, cos, sin):
    return a * cos - b * sin


def _second(a, b, cos, sin):
    return a * sin + b * cos


def _rotating(first=_first, second=_second):
    return lambda x, angles: _rotated_by(x, angles, first, second)


def _one_after_the_other(x, angles):
    """The slip of writing into an array that is still being read."""
    rotated, half = x.copy(), x.shape[-1] // 2
    cos, sin = np.cos(angles), np.sin(angles)
    rotated[..., :half] = rotated[..., :half] * cos - rotated[..., half:] * sin
    rotated[..., half:] = rotated[..., :half] * sin + rotated[..., half:] * cos
    return rotated


def _pairs_at_the_end(x, angles):
    """Halves are rotated, and neighbours are what is returned."""
    a, b = _halves(tantra.rotate(x, angles))
    return np.stack([a, b], axis=-1).reshape(x.shape)


def _cut_at_axis_1(x, angles):
    """Fails where axes stand in front."""
    half, cos, sin = x.shape[-1] // 2, np.cos(angles), np.sin(angles)
    a, b = x[:, :half], x[:, half:]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


def _cut_at_axis_0(x, angles):
    """Fails for an odd number of rows, and where the halves do not meet the angles."""
    (a, b), cos, sin = np.split(x, 2), np.cos(angles), np.sin(angles)
    return np.concatenate([a * cos - b * sin, a * sin + b * cos])


def _rows_cut(x, angles):
    """The first axis cut by slices: uneven, where it has an odd number of rows."""
    half, cos, sin = len(x) // 2, np.cos(angles), np.sin(angles)
    a, b = x[:half], x[half:]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos])


def _draw_rotate(rng):
    return *behind(rng, (5, 8)), rng.uniform(-4, 4, (5, 4))


rotate = Exercise(
    name="rotate",
    kind="implement",
    asks="Rotate features i and i + K/2 of each position together, by the angles of that position.",
    reference=lambda x, angles: tantra.rotate(x, angles),
    library=tantra.rotate,
    cases={
        "a quarter turn": (np.array([[1.0, 2.0]]), np.array([[np.pi / 2]])),
        "one position, two pairs": (np.array([[1.0, 0.0, 0.0, 1.0]]), np.array([[0.5, 0.25]])),
        "two positions, one pair": (array(2, 2), np.array([[0.5], [-2.0]])),
        "three positions": (array(3, 4), tantra.rotary_angles(3, 4)),
        "a batch": (array(2, 3, 4, seed=1), tantra.rotary_angles(3, 4)),
        "two axes in front": (array(2, 3, 1, 4, seed=1), np.array([[0.5, -2.0]])),
    },
    draw=_draw_rotate,
    mistakes={
        "rotated the other way round: the first of a pair becomes a cos - b sin.": (
            lambda x, angles: tantra.rotate(x, -angles)
        ),
        "those pairs are neighbours, 2i and 2i + 1; wanted are halves, i and i + K/2.": (
            lambda x, angles: tantra.rotate(x, angles, "neighbours")
        ),
        "the halves are rotated well, and then laid out as neighbours: put the first half back "
        "before the second.": _pairs_at_the_end,
        "the first half is overwritten before the second half has used it: take both halves out "
        "first.": _one_after_the_other,
        "only the first half is rotated: the second becomes a sin + b cos.": (
            _rotating(second=lambda a, b, cos, sin: b)
        ),
        "only the second half is rotated: the first becomes a cos - b sin.": (
            _rotating(first=lambda a, b, cos, sin: a)
        ),
        "a sign is missing: with + in both lines the pair is not rotated, and its length "
        "changes.": (_rotating(first=lambda a, b, cos, sin: a * cos + b * sin)),
        "the second of a pair becomes a sin + b cos; with - it is mirrored, not rotated.": (
            _rotating(second=lambda a, b, cos, sin: a * sin - b * cos)
        ),
        "a sign is wrong: the second of a pair becomes a sin + b cos.": (
            _rotating(second=lambda a, b, cos, sin: b * cos - a * sin)
        ),
        "the second of a pair becomes a sin + b cos; in yours a and b have changed places.": (
            _rotating(second=lambda a, b, cos, sin: a * cos + b * sin)
        ),
        "the two halves have changed places: a cos - b sin comes first.": _rotating(
            _second, _first
        ),
        "the pairs are neighbours on the way in, and halves on the way out: wanted are halves both "
        "times.": lambda x, angles: np.concatenate(
            [tantra.rotate(x, angles, "neighbours")[..., start::2] for start in (0, 1)], axis=-1
        ),
        "np.split(x, 2) cuts axis 0, the positions or a batch: the features are axis=-1.": (
            _cut_at_axis_0
        ),
        "x[:half] with half from len(x) cuts axis 0, the positions or a batch: the features are "
        "the last axis, x[..., :half].": _rows_cut,
        "each half meets only itself: the sine brings in the other half, a cos - b sin and "
        "a sin + b cos.": _rotating(
            lambda a, b, cos, sin: a * cos - a * sin, lambda a, b, cos, sin: b * cos + b * sin
        ),
        "the two halves are returned apart: lay them side by side, np.concatenate(..., axis=-1).": (
            lambda x, angles: tuple(_halves(tantra.rotate(x, angles)))
        ),
        "the halves are put together along axis 1, as np.hstack does too: the features are the "
        "last axis, axis=-1.": lambda x, angles: np.hstack(_halves(tantra.rotate(x, angles))),
        "right for one sequence, and an error where axes stand in front: x[..., :half] cuts the "
        "last axis of any number, where x[:, :half] and T, K = x.shape know two.": _cut_at_axis_1,
        "the two halves are stacked along a new axis: lay them side by side, axis=-1.": (
            lambda x, angles: np.stack(_halves(tantra.rotate(x, angles)), axis=-1)
        ),
        "the two halves lie under each other: side by side is axis=-1.": (
            lambda x, angles: np.concatenate(_halves(tantra.rotate(x, angles)), axis=0)
        ),
        "np.repeat lays each angle out twice in a row, which serves neighbours: for halves all the "
        "angles come once, and then once more.": (
            lambda x, angles: (
                x * np.repeat(np.cos(angles), 2, axis=-1)
                + tantra.rotate(x, np.full(angles.shape, np.pi / 2))
                * np.repeat(np.sin(angles), 2, axis=-1)
            )
        ),
        "sine and cosine are exchanged: an angle of 0 should leave x as it is.": (
            lambda x, angles: tantra.rotate(x, np.pi / 2 - angles)
        ),
        "the angles are in radians already: no conversion from degrees.": (
            lambda x, angles: tantra.rotate(x, np.radians(angles))
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "Cut x into its first and its second half along the last axis: a and b.",
        "Each has shape (..., T, K/2), as the angles have. Rotate (a, b) like a point in "
        "the plane.",
        "np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)",
    ),
)


def _rotated(x, angles):
    a, b = x.chunk(2, dim=-1)
    rotated = torch.complex(a, b) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([rotated.real, rotated.imag], dim=-1)


def _by_angles(x, angles, g):
    """The gradient by the angles before it is summed over the axes in front."""
    (a, b), (g_a, g_b) = _halves(tantra.rotate(x, angles)), _halves(g)
    return g_b * a - g_a * b


def _summed(values):
    return values.reshape(-1, *values.shape[-2:]).sum(axis=0)


def _rotated_back(x, angles, g):
    return tantra.rotate(g, -angles)


def _backward(x, angles, g, *, back=_rotated_back, of=_by_angles, total=_summed):
    """The right backward pass; the keywords put a slip in the place of a part."""
    return back(x, angles, g), total(of(x, angles, g))


def _with(**slips):
    return lambda x, angles, g: _backward(x, angles, g, **slips)


def _by_x(
    first=lambda a, b, cos, sin: a * cos + b * sin, second=lambda a, b, cos, sin: b * cos - a * sin
):
    """The gradient by x with another line for one half of it."""
    return _with(back=lambda x, angles, g: _rotated_by(g, angles, first, second))


def _of_pairs(combine):
    """The gradient by the angles made otherwise of the rotated pair and the two halves of g."""
    return _with(of=lambda x, angles, g: combine(*_halves(tantra.rotate(x, angles)), *_halves(g)))


def _of_derivatives(du=lambda a, b, cos, sin: -a * sin - b * cos, dv=_first):
    """The gradient by the angles with another derivative of u or v, made of a, b, cos and sin."""

    def of(x, angles, g):
        by_u, by_v = _halves(g * _rotated_by(x, angles, du, dv))
        return by_u + by_v

    return _with(of=of)


def _not_rotated(x, angles, g):
    (a, b), (g_a, g_b) = _halves(x), _halves(g)
    return g_b * a - g_a * b


def _of_neighbours(x, angles, g):
    rotated = tantra.rotate(x, angles, "neighbours")
    return g[..., 1::2] * rotated[..., 0::2] - g[..., 0::2] * rotated[..., 1::2]


def _draw_rotate_backward(rng):
    x, angles = _draw_rotate(rng)
    return x, angles, rng.standard_normal(x.shape)


rotate_backward = Exercise(
    name="rotate_backward",
    kind="derive",
    asks="The gradients by x and by the angles, from the gradient g by the rotated x (halves).",
    reference=lambda x, angles, g: gradients(_rotated, g, x, angles),
    results=("the gradient by x", "the gradient by the angles"),
    cases={
        "one pair": (np.array([[1.0, 2.0]]), np.array([[0.5]]), np.array([[1.0, 0.0]])),
        "three positions": (array(3, 4), tantra.rotary_angles(3, 4), array(3, 4, seed=1)),
        "a batch": (
            array(2, 3, 4, seed=2),
            tantra.rotary_angles(3, 4),
            array(2, 3, 4, seed=3),
        ),
        "two axes in front": (
            array(2, 3, 1, 4, seed=4),
            np.array([[0.5, -2.0]]),
            array(2, 3, 1, 4, seed=5),
        ),
    },
    draw=_draw_rotate_backward,
    mistakes={
        "by x: you rotate g forwards. A gradient goes through the transpose, which rotates back.": (
            _with(back=lambda x, angles, g: tantra.rotate(g, angles))
        ),
        "by x: you hand g on as it came. It has to be rotated back.": (
            _with(back=lambda x, angles, g: g)
        ),
        "by x: that is x rotated back; a gradient is made of g.": (
            _with(back=lambda x, angles, g: tantra.rotate(x, -angles))
        ),
        "by x: in the first half a sign is flipped. Rotating back is rotating by -θ: every sine "
        "changes its sign, and no cosine does.": (
            _by_x(first=lambda a, b, cos, sin: a * cos - b * sin)
        ),
        "by x: in the second half the sine has the wrong sign. Rotating back is rotating by -θ: "
        "every sine changes its sign.": _by_x(second=lambda a, b, cos, sin: b * cos + a * sin),
        "by x: in the second half the cosine has the wrong sign. Rotating back is rotating by -θ, "
        "which changes no cosine.": _by_x(second=lambda a, b, cos, sin: -b * cos - a * sin),
        "by x: both signs of the second half are flipped. Rotating back is rotating by -θ: the "
        "sines change their signs, the cosines do not.": (
            _by_x(second=lambda a, b, cos, sin: a * sin - b * cos)
        ),
        "by the angles: the sign is flipped. At angle 0 the derivative of (a cos - b sin, a sin + "
        "b cos) is (-b, a).": _with(of=lambda *args: -_by_angles(*args)),
        "by the angles: that uses x; the derivative of a rotated pair (u, v) is (-v, u), made from "
        "the rotated pair.": _with(of=_not_rotated),
        "by the angles: all the axes in front share one angle, so their gradients are added, not "
        "averaged.": _with(
            total=lambda values: values.reshape(-1, *values.shape[-2:]).mean(axis=0)
        ),
        "by the angles: the axes in front are still there. They share one angle: add their "
        "gradients.": _with(total=lambda values: values),
        "by the angles: only the first of each pair is counted; both move with the angle.": (
            _of_pairs(lambda u, v, g_u, g_v: -g_u * v)
        ),
        "by the angles: only the second of each pair is counted; both move with the angle.": (
            _of_pairs(lambda u, v, g_u, g_v: g_v * u)
        ),
        "by the angles: a sign is missing. Growing angles move u by -v, and v by +u.": (
            _of_pairs(lambda u, v, g_u, g_v: g_v * u + g_u * v)
        ),
        "by the angles: a sign is wrong. Growing angles move v by +u, so g_v · u is added.": (
            _of_pairs(lambda u, v, g_u, g_v: -g_v * u - g_u * v)
        ),
        "by the angles: g is left out. How far the pair moves, (-v, u), still meets g, number by "
        "number.": _of_pairs(lambda u, v, g_u, g_v: u - v),
        "by the angles: take the rotated x with g as it came, or x with g rotated back, not both "
        "rotated.": _with(of=lambda x, angles, g: _by_angles(x, angles, tantra.rotate(g, -angles))),
        "by the angles: one angle rotates both of a pair: add the two parts, do not lay them side "
        "by side.": _of_pairs(lambda u, v, g_u, g_v: np.concatenate([-g_u * v, g_v * u], axis=-1)),
        "by the angles: axis 0 is an axis in front only in a batch. Add up every axis before the "
        "last two, and none where there are only two.": _with(
            total=lambda values: values.sum(axis=0)
        ),
        "by the angles: the positions are added up too, and each has its own angle: add up every "
        "axis before the last two.": _with(
            total=lambda values: values.sum(axis=tuple(range(values.ndim - 1)))
        ),
        "those pairs are neighbours, 2i and 2i + 1; wanted are halves, i and i + K/2.": _with(
            back=lambda x, angles, g: tantra.rotate(g, -angles, "neighbours"),
            of=_of_neighbours,
        ),
        "by the angles: each position and pair has an angle of its own, so the gradient has the "
        "shape (T, K/2).": _with(total=np.sum),
        "the two gradients have changed places: first by x, then by the angles.": (
            lambda x, angles, g: _backward(x, angles, g)[::-1]
        ),
        "by the angles: you multiply each by its own. A small rotation moves u by -v, and "
        "v by u.": (_of_pairs(lambda u, v, g_u, g_v: g_u * u + g_v * v)),
        "by the angles: axes 0 and 1 are axes in front only where there are two: add up every axis "
        "before the last two.": _with(total=lambda values: values.sum(axis=(0, 1))),
        "by the angles: how u = a cos - b sin changes with θ has a wrong sign before a.": (
            _of_derivatives(du=lambda a, b, cos, sin: a * sin - b * cos)
        ),
        "by the angles: how u = a cos - b sin changes with θ has a wrong sign before b.": (
            _of_derivatives(du=lambda a, b, cos, sin: b * cos - a * sin)
        ),
        "by the angles: how v = a sin + b cos changes with θ has a wrong sign before a.": (
            _of_derivatives(dv=lambda a, b, cos, sin: -a * cos - b * sin)
        ),
        "by the angles: how v = a sin + b cos changes with θ has a wrong sign before b.": (
            _of_derivatives(dv=lambda a, b, cos, sin: a * cos + b * sin)
        ),
        "by the angles: the derivative of cos is -sin; its minus is missing for u and for v.": (
            _of_derivatives(
                du=lambda a, b, cos, sin: a * sin - b * cos,
                dv=lambda a, b, cos, sin: a * cos + b * sin,
            )
        ),
        "by the angles: one axis in front is added up; there may be more, and each is.": _with(
            total=lambda values: values.sum(axis=0) if values.ndim > 2 else values
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "By x: the matrix of a rotation has its transpose as its inverse.",
        "By the angles: with u = a cos θ - b sin θ and v = a sin θ + b cos θ, what are ∂u/∂θ and "
        "∂v/∂θ in terms of u and v?",
        "∂u/∂θ = -v and ∂v/∂θ = u: sum g_v · u - g_u · v over every axis before the last two.",
    ),
)


def _bias(distance=abs, slopes=None):
    """ALiBi with another distance or other slopes."""

    def biased(num_heads, queries, keys):
        h = np.arange(1, num_heads + 1)
        m = 2.0 ** (-8 * h / num_heads) if slopes is None else slopes(h, num_heads)
        return -m[:, None, None] * distance(queries[:, None] - keys[None, :])

    return biased


def _slopes_of_the_code(h, num_heads):
    """The slopes that the authors' program takes, other ones where H is no power of two."""
    below = 2 ** int(np.log2(num_heads))
    twice = np.arange(1, 2 * (num_heads - below) + 1, 2)
    exponents = [-8 * np.arange(1, below + 1) / below, -4 * twice / below]
    return 2.0 ** np.concatenate(exponents)


def _without_axes(slopes_of):
    """Slopes that do not stand on an axis of their own in front of queries and keys."""

    def wrong(num_heads, queries, keys):
        slopes = 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)
        return -slopes_of(slopes) * abs(queries[:, None] - keys)

    return wrong


alibi_bias = Exercise(
    name="alibi_bias",
    kind="implement",
    asks="Minus slope times distance, for every head, query and key.",
    reference=tantra.alibi_bias,
    cases={
        "four heads, one query": (4, np.array([2]), np.arange(3)),
        "two heads": (2, np.array([3, 4, 5]), np.arange(4)),
        "one head": (1, np.array([5, 1]), np.array([0, 5, 2])),
        "three heads": (3, np.array([4, 7]), np.array([0, 7, 2, 4])),
    },
    draw=lambda rng: (int(rng.integers(6, 12)), rng.permutation(9)[:4], rng.permutation(20)[:5]),
    mistakes={
        "a distance is taken from a score: the bias is negative, or 0.": (
            lambda *args: -tantra.alibi_bias(*args)
        ),
        "that counts rows and columns: queries and keys hold the positions themselves.": (
            lambda num_heads, queries, keys: tantra.alibi_bias(
                num_heads, np.arange(len(queries)), np.arange(len(keys))
            )
        ),
        "both axes count the queries; keys hold positions of their own: queries[:, None] - keys.": (
            lambda num_heads, queries, keys: tantra.alibi_bias(
                num_heads, np.arange(len(queries)), np.arange(len(queries))
            )
        ),
        "later keys get a reward: a distance has no sign, take abs.": _bias(lambda d: d),
        "keys after the query should lose too: take abs, and leave the future to the mask.": _bias(
            lambda d: np.maximum(d, 0)
        ),
        "heads are counted from 1 here: the first slope is 2 to the power -8/H, not 1.": _bias(
            slopes=lambda h, num_heads: 2.0 ** (-8 * (h - 1) / num_heads)
        ),
        "a key before the query gets a reward: the distance has no sign, so take abs before the "
        "minus.": _bias(lambda d: -d),
        "the exponent is -8h/H; yours is -8/h, which grows with h and forgets H.": _bias(
            slopes=lambda h, num_heads: 2.0 ** (-8 / h)
        ),
        "the exponent is -8h/H; yours is -8h and forgets H.": _bias(
            slopes=lambda h, num_heads: 2.0 ** (-8 * h)
        ),
        "that is one head's bias: every head has its own, so the shape is (H, T, S).": (
            lambda *args: tantra.alibi_bias(*args)[0]
        ),
        "the exponent is -8h/H; the 8 is missing.": _bias(
            slopes=lambda h, num_heads: 2.0 ** (-h / num_heads)
        ),
        "the exponent is -8h/H; yours is positive, so the last head takes 256 a step.": _bias(
            slopes=lambda h, num_heads: 2.0 ** (8 * h / num_heads)
        ),
        "// rounds the exponent to a whole number: divide with /.": _bias(
            slopes=lambda h, num_heads: 2.0 ** (-8 * h // num_heads)
        ),
        "the future is the mask's work: here a later key only loses by its distance.": (
            lambda num_heads, queries, keys: np.where(
                queries[:, None] >= keys, tantra.alibi_bias(num_heads, queries, keys), -np.inf
            )
        ),
        "the heads stand last: the shape is (H, T, S).": (
            lambda *args: np.moveaxis(tantra.alibi_bias(*args), 0, -1)
        ),
        "2 ** -8 * h / H takes 2 to the power -8 alone: brackets, 2.0 ** (-8 * h / H).": _bias(
            slopes=lambda h, num_heads: 2.0**-8 * h / num_heads
        ),
        "two slips at once: heads are counted from 1, the first slope being 2 to the power -8/H; "
        "and a distance is taken from a score.": _bias(
            slopes=lambda h, num_heads: -(2.0 ** (-8 * (h - 1) / num_heads))
        ),
        "queries - keys meets them one by one: every query meets every key in "
        "queries[:, None] - keys.": lambda num_heads, queries, keys: (
            -(2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads))[:, None, None]
            * abs(queries - keys)
        ),
        "2 to the power -h is right for eight heads only: the exponent is -8h/H.": _bias(
            slopes=lambda h, num_heads: 2.0**-h
        ),
        "the powers are of 2, not of e.": _bias(
            slopes=lambda h, num_heads: np.exp(-8 * h / num_heads)
        ),
        "the heads stand in the wrong order: the first falls most steeply.": (
            lambda *args: tantra.alibi_bias(*args)[::-1]
        ),
        "the distance is squared: a step costs the same everywhere.": _bias(lambda d: d**2),
        "queries and keys changed places: rows ask and columns answer.": (
            lambda num_heads, queries, keys: tantra.alibi_bias(num_heads, keys, queries)
        ),
        "the H slopes meet the columns, which are keys: give them two axes of length 1 behind, "
        "slopes[:, None, None].": _without_axes(lambda slopes: slopes),
        "the H slopes meet the rows, which are queries: they need two axes of length 1 behind, "
        "slopes[:, None, None].": _without_axes(lambda slopes: slopes[:, None]),
        "a head is missing: np.arange(1, H) ends at H - 1.": (
            lambda num_heads, *positions: tantra.alibi_bias(num_heads, *positions)[:-1]
        ),
        "the slope multiplies the distance; it is not added to it.": (
            lambda num_heads, queries, keys: (
                2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)[:, None, None]
                - abs(queries[:, None] - keys)
            )
        ),
        "the exponent is -8h/H; yours is -8H/h, upside down.": _bias(
            slopes=lambda h, num_heads: 2.0 ** (-8 * num_heads / h)
        ),
        "all heads have one slope: the exponent is -8h/H, with another h for each.": _bias(
            slopes=lambda h, num_heads: 2.0 ** (-8 / num_heads * np.ones(num_heads))
        ),
        "those are the slopes of the authors' program, which differ where H is no power of two: "
        "here -8h/H holds for every H.": _bias(slopes=_slopes_of_the_code),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "Distances first: abs of queries[:, None] - keys[None, :], of shape (T, S).",
        "Then one slope for each head: 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads).",
        "-slopes[:, None, None] * distance has shape (H, T, S).",
    ),
)


def _cosine(degrees):
    return float(np.cos(np.radians(degrees)))


rotated_score = Prediction(
    name="rotated_score",
    kind="predict",
    asks="The score of a rotary query at position 5 and key at 2, at 25 degrees a step.",
    answer=_cosine(75),
    mistakes={
        "the angles are subtracted, not added: query and key are both rotated the same way.": (
            _cosine(175)
        ),
        "that is the score of words at one place: here they are three steps apart.": 1.0,
        "that is the sine; the product of two arrows of length 1 is the cosine of their angle.": (
            _cosine(15)
        ),
        "only the query is rotated; rotate the key by its own position too.": _cosine(125),
        "only the key is rotated; rotate the query by its own position too.": _cosine(50),
        "that is one step; the two stand three steps apart.": _cosine(25),
        "degrees are not radians: the angle is 75 degrees.": float(np.cos(75)),
        "that is the angle between the two; the product is its cosine.": 75.0,
        "the cosine of 75 degrees is positive: less than a quarter turn lies between the arrows.": (
            -_cosine(75)
        ),
        "that multiplies the first numbers of the two arrows; their product adds that of the "
        "second numbers, sin 125° · sin 50°.": _cosine(125) * _cosine(50),
        "that is divided by √2; here there is no divisor.": _cosine(75) / np.sqrt(2),
        "from position 2 to position 5 there are three steps, not four.": _cosine(100),
        "the chapter has two steps of 30 degrees; here there are three, of 25 degrees.": 0.5,
        "three steps of 30 degrees would be 90; a step here is 25 degrees.": 0.0,
    },
    rtol=2e-3,
    hints=(
        "The query points to 125 degrees. Where does the key point?",
        "What is the angle between them, and its cosine?",
    ),
)

first_return = Prediction(
    name="first_return",
    kind="ablate",
    asks="The first position after 0 whose row is within 0.1 of row 0, with the quickest hand.",
    answer=44,
    mistakes={
        "one turn is 6.28 steps. At 6 the hand is still 0.28 away from where it began.": 6,
        "at 25, four turns, the hand is 0.13 away: close, but not within 0.1.": 25,
        "at 19, three turns, the hand is 0.15 away: close, but not within 0.1.": 19,
        "at 22 the hand points the opposite way: the sine is near 0 again, the cosine is -1.": 22,
        "at 3 the sine is near 0 and the cosine is -1: compare both columns.": 3,
        "that is position 0 itself; look after it.": 0,
        "at 710 the hand is closer than ever, but it was within 0.1 before: take the first.": 710,
        "at 355 the hand points the opposite way: the sine is near 0 again, the cosine is -1.": 355,
        "that is a return, but not the first one.": 88,
        "one turn is 6.28 steps. At 7 the hand is 0.70 away from where it began.": 7,
        "at 13, two turns, the hand is 0.43 away: close, but not within 0.1.": 13,
        "at 38, six turns, the hand is 0.30 away; it does not come nearer every time.": 38,
        "at 63, ten turns, the hand is 0.17 away: not within 0.1, and it was nearer before.": 63,
        "one too far: positions count from 0, so position 45 is row 45, the 46th.": 45,
        "one too near: in a list that begins at position 1, index 43 is another position.": 43,
        "at 1 the hand is 0.96 away. Was a step taken for a degree? It is a radian.": 1,
        "that is how far away the row is; wanted is the position.": (
            float(np.hypot(np.sin(44), np.cos(44) - 1))
        ),
        "a full turn ends between two positions: a position is a whole number.": 2 * np.pi,
    },
    hints=(
        "The row of position t is (sin t, cos t). How far is it from (0, 1)?",
        "np.hypot(np.sin(t), np.cos(t) - 1) for t = 1, 2, 3, ...; the first below 0.1.",
    ),
)

EXERCISES = [
    alibi_bias,
    rotate,
    rotate_backward,
    sinusoidal_positions,
    rotated_score,
    first_return,
]
