"""Shapes that do not fit are said in plain words, wherever and however they met."""

import math

import numpy as np
import pytest
import torch

from tantra.check.misfit import explained

TALL, WIDE, CUBE = np.ones((4, 2)), np.ones((3, 2)), np.ones((2, 3, 4))
HERE, THERE = torch.ones(2, 3), torch.ones(2, 4)


def adds_in_place():
    x = np.ones(4)
    x += WIDE.sum(axis=0)


def over_lines():
    return np.exp(
        TALL @ WIDE  # the operation stands on two lines
    )


INNER = "you multiplied (4, 2) by (3, 2): the inner lengths 2 and 3 differ"
UNFIT = "(4, 2) and (3, 2) do not fit: axis -2 has 4 here and 3 there"
MISFITS = [
    (lambda: TALL @ WIDE, INNER),
    (lambda: np.matmul(TALL, WIDE), INNER),
    (lambda: TALL.dot(WIDE), INNER),
    (lambda: np.dot(TALL, WIDE), INNER),
    (over_lines, INNER),
    (lambda: "ä" and TALL @ WIDE, INNER),
    (lambda: CUBE @ np.ones((3, 4, 5)), "the lengths in front, (2,) and (3,), do not fit"),
    (lambda: torch.ones(2, 3, 4) @ torch.ones(3, 4, 5), "the lengths in front, (2,) and (3,)"),
    (lambda: TALL @ np.ones(3), "you multiplied (4, 2) by (3,): the inner lengths 2 and 3 differ"),
    (lambda: np.float64(2) @ TALL, "needs arrays, not single numbers"),
    (lambda: HERE @ HERE, "you multiplied (2, 3) by (2, 3): the inner lengths 3 and 2 differ"),
    (lambda: HERE.matmul(HERE), "the inner lengths 3 and 2 differ"),
    (lambda: HERE @ torch.ones(2), "you multiplied (2, 3) by (2,)"),
    (lambda: np.exp(TALL) * (WIDE + 1), UNFIT),
    (lambda: np.add(TALL, WIDE), UNFIT),
    (lambda: np.where(TALL > 0, TALL, WIDE), UNFIT),
    (lambda: TALL + np.ones(4), "(4, 2) and (4,) do not fit: axis -1 has 2 here and 4 there"),
    (lambda: np.ones((3, 1)) + np.ones((2, 5)), "(3, 1) and (2, 5) do not fit: axis -2 has 3 here"),
    (lambda: HERE * THERE, "(2, 3) and (2, 4) do not fit: axis -1 has 3 here and 4 there"),
    (adds_in_place, "(4,) and (2,) do not fit: axis -1 has 4 here and 2 there"),
]


@pytest.mark.parametrize(("action", "words"), MISFITS)
def test_shapes_that_do_not_fit_are_named(action, words):
    with pytest.raises((ValueError, RuntimeError)) as caught:
        action()
    assert words in explained(caught.value)


COMMON = [
    (lambda: TALL.reshape(4 / 2, 4), "write //"),
    (lambda: (TALL, WIDE).mT, "take one"),
    (lambda: 1 if TALL > 0 else 2, "np.where"),
    (lambda: math.tanh(TALL), "use NumPy's"),
    (lambda: TALL > 0 & TALL, "put brackets around"),
    (lambda: TALL.chunk(2), "that is a NumPy array"),
    (lambda: np.zeros((4, 2)).__setitem__(..., WIDE), "has shape (3,2), and its place has (4,2)"),
]


@pytest.mark.parametrize(("action", "words"), COMMON)
def test_pythons_common_errors_are_said_in_plain_words(action, words):
    with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
        action()
    assert words in explained(caught.value)


OTHERS = [
    lambda: np.ones(8).reshape(3, 2),
    lambda: np.ones(3)[5],
    lambda: np.linalg.inv(np.zeros((2, 2))),
    lambda: np.einsum("ij,jk->ik", TALL, WIDE),
    lambda: exec("raise ValueError('gufunc signature')"),
    lambda: 1 / 0,
]


@pytest.mark.parametrize("action", OTHERS)
def test_other_errors_keep_their_words(action):
    with pytest.raises(Exception) as caught:  # noqa: PT011, any error will do
        action()
    assert explained(caught.value) is None


def test_an_operand_that_cannot_be_asked_again_does_no_harm():
    turns = iter([TALL])
    with pytest.raises(ValueError, match="gufunc") as caught:
        next(turns) @ WIDE
    assert explained(caught.value) is None
