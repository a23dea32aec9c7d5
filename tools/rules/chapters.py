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
    "What to keep",
    "Recall",
    "Deeper",
    "Go further",
)
MOST_TO_KEEP = 5
WITH_CODE = ("Verse to code", "Proof", "See it", "Break it", "The finished part")
OPTION = re.compile(r"<details>\s*<summary>(.+?)</summary>\s*(.*?)\s*</details>", re.DOTALL)


def begins_with_the_verse(page):
    """A chapter has a title, then its map, then its verse."""
    name = page.path.stem[3:]
    shown = [("map", "draw_map"), ("verse", "verse")]
    above = [cell.id for cell in page.cells[: len(shown) + 2]]
    for number, (place, function) in enumerate(shown):
        call = f'{function}("{name}")'
        if place not in above:
            yield None, f"no cell `{place}` below the title"
        elif page.code[number].id != place or call not in page.code[number].source:
            yield place, f"code cell {number + 1} should be `{place}` and show {call}"
    if not page.cells or not re.match(r"# \S", page.cells[0].source):
        yield None, "the first cell should be the title, # ..."


def has_the_headings(page):
    """A chapter has the course's headings, in their order, and no others at their level."""
    found = [title for cell in page.prose for title in titles_of(cell)]
    wanted = list(HEADINGS)
    if page.number == "00":  # which may leave some out
        wanted = [heading for heading in wanted if heading in found]
    for heading in wanted:
        if heading not in found:
            yield None, f"no heading ## {heading}"
    for title in found:
        if title not in wanted:
            yield None, f"## {title} is none of {', '.join(wanted)}: ### would do"
    if set(found) == set(wanted) and found != wanted:
        at = next(i for i, title in enumerate(found) if [title] != wanted[i : i + 1])
        yield None, f"## {found[at]} comes too early, or twice: the order is {', '.join(wanted)}"


def sections_do_what_they_say(page):
    """Proof asserts, See it draws, and no section about code is without it."""
    if page.number == "00":
        return
    section, code = None, {heading: [] for heading in WITH_CODE}
    for cell in page.cells:
        if cell.cell_type == "markdown" and (titles := titles_of(cell)):
            section = titles[-1]
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
    if "recall" not in [cell.id for cell in quizzes(page)]:
        yield None, "no cell `recall`"
    for cell in quizzes(page):
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


def what_to_keep_is_short(page):
    """What to keep is one list of at most five items."""
    cells = section(page, "What to keep")
    items = [cell.source.split("\n", 1)[-1].strip().splitlines() for cell in cells]
    lines = [line for cell in items for line in cell if line.strip()]
    if any(cell.cell_type == "code" for cell in cells) or len(cells) > 1:
        yield cells[1].id, "What to keep should be one cell of text"
    elif not all(re.match(r"- \S|  ", line) for line in lines):
        yield cells[0].id, "only a list, whose items begin with - , should stand here"
    elif not 1 <= (count := sum(line.startswith("- ") for line in lines)) <= MOST_TO_KEEP:
        yield cells[0].id, f"{count} items: one to {MOST_TO_KEEP}"


def section(page, heading):
    """The cells from the one with this heading up to the next with a heading."""
    found, inside = [], False
    for cell in page.cells:
        if cell.cell_type == "markdown" and (titles := titles_of(cell)):
            inside = titles[0] == heading
        if inside:
            found.append(cell)
    return found


def right_option(cell):
    """(the place of the right option of a quiz cell, the number of its options)."""
    rights = [body.startswith("**Yes.**") for _, body in OPTION.findall(cell.source)]
    return rights.index(True) if True in rights else None, len(rights)


def quizzes(page):
    """The text cells of page that ask and offer options."""
    return [cell for cell in page.prose if re.fullmatch(r"recall(-\d+)?", cell.id)]


def right_options_move(page):
    """The right options of a chapter's quiz do not all stand in the same place."""
    places = [right_option(cell)[0] for cell in quizzes(page)]
    if len(places) > 1 and len(set(places)) == 1:
        yield "recall", f"all {len(places)} right options are number {places[0] + 1}"


def draws_a_flow(page):
    """A chapter has a flow drawing made from its arrays, but for 00."""
    if page.number != "00" and not any("plot.flow(" in cell.source for cell in page.code):
        yield None, "no plot.flow(...)"


CHAPTER = [
    begins_with_the_verse,
    has_the_headings,
    sections_do_what_they_say,
    ends_with_what_is_next,
    quizzes_explain,
]
SHAPE = [what_to_keep_is_short, right_options_move, draws_a_flow]
