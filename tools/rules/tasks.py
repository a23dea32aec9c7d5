"""Rules for a chapter's tasks: for solutions and exercises."""

import re

from exercises import MARKER, SolutionError, answers, bare, exercise_path
from rules.page import Page, tags

KINDS = ("implement", "derive", "hunt", "predict", "ablate")
TASK = re.compile(r"## (\d+)\. \S.*")
FACTS = re.compile(rf"({'|'.join(KINDS)}) · difficulty [123] of 3 · (\d+) minutes")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COUNT = re.compile(rf"\b({'|'.join(NUMBERS)}|\d+) (?:\w+ )?tasks? for \[chapter", re.IGNORECASE)


def tasks_are_announced(page):
    """A task has a number and a title, then its kind, difficulty and minutes, then its sentence."""
    for number, cell in enumerate(tasks_of(page), 1):
        lines = [*cell.source.splitlines(), "", "", ""]
        heading = TASK.fullmatch(lines[0])
        if not heading or int(heading[1]) != number or cell.id != f"task-{number}":
            yield cell.id, f"should begin with ## {number}. and a title"
        if not FACTS.fullmatch(lines[1].strip()):
            yield cell.id, "second line: implement · difficulty 1 of 3 · 10 minutes"
        if not any(line.strip() for line in lines[2:]):
            yield cell.id, "no sentence says what to do"


def tasks_of(page):
    """The text cells of page that ask for something."""
    return [cell for cell in page.prose if re.fullmatch(r"task-\d+", cell.id)]


def tasks_are_counted(page):
    """A page that says how many tasks it has counts them right."""
    there = len(tasks_of(page))
    for cell in page.prose:
        for word in COUNT.findall(cell.source):
            if word.lower() not in (str(there), *NUMBERS[there : there + 1]):
                yield cell.id, f"{word} tasks are announced, {there} are there"


def progress_comes_last(page):
    """The table of what is passed comes after the last check."""
    code = [cell for cell in page.code if cell.id == "progress" or "check" in tags(cell)]
    if code and any(cell.id == "progress" for cell in code[:-1]):
        yield code[-1].id, "a check after the cell `progress`, whose table would not show it"


def tasks_are_enough(page):
    """A chapter has at least four tasks of three kinds; the first, 00, two tasks."""
    tasks = tasks_of(page)
    kinds = {match[1] for cell in tasks if (match := FACTS.search(cell.source))}
    fewest, fewest_kinds = (2, 1) if page.number == "00" else (4, 3)
    if len(tasks) < fewest or len(kinds) < fewest_kinds:
        yield None, f"{len(tasks)} tasks of {len(kinds)} kinds"


def checks_check(page):
    """A check cell hands the learner's work to tantra's check, and does nothing else."""
    for cell in page.code:
        if "check" in tags(cell) and not re.fullmatch(r"check\.\w+\(.+\)", cell.source.strip()):
            yield cell.id, "should be one line, check.name(name)"


def holds_no_answer(page):
    """An exercise holds no answer."""
    if page.folder != "exercises":
        return
    solution = exercise_path(page.path).parents[1] / "solutions" / page.path.name
    try:
        secret = answers(Page(solution).notebook) if solution.exists() else set()
    except SolutionError as problem:
        secret = set()
        yield None, str(problem)
    for cell in page.cells:
        if "solution-only" in tags(cell):
            yield cell.id, "tagged solution-only"
        for line in cell.source.splitlines():
            if MARKER.match(line) or "solution-only -->" in line:
                yield cell.id, f"a marker of the solution: {line.strip()}"
            elif bare(line) in secret:
                yield cell.id, f"a line of the answer: {line.strip()}"


TASKS = [
    tasks_are_announced,
    tasks_are_enough,
    tasks_are_counted,
    progress_comes_last,
    checks_check,
    holds_no_answer,
]
