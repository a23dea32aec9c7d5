"""TEACHING.md keeps its word: every command runs, and every number is a measured one."""

import csv
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import kinds
import pytest

from tantra.check import variants
from tantra.check.exercises import chapter_of

TEXT = (kinds.ROOT / "TEACHING.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ (.+)$", TEXT, re.MULTILINE)
NBGRADER = importlib.util.find_spec("nbgrader") is not None
BEGIN = """set -eu
make() {{ command make PYTHON=true VENV={python} "$@"; }}
nbgrader() {{ {python} -m nbgrader "$@"; }}
python() {{ {python} "$@"; }}
"""
SMALL = ("right", "wrong")


def marked(name):
    return TEXT.partition(f"<!-- {name} -->")[2].partition("<!-- end -->")[0]


def script(commands):
    """The commands of the page, for a class that is there, with this Python in place of .venv's."""
    lines = []
    for command in commands:
        if command.startswith(("git clone", "cd tantra", "source ")) or "kinds.py" in command:
            continue
        if "precheck" in command:
            lines.append("mkdir -p submitted/right/02_softmax")
            lines.append("cp ../submissions/right.ipynb submitted/right/02_softmax/")
        lines.append(command.replace(".venv/bin/python", "python"))
    return BEGIN.format(python=sys.executable) + "\n".join(lines)


def place(folder):
    """A folder that is as a clone is to these commands, with a small class in it."""
    for name in ("Makefile", "exercises", "tools"):
        (folder / name).symlink_to(kinds.ROOT / name)
    (folder / "submissions").mkdir()
    for name in SMALL:
        content = kinds.kinds("/class")[name].content
        (folder / "submissions" / f"{name}.ipynb").write_text(json.dumps(content), "utf-8")
    (folder / "students.csv").write_text("student\nright\nwrong\n", "utf-8")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs Linux")
def test_every_command_runs_on_a_small_class(tmp_path):
    place(tmp_path)
    commands = COMMANDS
    if not NBGRADER:
        first = next(n for n, command in enumerate(COMMANDS) if "make nbgrader" in command)
        commands = COMMANDS[:first] + COMMANDS[-1:]
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    room = {**os.environ, "PATH": path, "PYTHONPATH": str(kinds.ROOT)}
    done = subprocess.run(
        ["bash", "-c", script(commands)], cwd=tmp_path, env=room, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    marks = tmp_path / "submissions-marks"
    assert "keepdims" in (marks / "mistakes.html").read_text("utf-8")
    assert len(list((marks / "feedback").glob("*.html"))) == len(SMALL)
    assert (tmp_path / "tantra-class.zip").exists()
    assert (tmp_path / "material/02_softmax/slides.html").exists()
    assert len(list((tmp_path / "zips").glob("*.zip"))) == 2
    if NBGRADER:
        with (tmp_path / "course/grades.csv").open(encoding="utf-8") as file:
            assert [float(row["score"]) for row in csv.DictReader(file)] == [kinds.ALL]


def test_the_page_lists_the_tasks_that_have_variants():
    said = re.findall(r"`(\w+)`", marked("variants"))
    assert said == list(variants.variations())
    for name, number in re.findall(r"`(\w+)` \((\d\d)\)", marked("variants")):
        assert list((kinds.ROOT / "exercises").glob(f"{number}_{chapter_of(name)}.ipynb"))


def test_the_pages_figures_are_those_that_were_measured():
    kept = json.loads((kinds.ROOT / "benchmarks/grading.json").read_text("utf-8"))
    assert int(marked("seconds")) == round(kept["seconds"])
    assert int(marked("mebibytes")) == round(kept["mebibytes"])
    assert int(marked("kinds")) == len(kinds.kinds("/class"))


def test_the_pages_links_lead_somewhere_and_it_is_two_screens():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (kinds.ROOT / target).exists(), target
    assert "(TEACHING.md)" in Path(kinds.ROOT, "README.md").read_text("utf-8")
    assert len(TEXT.splitlines()) < 100
