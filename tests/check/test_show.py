"""How verdicts, hints and pictures look, in a terminal, in IPython and in a notebook."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tantra.check import CheckFailed, show


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
        "· center: not written yet. This is still the code you were given: "
        "find what is wrong with it, and mend it.\n"
    )


def test_a_failure_says_what_where_and_what_next(exercise, capsys):
    exercise(lambda x: x - x.mean(axis=0))
    assert capsys.readouterr().out == (
        '✗ center · case "one row"\n'
        "  3 of 3 values differ; the first at [0, 0]: 0, expected -2\n"
        "  input: x = [[1., 2., 6.]]\n"
        "  Hint: that is the mean of each column\n"
    )


def test_without_a_diagnosis_the_first_hint_is_offered(exercise, capsys):
    exercise(np.exp)
    assert capsys.readouterr().out.endswith("  Hint: check.center.hint() gives a first step.\n")


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
        "✗ shape\n  (2, 7, 5) is not what comes out\n  Hint: the last two are swapped\n"
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
        squeezed = re.sub(r"\s|input:", "", plain)
        assert re.sub(r"\s", "", Text(html).words) == squeezed


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


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.arange(3.0), "[0., 1., 2.]"),
        (np.arange(100), "[ 0,  1, ..., 98, 99]"),
        ((1, np.ones(2)), "(1, [1., 1.])"),
        (1 / 3, "0.333333"),
        ("word", "'word'"),
        ("x" * 200, "'" + "x" * 98 + "…"),
    ],
)
def test_inputs_are_short(value, words):
    assert show.short(value) == words


def test_rows_stand_below_one_another(exercise):
    text = show.text(exercise.judge(lambda x: center(x) + (len(x) == 2)))
    assert "  input: x = [[1., 2., 6.],\n              [0., 0., 3.]]\n" in text
