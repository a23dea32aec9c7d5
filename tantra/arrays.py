"""The one place that knows NumPy from torch."""

import functools
import inspect

import numpy as np
import torch


def namespace(x):
    """The module whose functions work on x: torch for a tensor, NumPy for anything else."""
    return torch if isinstance(x, torch.Tensor) else np


def as_array(x):
    """x itself if it is an array or a tensor; of a list or a number, what NumPy makes of it."""
    return x if isinstance(x, torch.Tensor) else np.asanyarray(x)


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


def as_positions(**named):
    """The named positions, whole ones in int64; TypeError unless each is an array of them.

    queries (T,)   keys (S,)  ->  (T,), (S,)
    """
    for name, positions in named.items():
        if getattr(positions, "ndim", 0) == 0:
            raise TypeError(f"{name} are positions, such as arange(5), and not {positions!r}")
    return tuple(as_int64(x) if is_whole(x) else x for x in named.values())
