import numpy as np
import pytest
import torch

from tantra import checks


@pytest.mark.parametrize(
    ("number", "error", "says"),
    [
        (float("inf"), ValueError, "share is inf; give a finite number"),
        (float("nan"), ValueError, "share is nan; give a finite number"),
        (True, TypeError, "share is True; give a number"),
        ("4", TypeError, "share is '4'; give a number"),
    ],
)
def test_numbers(number, error, says):
    with pytest.raises(error, match=says):
        checks.check_number(share=number)
    checks.check_number(share=0.5, count=3, numpys=np.float32(2))


def test_known_names():
    checks.check_known("cake", "layer", ["cream"], ["cream", "fruit"])
    with pytest.raises(TypeError, match="cake has no layer 'creme'; it has cream, fruit"):
        checks.check_known("cake", "layer", ["cream", "creme"], ["cream", "fruit"])


def test_kinds_are_named():
    checks.check_kinds(q=np.zeros(1), k=[1])
    with pytest.raises(TypeError, match="q is a ndarray, k is a Tensor; use one kind"):
        checks.check_kinds(q=np.zeros(1), k=torch.zeros(1))


def test_nearest_that_fits_is_named():
    with pytest.raises(ValueError, match=r"d_model \(10\) must be a multiple of num_heads \(4\); "):
        checks.check_divides(d_model=10, num_heads=4)
    with pytest.raises(ValueError, match="the nearest that fits is 4"):
        checks.check_divides(d_model=1, num_heads=4)
    with pytest.raises(ValueError, match="the nearest that fits is 12"):
        checks.check_divides(d_model=11, num_heads=4)
    checks.check_divides(d_model=12, num_heads=4)


@pytest.mark.parametrize(
    ("number", "error", "says"),
    [
        (0, ValueError, "num_layers is 0; it must be at least 1"),
        (-3, ValueError, "num_layers is -3; it must be at least 1"),
        (2.0, TypeError, "num_layers is 2.0; it counts something, so give a whole number"),
        (True, TypeError, "num_layers is True; it counts something"),
        ("2", TypeError, "num_layers is '2'; it counts something"),
    ],
)
def test_counts(number, error, says):
    with pytest.raises(error, match=says):
        checks.check_count(num_layers=number)


def test_a_count_may_come_from_numpy():
    checks.check_count(num_layers=np.int64(3))
    checks.check_count(least=0, length=0)


@pytest.mark.parametrize("shape", [(), (5,), (6, 5)])
def test_width(as_array, shape):
    with pytest.raises(
        ValueError, match=r"x has shape .*, and this norm was made for width 6: the"
    ):
        checks.check_width(as_array(np.zeros(shape)), 6, "this norm")
    checks.check_width(as_array(np.zeros((5, 6))), 6, "this norm")


def test_one_of_the_known_names():
    assert checks.one_of({"a": 1, "b": 2}, "letter", "b") == 2
    with pytest.raises(
        ValueError, match="letter is 'c', which nobody knows; choose one of 'a', 'b'"
    ):
        checks.one_of({"a": 1, "b": 2}, "letter", "c")
