"""Print for each word of the glossary where the lines of the chapters first use it.

    python tools/terms.py            every word: said, found, the cell, whether emphasised there
    python tools/terms.py --wrong    those that the glossary or the text should change

A chapter in the old shape is read whole.  tools/rules/terms.py says what counts as a use, and what
words are not looked for.
"""

import sys

from course import ROOT, all_paths
from rules.page import Page
from rules.terms import first_uses, glossary

HEAD = f"{'word':34}{'said':>6}{'found':>7}   cell"


def rows():
    """(term, the number of the chapter that first uses it, its cell, whether emphasised)."""
    terms = tuple(glossary(ROOT / "notebooks/GLOSSARY.md"))
    uses = {path: first_uses(Page(path), terms) for path in all_paths(ROOT, ["notebooks"])}
    for term in terms:
        path = next((path for path in uses if term in uses[path]), None)
        yield term, path and path.name[:2], *(uses[path][term] if path else ("", True))


def main(arguments):
    """Run the command line."""
    print(HEAD)
    for term, found, cell, emphasised in rows():
        wrong = term.forms and (found != term.chapter or not emphasised)
        if wrong or not arguments:
            sign = "" if emphasised else " (not emphasised)"
            print(f"{term.title:34.33}{term.chapter:>6}{found or '-':>7}   {cell}{sign}")


if __name__ == "__main__":
    main(sys.argv[1:])
