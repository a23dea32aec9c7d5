"""What is wrong with an answer, in words: the first difference a learner should look at.

The order is always the same: None, type, dtype, shape, nan or inf, values.  Nothing is broadcast:
a (3, 1) array is not a (3,) array, whatever numbers it holds.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch

KINDS = {"b": "bool", "i": "integer", "u": "integer", "f": "float", "c": "complex"}
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def difference(answer, expected, rtol=1e-6, atol=1e-8, names=()):
    """The first thing wrong with answer, in words; None where nothing is.

    Tuples, lists and dicts are compared item by item; names are what to call a tuple's items.
    """
    if isinstance(expected, Mapping):
        return _of_mappings(answer, expected, rtol, atol)
    if isinstance(expected, tuple | list):
        return _of_sequences(answer, expected, rtol, atol, names)
    if problem := _of_types(answer, expected):
        return problem
    if not _is_numeric(expected):
        return None if answer == expected else f"{answer!r}, expected {expected!r}"
    if type(answer) is int and type(expected) is int:  # of any size
        return None if answer == expected else f"{answer}, expected {expected}"
    return (
        _of_dtypes(answer, expected)
        or _of_shapes(answer, expected)
        or _of_values(as_array(_as_float(answer)), as_array(_as_float(expected)), rtol, atol)
    )


def describe(value):
    """What kind of thing a value is: "a NumPy array", "a torch.Tensor", "a number", "a list"."""
    if value is None:
        return "None"
    if isinstance(value, torch.Tensor):
        return "a torch.Tensor"
    if isinstance(value, bool | np.bool_):
        return "True or False"
    if isinstance(value, np.ndarray) and value.ndim:
        return "a NumPy array"
    if _is_numeric(value):
        return "True or False" if np.asarray(value).dtype.kind == "b" else "a number"
    if isinstance(value, str):
        return "a string"
    if callable(value) and hasattr(value, "__name__"):
        return "a class" if isinstance(value, type) else "a function"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def flat(value):
    """All numbers of an answer, also inside tuples, lists and dicts, in one float64 vector."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return np.concatenate([np.zeros(0), *map(flat, value)])
    if not _is_numeric(value) or as_array(value).dtype.kind not in "biuf":
        return np.zeros(0)
    return as_array(value).astype(float).reshape(-1)


def distance(answer, expected):
    """How far the numbers are from the expected ones, of the largest of those; inf where unlike."""
    answer, expected = flat(answer), flat(expected)
    if answer.shape != expected.shape or not answer.size:
        return math.inf
    if not (largest := np.abs(expected).max()):
        largest = 1.0  # of zeros it is how far they are from 0
    with np.errstate(all="ignore"):
        off = np.abs(answer - expected).max() / largest
    return float(off) if math.isfinite(off) else math.inf


def as_array(value):
    """A number, array or tensor as a NumPy array, off the GPU and out of the gradient's tape."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return (value.double() if value.dtype == torch.bfloat16 else value).numpy()
    return np.asarray(value)


def _as_float(value):
    """A whole number past NumPy's as a float; infinite past those."""
    if type(value) is not int or abs(value) < 2**63:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _is_numeric(value):
    return isinstance(value, bool | int | float | complex | np.generic | np.ndarray | torch.Tensor)


def _of_mappings(answer, expected, rtol, atol):
    if not isinstance(answer, Mapping):
        return f"{describe(answer)}, expected a dict with {', '.join(map(repr, expected))}"
    if missing := [key for key in expected if key not in answer]:
        return f"the dict has no {missing[0]!r}"
    if extra := [key for key in answer if key not in expected]:
        return f"the dict holds {extra[0]!r}, which was not asked for"
    for key, value in expected.items():
        if problem := difference(answer[key], value, rtol, atol):
            return f"at {key!r}: {problem}"
    return None


def _of_sequences(answer, expected, rtol, atol, names):
    names = names or getattr(expected, "_fields", ())
    count, what = len(expected), "item" if isinstance(expected, list) else "result"
    wanted = _counted(count, what) + (f" ({', '.join(names)})" if names else "")
    if not isinstance(answer, tuple | list):
        one = "a list of " if isinstance(expected, list) else ""
        return f"{describe(answer)}, expected {one}{wanted}"
    if len(answer) != count:
        return f"{_counted(len(answer), what)}, expected {wanted}"
    for place, (item, value) in enumerate(zip(answer, expected, strict=True)):
        if problem := difference(item, value, rtol, atol):
            which = ORDINALS[place] if place < len(ORDINALS) else f"{place + 1}th"
            name = f", {names[place]}" if place < len(names) else ""
            return f"the {which} of {_counted(count, what)}{name}: {problem}"
    return None


def _counted(count, what):
    return f"{count} {what}" + ("" if count == 1 else "s")


def _of_types(answer, expected):
    got, wanted = describe(answer), describe(expected)
    if got == wanted or (got == "a torch.Tensor" and wanted == "a number" and answer.ndim == 0):
        return None
    if got == "a list" and wanted == "a NumPy array":
        wanted += ": np.array(...) makes one of a list"
    return f"{got}, expected {wanted}"


def _of_dtypes(answer, expected):
    """Whole numbers for fractions, numbers for True and False, and lost digits matter."""
    if describe(expected) not in ("a NumPy array", "a torch.Tensor"):  # one number: 2 may be 2.0
        kind = as_array(answer).dtype
        number = kind.kind in KINDS or isinstance(answer, int)  # NumPy has no int past 64 bits
        return None if number else f"dtype is {kind}, expected a number"
    got, wanted = (str(x.dtype).removeprefix("torch.") for x in (answer, expected))
    kind, wanted_kind = (KINDS.get(as_array(x).dtype.kind) for x in (answer, expected))
    if kind == wanted_kind and (kind != "float" or got == wanted):
        return None
    return f"dtype is {got}, expected {wanted}"


def _of_shapes(answer, expected):
    got, wanted = np.shape(as_array(answer)), np.shape(as_array(expected))
    return None if got == wanted else f"shape is {got}, expected {wanted}"


def _of_values(answer, expected, rtol, atol):
    if expected.dtype.kind in "fc" or answer.dtype.kind in "fc":
        strange = ~np.isfinite(answer) & np.isfinite(expected)
        if strange.any():
            where, at = _first(strange)
            verb = "is" if strange.sum() == 1 else "are"
            counted = f"{strange.sum()} of {strange.size} values {verb} not finite: " if at else ""
            return f"{counted}{answer[where]}{at}, where {expected[where]:.6g} was expected"
        off = ~np.isclose(answer, expected, rtol=rtol, atol=atol, equal_nan=True)
    else:
        off = answer != expected
    if not off.any():
        return None
    where, at = _first(off)
    verb = "differs" if off.sum() == 1 else "differ"
    counted = f"{off.sum()} of {off.size} values {verb}; the first{at}: " if at else ""
    return counted + "{}, expected {}".format(*_told_apart(answer[where], expected[where]))


def _first(flags):
    """The index of the first True, and how to say where that is."""
    where = tuple(map(int, np.argwhere(flags)[0]))
    return where, f" at {list(where)}" if where else ""


def _told_apart(answer, expected):
    """Both numbers with as few digits as show that they differ."""
    if expected.dtype.kind not in "fc":
        return str(answer), str(expected)
    short = f"{answer:.6g}", f"{expected:.6g}"
    return short if short[0] != short[1] else (f"{answer:.17g}", f"{expected:.17g}")
