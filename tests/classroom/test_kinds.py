"""A class of every kind is marked: no class stopped, no honest mark lost, no cheat given points."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kinds
import pytest

from tantra.classroom import grading

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs Linux")
PAGE = kinds.ROOT / f"exercises/{kinds.PAGE}.ipynb"
LIMITS = {"seconds": 1.0, "idle": 1.5}
STUDENTS = [kind.student.format(name) for name, kind in kinds.kinds("/class").items()]


def processes(scratch):
    """The numbers of the processes of a grader, and of answers, whose files lie in scratch."""
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            ours = os.fsencode(scratch) in (place / "environ").read_bytes()
            if ours and b"tantra.classroom" in (place / "cmdline").read_bytes():
                found.add(place.name)
        except OSError:
            continue
    return found


def state(folder):
    """All that lies in a folder: its bytes, rights and times."""
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Submissions and Kinds by student, the state before and after, and where the marks are."""
    room = tmp_path_factory.mktemp("teacher")
    (room / "keep.txt").write_text("mine")
    scratch, seen = tmp_path_factory.mktemp("scratch"), set()
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        server.settimeout(0.1)
        patch.setattr(tempfile, "tempdir", str(scratch))
        (room / "class").mkdir()
        made = kinds.write(room / "class", server.getsockname()[1])
        before = state(room), set()
        told = lambda *_: seen.update(processes(scratch))  # noqa: E731
        out = tmp_path_factory.mktemp("out")
        found = grading.grade(PAGE, room / "class", out, limits=LIMITS, told=told)
        after = state(room), processes(scratch)
        assert seen  # while it marks, they are there to be seen
        assert not os.listdir(scratch)
        with pytest.raises(TimeoutError):
            server.accept()
    return {each.student: each for each in found}, made, before, after, out


def test_nobody_is_left_out(marked):
    found, made, *_ = marked
    assert found.keys() == made.keys()
    assert len(made) >= 40
    assert all(len(each.verdicts) == 7 for each in found.values())
    assert not [v for each in found.values() for v in each.verdicts if v.status == "error"]


@pytest.mark.parametrize("student", STUDENTS)
def test_each_kind_has_the_points_that_it_deserves(marked, student):
    found, made, *_ = marked
    submission, kind = found[student], made[student]
    first = submission.verdicts[0]
    said = " ".join([*submission.odd, first.words, *first.notes])
    assert submission.points == kind.points, said
    assert kind.status in (None, first.status), said
    assert kind.says in said


def test_a_known_mistake_is_named(marked):
    assert "keepdims" in marked[0]["wrong"].verdicts[0].mistake


def test_nothing_outside_has_changed_and_nothing_is_left_running(marked):
    *_, before, after, _ = marked
    assert before == after


def test_what_is_no_submission_is_told(marked):
    run = json.loads((marked[-1] / "run.json").read_text())
    assert run["odd"] == [
        "not looked at, for they end in neither .ipynb nor .zip: grades.json, report.pdf"
    ]


def test_files_have_short_names(marked):
    names = os.listdir(marked[-1] / "students")
    assert len(names) == len(marked[1])
    assert max(len(os.fsencode(name)) for name in names) < 130


def start(folder, scratch):
    command = [
        sys.executable,
        "-m",
        "tantra.classroom",
        "grade",
        str(PAGE),
        str(folder),
        "--jobs",
        "1",
    ]
    return subprocess.Popen(
        command,
        cwd=kinds.ROOT,
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(kinds.ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def test_interrupted_it_leaves_nothing_and_ends_with_the_same_marks(marked, tmp_path):
    found, made, *_ = marked
    folder, scratch = tmp_path / "class", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    some = {name: made[name] for name in ("right", "random", "random value", "wrong")}
    for name, kind in some.items():
        (folder / f"{name}.ipynb").write_text(json.dumps(kind.content), "utf-8")
    with start(folder, scratch) as running:
        assert running.stderr.readline().startswith("1/4 ")
        running.send_signal(signal.SIGINT)
        assert "goes on where it was" in running.stderr.read()
    assert running.returncode == 130
    assert not os.listdir(scratch)
    deadline = time.monotonic() + 30
    while processes(scratch) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes(scratch)
    first = os.listdir(tmp_path / "class-marks/students")
    assert 1 <= len(first) < 4
    again = grading.grade(PAGE, folder, limits=LIMITS)
    assert {each.student: each.verdicts for each in again} == {
        name: found[name].verdicts for name in some
    }
