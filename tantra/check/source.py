"""The text of a reader's function, with what it leans on, so that a later notebook can run it."""

import ast
import inspect
import linecache
import sys
import textwrap


def collect(attempt):
    """{"function": its name, "source": text that defines it}; {} where there is no such text."""
    name = getattr(attempt, "__name__", "")
    if not name.isidentifier():
        return {}
    try:
        return {"function": name, "source": "\n".join(_pieces(attempt, set()))}
    except (OSError, TypeError, SyntaxError):
        return {}


def rebuild(name, entry):
    """The function an entry of the progress file holds; LookupError where it can't be had."""
    if not entry.get("source"):
        raise LookupError(f"{name} was passed, but its text was not kept: give it a def of its own")
    space = _names()
    filename = f"<your {name}>"
    linecache.cache[filename] = (1, None, entry["source"].splitlines(keepends=True), filename)
    try:
        exec(compile(entry["source"], filename, "exec"), space)
        return space[entry["function"]]
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        raise LookupError(f"your {name} cannot be rebuilt from its text: {problem}") from error


def _names():
    """What a reader's function may use without our having kept it."""
    import math

    import numpy
    import torch

    import tantra

    public = {name: getattr(tantra, name) for name in getattr(tantra, "__all__", ())}
    ours = {"math": math, "np": numpy, "torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    return public | ours | {"tantra": tantra, "__name__": "tantra_mine"}


def _pieces(thing, seen):
    """The text of what a function or class uses of its notebook, then its own."""
    seen.add(thing.__name__)
    for name, value in _used(thing).items():
        if name not in seen:
            seen.add(name)
            yield from _piece(name, value, thing.__module__, seen)
    yield _text(thing)


def _piece(name, value, home, seen):
    if inspect.ismodule(value):
        yield f"import {value.__name__} as {name}"
    elif isinstance(value, bool | int | float | str):
        yield f"{name} = {value!r}"
    elif getattr(value, "__module__", None) == home and hasattr(value, "__name__"):
        yield from _pieces(value, seen)
    else:
        module, own = getattr(value, "__module__", None), getattr(value, "__name__", None)
        if own and getattr(sys.modules.get(module), own, None) is value:
            yield f"from {module} import {own} as {name}"


def _used(thing):
    """The globals and outer variables that a function, or a class's methods, read by name."""
    used = {}
    for function in _functions(thing):
        for code in _codes(function.__code__):
            spaces = [function.__globals__, inspect.getclosurevars(function).nonlocals]
            used |= {n: s[n] for s in spaces for n in (*code.co_names, *code.co_freevars) if n in s}
    return used


def _functions(thing):
    members = vars(thing).values() if isinstance(thing, type) else [thing]
    return [inspect.unwrap(member) for member in members if inspect.isfunction(member)]


def _codes(code):
    yield code
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _codes(constant)


def _text(thing):
    """A function's or class's own text; in a notebook Python cannot find a class's by itself."""
    if not isinstance(thing, type):
        return textwrap.dedent(inspect.getsource(thing))
    first = _functions(thing)[0].__code__ if _functions(thing) else None
    if first is None:
        raise OSError("a class without methods")
    lines = linecache.getlines(first.co_filename)
    for node in ast.walk(ast.parse("".join(lines))):
        if (
            isinstance(node, ast.ClassDef)
            and node.lineno <= first.co_firstlineno <= node.end_lineno
        ):
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if node.name == thing.__name__:
                return textwrap.dedent("".join(lines[start - 1 : node.end_lineno]))
    raise OSError("no such class in its file")
