"""What an answer does on its way, noted beside it: memory, calls, torch, NumPy's warnings.

The answer shares this process and could lie about it; its numbers it could not.
"""

import contextlib
import sys
import tracemalloc
import warnings

import numpy as np
from torch.overrides import TorchFunctionMode

MOST = 500  # notes of one kind
setting = False  # whether a profile function is being set from here
LIBRARIES = ("tantra.", "numpy.", "torch.")


class Watched(np.ndarray):
    """An array that keeps each array that is made from it in a list, `made`."""

    def __array_finalize__(self, made_from):
        self.made = getattr(made_from, "made", [])
        if len(self.made) < MOST:
            self.made.append(self)

    def __array_function__(self, function, types, args, kwargs):
        result = super().__array_function__(function, types, args, kwargs)
        if type(result) is np.ndarray:  # einsum, for one, hands out a plain array
            result = result.view(Watched)
            result.made = self.made
            self.made.append(result)
        return result


@contextlib.contextmanager
def noted(what):
    """A dict that holds, afterwards, what was asked for: peak, calls, torch, warnings."""
    notes = {}
    with contextlib.ExitStack() as stack:
        for name in ("warnings", "torch", "calls", "peak"):
            if name in what:
                stack.enter_context(WAYS[name](notes))
        yield notes


@contextlib.contextmanager
def _peak(notes):
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        yield
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        notes["peak"] = max(most - before, 0)


@contextlib.contextmanager
def _calls(notes):
    seen = {}

    def notice(frame, event, argument):
        module = frame.f_globals.get("__name__")
        if event == "call" and isinstance(module, str) and f"{module}.".startswith(LIBRARIES):
            seen[module, frame.f_code.co_qualname] = len(seen) < MOST

    _set_profile(notice)
    try:
        yield
    finally:
        _set_profile(None)
        notes["calls"] = [list(name) for name in seen][:MOST]


def _set_profile(notice):
    """Set it here, where an answer may not."""
    global setting
    setting = True
    try:
        sys.setprofile(notice)
    finally:
        setting = False


@contextlib.contextmanager
def _torch(notes):
    class Mode(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            notes["torch"] = True
            return function(*args, **(kwargs or {}))

    with Mode():
        yield


@contextlib.contextmanager
def _warnings(notes):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
    notes["warnings"] = [
        str(each.message)[:MOST] for each in heard[:MOST] if each.category is RuntimeWarning
    ]


WAYS = {"peak": _peak, "calls": _calls, "torch": _torch, "warnings": _warnings}
