"""Refreshing stores what a notebook prints, the same bytes each time, or nothing."""

import re

import pytest

import refresh
from course import kernel_environment, read, stored_form, write_whole
from text import from_text

NOTEBOOK = """\
%% md title
# One

%% code prints
import os

for word in ("one", "two"):
    print(word, flush=True)
print(os.environ["TANTRA_PROGRESS"], os.environ.get("TANTRA_STRICT"), os.environ["OMP_NUM_THREADS"])

%% code html
from IPython.display import HTML

HTML('<img alt="the share is 0.25" src="data:image/png;base64,AAAA">')

%% code hidden
{"a": hash("a")};

%% code raises [raises-exception]
1 / 0
"""


def store(folder, text=NOTEBOOK, name="01_one.ipynb"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(stored_form(from_text(text)), encoding="utf-8")
    return path


def cell(path, name):
    return next(cell for cell in read(path).cells if cell.id == name)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A notebook that was refreshed once, without threads chosen from outside."""
    path = store(tmp_path_factory.mktemp("course") / "notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OMP_NUM_THREADS", raising=False)
        patch.setenv("TANTRA_PROGRESS", "/nowhere")
        assert refresh.main([str(path)]) == 0
    return path


def test_outputs_are_stored_in_one_piece(stored):
    assert [o.text for o in cell(stored, "prints").outputs] == ["one\ntwo\nmemory None 1\n"]
    assert [c.execution_count for c in read(stored).cells if "outputs" in c] == [1, 2, 3, 4]
    assert cell(stored, "hidden").outputs == []
    assert cell(stored, "raises").outputs[0].traceback == ["ZeroDivisionError: division by zero"]


def test_the_file_is_stored_whole_and_alone(stored):
    assert stored_form(read(stored)) == stored.read_text()
    assert [path.name for path in stored.parent.iterdir()] == ["01_one.ipynb"]


def test_only_solutions_are_strict():
    assert kernel_environment("course/solutions")["TANTRA_STRICT"] == "1"
    assert kernel_environment("exercises", strict=True)["TANTRA_STRICT"] == "1"
    for folder in ("notebooks", "exercises"):
        assert "TANTRA_STRICT" not in kernel_environment(folder)


def test_threads_may_be_chosen_from_outside(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert kernel_environment("notebooks")["OMP_NUM_THREADS"] == "2"


def test_check_runs_and_compares_all_but_pictures(stored, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "notebooks").mkdir()
    paths = {name: tmp_path / "notebooks" / f"{name}.ipynb" for name in ("picture", "edited")}
    text = stored.read_text()
    paths["picture"].write_text(text.replace("base64,AAAA", "base64,BBBB"))
    paths["edited"].write_text(text.replace('"one\\n"', '"ones\\n"').replace("0.25", "0.75", 1))
    assert refresh.main(["--check", "--jobs", "2", *map(str, paths.values())]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"ok  .*picture.ipynb", printed)
    assert re.search(r"FAILED  .*edited.ipynb", printed)
    assert "cell prints" in printed
    assert paths["edited"].read_text() != text  # and stays as it was


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"one\\n"', '"ones\\n"', "cell prints\n  -"),
        ("the share is 0.25", "the share is 0.75", "cell html\n  -"),
        ('"id": "html"', '"id": "page"', "the cells\n  -page"),
        ('"metadata": {}', '"metadata": {"scrolled": true}', "cell title"),
    ],
)
def test_a_difference_is_named_by_its_cell(stored, old, new, words):
    text = stored.read_text()
    assert old in text
    assert words in refresh.difference(text.replace(old, new, 1), text)
    assert refresh.difference(text, text) == ""


BURNS = """\
%% code quick
1 + 1

%% code burns
import time

end = time.process_time() + 1
while time.process_time() < end:
    pass

%% code burns-too [slow]
while time.process_time() < end + 1:
    pass

%% code waits
time.sleep(1)
"""


def test_a_cell_that_works_long_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(refresh, "SLOW", 0.8)
    assert refresh.main([str(store(tmp_path / "notebooks", BURNS))]) == 0
    assert re.findall(r"cell (\S+) took 1 s of processor time", capsys.readouterr().out) == [
        "burns"
    ]


FAILING = {
    "a cell that raises": ("raise ValueError('no seven')", "ValueError: no seven"),
    "a kernel that dies": ("import os\nos._exit(1)", "died"),
    "a cell that takes too long": ("while True:\n    pass", "timed out"),
}


def test_a_cell_that_fails_is_named_and_the_file_stays(tmp_path, capsys):
    folder = tmp_path / "notebooks"
    made = {}
    for number, (source, words) in enumerate(FAILING.values()):
        path = store(
            folder, f"%% code fine\n1\n\n%% code number-{number}\n{source}\n", f"0{number}.ipynb"
        )
        made[path] = (path.read_bytes(), f"cell number-{number}", words)
    assert refresh.main(["--timeout", "3", "--jobs", "3", *map(str, made)]) == 1
    printed = capsys.readouterr().out
    for path, (before, where, words) in made.items():
        assert path.read_bytes() == before
        assert where in printed
        assert words in printed


def test_a_write_that_fails_leaves_the_file(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text("whole")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half \ud800")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_notebook_is_said_so(tmp_path, capsys):
    (tmp_path / "a.ipynb").write_text("{")
    assert refresh.main([str(tmp_path / "a.ipynb"), str(tmp_path / "b.ipynb")]) == 1
    printed = capsys.readouterr().out
    assert "does not appear to be JSON" in printed
    assert "No such file" in printed
