"""The line of a chapter, which a reader follows, and what stands below it under ## Deeper.

Minutes are words / 80 + visible lines of code / 6, which fits what readers took.
"""

import re
from dataclasses import dataclass

from course import folded

MOST_WORDS, MOST_LINES, MOST_CELLS = 1600, 150, 42
WORDS_A_MINUTE, LINES_A_MINUTE = 80, 6
HEADING = re.compile(r"^(#{2,3}) (.+)", re.MULTILINE)
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
