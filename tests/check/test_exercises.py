"""Every exercise of the course: what it promises is tried out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tantra import check
from tantra.check import Exercise, Prediction
from tantra.check.difference import as_array, difference
from tantra.check.exercises import CHAPTERS, chapters, registry

ALL = list(registry().values())
EXERCISES = [exercise for exercise in ALL if isinstance(exercise, Exercise)]
PREDICTIONS = [exercise for exercise in ALL if isinstance(exercise, Prediction)]
MISTAKES = [(exercise, sentence) for exercise in ALL for sentence in exercise.mistakes]
KINDS = {"implement", "derive", "hunt", "predict", "ablate"}
SEEDS = (1, 2)

# Exercises that need arrays with two equal axes, and why.
ADDED = "what a part returns is added to the stream, so its matrix is as wide as high"
SQUARE = {
    "join_c_attn": "query, key and value are as wide as high",
    "relevance_backward": "tokens look at one another: as many queries as keys",
    "induction_score": "tokens look at one another: as many queries as keys",
    "pre_norm_block": ADDED,
    "post_norm_block": ADDED,
    "leaking_block": ADDED,
    "fit_table": "it scores what follows what: a row and a column for each word",
}

each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
each_prediction = pytest.mark.parametrize("exercise", PREDICTIONS, ids=lambda task: task.name)


def arrays(args):
    """The arrays and tensors among arguments, also inside tuples, lists and dicts."""
    for value in args.values() if isinstance(args, dict) else args:
        if isinstance(value, np.ndarray | torch.Tensor):
            yield as_array(value)
        elif isinstance(value, tuple | list | dict):
            yield from arrays(value)


def has_different_axes(args):
    return all(len(set(array.shape)) == array.ndim for array in arrays(args))


def draws(exercise, seed):
    return [case.args for case in exercise.all_cases(seed) if case.drawn]


@pytest.mark.parametrize("chapter", chapters())
def test_a_chapter_has_enough_tasks_of_different_kinds(chapter):
    exercises = chapters()[chapter]
    fewest = 2 if chapter == "begin" else 4
    assert len(exercises) >= fewest
    assert len({exercise.kind for exercise in exercises}) >= 2
    assert {exercise.kind for exercise in exercises} <= KINDS


def test_chapters_come_in_course_order():
    assert list(chapters()) == [chapter for chapter in CHAPTERS if chapter in chapters()]


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.name)
def test_an_exercise_is_complete(exercise):
    assert getattr(check, exercise.name) is exercise
    assert exercise.asks.endswith(".")
    assert len(exercise.mistakes) >= 4
    assert len(exercise.hints) >= 1


@each
@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_passes(exercise, seed):
    verdict = exercise.judge(exercise.reference, seed, trusted=True)
    assert verdict.passed, verdict


@each
def test_the_stub_is_not_written_yet(exercise):
    class Stub:
        def __new__(cls, *args, **named):
            raise NotImplementedError

    def stub(*args, **named):
        raise NotImplementedError

    kind = Stub if isinstance(exercise.reference, type) else stub
    assert exercise.judge(kind).status == "unwritten"


@each
def test_a_hunts_given_code_is_not_written_yet(exercise):
    assert (exercise.kind == "hunt") == (exercise.given is not None)
    if exercise.given:
        verdict = exercise.judge(exercise.given, trusted=True)
        assert verdict.status == "unwritten"
        assert "the code you were given" in verdict.problem


@pytest.mark.parametrize(
    ("exercise", "sentence"), MISTAKES, ids=[f"{e.name}: {s[:40]}" for e, s in MISTAKES]
)
def test_each_known_mistake_fails_with_its_own_sentence(exercise, sentence):
    wrong = exercise.mistakes[sentence]
    if isinstance(exercise, Prediction):
        assert exercise.judge(wrong).mistake == sentence
        return
    for seed in SEEDS:
        verdict = exercise.judge(wrong, seed, trusted=True)
        assert (verdict.status, verdict.mistake) == ("failed", sentence)


@each
def test_no_mistake_fails_to_answer_everywhere(exercise):
    """One that raises on every case would be found in every attempt that raises as well."""
    for sentence, wrong in exercise.mistakes.items():
        outcomes = [exercise.run(wrong, case) for case in exercise.all_cases(seed=0)]
        assert any(outcome.error is None for outcome in outcomes), sentence


def spoiled(exercise, spoil):
    """The exercise, in which an attempt `...` stands for the reference with its answer spoiled."""

    def call(attempt, *args):
        if attempt is not spoil:
            return exercise.call(attempt, *args)
        return each_leaf(exercise.call(exercise.reference, *args), spoil)

    return replace(exercise, call=call)


def each_leaf(value, change):
    if isinstance(value, dict):
        return {key: each_leaf(item, change) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(each_leaf(item, change) for item in value)
    return change(value)


def noise(value):
    """A little more than the truth; the other way round where it is True or False."""
    if isinstance(value, bool | np.bool_) or getattr(value, "dtype", None) in (bool, torch.bool):
        return ~value if hasattr(value, "dtype") else not value
    if isinstance(value, str):
        return value + "?"
    return value + 1 if "int" in str(getattr(value, "dtype", type(value))) else value * 1.01 + 0.01


def turned(value):
    return value.T if getattr(value, "ndim", 0) == 2 else noise(value)


def flat(value):
    return value.reshape(-1) if getattr(value, "ndim", 0) > 1 else noise(value)


def nothing(value):
    return value * float("nan") if "float" in str(getattr(value, "dtype", "")) else noise(value)


@each
@pytest.mark.parametrize("spoil", [noise, turned, flat, nothing])
def test_a_mistake_that_is_not_on_the_list_fails(exercise, spoil):
    verdict = spoiled(exercise, spoil).judge(spoil)
    assert verdict.status == "failed"
    assert verdict.problem


@each
def test_answers_learnt_by_heart_fail(exercise):
    shown = list(exercise.cases.values())

    def by_heart(value):
        return value

    def call(attempt, *args):
        answer = exercise.call(exercise.reference, *args)
        known = any(difference(args, case, rtol=0, atol=0) is None for case in shown)
        return answer if attempt is not by_heart or known else each_leaf(answer, noise)

    verdict = replace(exercise, call=call).judge(by_heart)
    assert verdict.status == "failed"
    assert verdict.case.startswith("random case")


@each
def test_shown_cases_are_small(exercise):
    sizes = [array.size for args in exercise.cases.values() for array in arrays(args)]
    assert max(sizes, default=0) <= 30


@each
def test_axes_have_different_lengths(exercise):
    """In every random case and in at least one shown case, so that no mix-up of axes passes."""
    shown = any(has_different_axes(args) for args in exercise.cases.values())
    drawn = all(has_different_axes(args) for args in draws(exercise, seed=0))
    assert (shown and drawn) != (exercise.name in SQUARE)


@each
def test_random_cases_differ(exercise):
    first, *others = draws(exercise, seed=0)
    assert any(difference(args, first) for args in others)
    assert difference(draws(exercise, seed=1)[0], first)


@each_prediction
def test_the_right_prediction_passes(exercise):
    assert exercise.judge(exercise.answer).passed
    assert exercise.judge(...).status == "unwritten"
    assert exercise.judge(each_leaf(exercise.answer, noise)).status == "failed"
