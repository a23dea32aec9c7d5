"""Rules for the words of the course: each is introduced on the line where it is first used.

GLOSSARY.md says of each word what it means, what it is called elsewhere, and the chapter that
introduces it.  A word is looked for in the texts of the line, in its simple inflections; not in
headings, in what the chapter promises or leads on to, in code, formulas and links to chapters.
"""

import re
from dataclasses import dataclass
from functools import cache

from rules.line import divided, is_code
from rules.page import Page

ROW = re.compile(r"^\| \*\*(.+)\*\* \|.+\|.*\| (\d\d|-) \|$", re.MULTILINE)
NOT_READ = re.compile(
    r"^(?:#+ |\|)[^\n]*|```.*?```|`[^`\n]*`"  # headings, tables, code
    r"|\$\$.*?\$\$|\$[^$\n]*\$|</?\w+>|\[[^\]]*\]\([^)]*\)",  # formulas, tags, links
    re.MULTILINE | re.DOTALL,
)
SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\n(?=[-|])")
EMPHASIS = re.compile(r"\*{1,3}([^*\n]+)\*{1,3}")
NOT_THE_LINE = ("title", "you-will", "next")


@dataclass(frozen=True)
class Term:
    """A row of the glossary: a word, or several, and the number of the chapter it comes from."""

    title: str
    chapter: str

    @property
    def forms(self):
        """The words to look for; none where a reader knows it, or it is an everyday word otherwise.

        The first has - for a chapter, the second says what it is of: "gain (of a norm)".
        """
        free = self.chapter == "-" or self.title.endswith(")")
        return [] if free else self.title.split(", ")


def inflected(form):
    """A pattern for form and its simple inflections."""
    start, end = (form[:-1], form[-1]) if form[-1] in "ey" else (form, "")
    endings = {"e": "e|es|ed|ing", "y": "y|ies|ied|ying", "": "|s|es|ed|ing"}[end]
    body = re.sub(r"\\[ -]", r"[ \\n-]", re.escape(start)) + f"(?:{endings})"
    return f"(?:{body})" if form[1:] != form[1:].lower() else f"(?i:{body})"


def glossary(path):
    """The terms of GLOSSARY.md at path, in its order."""
    return [Term(m[1], m[2]) for m in ROW.finditer(path.read_text(encoding="utf-8"))]


def sentences(page):
    """(cell, sentence) for each sentence of the line of page in which words are looked for."""
    for cell in divided(page)[0].cells:
        if not is_code(cell) and cell.id not in NOT_THE_LINE:
            for sentence in SENTENCE.split(NOT_READ.sub(" ", cell.source)):
                yield cell.id, sentence


def first_uses(page, terms):
    """{term: (cell, whether the sentence emphasises it)} for the first use of each on the line."""
    forms = sorted(((form, term) for term in terms for form in term.forms), key=longest_first)
    every = re.compile("|".join(rf"(\b{inflected(form)}\b)" for form, _ in forms))
    uses = {}
    for cell, sentence in sentences(page):
        spans = EMPHASIS.findall(sentence)
        emphasised = {forms[m.lastindex - 1][1] for span in spans for m in every.finditer(span)}
        for match in every.finditer(sentence):
            term = forms[match.lastindex - 1][1]
            uses.setdefault(term, (cell, term in emphasised))
    return uses


@cache
def uses_at(path, terms):
    """The first uses on the stored line at path."""
    return first_uses(Page(path), terms)


def longest_first(form_and_term):
    return -len(form_and_term[0])


def words_are_introduced(page):
    """A word of the glossary is introduced, in *emphasis*, on the line that uses it first."""
    if not (page.path.parent / "GLOSSARY.md").exists():
        return
    terms = tuple(glossary(page.path.parent / "GLOSSARY.md"))
    for term, (cell, emphasised) in first_uses(page, terms).items():
        if page.number < term.chapter:
            yield cell, f"*{term.title}*, which the glossary says comes from {term.chapter}"
        elif page.number == term.chapter and not emphasised:
            yield cell, f"{term.title} is first used here: *{term.forms[0]}*, and say what it is"
        elif page.number > term.chapter and not introduced(term, page, terms):
            yield cell, f"{term.title} stands on no line of {term.chapter}, as the glossary says"


def introduced(term, page, terms):
    """Whether the line of the chapter that term comes from uses it."""
    found = sorted(page.path.parent.glob(f"{term.chapter}_*.ipynb"))
    uses = uses_at(found[0], terms) if found else None
    return uses is None or term in uses


TERMS = [words_are_introduced]
