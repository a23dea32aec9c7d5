"""A device that is not there: it computes on the CPU, and refuses what a GPU would refuse.

    with elsewhere():
        model.to(DEVICE)(tokens.to(DEVICE))

A tensor on it meets no tensor of the CPU (but for one number alone, or as places in an index), and
holds no float64, as on Apple's GPUs.
"""

import contextlib

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE = torch.device("lazy")  # a kind that every torch knows and nothing here uses
aten = torch.ops.aten
MAY_MIX = (aten.copy_, aten._to_copy, aten.index, aten.index_put, aten.index_put_)


@contextlib.contextmanager
def elsewhere():
    """While it lasts, DEVICE can be used."""
    with _Made(), _Computed():
        yield


class There(torch.Tensor):
    """What the device holds; here is where the numbers are."""

    @staticmethod
    def __new__(cls, here):
        if here.dtype is torch.float64:
            raise TypeError(f"{DEVICE} holds no float64")
        return torch.Tensor._make_wrapper_subclass(
            cls, here.shape, strides=here.stride(), dtype=here.dtype, device=DEVICE
        )

    def __init__(self, here):
        self.here = here

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _run(function, args, kwargs or {})


class _Made(TorchFunctionMode):
    """What torch makes of lists, and lists of, before a dispatch mode can see it."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is torch.Tensor.new_tensor:
            tensor, numbers = args
            made = torch.tensor(numbers, dtype=kwargs.get("dtype", tensor.dtype))
            return made.to(tensor.device)
        if function in (torch.tensor, torch.as_tensor) and kwargs.get("device") == DEVICE:
            return function(*args, **kwargs | {"device": "cpu"}).to(DEVICE)
        if function is torch.Tensor.tolist:
            return function(args[0].cpu())
        if function in (torch.Tensor.__getitem__, torch.Tensor.__setitem__):
            tensor, places, *rest = args
            places = torch.tensor(places) if isinstance(places, list) else places
            return function(tensor, places, *rest)
        return function(*args, **kwargs)


class _Computed(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return _run(function, args, kwargs or {})


def _run(function, args, kwargs):
    given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    there = any(isinstance(x, There) for x in given)
    strangers = [x for x in given if not isinstance(x, There) and x.ndim]
    if there and strangers and function.overloadpacket not in MAY_MIX:
        raise RuntimeError(f"{function} of {strangers[0]} on the CPU and others on {DEVICE}")
    device = kwargs.get("device")
    if device is not None:
        there, kwargs = device == DEVICE, kwargs | {"device": "cpu"}
    elif function.overloadpacket is aten.copy_:
        there = isinstance(args[0], There)
    args_here, kwargs_here = tree_map_only(There, lambda x: x.here, (args, kwargs))
    result = function(*args_here, **kwargs_here)
    known = {id(x.here): x for x in given if isinstance(x, There)}
    result = tree_map_only(torch.Tensor, lambda x: known.get(id(x), x), result)
    return tree_map_only(torch.Tensor, _there, result) if there else result


def _there(x):
    return x if isinstance(x, There) else There(x)
