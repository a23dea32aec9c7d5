"""Passes are kept, whole, and never lost."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tantra
from tantra.check import progress

EPS = 1e-3


def center(x):
    return x - x.mean(axis=-1, keepdims=True)


def helper(x):
    return math.sqrt(x) + EPS


def leans(x, eps=EPS):
    return helper(x) + tantra.softmax(np.zeros(2))[0] + eps


class Scale(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return helper(self.factor) * x


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "progress.json"
    monkeypatch.setenv("TANTRA_PROGRESS", str(path))
    return path


def test_a_pass_is_kept_in_the_file(exercise, file):
    exercise(np.exp)
    assert not file.exists()
    exercise(center)
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["version"] == 1
    assert kept["passed"]["center"]["source"].startswith("def center(x):")
    assert [path.name for path in file.parent.iterdir() if path.suffix == ".new"] == []


def test_a_later_failure_takes_no_pass_away(exercise, file):
    exercise(center)
    exercise(np.exp)
    assert list(progress.passed()) == ["center"]


def test_memory_leaves_no_file(exercise, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exercise(center)
    assert list(progress.passed()) == ["center"]
    assert list(tmp_path.iterdir()) == []


def test_by_default_the_file_is_at_home(monkeypatch):
    monkeypatch.delenv("TANTRA_PROGRESS")
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("USERPROFILE", "/somewhere")
    assert progress._path() == Path("/somewhere/.tantra/progress.json")


DAMAGED = ["", "{", "[]", "3", "{}", '{"version": 1}', '{"version": "1", "passed": {}}',
           '{"version": 1, "passed": []}', '{"version": 1, "passed": {"a": 3}}']  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_is_set_aside(exercise, file, capsys, text):
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    assert progress.passed() == {}
    exercise(center)
    assert "it is kept as progress.json.damaged-1, and a new one begins." in capsys.readouterr().out
    assert file.with_name("progress.json.damaged-1").read_text(encoding="utf-8") == text
    assert list(progress.passed()) == ["center"]


def test_every_damaged_file_is_kept(exercise, file):
    file.parent.mkdir()
    for content in (b"\xff\xfe", b"{"):
        file.write_bytes(content)
        exercise(center)
    aside = {path.name: path.read_bytes() for path in file.parent.glob("*.damaged-*")}
    assert aside == {"progress.json.damaged-1": b"\xff\xfe", "progress.json.damaged-2": b"{"}


def test_a_newer_file_is_left_alone(exercise, file, capsys):
    file.parent.mkdir()
    text = '{"version": 2, "passed": {"center": {}}}'
    file.write_text(text, encoding="utf-8")
    exercise(center)
    assert "a newer version of tantra wrote that file" in capsys.readouterr().out
    assert file.read_text(encoding="utf-8") == text
    assert list(progress.passed()) == ["center"]


def test_an_unwritable_place_is_one_sentence(exercise, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TANTRA_PROGRESS", str(tmp_path / "file" / "progress.json"))
    exercise(center)
    verdict, notice = capsys.readouterr().out.splitlines()
    assert verdict.startswith("✓ center")
    assert notice.startswith("This pass could not be kept in ")
    assert tantra.progress()


def test_a_link_stays_a_link(exercise, file, tmp_path):
    file.parent.mkdir()
    (tmp_path / "real.json").write_text('{"version": 1, "passed": {}}')
    file.symlink_to(tmp_path / "real.json")
    exercise(center)
    assert file.is_symlink()
    assert list(progress.passed()) == ["center"]


def test_notebooks_at_once_lose_nothing(file):
    """Each thread opens the lock for itself, as another process would."""

    def notebook(name):
        return [progress.keep(f"{name}{number}", print) for number in range(10)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(notebook, "abcd")) == [[None] * 10] * 4
    assert len(progress.passed()) == 40


def test_your_function_comes_back_with_what_it_leans_on(file):
    for name, attempt in (("leans", leans), ("scale", Scale), ("center", center)):
        progress.keep(name, attempt)
    assert progress.mine("leans")(4.0) == leans(4.0)
    assert progress.mine("scale")(4.0)(2.0) == Scale(4.0)(2.0)
    mine = progress.mine("center")
    assert mine is not center
    assert np.array_equal(mine(np.eye(2)), center(np.eye(2)))


def test_a_closure_comes_back():
    shift = 3

    def around(x):
        return x + shift

    progress.keep("around", around)
    assert progress.mine("around")(1) == 4


def test_a_function_that_came_back_can_be_kept_again():
    progress.keep("leans", leans)
    progress.keep("leans", progress.mine("leans"))
    assert progress.mine("leans")(4.0) == leans(4.0)


def test_what_cannot_come_back_is_said():
    with pytest.raises(LookupError, match="center has not been passed yet"):
        progress.mine("center")
    progress.keep("center", lambda x: x)
    with pytest.raises(LookupError, match="give it a def of its own"):
        progress.mine("center")
    progress._in_memory["center"] = {"function": "center", "source": "import nowhere_at_all"}
    with pytest.raises(LookupError, match="ModuleNotFoundError"):
        progress.mine("center")
    assert progress.mine("center", default=center) is center


def test_the_chapter_is_kept(exercise):
    softmax = tantra.check.softmax
    replace(softmax, library=print)(lambda x: tantra.softmax(x))
    assert progress.passed()["softmax"]["chapter"] == "softmax"
