"""Pages of HTML that stand alone: Markdown made HTML, formulas made MathML, no request to anywhere.

A page holds its own style and script, and forbids itself to load anything else.
"""

from html import escape
from pathlib import Path

import mistune
from latex2mathml.converter import convert

ASSETS = Path(__file__).with_name("assets")
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)


class Renderer(mistune.HTMLRenderer):
    """HTML without links, which would lead out of the page; headings below the page's own."""

    def link(self, text, url, title=None):
        return text

    def heading(self, text, level, **attributes):
        return f"<h{min(level + 1, 6)}>{text}</h{min(level + 1, 6)}>\n"

    def block_math(self, text):
        return f"<div>{formula(text, 'block')}</div>\n"

    def inline_math(self, text):
        return formula(text)


def formula(tex, display="inline"):
    """A formula in TeX as MathML, which browsers and screen readers know."""
    return convert(tex.strip(), display=display)


def inline_math(renderer, text):
    return renderer.inline_math(text)


def block_math(renderer, text):
    return renderer.block_math(text)


def markdown(text):
    """The HTML of a text of the course."""
    renderer = Renderer(escape=False)
    make = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough", "math"])
    renderer.register("block_math", block_math)
    renderer.register("inline_math", inline_math)
    return make(text).strip()


def code(source):
    """A listing; it can be scrolled with the keyboard where it is too wide."""
    return f'<pre tabindex="0"><code>{escape(source)}</code></pre>'


def page(title, body, style, script=""):
    """A whole page: its language, title, style and script, and the body."""
    sheet = "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in ("page.css", style))
    code = (ASSETS / script).read_text(encoding="utf-8") if script else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{sheet}</style>
</head>
<body>
{body}
{f"<script>{code}</script>" if code else ""}
</body>
</html>
"""
