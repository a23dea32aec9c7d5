"""Rules for the names that the code of the line uses: none comes before it is introduced.

A name of tantra, NumPy or torch, a method or an attribute is introduced by a code span of a text
above the cell, by a comment in it or above it, or by a function or class of that name; on this line
or on an earlier one.  tools/settings/known_names.txt lists what the README asks a reader to know.
Plain Python is free, and so are folded cells.
"""

import ast
import io
import pathlib
import re
import sys
import tokenize
from functools import cache

from course import ROOT, folded
from rules.answers import MAGIC
from rules.line import divided, is_code
from rules.page import Page

SPAN = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
WORD = re.compile(r"\w+")
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
OF_PYTHON = (str, bytes, int, float, list, dict, set, tuple, pathlib.Path, io.BytesIO, type)


def names_are_introduced(page):
    """A library's name, method or attribute is said in a code span before a line first uses it."""
    introduced = set.union(known(), *map(introduced_at, before(page)))
    cells = divided(page)[0].cells
    modules = dict(pair for cell in cells if is_code(cell) for pair in imported_modules(cell))
    for cell in cells:
        introduced |= introduced_in(cell)
        if is_code(cell) and not folded(cell):
            new = [name for name in names_used(cell, modules) if name not in introduced]
            introduced.update(new)
            if new:
                said = ", ".join(f"`{name}`" for name in new)
                yield cell.id, f"{said}: say above what it is, in a code span, or in a comment"


def nothing_needs_a_cell_below(page):
    """No name on the line gets its value in Deeper alone."""
    line, sections = divided(page)
    here = {name for cell in line.cells if is_code(cell) for name in bound(parsed(cell))}
    below = {name for s in sections for c in s.cells if is_code(c) for name in bound(parsed(c))}
    for cell in filter(is_code, line.cells):
        for node in ast.walk(parsed(cell)):
            if isinstance(node, ast.Name) and node.id in below - here:
                yield cell.id, f"{node.id} is assigned in Deeper only"


@cache
def known():
    """What a reader knows before chapter 00."""
    lines = (ROOT / "tools/settings/known_names.txt").read_text(encoding="utf-8").splitlines()
    numpy = {word for line in lines for word in line.partition("#")[0].split()}
    return numpy.union(*map(dir, OF_PYTHON))


def before(page):
    """The chapters before page."""
    paths = sorted(page.path.resolve().parent.glob("[0-9][0-9]_*.ipynb"))
    return [path for path in paths if path.name < page.path.name and ".mine-" not in path.name]


@cache
def introduced_at(path):
    """What the whole line of the chapter stored at path introduces."""
    return set.union(set(), *map(introduced_in, divided(Page(path))[0].cells))


def introduced_in(cell):
    """The words that cell introduces: in code spans; in comments and by what it defines."""
    if not is_code(cell):
        return set(WORD.findall(" ".join(SPAN.findall(cell.source))))
    defined = {
        node.name if isinstance(node, DEFINITIONS) else node.attr
        for node in ast.walk(parsed(cell))
        if isinstance(node, DEFINITIONS)
        or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))
    }
    return defined | set(WORD.findall(" ".join(comments(cell))))


def comments(cell):
    """The comments of a code cell."""
    if not parsed(cell).body:
        return []
    lines = io.StringIO(MAGIC.sub("", cell.source)).readline
    return [t.string for t in tokenize.generate_tokens(lines) if t.type == tokenize.COMMENT]


def parsed(cell):
    """The tree of a code cell; an empty one where it is no Python, which another gate says."""
    try:
        return ast.parse(MAGIC.sub("", cell.source))
    except SyntaxError:
        return ast.Module([], [])


def imported_modules(cell):
    """(name, whether a module of Python itself) for each module that cell imports."""
    nodes = list(ast.walk(parsed(cell)))
    roots = {root(node) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            name = alias.asname or alias.name.partition(".")[0]
            if isinstance(node, ast.Import):
                yield name, of_python(alias.name)
            elif alias.name.islower() and name in roots:  # from torch.nn import functional as F
                yield name, of_python(node.module)


def of_python(module):
    return module.partition(".")[0] in sys.stdlib_module_names


def names_used(cell, modules):
    """The names that cell imports from libraries, and its attributes, each once.

    Left out are what is reached through a module of Python, and the modules on the way to a name:
    random in np.random.default_rng.
    """
    found, tree = {}, parsed(cell)
    inner = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not of_python(node.module):
            names = [a.name for a in node.names if (a.asname or a.name) not in modules]
            found |= dict.fromkeys(names, (node.lineno, node.col_offset))
        elif isinstance(node, ast.Attribute):
            of_module = modules.get(root(node))
            on_the_way = of_module is False and node in inner and node.attr.islower()
            if not of_module and not on_the_way:
                found.setdefault(node.attr, (node.end_lineno, node.end_col_offset))
    return sorted(found, key=found.get)


def root(node):
    """The name that a chain of attributes begins with, or None."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def bound(tree):
    """The names that tree gives a value to, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (*DEFINITIONS, ast.ExceptHandler)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]


NAMES = [names_are_introduced, nothing_needs_a_cell_below]
