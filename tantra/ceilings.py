"""Work that meets one ceiling of a machine only: to multiply, or to read."""

import torch

from tantra.checks import check_count


def multiplying(side, dtype=torch.float32):
    """A product of two square matrices, as a function, and its multiplications and additions.

    Each number that is read meets side others, so that a large side leaves the memory idle.

    >>> product, operations = multiplying(3)
    >>> product().shape, operations
    (torch.Size([3, 3]), 54)
    """
    check_count(side=side)
    a, b = (torch.ones(side, side, dtype=dtype) for _ in range(2))
    return lambda: a @ b, 2 * side**3


def reading(size):
    """A sum of so many bytes, four to a number, as a function, and how many it reads.

    One addition for four bytes, so that the sum lasts as long as the bytes take to come.

    >>> total, read = reading(10)
    >>> total(), read
    (tensor(2.), 8)
    """
    check_count(least=4, size=size)
    numbers = torch.ones(size // 4)
    return numbers.sum, numbers.nbytes
