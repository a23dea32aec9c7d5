"""A submission is kept, judged and replaced by our own page, with nothing left to run."""

import json
import os

import kinds
import nbformat
import pytest

from tantra.classroom import __main__ as command
from tantra.classroom.elsewhere import course, precheck
from tantra.classroom.records import Submission, Verdict

PAGE = kinds.PAGE


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A course with one submission; the grader passes the first task of what it is given."""
    list(course.write([course.page_of(PAGE)], tmp_path))
    release = tmp_path / f"release/{PAGE}"
    release.mkdir(parents=True)
    source = (tmp_path / f"source/{PAGE}/{PAGE}.ipynb").read_text("utf-8")
    (release / f"{PAGE}.ipynb").write_text(source, "utf-8")
    hand_in(tmp_path, "ada", kinds.notebook())

    def grade(page, folder, out, seed, told, **options):
        assert seed == course.secrets_of(tmp_path)[PAGE]["seed"]
        for path in sorted(folder.rglob("*.ipynb")):
            book = json.loads(path.read_text("utf-8"))
            first = Verdict(
                task="softmax",
                number=1,
                status="passed",
                words="✓ \ud800",
                points=1,
                source="x = 1",
            )
            yield Submission(
                student=path.relative_to(folder).parts[0],
                file=str(path.relative_to(folder)),
                digest="",
                exercise=PAGE,
                seed=seed,
                odd=(f"{len(book['cells'])} cells",),
                verdicts=(first,),
            )

    monkeypatch.setattr(precheck.grading, "grade", grade)
    return tmp_path


def hand_in(room, student, book, name=f"{PAGE}.ipynb"):
    path = room / "submitted" / student / PAGE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(book), "utf-8")
    return path


def page(room, student="ada"):
    return nbformat.read(room / f"submitted/{student}/{PAGE}/{PAGE}.ipynb", as_version=4)


def run(notebook):
    """What the cells that nbgrader runs say: the words of a pass, or the exception."""
    space, said = {}, {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and precheck.SKIP not in cell.metadata.get("tags", []):
            try:
                exec(cell.source, space)
                said[cell.id] = "passed"
            except Exception as error:
                said[cell.id] = error
    return said


def test_only_our_own_cells_run_and_they_say_what_the_checks_said(room):
    assert precheck.precheck(room, PAGE) == {"ada": (1, (f"{len(kinds.EXERCISE['cells'])} cells",))}
    said = run(page(room))
    assert set(said) == {"verdicts", *(f"task-{n}-check" for n in range(1, 8))}
    assert [said["verdicts"], said["task-1-check"]] == ["passed", "passed"]
    assert "nothing was handed in" in str(said["task-2-check"])
    cells = {cell.id: cell for cell in page(room).cells}
    assert cells["task-1-write"].source == "x = 1"
    assert cells["task-1-check"].metadata.nbgrader.points == 1


def test_a_page_that_was_not_prechecked_gets_no_points_and_says_why(room):
    notebook = nbformat.read(room / f"source/{PAGE}/{PAGE}.ipynb", as_version=4)
    said = run(notebook)
    checks = {name: error for name, error in said.items() if name.endswith("-check")}
    assert len(checks) == 7
    assert all("not prechecked: run python -m" in str(error) for error in checks.values())


def test_a_second_run_takes_only_what_is_new(room):
    precheck.precheck(room, PAGE)
    first = page(room)
    assert precheck.precheck(room, PAGE)["ada"][1] == (f"{len(kinds.EXERCISE['cells'])} cells",)
    assert page(room) == first
    book = kinds.notebook()
    book["cells"].append({"cell_type": "markdown", "id": "more", "metadata": {}, "source": "more"})
    hand_in(room, "ada", book)
    assert precheck.precheck(room, PAGE)["ada"][1] == (f"{len(book['cells'])} cells",)


def test_what_could_run_or_lead_elsewhere_is_taken_away_and_kept(room):
    place = room / f"submitted/ada/{PAGE}"
    (place / "json.py").write_text("raise SystemExit")
    (place / "timestamp.txt").write_text("2026-11-30 12:00:00 UTC")
    (place / "deep").mkdir()
    outside = room / "outside.txt"
    outside.write_text("keep")
    os.symlink(outside, place / "link.txt")
    os.symlink(room, place / "folder")
    precheck.precheck(room, PAGE)
    assert {path.name for path in place.iterdir()} == {f"{PAGE}.ipynb", "timestamp.txt"}
    assert outside.read_text() == "keep"
    kept = room / f"handed_in/{PAGE}/ada"
    assert (kept / "json.py").read_text() == "raise SystemExit"
    assert (kept / "folder").is_symlink()


def test_of_several_files_that_of_the_pages_name_counts(room):
    hand_in(room, "ada", {"cells": []}, "another.ipynb")
    assert precheck.precheck(room, PAGE)["ada"][1] == (f"{len(kinds.EXERCISE['cells'])} cells",)


def test_who_handed_in_nothing_has_a_page_without_points(room):
    (room / f"submitted/bob/{PAGE}").mkdir(parents=True)
    assert precheck.precheck(room, PAGE)["bob"] == (0, ("no notebook",))
    said = run(page(room, "bob"))
    assert "nothing was handed in" in str(said["task-1-check"])


def test_an_assignment_keeps_its_key_and_its_seed(room):
    before = course.secrets_of(room)
    list(course.write([course.page_of(PAGE), course.page_of("00_begin")], room))
    assert course.secrets_of(room)[PAGE] == before[PAGE]
    list(course.write([course.page_of(PAGE)], room, seed=3))
    assert course.secrets_of(room)[PAGE] == before[PAGE] | {"seed": 3}


def test_nothing_of_the_teachers_stands_in_what_is_handed_out(room):
    """nbgrader takes the hidden lines away; without them no key is left."""
    source = (room / f"source/{PAGE}/{PAGE}.ipynb").read_text("utf-8")
    key = course.secrets_of(room)[PAGE]["key"]
    assert source.count(key) == source.count("BEGIN HIDDEN TESTS") == 7


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["precheck", "{}", "99_none"], "first run nbgrader generate_assignment 99_none"),
        (["precheck", "{}", PAGE, "--jobs", "0"], "--jobs is 0"),
        (["nbgrader", "sofmax", "--out", "{}/new"], "did you mean 02_softmax"),
    ],
)
def test_bad_input_gets_one_sentence(room, capsys, arguments, says):
    assert command.main([each.format(room) for each in arguments]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
