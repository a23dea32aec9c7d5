"""The table of passes and the Transformer that fills in."""

from types import SimpleNamespace

import pytest

import tantra
from tantra.check import report
from tantra.check.exercises import chapters


@pytest.fixture
def two_chapters(monkeypatch):
    """begin with one exercise, softmax with two."""
    named = {"begin": ["mean"], "softmax": ["softmax", "log_softmax"]}
    tasks = {chapter: [SimpleNamespace(name=n) for n in names] for chapter, names in named.items()}
    monkeypatch.setattr(report, "chapters", lambda: tasks)


@pytest.mark.usefixtures("two_chapters")
def test_the_table_in_plain_text():
    assert repr(report.Report({"mean": {}, "softmax": {}, "gone": {}})) == (
        "2 of 3 exercises passed\nbegin    ✓ mean\nsoftmax  ✓ softmax  · log_softmax"
    )


@pytest.mark.usefixtures("two_chapters")
def test_the_drawing_counts_as_the_table_does():
    html = report.Report({"mean": {}, "softmax": {}})._repr_html_()
    assert ">begin ✓<" in html
    assert ">softmax 1/2<" in html


def test_progress_lists_every_exercise():
    shown = tantra.progress()
    text, html = repr(shown), shown._repr_html_()
    for exercise in (exercise for tasks in chapters().values() for exercise in tasks):
        assert f"· {exercise.name}" in text
        assert f"<code>{exercise.name}</code>" in html.replace("_<wbr>", "_")
    assert text == repr(tantra.progress())


def test_progress_of_one_chapter_shows_nothing_else():
    shown = tantra.progress("softmax")
    assert repr(shown).splitlines()[0] == f"0 of {len(chapters()['softmax'])} exercises passed"
    assert len(repr(shown).splitlines()) == 2
    assert "<svg" not in shown._repr_html_()
    assert "causal_" not in shown._repr_html_()
    with pytest.raises(ValueError, match="no exercises in a chapter 'soft_max'; there are begin, "):
        tantra.progress("soft_max")
    with pytest.raises(ValueError, match="there are begin, ") as caught:
        tantra.progress("x" * 100_000)
    assert len(str(caught.value)) < 400


@pytest.mark.usefixtures("two_chapters")
def test_a_long_name_may_break_between_its_words_and_never_after_its_mark():
    html = report.Report({"log_softmax": {}})._repr_html_()
    assert "✓&nbsp;<code>log_<wbr>softmax</code>" in html
