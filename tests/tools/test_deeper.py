"""Each section of Deeper runs after the line alone, and gives what is stored."""

import os
import re
import subprocess
import sys

import pytest
from nbformat.v4 import new_output

import deeper
from course import ROOT, stored_form
from text import from_text

CHAPTER = """\
%% code line
import numpy as np

rng = np.random.default_rng(0)
table = [1, 2]

%% md deeper
## Deeper

Below the line.

%% md first
### First (1 minute)

%% code first-code
first = 3
table[0] += 0

%% md second
### Second (1 minute)

%% code second-code
second = 3
print("two", second)
print(table)

%% code second-figure folded
from IPython.display import display

from tantra import plot

ax = plot.heatmap([[0.0, 1.0]])
plot.show(ax, alt=f"two cells with 0 and {second - 2}, side by side")
second + 1

%% code second-raises [raises-exception]
1 / 0

%% code second-ignored [nbval-ignore-output] reason: an address in memory
object()

%% md third
### Third (1 minute)

%% code third-code
print(table[-1])
None

%% md next
## Go further
"""
ALT = "two cells with 0 and 1, side by side"
FIGURE = f'<img alt="{ALT}" src="data:image/png;base64,AAAA">'
STORED = {
    "second-code": [new_output("stream", name="stdout", text="two 3\n[1, 2]\n")],
    "second-figure": [
        new_output("display_data", {"text/html": FIGURE, "text/plain": ALT}),
        new_output("execute_result", {"text/plain": "4"}),
    ],
    "second-ignored": [new_output("execute_result", {"text/plain": "<object at 0x7>"})],
    "second-raises": [new_output("error", ename="ZeroDivisionError", evalue="division by zero")],
    "third-code": [new_output("stream", name="stdout", text="2\n")],
}
BAD = {
    "good": ("", "", ""),
    "old": ("## Deeper", "## Elsewhere", ""),
    "needs": ("print(table[-1])", "print(second - 1)", "third-code: NameError: name 'second'"),
    "first": ("print(table)", "print(first)", "second-code: NameError: name 'first'"),
    "alters": ("table[0] += 0", "table[0] += 5", r"second-code: stdout .*\[6, 2.*\[1, 2"),
    "altered": ("second = 3", "second = 3\ntable[-1] += 5", r"second-code: stdout .*, 2\].*, 7\]"),
    "draws": ("print(table[-1])", "print(rng.integers(9))", "third-code: stdout is stored as .*2"),
    "alt": ("second - 2", "second - 1", "second-figure: text/html .* and 1.* and 2"),
    "more": ("print(table[-1])\nNone", "print(table[-1])\n5", "1 outputs are stored, 2 come"),
    "syntax": ("print(table[-1])", "print(", "third-code: SyntaxError"),
    "dies": ("print(table[-1])", "import os; os._exit(7)", "ended with 7"),
    "line": ("table = [1, 2]", "table = [1, third]", "the line alone, cell line: NameError"),
    "line-2": ("## Go further", "## Go further\n\n%% code last\nfirst", "cell last: NameError"),
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What one run over all these chapters says."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    folder = tmp_path_factory.mktemp("course") / "notebooks"
    folder.mkdir()
    for name, (old, new, _) in BAD.items():
        assert old in CHAPTER
        notebook = from_text(CHAPTER.replace(old, new) if old else CHAPTER)
        for cell in notebook.cells:
            if cell.id in STORED:
                cell.outputs = STORED[cell.id]
                if (name, cell.id) == ("alters", "second-code"):
                    cell.outputs = [new_output("stream", name="stdout", text="two 3\n[6, 2]\n")]
        (folder / f"{name}.ipynb").write_text(stored_form(notebook))
    command = [sys.executable, ROOT / "tools/deeper.py", *sorted(folder.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", BAD)
def test_a_section_that_needs_more_than_the_line_is_named(printed, name):
    last = printed.splitlines()[-1]
    *_, words = BAD[name]
    assert (f"{name}.ipynb" in last) is bool(words), printed
    assert re.search(words, printed), printed


def test_the_sections_are_counted(printed):
    assert "36 sections of Deeper in 12 chapters, each after the line" in printed


def test_outputs_of_another_kind_are_told_apart():
    assert "1 outputs are stored, 0 come" in deeper.difference([("stdout", "1")], [])
    assert "'0.25'" in deeper.difference([("stdout", "0.25")], [("stdout", "0.250")])
