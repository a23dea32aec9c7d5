"""Look at stored notebooks, without running them, for what no other gate sees.

    python tools/lint.py                                  the whole course
    python tools/lint.py notebooks/02_softmax.ipynb       one notebook, without the course's rules

The rules stand in tools/rules, a family to a file.
"""

import sys
from pathlib import Path

from course import ROOT, all_paths, short
from rules.answers import ANSWERS
from rules.anywhere import ANYWHERE
from rules.chapters import CHAPTER, SHAPE
from rules.line import LINE
from rules.names import NAMES
from rules.page import Page
from rules.promises import PROMISES
from rules.tasks import TASKS
from rules.terms import TERMS
from rules.whole import COURSE, ignored_share

CHAPTER_RULES = CHAPTER + PROMISES + SHAPE + LINE + TERMS + NAMES


def lint(page):
    """Yield every problem of page, in words."""
    try:
        page.notebook  # noqa: B018
    except (OSError, ValueError, AttributeError) as problem:
        yield f"{short(page.path)}: cannot be read as a notebook: {problem}"
        return
    for rule in ANYWHERE + (CHAPTER_RULES if page.folder == "notebooks" else TASKS + ANSWERS):
        for cell, problem in rule(page):
            place = f"{short(page.path)}, cell {cell}" if cell else short(page.path)
            yield f"{place}: {problem}\n    {rule.__doc__}"


def lint_course(pages):
    """Yield every problem of the course as a whole, in words."""
    for rule in COURSE:
        for _, problem in rule(pages):
            yield f"{problem}\n    {rule.__doc__}"


def main(arguments):
    """Run the command line; 0 when all is well."""
    pages = [Page(Path(name)) for name in arguments] or [Page(path) for path in all_paths(ROOT)]
    problems = [problem for page in pages for problem in lint(page)]
    if not arguments:
        problems += lint_course(pages)
    print(*problems, sep="\n")
    hidden, total = ignored_share(pages)
    print(
        f"{len(pages)} notebooks, {len(problems)} problems; "
        f"{hidden} of {total} code cells are not compared ({hidden / max(total, 1):.1%})"
    )
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
