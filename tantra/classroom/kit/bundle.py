"""The students' zip: pages, library and environment of chosen chapters, and no solution.

The same course gives the same bytes: files in the order of their names, no times, nothing
compressed.  Nothing is written where an answer is found in it (see `trees`).
"""

import io
import json
import re
import tomllib
import zipfile
from pathlib import Path

import nbformat

from course import stored_form
from exercises import SolutionError, unsolved
from rules.page import Page, tags
from tantra.classroom import students
from tantra.classroom.grading import file_name
from tantra.classroom.kit import trees
from tantra.classroom.kit.links import mended
from tantra.classroom.kit.place import ROOT, all_names, the_course
from tantra.files import write_whole

FOLDER = "tantra-class"
ASSETS = Path(__file__).with_name("assets")
WHOLE = ("LICENSE", "CITATION.cff", "constraints.txt", "environment.yml", "exercises/AGENTS.md")
WHOLE += ("examples/train.py",)  # 16 runs it, in two processes
TOOLS = ("tools/environment.py", "tools/lab.py", "tools/settings/overrides.json")
SCRIPTS = re.compile(r"^\[project\.scripts\]\n(?:(?!\[).*\n)*", re.MULTILINE)
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can hold


class SolvedError(ValueError):
    """The zip would hold an answer."""


def contents(names, root=ROOT):
    """The files of the zip by their places, as bytes, for the chapters called names."""
    the_course(root)
    pages = [f"{folder}/{name}.ipynb" for folder in ("notebooks", "exercises") for name in names]
    library = [path.relative_to(root).as_posix() for path in library_files(root)]
    files = {name: (root / name).read_bytes() for name in (*WHOLE, *TOOLS, *library)}
    files["pyproject.toml"] = SCRIPTS.sub("", text_of(root, "pyproject.toml")).encode()
    for name in ("Makefile", "README.md"):
        files[name] = begun(text_of(ASSETS, f"student_{name}"), names).encode()
    inside = {*files, *pages, "notebooks/GLOSSARY.md"}
    glossary = mended(text_of(root, "notebooks/GLOSSARY.md"), "notebooks/GLOSSARY.md", inside)
    files["notebooks/GLOSSARY.md"] = f"{glossary.rstrip()}\n".encode()
    return files | {place: page(root / place, place, inside) for place in pages}


def library_files(root):
    """The files of the library that an installation has, without the teacher's kit."""
    library = root / "tantra"
    setuptools = tomllib.loads(text_of(root, "pyproject.toml"))["tool"]["setuptools"]
    found = {path for kind in setuptools["package-data"]["tantra"] for path in library.glob(kind)}
    found.update(library.rglob("*.py"))
    return sorted(path for path in found if library / "classroom" not in path.parents)


def text_of(root, name):
    return (root / name).read_text(encoding="utf-8")


def begun(text, names):
    """text of a students' file with the chapters that are there, and the first of them."""
    rows = [
        f"- [{name}](notebooks/{name}.ipynb), [tasks](exercises/{name}.ipynb)" for name in names
    ]
    return text.replace("CHAPTERS\n", "\n".join(rows) + "\n").replace("FIRST", names[0])


def page(path, place, inside):
    """The bytes of a notebook with its links mended.  Raises SolvedError for a solved exercise."""
    notebook = Page(path).notebook
    if place.startswith("exercises/"):
        refuse_solved(path, notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = mended(cell.source, place, inside)
    return stored_form(notebook).encode()


def refuse_solved(path, notebook):
    """Raise SolvedError where a task's cell is not the one that the solution makes."""
    solution = path.parents[1] / "solutions" / path.name
    begun = {c.id: unsolved(c.source) for c in Page(solution).code if "task" in tags(c)}
    for cell in notebook.cells:
        if cell.id in begun and cell.source != begun[cell.id]:
            raise SolvedError(
                f"exercises/{path.name}, cell {cell.id}, is not as students should find it: "
                "run make exercises, which first sets what you wrote aside"
            )


def answers(root=ROOT):
    """Every answer of the course's solutions, as `trees` knows them."""
    pages = [Page(root / "solutions" / f"{name}.ipynb") for name in all_names(root)]
    return [answer for page in pages for answer in trees.answers_in(page)]


def leaks(files, search):
    """(place, answer) for each answer that stands in one of the files."""
    for place, content in files.items():
        for source in sources(place, content):
            yield from ((place, answer) for answer in search.found_in(source))


def sources(place, content):
    """Every text of a file that may be Python: code, what code printed, blocks in a text."""
    if place.endswith(".ipynb"):
        for cell in json.loads(content)["cells"]:
            text = "".join(cell["source"])
            yield from [text] if cell["cell_type"] == "code" else trees.pythons(text)
            for output in cell.get("outputs", ()):
                yield from trees.pythons("".join(output.get("text", "")))
    elif place.endswith(".py"):
        yield content.decode()
    elif place.endswith((".md", "Makefile", ".toml", ".yml")):
        yield from trees.pythons(content.decode())


def refuse_answers(files, root=ROOT):
    """Raise SolvedError where a file holds an answer; the library may, see teaching/cheating.md."""
    outside = {place: text for place, text in files.items() if not place.startswith("tantra/")}
    if found := next(leaks(outside, trees.Search(answers(root))), None):
        place, answer = found
        raise SolvedError(f"{place} holds {answer}: no zip is written; take it out of there")


def packed(files):
    """The zip of files, as bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for place in sorted(files):
            entry = zipfile.ZipInfo(f"{FOLDER}/{place}", EPOCH)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, files[place])
    return whole.getvalue()


def without_answers(names, root=ROOT):
    """The files of the zip.  Raises SolvedError where one would hold an answer."""
    try:
        files = contents(names, root)
    except SolutionError as problem:
        raise SolvedError(f"a solution cannot be read: {problem}") from None
    refuse_answers(files, root)
    return files


def write_each(names, folder, seeds, root=ROOT):
    """Write a zip for each student to folder, by their names; the tasks with their own numbers."""
    files, changed = without_answers(names, root), []
    folder.mkdir(parents=True, exist_ok=True)
    pages = [place for place in files if place.startswith("exercises/") and place.endswith("nb")]
    for student, seed in seeds.items():
        own, changed = dict(files), []
        for place in pages:
            notebook = nbformat.reads(files[place].decode(), as_version=4)
            changed += students.give(notebook, seed)
            own[place] = stored_form(notebook).encode()
        write_whole(folder / f"{file_name(student)}.zip", packed(own))
    return changed


def write(names, path, root=ROOT):
    """Write the students' zip of these chapters to path; the files that it holds.

    Raises SolvedError, with nothing written, where it would hold an answer.
    """
    files = without_answers(names, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, packed(files))
    return files
