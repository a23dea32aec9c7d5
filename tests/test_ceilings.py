import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tantra.ceilings import multiplying, reading


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_operations_are_those_that_torch_counts(dtype):
    product, operations = multiplying(24, dtype)
    with FlopCounterMode(display=False) as counter:
        result = product()
    assert operations == counter.get_total_flops() == 2 * 24**3
    assert result.dtype == dtype
    assert (result == 24).all()


def test_the_bytes_are_those_of_all_that_is_added_up():
    total, read = reading(4096)
    assert read == 4096
    assert total().item() == 1024
    assert total().dtype == torch.float32


def test_nothing_to_multiply_or_to_read():
    with pytest.raises(ValueError, match="side is 0; it must be at least 1"):
        multiplying(0)
    with pytest.raises(TypeError, match=r"size is 1000000.0; it counts something"):
        reading(1e6)
    with pytest.raises(ValueError, match="size is 3; it must be at least 4"):
        reading(3)
