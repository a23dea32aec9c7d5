"""An exercise is made from its solution, and nothing else passes for it."""

import pytest
from nbformat.v4 import new_output

import exercises
from course import read, stored_form, without_outputs
from text import from_text, to_text

SOLUTION = '''\
%% md title
# Query: exercises<!-- solution-only -->, solved<!-- /solution-only -->

%% code setup
import os


class CheckFailed(AssertionError):
    pass


def check(attempt):
    problem = "not written yet"
    try:
        value = attempt() if callable(attempt) else attempt
    except NotImplementedError:
        value = ...
    if value is not ... and value != 6:
        problem = "" if value in (2, (2, 5)) else "wrong"
    if problem and os.environ.get("TANTRA_STRICT"):
        raise CheckFailed(problem)
    print(problem or "passed")

%% md task-1
## 1. Two

%% code task-1-write [task]
def two():
    """Two."""
    ### BEGIN SOLUTION
    answer = 1 + 1
    return answer
    ### END SOLUTION

%% code task-1-check [check]
check(two)

%% md task-1-why [solution-only]
One and one are two.

%% md task-2
## 2. A shape

%% code task-2-write [task]
### BEGIN SOLUTION: shape = ...
shape = (2, 5)
### END SOLUTION

%% code task-2-check [check]
check(shape)

%% md task-3
## 3. A fault

%% code task-3-write [task]
def given_two():
    ### BEGIN STUB
    # half = 3
    #
    # return half + half
    ### END STUB
    ### BEGIN SOLUTION
    half = 1

    return half + half
    ### END SOLUTION

%% code task-3-check [check]
check(given_two)
'''
EXERCISE = '''\
def two():
    """Two."""
    raise NotImplementedError
'''


def cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def test_answers_give_place_to_stubs():
    made = exercises.generate(from_text(SOLUTION))
    assert cell(made, "title").source == "# Query: exercises"
    assert cell(made, "task-1-write").source + "\n" == EXERCISE
    assert cell(made, "task-2-write").source == "shape = ..."
    assert (
        cell(made, "task-3-write").source
        == "def given_two():\n    half = 3\n\n    return half + half"
    )
    assert "task-1-why" not in to_text(made)
    assert to_text(from_text(SOLUTION)) == SOLUTION  # and the solution stayed as it was


def test_answers_lists_what_must_stay_hidden():
    assert exercises.answers(from_text(SOLUTION)) == {
        "answer = 1 + 1",
        "return answer",
        "One and one are two.",
        "shape = (2, 5)",
    }


UNCLEAR = {
    "never closed": ("    ### END SOLUTION\n\n%% code task-1-check", "\n%% code task-1-check"),
    "closes nothing": ("    answer = 1 + 1", "    ### END SOLUTION"),
    "stands inside a solution": ("    answer = 1 + 1", "    ### BEGIN SOLUTION"),
    "would show the answer": (
        "### BEGIN SOLUTION: shape = ...\nshape = (2, 5)\n### END SOLUTION",
        "x = 1",
    ),
    "not followed at once": ("    ### END STUB\n", "    ### END STUB\n    x = 1\n"),
    "not commented": ("    # half = 3", "    half = 3"),
    "stub stands both": (
        "### END STUB\n    ### BEGIN SOLUTION",
        "### END STUB\n    ### BEGIN SOLUTION: x",
    ),
    "is no Python": ("### BEGIN SOLUTION: shape = ...", "### BEGIN SOLUTION: shape ="),
    "three cells": ("%% code task-1-check [check]\ncheck(two)\n\n", ""),
    "three cells with": ("%% md task-2\n", "%% md task-b\n"),
    "the next a check": ("%% code task-2-check [check]", "%% code task-2-check"),
    "follows no task": ("%% code setup", "%% code setup [check]"),
    "cannot be solution-only": ("task-1-write [task]", "task-1-write [task, solution-only]"),
    "outside a task": ("import os", "### BEGIN SOLUTION\nimport os"),
    "don't pair": ("<!-- /solution-only -->", ""),
    "write ### BEGIN SOLUTION[: stub]": (
        "    ### BEGIN SOLUTION\n    answer",
        "    ### BEGIN SOLUTION = 1\n    answer",
    ),
}


@pytest.mark.parametrize("words", UNCLEAR)
def test_an_unclear_solution_is_refused_in_words(words):
    old, new = UNCLEAR[words]
    assert old in SOLUTION
    with pytest.raises(exercises.SolutionError, match=r"cell [a-z0-9-]+: ") as problem:
        exercises.generate(from_text(SOLUTION.replace(old, new, 1)))
    assert words in str(problem.value)


@pytest.fixture
def made(tmp_path):
    """A solution and its exercise, stored as if it had run."""
    notebook = from_text(SOLUTION)
    for folder in ("solutions", "exercises"):
        (tmp_path / folder).mkdir()
    solution, exercise = (
        tmp_path / folder / "01_query.ipynb" for folder in ("solutions", "exercises")
    )
    solution.write_text(stored_form(notebook))
    stored = exercises.generate(notebook)
    for number in (1, 2, 3):
        said = [new_output("stream", text="not written yet\n")]
        cell(stored, f"task-{number}-check").outputs = said
    exercise.write_text(stored_form(stored))
    return solution, exercise


def test_check_accepts_the_exercise_that_would_be_made(made):
    assert exercises.main(["--check", str(made[0])]) == 0


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("raise NotImplementedError", "return 2", "cell task-1-write"),
        ("## 2. A shape", "## 2. A form", "cell task-2"),
        ('"check"', '"task"', "cell task-1-check"),
        ('"id": "task-3"', '"id": "task-4"', "the cells"),
    ],
)
def test_an_exercise_out_of_step_is_caught(made, capsys, old, new, where):
    solution, exercise = made
    text = exercise.read_text()
    assert old in text
    exercise.write_text(text.replace(old, new, 1))
    assert exercises.main(["--check", str(solution)]) == 1
    assert where in capsys.readouterr().out


def test_a_solution_that_moved_on_is_caught(made, capsys):
    solution, _ = made
    solution.write_text(solution.read_text().replace("Two.", "The number two."))
    assert exercises.main(["--check", str(solution)]) == 1
    assert "cell task-1-write" in capsys.readouterr().out


def test_a_missing_exercise_is_caught(made, capsys):
    made[1].unlink()
    assert exercises.main(["--check", str(made[0])]) == 1
    assert "run make exercises" in capsys.readouterr().out


def said(text):
    return [new_output("display_data", data={"text/plain": text, "text/html": f"<p>{text}</p>"})]


@pytest.mark.parametrize(
    ("outputs", "problem"),
    [
        (said("· two: not written yet"), None),
        (said("✓ two: 3 shown cases and 20 random ones agree"), "says ['✓ two: 3 shown"),
        ([], "says []"),
        (said("· two: not written yet") * 2, "says ['· two: not written yet', "),
        ([new_output("error", ename="NameError", evalue="two", traceback=[])], "says ['error']"),
    ],
)
def test_a_check_of_a_stored_exercise_must_say_not_written_yet(made, capsys, outputs, problem):
    solution, exercise = made
    assert exercises.main([str(solution)]) == 0
    stored = read(exercise)
    cell(stored, "task-1-check").outputs = outputs
    exercise.write_text(stored_form(stored))
    assert exercises.main(["--check", str(solution)]) == (problem is not None)
    assert (problem or "ok") in capsys.readouterr().out


def test_make_stores_an_exercise_that_ran_without_being_strict(made):
    solution, exercise = made
    exercise.unlink()
    assert exercises.main([str(solution)]) == 0
    stored = read(exercise)
    assert cell(stored, "task-1-check").outputs[0].text == "not written yet\n"
    assert stored_form(without_outputs(stored)) == stored_form(exercises.generate(read(solution)))
