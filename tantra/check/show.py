"""How a verdict looks: HTML in Jupyter, plain text elsewhere; both say the same."""

import sys
from html import escape

import numpy as np
import torch

from tantra.check.difference import as_array

MARKS = {"passed": "✓", "failed": "✗", "unwritten": "·"}
COLOURS = {
    "passed": "var(--jp-success-color1, #2e7d32)",
    "failed": "var(--jp-error-color1, #d32f2f)",
    "unwritten": "var(--jp-border-color1, #9e9e9e)",
}


def verdict(found, notice=None):
    """Show a verdict, and below it a sentence about the progress file if there is one."""
    _display(
        "\n".join(filter(None, [text(found), notice])),
        _box(found.status, _html(found) + (f"<p>{escape(notice)}</p>" if notice else "")),
    )


def text(found):
    """A verdict as plain text."""
    head = f"{MARKS[found.status]} {found.name}"
    if found.status != "failed":
        return f"{head}: {_good(found)}"
    lines = [head + (f" · {found.case}" if found.case else "")]
    lines += [f"  {line}" for line in found.problem.splitlines()]
    if found.inputs:
        lines.append("  input: " + _indented(_inputs(found.inputs), 9))
    if found.seed is not None:
        lines.append(f"  To repeat this case: {_again(found)}")
    lines.append(f"  Hint: {_advice(found)}")
    return "\n".join(lines)


def hint(name, hints, given):
    """Show hint number `given`, counted from 0, or that there are no more."""
    if given < len(hints):
        line(f"{name}, hint {given + 1} of {len(hints)}: {hints[given]}")
    else:
        line(f"{name}: that was the last hint" if hints else f"{name} has no hints")


def line(sentence):
    """Show one sentence."""
    _display(sentence, _box("unwritten", f"<p>{escape(sentence)}</p>"))


def short(value):
    """A value in a few lines: its numbers, or what it is."""
    if isinstance(value, np.ndarray | torch.Tensor):
        numbers = as_array(value)
        numbers = numbers + 0.0 if numbers.dtype.kind == "f" else numbers  # no "-0."
        return np.array2string(numbers, precision=4, threshold=30, edgeitems=2, separator=", ")
    if isinstance(value, tuple | list):
        return f"({', '.join(map(short, value))})"
    words = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return words if len(words) <= 100 else words[:99] + "…"


def _good(found):
    if found.status == "passed":
        return found.problem
    return "not written yet" + (f". {found.problem}" if found.problem else "")


def _inputs(inputs):
    """The arguments of the case, each array's rows below one another."""
    return "\n".join(f"{name} = {_indented(short(v), len(name) + 3)}" for name, v in inputs.items())


def _indented(lines, width):
    """Lines that hang together: those after the first moved to the right, blank ones left out."""
    first, *rest = filter(str.strip, lines.splitlines())
    return "\n".join([first, *(" " * width + line for line in rest)])


def _again(found):
    return f"check.{found.name}(..., seed={found.seed})"


def _advice(found):
    return found.mistake or f"check.{found.name}.hint() gives a first step."


def _html(found):
    mark, name = MARKS[found.status], f"<strong>{escape(found.name)}</strong>"
    if found.status != "failed":
        return f"<p>{mark} {name}: {escape(_good(found))}</p>"
    case = f" · {escape(found.case)}" if found.case else ""
    problem, _, where = found.problem.partition("\n")
    parts = [f"<p>{mark} {name}{case}</p>", f"<p>{escape(problem)}</p>"]
    if where:
        parts.append(_code(where))
    if found.inputs:
        parts.append(_code(_inputs(found.inputs)))
    if found.seed is not None:
        parts.append(f"<p>To repeat this case: <code>{escape(_again(found))}</code></p>")
    parts.append(f"<p><strong>Hint:</strong> {escape(_advice(found))}</p>")
    return "".join(parts)


def _code(lines):
    return f'<pre style="margin:.3em 0;overflow-x:auto">{escape(lines)}</pre>'


def _box(status, inside):
    style = (
        f"border-left:4px solid {COLOURS[status]};padding:.1em .8em;"
        "color:var(--jp-content-font-color1, inherit)"
    )
    inside = inside.replace("<p>", '<p style="margin:.3em 0">')
    return f'<div class="tantra-check" style="{style}">{inside}</div>'


def _display(plain, html):
    """Show both forms where IPython runs, which picks one; else print the plain one."""
    ipython = sys.modules.get("IPython")
    if ipython and ipython.get_ipython() is not None:
        ipython.display.display({"text/plain": plain, "text/html": html}, raw=True)
    else:
        print(plain)
