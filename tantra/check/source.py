"""A reader's function as text, with what it leans on, so that a later notebook can run it.

`collect` writes it down, `rebuild` makes the function again, `trial` says what was lost between.
"""

import contextlib
import inspect
import io
import linecache
import math
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from tantra.check import instead as stand_ins
from tantra.check.texts import own_name, submodules, text_of, used
from tantra.check.values import Lost, expression

LIBRARIES = ("math", "numpy", "torch", "torch.nn.functional")


def collect(name, attempt):
    """({"function": its name, "source": text that defines it}, {what the text lacks: why}).

    name is what to call an attempt that has no name of its own.  Raises Lost where there is no
    text at all.
    """
    writer = _Writer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a text that Python has compiled before
        try:
            own = own_name(attempt) or name
            writer.bind(own, attempt)
        except Exception as error:  # the objects of a notebook may do anything when looked at
            raise Lost(brief(error)) from error
    return {"function": own, "source": "\n".join(writer.lines)}, writer.lacks


def rebuild(name, entry, instead=None):
    """The function an entry of the progress file holds; LookupError where it can't be had.

    instead holds functions by name, which the text gets in the place of tantra's.
    """
    source, function = entry.get("source"), entry.get("function")
    if not (source and isinstance(source, str) and isinstance(function, str)):
        lost = entry.get("lost", "its text was not kept: give it a def of its own")
        raise LookupError(f"{name} was passed, but {brief(lost)}")
    filename = f"<your {name}>"
    linecache.cache[filename] = (1, None, source.splitlines(keepends=True), filename)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            space = _names(instead)
            exec(compile(source, filename, "exec"), space)
        return space[function]
    except (Exception, SystemExit) as error:
        problem = brief(f"{type(error).__name__}: {error}")
        raise LookupError(f"your {name} cannot be rebuilt from its text: {problem}") from error


def trial(name, entry, exercise=None):
    """What is wrong with the function an entry holds, on the shown cases; None where nothing is.

    The function has what a later notebook gives it, and nothing of this one.
    """
    with contextlib.redirect_stdout(io.StringIO()), _default_dtype(torch.float32):
        try:
            again = rebuild(name, entry)
        except LookupError as error:
            return brief(error.__cause__)
        verdict = exercise and replace(exercise, draws=0, memory={}).judge(again, seed=0)
    if verdict is None or verdict.passed:
        return None
    return brief((verdict.problem or "it is not written yet").splitlines()[0])


@contextlib.contextmanager
def _default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def brief(words, most=200):
    """The words on one line, or their beginning."""
    line = " ".join(str(words).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _names(instead):
    """What a reader's function may use without our having kept it."""
    ours = {"math": math, "np": np, "torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    return stand_ins.names(instead) | ours | {"__name__": "tantra_mine"}


class _Writer:
    """Lines of Python that define names, those first that the others need."""

    def __init__(self):
        self.lines, self.bound, self.lacks = [], {}, {}

    def bind(self, name, value):
        """Add the lines after which the name is the value."""
        if name not in self.bound:
            self.bound[name] = value
            self.lines.append(self._definition(name, value))
        elif not _same(self.bound[name], value):
            raise Lost("one of two different things of that name")

    def _definition(self, name, value):
        if inspect.ismodule(value):
            if not _is_installed(value):
                raise Lost("a file of your own")
            return f"import {value.__name__} as {name}"
        if origin := _origin(value):
            return f"from {origin[0]} import {origin[1]} as {name}"
        if own_name(value) != name:
            return f"{name} = {expression(value, self._name_of)}"
        text = text_of(value)
        for needed, item in used(value, text).items():
            try:
                self.bind(needed, item)
            except Exception as reason:
                self.lacks[needed] = brief(reason)
        self.lines += [f"import {module} as _" for module in submodules(text, self.bound)]
        return text

    def _name_of(self, value):
        """The name of a function, class or module, which is defined before it is used."""
        name = own_name(value) or getattr(value, "__name__", "")
        if inspect.isfunction(value) and not own_name(value):
            raise Lost("a lambda, which has no text of its own")
        if not (own_name(value) or _origin(value) or inspect.ismodule(value)):
            raise Lost(f"a {type(value).__name__}")
        self.bind(name, value)
        return name


def _same(one, other):
    plain = type(one) is type(other) and isinstance(one, bool | int | float | str)
    return one is other or (plain and one == other)


def _origin(value):
    """(module, name) from which an installed library's thing is imported; None for all others."""
    own = getattr(value, "__name__", None)
    for place in (getattr(value, "__module__", None), *LIBRARIES):
        module = sys.modules.get(place) if isinstance(place, str) else None
        if isinstance(own, str) and getattr(module, own, None) is value and _is_installed(module):
            return place, own
    return None


def _is_installed(module):
    """Whether a module comes with Python, with a package or with tantra."""
    top, _, _ = module.__name__.partition(".")
    places = Path(getattr(module, "__file__", None) or "").parts
    packages = {"site-packages", "dist-packages"}
    return top == "tantra" or top in sys.stdlib_module_names or not packages.isdisjoint(places)
