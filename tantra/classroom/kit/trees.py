"""Answers found by their syntax trees, whatever their names, comments and spaces.

An answer is what stands between the markers of a solution, statement by statement, and the body of
each function in which it stands.  It is found in a text where the same statements stand in a row.
Names are numbered as they come up, so that renaming hides nothing; a short answer, such as
`pairs = 34`, is compared with its names.
"""

import ast
import re
import textwrap
from collections import defaultdict
from dataclasses import dataclass

from exercises import split
from rules.answers import MAGIC
from rules.page import tags

SHORT = 14  # nodes: of fewer, names must be the same
FENCE = re.compile(r"^```(?:py\w*)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(
    r"^(?P<in>[ \t]*)(?:@|def |class ).*\n(?:(?P=in)(?:[ \t].*|def .*)\n|[ \t]*\n)*", re.MULTILINE
)


@dataclass(frozen=True)
class Answer:
    """The statements of an answer, by their outline and by their tree."""

    page: str
    cell: str
    outline: tuple
    tree: str

    def __str__(self):
        return f"the answer of solutions/{self.page}.ipynb, cell {self.cell}"


def answers_in(page):
    """Every Answer of a solution."""
    for cell in page.code:
        if "task" not in tags(cell):
            continue
        pieces = [(kind, line) for kind, lines in split(cell.source) for line in lines]
        asked = {number for number, (kind, _) in enumerate(pieces, 1) if kind == "solution"}
        for statements in runs_of(ast.parse(MAGIC.sub("", cell.source)), asked):
            yield Answer(page.path.stem, cell.id, outlines(statements), tree(statements))


def runs_of(module, asked):
    """The runs of statements that stand in the lines asked for, and function bodies with these.

    What stands inside such a statement is part of it, and no answer of its own.
    """
    within = set()
    for body, in_function in bodies(module):
        run = [one for one in body if asked.issuperset(range(one.lineno, one.end_lineno + 1))]
        if not run or run[0] in within:
            continue
        within |= {node for one in run for node in ast.walk(one)}
        yield run
        if in_function and len(run) < len(body):
            yield body


def bodies(module):
    """Every list of statements of module, outer before inner; whether it is a function's."""
    for node in ast.walk(module):
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list) and statements:
                yield without_docstring(statements), isinstance(node, ast.FunctionDef)


def without_docstring(statements):
    first = statements[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return statements[1:] if is_text and isinstance(first.value.value, str) else statements


def outlines(statements):
    """What kinds of nodes each statement is made of: equal for equal trees."""
    return tuple(outline(one) for one in statements)


def outline(statement):
    return hash(tuple(type(node).__name__ for node in ast.walk(statement)))


def tree(statements):
    """Statements as text in which names are numbered; of few nodes, as they are."""
    module = ast.Module(statements, [])
    copy = ast.parse(ast.unparse(module))
    size = sum(1 for _ in ast.walk(copy))
    return ast.dump(copy if size < SHORT else Numbered().visit(copy))


class Numbered(ast.NodeTransformer):
    """Numbers every name; drops docstrings, annotations, and a module's name before a function."""

    def __init__(self):
        self.numbers = {}

    def number(self, name):
        return f"_{self.numbers.setdefault(name, len(self.numbers))}"

    def visit_Name(self, node):
        return ast.Name(self.number(node.id), ast.Load())

    def visit_Attribute(self, node):
        of_tantra = isinstance(node.value, ast.Name) and node.value.id == "tantra"
        return self.visit(ast.Name(node.attr)) if of_tantra else self.generic_visit(node)

    def visit_arg(self, node):
        return ast.arg(self.number(node.arg))

    def visit_FunctionDef(self, node):
        body = without_docstring(node.body)
        inner = ast.FunctionDef(self.number(node.name), node.args, body, node.decorator_list)
        return self.generic_visit(inner)


class Search:
    """Looks for many answers at once: by their outline first, by their tree where that agrees."""

    def __init__(self, answers):
        self.by_outline = defaultdict(list)
        for answer in answers:
            self.by_outline[answer.outline].append(answer)
        self.lengths = sorted({len(outline) for outline in self.by_outline})

    def found_in(self, source):
        """Every Answer that stands in the Python text source; none where it is no Python."""
        try:
            module = ast.parse(MAGIC.sub("", source))
        except (SyntaxError, ValueError):
            return
        for body, _ in bodies(module):
            marks = outlines(body)
            for length in self.lengths:
                for start in range(len(body) - length + 1):
                    known = self.by_outline.get(marks[start : start + length], ())
                    yield from same(known, body[start : start + length])


def same(known, statements):
    """The answers among known that these statements are."""
    if known:
        text = tree(statements)
        yield from (answer for answer in known if answer.tree == text)


def pythons(text):
    """Every stretch of Python in a text that is not all Python: fenced, or printed."""
    yield from FENCE.findall(text)
    yield from (textwrap.dedent(match[0]) for match in BLOCK.finditer(f"{text}\n"))
