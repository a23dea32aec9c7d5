"""The table of parts as an SVG drawing, each part filled, outlined and labelled as it is told.

Colours are JupyterLab's own where it runs, else those of the page, light or dark.
"""

from html import escape
from typing import NamedTuple

from tantra.maps.parts import DASHED, ONE_STACK

INK = "var(--jp-content-font-color1, currentColor)"
PAPER = "var(--jp-layout-color1, Canvas)"


class Look(NamedTuple):
    """How a part is drawn; label and words stand for what the table says and what is read out."""

    filled: float = 0.0  # the share of it that has a colour, from the left
    strong: bool = False  # a thick outline
    dashed: bool = False
    quiet: bool = False
    label: str = ""
    words: str = ""


def svg(looks, words, fill, below=(), notes=(), table=ONE_STACK):
    """The drawing as SVG text; words say in one sentence what it shows.

    looks maps the names of parts, wires and sums to a Look; below holds further parts, each with
    its Look, for a strip under the drawing; notes are further (x, y, text).  The parts are table's.
    """
    height = max([table.height, *(part.y + part.height + 4 for part, _ in below)])
    parts = [(part, looks.get(name, Look())) for name, part in table.parts.items()]
    frames = [_part(*one, fill) for one in parts if one[0].kind == "frame"]
    boxes = [_part(*one, fill) for one in [*parts, *below] if one[0].kind != "frame"]
    wires = [
        _wires(name, lines, looks.get(name, Look()), fill) for name, lines in table.wires.items()
    ]
    sums = [_sum(place, looks.get(name, Look()), fill) for name, place in table.sums.items()]
    notes = [*table.notes, *notes]
    texts = [_text(text, x, y, Look(quiet=True), "start", 11) for x, y, text in notes]
    label, width = escape(words), table.width
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{label}" style="flex:0 1 {width}px;width:100%;max-width:{width}px" '
        f'font-family="sans-serif" font-size="12" fill="{INK}"><title>{label}</title>'
        f"{''.join([*frames, *wires, *boxes, *sums, *texts])}</svg>"
    )


def _part(part, look, fill):
    """A part: paper, its colour, its outline, its label, and what a mouse is told."""
    round_ = part.height / 2 if part.kind == "pill" else 5
    box = f'x="{part.x}" y="{part.y}" height="{part.height}" rx="{round_:g}"'
    colour = fill if look.strong else INK
    style = f'stroke="{colour}" stroke-width="{2.5 if look.strong else 1}"{_faint(look, ".5")}'
    dashes = ' stroke-dasharray="4 3"' if look.dashed else ""
    told = f"<title>{escape(look.words)}</title>" if look.words else ""
    return (
        f'<g>{told}<rect {box} width="{part.width}" fill="{PAPER}"/>'
        f'<rect {box} width="{part.width * look.filled:.0f}" fill="{fill}" fill-opacity=".2"/>'
        f'<rect {box} width="{part.width}" fill="none" {style}{dashes}/>{_label(part, look)}</g>'
    )


def _label(part, look):
    """Text in the middle of a box; at the upper left of a frame, the upper right of a whole one."""
    label = look.label or part.label
    if part.kind != "frame":
        return _text(label, part.x + part.width / 2, part.y + part.height / 2 + 4.5, look)
    if part.width > 300:
        return _text(label, part.x + part.width - 8, part.y + 17, look, "end")
    return _text(label, part.x + 8, part.y + 15, look, "start")


def _text(words, x, y, look, anchor="middle", size=None):
    size = f' font-size="{size}"' if size else ""
    style = f'text-anchor="{anchor}"{size}{_faint(look, ".75", "fill")}'
    style += ' font-weight="bold"' if look.strong else ""
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>'


def _wires(name, lines, look, fill):
    """The lines of one name, each with an arrow at its end."""
    colour, width = (fill, 2.5) if look.strong else (INK, 1)
    dashes = ' stroke-dasharray="5 4"' if name in DASHED else ""
    style = f'stroke="{colour}" stroke-width="{width}"{_faint(look, ".5")}'
    path = " ".join("M" + " L".join(f"{x} {y}" for x, y in line) for line in lines)
    heads = " ".join(_head(*line[-2:]) for line in lines)
    return (
        f'<path d="{path}" fill="none" {style}{dashes}/>'
        f'<path d="{heads}" fill="{colour}"{_faint(look, ".6", "fill")}/>'
    )


def _head(before, end):
    """The three corners of an arrow's head, 7 long, that points from before to end."""
    (x, y), (dx, dy) = end, (_sign(a - b) for a, b in zip(end, before, strict=True))
    x_back, y_back = x - 7 * dx, y - 7 * dy
    left, right = f"{x_back - 4 * dy} {y_back + 4 * dx}", f"{x_back + 4 * dy} {y_back - 4 * dx}"
    return f"M{x} {y} L{left} L{right} Z"


def _sign(number):
    return (number > 0) - (number < 0)


def _sum(place, look, fill):
    """A circle with a plus."""
    x, y = place
    colour, width = (fill, 2.5) if look.strong else (INK, 1)
    style = f'stroke="{colour}" stroke-width="{width}"{_faint(look, ".5")}'
    circle = f'<circle cx="{x}" cy="{y}" r="9" fill="{PAPER}" {style}/>'
    return circle + _text("+", x, y + 4.5, look)


def _faint(look, opacity, what="stroke"):
    return f' {what}-opacity="{opacity}"' if look.quiet else ""
