"""A class's verdicts are kept: interrupted it goes on, and only what changed is marked again."""

import contextlib
import json
import os

import kinds
import pytest

from tantra.classroom import __main__ as command
from tantra.classroom import grading
from tantra.classroom.records import Submission, Verdict

PAGE = kinds.ROOT / f"exercises/{kinds.PAGE}.ipynb"


class Bench:
    """Passes all; ends after so many verdicts, as if it were interrupted."""

    asked, most = [], 10**6

    def judged(self, asked, page, before):
        done = {verdict.task for verdict in before}
        yield {"odd": ["odd"]}
        for place in page.places:
            task = place.task
            if task.name not in done:
                if len(self.asked) == self.most:
                    raise KeyboardInterrupt
                self.asked.append((os.path.basename(asked["file"]), task.name))
                yield {"verdict": Verdict(task=task.name, number=task.number, status="passed",
                                          points=task.points, of=task.points)}  # fmt: skip

    def close(self):
        pass


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.setattr(Bench, "asked", [])
    monkeypatch.setattr(grading, "Bench", Bench)
    return Bench


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    for name in ("ada", "bob"):
        (folder / f"{name}.ipynb").write_text(f'{{"cells": [], "by": "{name}"}}')
    return folder


def marks(folder, **options):
    return grading.grade(PAGE, folder, jobs=1, **options)


def test_a_second_run_marks_only_what_changed(bench, folder):
    first = marks(folder)
    assert {each.student: each.points for each in first} == {"ada": 13, "bob": 13}
    bench.asked.clear()
    assert marks(folder) == first
    assert bench.asked == []
    (folder / "bob.ipynb").write_text("{}")
    marks(folder)
    assert {name for name, _ in bench.asked} == {"bob.ipynb"}


@pytest.mark.parametrize("options", [{"again": True}, {"seed": 3}])
def test_again_and_another_seed_mark_all(bench, folder, options):
    marks(folder)
    bench.asked.clear()
    marks(folder, **options)
    assert len(bench.asked) == 14


def test_changed_checks_mark_all(bench, folder, monkeypatch):
    marks(folder)
    bench.asked.clear()
    monkeypatch.setattr("tantra.__version__", "9", raising=False)
    marks(folder)
    assert len(bench.asked) == 14


@pytest.mark.parametrize("most", [0, 3, 7, 9])
def test_interrupted_it_goes_on_where_it_was(bench, folder, monkeypatch, most):
    monkeypatch.setattr(bench, "most", most)
    with pytest.raises(KeyboardInterrupt):
        marks(folder)
    monkeypatch.setattr(bench, "most", 10**6)
    assert [each.points for each in marks(folder)] == [13, 13]
    assert len(bench.asked) == len(set(bench.asked)) == 14


def test_each_verdict_is_written_as_it_comes(bench, folder, monkeypatch):
    monkeypatch.setattr(bench, "most", 3)
    with pytest.raises(KeyboardInterrupt):
        marks(folder)
    lines = (folder.with_name("class-marks") / "verdicts/ada.jsonl").read_text().splitlines()
    assert "digest" in json.loads(lines[0])
    assert [Verdict.from_json(line).status for line in lines[1:]] == ["passed"] * 3


def test_half_a_line_is_judged_again(bench, folder, monkeypatch):
    monkeypatch.setattr(bench, "most", 3)
    with pytest.raises(KeyboardInterrupt):
        marks(folder)
    path = folder.with_name("class-marks") / "verdicts/ada.jsonl"
    path.write_text(path.read_text()[:-20])
    monkeypatch.setattr(bench, "most", 10**6)
    assert [each.points for each in marks(folder)] == [13, 13]
    assert len(bench.asked) == 15


def test_who_is_gone_is_gone_from_the_marks(bench, folder):
    marks(folder)
    (folder / "bob.ipynb").unlink()
    assert [each.student for each in marks(folder)] == ["ada"]
    assert os.listdir(folder.with_name("class-marks") / "students") == ["ada.json"]


def test_what_is_written_is_what_is_returned(bench, folder):
    found = marks(folder)
    room = folder.with_name("class-marks") / "students"
    assert [Submission.read(room / f"{each.student}.json") for each in found] == found
    assert found[0].odd == ("odd",)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing.ipynb", "."], "there is no exercise nothing.ipynb"),
        ([str(PAGE), "nowhere"], "nowhere is no folder"),
        ([str(PAGE), "empty"], "holds no notebook"),
        ([str(PAGE), "class", "--jobs", "0"], "--jobs is 0"),
        ([str(PAGE), "class", "--out", "class/marks"], "give another one with --out"),
        (["class/ada.ipynb", "class"], "has no checks"),
    ],
)
def test_bad_input_gets_one_sentence(bench, folder, capsys, monkeypatch, arguments, says):
    monkeypatch.chdir(folder.parent)
    (folder.parent / "empty").mkdir()
    assert command.main(["grade", *arguments]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_the_command_marks_a_class(bench, folder, capsys):
    assert command.main(["grade", str(PAGE), str(folder), "--jobs", "1"]) == 0
    said = capsys.readouterr()
    assert "2 submissions, 26 points" in said.out
    assert "2/2 bob: 13 points" in said.err


def test_the_command_says_what_answers_were_not_kept_from_and_what_was_left(
    bench, folder, capsys, monkeypatch
):
    (folder / "carl.pdf").write_bytes(b"%PDF")
    judged = bench.judged

    def judged_in_the_open(self, *given):
        yield {"open": ["files: no Landlock"]}
        yield from judged(self, *given)

    monkeypatch.setattr(bench, "judged", judged_in_the_open)
    for _ in range(2):  # the second time nothing is judged
        command.main(["grade", str(PAGE), str(folder), "--jobs", "1"])
        said = capsys.readouterr().err
        assert "not kept from answers: files: no Landlock\n" in said
        assert "neither .ipynb nor .zip: carl.pdf\n" in said


def test_windows_gets_one_sentence(folder, capsys, monkeypatch):
    monkeypatch.delattr(os, "fork", raising=False)
    assert command.main(["grade", str(PAGE), str(folder)]) == 2
    said = capsys.readouterr().err
    assert "on Windows, run the same command in WSL" in said
    assert said.count("\n") == 1


def test_the_command_says_that_it_was_interrupted(bench, folder, capsys, monkeypatch):
    monkeypatch.setattr(bench, "most", 3)
    assert command.main(["grade", str(PAGE), str(folder), "--jobs", "1"]) == 130
    assert "goes on where it was" in capsys.readouterr().err


def test_a_folder_of_other_things_is_left_alone(bench, folder):
    (folder.parent / "mine/students").mkdir(parents=True)
    (folder.parent / "mine/students/ada.json").write_text("mine")
    with pytest.raises(ValueError, match="holds other things than marks"):
        marks(folder, out=folder.parent / "mine")
    assert (folder.parent / "mine/students/ada.json").read_text() == "mine"


def test_names_of_files_are_short_and_different():
    names = ["ada", "a/b", "a\\b", "n" * 300, "n" * 301, "..", "", "नमस्ते", "नमस्ते" * 50]
    found = [grading.file_name(name) for name in names]
    assert len(set(found)) == len(names)
    assert all(0 < len(name.encode()) < 130 and "/" not in name for name in found)
    assert not {"", ".", ".."} & set(found)


def test_a_judge_that_dies_costs_one_task(monkeypatch):
    from tantra.classroom import bench as benches
    from tantra.classroom.submission.page import read_page

    page, begun = read_page(PAGE), []

    def said(self, asked):
        begun.append(asked["done"])
        yield {"odd": []}
        for place in page.places:
            if place.task.name in asked["done"]:
                continue
            yield {"begins": place.task.name}
            if place.task.name == "log_softmax":
                return
            task = {"task": place.task.name, "number": place.task.number, "status": "passed"}
            yield {"verdict": task}
        yield {"done": True}

    monkeypatch.setattr(benches.Bench, "_said", said)
    with contextlib.closing(benches.Bench()) as bench:
        found = [each["verdict"] for each in bench.judged({}, page, []) if "verdict" in each]
    assert [each.status for each in found] == ["passed", "error"] + 5 * ["passed"]
    assert len(begun) == 2
