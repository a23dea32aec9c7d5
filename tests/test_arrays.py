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


def test_like_does_not_cut_a_table_off():
    for x in (np.zeros(1, int), torch.zeros(1, dtype=torch.int64), np.zeros(1, bool)):
        with pytest.raises(TypeError, match=f"x is {x.dtype}; give floating-point numbers"):
            arrays.like(np.array([0.5]), x)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([1], np.uint8), np.float64),
        (np.array([True]), np.float64),
        (np.array([1], np.float16), np.float32),
        (np.array([1], np.float32), np.float32),
        (np.array([1], np.complex64), np.complex64),
        ([1, 2], np.float64),
        (3, np.float64),
        (torch.tensor([1]), torch.float32),
        (torch.tensor([True]), torch.float32),
        (torch.tensor([1.0]).half(), torch.float32),
        (torch.tensor([1.0]).bfloat16(), torch.float32),
        (torch.tensor([1.0]).double(), torch.float64),
        (torch.tensor([1j]), torch.complex64),
    ],
    ids=str,
)
def test_numbers_that_one_can_compute_with(given, expected):
    found = arrays.as_floats(given)
    assert found.dtype == expected
    assert (found == given).all()
    if getattr(given, "dtype", None) == expected:
        assert found is given


def test_whole_tensors_take_torchs_default_type():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert arrays.as_floats(torch.tensor([1])).dtype == torch.float64
    finally:
        torch.set_default_dtype(before)


def test_kinds_of_arrays_are_kept():
    class Mine(np.ndarray):
        pass

    for numbers in (np.arange(3), np.arange(3, dtype=np.float16), np.arange(3.0)):
        assert type(arrays.as_floats(numbers.view(Mine))) is Mine


def test_in_floats_asks_for_arguments_by_name():
    @arrays.in_floats("x", "y")
    def add(x, z, y=2, *, scale=1):
        """What it is."""
        return (x + y) * scale, z

    half, whole = np.array([1, 2], np.float16), np.array([1])
    total, same = add(half, half, y=np.array([3], np.float16))
    assert (total.dtype, same.dtype) == (np.float16, np.float16)
    total, same = add(np.array([255], np.uint8), whole, np.array([1], np.uint8))
    assert total.tolist() == [256.0]
    assert same.dtype == whole.dtype
    assert add(z=whole, x=half)[0].dtype == np.float16
    assert (add.__name__, add.__doc__) == ("add", "What it is.")


def test_positions_are_arrays_and_do_not_wrap():
    queries, keys = arrays.as_positions(queries=np.array([0], np.uint8), keys=torch.ones(2))
    assert (queries - 1).tolist() == [-1]
    assert keys.dtype == torch.float32
    for wrong in (3, [0, 1], np.array(3)):
        with pytest.raises(TypeError, match=r"keys are positions, such as arange\(5\), and not"):
            arrays.as_positions(queries=queries, keys=wrong)


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
