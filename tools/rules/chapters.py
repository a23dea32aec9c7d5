"""Rules for a chapter."""

import re

from rules.page import written

HEADINGS = (
    "What you will be able to do",
    "The question",
    "Verse to code",
    "Proof",
    "See it",
    "Break it",
    "The finished part",
    "Recall",
    "Go further",
)
WITH_CODE = ("Verse to code", "Proof", "See it", "Break it", "The finished part")
OPTION = re.compile(r"<details>\s*<summary>(.+?)</summary>\s*(.*?)\s*</details>", re.DOTALL)


def begins_with_the_verse(page):
    """A chapter has a title, then its verse."""
    heads = [cell for cell in page.cells[:3] if cell.id == "verse"]
    name = page.path.stem[3:]
    if not heads:
        yield None, "no cell `verse` among the first three"
    elif page.code[0] is not heads[0] or f'verse("{name}")' not in heads[0].source:
        yield "verse", f'the first code cell should show verse("{name}")'
    if not page.cells or not re.match(r"# \S", page.cells[0].source):
        yield None, "the first cell should be the title, # ..."


def has_the_headings(page):
    """A chapter has the course's headings, in their order."""
    if page.number == "00":
        return
    found = [title for cell in page.prose for title in titles_of(cell)]
    at = -1
    for heading in HEADINGS:
        places = [i for i, title in enumerate(found) if title.startswith(heading)]
        if not places:
            yield None, f"no heading ## {heading}"
        elif places[0] < at:
            yield None, f"## {heading} comes too early: the order is {', '.join(HEADINGS)}"
        else:
            at = places[0]


def sections_do_what_they_say(page):
    """Proof asserts, See it draws, and no section about code is without it."""
    if page.number == "00":
        return
    section, code = None, {heading: [] for heading in WITH_CODE}
    for cell in page.cells:
        if cell.cell_type == "markdown" and (titles := titles_of(cell)):
            section = next((h for h in HEADINGS if titles[-1].startswith(h)), None)
        elif cell.cell_type == "code" and section in code:
            code[section].append(cell)
    for heading, cells in code.items():
        if not cells:
            yield None, f"no code under ## {heading}"
    if not any("assert" in cell.source for cell in code["Proof"]):
        yield None, "nothing is asserted under ## Proof"
    drawn = [output for cell in code["See it"] for output in cell.outputs]
    if not any(
        re.search(r"<(img|svg)\b", written(output).get("text/html", "")) for output in drawn
    ):
        yield None, "no figure under ## See it"


def titles_of(cell):
    """The second-level headings of a text cell."""
    return [line[3:].strip() for line in cell.source.splitlines() if line.startswith("## ")]


def ends_with_what_is_next(page):
    """A chapter ends with the cell `next`, which leads to its exercises."""
    last = page.cells[-1]
    if last.id != "next" or last.cell_type != "markdown":
        yield last.id, "the last cell should be the text `next`"
    elif f"(../exercises/{page.path.name})" not in last.source:
        yield "next", f"no link to ../exercises/{page.path.name}"


def quizzes_explain(page):
    """A question of the quiz has one right answer, and every wrong one says why."""
    quizzes = [cell for cell in page.prose if re.fullmatch(r"recall(-\d+)?", cell.id)]
    if "recall" not in [cell.id for cell in quizzes]:
        yield None, "no cell `recall`"
    for cell in quizzes:
        options = OPTION.findall(cell.source)
        if len(options) < 2 or len(options) != cell.source.count("<details"):
            yield cell.id, "at least two <details><summary>option</summary>why</details>"
        if [body.startswith("**Yes.**") for _, body in options].count(True) != 1:
            yield cell.id, 'exactly one answer should begin with "**Yes.**"'
        for option, body in options:
            if not body.startswith(("**Yes.**", "**No.**")):
                yield cell.id, f'{option!r} begins neither with "**Yes.**" nor with "**No.**"'
            elif len(body.partition(".**")[2].strip()) < 15:
                yield cell.id, f"{option!r} does not say why"


CHAPTER = [
    begins_with_the_verse,
    has_the_headings,
    sections_do_what_they_say,
    ends_with_what_is_next,
    quizzes_explain,
]
