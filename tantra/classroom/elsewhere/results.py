"""One student's marks in the forms of Gradescope and of Classroom 50.

Gradescope's results.json is as its "Autograder Specifications" have it
(https://gradescope-autograders.readthedocs.io/en/latest/specs/).  Classroom 50's result.json is
"classroom50/result/v1" (schemas/result-v1.schema.json in github.com/foundation50/classroom50): who
handed in what, and when, its runner says in the environment, and stamps once more itself.
"""

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tantra.classroom import grading
from tantra.classroom.records import Submission, Verdict
from tantra.classroom.submission.folder import ENDINGS
from tantra.classroom.submission.page import find, read_page

STUDENT = "student"
NOTHING = "· {}: nothing was handed in"


def gradescope(submission):
    """The content of /autograder/results/results.json."""
    tests = [
        {
            "name": verdict.task,
            "number": str(verdict.number),
            "score": verdict.points,
            "max_score": verdict.of,
            "status": "passed" if verdict.points else "failed",
            "output": _said(verdict),
            "output_format": "text",
        }
        for verdict in submission.verdicts
    ]
    return {
        "score": submission.points,
        "output": "\n".join(submission.odd),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"exercise": submission.exercise, "digest": submission.digest},
    }


def classroom50(submission, environment=os.environ):
    """The content of result.json; raises ValueError where the runner's variables are missing."""
    wanted = ("CLASSROOM", "ASSIGNMENT", "OWNER", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL")
    if missing := [name for name in wanted if not environment.get(name)]:
        raise ValueError(f"Classroom 50's runner sets {', '.join(missing)}, which are not set here")
    classroom, assignment, owner, tag, commit, release = (environment[name] for name in wanted)
    tests = [
        {
            "test-name": f"{verdict.number}. {verdict.task}",
            "passed": verdict.points > 0,
            "score": verdict.points,
            "max-score": verdict.of,
            "output": _said(verdict),
        }
        for verdict in submission.verdicts
    ]
    return {
        "schema": "classroom50/result/v1",
        "classroom": classroom,
        "assignment": assignment,
        "assignment_type": environment.get("ASSIGNMENT_TYPE") or "individual",
        "owner": owner,
        "submission": tag,
        "commit": commit,
        "release": release,
        "review": environment.get("REVIEW_URL") or commit,
        "datetime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": submission.points,
        "max-score": sum(verdict.of for verdict in submission.verdicts),
        "tests": tests,
    }


FORMS = {"gradescope": gradescope, "classroom50": classroom50}


def _said(verdict):
    words = "\n".join([verdict.words, *verdict.notes])
    return words.encode("utf-8", "backslashreplace").decode()


def graded(exercise, folder, **options):
    """The Submission of the one student whose files a folder holds; options are grading's own."""
    page = read_page(exercise)
    if not any(path.suffix.lower() in ENDINGS for path in Path(folder).rglob("*")):
        return _nothing(page)
    with tempfile.TemporaryDirectory(prefix="tantra-") as room:
        handed = Path(room, "class")
        keep(Path(folder), handed / STUDENT)
        marked = grading.grade(find(exercise), handed, Path(room, "marks"), jobs=1, **options)
    return chosen(marked, page.exercise)[STUDENT]


def chosen(marked, exercise):
    """The Submission of each student that counts: the file of the page's name, else the first."""
    found = {}
    for each in sorted(marked, key=lambda each: Path(each.file).name != f"{exercise}.ipynb"):
        found.setdefault(Path(each.file).parts[0], each)
    return found


def keep(folder, copy):
    """Copy what was handed in; links stay links, and nobody follows them."""
    copy.mkdir(parents=True)
    for path in sorted(folder.rglob("*")):
        target = copy / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            os.symlink(os.readlink(path), target)
        elif path.is_file():
            shutil.copyfile(path, target)


def _nothing(page):
    verdicts = (
        Verdict(
            task=place.task.name,
            number=place.task.number,
            status="missing",
            words=NOTHING.format(place.task.name),
            of=place.task.points,
        )
        for place in page.places
    )
    return Submission(
        student=STUDENT,
        file="",
        digest="",
        exercise=page.exercise,
        seed=0,
        odd=("no notebook was handed in",),
        verdicts=tuple(verdicts),
    )
