"""The faulty code that a check knows is the one on the page, so that who runs it is told so."""

import ast
import json
from pathlib import Path

import pytest

from tantra.check.exercises import chapters

PAGES = sorted((Path(__file__).parents[2] / "exercises").glob("*.ipynb"))
HUNTS = [
    (page, exercise)
    for page in PAGES
    for exercise in chapters()[page.stem[3:]]
    if exercise.kind == "hunt"
]


def from_the_page(page, name):
    """The function of this name, as the page has it, with the page's imports."""
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    space = {}
    exec("\n".join(map(ast.unparse, imports)), space)
    exec(next(text for text in texts if f"def {name}(" in text and "check." not in text), space)
    return space[name]


@pytest.mark.parametrize(("page", "exercise"), HUNTS, ids=[e.name for _, e in HUNTS])
def test_the_code_of_the_page_is_known_as_given(page, exercise):
    verdict = exercise.judge(from_the_page(page, exercise.name))
    assert (verdict.status, verdict.mistake) == ("unwritten", None)
