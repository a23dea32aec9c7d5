"""Which mistakes a class made, and how many students each."""

import re
from collections import defaultdict
from dataclasses import dataclass

from tantra.classroom.reports import marks, people

FIRST = 6  # words by which failures without a name are grouped
NUMBER = re.compile(r"[-+]?\d[\w.+-]*")


@dataclass(frozen=True)
class Group:
    """Students who made one mistake in a task; source and words are an example, without names.

    sentence is the known mistake's, or the first words of what the check said.
    """

    task: object
    sentence: str
    named: bool
    students: frozenset
    source: str
    words: str


def mistakes(assignment, submissions):
    """The Groups of a class, the most frequent first."""
    found, classmates = defaultdict(list), {each.student for each in submissions}
    for each in submissions:
        known = people.known_as(each) | classmates - people.common(each)
        for task, verdict in marks.verdicts(assignment, each):
            if verdict.status in ("failed", "stopped"):
                words = people.without_names_anywhere(verdict.words, known)
                key = task.number, verdict.mistake or first_words(words), bool(verdict.mistake)
                found[key].append((task, each, verdict, words, known))
    groups = [_group(*key[1:], members) for key, members in found.items()]
    return sorted(groups, key=lambda each: (-len(each.students), each.task.number, each.sentence))


def talk_about(groups, most=3):
    """The most frequent mistakes that have a sentence; failures without one where they are few."""
    named = [each for each in groups if each.named]
    return (named + [each for each in groups if not each.named])[:most]


def first_words(words):
    """What a check said, as short as to be the same for many.

    >>> first_words("✗ softmax · case 'two rows'\\n  3 of 3 values differ; the first at [0]: 0.3")
    '… of … values differ …'
    >>> first_words("✗ softmax\\n  this is tantra's own, so it does not count")
    "this is tantra's own …"
    """
    lines = [line.strip() for line in words.splitlines() if line.strip()] or ["nothing was said"]
    line = lines[1] if len(lines) > 1 else lines[0]
    brief = re.split(r"[:;(\[{\"]|(?<!\w)'|, so ", NUMBER.sub("…", line))[0].split()[:FIRST]
    return f"{' '.join(brief) or line[:40]} …"


def tally(assignment, submissions):
    """{task's name: {status: how many submissions}}."""
    found = {task.name: defaultdict(int) for task in assignment.tasks}
    for each in submissions:
        for task, verdict in marks.verdicts(assignment, each):
            found[task.name][verdict.status] += 1
    return found


def _group(sentence, named, members):
    """A group, with the shortest code of it as its example."""
    written = [each for each in members if each[2].source.strip()] or members
    sizes = [(len(verdict.source), verdict.source) for _, _, verdict, *_ in written]
    task, _, verdict, words, known = written[sizes.index(min(sizes))]
    students = frozenset(people.person(each) for _, each, *_ in members)
    source = people.without_names(verdict.source, known, task.given)
    return Group(task, sentence, named, students, source, words)
