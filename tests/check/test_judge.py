"""Every kind of verdict, in the order in which a learner should hear of it."""

import functools
import math
import time
import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

import tantra
from tantra.check import Exercise, diagnosis, engine, watch


def center(x):
    return x - x.mean(axis=-1, keepdims=True)


def test_a_right_answer_passes(exercise):
    verdict = exercise.judge(center)
    assert verdict.passed
    assert verdict.problem == "2 shown cases and 20 random ones agree"


def not_written(x):
    raise NotImplementedError


def half_written(x):
    if len(x) > 1:
        raise NotImplementedError
    return center(x)


@pytest.mark.parametrize("stub", [not_written, half_written, ...])
def test_a_stub_is_not_written_yet(exercise, stub):
    verdict = exercise.judge(stub)
    assert (verdict.status, verdict.problem) == ("unwritten", None)


def test_a_hunt_that_was_not_begun_is_not_written_yet(exercise):
    verdict = exercise.judge(lambda x: x - x.mean())
    assert verdict.status == "unwritten"
    assert verdict.problem.startswith("it still does what the code you were given does")


def divides(x):
    return 1 / 0


def leaves(x):
    raise SystemExit("bye")


def recurs(x):
    return recurs(x)


def fails_in_numpy(x):
    return np.linalg.inv(x)


def changes(x):
    x -= x.mean(axis=-1, keepdims=True)
    return x


def forgets_to_return(x):
    center(x)


WRONG = [
    (divides, "raised ZeroDivisionError: division by zero\nin divides, line {}: return 1 / 0"),
    (leaves, 'raised SystemExit: bye\nin leaves, line {}: raise SystemExit("bye")'),
    (
        fails_in_numpy,
        "raised LinAlgError: Last 2 dimensions of the array must be square\n"
        "in fails_in_numpy, line {}: return np.linalg.inv(x)",
    ),
    (changes, "your function changed its input x: make a new array instead"),
    (forgets_to_return, "returned None: is there a return?"),
    (
        lambda x: center(x).tolist(),
        "a list, expected a NumPy array: np.array(...) makes one of a list",
    ),
    (lambda x: center(x).astype("float32"), "dtype is float32, expected float64"),
    (lambda x: center(x).T, "shape is (3, 1), expected (1, 3)"),
    (lambda x: center(x)[0], "shape is (3,), expected (1, 3)"),
    (
        lambda x: center(x) * np.inf,
        "3 of 3 values are not finite: -inf at [0, 0], where -2 was expected",
    ),
    (lambda x: center(x) + 1, "3 of 3 values differ; the first at [0, 0]: -1, expected -2"),
]


@pytest.mark.parametrize(("attempt", "problem"), WRONG)
def test_what_is_wrong_is_said(exercise, attempt, problem):
    verdict = exercise.judge(attempt)
    assert verdict.problem == problem.format(attempt.__code__.co_firstlineno + 1)
    assert (verdict.case, verdict.seed, verdict.mistake) == ('case "one row"', None, None)
    assert list(verdict.inputs) == ["x"]


def test_the_line_is_the_innermost_of_the_learners(exercise):
    def helper(x):
        return x.nowhere

    problem = exercise.judge(lambda x: helper(x)).problem
    assert problem.endswith(
        f"in helper, line {helper.__code__.co_firstlineno + 1}: return x.nowhere"
    )


def test_endless_recursion_is_said(exercise):
    assert exercise.judge(recurs).problem.startswith("raised RecursionError")


def test_a_call_that_does_not_fit_is_said(exercise):
    problem = exercise.judge(lambda: None).problem
    assert "raised TypeError" in problem
    assert "takes 0 positional arguments but 1 was given" in problem


@pytest.mark.parametrize("thing", [None, 3, np.ones(2), "center"])
def test_what_is_no_function_is_refused(exercise, thing):
    assert exercise.judge(thing).problem.startswith("hand in your function itself")


def test_each_known_mistake_gets_its_sentence(exercise):
    for sentence, wrong in exercise.mistakes.items():
        assert exercise.judge(wrong).mistake == sentence


def test_a_mistake_is_recognised_by_value_not_by_form(exercise):
    def column_by_column(x):
        return np.stack([column - column.mean() for column in x.T], axis=-1)

    assert exercise.judge(column_by_column).mistake == "that is the mean of each column"


def test_a_mistake_on_some_cases_only_is_no_diagnosis(exercise):
    def sometimes(x):
        return x - x.mean(axis=0) if len(x) == 2 else center(x) + 1

    assert exercise.judge(sometimes).mistake is None


def test_a_mistake_raises_the_same_error_and_changes_the_same_input(exercise):
    def only_one_row(error):
        def attempt(x):
            if len(x) > 1:
                raise error
            return x

        return attempt

    picky = replace(exercise, mistakes={"one row": only_one_row(ValueError("no"))}, memory={})
    same = picky.judge(only_one_row(ValueError("other words")))
    assert (same.mistake, same.besides) == ("one row", None)
    other = picky.judge(only_one_row(TypeError("no")))
    assert (other.mistake, other.besides) == ("one row", 'case "two rows"')
    in_place = replace(exercise, mistakes={"in place": changes}, memory={})
    assert in_place.judge(changes).mistake == "in place"
    assert replace(exercise, mistakes={"": center}).judge(changes).mistake is None


def test_answers_learnt_by_heart_fail_on_a_random_case(exercise):
    answers = {args[0].tobytes(): center(*args) for args in exercise.cases.values()}

    def by_heart(x):
        return answers.get(x.tobytes(), np.zeros_like(x))

    verdict = exercise.judge(by_heart)
    assert verdict.case == "random case 1"
    again = exercise.judge(by_heart, seed=verdict.seed)
    assert np.array_equal(verdict.inputs["x"], again.inputs["x"])
    assert not np.array_equal(verdict.inputs["x"], exercise.judge(by_heart).inputs["x"])


def test_the_seed_is_not_the_global_one(exercise):
    seeds = set()
    for _ in range(3):
        np.random.seed(0)
        torch.manual_seed(0)
        seeds.add(exercise.judge(center).seed)
    assert len(seeds) > 1


def test_an_attempt_may_ruin_its_copies_and_numpys_state(exercise):
    def ruins(x):
        answer = center(x)
        np.random.seed(0)
        np.seterr(all="raise")
        x[:] = 0
        return answer

    before = np.geterr()
    assert "changed its input" in exercise.judge(ruins).problem
    assert exercise.judge(center).passed
    assert np.geterr() == before


def test_warnings_inside_an_attempt_are_no_errors(exercise):
    def warns(x):
        warnings.warn("careful", stacklevel=1)
        np.exp(x * 1e9)
        return center(x)

    assert exercise.judge(warns).passed


def softmax_exercise(**changes):
    exercise = Exercise(
        name="softmax",
        kind="implement",
        asks="",
        reference=tantra.softmax,
        cases={"three": (np.array([1.0, 2.0, 3.0]),)},
        draw=lambda rng: (rng.standard_normal(3),),
        mistakes={},
    )
    return replace(exercise, **changes)


def wrapped(x):
    return tantra.softmax(x)


def test_tantras_own_function_does_not_count():
    exercise = softmax_exercise()
    for own in (tantra.softmax, functools.partial(tantra.softmax, axis=-1), wrapped):
        assert (
            exercise.judge(own).problem == "this is tantra's own, so it does not count: write yours"
        )
        assert exercise.judge(own, trusted=True).passed


def test_the_librarys_part_can_be_named():
    exercise = softmax_exercise(reference=lambda x: tantra.softmax(x))
    assert exercise.judge(wrapped).passed
    assert not replace(exercise, library=tantra.softmax).judge(wrapped).passed


def test_a_class_of_tantras_does_not_count():
    class Mine(tantra.LayerNorm):
        pass

    x = torch.randn(2, 3, dtype=torch.float64)
    exercise = softmax_exercise(
        reference=tantra.LayerNorm,
        cases={"rows": (x,)},
        draw=lambda rng: (torch.tensor(rng.standard_normal((2, 3))),),
        call=lambda norm, x: norm(3).double()(x),
    )
    assert "tantra's own" in exercise.judge(tantra.LayerNorm).problem
    assert "tantra's own" in exercise.judge(Mine).problem
    assert exercise.judge(torch.nn.LayerNorm).passed


def test_a_helper_from_tantra_is_welcome():
    def attention(q, k):
        return tantra.softmax(q @ k.T)

    exercise = softmax_exercise(
        reference=attention,
        cases={"small": (np.ones((2, 3)), np.ones((4, 3)))},
        draw=lambda rng: (rng.standard_normal((2, 3)), rng.standard_normal((4, 3))),
    )
    assert exercise.judge(attention).passed


def test_inputs_are_called_as_the_call_or_the_reference_calls_them(exercise):
    def changes_first(*args):
        args[0][:] = 0
        return center(*args)

    adapters = {
        "scores": lambda attempt, scores: attempt(scores),
        "x": lambda attempt, *args: attempt(*args),
    }
    for name, call in adapters.items():
        verdict = replace(exercise, call=call).judge(changes_first)
        assert list(verdict.inputs) == [name]
        assert f"changed its input {name}:" in verdict.problem
    unnamed = replace(exercise, reference=lambda *args: center(*args))
    verdict = unnamed.judge(changes_first)
    assert list(verdict.inputs) == ["input 1"]
    assert "changed its input 1:" in verdict.problem


def breaks(x):
    raise AttributeError("module 'sympy' has no attribute 'printing'")


@pytest.mark.parametrize("attempt", [center, breaks, np.exp])
def test_an_error_of_the_reference_is_no_expectation(exercise, attempt):
    verdict = replace(exercise, reference=breaks, mistakes={}).judge(attempt)
    assert verdict.status == "failed"
    assert verdict.problem == (
        "the check itself failed, and your code has not been judged: AttributeError: module "
        "'sympy' has no attribute 'printing'. Restart the kernel and run the page again; if it "
        "stays so, please report it"
    )


def loops(x):
    while True:
        pass


def test_an_endless_loop_is_stopped_and_the_next_check_works(exercise):
    verdict = replace(exercise, seconds=0.3).judge(loops)
    assert verdict.problem == (
        "still computing after 0.3 seconds, so it was stopped: is there a loop that never ends?"
    )
    assert verdict.case == 'case "one row"'
    assert exercise.judge(center).passed


def test_a_sleeper_is_stopped(exercise, monkeypatch):
    monkeypatch.setattr(engine, "PATIENCE", 0.3)
    verdict = exercise.judge(lambda x: time.sleep(60))
    assert verdict.problem.startswith("waited for 0.3 seconds, so it was stopped: does it sleep")


def busy(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_the_clock_counts_the_attempt_alone(exercise):
    """A reference, a mistake or a rule that computes for long takes nothing from the attempt."""

    def slow(x):
        busy(0.06)
        return center(x)

    def slow_mistake(x):
        busy(0.06)
        return x - 1

    slow_parts = {"reference": slow, "mistakes": {"less one": slow_mistake}}
    slowly = replace(exercise, seconds=1.0, memory={}, **slow_parts)
    assert slowly.judge(center).passed
    assert slowly.judge(lambda x: x - 1).mistake == "less one"


def test_a_slow_attempt_is_counted_over_all_its_runs(exercise):
    def slow(x):
        busy(0.05)
        return center(x)

    assert "still computing" in replace(exercise, seconds=0.3).judge(slow).problem


def derived(x):
    """A derivation that is tried out with torch or with differences."""
    return 3 * x * x


@pytest.fixture
def derivation():
    return Exercise(
        name="slope",
        kind="derive",
        asks="The slope of x³.",
        reference=derived,
        cases={"three": (np.array([1.0, 2.0, 4.0]),), "none": (np.zeros(3),)},
        draw=lambda rng: (rng.standard_normal(3),),
        mistakes={"the cube itself": lambda x: x**3},
    )


def by_torch(x):
    x = torch.tensor(x, requires_grad=True)
    return torch.autograd.grad((x * x * x).sum(), x)[0].numpy()


def by_backward(x):
    x = torch.tensor(x, requires_grad=True)
    (x * x * x).sum().backward()
    return x.grad.numpy()


def by_func(x):
    return torch.func.grad(lambda x: (x * x * x).sum())(torch.tensor(x)).numpy()


def by_differences(x, step=1e-5):
    return ((x + step) ** 3 - (x - step) ** 3) / (2 * step)


def by_crude_differences(x):
    return ((x + 1e-6) ** 3 - x**3) / 1e-6


@pytest.mark.parametrize("attempt", [by_torch, by_backward, by_func])
def test_a_derivation_by_autograd_is_told_so(derivation, attempt):
    verdict = derivation.judge(attempt)
    assert (verdict.status, verdict.mistake) == ("failed", diagnosis.BY_AUTOGRAD)


@pytest.mark.parametrize("rtol", [1e-6, 1e-9])
@pytest.mark.parametrize("attempt", [by_differences, by_crude_differences])
def test_a_derivation_by_differences_is_told_so(derivation, attempt, rtol):
    verdict = replace(derivation, rtol=rtol).judge(attempt)
    assert (verdict.status, verdict.mistake) == ("failed", diagnosis.BY_DIFFERENCES)


def test_a_derivation_by_hand_passes(derivation):
    assert derivation.judge(lambda x: x * x + x * x + x * x).passed
    assert derivation.judge(lambda x: (4 * x - x) * x).passed
    assert derivation.judge(lambda x: x**3).mistake == "the cube itself"
    assert derivation.judge(np.sin).mistake is None


def test_a_reference_may_leave_the_derivation_to_torch(derivation):
    assert replace(derivation, reference=by_torch).judge(by_torch, trusted=True).passed


def test_a_rule_is_asked_when_the_numbers_are_right(exercise):
    def by_columns(x):
        return np.stack([x[:, n] - x.mean(axis=-1) for n in range(3)], axis=-1)

    said = "no loop over the columns, please"
    strict = replace(
        exercise,
        rules={
            said: lambda attempt: watch.calls(
                {by_columns.__code__}, lambda: attempt(np.ones((2, 3)))
            )
        },
    )
    verdict = strict.judge(by_columns)
    assert (verdict.status, verdict.mistake, verdict.problem) == ("failed", said, engine.RIGHT_BUT)
    assert strict.judge(center).passed
    assert strict.judge(lambda x: by_columns(x) + 1).mistake is None


def test_changed_code_that_still_does_what_was_given_is_told_so(exercise):
    def changed(x):
        total = 0.0
        for number in x.reshape(-1):
            total += number
        return x - total / x.size

    verdict = exercise.judge(changed)
    assert (verdict.status, verdict.problem) == ("unwritten", engine.GIVEN)


def test_two_slips_at_once_get_the_sentence_of_the_one_that_shows_first(exercise):
    def by_columns_and_in_place_of_two(x):
        return x - x.mean(axis=0) if len(x) == 1 else x * 2

    verdict = exercise.judge(by_columns_and_in_place_of_two)
    assert verdict.mistake == "that is the mean of each column"
    assert verdict.besides == 'case "two rows"'


def test_a_mistake_is_not_named_where_the_attempt_is_right(exercise):
    """Agreeing on one case by chance is no sign where the mistake would show elsewhere too."""

    def wrong_once(x):
        return x - x.mean(axis=0) if len(x) == 1 else center(x)

    assert exercise.judge(wrong_once).mistake is None


def test_a_slow_wrong_answer_keeps_its_problem(exercise):
    def slow(x):
        time.sleep(0.1)
        return x

    assert "values differ" in exercise.judge(slow).problem


def test_prints_are_heard_once(exercise, capsys):
    def talks(x):
        print("x is", x.shape)
        return x

    exercise.judge(talks)
    assert capsys.readouterr().out == "x is (1, 3)\n"


def test_predictions(prediction):
    right = [(2, 5, 7), [2, 5, 7], torch.Size([2, 5, 7]), (np.int64(2), 5, torch.tensor(7))]
    right += [np.array([2, 5, 7]), torch.tensor([2, 5, 7])]
    said = {prediction.judge(value).problem for value in right}
    assert said == {"(2, 5, 7), as you predicted"}
    assert prediction.judge(...).status == "unwritten"
    assert prediction.judge((2, 7, 5)).mistake == "the last two are swapped"
    wrong = {(2, 5): "(2, 5)", (2, 5, 8): "(2, 5, 8)"}
    for value, shown in wrong.items():
        verdict = prediction.judge(value)
        assert (verdict.problem, verdict.mistake) == (f"{shown} is not what comes out", None)
    assert prediction.judge(70).problem == "a number, but the answer is a tuple"
    truth = prediction.judge((True, 5, 7)).problem
    assert truth == "number 1 of your 3: True or False, but the answer is a number"
    many = prediction.judge((2, np.ones(1000), 7)).problem
    assert many == "number 2 of your 3: a tuple, but the answer is a number"
    assert prediction.judge(np.ones(1000)).problem == "1000 results, but the answer has fewer"
    assert prediction.judge(center).problem == "a function, but the answer is a tuple"


def test_numbers_are_predicted_closely_and_counts_exactly(prediction):
    close = replace(prediction, answer=0.125, rtol=1e-3, mistakes={})
    assert close.judge(0.12501).passed
    assert close.judge(Fraction(1, 8)).passed
    assert not close.judge(Fraction(10**999, 3)).passed
    assert not close.judge(0.126).passed
    count = replace(prediction, answer=124_439_808, mistakes={})
    assert count.judge(124_439_808).passed
    assert not count.judge(124_439_809).passed
    one = replace(prediction, answer=1, mistakes={})
    assert one.judge(True).problem == "True or False, but the answer is a number"


ROUNDED = [
    ((5.0, 1.414), 1e-3, (5, 1.41), "3 decimals"),
    ((5.0, 1.45), 1e-2, (5, 1.5), "2 decimals"),
    (0.0516, 1e-2, 0.05, "3 decimals"),
    (10.8249, 4.6e-4, 10.8, "2 decimals"),
    (10.82, 5e-3, 11, "1 decimal"),
    (1236, 1e-6, 1240, "all digits"),
]


@pytest.mark.parametrize(("answer", "rtol", "guess", "wanted"), ROUNDED)
def test_a_prediction_rounded_too_far_is_told_so(prediction, answer, rtol, guess, wanted):
    rounding = replace(prediction, answer=answer, rtol=rtol, mistakes={})
    assert rounding.judge(guess).problem == f"{guess!r} is rounded too far: give {wanted}"


def test_a_known_mistake_may_be_rounded(prediction):
    slip = replace(prediction, answer=0.5, rtol=1e-3, mistakes={"a root": 10**-0.5})
    assert slip.judge(0.316).mistake == slip.judge(0.32).mistake == "a root"
    assert slip.judge(0.33).mistake is None


@pytest.mark.parametrize("guess", [0.06, 0.052e3, 0.0, -0.05, 1, (0.05,), "0.05", math.inf])
def test_another_number_is_not_called_rounded(prediction, guess):
    rounding = replace(prediction, answer=0.0516, rtol=1e-2, mistakes={})
    assert "rounded" not in rounding.judge(guess).problem


def test_numbers_of_any_size_are_judged(exercise, prediction):
    whole = replace(prediction, answer=3.4e38, rtol=1e-2, mistakes={})
    assert whole.judge(34 * 10**37).passed
    assert not whole.judge(2**64).passed
    assert not whole.judge(10**400).passed
    exact = replace(prediction, answer=2**64, mistakes={})
    assert exact.judge(2**64).passed
    assert not exact.judge(2**64 + 1).passed


def test_a_wrong_prediction_does_not_give_the_answer_away(prediction):
    assert "(2, 5, 7)" not in str(prediction.judge((1, 2, 3)))
