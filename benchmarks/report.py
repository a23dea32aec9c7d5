"""What was measured, kept as numbers for each kind of processor, and told as tables."""

import dataclasses
import json
from pathlib import Path

from benchmarks import machine
from benchmarks.compare import Ratio, Row, Skipped
from tantra.files import write_whole

HERE = Path(__file__).resolve().parent
RESULTS, README = HERE / "results.json", HERE / "README.md"
BEGIN, END = "<!-- written by make bench -->", "<!-- until here -->"


def keep(words, ceilings, rows, path=RESULTS):
    """Put a run's parts beside those of earlier runs, in the place of the same kind of machine."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    own = kept.setdefault(machine.kind(words), {})
    for part in dict.fromkeys(row.part for row in rows):
        own[part] = {
            "machine": words,
            "ceilings": {name: dataclasses.asdict(ceiling) for name, ceiling in ceilings.items()},
            "rows": [dataclasses.asdict(row) for row in rows if row.part == part],
        }
    write_whole(path, (json.dumps(kept, indent=1) + "\n").encode())


def read(order, path=RESULTS):
    """{part: {kind of machine: (machine, ceilings, rows)}} as kept, its parts in this order."""
    kept, found = json.loads(path.read_text()), {}
    for part in order:
        for kind, parts in kept.items():
            if part in parts:
                one = parts[part]
                rows = [_row(row) for row in one["rows"]]
                found.setdefault(part, {})[kind] = one["machine"], one["ceilings"], rows
    return found


def _row(kept):
    if "reason" in kept:
        return Skipped(**kept)
    return Row(**kept | {"ratio": Ratio(**kept["ratio"])})


def text(parts):
    """All that README.md says of the results, but for the pictures."""
    pieces = []
    for part, kinds in parts.items():
        pieces += [f"## {part}", ""]
        if len(kinds) > 1:
            pieces += [side_by_side({kind: rows for kind, (_, _, rows) in kinds.items()}), ""]
        for kind, (words, ceilings, rows) in kinds.items():
            facts = "; ".join(f"{name}: {fact}" for name, fact in words.items())
            bounds = "; ".join(
                f"{f['name']} {f['most'] / 1e9:.1f} {f['unit']}" for f in ceilings.values()
            )
            pieces += [f"**{kind}**", "", table(rows), ""]
            pieces += [f"*{facts}. Ceilings: {bounds}.*", ""]
    return "\n".join(pieces)


def side_by_side(kinds):
    """The ratio, its middle half and the share of each row, {kind of machine: rows}, as a table."""
    found = {}
    for kind, rows in kinds.items():
        for row in rows:
            found.setdefault((row.case, row.ours, row.peer), {})[kind] = _in_short(row)
    lines = [[*names, *(cells.get(kind, "") for kind in kinds)] for names, cells in found.items()]
    return _drawn(["case", "ours", "peer", *kinds], lines)


def _in_short(row):
    """What the table of several machines says of a row."""
    cells = _cells(row)
    if isinstance(row, Skipped):
        return "not measured"
    share = f"; {row.share:.0%} and {row.peer_share:.0%}" if row.share is not None else ""
    return f"{cells['peer ÷ ours']} ({cells['middle half']}){share}"


def table(rows):
    """The rows in Markdown, without the columns that are empty in all of them, and their notes."""
    cells = [_cells(row) for row in rows]
    head = [name for name in HEAD if any(line.get(name) for line in cells)]
    drawn = _drawn(head, [[line.get(name, "") for name in head] for line in cells])
    notes = [f"{row.ours}: {row.note}." for row in rows if getattr(row, "note", "")]
    return "\n\n".join([drawn, *notes])


def _drawn(head, lines):
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


HEAD = "case", "ours", "peer", "peer ÷ ours", "middle half", "rounds", "aim", "memory", "share"


def _cells(row):
    """What the table says of a row, by column."""
    cells = {"case": row.case, "ours": row.ours, "peer": row.peer}
    if isinstance(row, Skipped):
        return cells | {"peer ÷ ours": f"not measured: {row.reason}"}
    r = row.ratio
    cells |= {
        "ours": f"{row.ours}, {duration(row.seconds)}",
        "peer": f"{row.peer}, {duration(row.peer_seconds)}",
        "peer ÷ ours": f"**{r.median:.2f}**",
        "middle half": f"{r.low:.2f} to {r.high:.2f}",
        "rounds": str(r.rounds),
        "aim": f"{row.aim:.2f}" if row.aim else "",
    }
    if row.bytes is not None:
        mebi = f"{row.bytes / 2**20:.1f} against {row.peer_bytes / 2**20:.1f} MiB"
        cells["memory"] = f"{mebi}: 1/{row.peer_bytes / row.bytes:.1f}"
    if row.share is not None:
        cells["share"] = f"{row.share:.0%} and {row.peer_share:.0%} of {row.ceiling}"
    return cells


def duration(seconds):
    """Seconds with three digits, in the unit that suits."""
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def write(text, path=README):
    """Put text between the two marks of README.md, in the place of what stood there."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise ValueError(f"{path.name} lacks {BEGIN} or {END}")
    write_whole(path, f"{before}{BEGIN}\n\n{text}\n{END}{after}".encode())


def line(row):
    """A row in one line, for who waits."""
    if isinstance(row, Skipped):
        return f"{row.case}: {row.ours} against {row.peer} not measured: {row.reason}"
    r = row.ratio
    return (
        f"{row.case}: {row.ours} against {row.peer} {r.median:.2f} "
        f"({r.low:.2f} to {r.high:.2f}, {r.rounds} rounds)"
    )
