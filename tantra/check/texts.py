"""The text that defines one function or class, and the names that it reads."""

import ast
import inspect
import linecache
import symtable
import sys
import textwrap
import types

from tantra.check.values import Lost


def own_name(thing):
    """What its text calls a function or class; None for other things, and for a lambda."""
    function = _function(thing)
    name = thing.__name__ if isinstance(thing, type) else function and function.__code__.co_name
    return name if function and name.isidentifier() else None


def text_of(thing):
    """The lines that define a function or class, with its decorators; raises Lost."""
    code, name = _function(thing).__code__, own_name(thing)
    for text in [_file(code.co_filename), *_cells(code)]:
        for node in ast.walk(ast.parse(text)):
            if getattr(node, "name", None) == name and hasattr(node, "decorator_list"):
                first = min([node.lineno, *(line.lineno for line in node.decorator_list)])
                if first <= code.co_firstlineno <= node.end_lineno:
                    lines = text.splitlines()[first - 1 : node.end_lineno]
                    return textwrap.dedent("\n".join(lines))
    raise Lost("its text cannot be found")


def used(thing, text):
    """What the text reads of its notebook, and of a function around it: {name: value}."""
    functions = [_function(member) for member in _members(thing)]
    space = {}
    for function in filter(None, functions):
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        space |= function.__globals__ | {name: cell.cell_contents for name, cell in cells}
    names = free(symtable.symtable(text, "", "exec"))
    return {name: space[name] for name in names if name in space}


def submodules(text, space):
    """The modules that the text reaches through others, such as xml.etree by xml."""
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute))
    for first, *rest in (ast.unparse(node).split(".") for node in nodes):
        module = space.get(first)
        path = ".".join([getattr(module, "__name__", ""), *rest])
        if isinstance(module, types.ModuleType) and path in sys.modules:
            yield path


def _members(thing):
    return vars(thing).values() if isinstance(thing, type) else [thing]


def _function(thing):
    """The Python function that a decorator stands around, or a class's first method; or None."""
    if isinstance(thing, type):
        return next(filter(None, map(_function, vars(thing).values())), None)
    if inspect.isfunction(thing) or hasattr(thing, "__wrapped__"):
        thing = inspect.unwrap(thing)
    return thing if inspect.isfunction(thing) else None


def free(table):
    """The names that a text reads from outside, of a table of its symbols, in their order."""
    inside = table.get_type() != "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or not inside):
            yield symbol.get_name()
    for child in table.get_children():
        yield from free(child)


def _file(name):
    return "".join(linecache.getlines(name))


def _cells(code):
    """Cells that hold this code under a magic such as %%time, which hides their text."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    for cell in reversed(shell.history_manager.input_hist_raw if shell else []):
        body = cell
        while body.startswith("%%"):
            body = body.partition("\n")[2]
        if body != cell and code in _codes(compile(shell.transform_cell(body), "", "exec")):
            yield shell.transform_cell(body)


def _codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)
