"""A chapter read: its sections, its quiz, its minutes, its tasks."""

import re
from dataclasses import dataclass
from functools import cached_property

from course import ROOT
from rules.chapters import OPTION, quizzes
from rules.page import Page, written
from rules.promises import PROMISE, promised
from rules.tasks import FACTS, TASK, tasks_of

HEADING = re.compile(r"^(##|###) (.+)$", re.MULTILINE)
WANTED = (
    "What you will be able to do",
    "The question",
    "Verse to code",
    "See it",
    "Break it",
    "What to keep",
    "Recall",
)
LEAST_QUIZZES = 3


@dataclass(frozen=True)
class Part:
    """A stretch under one heading: `pieces` are (kind, what), text and code cells in their order.

    A text cell that holds a heading is cut there.
    """

    title: str
    pieces: tuple
    above: str = ""  # the heading of level 2 that it stands under

    @property
    def texts(self):
        return [text for kind, text in self.pieces if kind == "text"]

    @property
    def code(self):
        return [cell for kind, cell in self.pieces if kind == "code"]


@dataclass(frozen=True)
class Question:
    """A question of the quiz; options are (option, whether it is right, why)."""

    asks: str
    options: tuple


@dataclass(frozen=True)
class Task:
    """A task of the exercises, with the name of its check."""

    number: int
    title: str
    kind: str
    difficulty: int
    minutes: int
    check: str


@dataclass(frozen=True)
class Chapter:
    """The chapter called name, as its stored pages say it."""

    name: str
    root: object = ROOT

    @property
    def number(self):
        return self.name[:2]

    @property
    def short(self):
        return self.name[3:]

    @cached_property
    def page(self):
        return Page(self.root / "notebooks" / f"{self.name}.ipynb")

    @cached_property
    def title(self):
        """Its title without its number: Heads."""
        return self.page.cells[0].source.splitlines()[0].partition("·")[2].strip()

    @cached_property
    def missing(self):
        """What the kit needs and this chapter has not, in words; "" where nothing is missing."""
        titles = {part.title for part in self.parts}
        lacks = [f"no ## {title}" for title in WANTED if title not in titles]
        if not PROMISE.search(self.text):
            lacks.append("no minutes for the line, for Deeper and for the exercises")
        if len(self.questions) < LEAST_QUIZZES:
            lacks.append(f"fewer than {LEAST_QUIZZES} questions in its quiz")
        return ", ".join(lacks)

    @cached_property
    def text(self):
        return "\n\n".join(cell.source for cell in self.page.prose)

    @cached_property
    def parts(self):
        """Every stretch between two headings of level 2 or 3."""
        return tuple(parted(self.page.cells))

    def section(self, title):
        """The parts under the heading of level 2 with this title."""
        return [part for part in self.parts if part.above == title]

    @cached_property
    def objectives(self):
        """What the reader will be able to do, each in words without its end."""
        (text, *_) = self.section("What you will be able to do")[0].texts
        return [item.rstrip(";.") for item in listed(text)]

    @cached_property
    def keep(self):
        return listed("\n".join(self.section("What to keep")[0].texts))

    @cached_property
    def minutes(self):
        """The minutes of the line, of Deeper and of the exercises, as the chapter says them."""
        line, *deeper, exercises = promised(self.page)
        return line, sum(deeper), exercises

    @cached_property
    def deeper(self):
        """The titles of the sections of Deeper, with their minutes."""
        return [part.title for part in self.section("Deeper")[1:]]

    @cached_property
    def questions(self):
        return [question(cell.source) for cell in quizzes(self.page)]

    @cached_property
    def tasks(self):
        return tasks_in(Page(self.root / "exercises" / f"{self.name}.ipynb"))


def parted(cells):
    """The Parts that cells are made of; the first has no title."""
    title, above, pieces = "", "", []
    for cell in cells:
        if cell.cell_type == "code":
            pieces.append(("code", cell))
            continue
        before, *rest = HEADING.split(cell.source)
        pieces += [("text", before.strip())] if before.strip() else []
        for level, heading, body in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
            yield Part(title, tuple(pieces), above)
            title, above = heading, heading if level == "##" else above
            pieces = [("text", body.strip())] if body.strip() else []
    yield Part(title, tuple(pieces), above)


def listed(text):
    """The items of the first list in text, each in one line."""
    items = re.findall(r"^- ((?:.+\n?)(?:^  .+\n?)*)", text, re.MULTILINE)
    return [" ".join(item.split()) for item in items]


def question(source):
    """The Question that a cell of the quiz asks."""
    asks = source.partition("<details>")[0].removeprefix("## Recall").strip()
    options = [
        (option.strip(), body.startswith("**Yes.**"), body.partition(".**")[2].strip())
        for option, body in OPTION.findall(source)
    ]
    return Question(asks, tuple(options))


def tasks_in(page):
    """The Tasks of an exercise page."""
    sources = {cell.id: cell.source for cell in page.cells}
    found = []
    for cell in tasks_of(page):
        heading, facts, *_ = cell.source.splitlines()
        number, title = int(TASK.fullmatch(heading)[1]), heading.partition(". ")[2]
        kind, minutes = FACTS.fullmatch(facts.strip()).groups()
        difficulty = int(re.search(r"difficulty (\d)", facts)[1])
        name = re.match(r"check\.(\w+)", sources[f"{cell.id}-check"])[1]
        found.append(Task(number, title, kind, difficulty, int(minutes), name))
    return found


def printed(cell):
    """What a code cell is stored to have printed."""
    return "".join(written(output).get("stdout", "") for output in cell.outputs)


def drawn(cell):
    """The HTML that a code cell is stored to have shown, piece by piece, without its scripts."""
    shown = (output.get("data", {}).get("text/html") for output in cell.outputs)
    return [re.sub("<script>.*?</script>", "", html, flags=re.DOTALL) for html in shown if html]
