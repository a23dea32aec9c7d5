"""What somebody wrote into a notebook outlives the tools that write it anew."""

import subprocess

import pytest
from nbformat.v4 import new_code_cell, new_output

import aside
import exercises
import refresh
from course import all_paths, read, stored_form
from text import from_text
from text import main as text_main

SOLUTION = """\
%% md title
# Query: exercises

%% code setup
def check(attempt):
    try:
        print("passed" if attempt() == 2 else "wrong")
    except NotImplementedError:
        print("not written yet")

%% md task-1
## 1. Two

%% code task-1-write [task]
def two():
    ### BEGIN SOLUTION
    return 1 + 1
    ### END SOLUTION

%% code task-1-check [check]
check(two)
"""
ANSWER = "def two():\n    return len('ab')"


@pytest.fixture
def git(tmp_path, monkeypatch):
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    return git


@pytest.fixture
def course(tmp_path, git, monkeypatch):
    """A solution and its exercise, made, committed, and the memory of the tools lost."""
    monkeypatch.setattr(aside, "WRITTEN", tmp_path / "cache/written.json")
    for folder in ("notebooks", "solutions", "exercises"):
        (tmp_path / folder).mkdir()
    (tmp_path / "solutions/01_query.ipynb").write_text(stored_form(from_text(SOLUTION)))
    make(tmp_path)
    git("init")
    git("add", "solutions", "exercises")
    git("commit", "-m", "one")
    aside.WRITTEN.unlink()
    return tmp_path


def make(course, force=False):
    """What tools/exercises.py does, but for running the exercise."""
    made = exercises.generate(read(course / "solutions/01_query.ipynb"))
    aside.store(page(course), stored_form(made), force)


def page(course):
    return course / "exercises/01_query.ipynb"


def change(path, name, **fields):
    """What JupyterLab does where somebody changes a cell and saves."""
    notebook = read(path)
    cell = next(cell for cell in notebook.cells if cell.id == name)
    cell.update(fields)
    path.write_text(stored_form(notebook))


def solve(course):
    change(page(course), "task-1-write", source=ANSWER)


def names(course):
    return sorted(path.name for path in (course / "exercises").iterdir())


def sources(path):
    return [cell.source for cell in read(path).cells]


def test_make_exercises_sets_a_learners_answer_aside(course, capsys):
    solution = str(course / "solutions/01_query.ipynb")
    solve(course)
    assert exercises.main([solution]) == 0
    kept = course / "exercises/01_query.mine-1.ipynb"
    assert names(course) == ["01_query.ipynb", kept.name]
    assert ANSWER in sources(kept)
    assert ANSWER not in sources(page(course))
    assert f"held what no tool wrote: it is kept as {kept.name}.\n" in capsys.readouterr().out
    solve(course)
    assert exercises.main(["--force", solution]) == 0
    assert names(course) == ["01_query.ipynb", kept.name]
    assert ANSWER not in sources(page(course))


def test_an_older_copy_is_not_lost_to_a_newer(course):
    for _ in range(2):
        solve(course)
        make(course)
    assert names(course)[1:] == ["01_query.mine-1.ipynb", "01_query.mine-2.ipynb"]
    assert [path.name for path in all_paths(course, ["exercises"])] == ["01_query.ipynb"]


def test_a_note_of_a_learner_is_set_aside(course):
    notebook = read(page(course))
    notebook.cells.append(new_code_cell("my_own = 7", id="mine"))
    page(course).write_text(stored_form(notebook))
    make(course)
    assert len(names(course)) == 2


def test_without_git_it_is_set_aside_too(course):
    (course / ".git").rename(course / "no-git")
    make(course)
    assert names(course) == ["01_query.ipynb"]  # what is there is what is made
    solve(course)
    make(course)
    assert len(names(course)) == 2


def test_a_developer_changes_solutions_all_day(course):
    for title in ("## 1. Three", "## 1. Four", "## 1. Two"):
        change(course / "solutions/01_query.ipynb", "task-1", source=title)
        make(course)
        assert names(course) == ["01_query.ipynb"]
        assert title in page(course).read_text()


def test_what_was_committed_or_only_run_is_no_loss(course, git):
    said = [new_output("stream", name="stdout", text="not written yet\n")]
    change(page(course), "task-1-check", outputs=said, execution_count=3)
    git("commit", "-a", "-m", "ran")
    change(page(course), "task-1-check", execution_count=7)
    make(course)
    solve(course)
    git("commit", "-a", "-m", "my answer")
    make(course)
    assert names(course) == ["01_query.ipynb"]


def test_outputs_of_a_run_of_ones_own_are_set_aside(course):
    path = course / "notebooks/01_query.ipynb"
    path.write_text(stored_form(from_text("%% code sum\nprint(1 + 2)\n")))
    assert refresh.main([str(path)]) == 0
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    long_run = [new_output("stream", name="stdout", text="after an hour: 3\n")]
    change(path, "sum", outputs=long_run)
    assert refresh.main([str(path)]) == 0
    kept = path.with_name("01_query.mine-1.ipynb")
    assert read(kept).cells[0].outputs == long_run
    assert read(path).cells[0].outputs[0].text == "3\n"


def test_a_text_is_written_over_what_a_tool_wrote_only(course):
    path, text = course / "notebooks/01_query.ipynb", course / "one.txt"
    for source in ("1", "2"):
        text.write_text(f"%% code sum\n{source}\n")
        text_main([str(text), str(path)])
    assert len(list(path.parent.iterdir())) == 1
    change(path, "sum", source="by hand")
    text_main([str(text), str(path)])
    assert len(list(path.parent.iterdir())) == 2


def test_a_torn_notebook_is_set_aside_whole(course):
    page(course).write_bytes(b'{"cells": \xff')
    make(course)
    assert (course / "exercises/01_query.mine-1.ipynb").read_bytes() == b'{"cells": \xff'


def test_a_torn_memory_is_no_memory(course):
    make(course)
    for content in ("{", "[]", '{"a": 3}', '{"a": [3]}'):
        aside.WRITTEN.write_text(content)
        make(course)
    assert names(course) == ["01_query.ipynb"]
