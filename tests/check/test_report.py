"""The table of passes and the Transformer that fills in."""

import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

import tantra
from tantra.check import drawing, report
from tantra.check.exercises import chapters

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def two_chapters(monkeypatch):
    """begin with one exercise, softmax with two."""
    named = {"begin": ["mean"], "softmax": ["softmax", "log_softmax"]}
    tasks = {chapter: [SimpleNamespace(name=n) for n in names] for chapter, names in named.items()}
    monkeypatch.setattr(report, "chapters", lambda: tasks)


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.usefixtures("two_chapters")
def test_the_table_in_plain_text():
    assert repr(report.Report({"mean": {}, "softmax": {}, "gone": {}})) == (
        "2 of 3 exercises passed\nbegin    ✓ mean\nsoftmax  ✓ softmax  · log_softmax"
    )


@pytest.mark.usefixtures("two_chapters")
def test_the_drawing_fills_in():
    for passed, labels in (
        (set(), {"tokens 0/1", "softmax 0/2", "heads"}),
        ({"mean", "softmax"}, {"tokens ✓", "softmax 1/2"}),
        ({"mean", "softmax", "log_softmax"}, {"tokens ✓", "softmax ✓"}),
    ):
        svg = drawing.transformer(report.Report(passed).tally)
        assert labels <= set(texts(svg))


def test_more_than_the_colour_tells_passed_from_open():
    open_, begun, full = (drawing._part("softmax", "s", 0, 0, 9, 9, n, 2) for n in range(3))
    assert "stroke-dasharray" in open_
    assert "stroke-dasharray" not in begun + full
    assert 'stroke-width="2.5"' in full
    assert "✓" in full
    assert "✓" not in open_ + begun


@pytest.mark.usefixtures("two_chapters")
def test_the_drawing_has_words():
    root = ET.fromstring(drawing.transformer(report.Report({"mean": {}}).tally))
    assert root.get("role") == "img"
    assert "begin 1 of 1" in root.get("aria-label")
    assert "softmax 0 of 2" in root.get("aria-label")
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert len(titles) == 1 + len(drawing.PARTS)


def test_parts_stay_inside_the_drawing():
    for _, _, x, y, width, height in drawing.PARTS:
        assert 0 <= x <= x + width <= drawing.WIDTH
        assert 0 <= y <= y + height <= drawing.HEIGHT


def test_parts_are_chapters():
    from tantra.check.exercises import CHAPTERS

    assert {part[0] for part in drawing.PARTS} <= set(CHAPTERS)


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
