"""Values as Python that makes them again, for what a reader's function leans on.

What cannot be written down truly is not written down: it raises Lost, which says what it is.
"""

import functools
import math

import numpy as np
import torch

MOST_NUMBERS, MOST_LETTERS = 1000, 30_000
PLAIN = (type(None), type(...), bool, int, str, bytes, range)
BRACKETS = {list: "[]", tuple: "()", set: ("set([", "])"), frozenset: ("frozenset([", "])")}


class Lost(ValueError):  # noqa: N818, it reads so where it is raised
    """What cannot be written down, in words."""


def expression(value, name_of):
    """Python for the value, type and all; name_of gives the name of a function or a module."""

    def row(values):
        return ", ".join(expression(item, name_of) for item in values)

    kind = type(value)
    if kind in PLAIN:
        text = repr(value)
    elif kind is float:
        text = repr(value) if math.isfinite(value) else f"float('{value}')"
    elif kind in BRACKETS:
        comma = "," if kind is tuple and len(value) == 1 else ""
        text = f"{BRACKETS[kind][0]}{row(value)}{comma}{BRACKETS[kind][1]}"
    elif kind is dict:
        text = f"dict([{row(value.items())}])"
    elif kind is slice:
        text = f"slice({row((value.start, value.stop, value.step))})"
    elif kind is complex:
        text = f"complex({row((value.real, value.imag))})"
    elif kind is functools.partial:
        named = "".join(f", {name}={row([item])}" for name, item in value.keywords.items())
        text = f"{name_of(functools)}.partial({row((value.func, *value.args))}{named})"
    elif kind is np.vectorize and not (value.signature or value.excluded):
        text = f"{name_of(np)}.vectorize({row((value.pyfunc, value.otypes))})"
    else:
        text = _numbers(value, row, name_of) or name_of(value)
    if len(text) > MOST_LETTERS:
        raise Lost(f"a {kind.__name__} of {len(value):,}" if hasattr(value, "__len__") else "large")
    return text


def _numbers(value, row, name_of):
    """Python for arrays, numbers and types of NumPy and torch; None for anything else."""
    if isinstance(value, np.dtype):
        return f"{name_of(np)}.dtype({value.str!r})"
    if isinstance(value, torch.dtype):
        return f"{name_of(torch)}.{str(value).removeprefix('torch.')}"
    if isinstance(value, torch.device):
        return f"{name_of(torch)}.device({str(value)!r})"
    if isinstance(value, np.generic) and type(value.item()) in (bool, int, float, complex):
        return f"{name_of(np)}.{type(value).__name__}({row([value.item()])})"
    is_array = type(value) is np.ndarray and value.dtype.kind in "biufc"
    if not is_array and (type(value) is not torch.Tensor or value.requires_grad):
        return None
    if (count := math.prod(value.shape)) > MOST_NUMBERS:
        raise Lost(f"{count:,} numbers")
    numbers, shape = row([value.reshape(-1).tolist()]), row(value.shape)
    if is_array:
        return f"{name_of(np)}.array({numbers}, dtype={value.dtype.str!r}).reshape({shape})"
    where = f"dtype={row([value.dtype])}, device={str(value.device)!r}"
    return f"{name_of(torch)}.tensor({numbers}, {where}).reshape({shape})"
