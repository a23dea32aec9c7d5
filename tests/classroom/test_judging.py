"""Answers to single tasks of other pages, as a clever or an unlucky student writes them."""

import contextlib
import json
import sys

import kinds
import pytest

from tantra.classroom.judge.host import Host
from tantra.classroom.judge.judging import Judge
from tantra.classroom.sandbox.limits import Limits
from tantra.classroom.sandbox.zygote import readable
from tantra.classroom.submission import answers, names, notebook
from tantra.classroom.submission.page import read_page

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs Linux")
LIMITS = Limits(seconds=3.0, idle=2.0)
BORROWED = """
import tantra, threading
def rotate(x, angles):
    found = []
    worker = threading.Thread(target=lambda: found.append(tantra.rotate(x, angles)))
    worker.start()
    worker.join()
    return found[0]
"""
BY_TORCH = """
def cross_entropy(logits, targets, ignore):
    rows, true = torch.tensor(logits).flatten(0, -2), torch.tensor(targets).flatten()
    return nnf.cross_entropy(rows, true, ignore_index=ignore).item()
"""
BESIDE_SOFTMAX = """
def cross_entropy(logits, targets, ignore):
    rows, true = logits[targets != ignore], targets[targets != ignore]
    largest = np.log(softmax(rows).max(axis=-1))
    return (rows.max(axis=-1) - rows[np.arange(len(true)), true] - largest).mean()
"""


@pytest.fixture(scope="module")
def host():
    with contextlib.closing(Host()) as host:
        yield host


@pytest.fixture
def judged(host):
    """judged(page, {cell: source}): the Verdict on the task of the first of these cells."""

    def judged(name, **sources):
        page = read_page(kinds.ROOT / "exercises" / f"{name}.ipynb")
        book = json.loads((kinds.ROOT / "exercises" / f"{name}.ipynb").read_text("utf-8"))
        for cell in book["cells"]:
            cell["source"] = sources.get(cell["id"].replace("-", "_"), cell["source"])
        cells, _ = notebook.cells(json.dumps(book).encode(), name)
        first = next(iter(sources)).replace("_", "-")
        place = next(place for place in page.places if place.write == first)
        found = answers.find(page, cells)[place.task.name]
        return Judge(host, page, 1, LIMITS).verdict(place, found)

    return judged


@linux
@pytest.mark.parametrize(
    ("page", "cell", "source", "status", "says"),
    [
        ("05_positions", "task_2_write", BORROWED, "failed", "tantra's own"),
        ("10_training", "task_1_write", BY_TORCH, "failed", "NumPy only"),
        ("10_training", "task_1_write", BESIDE_SOFTMAX, "passed", "agree"),
    ],
)
def test_the_way_of_an_answer_is_seen(judged, page, cell, source, status, says):
    verdict = judged(page, **{cell: source})
    assert (verdict.status, says in verdict.words) == (status, True), verdict.words


@linux
def test_a_value_may_be_built_up_over_cells(judged):
    value = "score = parts[0]"
    verdict = judged("05_positions", task_5_write=value, task_4_check="parts = []",
                     task_3_check="angle = np.radians(75)",
                     task_2_check="parts.append(0)\nparts[0] = np.cos(angle)")  # fmt: skip
    assert verdict.status == "failed"  # they stand in another order than they are needed
    verdict = judged("05_positions", task_5_write=value, task_2_check="parts = []",
                     task_3_check="angle = np.radians(75)",
                     task_4_check="parts.append(0)\nparts[0] = np.cos(angle)")  # fmt: skip
    assert verdict.status == "passed", verdict.words


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a = 1\nb = 2\nc = b", "b = 2\nc = b"),
        ("b = []\nb.append(2)\nprint(b)\nc = b", "b = []\nb.append(2)\nc = b"),
        (
            "b = {}\nb['x'] = 2\ndef c():\n    return b",
            "b = {}\nb['x'] = 2\ndef c():\n    return b",
        ),
        ("from math import *\nwhile True:\n    c\nc = pi", "from math import *\nc = pi"),
        ("a = 1", ""),
        ("c = (", ""),
    ],
)
def test_a_cell_is_shortened_to_what_a_name_is_made_of(text, left):
    assert names.shortened(text, "c") == left


def test_packages_beside_an_installed_tantra_can_be_read(tmp_path, monkeypatch):
    packages = tmp_path / "site-packages"
    for name in ("numpy", "tantra/check", "tantra/verses"):
        (packages / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(packages)])
    monkeypatch.setattr("tantra.classroom.sandbox.zygote.PACKAGE", packages / "tantra")
    found = set(readable())
    assert {packages / "numpy", packages / "tantra/verses"} <= found
    assert not {packages, packages / "tantra", packages / "tantra/check"} & found


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("import sys as s", "sys"),
        ("from os import write as w", "os"),
        ("__import__('gc')", "gc"),
        ("f.__code__.co_code", "__code__"),
        ("import _thread", "_thread"),
    ],
)
def test_unusual_words_are_told_under_any_name(text, word):
    page = read_page(kinds.ROOT / "exercises" / f"{kinds.PAGE}.ipynb")
    cell = notebook.Cell("task-1-write", "code", f"{kinds.GOOD}\n{text}\n")
    [answer] = answers.find(page, [cell])["softmax"]
    [note] = answer.notes
    assert word in note
    assert "have a look" in note
