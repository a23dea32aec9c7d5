"""The way an answer took: how much it held at once, and what it called."""

import tracemalloc

import numpy as np
import torch

from tantra.check import watch

MEGABYTE = 2**20


def test_the_peak_counts_what_is_held_at_one_time():
    def at_once():
        return sum(np.ones((4, MEGABYTE // 8)).sum(axis=0))

    def one_by_one():
        return sum(float(np.ones(MEGABYTE // 8).sum()) for _ in range(4))

    assert 4 * MEGABYTE <= watch.peak_bytes(at_once) < 6 * MEGABYTE
    assert MEGABYTE <= watch.peak_bytes(one_by_one) < 2 * MEGABYTE
    assert not tracemalloc.is_tracing()


def test_the_peak_leaves_out_what_was_there_before():
    tracemalloc.start()
    try:
        kept = np.ones(MEGABYTE)
        assert watch.peak_bytes(lambda: kept[0] + 1) < MEGABYTE
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_calls_are_seen_wherever_they_are_made():
    def inner():
        return 1

    assert watch.calls({inner.__code__}, lambda: [inner() for _ in range(2)])
    assert not watch.calls({inner.__code__}, lambda: 1)


def test_autograd_is_seen_through_all_its_doors():
    def through(door):
        x = torch.ones(3, requires_grad=True)
        return watch.uses_autograd(lambda: door(x))

    assert through(lambda x: x.sum().backward())
    assert through(lambda x: torch.autograd.grad(x.sum(), x))
    assert through(lambda x: torch.func.grad(torch.sum)(x))
    assert through(lambda x: torch.autograd.functional.jacobian(torch.exp, x))
    assert not through(lambda x: (x * 2).sum())


def test_torch_is_seen_by_function_and_by_method():
    assert watch.uses_torch(lambda: torch.ones(2).sum())
    assert watch.uses_torch(lambda: torch.softmax(torch.from_numpy(np.ones(2)), -1))
    assert not watch.uses_torch(lambda: np.ones(2).sum())
