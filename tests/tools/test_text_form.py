"""A notebook and its text form say the same."""

import pytest

import text
from course import read

TEXT = """\
%% md title
# One

%% code two
1 + 1


%matplotlib inline

%% code a-figure folded [gpu]
draw()

%% code the-clock [gpu, nbval-ignore-output] reason: seconds vary
clock()
"""


def test_text_becomes_a_notebook_and_text_again():
    notebook = text.from_text(TEXT)
    assert [cell.id for cell in notebook.cells] == ["title", "two", "a-figure", "the-clock"]
    assert notebook.cells[2].metadata == {"tags": ["gpu"], "jupyter": {"source_hidden": True}}
    assert notebook.cells[3].metadata == {
        "tags": ["gpu", "nbval-ignore-output"],
        "reason": "seconds vary",
    }
    assert text.to_text(notebook) == TEXT


def test_the_command_writes_and_prints(tmp_path, capsys):
    (tmp_path / "one.txt").write_text(TEXT)
    text.main([str(tmp_path / "one.txt"), str(tmp_path / "one.ipynb")])
    assert read(tmp_path / "one.ipynb").cells[1].source == "1 + 1\n\n\n%matplotlib inline"
    text.main([str(tmp_path / "one.ipynb")])
    assert capsys.readouterr().out == TEXT


@pytest.mark.parametrize(
    "bad", ["%% code\n", "%% Md title\n", "%% md a [B]\n", "# One\n", "x\n%% md a\n"]
)
def test_a_text_that_is_no_notebook_is_refused(bad):
    with pytest.raises(ValueError, match="header"):
        text.from_text(bad)
