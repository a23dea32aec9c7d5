"""Exercises with other numbers, drawn with a seed: for a class in which each has its own.

    check.variant(4711)      # from here on, check.mean_shape asks of other matrices

A Variation says of one prediction how its numbers are drawn, what then comes out, for right and for
each known mistake, and which phrases of its sentences and of its page change.  A draw is taken only
if the right answer passes and every mistake is still named by its own sentence.
"""

import functools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tantra.check.exercises import registry

TRIES = 1000


@dataclass(frozen=True, kw_only=True)
class Variation:
    """The numbers of one prediction.

    standard: those of the page.   draw(rng): others.   values(*numbers): the right answer, then
    each mistake's, in the order of the exercise.   phrases(*numbers): {in the page's numbers:
    in these}.
    """

    task: str
    standard: tuple
    draw: Callable
    values: Callable
    phrases: Callable


@functools.cache
def variations():
    """Every Variation by the name of its task."""
    from tantra.check.variations import VARIATIONS

    return {each.task: each for each in VARIATIONS}


def exercise(name, seed=None):
    """The exercise with the numbers of a seed; as it stands where there is no Variation of it."""
    if seed is None or name not in variations():
        return registry()[name]
    return _drawn(name, seed)[1]


def text(name, source, seed):
    """A page's text on a task, with the numbers of a seed; its heading stays."""
    heading, blank, body = source.partition("\n\n")
    return heading + blank + _spoken(variations()[name], _drawn(name, seed)[0], body)


@functools.lru_cache(4096)
def _drawn(name, seed):
    """The numbers of a seed, and the exercise with them."""
    variation, rng = variations()[name], random.Random(f"{name} {seed}")
    for _ in range(TRIES):
        numbers = variation.draw(rng)
        made = with_numbers(variation, numbers)
        if numbers != variation.standard and is_sound(made):
            return numbers, made
    raise ValueError(f"{name}: no draw of {TRIES} tells its mistakes apart; give it wider numbers")


def with_numbers(variation, numbers):
    """The exercise with these numbers."""
    plain = registry()[variation.task]
    say = functools.partial(_spoken, variation, numbers)
    answer, *wrong = variation.values(*numbers)
    mistakes = dict(zip(map(say, plain.mistakes), wrong, strict=True))
    hints = tuple(map(say, plain.hints))
    said = {"asks": say(plain.asks), "hints": hints, "memory": {}}
    return replace(plain, answer=answer, mistakes=mistakes, **said)


def is_sound(prediction):
    """Whether the answer passes, and each mistake fails with its own sentence."""
    judged = {said: prediction.judge(wrong) for said, wrong in prediction.mistakes.items()}
    return prediction.judge(prediction.answer).passed and all(
        (verdict.status, verdict.mistake) == ("failed", said) for said, verdict in judged.items()
    )


def _spoken(variation, numbers, sentence):
    """A sentence with each phrase in these numbers; a number inside another one stays."""
    before, after = variation.phrases(*variation.standard), variation.phrases(*numbers)
    new = dict(zip(before.values(), after.values(), strict=True))
    longest = sorted(new, key=len, reverse=True)
    pattern = r"(?<![\d.])(?:" + "|".join(map(re.escape, longest)) + r")(?![\d]|\.\d|,\d)"
    return re.sub(pattern, lambda found: new[found[0]], sentence)
