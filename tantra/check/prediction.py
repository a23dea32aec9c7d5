"""Predictions: say a shape or a number first, then run the code."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import torch

from tantra.check import show, source
from tantra.check.difference import describe, difference
from tantra.check.task import Task

MOST = 20  # results that are shown


@dataclass(frozen=True, kw_only=True, repr=False)
class Prediction(Task):
    """A shape or a number to say before running the code; the right answer is never shown."""

    answer: object
    mistakes: Mapping[str, object]
    kind: str = "predict"
    rtol: float = 1e-6

    def __call__(self, attempt, seed=None, keep=True, *, predicted=...):
        """Show whether the value is right, beside what was predicted before it was measured.

        A pass keeps both; where nothing is measured, the prediction is the first value handed in.
        Raises only if TANTRA_STRICT=1.
        """
        self.memory["predicted"] = predicted
        if attempt is not ...:
            self.memory.setdefault("first", attempt)
        super().__call__(attempt, seed, keep)

    def shown(self, verdict):
        """A pass with the prediction beside the measured value, where there was one."""
        predicted = self._predicted()
        if predicted is ... or not verdict.passed:
            return verdict
        if self.memory["predicted"] is ... and self._is(_plain(predicted), _plain(self.answer)):
            return verdict  # which says so already
        problem = f"{verdict.answer!r} is right; you predicted {source.brief(predicted)}"
        return replace(verdict, problem=problem)

    def kept(self, attempt):
        """Note a pass: the value, and what was predicted."""
        predicted = self._predicted()
        said = {} if predicted is ... else {"predicted": source.brief(predicted)}
        return super().kept(attempt, answer=source.brief(attempt), **said)

    def _predicted(self):
        """What was said before; where nothing is measured, the first value handed in."""
        predicted = self.memory["predicted"]
        if predicted is ... and self.kind == "predict":
            return self.memory.get("first", ...)
        return predicted

    def judge(self, attempt, seed=None):
        """The verdict on a predicted value; seed is there for the likeness to Exercise."""
        if attempt is ...:
            return self.verdict("unwritten")
        attempt, answer = _plain(attempt), _plain(self.answer)
        if self._is(attempt, answer):
            told = "as you predicted" if self.kind == "predict" else "as it is measured"
            return self.verdict("passed", f"{attempt!r}, {told}", answer=attempt)
        problem = _unlike(attempt, answer) or f"{attempt!r} is not what comes out"
        if sentence := self._named(attempt, self._is):
            return self.verdict("failed", problem, mistake=sentence)
        if self._rounds(attempt, answer):
            problem = f"{attempt!r} is rounded too far: give {_digits(answer, self.rtol)}"
            return self.verdict("failed", problem)
        return self.verdict("failed", problem, mistake=self._named(attempt, self._rounds))

    def picture(self):
        """A prediction has no picture, and says so."""
        show.line(f"{self.name} is a prediction: there is nothing to draw")

    def _named(self, attempt, agrees):
        """The sentence of the first known mistake with which the attempt agrees, or None."""
        mistakes = self.mistakes.items()
        return next((said for said, wrong in mistakes if agrees(attempt, _plain(wrong))), None)

    def _rounds(self, attempt, answer):
        return _is_rounded(attempt, answer, self.rtol)

    def _is(self, attempt, answer):
        return difference(attempt, answer, self.rtol, atol=0.0) is None


def _unlike(attempt, answer):
    """That the attempt is another kind of thing than the answer, in words; None where it is not."""
    got, wanted = describe(attempt), describe(answer)
    if got != wanted:
        return f"{got}, but the answer is {wanted}"
    if wanted != "a tuple":
        return None
    if len(attempt) > MOST > len(answer):
        return f"{len(attempt)} results, but the answer has fewer"
    items = enumerate(zip(attempt, answer, strict=False), 1)
    said = ((place, _unlike(*pair)) for place, pair in items)
    return next((f"number {place} of your {len(attempt)}: {it}" for place, it in said if it), None)


def _is_rounded(attempt, answer, rtol):
    """Whether each number is the right one, or what it becomes with fewer digits."""
    if isinstance(answer, tuple):
        alike = isinstance(attempt, tuple) and len(attempt) == len(answer)
        pairs = zip(attempt, answer, strict=True) if alike else ()
        return alike and all(_is_rounded(*pair, rtol) for pair in pairs)
    if not {type(attempt), type(answer)} <= {int, float}:
        return type(attempt) is type(answer) and attempt == answer
    guess, right = Decimal(repr(attempt)).normalize(), Decimal(repr(answer))
    if not guess.is_finite():
        return False
    _, digits, exponent = guess.as_tuple()
    is_round = len(digits) > 1 or exponent < 0
    off = abs(guess - right)
    return off <= Decimal(rtol) * abs(right) or (
        is_round and off <= Decimal(5).scaleb(exponent - 1)
    )


def _digits(answer, rtol):
    """How many decimals are wanted, in words: as many as keep the rounding within rtol."""
    numbers = [abs(x) for x in (answer if isinstance(answer, tuple) else (answer,))]
    written = [max(0, -Decimal(repr(x)).normalize().as_tuple().exponent) for x in numbers]
    enough = [math.ceil(-math.log10(2 * rtol * x) - 0.05) if x else 0 for x in numbers]
    count = max(map(min, written, enough))
    return f"{count} decimal{'s' if count > 1 else ''}" if count > 0 else "all digits"


def _as_float(fraction):
    """A fraction as a float; infinite past those."""
    try:
        return float(fraction)
    except OverflowError:
        return math.inf if fraction > 0 else -math.inf


def _plain(value):
    """Lists, sizes and arrays as tuples, single numbers and fractions as Python's numbers."""
    if isinstance(value, np.ndarray | torch.Tensor):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, Fraction):
        return _as_float(value)
    return value.item() if isinstance(value, np.generic) else value
