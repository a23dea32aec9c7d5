"""Formulas as MathML, which a browser draws by itself: no script, no font, no network.

MathJax is in no package of the course; latex2mathml is, and it already makes the teacher's sheets.
"""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx.errors import SphinxError


def mathml(latex, display):
    """The formula as MathML; raises SphinxError where latex has a command that is not known."""
    made = convert(latex, display=display)
    if unknown := [word for word in made.split(">") if word.startswith("\\")]:
        raise SphinxError(f"no MathML for {unknown[0].partition('<')[0]} in {latex!r}")
    return made


def visit_inline(translator, node):
    translator.body.append(mathml(node.astext(), "inline"))
    raise SkipNode


def visit_block(translator, node):
    made = mathml(node.astext(), "block")
    translator.body.append(f'<div class="formula" tabindex="0">{made}</div>')
    raise SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
