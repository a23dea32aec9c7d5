"""HTML whose text is always escaped, and pages that ask nothing of the network."""

import re
from html import escape

LIGHT = {
    "page": "#ffffff",
    "field": "#f3f4f6",
    "text": "#1b1f24",
    "quiet": "#4a525c",
    "good": "#1a6b2f",
    "bad": "#a3211b",
    "line": "#8a929c",
}
DARK = {
    "page": "#14171a",
    "field": "#20252a",
    "text": "#e6e9ec",
    "quiet": "#aeb6bf",
    "good": "#7fd492",
    "bad": "#ff9b93",
    "line": "#727b85",
}
RULES = """
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.55 system-ui,sans-serif}
main{max-width:52rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.2rem;margin:2rem 0 .5rem;padding-top:.8rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.3rem 0 .3rem}
pre{background:var(--field);padding:.7rem;margin:.5rem 0;overflow-x:auto;tab-size:4;
font:.875rem/1.5 ui-monospace,monospace;overflow-wrap:normal;border-left:4px solid var(--line)}
pre.words{white-space:pre-wrap;overflow-wrap:anywhere}
.passed{color:var(--good)}.failed{color:var(--bad)}.quiet{color:var(--quiet)}
pre.passed{border-color:var(--good);color:inherit}pre.failed{border-color:var(--bad);color:inherit}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.925rem}
caption{text-align:left}
th,td{text-align:left;vertical-align:top;padding:.3rem .4rem;border-bottom:1px solid var(--line)}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal}
tbody th{min-width:7rem}thead th{overflow-wrap:normal}
summary{cursor:pointer}
summary:focus-visible,pre:focus-visible,.wide:focus-visible{
outline:2px solid var(--text);outline-offset:2px}
@media print{main{max-width:none;padding:0}pre{white-space:pre-wrap;overflow-wrap:anywhere}
h2,h3{break-after:avoid}tr{break-inside:avoid}}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
LONGEST = 10_000  # letters of a text that a page shows
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name, *inside, **attributes):
    """An element; what is inside and no Html yet is escaped, None is left out.

    >>> tag("p", "1 < 2", class_="quiet")
    '<p class="quiet">1 &lt; 2</p>'
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(visible(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{said}>{together(*inside)}</{name}>")


def together(*inside):
    """Several pieces, one after another."""
    return Html("".join(
        each if isinstance(each, Html) else escape(visible(str(each)))
        for each in inside
        if each is not None
    ))  # fmt: skip


def visible(text):
    r"""The text with what cannot be seen, or turns the order of letters around, written out.

    >>> visible("a\x1b[31m")
    'a\\x1b[31m'
    """
    return HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def code(source, label):
    """A student's code, which can be scrolled by keys."""
    inside = tag("code", short(source), translate="no")
    return tag("pre", inside, tabindex=0, role="region", aria_label=label)


def words(text, status=""):
    """A check's own words."""
    return tag("pre", short(text), class_=f"words {status}".strip())


def short(text):
    """The beginning of a long text, and how much is left out."""
    left = len(text) - LONGEST
    return text if left <= 0 else f"{text[:LONGEST]}\n[{left} letters more]"


def bulleted(items):
    """A list; None where there is nothing to list."""
    items = [tag("li", each) for each in items]
    return tag("ul", *items) if items else None


def table(caption, heads, rows):
    """A table; the first cell of a row is its head, columns of numbers stand to the right."""
    columns = list(zip(*rows, strict=True)) or [()] * len(heads)
    kinds = ["number" if {type(each) for each in column} == {int} else None for column in columns]
    head = [_cell("th", *each, scope="col") for each in zip(heads, kinds, strict=True)]
    body = []
    for row in rows:
        first, *others = zip(row, kinds, strict=True)
        cells = [_cell("td", *each) for each in others]
        body.append(tag("tr", _cell("th", *first, scope="row"), *cells))
    shown = tag("caption", caption, class_="quiet")
    shown = tag("table", shown, tag("thead", tag("tr", *head)), tag("tbody", *body))
    return tag("div", shown, class_="wide", tabindex=0, role="region", aria_label=caption)


def _cell(name, inside, kind, scope=None):
    return tag(name, inside, scope=scope, class_=kind)


def page(title, *inside):
    """A whole page as bytes."""
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
    )
    style = f"{_colours(LIGHT)}@media(prefers-color-scheme:dark){{{_colours(DARK)}}}"
    style += f"@media print{{{_colours(LIGHT)}}}{RULES}"
    head = Html(f"{head}{tag('title', title)}<style>{style}</style>")
    whole = f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{tag("main", *inside)}'
    return f"{whole}</body></html>\n".encode()


def _colours(palette):
    inside = "".join(f"--{name}:{colour};" for name, colour in palette.items())
    return f":root{{color-scheme:light dark;{inside}}}"
