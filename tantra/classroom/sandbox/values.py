"""Arguments and results as JSON and bytes, by kind, and back.

Plain values stand for themselves, all others are {kind: ...}.  Arrays are dtype, shape and bytes,
and all three are looked at when they come in.  What can change while a function runs (arrays,
lists) is numbered in the order in which it is written, on both sides: so a result that is a view of
an argument comes back as one, and so does what became of an argument.  Functions stay where they
are, and are called from the other side.  All else is Strange: known by the name of its type.
An array that stands twice in the arguments, as a tied weight does, is one array over there too.
"""

import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import torch

from tantra.classroom.sandbox.frames import Garbled

DEEP, MANY, LARGE = 40, 200_000, 4096  # levels, things, and bits of a whole number
KINDS = "biufcSU"
NOT_THERE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
CONTAINERS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class Luggage:
    """What one message carries: its buffers, and what it shares with the other side.

    given are the arrays, tensors and containers of the arguments, in the order of writing;
    functions those that the judge lends; function writes one down, strange makes the stand-in of a
    thing that stays behind; watch makes an array that notes what is made of it.  Where ties are
    kept, all that is packed with it must be unpacked with one.
    """

    def __init__(
        self,
        given=(),
        functions=(),
        buffers=(),
        function=None,
        strange=None,
        watch=None,
        *,
        ties=False,
    ):
        self.given, self.functions, self.buffers = list(given), list(functions), list(buffers)
        self.function, self.strange, self.watch = function, strange, watch
        self.count, self.ties = 0, ties
        self.packed, self.read = {}, {}  # {id: (array, its buffer)}, {buffer: array}

    def counted(self, depth):
        self.count += 1
        if depth > DEEP or self.count > MANY:
            raise Garbled("too many things in one value, or one inside another too often")


def pack(value, luggage, depth=0):
    """The value as JSON, its bytes added to the luggage."""
    luggage.counted(depth)
    if value is None or type(value) in (bool, float, str):
        return value
    if value is ...:
        return {"ellipsis": True}
    if isinstance(value, int | float | complex | str | Fraction | np.generic):
        return _number(value, luggage)
    if isinstance(value, bytes):
        return {"bytes": _kept(value, luggage)}
    if isinstance(value, np.ndarray):
        if luggage.watch and hasattr(value, "made"):
            return {"watched": _array(value, luggage)}
        return _array_or_again(value, luggage)
    if isinstance(value, torch.Tensor):
        return _tensor(value, luggage)
    if isinstance(value, Mapping):
        pairs = [pack(each, luggage, depth + 1) for pair in value.items() for each in pair]
        return {"dict": pairs}
    for kind, which in CONTAINERS.items():
        if isinstance(value, which):
            return {kind: [pack(each, luggage, depth + 1) for each in value]}
    return luggage.function(value) if luggage.function else named(value)


def named(value):
    """A thing that cannot travel: its kind, and the name of its type."""
    if isinstance(value, type):
        return {"strange": ["class", value.__name__]}
    if callable(value) and isinstance(getattr(value, "__name__", None), str):
        return {"strange": ["function", value.__name__]}
    return {"strange": ["other", type(value).__name__]}


def unpack(node, luggage, depth=0):
    """The value of what pack wrote; raises Garbled where it is anything else."""
    luggage.counted(depth)
    if node is None or isinstance(node, bool | int | float | str):
        return node
    if not isinstance(node, dict) or len(node) != 1:
        raise Garbled("a value that is none")
    [(kind, inside)] = node.items()
    try:
        if kind == "dict":
            items = [unpack(each, luggage, depth + 1) for each in inside]
            return dict(zip(items[::2], items[1::2], strict=True))
        if kind in CONTAINERS:
            return CONTAINERS[kind](unpack(each, luggage, depth + 1) for each in inside)
        return READERS[kind](inside, luggage)
    except Garbled:
        raise
    except NOT_THERE as error:
        raise Garbled(f"no {str(kind)[:20]}: {type(error).__name__}") from None


def pack_safely(value, luggage):
    """The same of a value that may lie about what it is: then it is known by its type alone."""
    try:
        return pack(value, luggage)
    except Exception:
        luggage.buffers.clear()
        return {"strange": ["other", type(value).__name__]}


def mutables(value):
    """All that may change in a value, in an order that is the same on both sides."""
    if isinstance(value, np.ndarray | torch.Tensor | list | dict | set):
        yield value
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for item in value:
        yield from mutables(item)


def overwrite(old, new):
    """Let old hold what new holds."""
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        if old.shape != new.shape:
            old.shape = new.shape
        np.copyto(old, new.astype(old.dtype, copy=False))
    elif isinstance(old, torch.Tensor) and isinstance(new, torch.Tensor):
        with torch.no_grad():  # in its own memory, which may be that of a NumPy array
            old.copy_(new) if old.shape == new.shape else old.set_(new.to(old.dtype))
    elif isinstance(old, list):
        old[:] = new
    elif isinstance(old, dict | set):
        old.clear()
        old.update(new)


def _number(value, luggage):
    if isinstance(value, np.generic):
        kind = _array(np.asarray(value), luggage)
        return {"scalar": kind} if "array" in kind else named(value)
    if isinstance(value, int):
        if int(value).bit_length() > LARGE:
            return named(value)
        return int(value) if int(value).bit_length() < 64 else {"int": hex(int(value))}
    if isinstance(value, Fraction):
        return {
            "fraction": [_number(value.numerator, luggage), _number(value.denominator, luggage)]
        }
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    return float(value) if isinstance(value, float) else str.__str__(value)


def _kept(content, luggage):
    luggage.buffers.append(content)
    return len(luggage.buffers) - 1


def _array_or_again(value, luggage):
    """The array, or the buffer of the same array, which this message has already."""
    if id(value) in luggage.packed:
        return {"again": luggage.packed[id(value)][1]}
    node = _array(value, luggage)
    if luggage.ties and "array" in node:
        luggage.packed[id(value)] = value, node["array"][2]
    return node


def _array(value, luggage):
    plain = np.ndarray.view(value, np.ndarray)
    if plain.dtype.kind not in KINDS or not plain.dtype.itemsize:
        return {"odd": list(plain.shape)}
    if (view := _as_view(plain, luggage.given)) is not None:
        return {"view": view}
    content = _kept(np.ascontiguousarray(plain).reshape(-1).view(np.uint8), luggage)
    return {"array": [plain.dtype.str, list(plain.shape), content]}


def _as_view(plain, given):
    """Where in a given array this one lies, [number, offset, dtype, shape, strides], or None."""
    for number, other in enumerate(given):
        if not isinstance(other, np.ndarray) or not plain.size or not other.nbytes:
            continue
        offset = plain.ctypes.data - other.ctypes.data
        if 0 <= offset < other.nbytes and np.may_share_memory(plain, other):
            return [number, offset, plain.dtype.str, list(plain.shape), list(plain.strides)]
    return None


def _tensor(value, luggage):
    try:
        plain = value.detach().cpu().resolve_conj().resolve_neg()
        kind = str(plain.dtype).removeprefix("torch.")
        if plain.dtype == torch.bfloat16:
            plain = plain.view(torch.int16)
        return {"tensor": [kind, _array(plain.numpy(), luggage)]}
    except (RuntimeError, TypeError):
        return named(value)


def _read_array(inside, luggage):
    kind, shape, at = inside
    dtype = _dtype(kind)
    content, size = luggage.buffers[at], math.prod(map(_length, shape))
    if size * dtype.itemsize != len(content):
        raise Garbled(f"{len(content)} bytes for an array {shape} of {kind}")
    found = np.frombuffer(content, dtype, size).reshape(shape) if size else np.empty(shape, dtype)
    return luggage.read.setdefault(at, found)


def _dtype(kind):
    dtype = np.dtype(str(kind))
    if dtype.kind not in KINDS or not 0 < dtype.itemsize < 2**16:
        raise Garbled(f"no numbers: {kind}")
    return dtype


def _length(number):
    if type(number) is not int or number < 0:
        raise Garbled(f"no length: {number!r}")
    return number


def _read_view(inside, luggage):
    number, offset, kind, shape, strides = inside
    target = luggage.given[_length(number)]
    return np.ndarray(tuple(shape), _dtype(kind), target, _length(offset), tuple(strides))


def _read_tensor(inside, luggage):
    kind, content = inside
    found = torch.from_numpy(np.array(unpack(content, luggage)))
    if kind == "bfloat16":
        return found.view(torch.bfloat16)
    if str(found.dtype) != f"torch.{kind}":
        raise Garbled(f"no tensor of {kind}")
    return found


def _read_odd(shape, luggage):
    if math.prod(map(_length, shape)) > MANY:
        raise Garbled("an array of too many things")
    return np.empty(shape, object)


READERS = {
    "ellipsis": lambda inside, luggage: ...,
    "int": lambda inside, luggage: int(inside[: LARGE // 4 + 4], 16),
    "fraction": lambda inside, luggage: Fraction(*(unpack(each, luggage) for each in inside)),
    "complex": lambda inside, luggage: complex(*map(float, inside)),
    "bytes": lambda inside, luggage: bytes(luggage.buffers[inside]),
    "scalar": lambda inside, luggage: unpack(inside, luggage).reshape(())[()],
    "array": _read_array,
    "again": lambda inside, luggage: luggage.read[_length(inside)],
    "view": _read_view,
    "tensor": _read_tensor,
    "odd": _read_odd,
    "watched": lambda inside, luggage: luggage.watch(unpack(inside, luggage)),
    "function": lambda inside, luggage: luggage.functions[_length(inside)],
    "strange": lambda inside, luggage: luggage.strange(*map(str, inside)),
}
