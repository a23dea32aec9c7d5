"""How a verdict looks: HTML in Jupyter, plain text elsewhere; both say the same."""

import sys
from html import escape

import numpy as np
import torch

from tantra.check.difference import as_array

MARKS = {"passed": "✓", "failed": "✗", "unwritten": "·"}
MOST = 400  # letters of a value that is written out
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
    """A verdict as plain text: what helps first, then what was found, then the input."""
    head = f"{MARKS[found.status]} {found.name}"
    if found.status != "failed":
        return f"{head}: {_good(found)}"
    lines = [head + (f" · {found.case}" if found.case else "")]
    lines += [f"  {line}" for line in (*_advice(found), *found.problem.splitlines())]
    if found.inputs:
        lines += ["  The input:", *(f"    {line}" for line in inputs(found).splitlines())]
    lines += [f"  {line}" for line in _further(found)]
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


def written(value):
    """A value as Python that can be pasted, where it is small; None where it is not."""
    if isinstance(value, torch.Tensor):
        usual = (torch.get_default_dtype(), torch.int64, torch.bool)
        kind = "" if value.dtype in usual else f", dtype={value.dtype}"
        return _numbers("torch.tensor", as_array(value), kind)
    if isinstance(value, np.ndarray):
        kind = "" if value.dtype in (np.float64, np.int64, bool) else f", dtype=np.{value.dtype}"
        return _numbers("np.array", value, kind)
    if isinstance(value, np.generic):
        return _number(value.item())
    if isinstance(value, tuple | list):
        items = [written(item) for item in value]
        if None in items:
            return None
        inside = ", ".join(items) + ("," if type(value) is tuple and len(items) == 1 else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        items = {repr(key): written(item) for key, item in value.items()}
        within = None not in items.values()
        return "{" + ", ".join(map(": ".join, items.items())) + "}" if within else None
    if isinstance(value, bool | int | float | str | bytes | None):
        return _unless_long(_number(value))
    return None


def inputs(found):
    """The arguments of the case as lines that can be pasted, with their shapes behind."""
    return "\n".join(_assigned(found.name, name, value) for name, value in found.inputs.items())


def _good(found):
    if found.status == "passed":
        return found.problem
    return "not written yet" + (f": {found.problem}" if found.problem else "")


def _assigned(exercise, name, value):
    """`name = value  # its shape`; what is too large to be read is fetched from the check."""
    words = written(value)
    if words is None:
        words = f'check.{exercise}.inputs()["{name}"]'
    if name.isidentifier():
        words = f"{name} = {_indented(words, len(name) + 3)}"
    return words + (f"  # {said}" if (said := _shape(value)) else "")


def _shape(value):
    """What a comment says of an array: its shape, and its type where it is not NumPy's float64."""
    if not isinstance(value, np.ndarray | torch.Tensor):
        return ""
    kind = str(value.dtype).removeprefix("torch.")
    return f"{tuple(value.shape)}" + ("" if kind == "float64" else f" {kind}")


def _numbers(maker, numbers, kind):
    """An array as a call that makes it, each row on a line; None where it has too many numbers."""
    if numbers.size > MOST or numbers.dtype.kind not in "biuf":
        return None
    numbers = numbers + 0.0 if numbers.dtype.kind == "f" else numbers  # no "-0."
    inside = np.array2string(numbers, separator=", ", threshold=MOST, formatter={"all": _number})
    return _unless_long(f"{maker}({_indented(inside, len(maker) + 1)}{kind})")


def _unless_long(words):
    return words if len(words) <= MOST else None


def _number(value):
    """A number as Python writes it, with its infinities and nan from NumPy."""
    words = repr(value.item() if isinstance(value, np.generic) else value)
    return f"np.{words}" if words in ("inf", "nan") else words.replace("-inf", "-np.inf")


def _indented(lines, width):
    """Lines that hang together: those after the first moved to the right, blank ones left out."""
    first, *rest = filter(str.strip, lines.splitlines())
    return "\n".join([first, *(" " * width + line for line in rest)])


def _advice(found):
    """The sentence that helps, if there is one, and what else is wrong."""
    if found.mistake is None:
        return []
    other = f"That is not all: {found.besides} goes wrong in another way as well."
    return [found.mistake, *([other] if found.besides else [])]


def _further(found):
    """How to go on: the same case again, and a hint."""
    lines = []
    if found.seed is not None:
        lines.append(f"To repeat this case: check.{found.name}(..., seed={found.seed})")
    if found.mistake is None:
        lines.append(f"check.{found.name}.hint() gives a first step.")
    return lines


def _html(found):
    mark, name = MARKS[found.status], f"<strong>{escape(found.name)}</strong>"
    if found.status != "failed":
        return f"<p>{mark} {name}: {escape(_good(found))}</p>"
    case = f" · {escape(found.case)}" if found.case else ""
    problem, _, where = found.problem.partition("\n")
    parts = [f"<p>{mark} {name}{case}</p>"]
    parts += [f"<p><strong>{escape(line)}</strong></p>" for line in _advice(found)]
    parts.append(f"<p>{escape(problem)}</p>")
    if where:
        parts.append(_code(where))
    if found.inputs:
        parts += ["<p>The input:</p>", _code(inputs(found))]
    parts += [f"<p>{escape(line)}</p>" for line in _further(found)]
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
