"""The exercises of chapter 05, positions."""

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array


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


def _every(length, width):
    """The angle of each position and pair.   ->  (T, D/2)"""
    return np.arange(length)[:, None] * _frequencies(width)


def _one_axis(length, width):
    """Positions that are not a column: they meet the frequencies one by one."""
    table, angles = np.zeros((length, width)), np.arange(length) * _frequencies(width)
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
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
    draw=lambda rng: (int(rng.integers(5, 30)), int(rng.integers(31, 60))),
    mistakes={
        "the width no longer runs off the end. All rows are still equal: the angles are made from "
        "the length; each position needs its own.": (
            lambda length, width: _waves(np.full((length, 1), length) * _frequencies(width), width)
        ),
        "the rows differ now. An odd width still fails: there is one cosine less than sines.": (
            lambda length, width: _even_only(_every(length, width), width)
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
        "hand i has the exponent 2i / D, and yours i / D: take 0, 2, 4, ... over D.": (
            lambda length, width: _waves(
                np.arange(length)[:, None] * 10_000.0 ** -(np.arange((width + 1) // 2) / width),
                width,
            )
        ),
        "positions and frequencies lie along the same axis: give the positions an axis of their "
        "own, np.arange(length)[:, None].": _one_axis,
        "yours multiplies by the powers of 10,000: later columns should turn more slowly, so "
        "divide.": (
            lambda length, width: _waves(np.arange(length)[:, None] / _frequencies(width), width)
        ),
    },
    hints=(
        "Print the table for length 4 and width 6. Should its rows be alike?",
        "Which axis is time? Angles of shape (T, D/2) come from a column of positions, (T, 1).",
        "positions = np.arange(length)[:, None]; and np.cos(angles[:, : d_model // 2]).",
    ),
)


def _halves(x):
    return np.split(x, 2, axis=-1)


def _turn(x, cos, sin):
    a, b = _halves(x)
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


def _one_after_the_other(x, angles):
    """The slip of writing into an array that is still being read."""
    turned, half = x.copy(), x.shape[-1] // 2
    cos, sin = np.cos(angles), np.sin(angles)
    turned[..., :half] = turned[..., :half] * cos - turned[..., half:] * sin
    turned[..., half:] = turned[..., :half] * sin + turned[..., half:] * cos
    return turned


def _pairs_at_the_end(x, angles):
    """Halves are turned, and neighbours are what is returned."""
    a, b = _halves(tantra.rotate(x, angles))
    return np.stack([a, b], axis=-1).reshape(x.shape)


rotate = Exercise(
    name="rotate",
    kind="implement",
    asks="Turn features i and i + K/2 of each position together, by the angles of that position.",
    reference=lambda x, angles: tantra.rotate(x, angles),
    library=tantra.rotate,
    cases={
        "a quarter turn": (np.array([[1.0, 2.0]]), np.array([[np.pi / 2]])),
        "one position, two pairs": (np.array([[1.0, 0.0, 0.0, 1.0]]), np.array([[0.5, 0.25]])),
        "three positions": (array(3, 4), tantra.rotary_angles(3, 4)),
        "a batch": (array(2, 3, 4, seed=1), tantra.rotary_angles(3, 4)),
    },
    draw=lambda rng: (rng.standard_normal((2, 3, 5, 8)), rng.uniform(-4, 4, (5, 4))),
    mistakes={
        "turned the other way round: the first of a pair becomes a cos - b sin.": (
            lambda x, angles: tantra.rotate(x, -angles)
        ),
        "those pairs are neighbours, 2i and 2i + 1; wanted are halves, i and i + K/2.": (
            lambda x, angles: tantra.rotate(x, angles, "neighbours")
        ),
        "the halves are turned well, and then laid out as neighbours: put the first half back "
        "before the second.": _pairs_at_the_end,
        "the first half is overwritten before the second half has used it: take both halves out "
        "first.": _one_after_the_other,
        "only the first half is turned: the second becomes a sin + b cos.": (
            lambda x, angles: np.concatenate(
                [_halves(tantra.rotate(x, angles))[0], _halves(x)[1]], axis=-1
            )
        ),
        "a sign is missing: with + in both lines the pair is not turned, and its length changes.": (
            lambda x, angles: np.concatenate(
                [
                    _halves(x)[0] * np.cos(angles) + _halves(x)[1] * np.sin(angles),
                    _halves(x)[0] * np.sin(angles) + _halves(x)[1] * np.cos(angles),
                ],
                axis=-1,
            )
        ),
        "the second of a pair becomes a sin + b cos; with - it is mirrored, not turned.": (
            lambda x, angles: np.concatenate(
                [
                    _halves(x)[0] * np.cos(angles) - _halves(x)[1] * np.sin(angles),
                    _halves(x)[0] * np.sin(angles) - _halves(x)[1] * np.cos(angles),
                ],
                axis=-1,
            )
        ),
        "the second of a pair becomes a sin + b cos; in yours a and b have changed places.": (
            lambda x, angles: np.concatenate(
                [
                    _halves(x)[0] * np.cos(angles) - _halves(x)[1] * np.sin(angles),
                    _halves(x)[0] * np.cos(angles) + _halves(x)[1] * np.sin(angles),
                ],
                axis=-1,
            )
        ),
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
            lambda x, angles: _turn(x, np.sin(angles), np.cos(angles))
        ),
        "the angles are in radians already: no conversion from degrees.": (
            lambda x, angles: tantra.rotate(x, np.radians(angles))
        ),
    },
    hints=(
        "Cut x into its first and its second half along the last axis: a and b.",
        "Each has shape (..., T, K/2), as the angles have. Turn (a, b) like a point in the plane.",
        "np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)",
    ),
)


def _autograd(x, angles, g):
    x, angles = torch.tensor(x, requires_grad=True), torch.tensor(angles, requires_grad=True)
    a, b = x.chunk(2, dim=-1)
    turned = torch.complex(a, b) * torch.polar(torch.ones_like(angles), angles)
    torch.cat([turned.real, turned.imag], dim=-1).backward(torch.tensor(g))
    return x.grad.numpy(), angles.grad.numpy()


def _by_angles(x, angles, g):
    """The gradient by the angles before it is summed over the axes in front."""
    (a, b), (g_a, g_b) = _halves(tantra.rotate(x, angles)), _halves(g)
    return g_b * a - g_a * b


def _summed(values):
    return values.reshape(-1, *values.shape[-2:]).sum(axis=0)


def _backward(x, angles, g, *, back=-1, of=_by_angles, total=_summed):
    """The right backward pass; the keywords put a slip in the place of a part."""
    return tantra.rotate(g, back * angles), total(of(x, angles, g))


def _with(**slips):
    return lambda x, angles, g: _backward(x, angles, g, **slips)


def _not_turned(x, angles, g):
    (a, b), (g_a, g_b) = _halves(x), _halves(g)
    return g_b * a - g_a * b


rotate_backward = Exercise(
    name="rotate_backward",
    kind="derive",
    asks="The gradients by x and by the angles, from the gradient g by the turned x (halves).",
    reference=_autograd,
    results=("the gradient by x", "the gradient by the angles"),
    cases={
        "one pair": (np.array([[1.0, 2.0]]), np.array([[0.5]]), np.array([[1.0, 0.0]])),
        "three positions": (array(3, 4), tantra.rotary_angles(3, 4), array(3, 4, seed=1)),
        "a batch": (
            array(2, 3, 4, seed=2),
            tantra.rotary_angles(3, 4),
            array(2, 3, 4, seed=3),
        ),
    },
    draw=lambda rng: (
        rng.standard_normal((2, 3, 5, 8)),
        rng.uniform(-4, 4, (5, 4)),
        rng.standard_normal((2, 3, 5, 8)),
    ),
    mistakes={
        "by x: you turn g forwards. A gradient goes through the transpose, which turns back.": (
            _with(back=1)
        ),
        "by x: you hand g on as it came. It has to be turned back.": _with(back=0),
        "by the angles: the sign is turned round. At angle 0 the derivative of (a cos - b sin, "
        "a sin + b cos) is (-b, a).": _with(of=lambda *args: -_by_angles(*args)),
        "by the angles: that uses x; the derivative of a turned pair (u, v) is (-v, u), made from "
        "the turned pair.": _with(of=_not_turned),
        "by the angles: all the axes in front share one angle, so their gradients are added, not "
        "averaged.": _with(
            total=lambda values: values.reshape(-1, *values.shape[-2:]).mean(axis=0)
        ),
        "by the angles: the axes in front are still there. They share one angle: add their "
        "gradients.": _with(total=lambda values: values),
        "by the angles: only the first of each pair is counted; both move with the angle.": _with(
            of=lambda x, angles, g: -_halves(g)[0] * _halves(tantra.rotate(x, angles))[1]
        ),
        "by the angles: only the second of each pair is counted; both move with the angle.": _with(
            of=lambda x, angles, g: _halves(g)[1] * _halves(tantra.rotate(x, angles))[0]
        ),
        "by the angles: a sign is missing. Growing angles move u by -v, and v by +u.": _with(
            of=lambda x, angles, g: (
                _halves(g)[1] * _halves(tantra.rotate(x, angles))[0]
                + _halves(g)[0] * _halves(tantra.rotate(x, angles))[1]
            )
        ),
        "by the angles: take the turned x with g as it came, or x with g turned back, not both "
        "turned.": _with(of=lambda x, angles, g: _by_angles(x, angles, tantra.rotate(g, -angles))),
        "by the angles: one angle turns both of a pair: add the two parts, do not lay them side by "
        "side.": _with(
            of=lambda x, angles, g: np.concatenate(
                [
                    -_halves(g)[0] * _halves(tantra.rotate(x, angles))[1],
                    _halves(g)[1] * _halves(tantra.rotate(x, angles))[0],
                ],
                axis=-1,
            )
        ),
        "by the angles: axis 0 is an axis in front only in a batch. Add up every axis before the "
        "last two, and none where there are only two.": _with(
            total=lambda values: values.sum(axis=0)
        ),
        "by the angles: each position and pair has an angle of its own, so the gradient has the "
        "shape (T, K/2).": _with(total=np.sum),
        "the two gradients have changed places: first by x, then by the angles.": (
            lambda x, angles, g: _backward(x, angles, g)[::-1]
        ),
        "by the angles: you multiply each by its own. A small turn moves u by -v, and v by u.": (
            _with(
                of=lambda x, angles, g: (
                    _halves(g)[0] * _halves(tantra.rotate(x, angles))[0]
                    + _halves(g)[1] * _halves(tantra.rotate(x, angles))[1]
                )
            )
        ),
    },
    hints=(
        "By x: the matrix of a turn has its transpose as its inverse.",
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


alibi_bias = Exercise(
    name="alibi_bias",
    kind="implement",
    asks="Minus slope times distance, for every head, query and key.",
    reference=tantra.alibi_bias,
    cases={
        "four heads, one query": (4, np.array([2]), np.arange(3)),
        "two heads": (2, np.array([3, 4, 5]), np.arange(4)),
        "one head": (1, np.array([5, 1]), np.array([0, 5, 2])),
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
    },
    hints=(
        "Distances first: abs of queries[:, None] - keys[None, :], of shape (T, S).",
        "Then one slope for each head: 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads).",
        "-slopes[:, None, None] * distance has shape (H, T, S).",
    ),
)

turned_score = Prediction(
    name="turned_score",
    kind="predict",
    asks="The score of a rotary query at position 5 and key at 2, at 20 degrees a step.",
    answer=0.5,
    mistakes={
        "the angles are subtracted, not added: query and key are both turned the same way.": (
            np.cos(np.radians(140))
        ),
        "that is the score of words at one place: here they are three steps apart.": 1.0,
        "that is the sine; the product of two arrows of length 1 is the cosine of their angle.": (
            np.sin(np.radians(60))
        ),
        "only the query is turned; turn the key by its own position too.": np.cos(np.radians(100)),
        "only the key is turned; turn the query by its own position too.": np.cos(np.radians(40)),
        "that is one step; the two stand three steps apart.": np.cos(np.radians(20)),
        "degrees are not radians: the angle is 60 degrees.": np.cos(60),
        "that is the angle between the two; the product is its cosine.": 60.0,
        "the cosine of 60 degrees is positive: less than a quarter turn lies between the arrows.": (
            -0.5
        ),
    },
    rtol=2e-3,
    hints=(
        "The query points to 100 degrees. Where does the key point?",
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
    turned_score,
    first_return,
]
