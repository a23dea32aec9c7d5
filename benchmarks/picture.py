"""The picture: each ratio with its spread and its aim, and attention's time and memory."""

from pathlib import Path

from benchmarks.compare import Row

HERE = Path(__file__).resolve().parent
RATIOS, LENGTHS = HERE / "ratios.png", HERE / "attention.png"
BLUE, GREY, VERMILION = "#0072B2", "#999999", "#D55E00"  # of Okabe and Ito
LONGER = "512", "8 ×", "5 MB"  # cases that stand in the tables alone
KINDS = (BLUE, "o"), ("#009E73", "s"), ("#CC79A7", "^")
STYLE = {"by hand": (GREY, "s"), "in chunks": (BLUE, "o"), "torch's fused": (VERMILION, "^")}


def draw(parts):
    """Draw what there is to draw; the Markdown that shows it, with the numbers as its alt text."""
    rows = {  # by part and by kind of machine
        part: {
            kind: [r for r in some if isinstance(r, Row)] for kind, (_, _, some) in kinds.items()
        }
        for part, kinds in parts.items()
    }
    shown, attention = [], {kind: some for kind, some in rows.pop("attention", {}).items() if some}
    ratios = {}
    for kinds in rows.values():
        for kind, some in kinds.items():
            ratios.setdefault(kind, []).extend(row for row in some if _drawn(row))
    if any(ratios.values()):
        _ratios(ratios)
        shown.append(f"![{ratios_in_words(ratios)}]({RATIOS.name})")
    if attention:
        _attention(attention)
        shown.append(f"![{attention_in_words(attention)}]({LENGTHS.name})")
    return "\n\n".join(shown)


def _drawn(row):
    """Whether the picture has room for a row: one with an aim, of the shortest of its cases."""
    return row.aim is not None and not any(words in row.case for words in LONGER)


def ratios_in_words(kinds):
    """The alt text of the first picture."""
    said = ["How many times as long each peer takes as ours."]
    for kind, rows in kinds.items():
        each = [f"{r.case}: {r.ours} against {r.peer} {r.ratio.median:.2f}" for r in rows]
        said.append(f"{kind}: {'; '.join(each)}.")
    return " ".join(said)


def attention_in_words(kinds):
    """The alt text of the second picture."""
    said = ["Time and peak memory of attention against N, two panels for each kind of processor."]
    for kind, rows in kinds.items():
        last = max(rows, key=_length).case
        each = [
            f"{row.ours} {row.ratio.median:.1f} times as fast as {row.peer}, "
            f"in 1/{row.peer_bytes / row.bytes:.1f} of the memory"
            for row in rows
            if row.case == last
        ]
        said.append(f"{kind}, at {last}: {'; '.join(each)}.")
    return " ".join(said)


def _ratios(kinds):
    import matplotlib.pyplot as plt

    cases = list(dict.fromkeys(_case(row) for rows in kinds.values() for row in rows))
    figure, ax = plt.subplots(figsize=(9, 0.42 * len(cases) + 1.2), layout="constrained")
    for number, (kind, rows) in enumerate(kinds.items()):
        color, marker = KINDS[number % len(KINDS)]
        for row in rows:
            r, place = row.ratio, -cases.index(_case(row)) - 0.22 * number
            ax.plot([r.low, r.high], [place, place], color=color, linewidth=3, alpha=0.5)
            ax.plot(r.median, place, marker, color=color)
            if row.aim:
                ax.plot(row.aim, place, "D", color=VERMILION, markerfacecolor="none")
        ax.plot([], [], marker, color=color, label=kind)
    ax.plot([], [], "D", color=VERMILION, markerfacecolor="none", label="hoped for")
    ax.axvline(1, color=GREY, linewidth=1)
    ax.set_xscale("log")
    ax.set_xticks(ticks := [0.1, 0.5, 1, 2, 4, 8, 16, 32], [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_yticks(range(0, -len(cases), -1), cases)
    ax.tick_params(axis="y", labelsize=7)
    ax.set_xlabel("peer's time ÷ ours (log scale): to the right of 1, ours is faster")
    ax.legend(loc="best", fontsize=8)
    figure.savefig(RATIOS, dpi=150, metadata={"Software": None})
    plt.close(figure)


def _case(row):
    return f"{row.case}\n{row.ours} against {row.peer}"


def _attention(kinds):
    import matplotlib.pyplot as plt

    size = (9, 3.6 * len(kinds))
    figure, grid = plt.subplots(len(kinds), 2, figsize=size, layout="constrained", squeeze=False)
    for axes, (kind, rows) in zip(grid, kinds.items(), strict=True):
        ticks = sorted({_length(row) for row in rows})
        for ax, what, unit in zip(axes, ("seconds", "bytes"), ("seconds", "peak MiB"), strict=True):
            for name, points in _points(rows, what).items():
                color, marker = STYLE[name]
                ax.plot(*zip(*points, strict=True), color=color, marker=marker, label=name)
            ax.set(xscale="log", yscale="log", xlabel="positions N", ylabel=unit, title=kind)
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
