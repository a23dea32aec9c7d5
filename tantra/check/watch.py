"""What an attempt does on its way: the memory it takes, and the functions that it calls.

For exercises whose text forbids a way: an answer with the right numbers is then run once more,
and looked at.  Numbers alone cannot show it.
"""

import sys
import tracemalloc

import torch
from torch.overrides import TorchFunctionMode


def peak_bytes(action):
    """The most bytes of Python and NumPy that the action held at one time, beyond those before."""
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        action()
        _, most = tracemalloc.get_traced_memory()
        return max(most - before, 0)
    finally:
        if not running:
            tracemalloc.stop()


def calls(codes, action):
    """Whether Python code of `codes`, a set of code objects, runs during the action."""
    seen = []

    def notice(frame, event, argument):
        if event == "call" and frame.f_code in codes:
            seen.append(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(notice)
    try:
        action()
    finally:
        sys.setprofile(before)
    return bool(seen)


def uses_autograd(action):
    """Whether PyTorch computes gradients during the action."""
    functions = (torch.autograd.backward, torch.autograd.grad)
    return calls({function.__code__ for function in functions}, action)


def uses_torch(action):
    """Whether the action calls any function of PyTorch, or a method of a tensor."""
    with _Calls() as seen:
        action()
    return seen.any


class _Calls(TorchFunctionMode):
    any = False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.any = True
        return function(*args, **(kwargs or {}))
