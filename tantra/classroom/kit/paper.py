"""A sheet to print, "on paper": the chapter's small numbers, blank and solved."""

import re
from dataclasses import dataclass
from html import escape

from course import folded
from rules.line import divided
from tantra.classroom.kit.chapter import printed
from tantra.classroom.kit.numbers import by_chance, to_find, value, values, without_assertions
from tantra.classroom.kit.pages import code, markdown, page

MARKED = re.compile(r"\$[^$]+\$|`[^`]+`")  # formulas and code within a text
SECTIONS = ("The question", "Verse to code")
MOST_LINES, MOST_BLANKS = 12, 40
HOW = (
    "For each piece of code, write what it prints. Find the numbers by hand; a pocket calculator "
    "helps. Numbers that were drawn at random are given, and of those arrays only shapes are asked."
)


@dataclass(frozen=True)
class Item:
    """A piece of code with what it prints; places are the numbers to find."""

    title: str
    text: str
    source: str
    printed: str
    places: tuple


def items(chapter):
    """Every Item of chapter, in its order; code that asks nothing stands before the next that does.

    What is folded draws figures, and is left out.
    """
    line, _ = divided(chapter.page)
    random = by_chance([cell for cell in line.cells if cell.cell_type == "code"])
    text, sources = "", []
    for title, kind, what in pieces(chapter):
        if kind == "text":
            text = f"{text}\n\n{what}".strip()
        elif not folded(what):
            sources.append(without_assertions(what.source))
            said = printed(what).rstrip()
            if places := asked(said, what, random):
                yield Item(title, text, "\n\n".join(sources), said, places)
                text, sources = "", []


def pieces(chapter):
    """(title, kind, text or cell) of the sections that a sheet is made of."""
    for part in (part for title in SECTIONS for part in chapter.section(title)):
        yield from ((part.title, kind, what) for kind, what in part.pieces)


def asked(said, cell, random):
    """The numbers to find in what a cell prints; none where it prints too much for a sheet."""
    places = tuple(to_find(said, cell.source, cell.id in random))
    small = len(said.splitlines()) <= MOST_LINES and len(places) <= MOST_BLANKS
    return places if small else ()


def paper(chapter, solved):
    """The sheet, as a page of HTML."""
    name = f"{chapter.number} · {chapter.title}, on paper"
    title = f"{name}: solved" if solved else name
    found = list(items(chapter))
    who = "" if solved else '<p class="who">Name: <span></span> Date: <span></span></p>'
    body = [f"<header><h1>{escape(title)}</h1>{who}<p>{HOW}</p></header>", "<main>"]
    for number, item in enumerate(found, 1):
        body.append(section(number, item, solved))
    return page(title, "\n".join([*body, "</main>"]), "paper.css")


def section(number, item, solved):
    """One item: heading, text, code, and what it prints with its numbers or without."""
    return f"""<section>
<h2>{number}. {markdown_words(item.title)}</h2>
<div class="text">{markdown(item.text if solved else untold(item))}</div>
{code(item.source)}
<p class="prints">At the end it prints:</p>
<pre class="answer" tabindex="0">{filled(item, solved)}</pre>
</section>"""


def untold(item):
    """The text of an item without the paragraphs that tell a number which is to be found."""
    wanted = {value(item.printed[start:end]) for start, end in item.places} - values(item.source)
    paragraphs = item.text.split("\n\n")
    return "\n\n".join(one for one in paragraphs if not wanted & values(MARKED.sub("", one)))


def markdown_words(title):
    """A heading's own markup, without a paragraph around it."""
    return markdown(title).removeprefix("<p>").removesuffix("</p>")


def filled(item, solved):
    """What an item prints, with a blank in place of each number, or the number marked."""
    parts, at = [], 0
    for start, end in item.places:
        parts.append(escape(item.printed[at:start]))
        number = item.printed[start:end]
        blank = f'<span class="blank" role="img" aria-label="to fill in">{"_" * 6}</span>'
        parts.append(f"<b>{escape(number)}</b>" if solved else blank)
        at = end
    return "".join([*parts, escape(item.printed[at:])])
