"""Prove in a minute what a change touches, before `make test` proves the rest.

python tools/quick.py                                 what git says has changed (make quick)
python tools/quick.py notebooks/03_attention.ipynb    all that this chapter touches
                                                      (make check NOTEBOOK=...)
"""

import re
import subprocess
import sys
from pathlib import Path

import gates
from course import FOLDERS, ROOT, short

sys.path.insert(0, str(ROOT / "tests"))
from planted_faults import TESTS  # where a fault in a file must be noticed

EXERCISES = "tantra/check/exercises"  # proved by the data in them, see `exercises_of`
ROW = re.compile(r"\[(\d\d) [^]]*\]\(notebooks/.*?\| `(?P<part>tantra/[\w/.]+)` \|")


def changed():
    """The files that differ from the last commit, new ones too, as paths from the root."""
    command = ["git", "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [entry[3:] for entry in done.stdout.split("\0") if entry]
    return [name for name in names if (ROOT / name).is_file()]


def tests_of(name):
    """The test files in which a fault in the file of this name must be noticed.

    A helper of the tests is tested where it is imported, and planted faults where they are planted.
    A file that no test names is tested by what stands in the nearest folder of tests above it.
    """
    path = Path(name)
    if path.parts[0] == "tests":
        helper = "planted_faults" if path.parts[1] == "faults" else path.stem
        importing = rf"\bimport {helper}\b|\bfrom {helper} import"
        return [name] if path.name.startswith("test_") else tests_with(importing, "tests")
    if path.parts[0] == "tantra":
        inside = path.relative_to("tantra")
        mirror = Path("tests", inside.parent, f"test_{inside.stem}.py")
        known = [f"tests/{test}" for test in TESTS.get(inside.as_posix(), ())]
        known = known or [mirror.as_posix()] * (ROOT / mirror).exists()
        room = ".".join(path.parent.parts)
        importing = rf"\b{room}\.{path.stem}\b|\bfrom {room} import .*\b{path.stem}\b"
        found = known or tests_with(importing, "tests")
        if found or path.parent.as_posix() == EXERCISES:
            return found
        above = next(folder for folder in mirror.parents if (ROOT / folder).is_dir())
        return tests_with("", above)
    if path.parts[0] == "tools":
        tool = Path(path.parts[1]).stem
        return tests_with(rf"\bimport {tool}\b|\bfrom {tool} import", "tests/tools")
    return []


def tests_with(pattern, folder):
    """The test files below a folder in which the pattern is found."""
    tests = sorted((ROOT / folder).rglob("test_*.py"))
    return [short(test) for test in tests if re.search(pattern, test.read_text(encoding="utf-8"))]


def exercises_of(name):
    """The names of the exercises that a file holds the data of."""
    path = Path(name)
    if path.parent.as_posix() != EXERCISES or path.stem == "__init__":
        return []
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r'^    name="(\w+)",$', text, flags=re.MULTILINE)


def proving(names):
    """The gates that prove these files: their tests, and the data of their exercises."""
    tests = sorted({test for name in names for test in tests_of(name)})
    exercises = sorted({task for name in names for task in exercises_of(name)})
    commands = []
    if tests:
        commands.append((*gates.PYTEST, *tests))
    if exercises:
        asked = ("tests/check/test_exercises.py", *right_answers(), "-k", " or ".join(exercises))
        commands.append((*gates.PYTEST, *asked))
    proves = "the tests of these files pass"
    return [gates.Gate("tests", proves, tuple(commands))] if commands else []


def right_answers():
    return [short(path) for path in sorted((ROOT / "tests/check").glob("test_right_answers_*.py"))]


def chapter(notebook):
    """The gates that prove all that one chapter touches."""
    pages = [f"{folder}/{Path(notebook).name}" for folder in FOLDERS]
    if missing := [page for page in pages if not (ROOT / page).exists()]:
        raise SystemExit(f"There is no {missing[0]}: give a chapter, notebooks/03_attention.ipynb.")
    number, name = Path(notebook).stem.split("_", 1)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    parts = [row["part"] for row in ROW.finditer(readme) if row[1] == number]
    solution = f"solutions/{Path(notebook).name}"
    return [
        gates.Gate("pages", "", (("tools/spoil.py", *pages),), threads=2),
        gates.Gate("deeper", "", (("tools/deeper.py", pages[0]),)),
        *proving([f"tantra/check/exercises/{name}.py", *parts]),
        style(),
        gates.Gate("lint", "", (("tools/lint.py", *pages),)),
        gates.Gate("exercises", "", (("tools/exercises.py", "--check", solution),)),
    ]


def style():
    return next(gate for gate in gates.GATES if gate.name == "style")


def main(arguments):
    """Run the command line; 0 when all is well."""
    if arguments:
        return gates.prove(chapter(arguments[0]))
    quick = [gate for gate in gates.GATES if gate.name in ("style", "lint", "exercises")]
    return gates.prove([*proving(changed()), *quick])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
