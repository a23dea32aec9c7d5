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
    case, panels = _panels(exercise, *exercise.memory["last"])
    figure = draw(panels)
    figure.suptitle(f"{exercise.name} · {case}")
    ipython = sys.modules.get("IPython")
    if not ipython or ipython.get_ipython() is None:
        return figure
    from tantra import plot

    shapes = ", ".join(f"{title} {np.shape(values)}" for title, values in panels.items())
    return plot.show(figure, alt=f"{exercise.name}, {case}, as coloured cells: {shapes}")


def draw(panels):
    """A Figure with one coloured grid for each named array; target and yours share a scale."""
    import matplotlib.pyplot as plt

    from tantra import plot

    compared = [matrix(v) for title, v in panels.items() if not title.startswith("input")]
    finite = np.concatenate([m[np.isfinite(m)] for m in compared] + [np.zeros(1)])
    figure, axes = plt.subplots(
        1, len(panels), figsize=(2.8 * len(panels), 2.8), squeeze=False, layout="constrained"
    )
    for ax, (title, values) in zip(axes[0], panels.items(), strict=True):
        grid = matrix(values)
        signed = bool((finite < 0).any()) if not title.startswith("input") else None
        plot.heatmap(grid, ax=ax, signed=signed)
        if not title.startswith("input"):
            _share_scale(ax.images[0], finite, signed)
        ax.set_title(title + _which_slice(values))
    return figure


def matrix(values):
    """The numbers as a matrix: one row for a vector, the first slice of more than two axes."""
    numbers = as_array(values).astype(float)
    numbers = numbers.reshape(-1, *numbers.shape[-2:])[0] if numbers.ndim > 2 else numbers
    return np.atleast_2d(numbers)


def _panels(exercise, verdict, attempt):
    """The case's name, and what to draw: {"input x": array, "target": array, "yours": array}."""
    case, inputs, answer, target = verdict.case, verdict.inputs, verdict.answer, verdict.expected
    if case is None:
        name, args = next(iter(exercise.cases.items()))
        first = Case(f'case "{name}"', args)
        case, inputs = first.name, first.named(exercise.reference)
        answer = exercise.run(attempt, first).value if callable(attempt) else None
    if target is None:
        target = exercise.run(exercise.reference, Case(case, tuple(inputs.values()))).value
    panels = {f"input {name}": value for name, value in inputs.items()}
    panels |= _named("target", target) | _named("yours", answer)
    return case, {title: v for title, v in panels.items() if _is_drawable(v)}


def _named(title, value):
    if isinstance(value, tuple | list):
        return {f"{title}, {place}": item for place, item in enumerate(value, 1)}
    if isinstance(value, dict):
        return {f"{title}, {key}": item for key, item in value.items()}
    return {title: value}


def _is_drawable(value):
    if not isinstance(value, int | float | np.generic | np.ndarray | torch.Tensor):
        return False
    numbers = as_array(value)
    return numbers.dtype.kind in "biuf" and numbers.size > 0


def _share_scale(image, finite, signed):
    if signed:
        image.norm.halfrange = np.abs(finite).max()
    else:
        image.set_clim(finite.min(), finite.max())


def _which_slice(values):
    shape = np.shape(as_array(values))
    return f"\nfirst slice of {shape}" if len(shape) > 2 else ""
