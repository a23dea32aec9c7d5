"""Print what a chapter asks of its reader: words, visible and folded lines, cells, minutes.

python tools/minutes.py                                  every chapter: the line and Deeper
python tools/minutes.py notebooks/02_softmax.ipynb       one chapter, its sections apart
"""

import sys
from pathlib import Path

from course import ROOT
from rules.line import Stretch, divided
from rules.page import Page

HEAD = f"{'':44}{'words':>7}{'lines':>7}{'folded':>8}{'cells':>7}{'minutes':>9}"


def row(name, stretch):
    """One line of the table."""
    numbers = f"{stretch.words:7}{stretch.lines:7}{stretch.folded_lines:8}{len(stretch.cells):7}"
    return f"{name:44.44}{numbers}{stretch.minutes:9.1f}"


def table(page, apart):
    """The rows of one chapter, with the sections of Deeper together or apart."""
    line, sections = divided(page)
    deeper = Stretch("Deeper", [cell for section in sections for cell in section.cells])
    rows = [row(f"{page.path.stem}, line", line), row(f"{page.path.stem}, Deeper", deeper)]
    return rows + [row(f"    {section.title}", section) for section in sections if apart]


def main(arguments):
    """Run the command line."""
    paths = [Path(name) for name in arguments] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    print(HEAD, *[r for path in paths for r in table(Page(path), bool(arguments))], sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
