"""The most that this machine can do: products of matrices, and bytes read and copied.

Nothing can be faster than its ceiling, so a share of it says how much there is left to gain.
"""

import statistics
from dataclasses import dataclass

import torch

from benchmarks.compare import interleave

SIDE = 1024  # of the matrices
BYTES = 2**28  # more than most caches hold


@dataclass(frozen=True)
class Ceiling:
    """The most of something in one second; low and high are the quartiles of its measurements."""

    name: str
    most: float
    unit: str
    median: float

    def __str__(self):
        return f"{self.most / 1e9:.1f} {self.unit} at best, {self.median / 1e9:.1f} as a rule"


def measure(budget=20):
    """Every Ceiling by name."""
    return {
        "float32": _products(torch.float32, SIDE, budget / 4),
        "bfloat16": _products(torch.bfloat16, SIDE // 2, budget / 4),
        **_memory(budget / 2),
    }


def _products(dtype, side, budget):
    """Multiplications and additions (two to a product) in a second, for square matrices."""
    a, b = (torch.ones(side, side, dtype=dtype) for _ in range(2))
    name = f"{str(dtype).removeprefix('torch.')} products"
    return ceiling(name, lambda: a @ b, 2 * side**3, "GFLOP/s", budget)


def _memory(budget):
    """Bytes read, and bytes copied (each is read and written), in a second."""
    source = torch.ones(BYTES // 4)
    target = torch.empty_like(source)

    def copy():
        target.copy_(source)

    return {
        "read": reading(BYTES, budget / 2),
        "copy": ceiling("bytes copied", copy, 2 * BYTES, "GB/s", budget / 2),
    }


def reading(size, budget):
    """Bytes read in a second by a plain sum over so many: fewer may all be in a cache."""
    source = torch.ones(size // 4)
    return ceiling(f"{size / 1e6:.0f} MB read", source.sum, source.nbytes, "GB/s", budget)


def ceiling(name, action, work, unit, budget, **how):
    """The Ceiling of an action that does so much work."""
    seconds = interleave({name: action}, budget, **how)[name]
    return Ceiling(name, work / min(seconds), unit, work / statistics.median(seconds))
