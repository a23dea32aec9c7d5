"""Makes every submission of an nbgrader assignment safe before nbgrader's autograde.

What a student handed in is kept in COURSE/handed_in/ASSIGNMENT/STUDENT, and the grader judges it
there, in its sandbox.  In its place in COURSE/submitted comes our own page with the student's
answers to read, which are never run there, and with what the checks have said.  So no copied,
renamed or deleted cell, no lost metadata and no endless loop reaches nbgrader, and its marks are
the grader's.  A page that is already ours is left as it is, unless something new was handed in.
"""

import hashlib
import inspect
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tantra.classroom import grading
from tantra.classroom.elsewhere import course, results, verdict_cell
from tantra.classroom.submission.folder import ENDINGS, printable
from tantra.files import write_whole

KEPT = ("timestamp.txt",)  # of what nbgrader's collect writes
SKIP = "skip-execution"  # the tag of a cell that nbgrader shows and does not run


@dataclass(frozen=True)
class Room:
    """An assignment in an nbgrader course."""

    course: Path
    assignment: str

    def __post_init__(self):
        if not self.release.is_file():
            raise ValueError(
                f"{self.release} is missing: in {self.course}, first run "
                f"nbgrader generate_assignment {self.assignment}"
            )
        if self.assignment not in course.secrets_of(self.course):
            raise ValueError(
                f"{self.course}/tantra.json knows no {self.assignment}: make the course with "
                "python -m tantra.classroom nbgrader"
            )

    @property
    def release(self):
        return self.course / "release" / self.assignment / f"{self.assignment}.ipynb"

    @property
    def handed(self):
        return self.course / "handed_in" / self.assignment

    @property
    def ours(self):
        """The digests of the pages that are ours, by student."""
        return self.handed.with_name(f"{self.assignment}.json")

    @property
    def marks(self):
        return self.course / "marks" / self.assignment

    def submitted(self):
        """The folders of what was handed in."""
        found = sorted(self.course.glob(f"submitted/*/{self.assignment}"))
        if not found:
            raise ValueError(f"{self.course}/submitted/*/{self.assignment} is not there: collect")
        return found


def precheck(folder, assignment, told=None, **options):
    """{student: (points, what was odd)}; the pages in COURSE/submitted are then ours.

    options are grading's own, such as jobs and limits.
    """
    room = Room(Path(folder), assignment)
    secret = course.secrets_of(room.course)[assignment]
    ours = json.loads(room.ours.read_text()) if room.ours.exists() else {}
    places = {place.parent.name: place for place in room.submitted()}
    for student, place in places.items():
        if _digest(place / f"{assignment}.ipynb") != ours.get(student, ""):
            shutil.rmtree(room.handed / student, ignore_errors=True)
            results.keep(place, room.handed / student)
    marked = results.chosen(_graded(room, secret["seed"], told, options), assignment)
    said = {}
    for student, place in places.items():
        submission = marked.get(printable(student))
        text = nbformat.writes(_page(room, secret["key"], submission)) + "\n"
        _empty(place)
        write_whole(place / f"{assignment}.ipynb", text.encode())
        ours[student] = _digest(place / f"{assignment}.ipynb")
        said[student] = (submission.points, submission.odd) if submission else (0, ("no notebook",))
    write_whole(room.ours, json.dumps(ours, indent=1).encode())
    return said


def _graded(room, seed, told, options):
    if not any(path.suffix.lower() in ENDINGS for path in room.handed.rglob("*")):
        return []
    page = course.page_of(room.assignment)
    return grading.grade(page, room.handed, room.marks, seed=seed, told=told, **options)


def _empty(place):
    """Take away what nbgrader would run or follow: all but its own notes."""
    for path in place.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in KEPT or path.is_symlink():
            path.unlink()


def _page(room, key, submission):
    """The page as it was handed out, with a student's answers, which do not run, and verdicts."""
    page = nbformat.read(room.release, as_version=4)
    cells = {cell.id: cell for cell in page.cells}
    verdicts = {}
    for name, task in _tasks(page).items():
        verdict = next((each for each in _verdicts(submission) if each.task == task), None)
        verdicts[task] = (False, results.NOTHING.format(task))
        if verdict:
            verdicts[task] = (verdict.points > 0, printable_text(verdict.words))
            if verdict.source:
                cells[name].source = printable_text(verdict.source)
    for cell in page.cells:
        if cell.cell_type == "code" and not cell.id.endswith("-check"):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), SKIP]
    page.cells.insert(0, nbformat.v4.new_code_cell(_cell(key, verdicts), id="verdicts"))
    return page


def _verdicts(submission):
    return submission.verdicts if submission else ()


def _tasks(page):
    """{the id of an answer's cell: the task's name} of a page."""
    checks = {cell.id: cell.source for cell in page.cells if cell.id.endswith("-check")}
    return {
        name.removesuffix("-check") + "-write": source.partition("check.")[2].partition("(")[0]
        for name, source in checks.items()
    }


def _cell(key, verdicts):
    """The source of the cell that holds the verdicts."""
    parts = [inspect.getsource(each) for each in (verdict_cell.NotPassedError, verdict_cell.Check)]
    said = "".join(f"    {task!r}: {verdict!r},\n" for task, verdict in verdicts.items())
    return "\n\n".join([*parts, f'check = Check("{key}", {{\n{said}}})'])


def printable_text(text):
    """text as UTF-8 can hold it."""
    return text.encode("utf-8", "backslashreplace").decode()


def _digest(path):
    if path.is_symlink() or not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()
