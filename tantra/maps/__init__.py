"""The map at the head of each chapter: the whole Transformer, with that chapter's part lit.

from tantra import draw_map
draw_map("softmax")
"""

import re
from difflib import get_close_matches
from html import escape

from tantra.files import short
from tantra.maps import drawing
from tantra.maps.parts import CHAPTERS, LETTERS

__all__ = ["Map", "draw_map"]

LIT = "var(--jp-brand-color1, #1976d2)"


class Map:
    """The map of one chapter.  Jupyter shows it as a drawing, a terminal as text."""

    def __init__(self, name):
        self.name = name
        self.chapter = CHAPTERS[name]

    @property
    def flow(self):
        """What goes in and what comes out: "in: x (..., T, D)  ->  out: x (..., T, D)"."""
        return f"in: {self.chapter.takes}  ->  out: {self.chapter.gives}"

    @property
    def letters(self):
        """What the letters of the shapes in flow stand for."""
        shapes = "".join(re.findall(r"\([^()]*\)", self.flow))
        return ", ".join(f"{one} {what}" for one, what in LETTERS.items() if one in shapes)

    @property
    def lit(self):
        """The labels of the parts that are lit, each once, from the input upwards."""
        parts = self.chapter.table.parts
        boxes = [part for name, part in parts.items() if name in self.chapter.lit]
        boxes.sort(key=lambda part: (-part.y, part.x))
        return tuple(dict.fromkeys(part.label.partition(" (")[0] for part in boxes))

    def __repr__(self):
        return f"{self._words()}\n{self.flow}\n{self.letters}"

    def _repr_html_(self):
        style = "display:flex;flex-wrap:wrap;gap:1em 2em;align-items:center"
        small = "margin:0;font-size:.9em;opacity:.8"
        flow = escape(self.flow.replace("  ->  ", "\n→ ")).replace("\n", "<br>")
        return (
            f'<div style="{style}">{self._svg()}<div style="flex:1 1 16em">'
            f'<p style="margin:0 0 .5em"><strong>{escape(self.chapter.title)}</strong></p>'
            f'<p style="margin:0 0 .5em">{flow}</p>'
            f'<p style="{small}">{self.letters}</p></div></div>'
        )

    def _svg(self):
        lit, quiet = drawing.Look(filled=1, strong=True), drawing.Look(quiet=True)
        table = self.chapter.table
        names = (*table.parts, *table.wires, *table.sums)
        looks = {name: lit if name in self.chapter.lit else quiet for name in names}
        return drawing.svg(looks, f"{self._words()} {self.flow}", LIT, table=table)

    def _words(self):
        return f"The Transformer; {self.chapter.title}: lit are {', '.join(self.lit)}."


def draw_map(chapter):
    """The Transformer as a Map, with the part of a chapter lit, what goes in and what comes out.

    chapter is its name, as in verse(chapter).  Raises ValueError, listing the names, for another.

    >>> draw_map("training").lit
    ('softmax', 'loss')
    """
    if chapter not in CHAPTERS:
        close = get_close_matches(str(chapter)[:100], CHAPTERS, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"no map for {short(chapter)}; {hint}there are {', '.join(CHAPTERS)}")
    return Map(chapter)
