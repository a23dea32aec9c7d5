"""Input, target and yours, side by side."""

import sys

import numpy as np
import torch

from tantra.check import show
from tantra.check.difference import as_array
from tantra.check.outcome import Case


def picture(exercise):
    """Draw the last attempt's failing case, or its first; shown in Jupyter, else returned."""
    if "last" not in exercise.memory:
        name = exercise.name
        return show.line(f"{name}: no attempt to draw yet; call check.{name}(...) first")
    verdict, attempt = exercise.memory["last"]
    case, panels = _panels(exercise, verdict, attempt)
    figure = draw(panels)
    figure.suptitle(f"{exercise.name} · {case}")
    ipython = sys.modules.get("IPython")
    if not ipython or ipython.get_ipython() is None:
        return figure
    from tantra import plot

    shapes = ", ".join(
        f"{title} {np.shape(value)}" for row in panels for title, value in row.items()
    )
    problem = verdict.problem or "not written yet"
    return plot.show(figure, alt=f"{exercise.name}, {case}, as coloured cells: {shapes}. {problem}")


def draw(panels):
    """A Figure with one coloured grid for each array of rows of named arrays.

    The first row holds the inputs; the others, target and yours, share one scale of colours.
    """
    import matplotlib.pyplot as plt

    from tantra import plot

    inputs, *compared = panels
    finite = np.concatenate([[0.0], *(_finite(v) for row in compared for v in row.values())])
    signed = bool(finite.min() < 0)
    rows = [inputs | compared[0] | compared[1]] if len(compared[0]) == 1 else panels
    rows, columns = [row for row in rows if row], max(map(len, rows))
    size = (2.8 * columns, 2.8 * len(rows))
    figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False, layout="tight")
    for row, line in zip(rows, axes, strict=True):
        for ax in line[len(row) :]:
            ax.set_axis_off()
        for ax, (title, values) in zip(line, row.items(), strict=False):
            plot.heatmap(matrix(values), ax=ax, signed=None if title in inputs else signed)
            ax.set_title(title + _which_slice(values))
            if title not in inputs:
                _set_scale(ax.images[0], finite, signed)
    return figure


def matrix(values):
    """The numbers as a matrix: one row for a vector, the first slice of more than two axes."""
    numbers = as_array(values).astype(float)
    numbers = numbers.reshape(-1, *numbers.shape[-2:])[0] if numbers.ndim > 2 else numbers
    return np.atleast_2d(numbers)


def _panels(exercise, verdict, attempt):
    """The case's name and three rows to draw: inputs, target and yours, each {title: array}."""
    case, inputs, answer, target = verdict.case, verdict.inputs, verdict.answer, verdict.expected
    if case is None:
        name, args = next(iter(exercise.cases.items()))
        first = Case(f'case "{name}"', args)
        case, inputs = first.name, exercise.named(first)
        answer = exercise.run(attempt, first).value if callable(attempt) else None
    if target is None:
        target = exercise.run(exercise.reference, Case(case, tuple(inputs.values()))).value
    rows = (
        {f"input {name}": value for name, value in inputs.items()},
        _named("target", target, exercise.results),
        _named("yours", answer, exercise.results),
    )
    return case, [{title: v for title, v in row.items() if _is_drawable(v)} for row in rows]


def _named(title, value, names):
    """The items of a value, by titles that name them."""
    if isinstance(value, tuple | list):
        titles = [f"{title}: {name}" for name in names or range(1, len(value) + 1)]
        return dict(zip(titles, value, strict=False))
    if isinstance(value, dict):
        return {f"{title}: {key}": item for key, item in value.items()}
    return {title: value}


def _is_drawable(value):
    if not isinstance(value, int | float | np.generic | np.ndarray | torch.Tensor):
        return False
    numbers = as_array(value)
    return numbers.dtype.kind in "biuf" and numbers.size > 0


def _finite(value):
    numbers = matrix(value)
    return numbers[np.isfinite(numbers)]


def _set_scale(image, finite, signed):
    if signed:
        image.norm.halfrange = np.abs(finite).max()
    else:
        image.set_clim(finite.min(), finite.max())


def _which_slice(values):
    shape = np.shape(as_array(values))
    return f"\nfirst slice of {shape}" if len(shape) > 2 else ""
