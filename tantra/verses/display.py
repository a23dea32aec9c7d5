"""How a verse is shown: as plain text in a terminal, as HTML in a notebook."""

import re
from html import escape

MAP_HEAD = ("phrase", "symbol", "shape", "code")
GLOSS_HEAD = ("word", "meaning", "grammar")

# Colours are the reader's own, light or dark.  Where there is little room, as on a phone, the
# cells of a row wrap, and its last one takes a line for itself.  A notebook that is not trusted
# yet loses this sheet: what must not be lost stands in the elements themselves.  !important:
# notebooks have styles of their own for tables.
STYLE = """
.tantra-verse { container-type: inline-size; line-height: 1.5; }
.tantra-verse .line { display: block; padding-left: 1.5em; text-indent: -1.5em; }
.tantra-verse br { display: none; }
.tantra-verse summary { cursor: pointer; font-weight: bold; }
.tantra-verse table { margin: 0.5em 0 1em; border-collapse: collapse; }
.tantra-verse tr { background: none !important; border-top: 1px solid #8884; }
.tantra-verse :is(th, td) { padding: 0.25em 1em 0.25em 0 !important; vertical-align: baseline;
  white-space: normal; overflow-wrap: anywhere; }
.tantra-verse code { white-space: pre-wrap; }
@container (max-width: 40em) {
  .tantra-verse .devanagari { font-size: 1.25em !important; }
  .tantra-verse :is(table, tbody) { display: block; }
  .tantra-verse thead { position: absolute; clip-path: inset(50%); }
  .tantra-verse tbody tr { display: flex; flex-wrap: wrap; padding: 0.25em 0; }
  .tantra-verse :is(th, td) { padding: 0 1em 0 0 !important; }
  .tantra-verse td:last-child { flex-basis: 100%; }
}
"""


def text(verse):
    """The verse with its English and its map, as plain text."""
    title = f"{verse.title.alone}, {verse.title.gloss}: {verse.topic}"
    rows = [(row.phrase, row.symbol, row.shape, row.code) for row in verse.map]
    return "\n\n".join([title, verse.devanagari, verse.iast, verse.english, _columns(rows)])


def gloss(verse):
    """Each word with its meaning and its grammar, as plain text."""
    return _columns([(w.form, w.gloss, w.analysis) for half in verse.words for w in half])


def _columns(rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def html(verse):
    """The verse with its English, its words and its map, as HTML."""
    words = [
        [(_sanskrit(w.form), escape(w.gloss), _grammar(w.analysis)) for w in half]
        for half in verse.words
    ]
    rows = [(_sanskrit(r.phrase), escape(r.symbol), escape(r.shape), _code(r)) for r in verse.map]
    return f"""<style>{STYLE}</style>
<section class="tantra-verse" aria-label="Verse: {escape(verse.topic)}">
<p>{_sanskrit(verse.title.alone)}, {escape(verse.title.gloss)}: {escape(verse.topic)}</p>
<p class="devanagari" lang="sa" style="font-size: 1.5em">{_lines(verse.devanagari)}</p>
<p><em lang="sa-Latn">{_lines(verse.iast)}</em></p>
<p>{_lines(verse.english)}</p>
{_table("Word by word", GLOSS_HEAD, words)}
{_table("From verse to code", MAP_HEAD, [rows], " open")}
</section>"""


def _table(title, head, groups, state=""):
    """A table that folds away; each group of rows a tbody, the first cell of a row its heading.

    It is closed until it is opened, unless state is " open".
    """
    columns = "".join(f'<th scope="col" style="text-align: left">{name}</th>' for name in head)
    bodies = "".join(f"<tbody>\n{''.join(map(_row, group))}</tbody>\n" for group in groups)
    return f"""<details{state}><summary>{title}</summary>
<table aria-label="{title}">
<thead><tr>{columns}</tr></thead>
{bodies}</table>
</details>"""


def _row(cells):
    first, *rest = cells
    heading = f'<th scope="row" style="text-align: left; font-weight: normal">{first}</th>'
    return f"<tr>{heading}{''.join(map(_cell, rest))}</tr>\n"


def _cell(content):
    return f'<td style="text-align: left">{content}</td>'


def _sanskrit(iast):
    return f'<em lang="sa-Latn">{escape(iast)}</em>'


def _grammar(analysis):
    """The analysis, with the stem or root marked as Sanskrit."""
    stem, comma, rest = analysis.partition(", ")
    if stem == "indeclinable":
        return escape(analysis)
    return _sanskrit(stem) + escape(comma + rest)


def _code(row):
    return f"<code>{escape(row.code)}</code>"


def _lines(several):
    """Each line as one; a daṇḍa never stands alone on a new line."""
    lines = re.sub(r" (?=[|।॥])", "\N{NO-BREAK SPACE}", escape(several)).splitlines()
    return "<br>".join(f'<span class="line">{line}</span>' for line in lines)
