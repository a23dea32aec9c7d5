"""Exercises as data, and how an attempt is judged.

An Exercise holds the right answer, small named cases, a way to draw more, and the usual mistakes,
each with the one sentence that helps.  To teach the check a mistake, add a line to `mistakes`; how
one is recognised is told in `diagnosis`.
"""

import functools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tantra.check.deadline import PATIENCE, Clock, OutOfTime
from tantra.check.diagnosis import as_given, broken_rule, named, unheard
from tantra.check.difference import describe, difference
from tantra.check.outcome import Case, argument_names, codes, in_words, run, tantras_own
from tantra.check.prediction import Prediction
from tantra.check.task import Task
from tantra.check.watch import calls

__all__ = ["Exercise", "Prediction"]

GIVEN = "it still does what the code you were given does: find what is wrong, and mend it."
NOT_YOURS = "this is tantra's own, so it does not count: write yours"
RIGHT_BUT = "the numbers are right, but not the way to them"
FAULT = (
    "the check itself failed, and your code has not been judged: {}. "
    "Restart the kernel and run the page again; if it stays so, please report it"
)
ENDLESS = "still computing after {:g} seconds, so it was stopped: is there a loop that never ends?"
WAITING = "waited for {:g} seconds, so it was stopped: does it sleep, or ask for input?"


@dataclass(frozen=True, kw_only=True, repr=False)
class Exercise(Task):
    """A function to write, mend or take apart.

    reference, the mistakes and `given` are all run the way an attempt is: through `call`.
    `given` is the faulty code a hunt starts from; `results` names the items of a tuple; `library`
    is the part of tantra that does not count as an answer (the reference, where it is tantra's).
    `rules` looks at the way an answer with the right numbers took: each sentence comes with a
    function of the attempt that is True where the rule is broken (see `watch`), and stands among
    the mistakes as well, with code that breaks it.  `seconds` is the processor time that an attempt
    may take for all its runs.
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
    rtol: float = 1e-6
    atol: float = 1e-8
    draws: int = 20
    seconds: float = 10.0

    def judge(self, attempt, seed=None, trusted=False):
        """The verdict on an attempt; trusted=True lets tantra's own function through, for tests."""
        seed = secrets.randbelow(1_000_000) if seed is None else seed
        if refused := self._refused(attempt, trusted):
            return refused
        pairs = [(case, self.run(self.reference, case)) for case in self.all_cases(seed)]
        for _, expected in pairs:  # known before the clock starts, with all that it imports
            if expected.error:
                return self.verdict("failed", FAULT.format(in_words(expected.error)))
        clock, answers = Clock(self.seconds, PATIENCE), []
        try:
            for case, expected in pairs:
                answers.append((case, clock.run(lambda case=case: self.run(attempt, case))))
                if isinstance(answers[-1][1].error, NotImplementedError):
                    return self.verdict("unwritten")
                if problem := self.differ(*answers[-1], expected):
                    return self._diagnosed(problem, attempt, pairs, answers, clock, seed)
            return clock.run(lambda: self._right(attempt, pairs, answers, seed, trusted))
        except OutOfTime as stop:
            said = WAITING.format(PATIENCE) if stop.waited else ENDLESS.format(self.seconds)
            return self._failed(pairs[min(len(answers), len(pairs) - 1)][0], said, seed)

    def all_cases(self, seed):
        """The shown cases, then random ones; each run of the check draws others."""
        for name, args in self.cases.items():
            yield Case(f'case "{name}"', args)
        rng = np.random.default_rng(seed)
        for number in range(1, self.draws + 1):
            yield Case(f"random case {number}", self.draw(rng), drawn=True)

    def inputs(self):
        """The inputs, by name, of the case that the last attempt failed; else of the first case."""
        last = self.memory.get("last")
        if last and last[0].inputs:
            return dict(last[0].inputs)
        return self.named(next(self.all_cases(0)))

    def picture(self):
        """Draw the input, the target and your answer side by side."""
        from tantra.check.picture import picture

        return picture(self)

    def part(self):
        """The part of tantra that does not count as an answer, or None."""
        return self.library or (self.reference if tantras_own(self.reference) else None)

    def run(self, function, case):
        return run(lambda *args: self.call(function, *args), case.args)

    def same(self, one, other):
        """Whether two outcomes have the same value, kind of error and changed input."""
        if not one.same_ending(other):
            return False
        return not difference(one.value, other.value, self.rtol, self.atol)

    def named(self, case):
        """The arguments of a case by name, as `call` or else the reference calls them."""
        for function in (functools.partial(self.call, None), self.reference):
            if names := argument_names(function, len(case.args)):
                return dict(zip(names, case.args, strict=True))
        return {f"input {place}": value for place, value in enumerate(case.args, 1)}

    def differ(self, case, outcome, expected):
        """What is wrong with an outcome, in words; None where nothing is."""
        if problem := outcome.problem(expected, names=list(self.named(case))):
            return problem
        return difference(outcome.value, expected.value, self.rtol, self.atol, self.results)

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

    def _right(self, attempt, pairs, answers, seed, trusted):
        """The verdict where all answers are right: whose they are, and how they came about."""
        if not trusted and self._borrowed(attempt):
            return self.verdict("failed", NOT_YOURS)
        if broken := broken_rule(self, attempt, pairs, answers, trusted):
            return self.verdict("failed", RIGHT_BUT, mistake=broken)
        agree = f"{len(self.cases)} shown cases and {self.draws} random ones agree"
        return self.verdict("passed", agree, seed=seed)

    def _failed(self, case, problem, seed, **found):
        found |= {
            "case": case.name,
            "inputs": self.named(case),
            "seed": seed if case.drawn else None,
        }
        return self.verdict("failed", problem, **found)

    def _diagnosed(self, problem, attempt, pairs, answers, clock, seed):
        """The verdict on a wrong answer, with the sentence of the known mistake, if it is one."""
        (case, expected), outcome = pairs[len(answers) - 1], answers[-1][1]
        found = {"answer": outcome.value, "expected": expected.value}
        try:
            with unheard():
                for later, _ in pairs[len(answers) :]:
                    answers.append((later, clock.run(lambda case=later: self.run(attempt, case))))
        except OutOfTime:
            pass  # the problem found is still true
        if as_given(self, answers):
            return self.verdict("unwritten", GIVEN)
        if mistake := named(self, pairs, answers):
            found |= {"mistake": mistake.sentence, "besides": mistake.besides}
        return self._failed(case, problem, seed, **found)

    def _borrowed(self, attempt):
        """Whether an attempt that is right only calls tantra's finished part."""
        part = self.part()
        case = next(self.all_cases(0))
        with unheard():
            return part is not None and calls(codes(part), lambda: self.run(attempt, case))
