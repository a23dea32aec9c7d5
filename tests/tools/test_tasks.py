"""What the solution notebooks announce is what the checks hold."""

import re

import pytest

from course import ROOT, all_paths, read, short
from rules.tasks import FACTS
from tantra.check.exercises import chapters, registry

SOLUTIONS = all_paths(ROOT, ["solutions"])
CHECK = re.compile(r"check\.(\w+)\(")


@pytest.mark.parametrize("path", SOLUTIONS, ids=short)
def test_a_task_is_of_the_kind_that_its_check_says(path):
    cells = {cell.id: cell.source for cell in read(path).cells}
    tasks = [name for name in cells if re.fullmatch(r"task-\d+", name)]
    for task in tasks:
        name = CHECK.search(cells[f"{task}-check"])[1]
        assert FACTS.search(cells[task])[1] == registry()[name].kind, name


@pytest.mark.parametrize("path", SOLUTIONS, ids=short)
def test_every_exercise_of_a_chapter_is_a_task(path):
    chapter = path.stem[3:]
    asked = CHECK.findall("\n".join(cell.source for cell in read(path).cells if "check" in cell.id))
    assert sorted(asked) == sorted(exercise.name for exercise in chapters()[chapter])
