"""How a verse is shown: as plain text in a terminal, as HTML in a notebook."""

from html import escape

MAP_HEAD = ("phrase", "symbol", "shape", "code")
GLOSS_HEAD = ("word", "meaning", "grammar")

# Colours are the reader's own (light or dark).  Where there is little room, as on a phone, each
# row of a table stacks its cells.
STYLE = """
.tantra-verse { container-type: inline-size; line-height: 1.5; }
.tantra-verse .devanagari { font-size: 1.5em; line-height: 1.7; }
.tantra-verse summary { cursor: pointer; }
.tantra-verse caption, .tantra-verse summary { text-align: left; font-weight: bold; }
.tantra-verse table { margin: 0.5em 0 1em; border-collapse: collapse; table-layout: auto; }
.tantra-verse table :is(th, td) { padding: 0.25em 1em 0.25em 0; text-align: left;
  vertical-align: baseline; white-space: normal; overflow-wrap: anywhere; }
.tantra-verse table tr { background: none; border-top: 1px solid #8884; }
.tantra-verse table th { font-weight: normal; }
.tantra-verse thead th { font-weight: bold; }
.tantra-verse code { background: none; white-space: pre-wrap; padding: 0; }
@container (max-width: 40em) {
  .tantra-verse table, .tantra-verse tbody, .tantra-verse caption { display: block; }
  .tantra-verse thead { position: absolute; clip-path: inset(50%); }
  .tantra-verse table tr { display: flex; flex-wrap: wrap; column-gap: 1em; padding: 0.4em 0; }
  .tantra-verse table :is(th, td) { padding: 0; }
  .tantra-verse table td:last-child { flex-basis: 100%; }
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
<p class="devanagari" lang="sa">{_lines(verse.devanagari)}</p>
<p lang="sa-Latn"><em>{_lines(verse.iast)}</em></p>
<p>{_lines(verse.english)}</p>
<details open><summary>Word by word</summary>
{_table(GLOSS_HEAD, words)}
</details>
<details open><summary>From verse to code</summary>
{_table(MAP_HEAD, [rows])}
</details>
</section>"""


def _table(head, groups):
    """An HTML table; each group of rows a tbody, the first cell of a row its heading."""
    columns = "".join(f'<th scope="col">{name}</th>' for name in head)
    bodies = "".join(f"<tbody>{''.join(map(_row, group))}</tbody>\n" for group in groups)
    return f"<table>\n<thead><tr>{columns}</tr></thead>\n{bodies}</table>"


def _row(cells):
    first, *rest = cells
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>\n'


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
    return "<br>".join(map(escape, several.splitlines()))
