"""The checks in a real kernel: what Jupyter shows, stops and raises; and what chapters check."""

import ast
from inspect import cleandoc
from pathlib import Path

import pytest

from tantra import check

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

from tantra.check.exercises import registry  # noqa: E402

CHAPTERS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

CELLS = {
    "begin": """
        from dataclasses import replace
        import numpy as np
        import tantra
        from tantra import check
        exercise = replace(check.centre_rows, seconds=1.0, memory={})
    """,
    "passes": """
        def centre(x):
            return x - mean(x)
        def mean(x):
            return x.mean(axis=-1, keepdims=True)
        check.centre_rows(centre)
    """,
    "endless": """
        def loops(x):
            while True:
                pass
        exercise(loops)
    """,
    "after": "print('still here')",
    "raises": """
        def divides(x):
            y = 1
            return y / 0
        exercise(divides)
    """,
    "picture": "exercise(lambda x: x.T); exercise.picture()",
    "progress": "tantra.progress()",
    "mine": "print(check.progress.mine('centre_rows')(np.array([[1.0, 3.0]])))",
    "timed": """
        %%time

        LOW = -np.inf
        !true
        def timed(x):
            return x - mean(np.maximum(x, LOW))
        check.centre_rows(timed)
    """,
    "timed again": """
        %%capture
        %%time
        def timed(x):
            return mean(x) * -1 + x
        check.centre_rows(timed)
    """,
    "kept": "print(check.progress.passed()['centre_rows']['source'])",
    "lost": "%%time\ncheck.centre_rows(lambda x: x - mean(x))",
    "unknown": "try: check.centre_row\nexcept AttributeError as error: print(error)",
    "strict": "import os; os.environ['TANTRA_STRICT'] = '1'; exercise(...)",
}


@pytest.fixture(scope="module")
def outputs():
    """The outputs of each cell above, run in one kernel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TANTRA_PROGRESS", "memory")
        patch.delenv("TANTRA_STRICT", raising=False)
        book = nbformat.v4.new_notebook()
        book.cells = [nbformat.v4.new_code_cell(cleandoc(cell)) for cell in CELLS.values()]
        client = nbclient.NotebookClient(book, timeout=120, allow_errors=True)
        client.execute()
    return {name: cell.outputs for name, cell in zip(CELLS, book.cells, strict=True)}


def plain(output):
    return output["data"]["text/plain"] if "data" in output else output["text"]


def test_a_verdict_is_one_display_in_both_forms(outputs):
    (output,) = outputs["passes"]
    assert output["output_type"] == "display_data"
    counted = f"{len(check.centre_rows.cases)} shown cases and 20 random ones agree"
    assert plain(output) == f"✓ centre_rows: {counted}"
    assert counted in output["data"]["text/html"]


def test_an_endless_loop_is_stopped_and_the_kernel_lives(outputs):
    assert "after 1 seconds, so it was stopped" in plain(outputs["endless"][0])
    assert plain(outputs["after"][0]) == "still here\n"


def test_the_readers_line_is_shown(outputs):
    assert "in divides, line 3: return y / 0" in plain(outputs["raises"][0])


def test_a_picture_has_alt_text(outputs):
    html = outputs["picture"][-1]["data"]["text/html"]
    assert 'alt="centre_rows, case' in html
    assert not [output for output in outputs["picture"] if "image/png" in output["data"]]


def test_progress_shows_table_and_drawing(outputs):
    (output,) = outputs["progress"]
    assert "✓ centre_rows" in plain(output)
    assert "<svg" in output["data"]["text/html"]
    assert "<table" in output["data"]["text/html"]


def test_a_function_comes_back_from_its_cell(outputs):
    assert plain(outputs["mine"][0]) == "[[-1.  1.]]\n"


def test_a_cell_that_begins_with_a_magic_keeps_its_function(outputs):
    verdict, clock = outputs["timed"]
    assert plain(verdict) == plain(outputs["passes"][0])
    assert "Wall time" in plain(clock)
    assert "return mean(x) * -1 + x" in plain(outputs["kept"][0])


def test_what_a_later_notebook_will_miss_is_in_the_verdict(outputs):
    verdict, notice = plain(outputs["lost"][0]).splitlines()
    assert verdict.startswith("✓ centre_rows")
    assert notice == (
        "Passed, but no later notebook can run it (a lambda, which has no text of its own): "
        "write it as a def in a cell."
    )
    assert notice in outputs["lost"][0]["data"]["text/html"]


def test_a_misspelt_name_is_helped(outputs):
    assert "did you mean centre_rows" in plain(outputs["unknown"][0])


def test_strict_shows_the_verdict_and_raises_its_message_alone(outputs):
    shown, error = outputs["strict"]
    assert plain(shown) == "· centre_rows: not written yet"
    assert error["output_type"] == "error"
    assert error["ename"] == "CheckFailed"
    assert error["traceback"] == ["· centre_rows: not written yet"]


def checks(source):
    """The exercises that a cell checks, without keep=False."""
    lines = "\n".join("" if line.startswith(("%", "!")) else line for line in source.splitlines())
    calls = [node for node in ast.walk(ast.parse(lines)) if isinstance(node, ast.Call)]
    unkept = [call for call in calls if "keep=False" not in map(ast.unparse, call.keywords)]
    called = [ast.unparse(call.func).rpartition(".") for call in unkept]
    return [name for of, _, name in called if of.endswith("check") and name in registry()]


def passes(cell):
    """The checks of a cell that passed when it was stored: a reader's file would note them."""
    shown = str(cell.get("outputs"))
    return [name for name in checks(cell.source) if f"✓ {name}" in shown]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_running_a_chapter_passes_no_exercise(path):
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [name for cell in code for name in passes(cell)] == []
    assert not [cell.id for cell in code if "progress.keep" in cell.source]


def test_a_pass_in_a_chapter_would_be_seen():
    assert checks("%matplotlib inline\ncheck.softmax(f)") == ["softmax"]
    assert checks("tantra.check.softmax(f, keep=True)") == ["softmax"]
    assert checks("check.softmax(f, keep=False)\ncheck.softmax.hint()\nother.softmax(x)") == []
    for shown, found in {"✓ softmax: 6 shown cases": ["softmax"], "✗ softmax": []}.items():
        output = nbformat.v4.new_output("stream", text=shown)
        assert passes(nbformat.v4.new_code_cell("check.softmax(f)", outputs=[output])) == found
