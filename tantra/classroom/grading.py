"""A class: a folder of what was handed in, and out come verdicts, each written as it comes.

OUT/assignment.json says what was marked, OUT/verdicts/STUDENT.jsonl has a line for each task as
soon as it is judged, OUT/students/STUDENT.json is there when all are.  What is there already, of
the same file, page, seed and checks, is not judged again.
"""

import contextlib
import hashlib
import json
import os
import queue
import re
import threading
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from tantra.classroom import students
from tantra.classroom.bench import Bench
from tantra.classroom.records import Submission, Verdict
from tantra.classroom.submission import folder as folders
from tantra.classroom.submission import notebook
from tantra.classroom.submission.page import Page, find, read_page

NO_VARIANT = "not in the file of students: judged with the numbers of the course's own page"
SHORT = 100  # bytes of a file's name


@dataclass
class Class:
    """A class that is being marked; limits are those of `sandbox.limits` that are not the usual."""

    page: Page
    exercise: Path
    folder: Path
    out: Path
    seed: int
    limits: dict = field(default_factory=dict)
    variants: dict = field(default_factory=dict)
    open: list = field(default_factory=list)

    def begin(self, again=False):
        """The submissions to mark; what was marked under other conditions is taken away."""
        assignment, path = self._assignment(), self.out / "assignment.json"
        pages = {path.stem for path in self.exercise.parent.glob("*.ipynb")}
        found = folders.handed_in(self.folder, pages - {self.exercise.stem})
        if self.out.exists() and any(self.out.iterdir()) and not path.exists():
            raise ValueError(f"{self.out} holds other things than marks; give an empty --out")
        changed = again or _stored(type(assignment), path) != assignment
        names = {file_name(each.student) for each in found}
        for place in [*self.out.glob("students/*.json"), *self.out.glob("verdicts/*.jsonl")]:
            if changed or place.stem not in names:
                place.unlink()
        if not changed:  # what is marked already is not judged again, and was as open
            self.open = _how(self.out).get("open", [])
        assignment.write(path)
        return found

    def mark(self, handed, bench):
        """The Submission of one file, from what is there and what the bench judges."""
        digest = _digest(self.folder / handed.path)
        place = self.out / "students" / f"{file_name(handed.student)}.json"
        before = _stored(Submission, place)
        if before and before.digest == digest and before.file == printable(handed.path):
            return before
        asked = {"exercise": str(self.exercise), "seed": self.seed, "limits": self.limits}
        asked |= {"file": str(self.folder / handed.path), "variant": self._variant(handed)}
        odd = list(handed.odd)
        if self.variants and asked["variant"] is None:
            odd.append(NO_VARIANT)
        with Lines(self.out / "verdicts" / f"{file_name(handed.student)}.jsonl", digest) as lines:
            for said in bench.judged(asked, self.page, lines.verdicts):
                odd += said.get("odd", [])
                self.open = said.get("open", self.open)
                if "verdict" in said:
                    lines.add(said["verdict"])
        submission = self._complete(handed, digest, odd, lines.verdicts)
        submission.write(place)
        return submission

    def _assignment(self):
        """The page's record; its version changes with the numbers that students have."""
        found = self.page.assignment(self.seed)
        own = zlib.crc32(json.dumps(self.variants, sort_keys=True).encode())
        return replace(found, version=f"{found.version}+{own:08x}") if self.variants else found

    def _variant(self, handed):
        """The seed of a student's numbers, or None; a second file has those of the first."""
        first = folders.AGAIN.sub("", handed.student)
        return self.variants.get(handed.student, self.variants.get(first))

    def _complete(self, handed, digest, odd, verdicts):
        return Submission(
            student=handed.student,
            file=printable(handed.path),
            digest=digest,
            exercise=self.page.exercise,
            seed=self.seed,
            odd=tuple(odd),
            verdicts=tuple(sorted(verdicts, key=lambda each: each.number)),
        )


class Lines:
    """The verdicts on one file as lines of JSON, each on the disk before the next is asked for.

    The first line is the file's digest; those of another file, and half a line, are left out.
    """

    def __init__(self, path, digest):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.verdicts, head = [], json.dumps({"digest": digest})
        lines = path.read_text("utf-8", "replace").split("\n") if path.exists() else []
        if lines[:1] == [head]:
            with contextlib.suppress(ValueError):
                self.verdicts.extend(map(Verdict.from_json, lines[1:]))
        self.file = path.open("w", encoding="utf-8", errors="backslashreplace")
        self._write(head, *(verdict.to_json() for verdict in self.verdicts))

    def add(self, verdict):
        self.verdicts.append(verdict)
        self._write(verdict.to_json())

    def _write(self, *lines):
        self.file.writelines(line + "\n" for line in lines)
        self.file.flush()
        os.fsync(self.file.fileno())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def grade(
    exercise,
    folder,
    out=None,
    again=False,
    jobs=2,
    seed=None,
    variants=None,
    limits=None,
    told=None,
):
    """The Submissions of a folder, by student; told(submission, done, all) hears of each.

    seed None is the exercise's own.  variants is the file of students who have numbers of their
    own (`students`).  Raises ValueError for a folder or a page that is none.
    """
    path, folder = find(exercise).resolve(), Path(folder)
    seed = zlib.crc32(path.stem.encode()) % 1_000_000 if seed is None else seed
    out = place(folder, out)
    if folder.resolve() in (out.resolve(), *out.resolve().parents):
        raise ValueError(f"{out} lies in the folder of submissions; give another one with --out")
    own = students.read(variants) if variants else {}
    marking = Class(read_page(path), path, folder, out, seed, limits or {}, own)
    marked = _marked(marking, marking.begin(again), jobs, told)
    _say_how(marking)
    return sorted(marked, key=lambda each: each.student)


def place(folder, out=None):
    """The folder of marks: the one that is named, else FOLDER-marks beside the submissions."""
    folder = Path(folder).resolve()
    return Path(out) if out else folder.with_name(f"{folder.name}-marks")


def _marked(marking, found, jobs, told):
    """The Submissions of these files, so many marked at a time."""
    marked, left, over, benches = [], queue.SimpleQueue(), threading.Event(), []
    for each in found:
        left.put(each)

    def work():
        with contextlib.closing(Bench()) as bench:
            benches.append(bench)
            while not (over.is_set() or left.empty()):
                with contextlib.suppress(queue.Empty):
                    marked.append(marking.mark(left.get_nowait(), bench))
                    if told:
                        told(marked[-1], len(marked), len(found))

    _together(work, min(jobs, len(found)), over, benches)
    return marked


def _together(work, count, over, benches):
    """Run work in so many threads; an interruption ends their processes and is raised."""
    faults = []

    def guarded():
        try:
            work()
        except BaseException as error:
            faults.append(error)
            over.set()

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        over.set()
        for bench in benches:
            bench.close()
        raise
    if faults:
        raise faults[0]


def _say_how(marking):
    """Write down how it was marked: the seed, what answers were not kept from, what was left."""
    how = {
        "seed": marking.seed,
        "open": marking.open,
        "odd": folders.passed_over(marking.folder),
    }
    (marking.out / "run.json").write_text(json.dumps(how, indent=1) + "\n", "utf-8")


def warnings(out):
    """Sentences for the teacher on a run whose marks lie in out."""
    how = _how(out)
    return [f"not kept from answers: {each}" for each in how.get("open", ())] + how.get("odd", [])


def _how(out):
    """How what lies in out was marked, {} where it does not say."""
    try:
        return json.loads((out / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def file_name(student):
    """A name for a student's files: short, without what a system may not like, one for each."""
    name = re.sub(r"[^\w .()+@-]", "_", student).strip(" .")
    if name and name == student and len(name.encode()) <= SHORT:
        return name
    short = name.encode()[:SHORT].decode("utf-8", "ignore")
    return f"{short}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"


def printable(path):
    return "/".join(folders.printable(part) for part in path.parts)


def _stored(kind, path):
    try:
        return kind.read(path)
    except (OSError, ValueError):
        return None


def _digest(path):
    try:
        return hashlib.sha256(notebook.content(path)).hexdigest()
    except notebook.Unreadable as problem:
        return hashlib.sha256(str(problem).encode()).hexdigest()
