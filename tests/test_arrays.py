import numpy as np
import pytest
import torch

from tantra import arrays


def test_namespace():
    assert arrays.namespace(torch.zeros(1)) is torch
    assert arrays.namespace(np.zeros(1)) is np
    assert arrays.namespace([1.0]) is np


@pytest.mark.parametrize("table", [np.array([1 / 3]), torch.tensor([1 / 3], dtype=torch.float64)])
def test_like_casts_a_table_to_the_kind_and_type_of_the_data(table):
    for x in (np.zeros(1, np.float32), torch.zeros(1, dtype=torch.bfloat16), torch.zeros(1)):
        cast = arrays.like(table, x)
        assert type(cast) is type(x)
        assert cast.dtype == x.dtype
        assert abs(float(cast[0]) - 1 / 3) < 1e-3
    assert arrays.like(np.ones(2), torch.zeros(1, device="meta")).is_meta


def test_readable():
    assert arrays.readable(np.zeros(1))
    assert arrays.readable(torch.zeros(1))
    assert not arrays.readable(torch.zeros(1, device="meta"))
    answers = []

    @torch.compile(backend="eager", fullgraph=True)
    def ask(x):
        answers.append(arrays.readable(x))
        return x + 1

    ask(torch.zeros(1))
    assert answers == [False]


def test_nearest_that_fits_is_named():
    with pytest.raises(ValueError, match=r"d_model \(10\) must be a multiple of num_heads \(4\); "):
        arrays.check_divides(d_model=10, num_heads=4)
    with pytest.raises(ValueError, match="the nearest that fits is 4"):
        arrays.check_divides(d_model=1, num_heads=4)
    with pytest.raises(ValueError, match="the nearest that fits is 12"):
        arrays.check_divides(d_model=11, num_heads=4)
    arrays.check_divides(d_model=12, num_heads=4)


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
        arrays.check_count(num_layers=number)


def test_a_count_may_come_from_numpy():
    arrays.check_count(num_layers=np.int64(3))
    arrays.check_count(least=0, length=0)


@pytest.mark.parametrize("shape", [(), (5,), (6, 5)])
def test_width(as_array, shape):
    with pytest.raises(
        ValueError, match=r"x has shape .*, and this norm was made for width 6: the"
    ):
        arrays.check_width(as_array(np.zeros(shape)), 6, "this norm")
    arrays.check_width(as_array(np.zeros((5, 6))), 6, "this norm")


def test_one_of_the_known_names():
    assert arrays.one_of({"a": 1, "b": 2}, "letter", "b") == 2
    with pytest.raises(
        ValueError, match="letter is 'c', which nobody knows; choose one of 'a', 'b'"
    ):
        arrays.one_of({"a": 1, "b": 2}, "letter", "c")
