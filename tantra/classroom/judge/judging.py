"""The verdict on one task of one student."""

import linecache
from dataclasses import replace

from tantra.check import show
from tantra.check.deadline import OutOfTime
from tantra.check.engine import ENDLESS, NOT_YOURS, WAITING
from tantra.check.exercises import registry
from tantra.check.outcome import in_words
from tantra.check.variants import exercise as exercise_of
from tantra.classroom.judge.host import GARBLED, Stopped
from tantra.classroom.judge.stand_in import stand_in, strange
from tantra.classroom.records import Verdict
from tantra.classroom.sandbox.faults import unpack_error
from tantra.classroom.sandbox.frames import Garbled
from tantra.classroom.sandbox.limits import Limits
from tantra.classroom.sandbox.values import NOT_THERE, Luggage, unpack
from tantra.classroom.submission import names
from tantra.classroom.submission.answers import blinds, by_chance
from tantra.classroom.submission.notebook import written

SECONDS, LONGEST, MORE_SEEDS = 10.0, 4000, (1, 2)  # for values; letters of words; second looks
BLIND = "speaks of {}, with which a check sees how an answer works: leave it out"
VARIES = "it was right once and wrong another time: an answer must not be left to chance"
TOO_LARGE = "what it returned is too large to be looked at"
NO_ANSWER = "nothing called {} is there after the cell has run"
SHORTENED = "its cell did not get as far as {0}, so only what {0} is made of was run: {1}"
LONG = 200  # letters of a note
STATUS = {"passed": "passed", "failed": "failed", "unwritten": "unsolved"}


class Judge:
    """Judges answers of one page, each in a process of its own.

    variant is the seed of the student's own numbers, where there are such.
    """

    def __init__(self, host, page, seed, limits=None, variant=None):
        self.host, self.page, self.seed, self.limits = host, page, seed, limits or Limits()
        self.variant = variant

    def verdict(self, place, found):
        """The best Verdict on the answers that were found for a task; the first where all fail."""
        task = place.task
        if not found:
            return self._said(task, "missing", words=f"· {task.name}: its cell is missing")
        if names.same(found[0].source, task.given):
            words = f"· {task.name}: as it was given"
            return self._said(task, "unsolved", words, found[0])
        verdicts = []
        for answer in found:
            verdicts.append(self._sure(task, answer))
            if verdicts[-1].status == "passed":
                return verdicts[-1]
        return verdicts[0]

    def _sure(self, task, answer):
        """The verdict on an answer; what may be right by chance must be right again."""
        if word := blinds(answer.source):
            return self._said(task, "failed", f"✗ {task.name}\n  {BLIND.format(word)}", answer)
        verdict = self._once(task, answer, self.seed)
        if verdict.status != "passed":
            return verdict
        if (part := _part(task)) and self._once(task, answer, self.seed, part).status != "passed":
            return self._said(task, "failed", f"✗ {task.name}\n  {NOT_YOURS}", answer)
        if by_chance(answer.source):
            for more in MORE_SEEDS:
                if self._once(task, answer, self.seed + more).status != "passed":
                    return self._said(task, "failed", f"✗ {task.name}\n  {VARIES}", answer)
        return verdict

    def _once(self, task, answer, seed, without=None):
        """The verdict on an answer; where its cell does not get that far, on what defines it."""
        verdict, begun = self._judged(task, answer, seed, without)
        short = names.shortened(answer.source, answer.want)
        if begun or not short or names.same(short, answer.source):
            return verdict
        note = SHORTENED.format(answer.want, " ".join(verdict.words.split()[2:])[:LONG])
        again = replace(answer, source=short, notes=(*answer.notes, note))
        second, begun = self._judged(task, again, seed, without)
        return replace(second, source=answer.source) if begun else verdict

    def _judged(self, task, answer, seed, without):
        """(the verdict, whether what is asked for was there)."""
        exercise, begun = exercise_of(task.name, self.variant), False
        seconds = self.limits.seconds or getattr(exercise, "seconds", SECONDS)
        process = self.host.fork(self.limits, seconds)
        try:
            attempt, fault = self._attempt(process, task, answer, seed, without)
            if attempt is None:
                return self._said(task, "failed", f"✗ {task.name}\n  {fault}", answer), begun
            begun = True
            answer = _with_note(answer, fault)
            verdict = exercise.judge(attempt, seed)
            if process.stopped and _is_stop(verdict):
                raise Stopped(process.stopped)
            words = show.text(verdict)
            said = self._said(task, STATUS[verdict.status], words, answer, verdict.mistake)
            return said, begun
        except OutOfTime as stop:
            words = process.stopped or str(stop) or "it took too long"
            return self._said(task, "stopped", f"✗ {task.name}\n  {words}", answer), begun
        except MemoryError:
            return self._said(task, "failed", f"✗ {task.name}\n  {TOO_LARGE}", answer), begun
        finally:
            process.end()

    def _attempt(self, process, task, answer, seed, without):
        """What to hand to the check, or None, and what went wrong as its cell ran, in words."""
        own = f"<{task.name}>"
        cells = [*self.page.given, *answer.before, (own, answer.source)]
        for label, source in cells:
            linecache.cache[label] = (len(source), None, source.splitlines(True), label)
        load = {"cells": cells, "want": answer.want, "seed": seed, "without": without}
        reply, buffers = process.ask({"load": load})
        process.grant()
        try:
            return self._opened(process, answer, own, reply, buffers)
        except (Garbled, *NOT_THERE) as error:
            raise process.stop(GARBLED.format(type(error).__name__)) from None

    def _opened(self, process, answer, own, reply, buffers):
        """The same, from the reply."""
        fault = _in_words(reply["faults"].get(own) or reply["faults"].get(""), answer.source)
        if reply.get("missing"):
            return None, fault or NO_ANSWER.format(answer.want)
        if reply["callable"]:
            return stand_in(process, answer.want, str(reply["module"])), fault
        return unpack(reply["value"], Luggage(buffers=buffers, strange=strange)), fault

    def _said(self, task, status, words, answer=None, mistake=None):
        return Verdict(
            task=task.name,
            number=task.number,
            status=status,
            words=written(words[:LONGEST]),
            mistake=mistake,
            points=task.points if status == "passed" else 0,
            of=task.points,
            source=answer.source if answer else "",
            notes=tuple(map(written, answer.notes)) if answer else (),
        )


def _part(task):
    """Where the part of tantra is that does not count as an answer: [module, name], or None."""
    part = getattr(registry()[task.name], "part", lambda: None)()
    return part and [part.__module__, part.__qualname__]


def _is_stop(verdict):
    """Whether a verdict says that a limit was passed, and not what was found before."""
    ways = (ENDLESS, WAITING)
    return any(way.partition("{")[0] in (verdict.problem or "") for way in ways)


def _in_words(fault, source):
    """What a cell raised, and where, in words; None where it raised nothing."""
    if not fault:
        return None
    words, where = in_words(unpack_error(fault)), fault.get("where")
    lines = source.splitlines()
    if not where or not isinstance(where[1], int) or not 0 < where[1] <= len(lines):
        return words
    return f"raised {words}\n  in line {where[1]}: {lines[where[1] - 1].strip()}"


def _with_note(answer, fault):
    note = fault and f"its cell {fault.splitlines()[0]}"
    return replace(answer, notes=(*answer.notes, note)) if note else answer
