"""The quick circle finds what a change touches."""

import subprocess

import pytest

import gates
import quick
from course import ROOT, all_paths


@pytest.mark.parametrize(
    ("name", "tests"),
    [
        ("tests/test_norms.py", ["tests/test_norms.py"]),
        ("tests/faults/parts.py", ["tests/test_planted_faults.py"]),
        ("tests/planted_faults.py", ["tests/test_planted_faults.py"]),
        ("tests/derivation.py", ["tests/metre/test_lexicon.py", "tests/verses/test_verses.py"]),
        ("tantra/block.py", ["tests/test_block.py", "tests/test_shapes.py"]),
        ("tantra/check/show.py", ["tests/check/test_show.py"]),
        ("tantra/check/exercises/softmax.py", []),
        ("README.md", []),
    ],
)
def test_a_file_has_its_tests(name, tests):
    assert quick.tests_of(name) == tests


def test_a_tool_is_tested_where_it_is_imported():
    assert "tests/tools/test_quick.py" in quick.tests_of("tools/quick.py")
    assert "tests/tools/test_exercise_notebooks.py" in quick.tests_of("tools/exercises.py")
    assert quick.tests_of("tools/rules/anywhere.py") == ["tests/tools/test_lint.py"]


def test_every_file_of_the_library_has_tests_that_exist():
    library = [path for path in (ROOT / "tantra").rglob("*.py") if "exercises" not in path.parts]
    names = [path.relative_to(ROOT).as_posix() for path in library]
    found = {test for name in names for test in quick.tests_of(name)}
    assert all((ROOT / test).is_file() for test in found)
    untested = [name for name in names if not quick.tests_of(name)]
    assert all(name.endswith("__init__.py") for name in untested), untested


def test_the_exercises_of_a_chapter_are_found():
    assert quick.exercises_of("tantra/check/exercises/softmax.py")[:2] == ["softmax", "log_softmax"]
    (gate,) = quick.proving(["tantra/check/exercises/softmax.py", "tantra/block.py"])
    tests, exercises = gate.commands
    assert tests[-2:] == ("tests/test_block.py", "tests/test_shapes.py")
    assert exercises[-1].startswith("attend") is False
    assert "log_softmax_backward" in exercises[-1].split(" or ")
    assert quick.proving(["README.md"]) == []


@pytest.mark.parametrize("page", all_paths(folders=("notebooks",)), ids=lambda page: page.stem)
def test_a_chapter_is_proved_with_its_part_its_exercises_and_its_pages(page):
    found = {gate.name: gate for gate in quick.chapter(page)}
    assert set(found) == {"pages", "deeper", "tests", "style", "lint", "exercises"}
    assert sum(page.name in word for word in found["pages"].commands[0]) == 3
    words = [word for command in found["tests"].commands for word in command]
    assert "tests/check/test_exercises.py" in words
    if page.stem[:2] in ("02", "05", "07", "09", "10"):
        assert [word for word in words if word.startswith("tests/") and "check" not in word]


def test_a_chapter_that_is_not_there_is_named():
    with pytest.raises(SystemExit, match=r"There is no notebooks/99_dance\.ipynb: give a"):
        quick.chapter("notebooks/99_dance.ipynb")


def test_git_says_what_has_changed(tmp_path, monkeypatch):
    def git(*words):
        subprocess.run(["git", "-C", tmp_path, *words], check=True, capture_output=True)

    git("init")
    for name in ("same.py", "edited.py", "gone.py"):
        (tmp_path / name).write_text("1")
    git("add", ".")
    git("-c", "user.name=n", "-c", "user.email=e", "commit", "-m", "one")
    (tmp_path / "edited.py").write_text("2")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "new").mkdir()
    (tmp_path / "new/two words.py").write_text("3")
    monkeypatch.setattr(quick, "ROOT", tmp_path)
    assert sorted(quick.changed()) == ["edited.py", "new/two words.py"]


def test_quick_runs_the_tests_and_the_three_quick_gates(monkeypatch):
    ran = []
    monkeypatch.setattr(gates, "prove", lambda chosen: ran.extend(chosen) or 0)
    monkeypatch.setattr(quick, "changed", lambda: ["tantra/block.py"])
    assert quick.main([]) == 0
    assert [gate.name for gate in ran] == ["tests", "style", "lint", "exercises"]
