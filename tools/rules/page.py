"""A stored notebook, as the rules read it."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat.v4.rwbase import rejoin_lines

from course import PICTURE


@dataclass
class Page:
    """A stored notebook as its file says it, without nbformat's silent repairs."""

    path: Path

    @cached_property
    def text(self):
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def notebook(self):
        return rejoin_lines(nbformat.from_dict(json.loads(self.text)))

    @property
    def cells(self):
        return self.notebook.cells

    @property
    def code(self):
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def prose(self):
        return [cell for cell in self.cells if cell.cell_type == "markdown"]

    @property
    def folder(self):
        return self.path.resolve().parent.name

    @property
    def number(self):
        return self.path.name[:2]


def tags(cell):
    """The tags of cell."""
    return cell.metadata.get("tags", [])


def ignored(cell):
    """True where nbval does not compare the outputs of cell."""
    return "nbval-ignore-output" in tags(cell)


def written(output):
    """Every text of output by its type, the bytes of pictures left out."""
    if output.output_type == "stream":
        return {output.name: output.text}
    if output.output_type == "error":
        return {"error": "\n".join([output.evalue, *output.traceback])}
    return {k: PICTURE.sub("", v) for k, v in output.data.items() if isinstance(v, str)}
