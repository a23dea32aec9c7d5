"""Which mistakes a class is likeliest to hand in, of those that the checks know.

Nobody has counted a class yet.  So a program ranks them by what a student sees: a mistake that
raises no error, and whose answers have the right kind and shape, goes unnoticed.
"""

import functools
from dataclasses import dataclass

import numpy as np

from tantra.check.difference import describe
from tantra.check.engine import Exercise
from tantra.check.exercises import registry
from tantra.check.outcome import Case
from tantra.classroom.kit.chapter import Task

HOW = (
    "Nobody has counted a class yet. These are the known mistakes that a student is least likely "
    "to notice: they raise no error, and the answer has the right shape, in most or all of the "
    "check's shown cases. From each task comes one, before a task gives a second. After the first "
    "class, `mistakes.html` counts your own."
)


@dataclass(frozen=True)
class Mistake:
    """A known mistake; unseen is the share of shown cases in which nothing looks wrong."""

    task: Task
    sentence: str
    unseen: float


def likeliest(tasks, count=5):
    """count Mistakes of these tasks, those that show least first, a task once before it is twice.

    Equal ones keep the order of the check's data.
    """
    ranked = [enumerate(known(task)) for task in tasks]
    rounds = [(turn, mistake) for one in ranked for turn, mistake in one]
    rounds.sort(key=lambda item: (item[0], -item[1].unseen, item[1].task.number))
    return [mistake for _, mistake in rounds[:count]]


@functools.cache
def known(task):
    """Every Mistake that the check of a task knows, those that show least first."""
    exercise = registry()[task.check]
    found = [Mistake(task, said, unseen(exercise, it)) for said, it in exercise.mistakes.items()]
    return sorted(found, key=lambda one: -one.unseen)


def unseen(exercise, mistake):
    """The share of shown cases in which a mistake gives what looks right; 1 for a prediction."""
    if not isinstance(exercise, Exercise):
        return 1.0
    cases = [Case(name, args) for name, args in exercise.cases.items()]
    return sum(looks_right(exercise, mistake, case) for case in cases) / len(cases)


def looks_right(exercise, mistake, case):
    """Whether a mistake gives the reference's kind and shape; an error gives None."""
    got, wanted = exercise.run(mistake, case), exercise.run(exercise.reference, case)
    return form(got.value) == form(wanted.value)


def form(value):
    """The kind of a value and its shape, item by item."""
    if isinstance(value, tuple | list):
        return describe(value), [form(item) for item in value]
    return describe(value), np.shape(value) if hasattr(value, "shape") else ()
