"""Passes are kept, whole, and never lost."""

import functools
import importlib
import json
import math
import os
import subprocess
import sys
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tantra
from tantra.check import progress
from tantra.check.prediction import Prediction

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
           '{"version": 1, "passed": []}', '{"version": 1, "passed": {"a": 3}}', "[" * 5000,
           '{"version": 1' + "0" * 5000 + "}"]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED, ids=lambda text: text[:40])
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


@pytest.mark.parametrize("passes", ["5", "[]", '{"center": 5}', "null"])
def test_a_newer_file_may_hold_anything(exercise, file, capsys, passes):
    file.parent.mkdir()
    file.write_text(f'{{"version": 2, "passed": {passes}}}', encoding="utf-8")
    assert progress.passed() == {}
    assert "✓" not in repr(tantra.progress())
    exercise(center)
    assert "a newer version of tantra wrote that file" in capsys.readouterr().out
    with pytest.raises(LookupError):
        progress.mine("center")


ODD = [{"source": 5}, {"source": "f = 1"}, {"source": "f = 1", "function": ["f"]}, {"lost": 5},
       {"source": "raise SystemExit", "function": "f"}, {"source": "(" * 999, "function": "f"},
       {"source": "\0", "function": "f"}, {"source": "f = 1", "function": "g"}]  # fmt: skip


@pytest.mark.parametrize("entry", ODD, ids=str)
def test_an_odd_entry_gives_no_function_and_says_so(file, entry):
    file.parent.mkdir()
    kept = {"version": 1, "passed": {"center": entry | {"note": "x" * 10_000}}}
    file.write_text(json.dumps(kept), encoding="utf-8")
    with pytest.raises(LookupError) as caught:
        progress.mine("center")
    assert len(str(caught.value)) < 300
    assert progress.mine("center", default=center) is center
    assert tantra.progress()


def pipe(path):
    os.mkfifo(path)


def device(path):
    os.mknod(path, 0o20666, os.makedev(1, 3))  # what /dev/null is


def endless(path):
    os.mknod(path, 0o20666, os.makedev(1, 5))  # what /dev/zero is


def link_to_endless(path):
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
@pytest.mark.parametrize("made", [pipe, device, endless, link_to_endless, Path.mkdir])
def test_what_is_no_regular_file_is_left_alone(exercise, file, capsys, made):
    file.parent.mkdir()
    try:
        made(file)
    except PermissionError:
        pytest.skip("only root makes devices")
    before = os.lstat(file)
    exercise(center)
    verdict, notice = capsys.readouterr().out.splitlines()
    assert verdict.startswith("✓ center")
    assert "that is no regular file, so it is left as it is" in notice
    assert progress.passed() == {}
    assert os.lstat(file)[:4] == before[:4]
    assert os.listdir(file.parent) == [file.name]


def test_a_pipe_for_the_lock_holds_nobody_up(exercise, file):
    file.parent.mkdir()
    pipe(file.with_name(file.name + ".lock"))
    exercise(center)
    assert list(progress.passed()) == ["center"]


def test_a_file_without_end_is_not_read(exercise, file, capsys, monkeypatch):
    monkeypatch.setattr(progress.files, "MOST", 100)
    file.parent.mkdir()
    file.write_text(" " * 101)
    exercise(center)
    assert "that is larger than the 100 bytes that are read" in capsys.readouterr().out
    assert file.stat().st_size == 101
    assert progress.passed() == {}


@pytest.mark.parametrize("where", ["~nosuchuser/p.json", "~" + "x" * 5000])
def test_without_a_home_the_verdict_still_comes(exercise, capsys, monkeypatch, where):
    monkeypatch.setenv("TANTRA_PROGRESS", where)
    exercise(center)
    verdict, notice = capsys.readouterr().out.splitlines()
    assert verdict.startswith("✓ center")
    assert "there is no such home directory" in notice
    assert len(notice) < 300
    assert progress.passed() == {}
    assert tantra.progress()


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


LOW, UNKNOWN = -np.inf, float("nan")
HALF, TABLE = np.float32(0.5), np.array([[1, 2, 3]], dtype=np.int8)
EMPTY, TENSOR = np.zeros((0, 2), dtype=bool), torch.tensor([1.5, -2.0], dtype=torch.bfloat16)
last_sum = functools.partial(np.sum, axis=-1, keepdims=True)
error_function = np.vectorize(math.erf, otypes=[float])
SETS = {"a": {1, 2}, ("b",): [None, ..., b"c", 2j, slice(1, None)], 3: frozenset("d"), 4: TABLE}
TYPES = [torch.float16, np.dtype("float32"), torch.device("cpu"), np.int8, dict, range(3)]
act = helper
BENDS = {"tanh": np.tanh, "helper": helper}


@functools.cache
def doubled(n):
    return 2 * n


WRITTEN = {"LOW": LOW, "UNKNOWN": UNKNOWN, "HALF": HALF, "TABLE": TABLE, "EMPTY": EMPTY,
           "TENSOR": TENSOR, "SETS": SETS, "TYPES": TYPES}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_a_constant_comes_back_as_it_is(name):
    space = {name: WRITTEN[name]}
    function = eval(f"lambda: {name}", space)
    text = f"def again():\n    return {name}\n"
    progress.source.linecache.cache["<again>"] = (1, None, text.splitlines(True), "<again>")
    exec(compile(text, "<again>", "exec"), space)
    assert progress.keep("again", space["again"]) is None
    assert repr(progress.mine("again")()) == repr(function())
    assert type(progress.mine("again")()) is type(function())


def test_functions_of_others_and_helpers_by_other_names_come_back():
    def leaning(x):
        roots = [act(y) for y in x]
        shifted = last_sum(x) + error_function(x) + BENDS["tanh"](x) + BENDS["helper"](4)
        return roots + shifted + doubled(3)

    assert progress.keep("leaning", leaning) is None
    x = np.array([1.0, 4.0])
    assert np.array_equal(progress.mine("leaning")(x), leaning(x))


def test_a_partial_comes_back_under_the_exercises_name():
    assert progress.keep("total", last_sum) is None
    assert progress.mine("total")(np.eye(2)).tolist() == [[1.0], [1.0]]
    assert progress.keep("root", np.sqrt) is None
    assert progress.mine("root") is np.sqrt


def test_a_name_that_is_local_is_not_looked_for():
    def local(rng):
        RNG = rng + 1
        return [RNG * 2 for RNG in range(RNG)]

    assert progress.keep("local", local) is None
    assert "RNG =" not in progress.passed()["local"]["source"].partition("def")[0]


HELPERS = """
import math

BASE = 2.0

def power(x):
    return math.pow(BASE, x)
"""


def test_helpers_from_a_file_of_the_readers_come_along(tmp_path, monkeypatch):
    (tmp_path / "my_helpers.py").write_text(HELPERS)
    monkeypatch.syspath_prepend(tmp_path)
    my_helpers = importlib.import_module("my_helpers")
    power = my_helpers.power

    def by_name(x):
        return power(x)

    def by_module(x):
        return my_helpers.power(x)

    assert progress.keep("by_name", by_name) is None
    monkeypatch.delitem(sys.modules, "my_helpers")
    assert progress.mine("by_name")(3) == 8.0
    assert "will lack my_helpers (a file of your own)" in progress.keep("by_module", by_module)


def test_two_helpers_of_one_name_are_said(tmp_path, monkeypatch):
    (tmp_path / "other_helpers.py").write_text("BASE = 3.0\ndef times(x):\n    return BASE * x\n")
    (tmp_path / "my_helpers.py").write_text(HELPERS)
    monkeypatch.syspath_prepend(tmp_path)
    times, power = (
        getattr(importlib.import_module(module), name)
        for module, name in (("other_helpers", "times"), ("my_helpers", "power"))
    )

    def both(x):
        return times(x) + power(x)

    assert "lack BASE (one of two different things of that name)" in progress.keep("both", both)


def test_a_module_reached_through_another_is_imported():
    def parsed(text):
        return xml.etree.ElementTree.fromstring(text).tag

    progress.keep("parsed", parsed)
    assert "import xml.etree.ElementTree" in progress.passed()["parsed"]["source"]


RNG = np.random.default_rng(0)
BIG = np.zeros(1001)
bend = lambda x: x  # noqa: E731


def softmax_by(scale):
    def softmax(x):
        e = scale(np.exp(x - x.max(axis=-1, keepdims=True)))
        return e / e.sum(axis=-1, keepdims=True)

    return softmax


def softmax_with_rng(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True) + 0 * RNG.random()


def softmax_with_array(x):
    return softmax_by(lambda e: e)(x) + BIG[0]


def softmax_with_lambda(x):
    return softmax_by(bend)(x)


def softmax_that_counts(x):
    softmax_that_counts.calls += 1
    return softmax_by(helper)(x)


def softmax_without_text():
    space = {"tantra": tantra}
    exec("def softmax(x): return tantra.softmax(x)", space)
    return space["softmax"]


class Callable:
    def __call__(self, x):
        return tantra.softmax(x)


LOST = {
    "a generator": (softmax_with_rng, "a later notebook will lack RNG (a Generator): make that"),
    "many numbers": (softmax_with_array, "will lack BIG (1,001 numbers): make that inside the"),
    "a lambda": (softmax_with_lambda, "lack bend (a lambda, which has no text of its own): make"),
    "a lambda itself": (lambda x: tantra.softmax(x), "no later notebook can run it (a lambda"),
    "an object": (Callable(), "no later notebook can run it (a Callable): write it as a def"),
    "no text": (softmax_without_text(), "no later notebook can run it (its text cannot be found)"),
    "a state": (softmax_that_counts, "as a later notebook would, it fails: raised AttributeError"),
    "a closure": (softmax_by(lambda e: e), "will lack scale (a lambda, which has no text"),
}


@pytest.mark.parametrize("kind", LOST)
def test_what_a_later_notebook_will_miss_is_said_at_once(kind):
    attempt, words = LOST[kind]
    notice = progress.keep("softmax", attempt)
    assert notice.startswith("Passed, but ")
    assert words in notice
    assert len(notice) < 300
    assert "softmax" in progress.passed()
    with pytest.raises(LookupError, match=r"^softmax was passed, but "):
        progress.mine("softmax")


def test_what_is_missing_where_it_is_not_needed_is_said_and_the_rest_kept():
    def soften(p, temperature):
        if temperature < 0:
            return RNG
        powers = p ** (1 / temperature)
        return powers / powers.sum(axis=-1, keepdims=True)

    assert "lack RNG (a Generator)" in progress.keep("soften", soften)
    assert progress.mine("soften")(np.array([0.25, 0.75]), 1.0).tolist() == [0.25, 0.75]


def test_a_pass_that_cannot_be_run_anew_leaves_the_one_before():
    good = softmax_by(abs)
    assert progress.keep("softmax", good) is None
    assert progress.keep("softmax", softmax_with_rng)
    assert progress.mine("softmax")(np.zeros(2)).tolist() == [0.5, 0.5]


def test_a_prediction_needs_no_text_and_says_so_later(prediction):
    prediction((2, 5, 7))
    assert progress.keep("shape", (2, 5, 7)) is None
    with pytest.raises(LookupError, match="shape was passed, but it was a prediction"):
        progress.mine("shape")


def test_objects_that_misbehave_when_looked_at_stop_no_verdict():
    class Sour:
        def __getattr__(self, name):
            raise RuntimeError(f"no {name}")

        def __call__(self, x):
            return x

    sour = Sour()

    def sweet(x):
        return sour if x else 0

    assert progress.keep("sweet", sweet) == (
        "Passed, but a later notebook will lack sour (no __name__): make that inside the function."
    )
    assert "no later notebook can run it (no __wrapped__)" in progress.keep("sour", sour)


def test_reading_back_leaves_no_trace(capsys, recwarn):
    def softmax(x):
        print("working")
        return softmax_by(abs)(x)

    state = np.random.get_state()[1].tolist(), torch.get_default_dtype()
    assert progress.keep("softmax", softmax) is None
    assert capsys.readouterr().out == ""
    assert (np.random.get_state()[1].tolist(), torch.get_default_dtype()) == state
    assert not recwarn.list


def test_an_endless_loop_that_shows_only_anew_ends(monkeypatch):
    patient = replace(tantra.check.softmax, seconds=0.3)
    monkeypatch.setattr(tantra.check.exercises, "registry", lambda: {"softmax": patient})

    def softmax(x):
        while not hasattr(softmax, "ready"):
            pass
        return tantra.softmax(x)

    softmax.ready = True
    assert "after 0.3 seconds, so it was stopped" in progress.keep("softmax", softmax)


def dtype_of_here(x):
    return softmax_by(abs)(x) * float(torch.ones(1).dtype == torch.float64)


FRESH = """
import json
from dataclasses import replace
from tantra.check import progress
from tantra.check.prediction import Prediction
from tantra.check.exercises import registry
runs = {}
for name in progress.passed():
    try:
        verdict = replace(registry()["softmax"], draws=0).judge(progress.mine(name), seed=0)
        runs[name] = verdict.passed
    except LookupError:
        runs[name] = False
print(json.dumps(runs))
"""


def test_a_fresh_process_can_run_what_was_said_to_be_kept(file, monkeypatch):
    """The trial in this process says what a process that has nothing of this one finds."""
    names = [f"softmax_{n}" for n in range(len(LOST) + 3)]
    softmax = tantra.check.softmax
    monkeypatch.setattr(tantra.check.exercises, "registry", lambda: dict.fromkeys(names, softmax))
    attempts = [attempt for attempt, _ in LOST.values()]
    attempts += [softmax_by(abs), functools.partial(softmax_by(np.abs)), dtype_of_here]
    torch.set_default_dtype(torch.float64)
    try:
        told = {
            name: progress.keep(name, attempt)
            for name, attempt in zip(names, attempts, strict=True)
        }
    finally:
        torch.set_default_dtype(torch.float32)
    ran = subprocess.run([sys.executable, "-c", FRESH], check=True, capture_output=True, text=True)
    assert json.loads(ran.stdout) == {name: notice is None for name, notice in told.items()}
    assert {notice is None for notice in told.values()} == {True, False}


def test_what_was_not_passed_is_said():
    with pytest.raises(LookupError, match="center has not been passed yet"):
        progress.mine("center")
    with pytest.raises(LookupError, match=r"^x{59}… has not been passed yet"):
        progress.mine("x" * 10_000)
    progress._in_memory["center"] = {"function": "center", "source": "import nowhere_at_all"}
    with pytest.raises(LookupError, match="ModuleNotFoundError"):
        progress.mine("center")
    assert progress.mine("center", default=center) is center


def test_the_chapter_is_kept(exercise):
    softmax = tantra.check.softmax
    replace(softmax, library=print)(lambda x: tantra.softmax(x))
    assert progress.passed()["softmax"]["chapter"] == "softmax"


def test_a_pass_keeps_the_measured_value_beside_the_prediction(file, capsys):
    task = Prediction(name="first_return", asks="", answer=44, mistakes={}, kind="ablate")
    task(44, predicted=6)
    assert "44 is right; you predicted 6" in capsys.readouterr().out
    kept = progress.passed()["first_return"]
    assert (kept["answer"], kept["predicted"]) == ("44", "6")


def test_the_first_value_handed_in_is_the_prediction_where_nothing_is_measured(file):
    task = Prediction(name="rotated_score", asks="", answer=0.5, mistakes={})
    task(...)
    task(0.9)
    task(0.5)
    kept = progress.passed()["rotated_score"]
    assert (kept["answer"], kept["predicted"]) == ("0.5", "0.9")
