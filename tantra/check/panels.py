"""Panels of a picture: an array of fractions as coloured cells with its numbers, the rest as text.

Text of the reader's is never taken as markup, and what a font lacks is written as an escape.
"""

import contextlib
import textwrap

import numpy as np
import torch

from tantra.check.difference import as_array

ROWS = "input", "target", "yours"
MOST_SIDE = 64  # rows or columns of cells that are drawn
MOST_COLUMNS, MOST_ROWS = 8, 10  # of cells that carry their numbers
LETTERS, LINES = 30, 10  # of a panel of text
WIDE, LEAST_WIDE = 5.4, 3.6  # inches of a picture, so that a phone can show it
LEAST = 2.6  # inches of a panel
BESIDE = 1.1  # inches: a panel's colour bar and the numbers of its rows


class Words(str):
    """A sentence to show as it is, without quotes."""


def draw(rows):
    """A Figure of panels, for three rows: the inputs, the target and yours, values by titles.

    Target and yours share one scale of colours.
    """
    import matplotlib.pyplot as plt

    panels = [_line(*pair) for pair in zip(ROWS, rows, strict=True)]
    widths = _widths(panels)
    lines = _arranged(panels, widths)
    wide = max(sum(widths[title] for title, _ in line) for line in lines)
    heights = [max(_height(value) for _, value in line) for line in lines]
    figure = plt.figure(figsize=(max(wide, LEAST_WIDE), sum(heights) + 0.3), layout="constrained")
    grid = figure.add_gridspec(len(lines), 1, height_ratios=heights)
    axes = [_places(figure, grid[i], line, widths, wide) for i, line in enumerate(lines)]
    place, compared = _first_difference(*rows[1:]), [*rows[1].values(), *rows[2].values()]
    scale = _scale(compared)
    for line, places in zip(lines, axes, strict=True):
        for ax, (title, value) in zip(places, line, strict=True):
            shared = not title.startswith(ROWS[0])
            scaled = scale if shared else _scale([value])
            _panel(ax, title, value, scaled, place, widths[title])
    return figure


def _widths(lines):
    """The width in inches of each panel, by title; an answer's is that of its target."""
    found = {title: _width(value) for line in lines for title, value in line}
    for title in found:
        other = title.replace("yours", "target", 1)
        if title.startswith("yours") and other in found:
            found[title] = found[other] = max(found[title], found[other])
    return found


def _width(value):
    if isinstance(value, Words):
        return LEAST
    numbers = matrix(value)
    longest = max((len(_digits(x)) for x in numbers.flat), default=0)
    cells = (0.09 * longest + 0.1) * numbers.shape[1] if _carries_numbers(numbers) else 0
    return min(max(cells + BESIDE, LEAST), WIDE)


def _height(value):
    """The height of a panel in inches."""
    if isinstance(value, Words):
        return 0.17 * (value.count("\n") + 1) + 0.5
    return 0.3 * min(len(matrix(value)), MOST_ROWS) + 0.8


def _places(figure, row, line, widths, wide):
    """Axes for the panels of a line, as wide as each needs, from the left."""
    each = [widths[title] for title, _ in line]
    grid = row.subgridspec(1, len(line) + 1, width_ratios=[*each, wide - sum(each) + 0.01])
    axes = [figure.add_subplot(grid[i]) for i in range(len(line))]
    for ax in axes:
        ax.set_axis_off()
    return axes


def _line(what, row):
    """The panels of a row: one for each array, and one for all the rest."""
    text = text_of(row, what)
    panels = [(title, value) for title, value in row.items() if has_cells(value)]
    return [*panels, (what, Words(text))] if text else panels


def has_cells(value):
    """Whether a value is an array of fractions, or of True and False, with numbers in it."""
    numbers = _numbers(value)
    return (
        numbers is not None and numbers.ndim > 0 and numbers.dtype.kind in "bf" and numbers.size > 0
    )


def _numbers(value):
    """An array or tensor as a NumPy array; None for other things, such as a sparse tensor."""
    if isinstance(value, np.ndarray | torch.Tensor):
        with contextlib.suppress(TypeError, RuntimeError, NotImplementedError):
            return as_array(value)
    return None


def text_of(row, what):
    """The values of a row that have no cells, a line each: their name and what they are."""
    found = {title: words(v) for title, v in row.items() if not has_cells(v)}
    names = {title: title.removeprefix(what).strip(": ") for title in found}
    signs = {title: " =\n" if "\n" in shown else " = " for title, shown in found.items()}
    lines = [names[t] + signs[t] + shown if names[t] else shown for t, shown in found.items()]
    wrapped = [part for line in lines for part in _wrapped(line)]
    return "\n".join([*wrapped[: LINES - 1], "…"] if len(wrapped) > LINES else wrapped)


def words(value):
    """A value in words and digits."""
    numbers = _numbers(value)
    if numbers is not None and numbers.size == 0:
        return f"empty, of shape {numbers.shape}"
    if numbers is not None and numbers.ndim:
        return np.array2string(numbers, threshold=40, edgeitems=2, precision=4, separator=", ")
    value = value.item() if isinstance(value, np.generic) or numbers is not None else value
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(words, value)))}}}"
    if isinstance(value, Words) or callable(value):
        return str(getattr(value, "__name__", value))
    return repr(value)


def matrix(values, place=()):
    """The numbers as a matrix: one row for a vector, one slice of more than two axes."""
    numbers = as_array(values).astype(float)
    numbers = numbers[_slice(numbers, place)] if numbers.ndim > 2 else np.atleast_2d(numbers)
    return numbers[:MOST_SIDE, :MOST_SIDE]


def _slice(numbers, place):
    """The index of the slice to draw: where the answers first differ, or the first."""
    front = numbers.shape[:-2]
    at = place[-len(front) :]
    fits = len(at) == len(front) and all(i < n for i, n in zip(at, front, strict=True))
    return tuple(at) if fits else (0,) * len(front)


def _first_difference(target, yours):
    """The front axes' index of the first number in which two answers of one shape differ."""
    for one, other in zip(target.values(), yours.values(), strict=False):
        if has_cells(one) and has_cells(other) and np.shape(one) == np.shape(other):
            off = ~np.isclose(as_array(one), as_array(other), equal_nan=True)
            if off.any():
                return tuple(map(int, np.argwhere(off)[0][:-2]))
    return ()


def _scale(values):
    """(least, most) of the finite numbers of arrays, around 0 where some are negative."""
    arrays = [value for value in values if has_cells(value)]
    numbers = [np.ravel(as_array(array)).astype(float) for array in arrays]
    finite = np.concatenate([[0.0], *(n[np.isfinite(n)] for n in numbers)])
    most = np.abs(finite).max() or 1.0
    return (-most if finite.min() < 0 else 0.0), most


def _arranged(lines, widths):
    """Lines no wider than a picture; target and yours beside each other where each is one."""
    first, *compared = lines
    if max(map(len, compared)) <= 1:
        compared = [[panel for line in compared for panel in line]]
    found = []
    for line in filter(None, (first, *compared)):
        found.append([])
        for panel in line:
            if sum(widths[title] for title, _ in [*found[-1], panel]) > WIDE and found[-1]:
                found.append([])
            found[-1].append(panel)
    return found


def _panel(ax, title, value, scale, place, width):
    if isinstance(value, Words):
        style = {"family": "monospace", "fontsize": 9, "va": "top", "parse_math": False}
        ax.text(0, 1, printable(value), transform=ax.transAxes, **style)
    else:
        _cells(ax, matrix(value, place), scale, width)
        title += _which(np.shape(value), place, value)
    side = "left" if isinstance(value, Words) else "center"
    ax.set_title(printable(title), loc=side, parse_math=False, fontsize=10)


def _which(shape, place, value):
    """Which part of an array of this shape is drawn, and how much of it has no colour."""
    told = ""
    if len(shape) > 2:
        at = _slice(as_array(value), place)
        told = f"\n{f'slice {list(at)}' if any(at) else 'first slice'} of {tuple(shape)}"
    if max(shape) > MOST_SIDE and len(shape) <= 2:
        told += f"\nthe first {MOST_SIDE} of {tuple(shape)}"
    numbers = matrix(value, place)
    if (strange := (~np.isfinite(numbers)).sum()) and not _carries_numbers(numbers):
        told += f"\n{strange} not finite"
    return told


def _cells(ax, numbers, scale, width):
    """A heat map, grey where a number is not finite; where there are few, cells carry them."""
    from tantra import plot
    from tantra.plot.cells import ink

    ax.set_axis_on()
    finite = np.where(np.isfinite(numbers), numbers, np.nan)
    image = plot.heatmap(finite, ax=ax, signed=scale[0] < 0, most=scale[1]).images[0]
    image.set_cmap(image.cmap.with_extremes(bad="0.85"))
    if not _carries_numbers(numbers):
        return
    longest = max(len(_digits(x)) for x in numbers.flat)
    room = 72 * (width - BESIDE)
    size = min(10, room / numbers.shape[1] / (0.7 * longest))
    colours = image.to_rgba(finite)
    for (row, column), x in np.ndenumerate(numbers):
        style = {"ha": "center", "va": "center", "fontsize": size, "parse_math": False}
        ax.text(column, row, _digits(x), color=ink(colours[row, column]), **style)


def _digits(x):
    """Three digits, or the four of a number in the thousands."""
    return f"{x + 0.0:.{4 if 1000 <= abs(x) < 10_000 else 3}g}"


def _carries_numbers(numbers):
    return numbers.shape[0] <= MOST_ROWS and numbers.shape[1] <= MOST_COLUMNS


def _wrapped(line):
    """A line of text as lines that fit a panel."""
    style = {"width": LETTERS, "subsequent_indent": "  ", "replace_whitespace": False}
    return [part for whole in line.splitlines() for part in textwrap.wrap(whole, **style)]


def printable(text):
    """The text, with escapes for what the font has no form for."""
    from matplotlib import font_manager

    path = font_manager.findfont("DejaVu Sans Mono")
    known = font_manager.get_font(path).get_charmap()
    escaped = (c if c == "\n" or ord(c) in known else ascii(c)[1:-1] for c in text)
    return "".join(escaped)
