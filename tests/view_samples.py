"""A view of each kind, for the tests in Python and in a browser."""

from unittest import mock

import numpy as np

from tantra import plot

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


ALL = {"look": look, "look_across": look_across, "steps": steps}


def page_of(view):
    """What view displays: {kind: text}."""
    with mock.patch("IPython.display.display") as display:
        view()
    (data,), _ = display.call_args
    return data
