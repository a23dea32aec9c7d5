"""The words for the first difference."""

import numpy as np
import pytest
import torch

from tantra.check.difference import describe, difference

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

SAME = [
    (X, X.copy()),
    (2, 2.0),
    (np.float64(0.5), 0.5),
    (torch.tensor(0.5), 0.5),
    (np.array(0.5), 0.5),
    ([X, 1.0], (X, 1.0)),
    (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
    (torch.ones(2, requires_grad=True), torch.ones(2)),
    (torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16)),
    (np.array([1, 2], np.int32), np.array([1, 2])),
    ({"a": X}, {"a": X}),
    ("row", "row"),
    (None, None),
    (True, np.True_),
    ((), ()),
]

WRONG = [
    (None, X, "None, expected a NumPy array"),
    ([1.0, 2.0], np.ones(2), "a list, expected a NumPy array: np.array(...) makes one of a list"),
    (torch.ones(2), np.ones(2), "a torch.Tensor, expected a NumPy array"),
    (np.ones(2), torch.ones(2), "a NumPy array, expected a torch.Tensor"),
    (0.5, torch.tensor(0.5), "a number, expected a torch.Tensor"),
    (True, 1, "True or False, expected a number"),
    (1, True, "a number, expected True or False"),
    ("a", 1.0, "a string, expected a number"),
    (len, 1.0, "a function, expected a number"),
    (int, 1.0, "a class, expected a number"),
    ({"a"}, "a", "a set, expected a string"),
    (X.astype(int), X, "dtype is int64, expected float64"),
    (X > 1, X, "dtype is bool, expected float64"),
    (X * 1.0, X > 1, "dtype is float64, expected bool"),
    (X.astype("float32"), X, "dtype is float32, expected float64"),
    (torch.ones(2), torch.ones(2).double(), "dtype is float32, expected float64"),
    (np.array([None, 1]), np.ones(2), "dtype is object, expected float64"),
    (np.array("x"), 2.0, "dtype is <U1, expected a number"),
    (X.T, X, "shape is (3, 2), expected (2, 3)"),
    (X[:, :1], X[:, 0], "shape is (2, 1), expected (2,)"),
    (np.ones((1,)), 1.0, "a NumPy array, expected a number"),
    (
        np.array([0.0, np.nan, np.inf]),
        np.ones(3),
        "2 of 3 values are not finite: nan at [1], where 1 was expected",
    ),
    (
        np.array([0.0, np.inf]),
        np.ones(2),
        "1 of 2 values is not finite: inf at [1], where 1 was expected",
    ),
    (float("nan"), 0.5, "nan, where 0.5 was expected"),
    (X + np.eye(3)[2], X, "2 of 6 values differ; the first at [0, 2]: 4, expected 3"),
    (X + np.eye(2, 3, k=2), X, "1 of 6 values differs; the first at [0, 2]: 4, expected 3"),
    (0.25, 0.5, "0.25, expected 0.5"),
    (1.0, np.nan, "1, expected nan"),
    (
        np.array([0.0]),
        np.array([-np.inf]),
        "1 of 1 values differs; the first at [0]: 0, expected -inf",
    ),
    (124_439_809, 124_439_808, "124439809, expected 124439808"),
    (1.0000021, 1.0, "1.0000020999999999, expected 1"),
    (
        np.array([True]),
        np.array([False]),
        "1 of 1 values differs; the first at [0]: True, expected False",
    ),
    ("b", "a", "'b', expected 'a'"),
    (X, (X, X), "a NumPy array, expected 2 results"),
    ((X,), (X, X), "1 result, expected 2 results"),
    ((X, X, X), (X, X), "3 results, expected 2 results"),
    ((X, X.T), (X, X), "the second of 2 results: shape is (3, 2), expected (2, 3)"),
    ((X, None), (X, X), "the second of 2 results: None, expected a NumPy array"),
    ((0,) * 10, (0,) * 9 + (1,), "the 10th of 10 results: 0, expected 1"),
    ([1], [1, 2], "1 item, expected 2 items"),
    ([1, 3], [1, 2], "the second of 2 items: 3, expected 2"),
    (X, [1, 2], "a NumPy array, expected a list of 2 items"),
    (X, {"a": X}, "a NumPy array, expected a dict with 'a'"),
    ({"b": X}, {"a": X}, "the dict has no 'a'"),
    ({"a": X, "b": X}, {"a": X}, "the dict holds 'b', which was not asked for"),
    ({"a": (1, 2)}, {"a": (1, 3)}, "at 'a': the second of 2 results: 2, expected 3"),
    (1, None, "a number, expected None"),
]


@pytest.mark.parametrize(("answer", "expected"), SAME)
def test_equal_answers_differ_in_nothing(answer, expected):
    assert difference(answer, expected) is None


@pytest.mark.parametrize(("answer", "expected", "words"), WRONG)
def test_the_first_difference_in_words(answer, expected, words):
    assert difference(answer, expected) == words


def test_results_are_called_by_their_names():
    words = difference((X, X.T), (X, X), names=("averages", "weights"))
    assert words == "the second of 2 results, weights: shape is (3, 2), expected (2, 3)"
    words = difference(X, (X, X), names=("averages", "weights"))
    assert words == "a NumPy array, expected 2 results (averages, weights)"


def test_tolerances_are_relative_and_absolute():
    assert difference(1.0 + 1e-5, 1.0, rtol=1e-4) is None
    assert difference(1e-9, 0.0, atol=1e-8) is None
    assert difference(1e-9, 0.0, atol=0.0) == "1e-09, expected 0"


def test_nothing_is_broadcast():
    assert difference(np.ones((3, 1)), np.ones(3)) == "shape is (3, 1), expected (3,)"
    assert difference(np.ones((2, 1)), np.ones((2, 3))) == "shape is (2, 1), expected (2, 3)"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (np.True_, "True or False"),
        (np.array(1.0), "a number"),
        (np.array(True), "True or False"),
        (object(), "an object"),
        (range(3), "a range"),
    ],
)
def test_values_are_described(value, words):
    assert describe(value) == words
