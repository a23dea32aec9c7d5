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


class Words(str):
    """A sentence to show as it is, without quotes."""


def draw(rows):
    """A Figure of panels, for three rows: the inputs, the target and yours, values by titles.

    Target and yours share one scale of colours.
    """
    import matplotlib.pyplot as plt

    lines = _arranged([_line(*pair) for pair in zip(ROWS, rows, strict=True)])
    arrays = [value for line in lines for _, value in line if has_cells(value)]
    wide = min(max([1, *(matrix(array).shape[1] for array in arrays)]), MOST_COLUMNS)
    heights = [2.4 if any(has_cells(value) for _, value in line) else 1.3 for line in lines]
    columns = max(map(len, lines))
    figure, axes = plt.subplots(
        len(lines),
        columns,
        figsize=(columns * max(2.4, 0.45 * wide + 1.0), sum(heights) + 0.3),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    place, compared = _first_difference(*rows[1:]), [*rows[1].values(), *rows[2].values()]
    scale = _scale(compared)
    for line, places in zip(lines, axes, strict=True):
        for ax in places:
            ax.set_axis_off()
        for ax, (title, value) in zip(places, line, strict=False):
            shared = not title.startswith(ROWS[0])
            _panel(ax, title, value, scale if shared else _scale([value]), place)
    return figure


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


def _arranged(lines):
    """Lines of at most four panels; target and yours beside each other where each is one."""
    first, *compared = lines
    if max(map(len, compared)) <= 1:
        compared = [[panel for line in compared for panel in line]]
        if len(first) + len(compared[0]) <= 4:
            first, compared = [*first, *compared[0]], []
    return [line[i : i + 4] for line in (first, *compared) for i in range(0, len(line), 4)]


def _panel(ax, title, value, scale, place):
    if isinstance(value, Words):
        style = {"family": "monospace", "fontsize": 9, "va": "top", "parse_math": False}
        ax.text(0, 1, printable(value), transform=ax.transAxes, **style)
    else:
        _cells(ax, matrix(value, place), scale)
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


def _cells(ax, numbers, scale):
    """A heat map, grey where a number is not finite; where there are few, cells carry them."""
    from tantra import plot

    ax.set_axis_on()
    plot.heatmap(np.where(np.isfinite(numbers), numbers, np.nan), ax=ax, signed=scale[0] < 0)
    image = ax.images[0]
    image.set_clim(*scale)
    image.set_cmap(image.cmap.with_extremes(bad="0.85"))
    if not _carries_numbers(numbers):
        return
    texts = [[_digits(x) for x in row] for row in numbers.tolist()]
    longest = max(len(text) for row in texts for text in row)
    room = 72 * (ax.get_figure().get_figwidth() / ax.get_gridspec().ncols - 1.1)
    size = min(9, room / numbers.shape[1] / (0.7 * longest))
    for at, text in np.ndenumerate(np.array(texts, dtype=object)):
        dark = np.isfinite(numbers[at]) and _is_dark(image.cmap(image.norm(numbers[at])))
        style = {"ha": "center", "va": "center", "fontsize": size, "parse_math": False}
        ax.text(at[1], at[0], text, color="white" if dark else "black", **style)


def _digits(x):
    """Three digits, or the four of a number in the thousands."""
    return f"{x + 0.0:.{4 if 1000 <= abs(x) < 10_000 else 3}g}"


def _is_dark(colour):
    red, green, blue, _ = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.5


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
