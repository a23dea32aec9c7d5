"""Drawings.  Charts take plain numbers and an Axes, draw on it, and return it; flow gives a Figure.

Nothing here computes, and nothing else imports this room, so tantra works without matplotlib.
"""

from tantra.plot.charts import (
    COLOURS,
    DIVERGING,
    MARKERS,
    SEQUENTIAL,
    arrows,
    attention,
    bars,
    heatmap,
    lines,
    scansion,
    show,
)
from tantra.plot.readings import lens, roofline
from tantra.plot.sliders import rotation, sampling
from tantra.plot.stages import flow
from tantra.plot.views import look, steps

__all__ = [
    "COLOURS", "DIVERGING", "MARKERS", "SEQUENTIAL", "arrows", "attention", "bars", "flow",
    "heatmap", "lens", "lines", "look", "roofline", "rotation", "sampling",
    "scansion", "show", "steps",
]  # fmt: skip
