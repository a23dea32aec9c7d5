"""check.<name> finds the exercises, and helps where it does not."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from tantra import check
from tantra.check import exercises


def test_exercises_are_listed():
    assert set(exercises.registry()) <= set(dir(check))


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(AttributeError, match=r"no exercise called 'sofmax': did you mean softmax"):
        _ = check.sofmax
    with pytest.raises(AttributeError, match=r"no exercise called 'zzz': dir\(check\) lists them"):
        _ = check.zzz
    assert not hasattr(check, "__wrapped__")


def test_files_of_the_package_are_no_exercises():
    assert check.progress.__name__ == "tantra.check.progress"
    assert not check.FILES & set(exercises.registry())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("softmax", "two exercises are called 'softmax'"),
        ("progress", "check.progress is already a part"),
        ("Verdict", "check.Verdict is already a part"),
        ("soft max", "cannot be written in Python"),
        ("lambda", "cannot be written in Python"),
        ("_own", "cannot be written in Python"),
    ],
)
def test_a_name_that_could_not_be_reached_is_refused(monkeypatch, name, words):
    tasks = {"begin": [SimpleNamespace(name="softmax")], "heads": [SimpleNamespace(name=name)]}
    monkeypatch.setattr(exercises, "chapters", lambda: tasks)
    with pytest.raises(ValueError, match=words):
        exercises.registry.__wrapped__()


def test_a_file_that_is_no_chapter_is_refused(monkeypatch):
    stranger = [SimpleNamespace(name="sofmax")]
    monkeypatch.setattr(exercises.pkgutil, "iter_modules", lambda path: stranger)
    with pytest.raises(ValueError, match=r"sofmax.py is no chapter"):
        exercises.chapters.__wrapped__()


def test_the_check_needs_neither_matplotlib_nor_ipython():
    code = (
        "import sys; from tantra import check; dir(check);"
        "assert not {'matplotlib', 'IPython'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
