"""A student's page: each task's verdict in the check's own words, their code, their points."""

from tantra.classroom.reports import marks
from tantra.classroom.reports.markup import bulleted, code, page, table, tag, together, words
from tantra.classroom.submission import names

SAID = {
    "passed": "✓ passed",
    "failed": "✗ not right yet",
    "unsolved": "· not written",
    "missing": "· its cell was not found",
    "stopped": "✗ stopped at a limit",
    "error": "· not judged: your teacher looks at it",
}
COLOUR = {"passed": "passed", "failed": "failed", "stopped": "failed"}


def feedback(assignment, submission):
    """The page as bytes."""
    found = list(marks.verdicts(assignment, submission))
    got = sum(verdict.points for _, verdict in found)
    rows = [
        (f"{task.number}. {task.title}", _status(verdict), verdict.points, task.points)
        for task, verdict in found
    ]
    return page(
        f"{submission.student}: {assignment.exercise}",
        tag("h1", tag("bdi", submission.student)),
        tag("p", f"{assignment.exercise}: ", tag("strong", f"{got} of {assignment.of} points")),
        table("Points by task", ("Task", "Verdict", "Points", "of"), rows),
        *(_task(task, verdict) for task, verdict in found),
        *_odd(submission),
        tag("h2", "How it was marked"),
        tag("p", _how(assignment, submission), class_="quiet"),
    )


def _task(task, verdict):
    """One task; its code stands below what was said of it."""
    points = tag("p", _status(verdict), f" · {_points(verdict.points, task.points)}")
    return together(
        tag("h2", f"{task.number}. {task.title}"),
        points,
        words(verdict.words, COLOUR.get(verdict.status, "")) if verdict.words else None,
        bulleted(verdict.notes),
        _code(task, verdict),
    )


def _code(task, verdict):
    """The student's code; of what was given, that it has no points."""
    if verdict.status == "unsolved" and names.same(verdict.source, task.given):
        return tag("p", "The cell is as it was given, which has no points.", class_="quiet")
    return code(verdict.source, f"Your code of {task.title}") if verdict.source.strip() else None


def _status(verdict):
    return tag("strong", SAID[verdict.status], class_=COLOUR.get(verdict.status, "quiet"))


def _points(points, most):
    return f"{points} of {most} point{'s' if most > 1 else ''}"


def _odd(submission):
    if submission.odd:
        yield tag("h2", "What was odd about your file")
        yield bulleted(submission.odd)


def _how(assignment, submission):
    return (
        f"File {submission.file}, SHA-256 {submission.digest[:16]}. The course's own checks, "
        f"version {assignment.version}, seed {submission.seed}: the same file gets the same marks. "
        "Points are the difficulty of a task; a check says what is wrong, and you may run it "
        "yourself in the notebook."
    )
