"""The most that this machine can do: products of matrices, and bytes read and copied.

Nothing can be faster than its ceiling, so a share of it says how much there is left to gain.  The
work is that of tantra.ceilings, with which chapter 16 shows readers the ceilings of their machine.
"""

import statistics
import time
from dataclasses import dataclass

import torch

from benchmarks.compare import interleave
from tantra import ceilings

SIDE = 1024  # of the matrices
BYTES = 2**28  # more than most caches hold
LEAST = 0.05  # seconds: a short action alone would measure how threads wake up


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
    action, operations = ceilings.multiplying(side, dtype)
    name = f"{str(dtype).removeprefix('torch.')} products"
    return ceiling(name, action, operations, "GFLOP/s", budget)


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
    action, read = ceilings.reading(size)
    return ceiling(f"{size / 1e6:.0f} MB read", action, read, "GB/s", budget)


def ceiling(name, action, work, unit, budget, *, clock=time.perf_counter):
    """The Ceiling of an action that does so much work, repeated so that a round lasts LEAST."""
    action()  # once to wake up
    started = clock()
    action()
    calls = max(1, round(LEAST / max(clock() - started, 1e-9)))

    def repeat():
        for _ in range(calls):
            action()

    seconds = interleave({name: repeat}, budget, clock=clock)[name]
    work *= calls
    return Ceiling(name, work / min(seconds), unit, work / statistics.median(seconds))
