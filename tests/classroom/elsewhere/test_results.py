"""The forms of Gradescope and of Classroom 50 hold what their schemas ask for, and our marks."""

import json
import os
import subprocess
import sys

import jsonschema
import kinds
import pytest

from tantra.classroom import __main__ as command
from tantra.classroom.elsewhere import results
from tantra.classroom.records import Submission, Verdict

PLACES = ["visible", "hidden", "after_due_date", "after_published"]
FORMATS = ["text", "html", "simple_format", "md", "ansi"]
# In our words, what Gradescope's "Autograder Specifications" allow.
GRADESCOPE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tests"],
    "properties": {
        "score": {"type": "number"},
        "output": {"type": "string"},
        "output_format": {"enum": FORMATS},
        "visibility": {"enum": PLACES},
        "stdout_visibility": {"enum": PLACES},
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["score"],
                "properties": {
                    "score": {"type": "number"},
                    "max_score": {"type": "number"},
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": {"enum": FORMATS},
                },
            },
        },
    },
}
TEXT, COUNT = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}
# In our words, what Classroom 50's result-v1.schema.json asks for.
CLASSROOM50 = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit"),
        *("release", "review", "datetime", "score", "max-score", "tests"),
    ],
    "properties": {
        "schema": {"const": "classroom50/result/v1"},
        **dict.fromkeys(("classroom", "assignment", "owner", "commit", "release", "review"), TEXT),
        "assignment_type": {"enum": ["individual", "group"]},
        "submission": {"type": "string", "pattern": "^submit/"},
        "datetime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        **dict.fromkeys(("score", "max-score"), COUNT),
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["test-name", "passed", "score", "max-score"],
                "properties": {
                    "test-name": TEXT,
                    "passed": {"type": "boolean"},
                    **dict.fromkeys(("score", "max-score"), COUNT),
                },
            },
        },
    },
}
RUNNER = {
    "CLASSROOM": "deep-learning",
    "ASSIGNMENT": "softmax",
    "OWNER": "ada",
    "SUBMISSION_TAG": "submit/20261130T120000Z-1a2b3c4",
    "COMMIT_URL": "https://example.org/commit",
    "RELEASE_URL": "https://example.org/release",
}
SUBMISSION = Submission(
    student="ada",
    file="ada.ipynb",
    digest="d",
    exercise=kinds.PAGE,
    seed=7,
    odd=("the check cell of softmax was edited",),
    verdicts=(
        Verdict(task="softmax", number=1, status="passed", words="✓ \udc80", points=1),
        Verdict(task="soften", number=5, status="failed", words="✗ soften\n  no", of=2),
    ),
)


def test_gradescope_gets_our_marks_in_its_form():
    found = json.loads(json.dumps(results.gradescope(SUBMISSION)))
    jsonschema.validate(found, GRADESCOPE)
    assert found["score"] == sum(test["score"] for test in found["tests"]) == 1
    assert [test["max_score"] for test in found["tests"]] == [1, 2]
    assert [test["status"] for test in found["tests"]] == ["passed", "failed"]
    assert "✗ soften\n  no" in found["tests"][1]["output"]
    assert found["output"] == "the check cell of softmax was edited"


def test_classroom_50_gets_our_marks_in_its_form():
    found = json.loads(json.dumps(results.classroom50(SUBMISSION, RUNNER)))
    jsonschema.validate(found, CLASSROOM50)
    assert (found["score"], found["max-score"]) == (1, 3)
    assert [test["passed"] for test in found["tests"]] == [True, False]
    assert (found["owner"], found["review"]) == ("ada", RUNNER["COMMIT_URL"])


def test_classroom_50_wants_its_runners_variables():
    with pytest.raises(ValueError, match="sets OWNER, which are not set here"):
        results.classroom50(SUBMISSION, RUNNER | {"OWNER": ""})


def test_the_command_reads_a_marked_student(tmp_path, capsys):
    SUBMISSION.write(tmp_path / "ada.json")
    arguments = ["results", "--form", "gradescope", str(tmp_path / "ada.json")]
    assert command.main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == results.gradescope(SUBMISSION)
    assert command.main([*arguments, "--out", str(tmp_path / "new/results.json")]) == 0
    assert json.loads((tmp_path / "new/results.json").read_text("utf-8"))["score"] == 1
    (tmp_path / "ada.json").write_text("{}")
    assert command.main(arguments) == 2
    assert "this is no Submission" in capsys.readouterr().err


def test_a_folder_without_a_notebook_has_no_points(tmp_path):
    (tmp_path / "notes.txt").write_text("I was ill")
    found = results.graded(kinds.ROOT / f"exercises/{kinds.PAGE}.ipynb", tmp_path)
    assert (found.points, len(found.verdicts)) == (0, 7)
    jsonschema.validate(results.gradescope(found), GRADESCOPE)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs Linux")
@pytest.mark.parametrize("form", ["gradescope", "classroom50"])
def test_the_scripts_judge_what_was_handed_in(tmp_path, form):
    handed = tmp_path / "submission"
    handed.mkdir()
    (handed / "my work.ipynb").write_text(json.dumps(kinds.notebook(kinds.WRONG)), "utf-8")
    room = kinds.ROOT / "teaching/elsewhere"
    known = {"TANTRA": kinds.ROOT, "TANTRA_EXERCISE": kinds.PAGE, "PYTHON": sys.executable}
    known |= {"AUTOGRADER": tmp_path, "PYTHONPATH": kinds.ROOT, **RUNNER}
    script = ["sh", room / "run_autograder"]
    if form == "classroom50":
        script = [sys.executable, room / "autograder.py"]
    environment = os.environ | {name: str(value) for name, value in known.items()}
    subprocess.run(script, cwd=handed, env=environment, check=True)
    place = {"gradescope": tmp_path / "results/results.json", "classroom50": handed / "result.json"}
    found = json.loads(place[form].read_text("utf-8"))
    jsonschema.validate(found, {"gradescope": GRADESCOPE, "classroom50": CLASSROOM50}[form])
    assert found["score"] == kinds.OTHERS
    assert "keepdims" in found["tests"][0]["output"]
