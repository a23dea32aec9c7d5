"""What stands in a cell of a flow or a heat map, its colour, and how wide a text is."""

import functools

import matplotlib as mpl
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

SEQUENTIAL = "Blues"
DIVERGING = "PuOr"
SIZE = 11  # points
SANS = FontProperties(family="DejaVu Sans", size=SIZE)
BOLD = FontProperties(family="DejaVu Sans", size=SIZE, weight="bold")
MONO = FontProperties(family="DejaVu Sans Mono", size=SIZE)
GREY = "#d0d0d0"


def words(values):
    """What stands in each cell: numbers with as few decimals as all need, at most 2."""
    if values.dtype.kind in "OSU":
        return values.astype(str)
    if values.dtype.kind == "b":
        return np.where(values, "✓", "·")
    if values.dtype.kind in "iu":
        return values.astype(str)
    if values.dtype.kind != "f":
        raise ValueError(f"cells of {values.dtype} cannot be drawn: give numbers or words")
    shown = np.round(values.astype(np.float64), 2) + 0.0
    finite = shown[np.isfinite(shown)]
    places = next((n for n in (0, 1) if (np.round(finite, n) == finite).all()), 2)
    return np.vectorize(lambda x: f"{x:.{places}f}", otypes=[str])(shown)


def colours(values):
    """The colour of each cell: white for whole numbers and words, grey for what is not finite.

    The darkest is the largest number there; where none is below 0 or above 1 it is 1, so that a
    share has the same colour everywhere.
    """
    if values.dtype.kind != "f":
        return np.full(values.shape, "white", dtype=object)
    finite = np.isfinite(values)
    signed = bool((values[finite] < 0).any())
    largest = float(np.abs(values[finite]).max(initial=0.0 if signed else 1.0))
    share = np.where(finite, values, 0.0) / largest
    cmap = mpl.colormaps[DIVERGING if signed else SEQUENTIAL]
    found = np.empty(values.shape, dtype=object)
    for place in np.ndindex(values.shape):
        at = (share[place] + 1) / 2 if signed else share[place]
        found[place] = mpl.colors.to_hex(cmap(float(at))) if finite[place] else GREY
    return found


def ink(colour):
    """Black or white for a word on a colour: what has the higher contrast there, as WCAG has it."""
    parts = np.array(mpl.colors.to_rgb(colour))
    light = np.where(parts > 0.04045, ((parts + 0.055) / 1.055) ** 2.4, parts / 12.92)
    return "white" if light @ (0.2126, 0.7152, 0.0722) < 0.179 else "black"


@functools.cache
def width(text, font=SANS):
    """The width of a text in inches."""
    text = str(text).replace("$", "S")  # as wide, and never a formula
    return TextPath((0, 0), text, prop=font).get_extents().width / 72 if text.strip() else 0.0
