"""Python's most common errors in plain words; of shapes that do not fit, which ones and where.

NumPy and torch name the shapes seldom, and in words of their own.  Here the failed operation is
looked up where it was raised: its operands are named variables there, or are computed once more.
"""

import ast
import itertools
import linecache
import re

import numpy as np
import torch

COMMON = {
    "'float' object cannot be interpreted as an integer": (
        "a whole number is needed, and / gives a fraction: write //"
    ),
    "'tuple' object has no attribute": (
        "that is a tuple of several results, no array: take one, as in first, second = ..."
    ),
    "'numpy.ndarray' object has no attribute": (
        "that is a NumPy array, and it has no such method: the method may be torch's"
    ),
    "truth value of an array with more than one": (
        "an array has no single truth value: ask `is None`, or choose number by number, np.where"
    ),
    "ufunc 'bitwise_and' not supported": (
        "& binds closer than a comparison: put brackets around each, (a > 0) & (b > 0)"
    ),
    "arrays can be converted to Python scalars": (
        "float() and the functions of math take one number: use NumPy's for arrays"
    ),
}
MISFIT = re.compile(
    "gufunc signature|shapes cannot be multiplied|not aligned|size for first two dimensions"
    "|size mismatch|enough dimensions|be broadcast together|must match the size of tensor"
)
PRODUCTS = ("matmul", "dot", "mm", "bmm", "mv")
SIGNS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)


def explained(error):
    """One sentence on an error that is common; None for all others."""
    if said := next((COMMON[part] for part in COMMON if part in str(error)), None):
        return said
    if into := re.search(r"broadcast input array from shape (.+) into shape (.+)", str(error)):
        return f"what you write has shape {into[1]}, and its place has {into[2]}"
    if not isinstance(error, ValueError | RuntimeError) or not MISFIT.search(str(error)):
        return None
    try:
        node, frame = _failed(error)
        if operands := _of_product(node):
            return _product(*(_shape(side, frame) for side in operands))
        shapes = re.findall(r"(?<!>)\(([\d, ]*)\)", str(error).split("remapped")[0])
        shapes = [tuple(int(n) for n in shape.split(",") if n.strip()) for shape in shapes]
        if isinstance(node, ast.BinOp) and isinstance(node.op, SIGNS):
            shapes = [_shape(node.left, frame), _shape(node.right, frame)]
        pairs = itertools.combinations(shapes, 2) if len(shapes) > 1 else ()
        return next(filter(None, itertools.starmap(_sum, pairs)), None)
    except Exception:  # the learner's operands may do anything when they are asked again
        return None


def _product(one, other):
    """How two shapes do not fit in a product of matrices."""
    said = f"you multiplied {one} by {other}"
    if not one or not other:
        return f"{said}: a product of matrices needs arrays, not single numbers"
    inner = one[-1], other[max(len(other) - 2, 0)]
    if inner[0] != inner[1]:
        return f"{said}: the inner lengths {inner[0]} and {inner[1]} differ"
    return f"{said}: the lengths in front, {one[:-2]} and {other[:-2]}, do not fit"


def _sum(one, other):
    """How two shapes do not fit number by number, from the right; None where they do."""
    for back, (n, m) in enumerate(zip(reversed(one), reversed(other), strict=False), 1):
        if n != m and 1 not in (n, m):
            return f"{one} and {other} do not fit: axis -{back} has {n} here and {m} there"
    return None


def _of_product(node):
    """The two operands of a product of matrices; None where it is none."""
    if isinstance(node, ast.BinOp):
        return (node.left, node.right) if isinstance(node.op, ast.MatMult) else None
    if not isinstance(node, ast.Call):
        return None
    called = node.func
    if getattr(called, "attr", getattr(called, "id", None)) not in PRODUCTS:
        return None
    return node.args if len(node.args) == 2 else (called.value, *node.args)


def _failed(error):
    """The expression that raised the error, as a syntax tree, or None, and its frame."""
    frame, (line, end_line, column, end_column) = _raised_in(error)
    lines = linecache.getlines(frame.f_code.co_filename)[line - 1 : end_line]
    last = len("".join(lines[:-1]).encode()) + end_column
    text = "".join(lines).encode()[column:last].decode()
    try:
        return ast.parse(f"({text})", mode="eval").body, frame
    except SyntaxError:  # a statement, such as x += y
        return None, frame


def _raised_in(error):
    """The innermost frame that is not NumPy's or torch's, and the place of its operation."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if name.split(".")[0] not in ("numpy", "torch"):
            found = trace
        trace = trace.tb_next
    places = list(found.tb_frame.f_code.co_positions())
    return found.tb_frame, places[found.tb_lasti // 2]


def _shape(node, frame):
    """The shape of an operand, computed once more from the variables of its frame."""
    code = compile(ast.fix_missing_locations(ast.Expression(node)), "<operand>", "eval")
    with np.errstate(all="ignore"), torch.no_grad():
        return tuple(np.shape(eval(code, frame.f_globals, dict(frame.f_locals))))
