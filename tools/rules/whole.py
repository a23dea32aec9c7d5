"""Rules for the course as a whole."""

import re
from collections import Counter
from pathlib import Path

from course import FOLDERS
from rules.chapters import quizzes, right_option
from rules.page import ignored

MOST_IGNORED = 0.03
NAME = re.compile(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*")
FEWEST_QUIZZES = 6  # of fewer one cannot say where the right ones stand


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


def right_options_stand_everywhere(pages):
    """Over the course, no place holds more than half of the right ones of three options."""
    chapters = [p for p in pages if p.folder == "notebooks"]
    found = [right_option(cell) for page in chapters for cell in quizzes(page)]
    places = Counter(place for place, options in found if options == 3)
    for place, count in places.items():
        if places.total() >= FEWEST_QUIZZES and count > places.total() / 2:
            yield None, f"number {place + 1} is right in {count} of {places.total()} quizzes"


def little_is_ignored(pages):
    """At most 3 % of the course's code cells are not compared."""
    hidden, total = ignored_share(pages)
    if hidden > MOST_IGNORED * total:
        yield None, f"{hidden} of {total} code cells are tagged nbval-ignore-output"


def ignored_share(pages):
    """(the number of code cells that are not compared, the number of all)."""
    code = [cell for page in pages for cell in page.code]
    return sum(map(ignored, code)), len(code)


COURSE = [names_come_in_threes, right_options_stand_everywhere, little_is_ignored]
