"""Which known mistake an attempt makes, and whether a right answer went a way that is forbidden.

A mistake is recognised by its answers.  Where an attempt gives the same ones on every case, that is
a diagnosis, not a guess.  Where it does so on the case that failed and not on all others, it makes
this mistake and another one: the sentence comes all the same, with the first case that differs.
"""

import contextlib
import io
import statistics
from dataclasses import dataclass

import numpy as np

from tantra.check.difference import distance, flat
from tantra.check.watch import uses_autograd

BY_AUTOGRAD = "PyTorch found this gradient: derive it by hand, and write it with NumPy alone."
BY_DIFFERENCES = (
    "this agrees with the gradient to some digits only, as finite differences do: derive it by "
    "hand, and it agrees to all of them."
)


NEAR, EXACT = 1e-3, 1e-12  # of the largest number; rounding in float64 stays far below


@dataclass(frozen=True)
class Named:
    """A mistake by its sentence; besides: the name of a case that goes wrong in another way."""

    sentence: str
    besides: str | None = None


def as_given(exercise, answers):
    """Whether these are the answers of the faulty code that a hunt starts from."""
    return exercise.given is not None and _agrees(exercise, exercise.given, answers)


def named(exercise, pairs, answers):
    """The Named mistake of an attempt that gave these wrong answers, or None."""
    wrong, right = _parted(exercise, pairs, answers)
    near = [item for item in exercise.mistakes.items() if _agrees(exercise, item[1], wrong[:1])]
    for sentence, mistake in near:
        if _agrees(exercise, mistake, answers):
            return Named(sentence)
    if exercise.kind == "derive" and _is_numerical(pairs, answers):
        return Named(BY_DIFFERENCES)
    near = [item for item in near if _agrees(exercise, item[1], right) and _is_telling(wrong[0])]
    others = [(sentence, _first_other(exercise, mistake, wrong)) for sentence, mistake in near]
    if not others:
        return None
    sentence, (_, case) = max(others, key=lambda item: item[1][0])
    return Named(sentence, besides=case)


def broken_rule(exercise, attempt, pairs, answers, trusted=False):
    """The sentence of the first rule that an attempt with right answers breaks, or None.

    What is trusted may leave the derivation to PyTorch, as a reference does.
    """
    with unheard():
        if exercise.kind == "derive":
            if not trusted and uses_autograd(lambda: exercise.run(attempt, pairs[0][0])):
                return BY_AUTOGRAD
            if _is_numerical(pairs, answers):
                return BY_DIFFERENCES
        return next((said for said, broken in exercise.rules.items() if broken(attempt)), None)


def unheard():
    """Keep what an attempt prints to itself, where it is run once more than the learner expects."""
    return contextlib.redirect_stdout(io.StringIO())


def _parted(exercise, pairs, answers):
    """The wrong answers, of which the learner is shown the first, and the right ones."""
    parts = [], []
    for (case, outcome), (_, expected) in zip(answers, pairs, strict=False):
        parts[exercise.differ(case, outcome, expected) is None].append((case, outcome))
    return parts


def _agrees(exercise, function, answers):
    """Whether the function gives these answers, errors and changed inputs."""
    return all(exercise.same(it, exercise.run(function, case)) for case, it in answers)


def _first_other(exercise, mistake, wrong):
    """On how many wrong answers the mistake agrees, and the first case on which it does not."""
    others = [case.name for case, it in wrong if not _agrees(exercise, mistake, [(case, it)])]
    return len(wrong) - len(others), next(iter(others), None)


def _is_telling(answer):
    """Whether agreeing on one answer is more than chance: no bare error, more than one number."""
    value = answer[1].value
    return value is not None and np.size(flat(value)) > 1


def _is_numerical(pairs, answers):
    """Whether float64 answers come near the right ones as finite differences do: some digits."""
    off = [
        distance(outcome.value, expected.value)
        for (_, outcome), (_, expected) in zip(answers, pairs, strict=False)
    ]
    return max(off) < NEAR and statistics.median(off) > EXACT
