"""The library's docstrings as sphinx reads them: plain text, shapes, doctests, errors, sources."""

import re

SHAPES = re.compile(r"\S  +->  +\S|\) +-> +\(")
SPECIAL = re.compile(r"([\\*|_])")
LABEL = re.compile(r"(^|(?<=\.)\s+)(Raises|Source:)")


def as_rest(lines):
    """The lines of a docstring as reStructuredText."""
    made = []
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip("\n")):
        made += [*rest_of(block.splitlines()), ""]
    return made


def rest_of(block):
    """One block of lines between empty ones."""
    if not block or block[0].startswith(">>>"):
        return block
    if SHAPES.search("\n".join(block)):
        return [".. code-block:: text", "   :class: shapes", "", *indented(block)]
    if all(line.startswith("    ") for line in block):
        return [".. code-block:: text", "", *indented(block)]
    text = "".join(map(escaped, re.split(r"(`[^`]+`)", "\n".join(block))))
    return LABEL.sub(r"\1**\2**", text).splitlines()


def indented(block):
    return [f"   {line}" for line in block]


def escaped(part):
    """part of a paragraph: code between backticks stays code, all else is plain text."""
    return f"`{part}`" if part.startswith("`") else SPECIAL.sub(r"\\\1", part)


def setup(app):
    def process(app, what, name, thing, options, lines):
        lines[:] = as_rest(lines)

    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
