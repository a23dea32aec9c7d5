"""A notebook as plain text, and back: for those who write chapters in an editor.

    python tools/text.py notebooks/02_softmax.ipynb            prints the text
    python tools/text.py chapter.txt notebooks/02_softmax.ipynb   writes the notebook, not yet run

One cell is a header line and its source; the code of a folded cell shows after a click:

    %% md the-question
    %% code scores-by-hand
    %% code the-bars folded
    %% code the-clock [nbval-ignore-output] reason: seconds vary from machine to machine
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from aside import store
from course import METADATA, folded, stored_form

HEADER = re.compile(
    r"^%% (md|code) ([a-z0-9-]+)( folded)?(?: \[([a-z-]+(?:, [a-z-]+)*)\])?(?: reason: (.+))?$"
)


def to_text(notebook):
    """The text form of notebook, ending in one newline."""
    parts = []
    for cell in notebook.cells:
        header = f"%% {'md' if cell.cell_type == 'markdown' else 'code'} {cell.id}"
        if folded(cell):
            header += " folded"
        if tags := cell.metadata.get("tags"):
            header += f" [{', '.join(tags)}]"
        if reason := cell.metadata.get("reason"):
            header += f" reason: {reason}"
        parts.append(f"{header}\n{cell.source}\n")
    return "\n".join(parts)


def from_text(text):
    """The notebook that text describes, not yet run.  Raises ValueError where it describes none."""
    notebook = new_notebook()
    notebook.metadata = nbformat.from_dict(METADATA)
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("%% ")]
    if any(line.strip() for line in lines[: starts[0] if starts else None]):
        raise ValueError("the text should begin with a cell header, %% md title")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        if not (match := HEADER.match(lines[start])):
            raise ValueError(f"line {start + 1} is no cell header: {lines[start]!r}")
        kind, name, hidden, tags, reason = match.groups()
        source = "\n".join(lines[start + 1 : end]).strip("\n")
        cell = (new_markdown_cell if kind == "md" else new_code_cell)(source, id=name)
        if hidden:
            cell.metadata["jupyter"] = {"source_hidden": True}
        if tags:
            cell.metadata["tags"] = tags.split(", ")
        if reason:
            cell.metadata["reason"] = reason
        notebook.cells.append(cell)
    return notebook


def main(arguments):
    """Print a notebook as text, or write a text as a notebook."""
    if len(arguments) == 1:
        print(to_text(nbformat.read(arguments[0], as_version=4)), end="")
        return
    source, target = map(Path, arguments)
    notebook = from_text(source.read_text(encoding="utf-8"))
    store(target, stored_form(notebook))


if __name__ == "__main__":
    main(sys.argv[1:])
