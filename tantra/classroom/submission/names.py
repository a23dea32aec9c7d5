"""What a cell defines, what it needs, and its text as Python."""

import ast
import re
import symtable
import warnings

from tantra.check.texts import free

WRAPPERS = re.compile(r"%%(time|timeit|capture|prun|python3?|debug)\b[^\n]*")
BARE = re.compile(r"^[ \t]*([\w, ]+=[ \t]*)?[%!?].*$|^.*\?{1,2}[ \t]*$", re.MULTILINE)
CHANGES = ("append", "extend", "insert", "add", "update", "setdefault", "sort", "reverse")


def parsed(text):
    """The syntax tree, or None where there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def plain(text):
    """A cell's text as Python: without IPython's magics, as far as they hide it."""
    if parsed(text) is not None:
        return text
    stripped = text.lstrip("\n")
    while WRAPPERS.match(stripped):
        stripped = WRAPPERS.sub("", stripped, count=1).lstrip("\n")
    if parsed(stripped) is not None:
        return stripped
    without = BARE.sub(_nothing, stripped)
    return without if parsed(without) is not None else text


def _nothing(line):
    """`pass` in the place of a line, as far to the right."""
    return line[0][: len(line[0]) - len(line[0].lstrip())] + "pass"


def same(one, other):
    """Whether two texts are the same code."""
    if one.strip() == other.strip():
        return True
    trees = parsed(one), parsed(other)
    try:
        return None not in trees and ast.dump(trees[0]) == ast.dump(trees[1])
    except RecursionError:
        return False


def statements(text):
    """(what it binds, its text) of each statement on the outside of a cell."""
    for node, line in _lines(text):
        yield bound(node), line


def parts(text):
    """(what it binds or changes, its text) of each statement on the outside of a cell."""
    for node, line in _lines(text):
        yield bound(node) | changed(node), line


def _lines(text):
    tree, lines = parsed(text), re.split("\r\n|\r|\n", text)
    for node in tree.body if tree else ():
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        yield node, "\n".join(lines[first - 1 : node.end_lineno])


def bound(node):
    """The names that a statement binds outside of functions."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(each.asname or each.name).partition(".")[0] for each in node.names}
    inside = {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set()
    if isinstance(node, ast.Lambda):
        return inside
    return inside.union(*(bound(each) for each in ast.iter_child_nodes(node)))


def changed(node):
    """The names whose things a statement changes: x[0] = 1, x.a = 1, x.append(1)."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Subscript | ast.Attribute):
            stored = isinstance(each.ctx, ast.Store)
            if stored or getattr(each, "attr", None) in CHANGES:
                found |= {each.value.id} if isinstance(each.value, ast.Name) else set()
    return found


def shortened(text, name):
    """Only the statements of a cell from which a name comes, in their order."""
    kept, ask = {}, {name}
    every = list(parts(text))
    while ask:
        asked, ask = ask, set()
        for place, (names, line) in enumerate(every):
            if place not in kept and (names & asked or "*" in names):
                kept[place] = line
                ask |= needed(line) | (names - {"*"})
    return "\n".join(kept[place] for place in sorted(kept))


def defines(text, name):
    """Whether a cell binds the name; of one that is no Python, whether it looks so."""
    if parsed(text) is None:
        return bool(re.search(rf"^(?:def|class)\s+{name}\b|^{name}\s*=[^=]", text, re.MULTILINE))
    return any(name in names for names, _ in statements(text))


def needed(text):
    """The names that a text reads from outside of itself and of its functions."""
    try:
        return set(free(symtable.symtable(text, "", "exec")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def spoken(text):
    """All names, attributes, modules and strings of a text that could be a name."""
    tree, found = parsed(text), set()
    for node in ast.walk(tree) if tree else ():
        for each in ("id", "attr", "module", "name", "value"):
            word = getattr(node, each, None)
            found.update(word.split(".") if isinstance(word, str) else ())
    return found


def functions(text):
    """The names of the functions on the outside of a cell, in order."""
    tree = parsed(text)
    return [each.name for each in tree.body if isinstance(each, ast.FunctionDef)] if tree else []
