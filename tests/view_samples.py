"""A view of each kind, for the tests in Python and in a browser."""

from unittest import mock

import numpy as np

from tantra import plot, rotary_angles

WORDS = ["the", "cat", "<b>", "\n"]


def weights_of(*shape, seed=0):
    """Random weights whose last axis sums to 1."""
    powers = np.exp(2 * np.random.default_rng(seed).standard_normal(shape))
    return powers / powers.sum(-1, keepdims=True)


def look():
    plot.look(weights_of(2, 3, 4, 4), WORDS, alt="Six heads of four words & more, at random.")


def look_across():
    plot.look(
        weights_of(3, 5), ["le", "chat", "dort"], ["the", "cat", "sleeps", "now", "."],
        alt='Three queries look at "five" keys of another sentence.',
    )  # fmt: skip


def steps():
    weights = weights_of(3, 4)
    scores = np.log(weights)
    scores[0, 3] = -np.inf
    values = np.arange(8.0).reshape(4, 2)
    plot.steps(scores, weights, values, "abc", WORDS, alt="Three queries, four keys, at random.")


LOGITS = [0.5, 2.25, -1.0, 2.25, 1.125, -3.5, 0.5, 0.5, -0.25, 1.75, -6.0, 0.0, 0.375, -30.0]


def sampling():
    names = [*WORDS, *"efghijklmn"]
    plot.sampling(LOGITS, names, alt="Fourteen tokens, of which some have equal logits.")


QUERY = np.array([[1.0, 0.5], [-0.75, 2.0], [0.0, -1.25]])  # three pairs
KEY = np.array([[0, 1], [1, 0], [-2, 1]])
ANGLES = rotary_angles(24, 6, base=100.0)


def rotation():
    plot.rotation(QUERY, KEY, ANGLES, alt="Two arrows of three pairs of features.")


READ = np.zeros((2, 3, 4, 6))  # two readings of three layers at four positions, six tokens
READ[0] = np.eye(6)[[0, 1, 2, 3]] * 0.75 + 0.25 / 6
READ[1] = 1 / 6
READ[0, 2, 1] = [0.04, 0.003, 0.3, 0.136, 0.401, 0.12]
READ[1, 2, 1] = [0.5, 0.1, 0.1, 0.1, 0.15, 0.05]
LAYERS = ["embedding", "block 1", "block 2"]


def lens():
    plot.lens(
        dict(zip(["lens", "frequencies"], READ, strict=True)), LAYERS, WORDS, [*WORDS, "sat", "."],
        [1, 4, -1, 0], alt="Two readings of three layers at four positions.",
    )  # fmt: skip


def lens_measured():
    plot.lens(
        {"lens": READ[0]}, LAYERS, WORDS, [*WORDS, "sat", "."], [1, 4, -1, 0], varies=True,
        alt="One reading, which differs from machine to machine.",
    )  # fmt: skip


POINTS = {
    "one row": (1e9, 2e9, 0.25),
    "rows & more": (4e9, 1e9, 0.1),
    "at the ridge": (5e9, 1e9, 1),
}


def roofline():
    plot.roofline(POINTS, 50e9, 10e9, alt="Three points under the two ceilings of a machine.")


ALL = {
    "look": look,
    "look_across": look_across,
    "steps": steps,
    "sampling": sampling,
    "rotation": rotation,
    "lens": lens,
    "lens_measured": lens_measured,
    "roofline": roofline,
}


def page_of(view):
    """What view displays: {kind: text}."""
    with mock.patch("IPython.display.display") as display:
        view()
    (data,), _ = display.call_args
    return data
