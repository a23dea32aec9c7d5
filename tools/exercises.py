"""Make each exercise notebook from its solution notebook, which is written by hand.

    python tools/exercises.py                                 make all, run them, store them
    python tools/exercises.py solutions/02_softmax.ipynb      one of them
    python tools/exercises.py --force                         without a copy of what they held
    python tools/exercises.py --check                         stored = what would be made?
    python tools/exercises.py --unsolved                      every check says "not written yet",
                                                              and the rest prints what is stored?

An exercise that holds somebody's answers is first kept as NAME.mine-1.ipynb (tools/aside.py).

In the code cell of a task (tag `task`) the answer stands between two marker lines:

    ### BEGIN SOLUTION                    becomes  raise NotImplementedError
    ### BEGIN SOLUTION: shape = ...       becomes  shape = ...
    ### END SOLUTION

Where the learner starts from faulty code (a hunt), that code stands right before the answer, each
line commented with "# ", and takes the answer's place:

    ### BEGIN STUB
    # return x / x.sum()
    ### END STUB
    ### BEGIN SOLUTION

Cells tagged `solution-only` are dropped, and so is the part of a text cell between
<!-- solution-only --> and <!-- /solution-only -->.
"""

import argparse
import ast
import asyncio
import re
import sys
from functools import partial
from pathlib import Path

from aside import store
from course import ROOT, all_paths, read, short, stored_form, without_outputs
from refresh import CellError, difference, each, run

BEGIN = re.compile(r"^(\s*)### BEGIN SOLUTION(?::\s*(\S.*))?$")
MARKER = re.compile(r"^\s*###\s*(BEGIN|END)\s+(SOLUTION|STUB)\b")
BARE_MARKER = re.compile(r"(BEGIN|END) SOLUTION\b")
PART = re.compile(r"<!-- solution-only -->(.*?)<!-- /solution-only -->\n?", re.DOTALL)


class SolutionError(ValueError):
    """A solution notebook from which no exercise can be made."""


def split(source):
    """source cut into ("given" | "stub" | "solution", lines) pieces, each with its marker lines.

    Raises SolutionError where the markers don't pair.
    """
    pieces, kind = [("given", [])], "given"
    for number, line in enumerate(source.splitlines(), 1):
        match = MARKER.match(line)
        if not match:
            pieces[-1][1].append(line)
            continue
        edge, what = match[1], match[2].lower()
        if edge == "BEGIN":
            if kind != "given":
                raise SolutionError(f"line {number}: {line.strip()!r} stands inside a {kind}")
            if what == "solution" and not BEGIN.match(line):
                raise SolutionError(
                    f"line {number}: {line.strip()!r}: write ### BEGIN SOLUTION[: stub]"
                )
            kind = what
            pieces.append((kind, [line]))
        else:
            if kind != what:
                raise SolutionError(f"line {number}: {line.strip()!r} closes nothing that is open")
            pieces[-1][1].append(line)
            kind = "given"
            pieces.append((kind, []))
    if kind != "given":
        raise SolutionError(f"### BEGIN {kind.upper()} is never closed by ### END {kind.upper()}")
    return [(kind, lines) for kind, lines in pieces if lines]


def unsolved(source):
    """source of a task with each answer replaced by what the learner starts from."""
    result, stub, answers = [], None, 0
    for kind, lines in split(source):
        if stub is not None and kind != "solution":
            raise SolutionError("### END STUB is not followed at once by ### BEGIN SOLUTION")
        if kind == "given":
            result += lines
        elif kind == "stub":
            stub = [uncommented(line) for line in lines[1:-1]]
        else:
            indent, text = BEGIN.match(lines[0]).groups()
            if stub is not None and text:
                raise SolutionError(
                    "a stub stands both above the answer and behind ### BEGIN SOLUTION:"
                )
            result += stub or [indent + (text or "raise NotImplementedError")]
            stub, answers = None, answers + 1
    if stub is not None:
        raise SolutionError("### END STUB is not followed at once by ### BEGIN SOLUTION")
    if not answers:
        raise SolutionError("a task without ### BEGIN SOLUTION: the exercise would show the answer")
    text = "\n".join(result)
    try:
        ast.parse(text)
    except SyntaxError as problem:
        raise SolutionError(f"what is left for the learner is no Python: {problem}") from None
    return text


def uncommented(line):
    """line of a stub without its comment sign."""
    match = re.match(r"^(\s*)#(?: (.*))?$", line)
    if not match:
        raise SolutionError(f"{line.strip()!r} stands in a stub and is not commented with '# '")
    return (match[1] + match[2]).rstrip() if match[2] else ""


def tags(cell):
    """The tags of cell, as a set."""
    return set(cell.metadata.get("tags", ()))


def check_order(cells):
    """Raise SolutionError unless each task is text, answer and check, one right after the other."""
    for i, cell in enumerate(cells):
        if "task" in tags(cell):
            stem = cell.id.removesuffix("-write")
            around = [cells[j].id if 0 <= j < len(cells) else None for j in (i - 1, i, i + 1)]
            if around != [stem, f"{stem}-write", f"{stem}-check"]:
                raise SolutionError(
                    f"cell {cell.id}: a task is three cells with the ids task-1, task-1-write "
                    f"and task-1-check; here they are {around}"
                )
            if cell.cell_type != "code" or "check" not in tags(cells[i + 1]):
                raise SolutionError(f"cell {cell.id}: a task is a code cell, and the next a check")
        elif "check" in tags(cell) and not (i and "task" in tags(cells[i - 1])):
            raise SolutionError(f"cell {cell.id}: a check that follows no task")


def generate(solution):
    """The exercise notebook that belongs to solution, not yet run.  Raises SolutionError."""
    exercise = without_outputs(solution.copy())
    exercise.cells = [cell.copy() for cell in solution.cells]
    for cell in exercise.cells:
        if "solution-only" in tags(cell) and tags(cell) & {"task", "check"}:
            raise SolutionError(f"cell {cell.id}: a task or a check cannot be solution-only")
    exercise.cells = [cell for cell in exercise.cells if "solution-only" not in tags(cell)]
    check_order(exercise.cells)
    for cell in exercise.cells:
        try:
            if cell.cell_type == "markdown":
                cell.source = PART.sub("", cell.source)
                if "solution-only -->" in cell.source:
                    raise SolutionError(
                        "<!-- solution-only --> and <!-- /solution-only --> don't pair"
                    )
            elif "task" in tags(cell):
                cell.source = unsolved(cell.source)
            elif any(MARKER.match(line) for line in cell.source.splitlines()):
                raise SolutionError("a marker outside a task: give the cell the tag task")
        except SolutionError as problem:
            raise SolutionError(f"cell {cell.id}: {problem}") from None
    return without_outputs(exercise)


def answers(solution):
    """The lines of solution that its exercise must not hold, without indentation."""
    hidden, shown = set(), set()
    for cell in solution.cells:
        if "solution-only" in tags(cell):
            hidden.update(map(bare, cell.source.splitlines()))
        elif "task" in tags(cell):
            for kind, lines in split(cell.source):
                (hidden if kind == "solution" else shown).update(map(bare, lines))
        else:
            for part in PART.findall(cell.source):
                hidden.update(map(bare, part.splitlines()))
            shown.update(map(bare, PART.sub("", cell.source).splitlines()))
    return {line for line in hidden - shown if len(line) > 8 and not BARE_MARKER.match(line)}


def bare(line):
    """line without indentation and comment signs."""
    return line.strip().lstrip("#").strip()


def exercise_path(path):
    """Where the exercise of the solution at path lies."""
    return path.resolve().parents[1] / "exercises" / path.name


async def make(path, force=False):
    """Make the exercise of the solution at path, run it and store it; a problem in words or "".

    What a learner wrote there is set aside first, unless forced.
    """
    target = exercise_path(path)
    try:
        text = stored_form(await run(generate(read(path)), target.parent))
    except (SolutionError, CellError) as problem:
        return str(problem)
    store(target, text, force)
    return ""


async def compare(path):
    """What keeps the stored exercise from being the one that its solution makes, or ""."""
    target = exercise_path(path)
    if not target.exists():
        return f"{short(target)} is missing: run make exercises"
    try:
        made = stored_form(generate(read(path)))
    except SolutionError as problem:
        return str(problem)
    return difference(stored_form(without_outputs(read(target))), made)


async def prove_unsolved(path):
    """What is wrong with the exercise of the solution at path when nobody has solved it, or ""."""
    target = exercise_path(path)
    stored = read(target)
    try:
        exercise = await run(read(target), target.parent, strict=True, allow_errors=True)
    except CellError as problem:
        return str(problem)
    problems = [unsolved_problem(cell) for cell in exercise.cells]
    for shown, cell in zip(stored.cells, exercise.cells, strict=True):
        if "check" in tags(cell):  # what is stored of it was said to a reader, who is told less
            cell.outputs = shown.outputs
    problems.append(difference(stored_form(stored), stored_form(exercise)))
    return "\n".join(filter(None, problems))


def unsolved_problem(cell):
    """What is wrong with the outputs of cell in an unsolved exercise, or ""."""
    if cell.cell_type != "code":
        return ""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    said = [f"{error.ename}: {error.evalue}" for error in errors]
    if "check" not in tags(cell):
        return f"cell {cell.id} fails in an unsolved exercise: {said[0]}" if said else ""
    if not said:
        return f"cell {cell.id} passes although nothing is written"
    if errors[0].ename != "CheckFailed" or "not written yet" not in errors[0].evalue:
        return f'cell {cell.id} should say "not written yet" and says {said[0]}'
    return ""


def main(arguments=None):
    """Run the command line; 0 when all is well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, metavar="SOLUTION")
    parser.add_argument("--check", action="store_true", help="is the stored exercise the made one?")
    parser.add_argument("--unsolved", action="store_true", help="run the exercises, strictly")
    parser.add_argument("--force", action="store_true", help="keep no copy of a learner's answers")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at a time")
    options = parser.parse_args(arguments)
    paths = [
        path.resolve().parents[1] / "solutions" / path.name for path in options.paths
    ] or all_paths(ROOT, ["solutions"])
    making = partial(make, force=options.force)
    work = prove_unsolved if options.unsolved else compare if options.check else making
    return 0 if asyncio.run(each(paths, options.jobs, work)) else 1


if __name__ == "__main__":
    sys.exit(main())
