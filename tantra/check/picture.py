"""Input, target and yours, side by side."""

import sys
import textwrap
from collections.abc import Mapping

import numpy as np

from tantra.check import panels, show
from tantra.check.outcome import Case
from tantra.check.source import brief


def picture(exercise):
    """Draw the last attempt's failing case, or its first; shown in Jupyter, else returned."""
    if "last" not in exercise.memory:
        name = exercise.name
        return show.line(f"{name}: no attempt to draw yet; call check.{name}(...) first")
    verdict, attempt = exercise.memory["last"]
    case, rows = _rows(exercise, verdict, attempt)
    figure = panels.draw(rows)
    title = textwrap.fill(f"{exercise.name} · {case}", int(11 * figure.get_figwidth()))
    figure.suptitle(panels.printable(title), parse_math=False, fontsize=11)
    ipython = sys.modules.get("IPython")
    if not ipython or ipython.get_ipython() is None:
        return figure
    from tantra import plot

    told = "; ".join(_told(title, value) for row in rows for title, value in row.items())
    problem = brief(verdict.problem or "not written yet")
    return plot.show(figure, alt=f"{exercise.name}, {case}, in coloured cells: {told}. {problem}")


def _told(title, value):
    shape = f"{tuple(np.shape(value))}" if panels.has_cells(value) else panels.words(value)
    return f"{title} {brief(shape, 60)}"


def _rows(exercise, verdict, attempt):
    """The case's name, and three rows to draw: inputs, target and yours, each {title: value}."""
    case, inputs, answer, target = verdict.case, verdict.inputs, verdict.answer, verdict.expected
    if case is None:
        name, args = next(iter(exercise.cases.items()))
        first = Case(f'case "{name}"', args)
        case, inputs = first.name, exercise.named(first)
        answer = exercise.run(attempt, first).value if callable(attempt) else None
    if target is None:
        target = exercise.run(exercise.reference, Case(case, tuple(inputs.values()))).value
    given = (_named(f"input {name}", value, ()) for name, value in inputs.items())
    rows = [
        {title: value for row in given for title, value in row.items()},
        _named("target", target, exercise.results),
        _named("yours", answer, exercise.results) if answer is not None else {},
    ]
    return case, rows


def _named(title, value, names):
    """The items of a value, by titles that name them; a value without arrays inside stays whole."""
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, tuple | list):
        items = zip(names or range(1, len(value) + 1), value, strict=False)
    else:
        return {title: value}
    items = {f"{title}: {name}": item for name, item in items}
    inside = any(map(panels.has_cells, items.values())) or (names and len(items) == len(value))
    return items if inside else {title: value}
