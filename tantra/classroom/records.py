"""What the rooms of the kit hand on to one another: an assignment, a submission, its verdicts.

Each is a frozen dataclass, and JSON on the disk: `to_json` writes one line, `from_json` reads it.
"""

import json
from dataclasses import asdict, dataclass, fields

from tantra import files

# How a task ended: `unsolved` is as it was given, `missing` has no cell, `stopped` ran into a limit
# and `error` is a fault of the grader itself, which a teacher should look at.
STATUSES = ("passed", "failed", "unsolved", "missing", "stopped", "error")


class _Record:
    def to_json(self):
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text):
        """The record that to_json wrote; raises ValueError for anything else."""
        found = json.loads(text)
        known = {each.name for each in fields(cls)}
        if not isinstance(found, dict) or found.keys() - known:
            raise ValueError(f"this is no {cls.__name__}: {str(found)[:80]}")
        try:
            return cls(**{name: cls._read(name, value) for name, value in found.items()})
        except TypeError as error:
            raise ValueError(f"this is no {cls.__name__}: {error}") from error

    @classmethod
    def _read(cls, name, value):
        return tuple(value) if isinstance(value, list) else value

    def write(self, path):
        """Write it to a file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(path, (self.to_json() + "\n").encode("utf-8", "backslashreplace"))

    @classmethod
    def read(cls, path):
        """The record that a file holds; raises OSError or ValueError."""
        return cls.from_json(path.read_text("utf-8"))


@dataclass(frozen=True, kw_only=True)
class Verdict(_Record):
    """What came of one student's one task.

    task is the check's name, words what the check said, mistake the sentence of the known mistake
    that it recognised; points of a task's `of`; source the student's code.
    """

    task: str
    number: int
    status: str
    words: str = ""
    mistake: str | None = None
    points: int = 0
    of: int = 1
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        if self.status not in STATUSES:
            raise ValueError(f"status is {self.status!r}; give one of {', '.join(STATUSES)}")


@dataclass(frozen=True, kw_only=True)
class Submission(_Record):
    """One student's file, what was odd about it, and the verdict on each task.

    file is relative to the folder of submissions, digest the SHA-256 of its bytes.
    """

    student: str
    file: str
    digest: str
    exercise: str
    seed: int
    odd: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @classmethod
    def _read(cls, name, value):
        if name == "verdicts":
            return tuple(Verdict.from_json(json.dumps(each)) for each in value)
        return super()._read(name, value)

    @property
    def points(self):
        return sum(verdict.points for verdict in self.verdicts)


@dataclass(frozen=True, kw_only=True)
class Task(_Record):
    """A task of the page: given is the source of its answer cell, points its difficulty."""

    name: str
    number: int
    title: str
    points: int
    given: str


@dataclass(frozen=True, kw_only=True)
class Assignment(_Record):
    """An exercise page that is marked: its tasks, the seed of the checks, the course's version."""

    exercise: str
    tasks: tuple[Task, ...]
    seed: int
    version: str

    @classmethod
    def _read(cls, name, value):
        if name == "tasks":
            return tuple(Task.from_json(json.dumps(each)) for each in value)
        return super()._read(name, value)

    @property
    def of(self):
        return sum(task.points for task in self.tasks)
