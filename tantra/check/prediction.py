"""Predictions: say a shape or a number first, then run the code."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from tantra.check import show
from tantra.check.difference import describe, difference
from tantra.check.task import Task


@dataclass(frozen=True, kw_only=True, repr=False)
class Prediction(Task):
    """A shape or a number to say before running the code; the right answer is never shown."""

    answer: object
    mistakes: Mapping[str, object]
    kind: str = "predict"
    rtol: float = 1e-6

    def judge(self, attempt, seed=None):
        """The verdict on a predicted value; seed is there for the likeness to Exercise."""
        if attempt is ...:
            return self.verdict("unwritten")
        attempt, answer = _plain(attempt), _plain(self.answer)
        if self._is(attempt, answer):
            return self.verdict("passed", f"{attempt!r}, as you predicted")
        problem = f"{attempt!r} is not what comes out"
        if describe(attempt) != describe(answer):
            problem = f"{describe(attempt)}, but the answer is {describe(answer)}"
        for sentence, wrong in self.mistakes.items():
            if self._is(attempt, _plain(wrong)):
                return self.verdict("failed", problem, mistake=sentence)
        return self.verdict("failed", problem)

    def picture(self):
        """A prediction has no picture, and says so."""
        show.line(f"{self.name} is a prediction: there is nothing to draw")

    def _is(self, attempt, answer):
        return difference(attempt, answer, self.rtol, atol=0.0) is None


def _plain(value):
    """Lists, sizes and arrays as tuples, NumPy's and torch's single numbers as Python's."""
    if isinstance(value, np.ndarray | torch.Tensor):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value
