"""Our own page of an exercise: its tasks, and what it gives."""

import ast
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import tantra
from tantra.classroom.records import Assignment, Task
from tantra.classroom.submission import names, notebook

TITLE = re.compile(r"##+ (\d+)\. (.+)")
DIFFICULTY = re.compile(r"difficulty (\d) of 3")
CHECKS = Path(tantra.__file__).parent / "check"


@dataclass(frozen=True)
class Place:
    """Where a task stands: its record, the name that its check asks for, and its cells by name."""

    task: Task
    want: str
    text: notebook.Cell
    check: notebook.Cell

    @property
    def write(self):
        return self.check.name.removesuffix("-check") + "-write"


@dataclass(frozen=True)
class Page:
    """The tasks of a page in order; given are (label, source) of the cells that stand around them.

    cells are all of the page's cells by name.
    """

    exercise: str
    places: tuple[Place, ...]
    given: tuple[tuple[str, str], ...]
    cells: dict

    def assignment(self, seed):
        """The record of it; its version changes with the page and with the checks."""
        content = [cell.source.encode() for cell in self.cells.values()]
        content += [path.read_bytes() for path in sorted(CHECKS.rglob("*.py"))]
        digest = hashlib.sha256(b"\0".join(content)).hexdigest()[:12]
        tasks = tuple(place.task for place in self.places)
        version = f"{tantra.__version__}+{digest}"
        return Assignment(exercise=self.exercise, tasks=tasks, seed=seed, version=version)


def read_page(path):
    """The Page of an exercise notebook; raises ValueError where it is none."""
    path = find(path)
    found, _ = notebook.cells(notebook.content(path), path.stem)
    cells = {cell.name: cell for cell in found}
    checks = [name for name in cells if name and name.endswith("-check")]
    if not checks:
        raise ValueError(f"{path} has no checks; give a page of exercises/")
    last = list(cells).index(checks[-1])
    own = {*checks, *(name.removesuffix("-check") + "-write" for name in checks)}
    given = tuple(
        (f"<{name}>", cell.source)
        for name, cell in list(cells.items())[:last]
        if cell.kind == "code" and name not in own
    )
    return Page(path.stem, tuple(_place(cells, name) for name in checks), given, cells)


def find(path):
    """The exercise's file: as it is named, or by its number or name in exercises/."""
    path = Path(path)
    known = sorted(Path("exercises").glob("*.ipynb"))
    near = [each for each in known if path.name in (each.stem, *each.stem.split("_", 1))]
    if not path.is_file() and len(near) == 1:
        return near[0]
    if not path.is_file():
        listed = ", ".join(each.stem for each in known) or "no exercises/ here"
        raise ValueError(f"there is no exercise {path}; give its file ({listed})")
    return path


def _place(cells, name):
    check = cells[name]
    call = ast.parse(check.source).body[-1].value
    write, text = cells[name.removesuffix("-check") + "-write"], cells[name.removesuffix("-check")]
    number, title = TITLE.search(text.source).groups()
    task = Task(
        name=call.func.attr,
        number=int(number),
        title=title.strip(),
        points=int(DIFFICULTY.search(text.source)[1]),
        given=write.source,
    )
    return Place(task, ast.unparse(call.args[0]), text, check)


def is_function(place):
    """Whether a task asks for a function, not for a value."""
    return names.functions(place.task.given).count(place.want) > 0
