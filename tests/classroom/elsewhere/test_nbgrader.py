"""The real nbgrader generates, autogrades and exports our course, with the grader's own marks."""

import csv
import os
import subprocess
import sys

import pytest
import ten

from tantra.classroom import __main__ as command
from tantra.classroom import grading
from tantra.classroom.elsewhere import course, precheck

PROGRAMS = os.path.dirname(sys.executable)  # nbgrader calls alembic by its name
LIMITS = {"seconds": 1.0, "idle": 1.5}


def nbgrader(folder, *arguments):
    """What the real nbgrader's command prints, run in the course's folder."""
    pytest.importorskip("nbgrader", reason="the extra nbgrader is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """The course after autograde and export, and the points that each student deserves."""
    if not sys.platform.startswith("linux"):
        pytest.skip("it needs Linux")
    folder = tmp_path_factory.mktemp("teacher") / "course"
    assert command.main(["nbgrader", ten.PAGE, "--out", str(folder), "--seed", "5"]) == 0
    nbgrader(folder, "generate_assignment", ten.PAGE)
    points = ten.write(folder)
    said = precheck.precheck(folder, ten.PAGE, limits=LIMITS)
    nbgrader(folder, "autograde", ten.PAGE)
    nbgrader(folder, "export")
    return folder, points, said


def grades(folder):
    with (folder / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def test_the_marks_are_those_that_each_deserves_and_those_of_the_grader(marked):
    folder, points, said = marked
    found = {student: float(row["score"]) for student, row in grades(folder).items()}
    assert found == points
    assert {student: each for student, (each, _) in said.items()} == points
    assert {float(row["max_score"]) for row in grades(folder).values()} == {13.0}
    page, out = course.page_of(ten.PAGE), folder.parent / "again"
    again = grading.grade(page, folder / "handed_in" / ten.PAGE, out, seed=5, limits=LIMITS)
    assert {each.student: each.points for each in again} == points


def test_what_its_exchange_collects_is_prechecked(tmp_path, monkeypatch):
    if not sys.platform.startswith("linux"):
        pytest.skip("it needs Linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    exchange, teacher, student = (tmp_path / name for name in ("exchange", "teacher", "student"))
    exchange.mkdir()
    exchange.chmod(0o777)
    student.mkdir()
    there = f"--Exchange.root={exchange}", "--CourseDirectory.course_id=tantra"
    assert command.main(["nbgrader", ten.PAGE, "--out", str(teacher), "--seed", "5"]) == 0
    nbgrader(teacher, "generate_assignment", ten.PAGE)
    nbgrader(teacher, "release_assignment", ten.PAGE, *there)
    nbgrader(student, "fetch_assignment", ten.PAGE, *there)
    nbgrader(student, "submit", ten.PAGE, *there)
    nbgrader(teacher, "collect", ten.PAGE, *there)
    ((name, (points, _)),) = precheck.precheck(teacher, ten.PAGE, limits=LIMITS).items()
    assert (teacher / "submitted" / name / ten.PAGE / f"{ten.PAGE}.ipynb").exists()
    assert points == 0  # nothing was written yet
