"""Look at stored notebooks, without running them, for what no other gate sees.

    python tools/lint.py                                  the whole course
    python tools/lint.py notebooks/02_softmax.ipynb       one notebook, without the course's rules

Each rule is a function whose docstring is the sentence that the writer reads; it yields the places
where the rule is broken.
"""

import ast
import base64
import json
import re
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from nbformat.v4.rwbase import rejoin_lines

from course import FOLDERS, PICTURE, ROOT, all_paths, short, stored_form
from exercises import MARKER, SolutionError, answers, bare, exercise_path

TAGS = {"task", "check", "solution-only", "gpu", "raises-exception", "nbval-ignore-output"}
KINDS = ("implement", "derive", "hunt", "predict", "ablate")
HEADINGS = (
    "What you will be able to do",
    "The question",
    "Verse to code",
    "Proof",
    "See it",
    "Break it",
    "The finished part",
    "Recall",
    "Go further",
)
WITH_CODE = ("Verse to code", "Proof", "See it", "Break it", "The finished part")
MOST_IGNORED = 0.03
SHORTEST_ALT = 20
NAME = re.compile(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*")
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
HEX = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{6,}")
TASK = re.compile(r"### (\d+)\. \S.*")
FACTS = re.compile(rf"({'|'.join(KINDS)}) · difficulty [123] of 3 · (\d+) minutes")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COUNT = re.compile(rf"\b({'|'.join(NUMBERS)}|\d+) (?:\w+ )?tasks? for \[chapter", re.IGNORECASE)
DEFINED = re.compile(r"^ *(?:def|class) (\w+)", re.MULTILINE)
PROMISE = re.compile(
    r"^About (\d+) minutes, and (\d+) (?:more )?for the \[exercises\]", re.MULTILINE
)
OPTION = re.compile(r"<details>\s*<summary>(.+?)</summary>\s*(.*?)\s*</details>", re.DOTALL)
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


# Every notebook


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
    """A figure has an alternative text: show it with plot.show(ax, alt=...)."""
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
            with_words = base64.b64decode(source.partition(",")[2])[:4096]
            if b"Software\0" in with_words:
                self.found.append("the picture names the version of the program that drew it")


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


def printed_sources_are_of_today(page):
    """A cell that prints a part of the library shows it as it is now."""
    for cell in page.code:
        if "getsource(" not in cell.source:
            continue
        text = "".join(written(output).get("stdout", "") for output in cell.outputs)
        for name in dict.fromkeys(DEFINED.findall(text)):
            known = definitions().get(name, ())
            if known and not any(source in text for source in known):
                place = f"make refresh NOTEBOOK={short(page.path)}"
                yield cell.id, f"{name} has changed in the library since this ran: {place}"


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


# Chapters


def begins_with_the_verse(page):
    """A chapter has a title, then its verse."""
    heads = [cell for cell in page.cells[:3] if cell.id == "verse"]
    name = page.path.stem[3:]
    if not heads:
        yield None, "no cell `verse` among the first three"
    elif page.code[0] is not heads[0] or f'verse("{name}")' not in heads[0].source:
        yield "verse", f'the first code cell should show verse("{name}")'
    if not page.cells or not re.match(r"# \S", page.cells[0].source):
        yield None, "the first cell should be the title, # ..."


def has_the_headings(page):
    """A chapter has the course's headings, in their order."""
    if page.number == "00":
        return
    found = [title for cell in page.prose for title in titles_of(cell)]
    at = -1
    for heading in HEADINGS:
        places = [i for i, title in enumerate(found) if title.startswith(heading)]
        if not places:
            yield None, f"no heading ## {heading}"
        elif places[0] < at:
            yield None, f"## {heading} comes too early: the order is {', '.join(HEADINGS)}"
        else:
            at = places[0]


def sections_do_what_they_say(page):
    """Proof asserts, See it draws, and no section about code is without it."""
    if page.number == "00":
        return
    section, code = None, {heading: [] for heading in WITH_CODE}
    for cell in page.cells:
        if cell.cell_type == "markdown" and (titles := titles_of(cell)):
            section = next((h for h in HEADINGS if titles[-1].startswith(h)), None)
        elif cell.cell_type == "code" and section in code:
            code[section].append(cell)
    for heading, cells in code.items():
        if not cells:
            yield None, f"no code under ## {heading}"
    if not any("assert" in cell.source for cell in code["Proof"]):
        yield None, "nothing is asserted under ## Proof"
    drawn = [output for cell in code["See it"] for output in cell.outputs]
    if not any(
        re.search(r"<(img|svg)\b", written(output).get("text/html", "")) for output in drawn
    ):
        yield None, "no figure under ## See it"


def titles_of(cell):
    """The second-level headings of a text cell."""
    return [line[3:].strip() for line in cell.source.splitlines() if line.startswith("## ")]


def ends_with_what_is_next(page):
    """A chapter ends with the cell `next`, which leads to its exercises."""
    last = page.cells[-1]
    if last.id != "next" or last.cell_type != "markdown":
        yield last.id, "the last cell should be the text `next`"
    elif f"(../exercises/{page.path.name})" not in last.source:
        yield "next", f"no link to ../exercises/{page.path.name}"


def quizzes_explain(page):
    """A question of the quiz has one right answer, and every wrong one says why."""
    quizzes = [cell for cell in page.prose if re.fullmatch(r"recall(-\d+)?", cell.id)]
    if "recall" not in [cell.id for cell in quizzes]:
        yield None, "no cell `recall`"
    for cell in quizzes:
        options = OPTION.findall(cell.source)
        if len(options) < 2 or len(options) != cell.source.count("<details"):
            yield cell.id, "at least two <details><summary>option</summary>why</details>"
        if [body.startswith("**Yes.**") for _, body in options].count(True) != 1:
            yield cell.id, 'exactly one answer should begin with "**Yes.**"'
        for option, body in options:
            if not body.startswith(("**Yes.**", "**No.**")):
                yield cell.id, f'{option!r} begins neither with "**Yes.**" nor with "**No.**"'
            elif len(body.partition(".**")[2].strip()) < 15:
                yield cell.id, f"{option!r} does not say why"


# Solutions and exercises


def tasks_are_announced(page):
    """A task has a number and a title, then its kind, difficulty and minutes, then its sentence."""
    for number, cell in enumerate(tasks_of(page), 1):
        lines = [*cell.source.splitlines(), "", "", ""]
        heading = TASK.fullmatch(lines[0])
        if not heading or int(heading[1]) != number or cell.id != f"task-{number}":
            yield cell.id, f"should begin with ### {number}. and a title"
        if not FACTS.fullmatch(lines[1].strip()):
            yield cell.id, "second line: implement · difficulty 1 of 3 · 10 minutes"
        if not any(line.strip() for line in lines[2:]):
            yield cell.id, "no sentence says what to do"


def tasks_of(page):
    """The text cells of page that ask for something."""
    return [cell for cell in page.prose if re.fullmatch(r"task-\d+", cell.id)]


def tasks_are_counted(page):
    """A page that says how many tasks it has counts them right."""
    there = len(tasks_of(page))
    for cell in page.prose:
        for word in COUNT.findall(cell.source):
            if word.lower() not in (str(there), *NUMBERS[there : there + 1]):
                yield cell.id, f"{word} tasks are announced, {there} are there"


def progress_comes_last(page):
    """The table of what is passed comes after the last check."""
    code = [cell for cell in page.code if cell.id == "progress" or "check" in tags(cell)]
    if code and any(cell.id == "progress" for cell in code[:-1]):
        yield code[-1].id, "a check after the cell `progress`, whose table would not show it"


def tasks_are_enough(page):
    """A chapter has at least four tasks of three kinds; the first, 00, two tasks."""
    tasks = tasks_of(page)
    kinds = {match[1] for cell in tasks if (match := FACTS.search(cell.source))}
    fewest, fewest_kinds = (2, 1) if page.number == "00" else (4, 3)
    if len(tasks) < fewest or len(kinds) < fewest_kinds:
        yield None, f"{len(tasks)} tasks of {len(kinds)} kinds"


def checks_check(page):
    """A check cell hands the learner's work to tantra's check, and does nothing else."""
    for cell in page.code:
        if "check" in tags(cell) and not re.fullmatch(r"check\.\w+\(.+\)", cell.source.strip()):
            yield cell.id, "should be one line, check.name(name)"


def holds_no_answer(page):
    """An exercise holds no answer."""
    if page.folder != "exercises":
        return
    solution = exercise_path(page.path).parents[1] / "solutions" / page.path.name
    try:
        secret = answers(Page(solution).notebook) if solution.exists() else set()
    except SolutionError as problem:
        secret = set()
        yield None, str(problem)
    for cell in page.cells:
        if "solution-only" in tags(cell):
            yield cell.id, "tagged solution-only"
        for line in cell.source.splitlines():
            if MARKER.match(line) or "solution-only -->" in line:
                yield cell.id, f"a marker of the solution: {line.strip()}"
            elif bare(line) in secret:
                yield cell.id, f"a line of the answer: {line.strip()}"


# The course


def names_come_in_threes(pages):
    """Every chapter is a notebook, a solution and an exercise of one name."""
    names = {folder: {p.path.name for p in pages if p.folder == folder} for folder in FOLDERS}
    every = set.union(*names.values())
    for name in sorted(every):
        missing = [folder for folder in FOLDERS if name not in names[folder]]
        if missing:
            yield None, f"{name} is missing in {', '.join(missing)}"
        if not NAME.fullmatch(Path(name).stem):
            yield None, f"{name}: a name is a number and words, 02_softmax.ipynb"


def minutes_add_up(pages):
    """A chapter says how long its tasks take: the sum of their minutes, to the nearest 5."""
    for name, (_, promised, needed) in minutes(pages).items():
        if promised != needed:
            yield (
                None,
                f"notebooks/{name}: about {promised} minutes are said, the tasks need {needed}",
            )


def the_readme_lists_it(pages):
    """The README has a row for every chapter: its notebook, its exercises and their minutes."""
    for name, (reading, _, doing) in minutes(pages).items():
        solution = next((p for p in pages if (p.folder, p.path.name) == ("solutions", name)), None)
        readme = next(p.path.parents[1] / "README.md" for p in pages if p.path.name == name)
        count = len(tasks_of(solution)) if solution else 0
        row = f" | [{count} tasks](exercises/{name}) | {reading} + {doing} |"
        rows = [line for line in readme.read_text("utf-8").splitlines() if line.endswith(row)]
        if not any(re.match(rf"\| \[.+\]\(notebooks/{name}\) \|", line) for line in rows):
            yield None, f"README.md: no row | [..](notebooks/{name}) | ..{row}"


def minutes(pages):
    """For every chapter: the minutes it promises for reading, for its tasks, and what they need."""
    found = {}
    for page in pages:
        if page.folder == "notebooks":
            said = PROMISE.search("\n".join(cell.source for cell in page.prose))
            reading, doing = map(int, said.groups()) if said else (0, 0)
            tasks = [
                FACTS.search(cell.source)
                for p in pages
                if p.folder == "solutions" and p.path.name == page.path.name
                for cell in p.prose
            ]
            needed = sum(int(facts[2]) for facts in tasks if facts)
            found[page.path.name] = reading, doing, round(needed / 5) * 5
    return found


def little_is_ignored(pages):
    """At most 3 % of the course's code cells are not compared."""
    hidden, total = ignored_share(pages)
    if hidden > MOST_IGNORED * total:
        yield None, f"{hidden} of {total} code cells are tagged nbval-ignore-output"


def ignored_share(pages):
    """(the number of code cells that are not compared, the number of all)."""
    code = [cell for page in pages for cell in page.code]
    return sum(map(ignored, code)), len(code)


ANYWHERE = [
    stored_as_refresh_stores_it,
    ids_are_readable,
    tags_are_known,
    ignoring_has_a_reason,
    every_cell_ran_in_order,
    outputs_are_stored,
    nothing_went_wrong,
    outputs_are_the_same_everywhere,
    figures_have_alt_text,
    links_lead_somewhere,
    lines_fit,
    printed_sources_are_of_today,
]
CHAPTER = [
    begins_with_the_verse,
    has_the_headings,
    sections_do_what_they_say,
    ends_with_what_is_next,
    quizzes_explain,
]
TASKS = [
    tasks_are_announced,
    tasks_are_enough,
    tasks_are_counted,
    progress_comes_last,
    checks_check,
    holds_no_answer,
]
COURSE = [names_come_in_threes, minutes_add_up, the_readme_lists_it, little_is_ignored]


def lint(page):
    """Yield every problem of page, in words."""
    try:
        page.notebook  # noqa: B018
    except (OSError, ValueError, AttributeError) as problem:
        yield f"{short(page.path)}: cannot be read as a notebook: {problem}"
        return
    for rule in ANYWHERE + (CHAPTER if page.folder == "notebooks" else TASKS):
        for cell, problem in rule(page):
            place = f"{short(page.path)}, cell {cell}" if cell else short(page.path)
            yield f"{place}: {problem}\n    {rule.__doc__}"


def lint_course(pages):
    """Yield every problem of the course as a whole, in words."""
    for rule in COURSE:
        for _, problem in rule(pages):
            yield f"{problem}\n    {rule.__doc__}"


def main(arguments):
    """Run the command line; 0 when all is well."""
    pages = [Page(Path(name)) for name in arguments] or [Page(path) for path in all_paths(ROOT)]
    problems = [problem for page in pages for problem in lint(page)]
    if not arguments:
        problems += lint_course(pages)
    print(*problems, sep="\n")
    hidden, total = ignored_share(pages)
    print(
        f"{len(pages)} notebooks, {len(problems)} problems; "
        f"{hidden} of {total} code cells are not compared ({hidden / max(total, 1):.1%})"
    )
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
