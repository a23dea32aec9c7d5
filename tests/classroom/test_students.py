"""Each of a class has numbers of their own, and is marked with them."""

import io
import json
import sys
import zipfile

import kinds
import nbformat
import pytest

from tantra.check import variants
from tantra.classroom import __main__ as command
from tantra.classroom import grading, students

SEEDS = {"ada": 1, "bob": 2}
PAGE = "00_begin"


def listed(folder, text):
    path = folder / "students.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_file_of_students_is_read(tmp_path):
    found = students.read(listed(tmp_path, "\ufeffname,student,seed\nA,ada,4711\nB,bob,\n,,\n"))
    assert found["ada"] == 4711
    assert found == students.read(tmp_path / "students.csv")
    assert 0 <= found["bob"] < students.SEEDS
    assert list(found) == ["ada", "bob"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name\nada\n", "needs a column 'student'"),
        ("", "needs a column 'student'"),
        ("student\nada\nada\n", "has 'ada' twice"),
        ("student,seed\nada,x\n", "the seed of ada is 'x'; give a whole number"),
    ],
)
def test_what_is_no_file_of_students_is_said(tmp_path, text, says):
    with pytest.raises(ValueError, match=says):
        students.read(listed(tmp_path, text))


@pytest.fixture(scope="module")
def zips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    path = listed(folder, "student,seed\nada,1\nbob,2\n")
    arguments = ["class", "--chapters", "00 01", "--variants", str(path), "--out", f"{folder}/zips"]
    assert command.main(arguments) == 0
    return path, folder / "zips"


def page_in(path, name=PAGE):
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        return nbformat.reads(archive.read(f"tantra-class/exercises/{name}.ipynb").decode(), 4)


def test_each_zip_has_its_own_numbers(zips):
    _, folder = zips
    assert sorted(path.name for path in folder.iterdir()) == ["ada.zip", "bob.zip"]
    pages = {name: page_in(folder / f"{name}.zip") for name in SEEDS}
    text = {name: cells(page)["task-3"] for name, page in pages.items()}
    assert text["ada"] != text["bob"]
    for name, seed in SEEDS.items():
        assert f"check.variant({seed})" in cells(pages[name])["setup"]


def cells(page):
    return {cell.id: cell.source for cell in page.cells}


def test_every_variation_has_its_page():
    changed = []
    for path in sorted((kinds.ROOT / "exercises").glob("[0-9][0-9]_*.ipynb")):
        page = nbformat.read(path, as_version=4)
        own = students.give(page, 5)
        changed += own
        assert ("check.variant(5)" in "".join(cells(page).values())) == bool(own)
    assert sorted(changed) == sorted(variants.variations())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs Linux")
def test_the_grader_knows_the_numbers_from_the_file(zips, tmp_path):
    """bob has ada's answer, and says in his page that he has ada's numbers."""
    listing, folder = zips
    handed = tmp_path / "handed in"
    handed.mkdir()
    right = variants.exercise("mean_shape", SEEDS["ada"]).answer
    for name in ("ada", "bob", "eve"):
        book = page_in(folder / "ada.zip")
        for cell in book.cells:
            if cell.id == "task-3-write":
                cell.source = f"shape = {right}"
        (handed / f"{name}.ipynb").write_text(nbformat.writes(book), "utf-8")
    page = kinds.ROOT / f"exercises/{PAGE}.ipynb"
    found = {
        each.student: each
        for each in grading.grade(page, handed, tmp_path / "out", variants=listing, jobs=1)
    }
    status = {name: each.verdicts[2].status for name, each in found.items()}
    assert status == {"ada": "passed", "bob": "failed", "eve": "failed"}
    assert found["ada"].odd == ()
    assert any("text of mean_shape was edited" in words for words in found["bob"].odd)
    assert grading.NO_VARIANT in found["eve"].odd
    before = json.loads((tmp_path / "out/assignment.json").read_text())["version"]
    listing.write_text("student,seed\nada,1\nbob,1\n")
    again = grading.grade(page, handed, tmp_path / "out", variants=listing, jobs=1)
    assert {each.student: each.verdicts[2].status for each in again}["bob"] == "passed"
    assert json.loads((tmp_path / "out/assignment.json").read_text())["version"] != before
