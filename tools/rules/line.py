"""The line of a chapter, which a reader follows, and what stands below it under ## Deeper.

Minutes are words / 80 + visible lines of code / 6, which fits what readers took.
"""

import math
import re
from dataclasses import dataclass

from course import folded

MOST_WORDS, MOST_LINES, MOST_CELLS = 1600, 150, 42
WORDS_A_MINUTE, LINES_A_MINUTE = 80, 6
HEADING = re.compile(r"^(#{2,3}) (.+)", re.MULTILINE)
TIMED = re.compile(r".*\S \((1 minute|\d+ minutes)\)")
MARKUP = re.compile(r"<[^>]+>")


@dataclass
class Stretch:
    """Cells in a row that are measured together: the line, or one section of Deeper."""

    title: str
    cells: list

    @property
    def words(self):
        return sum(len(MARKUP.sub(" ", c.source).split()) for c in self.cells if not is_code(c))

    @property
    def lines(self):
        return sum(map(code_lines, [c for c in self.cells if is_code(c) and not folded(c)]))

    @property
    def folded_lines(self):
        return sum(map(code_lines, [c for c in self.cells if is_code(c) and folded(c)]))

    @property
    def minutes(self):
        return self.words / WORDS_A_MINUTE + self.lines / LINES_A_MINUTE


def is_code(cell):
    return cell.cell_type == "code"


def code_lines(cell):
    """The lines of a code cell that are not blank."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def divided(page):
    """(the line, the sections of Deeper); Go further and what follows it belong to the line."""
    line, sections, below = Stretch("line", []), [], False
    for cell in page.cells:
        for level, title in [] if is_code(cell) else HEADING.findall(cell.source):
            if level == "##":
                below = title.startswith("Deeper")
            elif below:
                sections.append(Stretch(title, []))
        if below and not sections:
            sections.append(Stretch("Deeper", []))
        (sections[-1] if below else line).cells.append(cell)
    return line, sections


def nearest(minutes, step):
    """minutes to the nearest step, at least one step."""
    return max(step, step * math.floor(minutes / step + 0.5))


def the_line_keeps_its_budget(page):
    """The line has at most 1,600 words, 150 visible lines of code and 42 cells."""
    line, _ = divided(page)
    for got, most, what in (
        (line.words, MOST_WORDS, "words"),
        (line.lines, MOST_LINES, "visible lines of code"),
        (len(line.cells), MOST_CELLS, "cells"),
    ):
        if got > most:
            yield None, f"{got} {what} on the line, {most} at most: cut, or move some to ## Deeper"


def little_is_folded(page):
    """At most half of a chapter's code is folded, and nothing that teaches."""
    whole = Stretch("chapter", page.cells)
    if whole.folded_lines > whole.lines:
        yield None, f"{whole.folded_lines} lines are folded and {whole.lines} are not"


def sections_of_deeper_stand_alone(page):
    """A section of Deeper begins its cell with ### Title (6 minutes): words / 80 + lines / 6."""
    for section in divided(page)[1]:
        head = section.cells[0]
        if section.title == "Deeper":
            if not head.source.startswith("## Deeper\n"):
                yield head.id, "## Deeper should begin a cell, with one line on what follows"
            continue
        if not head.source.startswith(f"### {section.title}"):
            yield head.id, f"### {section.title} should begin a cell of its own"
        minutes = nearest(section.minutes, 1)
        needed = "1 minute" if minutes == 1 else f"{minutes} minutes"
        said = TIMED.fullmatch(section.title)
        if not said or said[1] != needed:
            yield head.id, f"### {section.title}: the formula gives ({needed})"


LINE = [the_line_keeps_its_budget, little_is_folded, sections_of_deeper_stand_alone]
