"""What a student can look up, counted from the course as it is, as text."""

from tantra.check.engine import Exercise
from tantra.check.exercises import registry
from tantra.classroom.kit import bundle, trees
from tantra.classroom.kit.place import ROOT
from tantra.classroom.kit.plan import MADE, table


def cheating(root=ROOT):
    """The page, as Markdown."""
    answers, checks = bundle.answers(root), registry().values()
    files = {
        path.relative_to(root).as_posix(): path.read_bytes() for path in bundle.library_files(root)
    }
    found = {(a.page, a.cell, place) for place, a in bundle.leaks(files, trees.Search(answers))}
    rows = [(page, cell.split("-")[1], f"`{place}`") for page, cell, place in sorted(found)]
    lines = table(("exercises", "task", "file"), rows).splitlines()
    functions = sum(isinstance(one, Exercise) for one in checks)
    return bundle.text_of(bundle.ASSETS, "cheating.md").format(
        made=MADE,
        tasks=len(checks),
        functions=functions,
        values=len(checks) - functions,
        same=len({row[:2] for row in rows}),
        answers=len(answers),
        table="\n".join(f"  {line}" for line in lines),
    )
