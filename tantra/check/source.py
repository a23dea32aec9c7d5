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
    text = _text(thing)
    for name, value in _used(thing, text).items():
        if name not in seen:
            seen.add(name)
            yield from _piece(name, value, thing.__module__, seen)
    yield text


def _piece(name, value, home, seen):
    """The line or lines that define a name; none for what cannot be written down."""
    module, own = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if inspect.ismodule(value):
        yield f"import {own} as {name}"
    elif isinstance(value, bool | int | float | str | None):
        yield f"{name} = {value!r}"
    elif module == home and own:
        yield from _pieces(value, seen)
    elif own and getattr(sys.modules.get(module), own, None) is value:
        yield f"from {module} import {own} as {name}"


def _used(thing, text):
    """The names of the notebook, and of a function around it, that the text reads."""
    first = _functions(thing)[0]
    space = first.__globals__ | inspect.getclosurevars(first).nonlocals
    names = [node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
    return {name: space[name] for name in names if name in space}


def _functions(thing):
    """The function itself, or a class's methods."""
    members = vars(thing).values() if isinstance(thing, type) else [thing]
    found = [inspect.unwrap(member) for member in members if inspect.isfunction(member)]
    if not found:
        raise TypeError(f"{thing!r} has no text")
    return found


def _text(thing):
    """A function's or class's own text; in a notebook Python cannot find a class's by itself."""
    if not isinstance(thing, type):
        return textwrap.dedent(inspect.getsource(thing))
    code = _functions(thing)[0].__code__
    lines = linecache.getlines(code.co_filename)
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, ast.ClassDef) and node.name == thing.__name__:
            start = min([node.lineno, *(line.lineno for line in node.decorator_list)])
            if start <= code.co_firstlineno <= node.end_lineno:
                return textwrap.dedent("".join(lines[start - 1 : node.end_lineno]))
    raise OSError(f"no class {thing.__name__} in {code.co_filename}")
