"""The files of a class: one a student, or a folder of files a student."""

import os
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ENDINGS = (".ipynb", ".zip")
PASSED_OVER = (".ipynb_checkpoints", "__MACOSX")
AGAIN = re.compile(r"[ _]?\(\d+\)$")  # what a browser adds to a second download


@dataclass(frozen=True)
class Handed:
    """A student's file; path is relative to the class's folder."""

    student: str
    path: Path
    odd: tuple[str, ...] = ()


def handed_in(folder):
    """A Handed for each file in the folder, by name; raises ValueError for what is no folder.

    Links are listed, and never followed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give the folder of what was handed in")
    found = sorted(_files(folder), key=lambda item: os.fsencode(item[1]))
    if not found:
        raise ValueError(
            f"{folder} holds no notebook (.ipynb) and no .zip; is it the right folder?"
        )
    seen, taken, handed = Counter(), set(), []
    for student, path in found:
        seen[student] += 1
        name, odd = student, ()
        if seen[student] > 1 or student in taken:
            name = next(
                f"{student} ({n})" for n in range(2, 10**6) if f"{student} ({n})" not in taken
            )
            odd = (f"one of several files of {student}: choose which one counts",)
        taken.add(name)
        handed.append(Handed(name, path.relative_to(folder), odd))
    return handed


def _files(folder):
    """(student, path) of all that may be a submission."""
    for entry in os.scandir(folder):
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.name in PASSED_OVER:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from ((printable(entry.name), each) for each in _below(path))
        elif entry.is_symlink() or entry.name.lower().endswith(ENDINGS):
            stem = entry.name[: -len(path.suffix)] if path.suffix else entry.name
            yield printable(AGAIN.sub("", stem)), path


def _below(folder):
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each not in PASSED_OVER]
        yield from (Path(place, each) for each in names if each.lower().endswith(ENDINGS))


def printable(name):
    """A file's name as text that can be written anywhere."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    text = unicodedata.normalize("NFC", text)
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
