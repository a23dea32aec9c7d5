"""What many known mistakes are made of: sums along an axis, and another order of things.

The sums keep their axis, with length 1, so that they line up with what was summed.
"""

import numpy as np

import tantra


def total(x, axis=-1):
    return x.sum(axis=axis, keepdims=True)


def mean(x, axis=-1):
    return x.mean(axis=axis, keepdims=True)


def largest(x, axis=-1):
    return x.max(axis=axis, keepdims=True)


def normalised(x, axis=-1):
    """The numbers divided by their sum."""
    return x / total(x, axis)


def powers(x):
    """e to the power of each number less the largest of its row."""
    return np.exp(x - largest(x))


def log_of_softmax(x):
    """-inf where a probability rounds to 0."""
    return np.log(tantra.softmax(x))


def picked(rows, places):
    """One number of each row.  rows (..., V)   places (...)  ->  (...)"""
    return np.take_along_axis(rows, places[..., None], axis=-1)[..., 0]


def given(function, *places):
    """The function of its arguments in another order, or with one in the place of another."""
    return lambda *args: function(*(args[place] for place in places))


def reordered(function, *places):
    """The function's results in another order, or some of them."""
    return lambda *args: tuple(function(*args)[place] for place in places)
