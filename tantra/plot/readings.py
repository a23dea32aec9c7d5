"""Views of what was read: a stream after each layer, and the reader's own points under a roof.

As in views.py, views.js shows numbers that it is given.  Those that differ from machine to machine
stand inside the picture, as the numbers of any measured figure do.
"""

import matplotlib.pyplot as plt
import numpy as np

from tantra.plot.cells import ink
from tantra.plot.charts import COLOURS, MARKERS, PLAIN, _numbers, heatmap
from tantra.plot.views import _display, _words

TOP = 5
SEEN = {" ": "␣", "\n": "⏎", "": "∅"}  # as views.js shows them


def lens(readings, layers, tokens, vocabulary, answers, *, alt, varies=False, instead=None):
    """Display what each layer's stream is read as: the five likeliest tokens at each position.

    readings maps a name, of a lens or of a control beside it, to probabilities (L, T, V); layers
    names the L, tokens the T, vocabulary the V.  answers (T,) holds the token that is right at each
    position, -1 where none is known.  alt and instead are as in look; varies=True where the numbers
    differ from machine to machine.  Raises ValueError for shapes or names that do not fit, and for
    numbers that are no probabilities.
    """
    layers, tokens, vocabulary = _words(layers), _words(tokens), _words(vocabulary)
    readings = {str(name): _numbers(given) for name, given in readings.items()}
    answers = _numbers(answers)
    _check_readings(readings, (len(layers), len(tokens), len(vocabulary)), answers)
    data = {
        "names": list(readings),
        "layers": layers,
        "tokens": tokens,
        "vocabulary": vocabulary,
        "answers": answers.tolist(),
        "cells": [_cells(given, answers) for given in readings.values()],
    }
    if instead is None:
        instead = _grids(readings, layers, tokens, vocabulary, answers)
    _display("lens", data, instead, alt, varies=varies)


def roofline(points, peak, bandwidth, *, alt, instead=None):
    """Display measured points under the two ceilings of a machine, one at a time.

    points maps a name to (operations, bytes, seconds) of a piece of work; peak is in operations a
    second, bandwidth in bytes a second.  It is said which ceiling binds the chosen one, and what
    share of it is reached.  alt and instead are as in look; the numbers may differ from machine to
    machine.  Raises ValueError where there is no point, and for numbers that are not above 0.
    """
    if not points:
        raise ValueError("a roofline needs a point: give {name: (operations, bytes, seconds)}")
    given = np.array([points[name] for name in points], dtype=np.float64)
    if given.shape != (len(points), 3):
        raise ValueError(f"points have shape {given.shape}: give (operations, bytes, seconds) each")
    if not (np.isfinite(given).all() and min(given.min(), peak, bandwidth) > 0):
        raise ValueError(f"peak {peak}, bandwidth {bandwidth}, least number {given.min()}: give "
                         "numbers above 0")  # fmt: skip
    operations, carried, seconds = given.T
    intensity, speed = operations / carried, operations / seconds
    ceiling = np.minimum(peak, bandwidth * intensity)
    ridge = peak / bandwidth
    x = _Scale(intensity, ridge)
    y = _Scale(speed, peak, 2 * bandwidth * x.low)
    data = {
        "names": _words(points),
        "points": [[x(i), y(s), y(c), i, s / 1e9, c / 1e9, bool(bandwidth * i < peak)]
                   for i, s, c in zip(intensity, speed, ceiling, strict=True)],
        "roof": [[x(i), y(min(peak, bandwidth * i))] for i in (x.low, ridge, x.high)],
        "ceilings": [peak / 1e9, bandwidth / 1e9, ridge],
        "ticks": [x.ticks(1), y.ticks(1e9)],
    }  # fmt: skip
    if instead is None:
        instead = _roof(points, intensity, speed, peak, bandwidth)
    _display("roofline", data, instead, alt, varies=True)


def _check_readings(readings, shape, answers):
    """Raise ValueError unless each reading has this shape (L, T, V) and holds probabilities."""
    if not readings:
        raise ValueError("a lens needs a reading: give {name: probabilities (L, T, V)}")
    for name, given in readings.items():
        if given.shape != shape:
            raise ValueError(f"{name} has shape {given.shape}, the names are {shape}: "
                             "give (layers, tokens, vocabulary)")  # fmt: skip
        if not (given.min() >= 0 and abs(given.sum(-1) - 1).max() < 1e-3):
            raise ValueError(f"{name} lies between {given.min():.2f} and {given.max():.2f}: give "
                             "what comes out of softmax, shares of a whole")  # fmt: skip
    if answers.shape != shape[1:2] or not (answers.min() >= -1 and answers.max() < shape[2]):
        raise ValueError(f"answers {answers.tolist()}: give {shape[1]} tokens below {shape[2]}, "
                         "-1 where none is known")  # fmt: skip


def _cells(given, answers):
    """For each layer and position: the likeliest tokens and the percent of each; of the answer its
    percent and its place among all, [0, 0] where none is known."""
    order = np.argsort(-given, axis=-1, kind="stable")
    percent = np.rint(100 * given).astype(int)

    def cell(n, t):
        best = [[int(v), int(percent[n, t, v])] for v in order[n, t, :TOP]]
        if answers[t] < 0:
            return [best, [0, 0]]
        place = int(np.flatnonzero(order[n, t] == answers[t])[0]) + 1
        return [best, [int(percent[n, t, answers[t]]), place]]

    return [[cell(n, t) for t in range(given.shape[1])] for n in range(given.shape[0])]


def _grids(readings, layers, tokens, vocabulary, answers):
    """A Figure with a map of each reading: what the answers get, and the likeliest token."""
    tokens, vocabulary = ([SEEN.get(w, w) for w in words] for words in (tokens, vocabulary))
    size = (min(5.2, 1.6 + 0.3 * len(tokens)), (0.7 + 0.35 * len(layers)) * len(readings))
    figure, axes = plt.subplots(len(readings), 1, figsize=size, layout="constrained", squeeze=False)
    for ax, (name, given) in zip(axes.flat, readings.items(), strict=True):
        gets = 100 * given[:, np.arange(len(tokens)), answers] * (answers >= 0)
        named = {"rows": layers, "columns": tokens, "label": "answer (%)"}
        heatmap(gets, **named, ax=ax, signed=False, most=100)
        ax.set_title(name, fontsize=10, **PLAIN)
        colours = ax.images[0].to_rgba(gets)
        for (n, t), best in np.ndenumerate(given.argmax(-1)):
            style = {"ha": "center", "va": "center", "color": ink(colours[n, t])}
            ax.text(t, n, vocabulary[best], **style, **PLAIN)
    return figure


class _Scale:
    """A logarithmic axis that holds all of values: a number to its place on it, from 0 to 1."""

    def __init__(self, values, *more):
        self.low, self.high = min(*values, *more) / 2, 2 * max(*values, *more)

    def __call__(self, value):
        return float(np.log(value / self.low) / np.log(self.high / self.low))

    def ticks(self, unit):
        """Round numbers on the axis, as multiples of unit: [its place, its name] each."""
        tens = 10.0 ** np.arange(-12, 13)
        steps = (1,) if self.high > 500 * self.low else (1, 3)
        values = [m * ten for ten in tens for m in steps]
        return [[self(v * unit), f"{v:g}"] for v in values if self.low < v * unit < self.high]


def _roof(points, intensity, speed, peak, bandwidth):
    """A Figure with the two ceilings, and the points with their names and shares."""
    figure, ax = plt.subplots(figsize=(5.2, 3.8))
    x = _Scale(intensity, peak / bandwidth)
    ends = np.array([x.low, peak / bandwidth, x.high])
    ax.plot(ends, np.minimum(peak, bandwidth * ends) / 1e9, color="grey")
    shares = speed / np.minimum(peak, bandwidth * intensity)
    for n, (name, i, s) in enumerate(zip(points, intensity, speed / 1e9, strict=True)):
        style = {"color": COLOURS[n % len(COLOURS)], "linestyle": "none"}
        marker, label = MARKERS[(n + n // len(COLOURS)) % len(MARKERS)], f"{name}: {shares[n]:.0%}"
        ax.plot(i, s, marker, label=label, **style)
    below = {"loc": "upper center", "bbox_to_anchor": (0.45, -0.16), "ncols": 3, "fontsize": 8}
    legend = ax.legend(frameon=False, title="of its ceiling", **below)
    for text in legend.get_texts():
        text.set(**PLAIN)
    ax.set(xscale="log", yscale="log", xlabel="arithmetic intensity (FLOP/byte)", ylabel="GFLOP/s")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
    return figure
