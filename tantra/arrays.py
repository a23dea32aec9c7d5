"""The one place that knows NumPy from torch, and that asks whether arrays and numbers fit."""

import functools
import inspect
import math

import numpy as np
import torch


def namespace(x):
    """The module whose functions work on x: torch for a tensor, NumPy for anything else."""
    return torch if isinstance(x, torch.Tensor) else np


def as_array(x):
    """x itself if it is an array or a tensor; of a list or a number, what NumPy makes of it."""
    return x if isinstance(x, torch.Tensor) else np.asarray(x)


def is_whole(x):
    """Whether an array holds whole numbers, or True and False."""
    if isinstance(x, torch.Tensor):
        return not (x.is_floating_point() or x.is_complex())
    return x.dtype.kind in "biu"


def is_half(x):
    """Whether x is an array in half precision, or coarser."""
    return hasattr(x, "dtype") and not is_whole(x) and x.dtype.itemsize < 4


def as_int64(x):
    """Whole numbers in the type in which they can be subtracted, and used as places.

    x (...)  ->  (...)
    """
    return _cast(x, namespace(x).int64)


def as_floats(x):
    """The numbers of x in a type that one can compute with.

    x (...)  ->  (...)

    Whole numbers wrap (uint8 has no -1): they become float64, of a tensor torch's default type.
    Half precision ends early (300² is infinite in float16): it becomes float32.
    """
    x, xp = as_array(x), namespace(x)
    if is_whole(x):
        return _cast(x, torch.get_default_dtype() if xp is torch else np.float64)
    return _cast(x, xp.float32) if is_half(x) else x


def in_floats(*names):
    """Written above a function: its arguments of these names come as as_floats gives them.

    Where its first argument was in half precision, so is what it returns.
    """

    def careful(function):
        order = [*inspect.signature(function).parameters]
        places = {order.index(name) for name in names}

        @functools.wraps(function)
        def computed(*args, **kwargs):
            first = args[0] if args else kwargs.get(order[0])
            args = [as_floats(x) if place in places else x for place, x in enumerate(args)]
            kwargs = {name: as_floats(x) if name in names else x for name, x in kwargs.items()}
            result = function(*args, **kwargs)
            return _cast(result, first.dtype) if is_half(first) else result

        return computed

    return careful


def _cast(x, dtype):
    """x, or each array of a tuple, in another type."""
    if isinstance(x, tuple):
        return tuple(_cast(each, dtype) for each in x)
    return x.to(dtype) if isinstance(x, torch.Tensor) else x.astype(dtype, copy=False)


def like(table, x):
    """The numbers of table as an array of x's kind, dtype and device.

    table (T, D)   x (..., K)  ->  (T, D)

    Tables are made in NumPy float64 and cast here, once, when they meet the data.  Raises
    TypeError where x holds whole numbers, which would cut them off.
    """
    if is_whole(x):
        raise TypeError(f"x is {x.dtype}; give floating-point numbers, such as float32")
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


def check_kinds(**named):
    """Raise TypeError unless the named arrays are all of NumPy, or all of torch."""
    if len({namespace(x) for x in named.values()}) > 1:
        found = ", ".join(f"{name} is a {type(x).__name__}" for name, x in named.items())
        raise TypeError(f"{found}; use one kind: torch.from_numpy(...), or x.numpy()")


def as_positions(**named):
    """The named positions, whole ones in int64; TypeError unless each is an array of them.

    queries (T,)   keys (S,)  ->  (T,), (S,)
    """
    for name, positions in named.items():
        if getattr(positions, "ndim", 0) == 0:
            raise TypeError(f"{name} are positions, such as arange(5), and not {positions!r}")
    return tuple(as_int64(x) if is_whole(x) else x for x in named.values())


def check_number(**numbers):
    """Raise TypeError or ValueError unless every number is a finite one."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float | np.number):
            raise TypeError(f"{name} is {number!r}; give a number")
        if not math.isfinite(number):
            raise ValueError(f"{name} is {number}; give a finite number")


def check_known(whose, what, given, known):
    """Raise TypeError for the first name given that is not among the known ones.

    >>> check_known("cake", "layer", ["chocolat"], ["cream", "chocolate"])
    Traceback (most recent call last):
    TypeError: cake has no layer 'chocolat'; it has cream, chocolate
    """
    if unknown := [name for name in given if name not in known]:
        raise TypeError(f"{whose} has no {what} {unknown[0]!r}; it has {', '.join(known)}")


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
