"""The picture: each ratio with its spread and its aim, and attention's time and memory."""

from pathlib import Path

from benchmarks.compare import Row

HERE = Path(__file__).resolve().parent
RATIOS, LENGTHS = HERE / "ratios.png", HERE / "attention.png"
BLUE, GREY, VERMILION = "#0072B2", "#999999", "#D55E00"  # of Okabe and Ito
STYLE = {"by hand": (GREY, "s"), "in chunks": (BLUE, "o"), "torch's fused": (VERMILION, "^")}


def draw(parts):
    """Draw what there is to draw; the Markdown that shows it, with the numbers as its alt text."""
    rows = {part: [r for r in rows if isinstance(r, Row)] for part, (_, _, rows) in parts.items()}
    shown = []
    attention = rows.pop("attention", [])
    if ratios := [row for some in rows.values() for row in some]:
        _ratios(ratios)
        shown.append(f"![{ratios_in_words(ratios)}]({RATIOS.name})")
    if attention:
        _attention(attention)
        shown.append(f"![{attention_in_words(attention)}]({LENGTHS.name})")
    return "\n\n".join(shown)


def ratios_in_words(rows):
    """The alt text of the first picture."""
    each = [f"{r.case}: {r.ours} against {r.peer} {r.ratio.median:.2f}" for r in rows]
    return "How many times as long each peer takes as ours. " + "; ".join(each) + "."


def attention_in_words(rows):
    """The alt text of the second picture."""
    last = max(rows, key=lambda row: _length(row)).case
    each = [
        f"{row.ours} {row.ratio.median:.1f} times as fast as {row.peer}, "
        f"in 1/{row.peer_bytes / row.bytes:.1f} of the memory"
        for row in rows
        if row.case == last
    ]
    return f"Time and peak memory of attention against N, two panels. At {last}: {'; '.join(each)}."


def _ratios(rows):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(9, 0.42 * len(rows) + 1.2), layout="constrained")
    places = range(len(rows))[::-1]
    for place, row in zip(places, rows, strict=True):
        r = row.ratio
        ax.plot([r.low, r.high], [place, place], color=BLUE, linewidth=3, alpha=0.5)
        ax.plot(r.median, place, "o", color=BLUE, label="measured" if place == 0 else None)
        if row.aim:
            ax.plot(row.aim, place, "D", color=VERMILION, markerfacecolor="none")
    ax.plot([], [], "D", color=VERMILION, markerfacecolor="none", label="hoped for")
    ax.axvline(1, color=GREY, linewidth=1)
    ax.set_xscale("log")
    ax.set_xticks(ticks := [0.5, 1, 2, 4, 8, 16, 32], [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_yticks(places, [f"{row.case}\n{row.ours} against {row.peer}" for row in rows])
    ax.tick_params(axis="y", labelsize=7)
    ax.set_xlabel("peer's time ÷ ours (log scale): to the right of 1, ours is faster")
    ax.legend(loc="best", fontsize=8)
    figure.savefig(RATIOS, dpi=150, metadata={"Software": None})
    plt.close(figure)


def _attention(rows):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for ax, what, unit in zip(axes, ("seconds", "bytes"), ("seconds", "peak MiB"), strict=True):
        for name, points in _points(rows, what).items():
            color, marker = STYLE[name]
            ax.plot(*zip(*points, strict=True), color=color, marker=marker, label=name)
        ax.set(xscale="log", yscale="log", xlabel="positions N", ylabel=unit)
        ticks = sorted({_length(row) for row in rows})
        ax.set_xticks(ticks, [str(tick) for tick in ticks], rotation=45)
        ax.minorticks_off()
    axes[0].legend()
    figure.savefig(LENGTHS, dpi=150, metadata={"Software": None})
    plt.close(figure)


def _points(rows, what):
    """{way: [(length, number), ...]}, of seconds or of MiB."""
    size = 2**20 if what == "bytes" else 1
    found = {}
    for row in rows:
        for name, field in ((row.ours, what), (row.peer, f"peer_{what}")):
            found.setdefault(name, {})[_length(row)] = getattr(row, field) / size
    return {name: sorted(points.items()) for name, points in found.items()}


def _length(row):
    return int(row.case.rpartition(" ")[2])
