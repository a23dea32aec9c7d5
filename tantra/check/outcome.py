"""Running an attempt on one case: what it returned, or raised, and whether it changed its input."""

import copy
import functools
import inspect
import linecache
import sysconfig
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tantra.check.difference import as_array
from tantra.check.misfit import explained

PACKAGE = str(Path(__file__).parents[1])
INSTALLED = tuple(sysconfig.get_path(which) for which in ("stdlib", "purelib", "platlib"))


@dataclass(frozen=True)
class Case:
    """Arguments to run an attempt on, and what to call them."""

    name: str
    args: tuple
    drawn: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of one run."""

    value: object = None
    error: BaseException | None = None
    changed: int | None = None

    def problem(self, expected, names):
        """What is wrong apart from the value, in words; None where nothing is."""
        if self.error:
            return _raised(self.error)
        if self.changed is not None and expected.changed is None:
            which = names[self.changed].removeprefix("input ")
            return f"your function changed its input {which}: make a new array instead"
        if self.value is None and expected.value is not None:
            return "returned None: is there a return?"
        return None

    def same_ending(self, other):
        """Whether two runs raised the same kind of error, or none, and changed the same input."""
        return type(self.error) is type(other.error) and self.changed == other.changed


def run(function, args):
    """The Outcome of function(*args), which gets its own copies and may do to them as it likes."""
    given = copy.deepcopy(args)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an overflow is reported in words, by its nan
        try:
            value = function(*given)
        except (Exception, SystemExit) as error:
            return Outcome(error=error)
    changed = (n for n, pair in enumerate(zip(given, args, strict=True)) if not _equal(*pair))
    return Outcome(value=value, changed=next(changed, None))


def argument_names(function, count):
    """What a function calls its first `count` arguments; None where it does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters if parameter.kind in plain]
    return names[:count] if len(names) >= count else None


def tantras_own(attempt):
    """Whether this is a function or class of tantra's, also through functools.partial."""
    while isinstance(attempt, functools.partial):
        attempt = attempt.func
    attempt = inspect.unwrap(attempt)
    module = getattr(attempt, "__module__", None) or ""
    return f"{module}.".startswith("tantra.") and not f"{module}.".startswith("tantra.check.")


def in_words(error):
    """An error's type and message; where NumPy's or torch's shapes do not fit, in plain words."""
    message = explained(error) or str(error).strip()
    return type(error).__name__ + (f": {message}" if message else "")


def codes(part):
    """The code objects of a function, or of the methods of a class that do its work."""
    part = inspect.unwrap(part)
    if isinstance(part, type):
        return {vars(part)[n].__code__ for n in ("forward", "__call__") if n in vars(part)}
    return {part.__code__} if hasattr(part, "__code__") else set()


def _equal(one, other):
    """Whether two arguments hold the same numbers; what holds none counts as the same."""
    if isinstance(one, np.ndarray | torch.Tensor):
        one, other = as_array(one), as_array(other)
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return True


def _raised(error):
    """The error's type and message, and the learner's line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith((PACKAGE, *INSTALLED))]
    if not theirs:
        return f"raised {in_words(error)}"
    frame = theirs[-1]
    line = linecache.getline(frame.filename, frame.lineno).strip()
    where = f"in {frame.name}, line {frame.lineno}" + (f": {line}" if line else "")
    return f"raised {in_words(error)}\n{where}"
