"""Rules for the minutes that a chapter promises, in itself and in the README."""

import re

from rules.line import Stretch, divided, nearest
from rules.page import Page
from rules.tasks import FACTS, tasks_of

PROMISE = re.compile(
    r"^About (\d+) minutes for the line, (\d+) for \[Deeper\]\(#Deeper\), "
    r"and (\d+) for the \[exercises\]\(\.\./exercises/\w+\.ipynb\)\.",
    re.MULTILINE,
)
PARTS = ("the line", "Deeper", "the exercises")


def minutes_are_honest(page):
    """A chapter's minutes are words / 80 + visible lines / 6, and its tasks', to the nearest 5."""
    said, needed = promised(page), needs(page)
    if not said:
        yield None, "no sentence About .. minutes for the line, .. for [Deeper](#Deeper), and .. "
        return
    for part, is_said, is_needed in zip(PARTS, said, needed, strict=True):
        if is_said != is_needed:
            yield None, f"about {is_said} minutes are said for {part}, the rule gives {is_needed}"


def the_readme_lists_it(page):
    """The README has a row for every chapter: its notebook, its exercises and their minutes."""
    name, minutes = page.path.name, " + ".join(map(str, promised(page)))
    row = f" | [{len(tasks(page))} tasks](exercises/{name}) | {minutes} |"
    text = (page.path.resolve().parents[1] / "README.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.endswith(row)]
    if not any(re.match(rf"\| \[.+\]\(notebooks/{name}\) \|", line) for line in rows):
        yield None, f"README.md: no row | [..](notebooks/{name}) | ..{row}"


def promised(page):
    """The minutes that a chapter says it takes, part by part."""
    said = PROMISE.search("\n".join(cell.source for cell in page.prose))
    return tuple(map(int, said.groups())) if said else ()


def needs(page):
    """The minutes of the line, of Deeper and of the exercises, to the nearest 5."""
    line, sections = divided(page)
    deeper = Stretch("Deeper", [cell for section in sections for cell in section.cells])
    facts = [FACTS.search(task.source) for task in tasks(page)]
    doing = sum(int(fact[2]) for fact in facts if fact)
    return tuple(nearest(minutes, 5) for minutes in (line.minutes, deeper.minutes, doing))


def tasks(page):
    """The tasks of a chapter, as its solutions ask them."""
    solution = page.path.resolve().parents[1] / "solutions" / page.path.name
    return tasks_of(Page(solution)) if solution.exists() else []


PROMISES = [minutes_are_honest, the_readme_lists_it]
