"""Rules for the course as a whole."""

import re
from pathlib import Path

from course import FOLDERS
from rules.page import ignored
from rules.tasks import FACTS, tasks_of

MOST_IGNORED = 0.03
NAME = re.compile(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*")
PROMISE = re.compile(
    r"^About (\d+) minutes, and (\d+) (?:more )?for the \[exercises\]", re.MULTILINE
)


def names_come_in_threes(pages):
    """Every chapter is a notebook, a solution and an exercise of one name."""
    names = {folder: {p.path.name for p in pages if p.folder == folder} for folder in FOLDERS}
    every = set.union(*names.values())
    for name in sorted(every):
        missing = [folder for folder in FOLDERS if name not in names[folder]]
        if missing:
            yield None, f"{name} is missing in {', '.join(missing)}"
        if not NAME.fullmatch(Path(name).stem):
            yield None, f"{name}: a name is a number and words, 02_softmax.ipynb"


def minutes_add_up(pages):
    """A chapter says how long its tasks take: the sum of their minutes, to the nearest 5."""
    for name, (_, promised, needed) in minutes(pages).items():
        if promised != needed:
            yield (
                None,
                f"notebooks/{name}: about {promised} minutes are said, the tasks need {needed}",
            )


def the_readme_lists_it(pages):
    """The README has a row for every chapter: its notebook, its exercises and their minutes."""
    for name, (reading, _, doing) in minutes(pages).items():
        solution = next((p for p in pages if (p.folder, p.path.name) == ("solutions", name)), None)
        readme = next(p.path.parents[1] / "README.md" for p in pages if p.path.name == name)
        count = len(tasks_of(solution)) if solution else 0
        row = f" | [{count} tasks](exercises/{name}) | {reading} + {doing} |"
        rows = [line for line in readme.read_text("utf-8").splitlines() if line.endswith(row)]
        if not any(re.match(rf"\| \[.+\]\(notebooks/{name}\) \|", line) for line in rows):
            yield None, f"README.md: no row | [..](notebooks/{name}) | ..{row}"


def minutes(pages):
    """For every chapter: the minutes it promises for reading, for its tasks, and what they need."""
    found = {}
    for page in pages:
        if page.folder == "notebooks":
            said = PROMISE.search("\n".join(cell.source for cell in page.prose))
            reading, doing = map(int, said.groups()) if said else (0, 0)
            tasks = [
                FACTS.search(cell.source)
                for p in pages
                if p.folder == "solutions" and p.path.name == page.path.name
                for cell in p.prose
            ]
            needed = sum(int(facts[2]) for facts in tasks if facts)
            found[page.path.name] = reading, doing, round(needed / 5) * 5
    return found


def little_is_ignored(pages):
    """At most 3 % of the course's code cells are not compared."""
    hidden, total = ignored_share(pages)
    if hidden > MOST_IGNORED * total:
        yield None, f"{hidden} of {total} code cells are tagged nbval-ignore-output"


def ignored_share(pages):
    """(the number of code cells that are not compared, the number of all)."""
    code = [cell for page in pages for cell in page.code]
    return sum(map(ignored, code)), len(code)


COURSE = [names_come_in_threes, minutes_add_up, the_readme_lists_it, little_is_ignored]
