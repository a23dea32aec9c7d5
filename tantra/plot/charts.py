"""Charts.  Each takes plain numbers and an Axes, draws on it, and returns it; show displays it.

One sequential colour map for weights, one diverging map centred on 0 for signed values; both are
safe for colour-blind readers.  Names and labels are drawn as they are: a "$" is a dollar.
"""

import base64
import functools
import html
import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure

from tantra.plot.cells import DIVERGING, SEQUENTIAL, ink, words

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe-Ito
MARKERS = "os^Dv<>"
PLAIN = {"parse_math": False}  # matplotlib would read what stands between two dollars as a formula


def heatmap(
    values, *, rows=None, columns=None, ax=None, label="", signed=None, numbers=False, most=None
):
    """A grid of coloured cells, one a number, with a colour bar; returns the Axes.

    values (rows, columns)

    rows and columns name the cells' edges, label the colour bar.  Signed values (by default: when
    one is negative) are drawn in two colours around 0; numbers=True writes each value in its cell.
    The palest colour is 0, or the least there where it is below; the darkest is most (by default
    the largest there).
    Raises ValueError for values that are not two-dimensional or names that do not fit.
    """
    values = _numbers(values)
    if values.ndim != 2:
        raise ValueError(f"a heat map needs 2 axes; got shape {values.shape}: pick one matrix")
    for names, size, side in ((rows, len(values), "rows"), (columns, values.shape[1], "columns")):
        if names is not None and len(names) != size:
            raise ValueError(f"{len(names)} names for {size} {side}: give one name each")
    ax = plt.gca() if ax is None else ax
    signed = bool(values.min() < 0) if signed is None else signed
    least = values[np.isfinite(values)].min(initial=0)
    colour = {"cmap": SEQUENTIAL, "vmin": least, "vmax": most}
    if signed:
        colour = {"cmap": DIVERGING, "norm": CenteredNorm(halfrange=most)}
    image = ax.imshow(values, aspect="auto", **colour)
    rows = range(len(values)) if rows is None else rows
    columns = range(values.shape[1]) if columns is None else columns
    ax.set_yticks(range(len(values)), rows, **PLAIN)
    ax.set_xticks(range(values.shape[1]), columns, **PLAIN)
    ax.get_figure().colorbar(image, ax=ax).set_label(label, **PLAIN)
    if numbers:
        _write_numbers(ax, image, values)
    return ax


def attention(weights, queries, keys=None, *, ax=None, label="weight", numbers=False):
    """Who looks at whom: rows ask, columns answer; returns the Axes.

    weights (T, S); queries names the T rows, keys the S columns (by default the same names).
    White is a weight of 0 and the darkest blue one of 1, in every map.
    """
    keys = queries if keys is None else keys
    names = {"rows": queries, "columns": keys, "label": label}
    ax = heatmap(weights, **names, ax=ax, numbers=numbers, most=1)
    return _say(ax, "key (columns answer)", "query (rows ask)")


def lines(x, series, *, ax=None, xlabel="", ylabel="", log=""):
    """Curves over a shared x, each with its own colour and marker; returns the Axes.

    x (N,); series maps a name to its (N,) values; log names the logarithmic axes: "", "x", "xy".
    """
    ax = plt.gca() if ax is None else ax
    x = _numbers(x)
    for i, (name, values) in enumerate(series.items()):
        marker = MARKERS[i % len(MARKERS)] if len(x) <= 40 else ""
        ax.plot(x, _numbers(values), color=COLOURS[i % len(COLOURS)], marker=marker, label=name)
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    return _say(ax, xlabel, ylabel, legend=len(series) > 1)


def bars(names, series, *, ax=None, xlabel="", ylabel=""):
    """Groups of bars: one group a name, one bar a series; returns the Axes.

    names has N entries; series maps a name to its (N,) heights.
    """
    ax = plt.gca() if ax is None else ax
    width = 0.8 / len(series)
    for i, (label, heights) in enumerate(series.items()):
        offset = (i - (len(series) - 1) / 2) * width
        colour = COLOURS[i % len(COLOURS)]
        ax.bar(np.arange(len(names)) + offset, _numbers(heights), width, label=label, color=colour)
    ax.set_xticks(range(len(names)), names, **PLAIN)
    return _say(ax, xlabel, ylabel, legend=len(series) > 1)


def arrows(points, names, *, ax=None, xlabel="", ylabel="", colour=COLOURS[0]):
    """Vectors in the plane: one named arrow from the origin to each point; returns the Axes.

    points (N, 2); names has N entries.  Both axes have the same scale, so angles are true.
    Raises ValueError for points that are not in the plane.
    """
    points = _numbers(points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"arrows need points of shape (N, 2); got {points.shape}")
    ax = plt.gca() if ax is None else ax
    for name, (x, y) in zip(names, points.tolist(), strict=True):
        style = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0, "lw": 2}
        ax.annotate("", (x, y), xytext=(0, 0), arrowprops=style)
        side = "left" if x > 0 else "right" if x < 0 else "center"
        rise = {"ha": side, "va": "bottom" if y >= 0 else "top", "color": colour} | PLAIN
        ax.annotate(
            name, (x, y), xytext=(0, 3 if y >= 0 else -3), textcoords="offset points", **rise
        )
    ax.update_datalim([(0, 0), *points.tolist()])
    ax.margins(0.25)
    ax.autoscale_view()
    ax.set_aspect("equal")
    return _say(ax, xlabel, ylabel)


def scansion(syllables, weights, *, devanagari="", ax=None):
    """Verse with its weights: under each syllable a dot if it is light, a bar if it is heavy.

    syllables holds one list for each half-verse, weights a string of "l" and "g" for each;
    devanagari is the same verse in its own script, drawn above.  Returns the Axes.  Raises
    ValueError where a half-verse has not one weight for each syllable.
    """
    for half, pattern in zip(syllables, weights, strict=True):
        if len(half) != len(pattern) or set(pattern) - set("lg"):
            raise ValueError(f"{len(half)} syllables, weights {pattern!r}: give an l or g for each")
    ax = plt.gca() if ax is None else ax
    widest = max(len(half) for half in syllables)
    for row, (half, pattern) in enumerate(zip(syllables, weights, strict=True)):
        for place, (syllable, weight) in enumerate(zip(half, pattern, strict=True)):
            ax.text(place, row, syllable, ha="center", va="center", **PLAIN)
            if weight == "g":
                ax.plot([place - 0.3, place + 0.3], [row + 0.35] * 2, color=COLOURS[1], linewidth=4)
            else:
                ax.plot(place, row + 0.35, "o", color=COLOURS[0])
    if devanagari:
        ax.set_title(devanagari, family=_families(), fontsize="x-large", pad=12, **PLAIN)
    ax.set(xlim=(-0.8, widest - 0.2), ylim=(len(syllables) - 0.3, -0.5))
    ax.set_xticks(range(widest), range(1, widest + 1))
    ax.set_yticks([])
    ax.set_xlabel("syllable (dot: light, bar: heavy)")
    ax.spines[["top", "left", "right"]].set_visible(False)
    return ax


def show(drawing, *, alt):
    """Display a figure with its alternative text, and close it.

    drawing is a Figure or any of its Axes.  alt says in words what the picture shows, with the
    numbers one should read off it; it reaches screen readers, terminals and the notebook's tests.
    Raises ValueError where alt is too short to say anything.
    """
    tag = picture(drawing, alt)
    from IPython.display import display  # only a notebook calls show

    display({"text/html": tag, "text/plain": alt}, raw=True)


def picture(drawing, alt, inside=None):
    """The drawing as an <img> with its alternative text, as show displays it; closes the figure.

    inside is a text, in ASCII, that the file of the picture carries by the name of "numbers".
    """
    if len(alt.split()) < 5:
        raise ValueError(f"alt is {alt!r}: say in a sentence what the picture shows")
    figure = drawing if isinstance(drawing, Figure) else drawing.get_figure(root=True)
    file = io.BytesIO()
    words = {"Software": None} | ({} if inside is None else {"numbers": inside})
    figure.savefig(file, format="png", dpi=110, bbox_inches="tight", metadata=words)
    plt.close(figure)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


@functools.cache
def _families():
    """Fonts that draw Latin letters with their marks, and Devanagari: Shobhika, made for Sanskrit.

    It comes from the package devanagari-fonts; matplotlib has shaped Devanagari since 3.11.
    """
    import devanagari_fonts

    regular = [f.path for f in devanagari_fonts.fonts() if f.filename == "Shobhika-Regular.otf"]
    font_manager.fontManager.addfont(regular[0])
    return ["DejaVu Sans", "Shobhika"]


def _say(ax, xlabel, ylabel, legend=False):
    """The Axes, with its axes named as they are, and its series where they are to be told apart."""
    ax.set_xlabel(xlabel, **PLAIN)
    ax.set_ylabel(ylabel, **PLAIN)
    for text in ax.legend(frameon=False).get_texts() if legend else ():
        text.set(**PLAIN)
    return ax


def _numbers(x):
    """x as a NumPy array, from NumPy or from torch on any device."""
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)


def _write_numbers(ax, image, values):
    """Each value in its cell, in what can be read on its colour."""
    for (row, column), word in np.ndenumerate(words(values)):
        colour = ink(image.cmap(image.norm(values[row, column])))
        ax.text(column, row, word, ha="center", va="center", color=colour)
