"""Rules for every notebook."""

import ast
import base64
import json
import re
from functools import cache
from html.parser import HTMLParser

import nbformat

from course import ROOT, short, stored_form
from rules.page import ignored, tags, written

TAGS = {
    "task", "check", "solution-only", "gpu", "slow", "raises-exception", "nbval-ignore-output",
}  # fmt: skip
SHORTEST_ALT = 20
WIDEST = 640  # pixels of a figure
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
HEX = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{6,}")
DEFINED = re.compile(r"^ *(?:def|class) (\w+)", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)", re.MULTILINE)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)[^)]*\)")
NBVAL_COMMENT = re.compile(r"^\s*#\s*(NBVAL_\w+|PYTEST_VALIDATE_\w+)", re.MULTILINE)
CLOCK = re.compile(r"^\s*%%?(time|timeit|prun)\b", re.MULTILINE)
OF_THIS_MACHINE = {
    "a path": r"(?<![\w.:/])/(home|root|tmp|usr|work|opt|var|mnt|Users)/|\b[A-Z]:\\|site-packages",
    "an address": r"\b0x[0-9a-fA-F]{6,}",
    "a version": r"(?<![\w.])\d+\.\d+\.\d+(?![\w.]*\w)",
    "a device": r"\bcuda:\d|\bdevice='",
    "a time": r"\d ?(ms|µs|ns)\b",
}
SHOWING = {"print", "display", "show", "verse", "progress", "hint", "picture"}


def stored_as_refresh_stores_it(page):
    """A notebook is stored in the one form that make refresh writes."""
    if stored_form(nbformat.from_dict(json.loads(page.text))) != page.text:
        yield None, "metadata, or spaces, that refresh would not write: run make refresh"


def ids_are_readable(page):
    """A cell has a readable id of its own, in small letters, digits and hyphens."""
    seen = set()
    for cell in page.cells:
        name = cell.get("id", "")
        if not (2 <= len(name) <= 40 and ID.fullmatch(name)):
            yield name, f"{name!r} is no name of 2 to 40 small letters, digits and hyphens"
        elif any(HEX.fullmatch(part) for part in name.split("-")):
            yield name, "made by a machine: say what the cell is about"
        elif name in seen:
            yield name, "two cells have this id"
        seen.add(name)


def tags_are_known(page):
    """Tags come from a closed list."""
    for cell in page.cells:
        for tag in tags(cell):
            if tag not in TAGS:
                yield cell.id, f"unknown tag {tag!r}; known are {', '.join(sorted(TAGS))}"


def ignoring_has_a_reason(page):
    """A cell whose outputs are not compared says why."""
    for cell in page.code:
        reason = cell.metadata.get("reason", "")
        if "gpu" in tags(cell) and not ignored(cell):
            yield cell.id, "a gpu cell also needs the tag nbval-ignore-output"
        if ignored(cell) and len(reason) < 10:
            yield cell.id, 'nbval-ignore-output without a "reason" in the metadata'
        if reason and not ignored(cell):
            yield cell.id, "a reason, and nothing that is ignored"
        if match := NBVAL_COMMENT.search(cell.source):
            yield cell.id, f"# {match[1]} hides the cell from nbval: use the tag and give a reason"


def slow_cells_say_so(page):
    """The text above a cell that takes more than 5 s, tagged slow, says how long it takes."""
    above = ""
    for cell in page.cells:
        if cell.cell_type == "markdown":
            above = cell.source
        elif "slow" in tags(cell) and not re.search(r"\btakes? about\b", above):
            yield cell.id, 'nothing above it says that it "takes about half a minute"'


def every_cell_ran_in_order(page):
    """Code cells are stored as run once, from the first to the last."""
    for number, cell in enumerate(page.code, 1):
        if cell.execution_count != number:
            yield cell.id, f"execution count {cell.execution_count}, not {number}: run make refresh"
            return


def outputs_are_stored(page):
    """A cell that shows something is stored with what it shows."""
    for cell in page.code:
        if cell.execution_count and not cell.outputs and shows(cell.source):
            yield cell.id, "shows something and has no stored output: run make refresh"
    if page.code and not any(cell.outputs for cell in page.code):
        yield None, "no cell has an output: run make refresh"


def shows(source):
    """True where the code surely gives an output: it prints, or ends in a value."""
    try:
        body = ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)).body
    except SyntaxError:
        return False
    if not body:
        return False
    last = body[-1]
    hidden = source.rstrip().endswith(";")
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Call | ast.Constant):
        return not hidden
    return any(is_showing(call) for statement in body for call in calls(statement))


def calls(statement):
    """The functions that statement calls for certain, as bare statements."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        yield statement.value.func
    elif isinstance(statement, ast.With):
        for inner in statement.body:
            yield from calls(inner)


def is_showing(function):
    """True for print, plot.show, check.softmax and their like."""
    if isinstance(function, ast.Attribute):
        of_check = isinstance(function.value, ast.Name) and function.value.id == "check"
        return of_check or function.attr in SHOWING
    return isinstance(function, ast.Name) and function.id in SHOWING


def nothing_went_wrong(page):
    """No error and no warning is stored, but where a cell is tagged raises-exception."""
    for cell in page.code:
        kinds = [output.get("name", output.output_type) for output in cell.outputs]
        if "stderr" in kinds:
            yield cell.id, "a warning or a progress bar is stored (stderr)"
        if ("error" in kinds) != ("raises-exception" in tags(cell)):
            expected = "raises-exception" in tags(cell)
            yield cell.id, "tagged raises-exception and raises none" if expected else "an error"


def outputs_are_the_same_everywhere(page):
    """Compared outputs hold no path, version, address, device or time of this machine."""
    for cell in page.code:
        if ignored(cell):
            continue
        if CLOCK.search(cell.source):
            yield cell.id, "a clock in a cell whose outputs are compared"
        for output in cell.outputs:
            for text in written(output).values():
                for what, pattern in OF_THIS_MACHINE.items():
                    if match := re.search(pattern, text):
                        around = text[max(0, match.start() - 15) : match.end() + 15]
                        yield cell.id, f"{what} in an output: {around!r}"


def figures_have_alt_text(page):
    """A figure has an alternative text, plot.show(ax, alt=...), and can be read on a phone."""
    for cell in page.code:
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    yield cell.id, f"a bare {kind} has no alternative text"
            for source in (output.get("data", {}).get("text/html", ""),):
                yield from ((cell.id, problem) for problem in Pictures.problems(source))
    for cell in page.prose:
        yield from ((cell.id, problem) for problem in Pictures.problems(cell.source))
        for bang, alt, target in LINK.findall(cell.source):
            if bang and len(alt.strip()) < SHORTEST_ALT:
                yield cell.id, f"the alternative text {alt!r} of {target} says too little"


class Pictures(HTMLParser):
    """Reads HTML and collects what is wrong with its pictures."""

    def __init__(self):
        super().__init__()
        self.found = []

    @classmethod
    def problems(cls, source):
        """What is wrong with the pictures in source, each in words."""
        reader = cls()
        reader.feed(source)
        return reader.found

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        alt = attributes.get({"img": "alt", "svg": "aria-label"}.get(tag)) or ""
        if tag in ("img", "svg") and len(alt.strip()) < SHORTEST_ALT:
            name = "alt" if tag == "img" else "aria-label"
            self.found.append(f"<{tag}> with {name}={alt!r}: say in words what one should see")
        source = attributes.get("src") or ""
        if tag == "img" and source.startswith(("http:", "https:", "//")):
            self.found.append(f"<img> is loaded from outside: {source[:60]}")
        if source.startswith("data:image/png;base64,"):
            head = base64.b64decode(source.partition(",")[2])[:4096]
            if b"Software\0" in head:
                self.found.append("the picture names the version of the program that drew it")
            if (width := int.from_bytes(head[16:20])) > WIDEST:
                self.found.append(
                    f"the picture is {width} pixels wide, and a phone makes the text of more than "
                    f"{WIDEST} too small to be read: give a smaller figsize"
                )


def no_heading_level_is_skipped(page):
    """A heading is at most one level below the one before it: ## below #, ### below ##."""
    before = 0
    for cell in page.prose:
        for marks, title in HEADING.findall(FENCE.sub("", cell.source)):
            if len(marks) > before + 1:
                yield cell.id, f"{marks} {title}: should be {'#' * (before + 1)}"
            before = len(marks)


def links_lead_somewhere(page):
    """A link to another file of the course leads to a file that is there."""
    for cell in page.prose:
        for _, _, target in LINK.findall(cell.source):
            file = target.partition("#")[0]
            if file and not re.match(r"[a-z]+:", file) and not (page.path.parent / file).exists():
                yield cell.id, f"no file {target}"


def lines_fit(page):
    """A line of code has at most 100 characters."""
    for cell in page.code:
        for line in cell.source.splitlines():
            if len(line) > 100:
                yield cell.id, f"{len(line)} characters: {line.strip()[:40]}..."


def nothing_beside_the_page_is_read(page):
    """A page runs wherever the library does: no cell names a file beside it or above it."""
    for cell in page.code:
        if found := re.search(r"""["']\.\.?/""", cell.source):
            line = cell.source[cell.source.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0]
            yield cell.id, f"reads beside the page; ship the file in tantra/: {line.strip()[:60]}"


def printed_sources_are_of_today(page):
    """A cell that prints a part of the library shows it as it is now."""
    written_here = {name for cell in page.code for name in DEFINED.findall(cell.source)}
    for cell, text, name, sources in printed_parts(page):
        own = name in written_here and f"getsource({name})" in cell.source
        if sources and not own and not any(source in text for source in sources):
            place = f"make refresh NOTEBOOK={short(page.path)}"
            yield cell.id, f"{name} has changed in the library since this ran: {place}"


def printed_parts(page):
    """(cell, what it prints, a name that is defined there, the library's texts of this name)."""
    for cell in page.code:
        if "getsource(" in cell.source:
            text = "".join(written(output).get("stdout", "") for output in cell.outputs)
            for name in dict.fromkeys(DEFINED.findall(text)):
                yield cell, text, name, definitions().get(name, ())


@cache
def definitions():
    """Every function and class of the library: {name: its texts, as inspect prints them}."""
    found = {}
    for path in sorted((ROOT / "tantra").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
                source = "".join(lines[first - 1 : node.end_lineno])
                found.setdefault(node.name, []).append(source)
    return found


ANYWHERE = [
    stored_as_refresh_stores_it,
    ids_are_readable,
    tags_are_known,
    ignoring_has_a_reason,
    slow_cells_say_so,
    every_cell_ran_in_order,
    outputs_are_stored,
    nothing_went_wrong,
    outputs_are_the_same_everywhere,
    figures_have_alt_text,
    no_heading_level_is_skipped,
    links_lead_somewhere,
    lines_fit,
    nothing_beside_the_page_is_read,
    printed_sources_are_of_today,
]
