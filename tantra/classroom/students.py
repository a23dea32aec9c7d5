"""Who has which numbers: a file students.csv, and the pages that are made by it.

    student,seed
    ada,4711
    bob,

Other columns are left alone; without a seed, a student's name makes one.  The grader reads the same
file and never asks a submission which numbers it has.
"""

import csv
import re
import zlib
from dataclasses import replace
from pathlib import Path

from tantra.check import variants

CALL = re.compile(r"check\.(\w+)\(")
IMPORT = re.compile(r"^from tantra import .*\bcheck\b", re.MULTILINE)
SEEDS = 1_000_000


def read(path):
    """{student: seed}; raises ValueError for what is no such file."""
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not in UTF-8: save it as CSV in UTF-8") from None
    if not rows or "student" not in rows[0]:
        raise ValueError(f"{path} needs a column 'student', and a row for each of them")
    found = {}
    for row in rows:
        name, seed = (row["student"] or "").strip(), (row.get("seed") or "").strip()
        if not name:
            continue
        if name in found:
            raise ValueError(f"{path} has {name!r} twice: a student has one row")
        if seed and not re.fullmatch(r"\d{1,9}", seed):
            raise ValueError(
                f"{path}: the seed of {name} is {seed!r}; give a whole number, or none"
            )
        found[name] = int(seed) if seed else zlib.crc32(name.encode()) % SEEDS
    return found


def give(notebook, seed):
    """Write a seed's numbers into an exercise notebook, in place; the tasks that have others."""
    cells = {cell.id: cell for cell in notebook.cells}
    changed = []
    for name, cell in cells.items():
        task = CALL.match(cell.source) if name.endswith("-check") else None
        if task and task[1] in variants.variations():
            text = cells[name.removesuffix("-check")]
            text.source = variants.text(task[1], text.source, seed)
            changed.append(task[1])
    if changed:
        setup = next(cell for cell in notebook.cells if IMPORT.search(cell.source))
        setup.source = f"{setup.source}\n\ncheck.variant({seed})  # your own numbers"
    return changed


def own_page(page, seed):
    """The Page as the student of this seed got it."""
    if seed is None:
        return page
    places = tuple(_own_place(place, seed) for place in page.places)
    return replace(page, places=places)


def _own_place(place, seed):
    if place.task.name not in variants.variations():
        return place
    source = variants.text(place.task.name, place.text.source, seed)
    return replace(place, text=replace(place.text, source=source))
