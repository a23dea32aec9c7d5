"""Other numbers: the right answer passes, each known mistake is named, and the page says them."""

import nbformat
import numpy as np
import pytest

from course import ROOT
from tantra import check
from tantra.check import variants
from tantra.check.exercises import registry
from tantra.classroom import students

NAMES = list(variants.variations())
SEEDS = range(12)


def plain(value):
    """A value as text, its numbers to nine digits."""
    if isinstance(value, tuple | list | np.ndarray):
        return tuple(map(plain, value))
    return f"{float(value):.9g}"


def texts():
    """{task: its text on the page}."""
    found = {}
    for path in sorted((ROOT / "exercises").glob("[0-9][0-9]_*.ipynb")):
        cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
        for name, source in cells.items():
            if name.endswith("-check"):
                found[students.CALL.match(source)[1]] = cells[name.removesuffix("-check")]
    return found


TEXTS = texts()


@pytest.mark.parametrize("name", NAMES)
def test_with_the_pages_numbers_it_is_the_pages_exercise(name):
    variation, ours = variants.variations()[name], registry()[name]
    made = variants.with_numbers(variation, variation.standard)
    assert list(made.mistakes) == list(ours.mistakes)
    assert (made.asks, made.hints) == (ours.asks, ours.hints)
    assert list(map(plain, made.mistakes.values())) == list(map(plain, ours.mistakes.values()))
    assert plain(made.answer) == plain(ours.answer)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_answer_passes_and_each_mistake_fails_with_its_sentence(name, seed):
    made, ours = variants.exercise(name, seed), registry()[name]
    assert made.judge(made.answer).passed
    assert len(made.mistakes) == len(ours.mistakes)
    for said, wrong in made.mistakes.items():
        verdict = made.judge(wrong)
        assert (verdict.status, verdict.mistake) == ("failed", said)
    assert not made.judge(ours.answer).passed
    assert made == variants.exercise(name, seed)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_the_numbers_of_the_seed(name):
    said = {variants.text(name, TEXTS[name], seed) for seed in SEEDS}
    assert len(said) > len(SEEDS) / 3
    assert TEXTS[name] not in said


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_that_an_answer_needs_stand_in_the_page(name):
    """Two draws that a page tells in the same words have the same answer."""
    said = {}
    for seed in range(60):
        text, answer = variants.text(name, TEXTS[name], seed), variants.exercise(name, seed).answer
        assert said.setdefault(text, answer) == answer
        assert text.splitlines()[:2] == TEXTS[name].splitlines()[:2]
    assert len({plain(answer) for answer in said.values()}) > 4


def test_what_has_no_variation_is_as_it_stands():
    assert variants.exercise("softmax", 3) is registry()["softmax"]
    assert variants.exercise("mean_shape") is registry()["mean_shape"]


def test_a_page_chooses_its_seed():
    try:
        check.variant(3)
        assert check.mean_shape == variants.exercise("mean_shape", 3)
        assert check.softmax is registry()["softmax"]
    finally:
        check.variant(None)
    assert check.mean_shape is registry()["mean_shape"]


def test_numbers_that_cannot_tell_the_mistakes_apart_are_refused(monkeypatch):
    import dataclasses

    narrow = dataclasses.replace(variants.variations()["mean_shape"], draw=lambda rng: (2, 2, 2))
    monkeypatch.setattr(variants, "variations", lambda: {"mean_shape": narrow})
    with pytest.raises(ValueError, match="mean_shape: no draw of 1000 tells its mistakes apart"):
        variants.exercise("mean_shape", -1)
