"""The flow of a computation: arrays as coloured cells, stage below stage, operations on the arrows.

A stage is laid out in inches before anything is drawn: cells are as wide as their widest text, so
that no text touches another.  A drawing is at most WIDTH wide, so that it can be read on a phone.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tantra.plot import cells
from tantra.plot.charts import PLAIN, _numbers

WIDTH = 5.2  # inches
ROWS = 12
CELL, LINE, GAP, ARROW = 0.32, 0.25, 0.3, 0.55  # inches: cells' height, a line of text, between
INDENT = 0.4  # of the operation beside an arrow
EDGE = 0.05


class Array(NamedTuple):
    """An array to draw: its values, the words in its cells, the names of its rows and columns."""

    name: str
    values: np.ndarray  # (slices, rows, columns)
    words: np.ndarray
    title: str
    rows: list
    columns: list

    @property
    def cell(self):
        """The width of a cell."""
        return max(CELL, 0.12 + max(map(cells.width, [*self.words.flat, *self.columns])))

    @property
    def margin(self):
        """The width of the names of the rows."""
        return max((cells.width(row) + 0.1 for row in self.rows), default=0.0)

    @property
    def slice(self):
        """The width and the height of one slice, with its index and its names."""
        _, rows, columns = self.values.shape
        above = LINE * (bool(self.columns) + (len(self.values) > 1))
        return self.margin + columns * self.cell, above + rows * CELL

    @property
    def size(self):
        """The width and the height of all of it: slices side by side, in lines, below the title."""
        width, height = self.slice
        lines = -(-len(self.values) // self.in_a_line)
        wide = min(len(self.values), self.in_a_line) * (width + GAP) - GAP
        title = cells.width(self.title, cells.BOLD)
        return max(wide, title), LINE + lines * height + (lines - 1) * GAP / 2

    @property
    def in_a_line(self):
        """How many slices stand side by side."""
        return max(1, int((WIDTH + GAP) / (self.slice[0] + GAP)))


def flow(*steps, rows=None, columns=None):
    """A Figure of a computation, from its first arrays to its last: stages joined by operations.

    steps are in turn a stage, a dict of named arrays of 1 to 3 axes, and the operation that makes
    the next stage of it, as it is written: flow({"scores": scores}, "softmax", {"weights": w}).
    rows and columns give names to the rows and columns of arrays: rows={"scores": ["the", "cat"]}.

    Numbers stand in the cells, to 2 decimals, coloured as in heatmap, each array on a scale of its
    own, shares from 0 to 1; whole numbers, words and what is not finite have no colour.  Of three
    axes, the slices along the first stand side by side.  Raises ValueError for steps that do not
    take turns, and for arrays that are empty, have other axes, or are too large to be read.
    """
    rows, columns = rows or {}, columns or {}
    _check(steps, rows, columns)
    stages = [_stage(stage, rows, columns) for stage in steps[::2]]
    tall = [max(y + array.size[1] for _, y, array in stage) for stage in stages]
    wide = [x + array.size[0] for stage in stages for x, _, array in stage]
    wide += [INDENT + cells.width(operation, cells.MONO) for operation in steps[1::2]]
    ax = _canvas(max(wide), sum(tall) + ARROW * (len(stages) - 1))
    top = 0.0
    for stage, height, operation in zip(stages, tall, [*steps[1::2], None], strict=True):
        for x, y, array in stage:
            _draw(ax, array, x, top + y)
        if operation:
            _arrow(ax, top + height, operation)
        top += height + ARROW
    return ax.get_figure()


def _check(steps, rows, columns):
    """Raise ValueError where steps do not take turns, or names are given to no array."""
    turns = [isinstance(step, (dict, str)[place % 2]) for place, step in enumerate(steps)]
    if len(steps) % 2 == 0 or not all(turns):
        got = ", ".join(type(step).__name__ for step in steps)
        raise ValueError(
            f"flow got ({got}): stages (dict) and operations (str) take turns, and a stage is last"
        )
    for operation in steps[1::2]:
        _check_operation(operation)
    named = [name for stage in steps[::2] for name in stage]
    for name in [*rows, *columns]:
        if name not in named:
            raise ValueError(f"names for {name!r}, which no stage has: there are {named}")


def _check_operation(operation):
    if not operation.strip():
        raise ValueError("an operation is empty: write what makes the next stage of the last")
    if INDENT + cells.width(operation, cells.MONO) > WIDTH:
        limit = int((WIDTH - INDENT) / cells.width("m" * 9, cells.MONO) * 9)
        raise ValueError(
            f"the operation {operation!r} has {len(operation)} characters; about {limit} can be "
            "read on a phone: say it shorter, or in two steps"
        )


def _stage(stage, rows, columns):
    """The arrays of a stage with the left upper corner of each, in lines not wider than WIDTH."""
    if not stage:
        raise ValueError("a stage is empty: name at least one array, {'x': x}")
    laid, x, y, line = [], 0.0, 0.0, 0.0
    for name, values in stage.items():
        array = _array(name, values, rows.get(name), columns.get(name))
        width, height = array.size
        if x and x + width > WIDTH:
            x, y, line = 0.0, y + line + GAP / 2, 0.0
        laid.append((x, y, array))
        x, line = x + width + GAP, max(line, height)
    return laid


def _array(name, values, rows, columns):
    """values as an Array.  Raises ValueError where they cannot be drawn."""
    values = _numbers(values)
    title = f"{name} {values.shape}"
    if values.ndim not in (1, 2, 3) or not values.size:
        raise ValueError(f"{title} cannot be drawn: give 1 to 3 axes, none of them empty")
    slices = values.reshape((1,) * (3 - values.ndim) + values.shape)
    for names, axis, side in ((rows, 1, "rows"), (columns, 2, "columns")):
        size = slices.shape[axis]
        if names is not None and len(names) != size:
            raise ValueError(f"{len(names)} names for the {size} {side} of {name}: give one each")
    if slices.shape[1] > ROWS:
        raise ValueError(f"{title} has more than {ROWS} rows: draw some, as in {name}[..., :4, :]")
    array = Array(name, slices, cells.words(slices), title, list(rows or ()), list(columns or ()))
    if array.size[0] > WIDTH:
        fit = int((WIDTH - array.margin) / array.cell)
        raise ValueError(
            f"{title} is {array.size[0]:.1f} inches wide, and {WIDTH:g} can be read on a phone: "
            f"draw at most {fit} of its columns, as in {name}[..., :{fit}], or give a shorter name"
        )
    return array


def _canvas(width, height):
    """Axes that cover a new Figure, whose numbers are inches from the left upper corner."""
    width, height = width + 2 * EDGE, height + 2 * EDGE
    figure = Figure(figsize=(width, height))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(-EDGE, width - EDGE), ylim=(height - EDGE, -EDGE))
    ax.axis("off")
    return ax


def _arrow(ax, top, operation):
    """An arrow down from top, with the operation at its right."""
    x, middle = 0.2, top + ARROW / 2
    style = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0, "lw": 1.5}
    ax.annotate("", (x, top + ARROW - 0.06), xytext=(x, top + 0.06), arrowprops=style)
    ax.text(INDENT, middle, operation, va="center", fontproperties=cells.MONO, **PLAIN)


def _draw(ax, array, x, y):
    """The title, and below it the slices of an array whose left upper corner is (x, y)."""
    ax.text(x, y + LINE / 2, array.title, va="center", fontproperties=cells.BOLD, **PLAIN)
    width, height = array.slice
    colours = cells.colours(array.values)
    for place in range(len(array.values)):
        line, column = divmod(place, array.in_a_line)
        corner = x + column * (width + GAP), y + LINE + line * (height + GAP / 2)
        _draw_slice(ax, array, place, colours[place], *corner)


def _draw_slice(ax, array, place, colours, x, y):
    x += array.margin
    middle = {"ha": "center", "va": "center", "fontproperties": cells.SANS} | PLAIN
    if len(array.values) > 1:
        left = middle | {"ha": "left"}
        ax.text(x, y + LINE / 2, f"[{place}]", **left)
        y += LINE
    for column, name in enumerate(array.columns):
        ax.text(x + (column + 0.5) * array.cell, y + LINE / 2, str(name), **middle)
    y += LINE * bool(array.columns)
    for row, name in enumerate(array.rows):
        right = middle | {"ha": "right"}
        ax.text(x - 0.08, y + (row + 0.5) * CELL, str(name), **right)
    for (row, column), word in np.ndenumerate(array.words[place]):
        left, top = x + column * array.cell, y + row * CELL
        _draw_cell(ax, left, top, array.cell, colours[row, column], word, middle)


def _draw_cell(ax, left, top, width, colour, word, style):
    """A cell and its word."""
    ax.add_patch(Rectangle((left, top), width, CELL, facecolor=colour, edgecolor="#666", lw=0.7))
    ax.text(left + width / 2, top + CELL / 2, str(word), color=cells.ink(colour), **style)
