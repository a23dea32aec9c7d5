"""An nbgrader course of our exercise pages.

COURSE/source/NAME/NAME.ipynb is a page with nbgrader's marks: a header, answers to write, and
checks that are locked and graded, with the task's difficulty as points.  COURSE/tantra.json is the
teacher's: of each assignment the seed of the checks, and the key by which a check cell knows that
its page was prechecked.  Nothing there is handed to students.
"""

import json
import secrets
from pathlib import Path

import nbformat

from tantra.classroom.kit.links import mended
from tantra.classroom.kit.place import ROOT
from tantra.classroom.submission import names
from tantra.classroom.submission.page import read_page
from tantra.files import write_whole

CONFIG = '''"""Written by make nbgrader; change what you like: it is not written again."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "tantra"
# The pages hold no solutions, and what they give is not to be replaced by nbgrader's own words.
c.GenerateAssignment.preprocessors = [
    f"nbgrader.preprocessors.{name}"
    for name in (
        "LockCells",
        "ClearOutput",
        "CheckCellMetadata",
        "ComputeChecksums",
        "SaveCells",
        "ClearHiddenTests",
        "ComputeChecksums",
        "CheckCellMetadata",
    )
]
'''
HEADER = (
    "**{count} tasks, {points} points.** Write each answer in the cell under its task, run it and "
    "the check below it, and save before you submit. Copy, rename and delete no cell. Only your "
    "answers are taken; they are run again elsewhere, with other numbers, where nothing can be "
    "asked of you (`input`) and nothing can run for ever."
)
HIDDEN = """### BEGIN HIDDEN TESTS
{names} = ...
assert getattr(check, "key", None) == "{key}", (
    "not prechecked: run python -m tantra.classroom precheck COURSE {assignment}, then autograde"
)
### END HIDDEN TESTS
"""
SEEDS = 1_000_000


def write(pages, folder, seed=None):
    """Write the course with these exercise pages to folder; yields a line on each assignment.

    An assignment that is there keeps its seed and its key.
    """
    folder = Path(folder)
    secret = secrets_of(folder)
    if not (folder / "nbgrader_config.py").exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "nbgrader_config.py", CONFIG.encode())
    for path in pages:
        page = read_page(path)
        own = secret.setdefault(page.exercise, {"key": secrets.token_hex(16), "seed": None})
        if seed is not None or own["seed"] is None:
            own["seed"] = secrets.randbelow(SEEDS) if seed is None else seed
        target = folder / "source" / page.exercise / f"{page.exercise}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        text = nbformat.writes(marked(path, page, own["key"])) + "\n"
        write_whole(target, text.encode())
        points = sum(place.task.points for place in page.places)
        yield f"{target}: {len(page.places)} tasks, {points} points"
    write_whole(folder / "tantra.json", (json.dumps(secret, indent=1) + "\n").encode())


def secrets_of(folder):
    """What the teacher alone knows of each assignment: {"02_softmax": {"seed", "key"}, ...}."""
    path = Path(folder) / "tantra.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def marked(path, page, key):
    """The page as a notebook with nbgrader's marks."""
    notebook = nbformat.read(path, as_version=4)
    places = {place.check.name: place for place in page.places}
    answers = {place.write for place in page.places}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = mended(cell.source, f"exercises/{page.exercise}.ipynb", set())
        if place := places.get(cell.id):
            cell.metadata["nbgrader"] = mark(cell.id, points=place.task.points)
            cell.source = hidden(cell.source, key, page.exercise) + cell.source
        elif cell.id in answers:
            cell.metadata["nbgrader"] = mark(cell.id)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(header(page), id="header"))
    return notebook


def mark(name, points=None):
    """nbgrader's metadata: of a check where there are points, else of an answer."""
    graded = points is not None
    found = {"grade_id": name, "grade": graded, "locked": graded, "solution": not graded}
    return found | {"task": False, "schema_version": 3} | ({"points": points} if graded else {})


def hidden(check, key, assignment):
    """The lines before a check that students do not get: they are for a prechecked page.

    There no answer runs, so that the names which the check hands over stand for nothing.
    """
    wanted = " = ".join(sorted(names.needed(check) - {"check"}))
    return HIDDEN.format(names=wanted, key=key, assignment=assignment)


def header(page):
    points = sum(place.task.points for place in page.places)
    return HEADER.format(count=len(page.places), points=points)


def page_of(assignment, root=ROOT):
    """Our own page of an assignment."""
    return root / "exercises" / f"{assignment}.ipynb"
