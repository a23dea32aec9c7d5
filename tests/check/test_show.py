"""How verdicts, hints and pictures look, in a terminal, in IPython and in a notebook."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tantra.check import CheckFailed, Exercise, Verdict, show
from tantra.check.difference import difference
from tantra.check.exercises import registry

EXERCISES = [task for task in registry().values() if isinstance(task, Exercise)]


def center(x):
    return x - x.mean(axis=-1, keepdims=True)


def not_written(x):
    raise NotImplementedError


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: pairs of plain text and HTML."""
    pairs = []
    monkeypatch.setattr(show, "_display", lambda *pair: pairs.append(pair))
    return pairs


class Fetch:
    """Stands for an exercise whose last attempt failed on the inputs of a verdict."""

    def __init__(self, verdict):
        self.inputs = lambda: verdict.inputs


class Text(HTMLParser):
    """The words of some HTML; raises where a tag is not closed by its own name."""

    def __init__(self, html):
        super().__init__()
        self.words, self.open = "", []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def test_a_pass_is_one_line(exercise, capsys):
    assert exercise(center) is None
    assert capsys.readouterr().out == "✓ center: 2 shown cases and 20 random ones agree\n"


def test_a_stub_is_one_line(exercise, prediction, capsys):
    exercise(not_written)
    prediction(...)
    out = capsys.readouterr().out
    assert out == "· center: not written yet\n· shape: not written yet\n"


def test_code_that_was_given_is_not_written_yet(exercise, capsys):
    exercise(exercise.given)
    assert capsys.readouterr().out == (
        "· center: not written yet: it still does what the code you were given does: find what is "
        "wrong, and mend it.\n"
    )


def test_a_failure_says_what_where_and_what_next(exercise, capsys):
    exercise(lambda x: x - x.mean(axis=0))
    assert capsys.readouterr().out == (
        '✗ center · case "one row"\n'
        "  that is the mean of each column\n"
        "  3 of 3 values differ; the first at [0, 0]: 0, expected -2\n"
        "  The input:\n"
        "    x = np.array([[1.0, 2.0, 6.0]])  # (1, 3)\n"
    )


def test_without_a_diagnosis_the_first_hint_is_offered(exercise, capsys):
    exercise(np.exp)
    assert capsys.readouterr().out.endswith("\n  check.center.hint() gives a first step.\n")


def test_a_random_case_can_be_repeated(exercise, capsys):
    def by_heart(x):
        return center(x) if float(x.sum()).is_integer() else x

    exercise(by_heart)
    first = capsys.readouterr().out
    assert first.startswith("✗ center · random case 1\n")
    seed = int(re.search(r"check.center\(..., seed=(\d+)\)", first)[1])
    exercise(by_heart, seed=seed)
    assert capsys.readouterr().out == first


def test_a_prediction_agrees_or_not(prediction, capsys):
    prediction((2, 5, 7))
    prediction((2, 7, 5))
    assert capsys.readouterr().out == (
        "✓ shape: (2, 5, 7), as you predicted\n"
        "✗ shape\n  the last two are swapped\n  (2, 7, 5) is not what comes out\n"
    )


def test_what_was_said_first_stays_the_prediction(prediction, capsys):
    prediction((2, 7, 5))
    prediction((2, 5, 7))
    assert capsys.readouterr().out.endswith(
        "✓ shape: (2, 5, 7) is right; you predicted (2, 7, 5)\n"
    )


def test_hints_come_one_by_one(exercise, capsys):
    for _ in range(4):
        exercise.hint()
    assert capsys.readouterr().out.splitlines() == [
        "center, hint 1 of 2: take the mean",
        "center, hint 2 of 2: of each row",
        "center: that was the last hint",
        "center: that was the last hint",
    ]


def test_html_says_what_the_text_says(exercise, shown):
    for attempt in (center, not_written, exercise.given, np.exp, lambda x: 1 / 0):
        exercise(attempt)
    for plain, html in shown:
        assert re.sub(r"\s", "", Text(html).words) == re.sub(r"\s", "", plain)


def test_html_is_escaped(exercise, shown):
    def loud(x):
        raise ValueError("<script>alert('&')</script>")

    exercise(loud)
    assert "<script>" not in shown[0][1]
    assert "<script>" in Text(shown[0][1]).words


@pytest.mark.parametrize("attempt", [center, not_written])
def test_what_notebooks_store_is_always_the_same(exercise, shown, attempt):
    exercise(attempt)
    exercise(attempt)
    assert shown[0] == shown[1]


def test_strict_raises_after_showing(exercise, prediction, monkeypatch, capsys):
    monkeypatch.setenv("TANTRA_STRICT", "1")
    exercise(center)
    for task, attempt in ((exercise, not_written), (exercise, np.exp), (prediction, ...)):
        with pytest.raises(CheckFailed) as caught:
            task(attempt)
        assert str(caught.value) == capsys.readouterr().out.removeprefix(
            "✓ center: 2 shown cases and 20 random ones agree\n"
        ).removesuffix("\n")
        assert caught.value._render_traceback_() == str(caught.value).splitlines()


def test_practice_never_raises(exercise, monkeypatch):
    monkeypatch.setenv("TANTRA_STRICT", "0")
    for attempt in (not_written, np.exp, None, ..., lambda x: 1 / 0):
        assert exercise(attempt) is None


def test_an_exercise_introduces_itself(exercise, prediction):
    assert repr(exercise) == "center (hunt): Subtract each row's mean."
    assert repr(prediction) == "shape (predict): What is the shape?"


def test_another_mistake_beside_the_named_one_is_said(exercise, capsys):
    exercise(lambda x: x - x.mean(axis=0) if len(x) == 1 else x + 1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [
        "  that is the mean of each column",
        '  That is not all: case "two rows" goes wrong in another way as well.',
    ]


WRITTEN = [
    (np.arange(3.0), "np.array([0.0, 1.0, 2.0])"),
    (np.arange(3), "np.array([0, 1, 2])"),
    (np.array([-0.0, np.nan, -np.inf]), "np.array([0.0, np.nan, -np.inf])"),
    (np.array([[True], [False]]), "np.array([[True],\n          [False]])"),
    (np.arange(2, dtype=np.int8), "np.array([0, 1], dtype=np.int8)"),
    (np.array([0.1], np.float32), "np.array([0.10000000149011612], dtype=np.float32)"),
    (torch.tensor([1, 2]), "torch.tensor([1, 2])"),
    (torch.ones(1, dtype=torch.float64), "torch.tensor([1.0], dtype=torch.float64)"),
    ([1, (2,)], "[1, (2,)]"),
    ((), "()"),
    ({"a": np.ones(1)}, "{'a': np.array([1.0])}"),
    (1 / 3, "0.3333333333333333"),
    (-math.inf, "-np.inf"),
    (np.float64(2), "2.0"),
    ("word", "'word'"),
    (b"\x00", "b'\\x00'"),
    (None, "None"),
]


@pytest.mark.parametrize(("value", "words"), WRITTEN, ids=repr)
def test_a_value_is_written_so_that_it_can_be_pasted(value, words):
    assert show.written(value) == words
    again = eval(words, {"np": np, "torch": torch})
    assert type(again) is type(value) or isinstance(value, np.generic)
    assert difference(again, value, rtol=0, atol=0) is None


@pytest.mark.parametrize("value", [np.zeros(1000), "x" * 1000, print, [print], np.array(["a"])])
def test_what_is_long_or_no_number_is_fetched_from_the_check(exercise, value):
    verdict = replace(exercise.judge(np.exp), inputs={"x": value})
    assert 'x = check.center.inputs()["x"]' in show.text(verdict)


def test_the_input_of_the_failing_case_can_be_had(exercise):
    assert exercise.inputs()["x"].tolist() == [[1.0, 2.0, 6.0]]
    exercise(lambda x: center(x) + (len(x) == 2))
    assert exercise.inputs()["x"].tolist() == [[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]]


@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.name)
def test_the_shown_input_can_be_pasted_and_is_the_input(task):
    """For every shown case of the course."""
    for case in task.all_cases(0):
        if case.drawn:
            break
        found = Verdict(name=task.name, status="failed", problem="", inputs=task.named(case))
        space = {"np": np, "torch": torch, "check": SimpleNamespace(**{task.name: Fetch(found)})}
        exec(show.inputs(found), space)
        for name, value in found.inputs.items():
            if name.isidentifier():
                assert difference(space[name], value, rtol=0, atol=0) is None


def test_rows_stand_below_one_another(exercise):
    text = show.text(exercise.judge(lambda x: center(x) + (len(x) == 2)))
    assert (
        "    x = np.array([[1.0, 2.0, 6.0],\n                  [0.0, 0.0, 3.0]])  # (2, 3)\n"
    ) in text
