"""Views: drawings that answer a touch or a key, where a notebook's page runs scripts.

Each shows numbers that it is given.  Its page holds a picture, and one script of our own, views.js,
which puts the view in the picture's place; where scripts do not run, the picture stays.
"""

import functools
import hashlib
import html
import json
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np

from tantra.plot.charts import PLAIN, SEQUENTIAL, _numbers, attention, picture

MOST_NAMED = 8  # queries or keys whose names have room beside a small map


def look(weights, queries, keys=None, *, alt, instead=None):
    """Display who looks at whom, one query at a time, in each layer and head.

    weights (T, S), (H, T, S) or (L, H, T, S); queries names the T queries, keys the S keys where
    these are others.  alt says in words what is to be seen, as in show; instead is the drawing that
    stands where scripts do not run, by default a map of each head.  Raises ValueError for
    weights of other axes, names that do not fit, and weights that are no shares of a whole.
    """
    weights = _numbers(weights)
    if not 2 <= weights.ndim <= 4:
        raise ValueError(f"weights need 2 to 4 axes, (L, H, T, S); got shape {weights.shape}")
    weights = weights.reshape(*(1,) * (4 - weights.ndim), *weights.shape)
    queries, names = _words(queries), _words(queries if keys is None else keys)
    if weights.shape[2:] != (len(queries), len(names)):
        raise ValueError(f"{len(queries)} queries and {len(names)} keys do not name the last axes "
                         f"of {weights.shape}: give one name each")  # fmt: skip
    if not (weights.min() >= 0 and weights.max() < 1.001):
        raise ValueError(f"weights lie between {weights.min():.2f} and {weights.max():.2f}: give "
                         "what comes out of softmax, between 0 and 1")  # fmt: skip
    L, H = weights.shape[:2]
    rows = weights.reshape(L * H, *weights.shape[2:])
    heads = [f"{f'block {i}, ' if L > 1 else ''}head {h}" for i in range(L) for h in range(H)]
    data = {
        "weights": np.rint(100 * rows).astype(int).tolist(),
        "heads": heads,
        "columns": H,
        "queries": queries,
        "keys": None if keys is None else names,
    }
    if instead is None:
        instead = _maps(rows, heads, H, queries, names)
    _display("look", data, instead, alt)


def steps(scores, weights, values, queries, keys, *, alt, instead=None):
    """Display how scores become an average, one query at a time, with all numbers.

    scores (T, S); weights (T, S); values (S, V); queries and keys name the T and the S.  A row a
    key: its score, its weight, its value and the product of the last two, which are summed.  alt
    and instead are as in look.  Raises ValueError where shapes or names do not fit.
    """
    scores, weights, values = _numbers(scores), _numbers(weights), _numbers(values)
    queries, keys = _words(queries), _words(keys)
    shape = (len(queries), len(keys))
    if not (scores.shape == weights.shape == shape and values.shape[:-1] == shape[1:]):
        shapes = f"scores {scores.shape}, weights {weights.shape}, values {values.shape}"
        names = f"{shape[0]} queries and {shape[1]} keys"
        raise ValueError(f"{shapes} for {names}: give (T, S), (T, S), (S, V)")
    parts = weights[:, :, None] * values  # (T, S, V)
    rows = [
        [[_two(scores[t, s]), _two(weights[t, s]), _two(values[s]), _two(parts[t, s])]
         for s in range(shape[1])]
        for t in range(shape[0])
    ]  # fmt: skip
    sums = [["", _two(weights[t].sum()), "", _two(parts[t].sum(0))] for t in range(shape[0])]
    columns = ["score", "weight", "value", "weight × value"]
    data = {"queries": queries, "keys": keys, "columns": columns, "rows": rows, "sums": sums}
    if instead is None:
        _, ax = plt.subplots(figsize=(5, 3))
        instead = attention(weights, queries, keys, ax=ax, numbers=True)
    _display("steps", data, instead, alt)


def _two(x):
    """Numbers with two decimals, side by side."""
    return " ".join(f"{round(float(n), 2) + 0.0:.2f}".replace("inf", "∞") for n in np.ravel(x))


def _maps(rows, heads, columns, queries, keys):
    """A Figure with the weights of each head as a heat map; names only where there is room."""
    if len(rows) <= 3:
        return _large_maps(rows, heads, queries, keys)
    shape = (len(rows) // columns, columns)
    wide, named = 5.4 / columns, max(len(queries), len(keys)) <= MOST_NAMED and columns <= 3
    figure, axes = plt.subplots(
        *shape, figsize=(5.4, wide * shape[0] + 0.8), layout="constrained", squeeze=False
    )
    for ax, weights, head in zip(axes.flat, rows, heads, strict=True):
        image = ax.imshow(weights, cmap=SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
        ax.set_title(head if columns <= 3 else head.replace(", ", "\n"), fontsize=10)
        ticks = range(len(keys)) if named else []
        ax.set_xticks(ticks, keys if named else [], rotation=90, **PLAIN)
        ax.set_yticks(range(len(queries)) if named else [], queries if named else [], **PLAIN)
        ax.label_outer()
    figure.supxlabel("key (columns answer)", fontsize=10)
    figure.supylabel("query (rows ask)", fontsize=10)
    figure.colorbar(image, ax=axes, location="top", shrink=0.6, aspect=40).set_label("weight")
    return figure


def _large_maps(rows, heads, queries, keys):
    """A Figure with up to three maps, one below the other, with all names."""
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(5, 2.8 * len(rows)), layout="constrained", squeeze=False
    )
    for ax, weights, head in zip(axes.flat, rows, heads, strict=True):
        attention(weights, queries, keys, ax=ax).tick_params(axis="x", rotation=90)
        if len(rows) > 1:
            ax.set_title(head)
    return figure


def _words(names):
    """Names as a list of strings."""
    return [str(name) for name in names]


def _display(kind, data, drawing, alt, varies=False):
    """Display a view: a picture, the data beside it, and the script that makes the view of both.

    varies=True: the data stand inside the picture, so that pages that differ only in what a machine
    measures have the same text.
    """
    head = {"kind": kind, "alt": alt}
    tag = picture(drawing, alt, json.dumps(data, separators=(",", ":")) if varies else None)
    data = json.dumps(head | ({} if varies else data), ensure_ascii=False, separators=(",", ":"))
    name = hashlib.sha256(data.encode()).hexdigest()[:10]
    page = f'<div id="view-{name}" data-tantra-view="{html.escape(data)}">{tag}</div>'
    from IPython.display import display  # only a notebook calls it

    display({"text/html": f"{page}<script>{_script()}</script>", "text/plain": alt}, raw=True)


@functools.cache
def _script():
    return (files("tantra.plot") / "views.js").read_text(encoding="utf-8")
