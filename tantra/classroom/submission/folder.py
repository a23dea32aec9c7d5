"""The files of a class: one a student, or a folder of files a student."""

import os
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tantra.classroom.submission.notebook import MOST as LARGEST

ENDINGS = (".ipynb", ".zip")
PASSED_OVER = (".ipynb_checkpoints", "__MACOSX")
BEFORE = b"\xef\xbb\xbf \r\n\t"  # what may stand in front of JSON
MOST = 12  # names in a sentence
AGAIN = re.compile(r"[ _]?\(\d+\)$")  # what a browser adds to a second download


@dataclass(frozen=True)
class Handed:
    """A student's file; path is relative to the class's folder."""

    student: str
    path: Path
    odd: tuple[str, ...] = ()


def handed_in(folder, others=()):
    """A Handed for each file in the folder, by name; raises ValueError for what is no folder.

    Links are listed, and never followed.  others are the names of the course's other pages, which
    are passed over.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give the folder of what was handed in")
    found = sorted(_files(folder, set(others)), key=lambda item: os.fsencode(item[1]))
    if not found:
        raise ValueError(
            f"{folder} holds no notebook (.ipynb) and no .zip; is it the right folder?"
        )
    seen, taken, handed = Counter(), set(), []
    for student, path in found:
        seen[student.casefold()] += 1
        name, odd = student, _ending(path)
        if seen[student.casefold()] > 1 or student.casefold() in taken:
            tries = (f"{student} ({n})" for n in range(2, 10**6))
            name = next(each for each in tries if each.casefold() not in taken)
            odd += (f"one of several files of {student}: choose which one counts",)
        taken.add(name.casefold())
        handed.append(Handed(name, path.relative_to(folder), odd))
    return handed


def passed_over(folder):
    """Sentences on the files that are no submission, by their endings."""
    found = sorted(printable(each.name) for each in _entries(folder) if _is_other(each))
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    listed = ", ".join(found[:MOST] + more)
    return [f"not looked at, for they end in neither .ipynb nor .zip: {listed}"] if found else []


def _files(folder, others):
    """(student, path) of all that may be a submission."""
    for entry in _entries(folder):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            inside = list(_below(path))
            kept = [each for each in inside if each.stem not in others] or inside[:1] or [path]
            yield from ((printable(entry.name), each) for each in kept)
        elif not _is_other(entry):
            stem = path.stem if _is_usual(entry.name) else re.sub(r"\.ipynb$", "", path.stem)
            yield printable(AGAIN.sub("", stem)), path


def _entries(folder):
    for entry in os.scandir(folder):
        if not entry.name.startswith(".") and entry.name not in PASSED_OVER:
            yield entry


def _is_other(entry):
    """Whether it is a file that is no submission: by its ending, and no notebook inside."""
    if entry.is_dir(follow_symlinks=False) or entry.is_symlink() or _is_usual(entry.name):
        return False
    try:
        if entry.is_file(follow_symlinks=False):
            with open(entry.path, "rb") as file:
                head = file.read(64).lstrip(BEFORE)
                return not (head.startswith(b"{") and b'"cells"' in head + file.read(LARGEST))
    except OSError:
        pass
    return True


def _is_usual(name):
    return name.lower().endswith(ENDINGS)


def _ending(path):
    """A sentence where a file has another ending than a notebook."""
    if path.is_symlink() or _is_usual(path.name):
        return ()
    if path.is_dir():
        return ("its folder holds no notebook (.ipynb) and no .zip",)
    return (f"its name ends in {printable(path.suffix) or 'nothing'}, not in .ipynb or .zip",)


def _below(folder):
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each not in PASSED_OVER]
        yield from (
            Path(place, each)
            for each in sorted(names)
            if _is_usual(each) and not each.startswith(".")
        )


def printable(name):
    """A file's name as text that can be written anywhere."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    text = unicodedata.normalize("NFC", text)
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
