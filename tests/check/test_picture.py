"""Input, target and yours, side by side."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tantra.check import Exercise, panels
from tantra.check.exercises import registry

plt = pytest.importorskip("matplotlib.pyplot")
EXERCISES = [exercise for exercise in registry().values() if isinstance(exercise, Exercise)]


def split(x):
    mean = x.mean(axis=-1, keepdims=True)
    return mean, x - mean


def titles(figure):
    """The titles of the panels: those over cells, and those over text."""
    both = ((ax.get_title(), ax.get_title(loc="left")) for ax in figure.axes)
    return [title for pair in both for title in pair if title]


def shown(figure):
    """All that is written in a figure's panels."""
    return [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_a_failing_case_is_drawn(exercise):
    exercise(lambda x: x - x.mean(axis=0) if len(x) == 2 else x - x.mean(axis=-1, keepdims=True))
    figure = exercise.picture()
    assert titles(figure) == ["input x", "target", "yours"]
    assert figure.get_suptitle() == 'center · case "two rows"'
    target, yours = (ax.images[0] for ax in figure.axes[1:3])
    assert np.array_equal(target.get_array(), [[-2, -1, 3], [-1, -1, 2]])
    assert target.get_clim() == yours.get_clim()


def test_a_pass_is_drawn_on_its_first_case(exercise):
    exercise(lambda x: x - x.mean(axis=-1, keepdims=True))
    assert exercise.picture().get_suptitle() == 'center · case "one row"'


@pytest.mark.parametrize("attempt", [lambda x: 1 / 0, lambda x: None, None, ...])
def test_an_attempt_without_an_answer_leaves_its_place_out(exercise, attempt):
    exercise(attempt)
    assert titles(exercise.picture()) == ["input x", "target"]


def test_nan_and_higher_axes_are_drawn(exercise):
    batch = replace(exercise, cases={"batch": (np.arange(24.0).reshape(2, 3, 4),)}, memory={})
    batch(lambda x: x * np.nan)
    assert titles(batch.picture())[0] == "input x\nfirst slice of (2, 3, 4)"


def test_an_answer_is_as_wide_as_its_target(exercise):
    exercise(lambda x: x + 0.123456)
    figure = exercise.picture()
    figure.draw_without_rendering()
    target, yours = (ax.get_position() for ax in figure.axes[1:3])
    assert target.width == pytest.approx(yours.width, rel=0.02)


def test_results_are_drawn_by_name(exercise):
    pair = replace(exercise, results=("mean", "rest"), reference=split, memory={})
    pair(lambda x: (split(x)[1], split(x)[1]))
    assert titles(pair.picture()) == [
        "input x", "target: mean", "target: rest", "yours: mean", "yours: rest"
    ]  # fmt: skip


def test_without_an_attempt_it_says_so(exercise, prediction, capsys):
    assert exercise.picture() is None
    assert prediction.picture() is None
    assert capsys.readouterr().out == (
        "center: no attempt to draw yet; call check.center(...) first\n"
        "shape is a prediction: there is nothing to draw\n"
    )


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_a_failing_attempt_at_each_exercise_is_drawn_whole(exercise):
    """Without a warning, every input by its name, and every piece of text as it is."""
    wrong = next(iter(exercise.mistakes.values()))
    verdict = exercise.judge(wrong, seed=0, trusted=True)
    drawn = replace(exercise, memory={"last": (verdict, wrong)}).picture()
    drawn.draw_without_rendering()
    assert drawn.get_figwidth() <= panels.WIDE  # so that a phone can show it
    said = "\n".join([*titles(drawn), *shown(drawn)])
    for name, value in verdict.inputs.items():
        assert f"input {name}" in said or f"{name} =" in said
        assert not isinstance(value, tuple) or said.count(name) >= sum(map(panels.has_cells, value))
    panels_of = {title.partition(":")[0].partition("\n")[0] for title in titles(drawn)}
    assert "target" in panels_of
    answered = verdict.answer is not None or verdict.mistake in exercise.rules  # a right number
    assert ("yours" in panels_of) == answered
    written = [text for ax in drawn.axes for text in (ax.title, *ax.texts) if text.get_text()]
    assert not any(text.get_parse_math() for text in written)


def drawn(value, **more):
    figure = panels.draw([{"input x": value, **more}, {"target": np.eye(2)}, {}])
    figure.draw_without_rendering()
    return figure


SHOWN = {
    "a number": (2, "x = 2"),
    "a share": (0.6, "x = 0.6"),
    "a number of NumPy's": (np.float32(0.5), "x = 0.5"),
    "a number in an array": (np.array(0.25), "x = 0.25"),
    "a number in a tensor": (torch.tensor(7), "x = 7"),
    "tokens": (np.array([3, 1, 2]), "x = [3, 1, 2]"),
    "tokens in rows": (torch.tensor([[3, 1], [0, 2]]), "x =\n[[3, 1],\n [0, 2]]"),
    "nothing": (None, "x = None"),
    "a string": ("nadī", "x = 'nadī'"),
    "strings": (["n", "a"], "x = ['n', 'a']"),
    "a set": ({"b", "a"}, "x = {'a', 'b'}"),
    "an empty array": (np.zeros((0, 3)), "x = empty, of shape (0, 3)"),
    "a function": (len, "x = len"),
    "markup": ("$\\frac$", "x = '$\\\\frac$'"),
    "what the font lacks": ("पद", "x = '\\u092a\\u0926'"),
    "a complex array": (np.array([1 + 2j]), "x = [1.+2.j]"),
}


@pytest.mark.parametrize("kind", SHOWN)
def test_what_has_no_cells_is_written(kind):
    value, text = SHOWN[kind]
    figure = drawn(value)
    assert text in shown(figure)
    assert len([ax for ax in figure.axes if ax.images]) == 1  # the target's


def test_small_arrays_carry_their_numbers_and_the_words_of_what_is_none():
    figure = drawn(np.array([[0.25, np.nan, 1000.0], [np.inf, -np.inf, -0.0]]))
    numbers = [text.get_text() for text in figure.axes[0].texts]
    assert numbers == ["0.25", "nan", "1000", "inf", "-inf", "0"]


def test_true_and_false_have_cells():
    figure = drawn(np.array([[True, False]]))
    assert np.array_equal(figure.axes[0].images[0].get_array(), [[1, 0]])


@pytest.mark.parametrize("value", [np.full((2, 3), np.nan), np.full(3, np.inf), np.zeros((2, 2))])
def test_an_array_without_a_number_to_colour_is_drawn(value):
    assert "input x" in titles(drawn(value))


def test_large_arrays_are_cut_and_say_so():
    figure = drawn(np.where(np.eye(100) > 0, np.nan, 1.0))
    assert titles(figure)[0] == "input x\nthe first 64 of (100, 100)\n64 not finite"
    assert figure.axes[0].images[0].get_array().shape == (64, 64)
    assert not figure.axes[0].texts
    assert len("".join(shown(drawn("x" * 10_000)))) < 500


def test_the_slice_is_the_one_in_which_the_answers_differ():
    right = np.zeros((2, 3, 4, 5))
    wrong = right.copy()
    wrong[1, 2, 0, 0] = 1.0
    figure = panels.draw([{"input x": right}, {"target": right}, {"yours": wrong}])
    assert titles(figure)[2] == "yours\nslice [1, 2] of (2, 3, 4, 5)"
    assert figure.axes[2].images[0].get_array()[0, 0] == 1.0


def test_names_of_the_readers_are_no_markup(exercise):
    odd = replace(exercise, reference=lambda x: {"$\\frac$": x}, memory={})
    odd(lambda x: {"$a$": x, "$": "$$"})
    figure = odd.picture()
    figure.draw_without_rendering()
    assert "yours: $a$" in titles(figure)


ANSWERS = [[[1.0], [2.0, 3.0]], np.array(["a", "b"]), {"a": {1: np.ones(2)}}, (), {}, object(),
           (i for i in range(3)), np.ma.masked_array([1.0, 2.0], [True, False]),
           SimpleNamespace(shape=(2,)), torch.zeros(2, 0), torch.ones(2).to_sparse()]  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_whatever_comes_back_is_drawn(exercise, answer):
    exercise(lambda x: answer)
    figure = exercise.picture()
    figure.draw_without_rendering()
    assert any(title.startswith("yours") for title in titles(figure))
