"""Answers that are alike: the same syntax tree, whatever its variables are called.

That is no proof.  What many write alike says little, so it is told how many share an answer, and
short answers do not count: those that the same students share must have NEEDED nodes together.
"""

from collections import defaultdict
from dataclasses import dataclass

from tantra.classroom.reports import marks, people
from tantra.classroom.reports.trees import form

NEEDED = 60


@dataclass(frozen=True)
class Shared:
    """A task's answer that some students share, of those who answered; sources, one a student."""

    task: object
    nodes: int
    answered: int
    passed: bool
    sources: dict


@dataclass(frozen=True)
class Alike:
    """Students, and what they share; nodes of all of it."""

    students: tuple
    shared: tuple

    @property
    def nodes(self):
        return sum(each.nodes for each in self.shared)


def alike(assignment, submissions, needed=NEEDED):
    """Every Alike of a class: those that few share first, then those with the most nodes."""
    together = defaultdict(list)
    for task in assignment.tasks:
        for shared in _forms(assignment, task, submissions):
            if len(shared.sources) > 1:
                together[tuple(sorted(shared.sources))].append(shared)
    found = [Alike(students, tuple(shared)) for students, shared in together.items()]
    found = [each for each in found if each.nodes >= needed]
    return sorted(found, key=lambda each: (len(each.students), -each.nodes, each.students))


def same_files(submissions):
    """Students whose files are the same bytes, and hold an answer; one tuple for each such file."""
    found = defaultdict(set)
    for each in submissions:
        if any(_is_answer(verdict) for verdict in each.verdicts):
            found[each.digest].add(people.person(each))
    return sorted(tuple(sorted(students)) for students in found.values() if len(students) > 1)


def _forms(assignment, task, submissions):
    """A Shared for each form that a task's answers have."""
    found, answered = {}, set()
    for each in submissions:
        verdict = dict(_by_name(assignment, each))[task.name]
        if not _is_answer(verdict):
            continue
        answered.add(people.person(each))
        if (shape := form(verdict.source, task.given)) and shape.nodes:
            members = found.setdefault(shape.text, (shape.nodes, verdict.status == "passed", {}))
            members[2].setdefault(people.person(each), verdict.source)
    for nodes, passed, sources in found.values():
        yield Shared(task, nodes, len(answered), passed, sources)


def _by_name(assignment, submission):
    for task, verdict in marks.verdicts(assignment, submission):
        yield task.name, verdict


def _is_answer(verdict):
    return verdict.status not in ("unsolved", "missing") and bool(verdict.source.strip())
