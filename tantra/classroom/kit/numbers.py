"""Which of a chapter's cells can be done on paper, and which of their numbers are to be found.

What was drawn at random cannot be found on paper; the shapes of it can.
"""

import ast
import re

NUMBER = re.compile(r"(?<![\w.])-?(?:inf\b|nan\b|\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?(?![\w%]))")
SHAPE = re.compile(r"\(\d+(?:, \d+)*,?\)")
LABEL = re.compile(r"[A-Za-z]+ *$")
END_OF_GIVEN = re.compile(r"[=:]|->")
CHANCE = {
    "random", "rng", "randn", "rand", "normal", "standard_normal", "Generator", "manual_seed",
    "default_rng", "nn", "GPT", "train", "trained_model", "MultiHeadAttention", "AdamW",
}  # fmt: skip


def names_in(node):
    """Every name and attribute that a piece of code reads."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load):
            yield one.id
        elif isinstance(one, ast.Attribute):
            yield one.attr


def written_names(node):
    """Every name that a piece of code binds; of a function, the function's own."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
        return
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            yield one.id
        elif isinstance(one, ast.Subscript | ast.Attribute) and isinstance(one.ctx, ast.Store):
            yield from (name for name in names_in(one.value) if isinstance(one.value, ast.Name))


def by_chance(cells):
    """The ids of the code cells in which something stems from random numbers, in a list of cells.

    A name is so where what it is made of is; it stays so until it is bound anew.
    """
    names, found = set(CHANCE), set()
    for cell in cells:
        for node in ast.parse(cell.source).body:
            bound = set(written_names(node)) - CHANCE
            if names.intersection(names_in(node)):
                found.add(cell.id)
                names |= bound
            elif isinstance(node, ast.Assign):
                names -= bound
    return found


def to_find(printed, source, random=False):
    """The numbers of a printed text that a student can find, as (start, end) places.

    In each line what stands before the last sign of a result and in the code as well is given;
    of random arrays only shapes can be found.
    """
    given = values(without_assertions(source))
    places, start = [], 0
    for line in printed.splitlines(keepends=True):
        ends = [match.end() for match in END_OF_GIVEN.finditer(line)]
        for match in NUMBER.finditer(line):
            label = line[match.end() :].lstrip()[:1] == ":" and LABEL.search(line[: match.start()])
            shown = value(match[0]) in given and match.end() <= (ends[-1] if ends else 0)
            if not (label or shown or (random and not within(match, SHAPE.finditer(line)))):
                places.append((start + match.start(), start + match.end()))
        start += len(line)
    return places


def value(number):
    """A written number as one, so that 2. is 2.0; as text where it is none."""
    try:
        return float(number.replace(",", ""))
    except ValueError:
        return number


def values(text):
    """Every number that is written in text."""
    return {value(number) for number in NUMBER.findall(text)}


def within(match, others):
    return any(one.start() < match.start() and match.end() < one.end() for one in others)


def without_assertions(source):
    """Code without what it asserts, which would give the numbers away."""
    module = ast.parse(source)
    lines = source.splitlines()
    for node in module.body:
        if is_assertion(node):
            lines[node.lineno - 1 : node.end_lineno] = [None] * (node.end_lineno - node.lineno + 1)
    return "\n".join(line for line in lines if line is not None).strip()


def is_assertion(node):
    """Whether a statement asserts: assert ..., np.testing.assert_allclose(...)."""
    call = node.value if isinstance(node, ast.Expr) else None
    is_call = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    return isinstance(node, ast.Assert) or (is_call and call.func.attr.startswith("assert_"))
