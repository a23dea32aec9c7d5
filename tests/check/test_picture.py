"""Input, target and yours, side by side."""

from dataclasses import replace

import numpy as np
import pytest

plt = pytest.importorskip("matplotlib.pyplot")


def split(x):
    mean = x.mean(axis=-1, keepdims=True)
    return mean, x - mean


def titles(figure):
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


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
