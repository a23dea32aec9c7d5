"""Views with sliders, which work out in the page what each place of a slider gives.

tools/views_numbers.py compares what a browser then shows with the library's own functions.
"""

import matplotlib.pyplot as plt
import numpy as np

from tantra.plot.charts import COLOURS, _numbers, arrows, bars
from tantra.plot.views import _display, _words
from tantra.positions import rotate

ROWS = 10  # tokens that have a line of their own
TEMPERATURES = [n / 10 for n in range(31)]
THRESHOLDS = [n / 20 for n in range(1, 21)]
START = (3, 1)  # positions of query and key


def sampling(logits, tokens, *, alt, instead=None):
    """Display what temperature, top-k and top-p make of one row of logits, with a slider for each.

    logits (V,); tokens names the V.  A line for each of the likeliest tokens: its probability
    before and after, or that it is cut; a sentence says how many may be drawn, and the entropy.
    alt and instead are as in look; by default the picture shows the largest logits.  Raises
    ValueError for logits of other axes or without an end, and for names that do not fit.
    """
    logits, tokens = _numbers(logits), _words(tokens)
    if logits.ndim != 1 or len(logits) < 2:
        raise ValueError(f"logits need one axis, (V,); got shape {logits.shape}: give one row")
    if len(tokens) != len(logits):
        raise ValueError(f"{len(tokens)} tokens for {len(logits)} logits: give one name each")
    _check_finite(logits=logits)
    falling = np.argsort(-logits, kind="stable")  # of equal ones the earlier token is kept
    tokens = [tokens[i] for i in falling]
    data = {
        "tokens": tokens,
        "logits": _rounded(logits[falling]),
        "rows": ROWS,
        "temperatures": TEMPERATURES,
        "thresholds": THRESHOLDS,
    }
    if instead is None:
        _, ax = plt.subplots(figsize=(5, 3))
        instead = bars(tokens[:ROWS], {"logit": logits[falling][:ROWS]}, ax=ax, ylabel="logit")
    _display("sampling", data, instead, alt)


def rotation(query, key, angles, *, alt, instead=None):
    """Display a query's arrow and a key's, each rotated by its position, with sliders for these.

    query (K/2, 2) and key (K/2, 2) in pairs of features; angles (T, K/2) in radians, as
    rotary_angles gives them.  One pair is drawn at a time; its product and the sum over all pairs
    are said.  alt and instead are as in look; by default the picture shows the first pair.  Raises
    ValueError where shapes do not fit, and for numbers without an end.
    """
    query, key, angles = _numbers(query), _numbers(key), _numbers(angles)
    pairs = (len(query), 2) if query.ndim else None
    fit = query.shape == key.shape == pairs and angles.ndim == 2
    if not (fit and angles.shape[1] == len(query) and len(query) > 0 and len(angles) > 1):
        shapes = f"query {query.shape}, key {key.shape}, angles {angles.shape}"
        raise ValueError(f"{shapes}: give (K/2, 2), (K/2, 2), (T, K/2), of two positions or more")
    _check_finite(query=query, key=key, angles=angles)
    start = [min(place, len(angles) - 1) for place in START]
    steps = np.degrees(angles[1] - angles[0])  # (K/2,)
    data = {
        "query": _rounded(query),
        "key": _rounded(key),
        "angles": _rounded(angles),
        "pairs": [f"{i}: {step:.3g}°" for i, step in enumerate(steps)],
        "start": start,
    }
    if instead is None:
        _, instead = plt.subplots(figsize=(4, 4))
        for name, whole, place, colour in zip(
            ("query", "key"), (query, key), start, COLOURS, strict=False
        ):
            arrow = rotate(whole[:1].astype(float), angles[[place], :1], "neighbours")
            arrows(arrow, [f"{name} at {place}"], ax=instead, colour=colour)
    _display("rotation", data, instead, alt)


def _check_finite(**named):
    for name, numbers in named.items():
        if not np.isfinite(numbers).all():
            wrong = numbers[~np.isfinite(numbers)][0]
            raise ValueError(f"{name} holds {wrong}: give finite numbers")


def _rounded(numbers):
    """Numbers as lists, short enough for a page and finer than anything that it shows."""
    return np.round(numbers.astype(float), 6).tolist()
