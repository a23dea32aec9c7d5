"""A rule for answers: none stands in its chapter, ready to paste."""

import ast
import re
import textwrap

from exercises import split
from rules.anywhere import printed_parts
from rules.page import Page, tags

MAGIC = re.compile(r"^[%!].*$", re.MULTILINE)


def no_answer_stands_in_its_chapter(page):
    """No function of an answer is also one of its chapter, names and docstrings aside."""
    chapter = Page(page.path.resolve().parents[1] / "notebooks" / page.path.name)
    if page.folder == "solutions" and chapter.path.exists():
        yield from answers_found(page, chapter)


def answers_found(page, chapter):
    """(cell, where in the chapter) for each function of an answer that stands there too."""
    shown = {}
    for place, function in [*written_functions(chapter), *printed_functions(chapter)]:
        shown.setdefault(bare_body(function), f"{function.name} in {place}")
    for cell, function in answer_functions(page):
        if place := shown.get(bare_body(function)):
            yield (
                cell,
                f"{function.name} stands in the chapter as {place}: change the task a little",
            )


def functions(source):
    """Every function that source defines, methods and inner ones too."""
    tree = ast.parse(MAGIC.sub("", source))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def written_functions(chapter):
    """(place, function) for what the cells of chapter define."""
    for cell in chapter.code:
        for function in functions(cell.source):
            yield f"cell {cell.id}", function


def printed_functions(chapter):
    """(place, function) for what chapter prints of the library's source."""
    for cell, text, _, sources in printed_parts(chapter):
        for source in sources:
            if source in text:
                for function in functions(textwrap.dedent(source)):
                    yield f"what cell {cell.id} prints", function


def answer_functions(page):
    """(cell, function) for each function of which the learner is to write at least a line."""
    for cell in page.code:
        if "task" in tags(cell):
            pieces = [(kind, line) for kind, lines in split(cell.source) for line in lines]
            asked = {number for number, (kind, _) in enumerate(pieces, 1) if kind == "solution"}
            found = functions(cell.source)
            inner = {node for one in found for node in ast.walk(one) if node is not one}
            for function in [one for one in found if one not in inner]:
                if asked.intersection(range(function.lineno, function.end_lineno + 1)):
                    yield cell.id, function


def bare_body(function):
    """What function does, as text in which its own names are numbered as they first come up."""
    body = function.body[ast.get_docstring(function) is not None :]
    tree = ast.parse("\n".join(map(ast.unparse, body)))
    own = {function.name, *(node.arg for node in ast.walk(function) if isinstance(node, ast.arg))}
    own |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and not is_read(n)}
    own |= {n.name for n in ast.walk(function) if isinstance(n, ast.FunctionDef)}
    return ast.dump(Renamed(own).visit(tree))


def is_read(name):
    return isinstance(name.ctx, ast.Load)


class Renamed(ast.NodeTransformer):
    """Numbers the names in own; drops annotations, docstrings, and tantra. before a name."""

    def __init__(self, own):
        self.own, self.numbers = own, {}

    def number(self, name):
        return f"_{self.numbers.setdefault(name, len(self.numbers))}" if name in self.own else name

    def visit_Name(self, node):
        return ast.Name(self.number(node.id), ast.Load())

    def visit_Attribute(self, node):
        of_tantra = isinstance(node.value, ast.Name) and node.value.id == "tantra"
        return ast.Name(node.attr, ast.Load()) if of_tantra else self.generic_visit(node)

    def visit_arg(self, node):
        return ast.arg(self.number(node.arg))

    def visit_AnnAssign(self, node):
        return self.visit(ast.Assign([node.target], node.value)) if node.value else None

    def visit_FunctionDef(self, node):
        body = node.body[ast.get_docstring(node) is not None :]
        inner = ast.FunctionDef(self.number(node.name), node.args, body, node.decorator_list)
        return self.generic_visit(inner)


ANSWERS = [no_answer_stands_in_its_chapter]
