"""What an answer did in its own process, done again here, where a check's instruments see it.

`tantra.check.watch` looks at its own process: at memory (tracemalloc), at calls (a profile
function), at torch (a function mode), at warnings.  So what the answer's process noted is repeated:
as much memory is taken, the functions are announced, torch is called, the warnings are given.
"""

import inspect
import sys
import tracemalloc
import types
import warnings

import numpy as np
import torch
from torch.overrides import _get_current_function_mode_stack

MOST = 2**28  # bytes that are taken


def wanted():
    """What is to be noted, for the instruments that are at work here."""
    return [
        name
        for name, at_work in {
            "peak": tracemalloc.is_tracing(),
            "calls": sys.getprofile() is not None,
            "torch": bool(_get_current_function_mode_stack()),
            "warnings": "warn" in np.geterr().values(),
        }.items()
        if at_work
    ]


def replay(notes, held=0):
    """Repeat what was noted; held are the bytes that are taken here already."""
    if tracemalloc.is_tracing():
        tracemalloc.reset_peak()
        bytearray(min(max(int(notes.get("peak", 0)) - held, 0), MOST))
    if (notice := sys.getprofile()) is not None:
        for module, name in notes.get("calls", ()):
            for code in _codes(str(module), str(name)):
                notice(types.SimpleNamespace(f_code=code), "call", None)
    if notes.get("torch"):
        torch.zeros(0)
    for words in notes.get("warnings", ()):
        warnings.warn(str(words), RuntimeWarning, stacklevel=2)


def _codes(module, name):
    """The code of a function by its place, also in a class, and of what is wrapped around it."""
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    around = [found, inspect.unwrap(found)] if callable(found) else []
    return {each.__code__ for each in around if hasattr(each, "__code__")}
