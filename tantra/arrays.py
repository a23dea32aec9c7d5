"""The one place that knows NumPy from torch, and that asks whether arrays fit."""

import numpy as np
import torch


def namespace(x):
    """The module whose functions work on x: torch for a tensor, NumPy for anything else."""
    return torch if isinstance(x, torch.Tensor) else np


def like(table, x):
    """The numbers of table as an array of x's kind, dtype and device.

    table (T, D)   x (..., K)  ->  (T, D)

    Tables are made in NumPy float64 and cast here, once, when they meet the data.
    """
    if isinstance(x, torch.Tensor):
        return torch.as_tensor(table, dtype=x.dtype, device=x.device)
    return np.asarray(table, dtype=x.dtype)


def readable(x):
    """Whether the values of x may be looked at now: not on meta, nor while torch compiles."""
    if not isinstance(x, torch.Tensor):
        return True
    return not (x.is_meta or torch.compiler.is_compiling())


def check_width(x, width, what):
    """Raise ValueError unless the last axis of x is width long; what names who asks."""
    if x.ndim == 0 or x.shape[-1] != width:
        raise ValueError(
            f"x has shape {tuple(x.shape)}, and {what} was made for width {width}: "
            f"the last axis of x must be {width} long"
        )


def check_count(least=1, **numbers):
    """Raise TypeError or ValueError unless every number is a whole one, at least least."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            raise TypeError(f"{name} is {number!r}; it counts something, so give a whole number")
        if number < least:
            raise ValueError(f"{name} is {number}; it must be at least {least}")


def check_divides(**pair):
    """Raise ValueError unless the second named number divides the first."""
    (name, number), (other, divisor) = pair.items()
    if number % divisor:
        raise ValueError(
            f"{name} ({number}) must be a multiple of {other} ({divisor}); the nearest that fits "
            f"is {max(1, round(number / divisor)) * divisor}"
        )


def one_of(table, what, name):
    """The entry of table called name; ValueError with the known names if there is none."""
    if name not in table:
        known = ", ".join(repr(key) for key in table)
        raise ValueError(f"{what} is {name!r}, which nobody knows; choose one of {known}")
    return table[name]
