"""Exercises as data, and how an attempt is judged.

An Exercise holds the right answer, small named cases, a way to draw more, and the usual mistakes,
each with the one sentence that helps.  A mistake is recognised when the attempt gives the same
answers as the mistake on every case: a diagnosis, not a guess.  To teach the check a mistake, add a
line to `mistakes`.
"""

import contextlib
import functools
import io
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tantra.check.deadline import OutOfTime, time_limit
from tantra.check.difference import describe, difference
from tantra.check.outcome import Case, argument_names, codes, run, tantras_own
from tantra.check.prediction import Prediction
from tantra.check.task import Task
from tantra.check.watch import calls

__all__ = ["Exercise", "Prediction"]

GIVEN = "This is still the code you were given: find what is wrong with it, and mend it."
RIGHT_BUT = "the numbers are right, but not the way to them"
NOT_YOURS = "this is tantra's own, so it does not count: write yours"


@dataclass(frozen=True, kw_only=True, repr=False)
class Exercise(Task):
    """A function to write, mend or take apart.

    reference, the mistakes and `given` are all run the way an attempt is: through `call`.
    `given` is the faulty code a hunt starts from; `results` names the items of a tuple; `library`
    is the part of tantra that does not count as an answer (the reference, where it is tantra's).
    `rules` looks at the way an answer with the right numbers took: each sentence comes with a
    function of the attempt that is True where the rule is broken (see `watch`), and stands among
    the mistakes as well, with code that breaks it.  `raises` names the errors that the reference
    raises on purpose; any other is a fault of the check, and no expectation.
    """

    reference: Callable
    cases: Mapping[str, tuple]
    draw: Callable
    mistakes: Mapping[str, Callable]
    given: Callable | None = None
    call: Callable = lambda attempt, *args: attempt(*args)
    library: Callable | None = None
    results: tuple[str, ...] = ()
    rules: Mapping[str, Callable] = field(default_factory=dict)
    raises: tuple[type, ...] = ()
    rtol: float = 1e-6
    atol: float = 1e-8
    draws: int = 20
    seconds: float = 10.0

    def judge(self, attempt, seed=None, trusted=False):
        """The verdict on an attempt; trusted=True lets tantra's own function through, for tests."""
        seed = secrets.randbelow(1_000_000) if seed is None else seed
        if refused := self._refused(attempt, trusted):
            return refused
        at, began = [], time.monotonic()
        try:
            with time_limit(self.seconds):
                verdict = self._first_problem(attempt, seed, at)
                if verdict.passed and not trusted and self._borrowed(attempt):
                    return self.verdict("failed", NOT_YOURS)
                if verdict.passed and (broken := self._broken_rule(attempt)):
                    return self.verdict("failed", RIGHT_BUT, mistake=broken)
        except OutOfTime:
            problem = f"still running after {self.seconds:g} seconds, so it was stopped"
            problem += ": is there a loop that never ends?"
            return self._failed(at[-1], problem, seed)
        if verdict.status != "failed":
            return verdict
        left = self.seconds - (time.monotonic() - began)
        return self._diagnosed(verdict, attempt, seed, max(left, 0.1))

    def all_cases(self, seed):
        """The shown cases, then random ones; each run of the check draws others."""
        for name, args in self.cases.items():
            yield Case(f'case "{name}"', args)
        rng = np.random.default_rng(seed)
        for number in range(1, self.draws + 1):
            yield Case(f"random case {number}", self.draw(rng), drawn=True)

    def picture(self):
        """Draw the input, the target and your answer side by side."""
        from tantra.check.picture import picture

        return picture(self)

    def run(self, function, case):
        return run(lambda *args: self.call(function, *args), case.args)

    def _differ(self, case, outcome, expected):
        """What is wrong with an outcome, in words; None where nothing is."""
        if problem := outcome.problem(expected, names=list(self.named(case))):
            return problem
        if expected.error:
            return None
        return difference(outcome.value, expected.value, self.rtol, self.atol, self.results)

    def named(self, case):
        """The arguments of a case by name, as `call` or else the reference calls them."""
        for function in (functools.partial(self.call, None), self.reference):
            if names := argument_names(function, len(case.args)):
                return dict(zip(names, case.args, strict=True))
        return {f"input {place}": value for place, value in enumerate(case.args, 1)}

    def _refused(self, attempt, trusted):
        """The verdict on what need not be run; None where it must."""
        if attempt is ...:
            return self.verdict("unwritten")
        if not callable(attempt):
            problem = "hand in your function itself, not what it returns: this is "
            return self.verdict("failed", problem + describe(attempt))
        if not trusted and tantras_own(attempt):
            return self.verdict("failed", NOT_YOURS)
        return None

    def _first_problem(self, attempt, seed, at):
        for case in self.all_cases(seed):
            at.append(case)
            outcome = self.run(attempt, case)
            if isinstance(outcome.error, NotImplementedError):
                return self.verdict("unwritten")
            expected = self.run(self.reference, case)
            if problem := self._differ(case, outcome, expected):
                found = {"answer": outcome.value, "expected": expected.value}
                return self._failed(case, problem, seed, **found)
        agree = f"{len(self.cases)} shown cases and {self.draws} random ones agree"
        return self.verdict("passed", agree, seed=seed)

    def _failed(self, case, problem, seed, **found):
        found |= {
            "case": case.name,
            "inputs": self.named(case),
            "seed": seed if case.drawn else None,
        }
        return self.verdict("failed", problem, **found)

    def _diagnosed(self, verdict, attempt, seed, seconds):
        """The verdict with the sentence of the known mistake, if it is one."""
        try:
            with time_limit(seconds), _unheard():
                answers = [(case, self.run(attempt, case)) for case in self.all_cases(seed)]
                if self.given and self._same(answers, self.given):
                    return self.verdict("unwritten", GIVEN)
                for sentence, wrong in self.mistakes.items():
                    if self._same(answers, wrong):
                        return replace(verdict, mistake=sentence)
        except OutOfTime:
            pass  # the problem found is still true
        return verdict

    def _same(self, answers, function):
        """Whether the function gives these answers, errors and changed inputs."""
        for case, outcome in answers:
            other = self.run(function, case)
            if not outcome.same_ending(other):
                return False
            if difference(outcome.value, other.value, self.rtol, self.atol):
                return False
        return True

    def _broken_rule(self, attempt):
        """The sentence of the first rule that an attempt with right numbers breaks, or None."""
        with _unheard():
            return next((said for said, broken in self.rules.items() if broken(attempt)), None)

    def _borrowed(self, attempt):
        """Whether an attempt that is right only calls tantra's finished part."""
        part = self.library or (self.reference if tantras_own(self.reference) else None)
        case = next(self.all_cases(0))
        with _unheard():
            return part is not None and calls(codes(part), lambda: self.run(attempt, case))


def _unheard():
    """Keep what an attempt prints to itself, where it is run once more than the learner expects."""
    return contextlib.redirect_stdout(io.StringIO())
