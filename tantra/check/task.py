"""What all exercises share: a name, hints, and a verdict that is shown when they are called."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from tantra.check import progress, show


class CheckFailed(AssertionError):  # noqa: N818, it reads so in a notebook
    """A check that did not pass, where TANTRA_STRICT=1; notebooks show its message alone."""

    def _render_traceback_(self):  # IPython calls this
        return str(self).splitlines()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check found; `status` is "passed", "failed" or "unwritten".

    mistake is the sentence of a known mistake, besides a case that goes wrong in another way.
    """

    name: str
    status: str
    problem: str | None = None
    case: str | None = None
    mistake: str | None = None
    besides: str | None = None
    seed: int | None = None
    inputs: Mapping = field(default_factory=dict)
    answer: object = None
    expected: object = None

    @property
    def passed(self):
        return self.status == "passed"


@dataclass(frozen=True, kw_only=True, repr=False)
class Task:
    """What exercises and predictions share: calling it shows a verdict."""

    name: str
    kind: str
    asks: str
    hints: tuple[str, ...] = ()
    memory: dict = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self):
        return f"{self.name} ({self.kind}): {self.asks}"

    def __call__(self, attempt, seed=None, keep=True):
        """Show whether the attempt is right; keep it if it is; raise only if TANTRA_STRICT=1.

        With keep=False it is shown and not kept, as where a chapter shows what a check does.
        """
        verdict = self.shown(self.judge(attempt, seed))
        self.memory["last"] = verdict, attempt
        notice = self.kept(attempt) if keep and verdict.passed else None
        show.verdict(verdict, notice)
        if os.environ.get("TANTRA_STRICT") == "1" and not verdict.passed:
            raise CheckFailed(show.text(verdict))

    def shown(self, verdict):
        """The verdict as it is shown."""
        return verdict

    def kept(self, attempt, **beside):
        """Note a pass, with what else is to be kept; returns what a reader should know, or None."""
        return progress.keep(self.name, attempt, **beside)

    def hint(self):
        """Show one more step towards the answer each time it is called."""
        given = self.memory.get("hints", 0)
        self.memory["hints"] = given + 1
        show.hint(self.name, self.hints, given)

    def verdict(self, status, problem=None, **details):
        return Verdict(name=self.name, status=status, problem=problem, **details)
