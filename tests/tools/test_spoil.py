"""nbval, as conftest.py repairs it, sees every change of a stored output and passes what is right.

All notebooks here go through one run of pytest --nbval with TANTRA_SPOIL=1, as make test does it.
"""

import json
import os
import re
import subprocess
import sys

import pytest
from nbformat.v4 import new_output

import course
import refresh
import spoil
from text import from_text

GOOD = """\
%% code prints
from IPython.display import display


def figure(share):
    alt = f"the share is {share} of 1"
    tag = f"<img alt='{alt}' src='data:image/png;base64,AAAA'>"
    display({"text/html": tag, "text/plain": "as above"}, raw=True)


for word in ("one", "two"):
    print(word, flush=True)

%% code numbers
print(0.25, 11)

%% code html
figure(0.25)

%% code alt
figure(0.25)

%% code value
[1.5, "a"]

%% code cleared
"not for long"

%% code silent
x = 1

%% code folded-code folded
"seen without its code"

%% code raises [raises-exception]
x / 0

%% code hidden
{"a": 1};

%% code ignored [nbval-ignore-output] reason: an address of memory
object()

%% code started-alike
import os

[os.environ.get(f"TANTRA_{name}") for name in ("PROGRESS", "STRICT")]
"""
BLIND = """\
%% code bare-picture
from IPython.display import display

display({"image/png": "AAAA", "text/plain": "a plot"}, raw=True)

%% code seen
1 + 1
"""
DIES = """
%% code dies
import os

os._exit(1)
"""
EDITS = {
    "prints": ('"two\\n"', '"too\\n"'),
    "numbers": ('"0.25 11\\n"', '"0.25 12\\n"'),
    "html": ("<img", "<br><img"),
    "alt": ("is 0.25", "is 0.26"),
    "value": ("1.5", "1.6"),
    "raises": ("division", "product"),
    "folded-code": ("without", "with"),
    "cleared": ("'not for long'", "''"),
}


def edited(text):
    """The stored notebook text with every output of EDITS changed, one cleared, one made up."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["id"] in EDITS:
            old, new = EDITS[cell["id"]]
            outputs = json.dumps(cell["outputs"], ensure_ascii=False)
            assert old in outputs
            cell["outputs"] = json.loads(outputs.replace(old, new, 1))
        if cell["id"] == "cleared":
            cell["outputs"] = []
        if cell["id"] == "silent":
            cell["outputs"] = [new_output("stream", name="stdout", text="1\n")]
    return json.dumps(notebook)


@pytest.fixture(scope="module")
def nbval(tmp_path_factory):
    """({notebook: ids of its red cells}, what was printed) by one run of nbval."""
    folder = tmp_path_factory.mktemp("course") / "notebooks"
    folder.mkdir()
    paths = {name: folder / f"{name}.ipynb" for name in ("good", "edited", "blind")}
    for name, text in (("good", GOOD), ("blind", BLIND)):
        paths[name].write_text(course.stored_form(from_text(text)))
    assert refresh.main(["--jobs", "2", str(paths["good"]), str(paths["blind"])]) == 0
    good = paths["good"].read_text()
    paths["edited"].write_text(edited(good))
    paths["good"].write_text(good.replace("base64,AAAA", "base64,BBBB"))
    blind = course.read(paths["blind"])
    blind.cells += from_text(DIES).cells
    paths["blind"].write_text(course.stored_form(blind))
    options = "-v --color=no --tb=short -p conftest -p no:cacheprovider -c pyproject.toml"
    command = [sys.executable, "-m", "pytest", *spoil.NBVAL, *options.split()]
    command += [f"--rootdir={folder}"]
    done = subprocess.run(
        [*command, *map(str, paths.values())],
        cwd=course.ROOT,
        env={**os.environ, "TANTRA_SPOIL": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    red = {name: [] for name in paths}
    for name, number, verdict in re.findall(r"(\w+)\.ipynb::Cell (\d+) ([A-Z]+)", done.stdout):
        if verdict != "PASSED":
            red[name].append(course.read(paths[name]).cells[int(number)].id)
    assert "27 items" in done.stdout, done.stdout + done.stderr
    return red, done.stdout


def test_what_is_right_passes_and_no_change_of_it_would(nbval):
    red, printed = nbval
    assert red["good"] == [], printed


@pytest.mark.parametrize("name", [*EDITS, "silent"])
def test_an_edited_output_is_caught(nbval, name):
    assert name in nbval[0]["edited"]


def test_what_was_not_edited_passes_beside_it(nbval):
    assert set(nbval[0]["edited"]) == {*EDITS, "silent"}


def test_an_output_that_nbval_does_not_compare_is_caught(nbval):
    red, printed = nbval
    assert "bare-picture" in red["blind"]
    assert "seen" not in red["blind"]
    assert "a change here is not seen: output 1, image/png" in printed


def test_a_kernel_that_dies_is_caught_at_once(nbval):
    red, printed = nbval
    assert "dies" in red["blind"]
    assert "the kernel died while running this cell" in printed


def test_every_place_is_spoiled_once():
    outputs = [
        new_output("stream", name="stdout", text="a 1.5 and 20\n"),
        new_output(
            "display_data", {"text/html": "<img alt='b 3' src='data:image/png;base64,A1='>"}
        ),
    ]
    assert [what for what, _ in spoil.spoiled(outputs)] == [
        "output 1, text, a sign added",
        "output 1, text, number 1.5",
        "output 1, text, number 20",
        "output 1 taken away",
        "output 2, text/html, a sign added",
        "output 2, text/html, alt text 'b 3'",
        "output 2, text/html, number 3",
        "output 2 taken away",
    ]
    changed = [
        wrong[0].text for what, wrong in spoil.spoiled(outputs) if what[:14] == "output 1, text"
    ]
    assert changed == ["a 1.5 and 20\n~", "a 1.6 and 20\n", "a 1.5 and 21\n"]
    assert outputs[0].text == "a 1.5 and 20\n"


def test_a_comparison_that_sees_nothing_is_blind_everywhere():
    outputs = [new_output("stream", name="stdout", text="7\n")]
    assert len(spoil.blind_spots(outputs, lambda wrong: False)) == 3
    assert spoil.blind_spots(outputs, lambda wrong: wrong != outputs) == []


def test_other_tests_do_not_wait_for_nbval():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/tools/test_tasks.py"]
    done = subprocess.run([*command, "--nbval"], cwd=course.ROOT, capture_output=True, text=True)
    assert "unrecognized arguments: --nbval" in done.stderr


def test_nbval_leaves_out_what_refresh_leaves_out():
    config = (course.ROOT / "tools/sanitize.cfg").read_text()
    assert re.findall("^regex: (.*)$", config, re.MULTILINE) == [course.PICTURE.pattern]
