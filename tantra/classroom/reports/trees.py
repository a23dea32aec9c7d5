"""An answer's own code in a normal form, to be compared: its statements without what a copy hides.

Left out are comments, docstrings, annotations, imports, and the statements that the page gave.
Variables are numbered as they first appear; a list of numbers is one node.
"""

import ast
from dataclasses import dataclass

from tantra.classroom.submission import names

LONGEST = 50_000  # letters of an answer that is compared
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
COUNTED = (ast.stmt, ast.expr, ast.arg, ast.keyword, ast.comprehension, ast.excepthandler)


@dataclass(frozen=True)
class Form:
    """What is left of an answer, and how many nodes of a syntax tree it has."""

    text: str
    nodes: int


def form(source, given=""):
    """The Form of an answer; None where it is no Python, too long or too deep."""
    if len(source) > LONGEST:
        return None
    try:
        theirs, ours = (_statements(names.plain(text)) for text in (source, given))
        if theirs is None:
            return None
        known = {_normal([(0, each)], ours[1]) for _, each in ours[0]} if ours else set()
        lines, made = theirs
        own = [(depth, each) for depth, each in lines if _normal([(0, each)], made) not in known]
        nodes = sum(isinstance(node, COUNTED) for _, each in own for node in ast.walk(each))
        return Form(_normal(own, made), nodes)
    except (RecursionError, MemoryError):
        return None


def made(tree):
    """The names that a syntax tree binds, also inside functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif field := _naming(node):
            found.add(getattr(node, field))
    return found


def _naming(node):
    """The field of a node, no variable, that holds a name it binds."""
    if isinstance(node, ast.arg):
        return "arg"
    named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler
    return "name" if isinstance(node, named) and node.name else None


def _statements(text):
    """([(how deep it stands, statement), ...], names that are bound), or None."""
    tree = names.parsed(text)
    if tree is None:
        return None
    modules = {"np": "numpy"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {each.asname: each.name for each in node.names if each.asname}
    tree = _Plainer(modules).visit(tree)
    return list(_lines(tree)), made(tree)


def _lines(node, depth=0):
    """Each statement without those inside of it, which follow."""
    for block in BLOCKS:
        for each in getattr(node, block, ()):
            fields = dict(ast.iter_fields(each))
            yield depth, type(each)(**fields | {name: [] for name in BLOCKS if name in fields})
            yield from _lines(each, depth + 1)


def _normal(lines, bound):
    """Statements as text, the bound names in them numbered."""
    numbers, found = {}, []

    def number(name):
        return numbers.setdefault(name, f"v{len(numbers)}") if name in bound else name

    for depth, statement in lines:
        undo = []
        for node in ast.walk(statement):
            field = "id" if isinstance(node, ast.Name) else _naming(node)
            if field:
                undo.append((node, field, getattr(node, field)))
                setattr(node, field, number(getattr(node, field)))
        found.append(f"{depth} {ast.dump(statement)}")
        for node, field, name in undo:
            setattr(node, field, name)
    return "\n".join(found)


class _Plainer(ast.NodeTransformer):
    """Takes out of a tree what says nothing about who wrote it."""

    def __init__(self, modules):
        self.modules = modules

    def visit(self, node):
        if isinstance(node, ast.Pass | ast.Import | ast.ImportFrom):
            return None
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return None
        if isinstance(node, ast.AnnAssign):
            assigned = ast.Assign(targets=[node.target], value=node.value)
            return self.generic_visit(assigned) if node.value else None
        if isinstance(node, ast.Name):
            node.id = self.modules.get(node.id, node.id)
        for field in {"annotation", "returns"} & set(node._fields):
            setattr(node, field, None)
        return _one(self.generic_visit(node))


def _one(node):
    """A literal as one constant; any other node as it is."""
    if isinstance(node, ast.UnaryOp):
        inside = [node.operand]
    elif isinstance(node, ast.Dict):
        inside = [*node.keys, *node.values]
    else:
        inside = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
    constant = inside and all(isinstance(each, ast.Constant) for each in inside)
    return ast.Constant(ast.dump(node)) if constant else node
