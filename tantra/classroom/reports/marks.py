"""The table of marks: a row a student, a column a task."""

import csv
import io
import json

from tantra.classroom.records import Verdict

FORMULA = tuple("=+-@\t\r＝＋－＠")  # a cell that begins so, a spreadsheet computes
LOOK = {"stopped": "stopped at a limit", "error": "not judged: look at it by hand"}


def verdicts(assignment, submission):
    """(Task, Verdict) of each task of the page; what was not judged says so."""
    found = {verdict.task: verdict for verdict in submission.verdicts}
    for task in assignment.tasks:
        lost = Verdict(
            task=task.name,
            number=task.number,
            status="error",
            words=f"· {task.name}: not judged yet",
            of=task.points,
        )
        yield task, found.get(task.name, lost)


def notes(assignment, submission):
    """What a teacher should know of a submission, in sentences."""
    said, found = list(submission.odd), list(verdicts(assignment, submission))
    lost = [task.name for task, verdict in found if verdict.status == "missing"]
    if lost and not (said and len(lost) == len(found)):
        said.append(f"no cell was found of {', '.join(lost)}")
    for task, verdict in found:
        own = [LOOK[verdict.status]] if verdict.status in LOOK else []
        said += [f"{task.name}: {note}" for note in (*own, *verdict.notes)]
    return said


def as_csv(assignment, submissions):
    """The table as bytes: UTF-8 with the mark by which spreadsheets know it."""
    tasks = assignment.tasks
    lines = io.StringIO(newline="")
    table = csv.writer(lines, quoting=csv.QUOTE_NONNUMERIC)
    heads = [f"{task.name} ({task.points})" for task in tasks]
    table.writerow(["student", *heads, f"total ({assignment.of})", "notes", "file"])
    for each in submissions:
        points = [verdict.points for _, verdict in verdicts(assignment, each)]
        texts = ("; ".join(notes(assignment, each)), each.file)
        table.writerow([harmless(each.student), *points, sum(points), *map(harmless, texts)])
    return lines.getvalue().encode("utf-8-sig", "backslashreplace")


def harmless(text):
    """The text on one line, as a cell that no spreadsheet takes for a formula."""
    text = " ".join(text.split())
    return f"'{text}" if text.startswith(FORMULA) else text


def as_json(assignment, submissions, pages):
    """The same for programs; pages are {student: the name of their page}."""
    found = {
        "exercise": assignment.exercise,
        "version": assignment.version,
        "seed": assignment.seed,
        "of": assignment.of,
        "tasks": [{"name": task.name, "number": task.number, "title": task.title,
                   "of": task.points} for task in assignment.tasks],
        "students": [_row(assignment, each, pages[each.student]) for each in submissions],
    }  # fmt: skip
    text = json.dumps(found, indent=1, ensure_ascii=False)
    return (text + "\n").encode("utf-8", "backslashreplace")


def _row(assignment, submission, page):
    found = [verdict for _, verdict in verdicts(assignment, submission)]
    return {
        "student": submission.student,
        "file": submission.file,
        "digest": submission.digest,
        "feedback": f"feedback/{page}",
        "points": {verdict.task: verdict.points for verdict in found},
        "status": {verdict.task: verdict.status for verdict in found},
        "total": sum(verdict.points for verdict in found),
        "notes": notes(assignment, submission),
    }
