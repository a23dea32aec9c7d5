import pytest

from tantra.classroom.records import Assignment, Submission, Task, Verdict

VERDICT = Verdict(
    task="softmax",
    number=1,
    status="failed",
    words="✗ softmax\u2028\ud800",
    points=0,
    of=2,
    notes=("by name",),
)
SUBMISSION = Submission(
    student="ädä", file="ädä.ipynb", digest="00", exercise="02_softmax", seed=7, verdicts=(VERDICT,)
)
TASK = Task(name="softmax", number=1, title="Stable softmax", points=2, given="def softmax(x): ...")
ASSIGNMENT = Assignment(exercise="02_softmax", tasks=(TASK,), seed=7, version="0.1.0")


@pytest.mark.parametrize("record", [VERDICT, SUBMISSION, TASK, ASSIGNMENT])
def test_a_record_comes_back_from_one_line(record, tmp_path):
    assert "\n" not in record.to_json()
    record.write(tmp_path / "room" / "record.json")
    assert type(record).read(tmp_path / "room" / "record.json") == record


def test_points_are_added_up():
    passed = Verdict(task="a", number=2, status="passed", points=3, of=3)
    assert Submission(**{**vars(SUBMISSION), "verdicts": (VERDICT, passed)}).points == 3
    assert ASSIGNMENT.of == 2


def test_an_unknown_status_is_named():
    with pytest.raises(ValueError, match=r"'fine'; give one of passed"):
        Verdict(task="softmax", number=1, status="fine")


@pytest.mark.parametrize("text", ["[]", '{"colour": 1}', '{"task": "softmax"}', "{", '"a"'])
def test_what_is_no_verdict_is_refused(text):
    with pytest.raises(ValueError, match=r"no Verdict|Expecting"):
        Verdict.from_json(text)
