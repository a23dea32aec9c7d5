"""A short deck of slides: verse, map, question, formulas, figures, one quiz, one Break it."""

import re
from html import escape

from tantra.classroom.kit.chapter import drawn, printed
from tantra.classroom.kit.pages import code, formula, markdown, page
from tantra.classroom.kit.paper import markdown_words
from tantra.classroom.kit.plan import bullets
from tantra.verses import verse

DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
MOST_FIGURES, MOST_FORMULAS = 6, 4
NAVIGATION = """<nav aria-label="Slides">
<button type="button" id="back">Back</button>
<span id="place" aria-live="polite"></span>
<button type="button" id="on">Next</button>
</nav>"""


def slides(chapter):
    """The deck, as a page of HTML."""
    title = f"{chapter.number} · {chapter.title}"
    makers = (opening, the_map, question, rows, formulas, figures, quiz, broken, keep)
    found = [slide for maker in makers for slide in maker(chapter)]
    sections = [
        f'<section class="slide" aria-label="Slide {number} of {len(found)}">\n{slide}\n</section>'
        for number, slide in enumerate(found, 1)
    ]
    body = "\n".join(["<main>", *sections, "</main>", NAVIGATION])
    return page(f"{title}: slides", body, "slides.css", "slides.js")


def headed(title, body):
    return f"<h2>{markdown_words(title)}</h2>\n{body}"


def opening(chapter):
    """The title and the verse."""
    found = verse(chapter.short)
    said = chapter.page.cells[0].source.partition("\n")[2].strip()
    yield f"""<h1>{chapter.number} · {escape(chapter.title)}</h1>
{markdown(said)}
<p class="devanagari" lang="sa">{lines(found.devanagari)}</p>
<p class="iast" lang="sa-Latn">{lines(found.iast)}</p>
<p>{lines(found.english)}</p>"""


def lines(text):
    return "<br>".join(escape(text.strip()).splitlines())


def the_map(chapter):
    """The drawing of the whole, with this chapter's part lit."""
    for cell in chapter.page.code:
        if cell.id == "map":
            yield from (
                headed("Where we are", f'<div class="map">{html}</div>') for html in drawn(cell)
            )


def question(chapter):
    part = chapter.section("The question")[0]
    yield headed("The question", markdown("\n\n".join(part.texts)))


def rows(chapter):
    """The table from phrase to symbol, shape and code."""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("phrase", "symbol", "shape", "code"))
    body = "\n".join(
        f'<tr><th scope="row" lang="sa-Latn">{escape(row.phrase)}</th><td>{escape(row.symbol)}</td>'
        f"<td>{escape(row.shape)}</td><td><code>{escape(row.code)}</code></td></tr>"
        for row in verse(chapter.short).map
    )
    yield headed("From verse to code", f"<table><thead><tr>{head}</tr></thead>\n{body}\n</table>")


def formulas(chapter):
    """The first formulas of the line that stand by themselves, each below its heading."""
    found = [
        (part.title, formula(tex, "block"))
        for part in chapter.section("Verse to code")
        for text in part.texts
        for tex in DISPLAYED.findall(text)
    ]
    if found:
        shown = "\n".join(
            f"<h3>{markdown_words(title)}</h3>\n{it}" for title, it in found[:MOST_FORMULAS]
        )
        yield headed("In formulas", shown)


def figures(chapter):
    """The first figures of the line, a slide each."""
    parts = chapter.section("Verse to code") + chapter.section("See it")
    found = [
        (part.title, html)
        for part in parts
        for cell in part.code
        for html in drawn(cell)
        if re.search(r"<(img|svg)\b", html)
    ]
    for title, html in found[:MOST_FIGURES]:
        yield headed(title, f"<figure>{html}</figure>")


def quiz(chapter):
    """The first question of the quiz; a click on an option says whether it is right, and why."""
    asked = chapter.questions[0]
    options = "\n".join(
        f"<details><summary>{markdown_words(option)}</summary>\n"
        f"{markdown(('**Yes.** ' if right else '**No.** ') + why)}</details>"
        for option, right, why in asked.options
    )
    yield headed("Raise your hand", f"{markdown(asked.asks)}\n{options}")


def broken(chapter):
    """What the chapter breaks last: its text, its code, and what that prints."""
    part = [part for part in chapter.section("Break it") if part.code][-1]
    shown = []
    for kind, what in part.pieces:
        if kind == "text":
            shown.append(markdown(what))
            continue
        shown += [code(what.source)] if printed(what) else []
        shown += (
            [f'<pre class="printed" tabindex="0">{escape(printed(what))}</pre>']
            if printed(what)
            else []
        )
        shown += [f"<figure>{html}</figure>" for html in drawn(what)]
    name = part.title if part.title == "Break it" else f"Break it: {part.title}"
    yield headed(name, "\n".join(shown))


def keep(chapter):
    yield headed("What to keep", markdown(bullets(chapter.keep)))
