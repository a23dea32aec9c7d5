"""All reports of a class, in the folder of its marks; each file is written whole or not at all."""

import contextlib

from tantra import files
from tantra.classroom.records import Assignment
from tantra.classroom.reports import marks, people
from tantra.classroom.reports.feedback import feedback
from tantra.classroom.reports.lesson import lesson
from tantra.classroom.reports.odd import odd
from tantra.classroom.reports.summary import summary


def write(out, submissions):
    """Write the reports beside assignment.json and run.json; returns the summary as text.

    Pages of students who are not there any more are taken away.
    """
    assignment, open = Assignment.read(out / "assignment.json"), _open(out)
    submissions = sorted(submissions, key=lambda each: (each.student.casefold(), each.student))
    pages = people.pages(submissions)
    room = out / "feedback"
    room.mkdir(exist_ok=True)
    for each in submissions:
        files.write_whole(room / pages[each.student], feedback(assignment, each))
    for path in room.glob("*.html"):
        if path.name not in pages.values():
            path.unlink()
    for name, content in {
        "marks.csv": marks.as_csv(assignment, submissions),
        "marks.json": marks.as_json(assignment, submissions, pages),
        "mistakes.html": lesson(assignment, submissions),
        "odd.html": odd(assignment, submissions, open),
    }.items():
        files.write_whole(out / name, content)
    return summary(assignment, submissions, out)


def _open(out):
    """What answers were not kept from, as the run said."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return tuple(map(str, files.read_json(out / "run.json").get("open", ())))
    return ()
