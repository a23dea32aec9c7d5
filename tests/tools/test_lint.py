"""Each bad state of a stored notebook is caught by the rule that is there for it."""

import inspect
import re
import textwrap
import unicodedata
from base64 import b64encode

import pytest
from nbformat.v4 import new_markdown_cell, new_output

import lint
import tantra
from course import ROOT, stored_form
from exercises import generate
from rules import answers, anywhere, chapters, line, names, promises, tasks, terms, whole
from rules.page import Page
from text import from_text

WIDE = b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (641).to_bytes(4)).decode()
ALT = "bars: the shares are 0.09, 0.24 and 0.67"
PROMISE = (
    "About 5 minutes for the line, 5 for [Deeper](#Deeper), "
    "and 40 for the [exercises](../exercises/01_query.ipynb)."
)
CHAPTER = f"""\
%% md title
# 01 · Query

%% code map
from tantra import draw_map

draw_map("query")

%% code verse
from tantra import verse

verse("query")

%% md you-will
## What you will be able to do

{PROMISE}

%% md the-question
## The question

%% md verse-to-code
## Verse to code

%% code two
1 + 1

%% md proof
## Proof

%% code proof-code
assert 1 + 1 == 2
print("one and one are two")

%% md see-it
## See it

%% code bars folded
plot.show(plot.flow(stages), alt=alt)

%% md break-it
## Break it

%% code break-it-code
print(1 - 1)

%% md finished-part
## The finished part

%% code finished-part-code
2

%% md what-to-keep
## What to keep

- one and one
  are two
- three is more

%% md recall
## Recall

<details><summary>two</summary>

**Yes.** One and one are two.
</details>
<details><summary>three</summary>

**No.** Three is one more than one and one.
</details>

%% md recall-2
And two and one?

<details><summary>two</summary>

**No.** Two is what one and one are.
</details>
<details><summary>three</summary>

**Yes.** Two and one are three.
</details>

%% md deeper
## Deeper

For a second reading.

%% md on-a-gpu
### On a GPU (1 minute)

There are graphics cards.

%% code gpu-two [gpu, nbval-ignore-output] reason: it depends on the graphics card
print("there is no GPU here")

%% md next
## Go further

Now [the exercises](../exercises/01_query.ipynb).
"""
TASK = """\
%% md task-{n}
## {n}. Number {n}
{kind} · difficulty 1 of 3 · 10 minutes
Give {n}.

%% code task-{n}-write [task]
def number_{n}():
    ### BEGIN SOLUTION
    return {n} * 1000
    ### END SOLUTION

%% code task-{n}-check [check]
check.number(number_{n})

%% md task-{n}-why [solution-only]
Because it is {n} times a thousand.

"""
KINDS = ["implement", "derive", "hunt", "predict"]
SOLUTION = (
    "%% md title\n# Query: exercises\n\n"
    "Four tasks for [chapter 01](../notebooks/01_query.ipynb).\n\n"
    + "".join(TASK.format(n=n, kind=kind) for n, kind in enumerate(KINDS, 1))
    + "%% code progress\ntantra.progress()\n"
)


def run(notebook):
    """notebook with the outputs that its cells would give."""
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
        cell.execution_count = number
        if "task" in cell.metadata.get("tags", ()):
            continue
        figure = f'<img alt="{ALT}" src="data:image/png;base64,iVBORw0K">'
        if cell.id == "bars":
            cell.outputs = [new_output("display_data", {"text/html": figure, "text/plain": ALT})]
        else:
            cell.outputs = [new_output("stream", name="stdout", text="2\n")]
    return notebook


README = """\
| [01 Query](notebooks/01_query.ipynb) | looks | [4 tasks](exercises/01_query.ipynb) | 5 + 5 + 40 |
"""


GLOSSARY = """\
| word | meaning | in papers and code | from |
| --- | --- | --- | --- |
| **causal mask** | hides the future | | 03 |
| **gate (of a network)** | a factor | | 00 |
| **mask** | hides | `mask` | 02 |
| **matrix** | rows and columns | | - |
| **query, bias** | asks; adds | | 01 |
| **weight** | a factor | | 00 |
"""


@pytest.fixture
def course(tmp_path):
    """The three folders, each with one good notebook."""
    solution = from_text(SOLUTION)
    made = {
        "notebooks": from_text(CHAPTER),
        "solutions": solution,
        "exercises": generate(solution),
    }
    for folder, notebook in made.items():
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "01_query.ipynb"
        path.write_text(stored_form(run(notebook)), encoding="utf-8")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    (tmp_path / "notebooks/GLOSSARY.md").write_text(GLOSSARY, encoding="utf-8")
    return tmp_path


def page_of(course, folder="notebooks"):
    return Page(course / folder / "01_query.ipynb")


def cell(page, name):
    return next(cell for cell in page.cells if cell.id == name)


def said(rule, page):
    """What rule says of page."""
    return [f"{where}: {problem}" for where, problem in rule(page)]


@pytest.mark.parametrize("folder", ["notebooks", "solutions", "exercises"])
def test_a_good_notebook_has_no_problem(course, folder):
    assert list(lint.lint(page_of(course, folder))) == []


def test_a_good_course_has_no_problem(course):
    pages = [page_of(course, folder) for folder in ("notebooks", "solutions", "exercises")]
    retag("gpu-two")(pages[0])  # one cell of so few is more than 3 %
    assert list(lint.lint_course(pages)) == []


def clear(page):
    for c in page.code:
        c.outputs, c.execution_count = [], None


def retag(name, *tags, **metadata):
    return lambda page: cell(page, name).update(metadata={"tags": list(tags), **metadata})


def rewrite(name, old, new):
    def change(page):
        assert old in cell(page, name).source
        cell(page, name).source = cell(page, name).source.replace(old, new)

    return change


def output(name, *outputs):
    return lambda page: cell(page, name).update(outputs=list(outputs))


def html(source):
    return new_output("display_data", {"text/html": source, "text/plain": "2"})


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def rename(old, new):
    return lambda page: cell(page, old).update(id=new)


def drop(name):
    return lambda page: page.cells.remove(cell(page, name))


BAD = {
    "all outputs cleared": (clear, anywhere.every_cell_ran_in_order),
    "all outputs cleared, counts kept": (
        lambda page: [c.update(outputs=[]) for c in page.code],
        anywhere.outputs_are_stored,
    ),
    "one output cleared": (output("gpu-two"), anywhere.outputs_are_stored),
    "the output of an expression cleared": (output("two"), anywhere.outputs_are_stored),
    "a code cell deleted": (drop("two"), anywhere.every_cell_ran_in_order),
    "the verse deleted": (drop("verse"), chapters.begins_with_the_verse),
    "the last cell deleted": (drop("next"), chapters.ends_with_what_is_next),
    "the quiz deleted": (drop("recall"), chapters.quizzes_explain),
    "a section deleted": (drop("break-it"), chapters.has_the_headings),
    "sections out of order": (
        lambda page: page.cells.append(page.cells.pop(page.cells.index(cell(page, "proof")))),
        chapters.has_the_headings,
    ),
    "another section": (rewrite("proof", "## Proof", "## Aside"), chapters.has_the_headings),
    "a section between": (
        rewrite("proof", "## Proof", "## Aside\n## Proof"),
        chapters.has_the_headings,
    ),
    "two sections of a name": (
        rewrite("proof", "## Proof", "## Proof\n## Proof"),
        chapters.has_the_headings,
    ),
    "nothing below the line": (rewrite("deeper", "## ", ""), chapters.has_the_headings),
    "a long list to keep": (
        rewrite("what-to-keep", "- three", "- a\n- b\n- c\n- d\n- three"),
        chapters.what_to_keep_is_short,
    ),
    "an empty list to keep": (
        rewrite("what-to-keep", "- one and one\n  are two\n- three is more", ""),
        chapters.what_to_keep_is_short,
    ),
    "more to keep than a list": (
        rewrite("what-to-keep", "- one", "All this.\n\n- one"),
        chapters.what_to_keep_is_short,
    ),
    "code to keep": (
        lambda page: page.cells.insert(page.cells.index(cell(page, "recall")), page.code[-1]),
        chapters.what_to_keep_is_short,
    ),
    "right options all in one place": (
        rewrite(
            "recall-2",
            "<details><summary>two",
            "<details><summary>four</summary>\n\n**Yes.** In a way.\n</details>\n"
            "<details><summary>two",
        ),
        chapters.right_options_move,
    ),
    "no flow drawing": (rewrite("bars", "plot.flow", "plot.bars"), chapters.draws_a_flow),
    "more words than the budget": (
        rewrite("proof", "## Proof", "## Proof\n" + "word " * 1600),
        line.the_line_keeps_its_budget,
    ),
    "more lines than the budget": (
        rewrite("two", "1 + 1", "1 + 1\n" * 150),
        line.the_line_keeps_its_budget,
    ),
    "more cells than the budget": (
        lambda page: [page.cells.insert(3, cell(page, "proof")) for _ in range(42)],
        line.the_line_keeps_its_budget,
    ),
    "more folded than not": (
        rewrite("bars", "plot.", "1\n" * 20 + "plot."),
        line.little_is_folded,
    ),
    "a section without minutes": (
        rewrite("on-a-gpu", " (1 minute)", ""),
        line.sections_of_deeper_stand_alone,
    ),
    "a section with other minutes": (
        rewrite("on-a-gpu", "1 minute", "2 minutes"),
        line.sections_of_deeper_stand_alone,
    ),
    "a section that has grown": (
        rewrite("on-a-gpu", "There are", "There are" + " more" * 200),
        line.sections_of_deeper_stand_alone,
    ),
    "a section in the middle of a cell": (
        rewrite("on-a-gpu", "###", "Words.\n\n###"),
        line.sections_of_deeper_stand_alone,
    ),
    "no promise": (rewrite("you-will", "5 for [Deeper]", "[Deeper]"), promises.minutes_are_honest),
    "other minutes for the line": (
        rewrite("you-will", "5 minutes for the", "10 minutes for the"),
        promises.minutes_are_honest,
    ),
    "a line that has grown": (
        rewrite("proof", "## Proof", "## Proof\n" + "word " * 600),
        promises.minutes_are_honest,
    ),
    "other minutes for Deeper": (
        rewrite("you-will", "5 for [D", "10 for [D"),
        promises.minutes_are_honest,
    ),
    "other minutes for the exercises": (
        rewrite("you-will", "40 for", "35 for"),
        promises.minutes_are_honest,
    ),
    "minutes that the README does not give": (
        rewrite("you-will", "5 for [D", "10 for [D"),
        promises.the_readme_lists_it,
    ),
    "the last code of a section deleted": (
        drop("finished-part-code"),
        chapters.sections_do_what_they_say,
    ),
    "a proof that asserts nothing": (
        rewrite("proof-code", "assert 1 + 1 == 2\n", ""),
        chapters.sections_do_what_they_say,
    ),
    "nothing to see": (output("bars", stream("a plot\n")), chapters.sections_do_what_they_say),
    "the title deleted": (drop("title"), chapters.begins_with_the_verse),
    "the map deleted": (drop("map"), chapters.begins_with_the_verse),
    "the map below the verse": (
        lambda page: page.cells.insert(2, page.cells.pop(1)),
        chapters.begins_with_the_verse,
    ),
    "another map": (rewrite("map", "query", "softmax"), chapters.begins_with_the_verse),
    "another verse": (rewrite("verse", "query", "softmax"), chapters.begins_with_the_verse),
    "an unknown tag": (retag("two", "hidden"), anywhere.tags_are_known),
    "ignored without a reason": (
        retag("two", "nbval-ignore-output"),
        anywhere.ignoring_has_a_reason,
    ),
    "gpu, and compared": (retag("gpu-two", "gpu"), anywhere.ignoring_has_a_reason),
    "a reason for nothing": (
        retag("two", reason="it varies a lot"),
        anywhere.ignoring_has_a_reason,
    ),
    "hidden from nbval by a comment": (
        rewrite("two", "1 + 1", "# NBVAL_IGNORE_OUTPUT\n1 + 1"),
        anywhere.ignoring_has_a_reason,
    ),
    "a slow cell that comes as a surprise": (retag("two", "slow"), anywhere.slow_cells_say_so),
    "an id made by a machine": (rename("two", "d3b07384"), anywhere.ids_are_readable),
    "an id with capitals": (rename("two", "Two-Cells"), anywhere.ids_are_readable),
    "two cells of one id": (rename("two", "bars"), anywhere.ids_are_readable),
    "an error stored": (
        output("two", new_output("error", ename="ValueError", evalue="no")),
        anywhere.nothing_went_wrong,
    ),
    "an error expected that is not there": (
        retag("two", "raises-exception"),
        anywhere.nothing_went_wrong,
    ),
    "a warning stored": (output("two", stream("Warning\n", "stderr")), anywhere.nothing_went_wrong),
    "a figure without alt text": (
        output("bars", html('<img src="data:image/png;base64,iVBORw0K">')),
        anywhere.figures_have_alt_text,
    ),
    "a figure with a short alt text": (
        output("bars", html('<img alt="a plot" src="data:image/png;base64,iVBORw0K">')),
        anywhere.figures_have_alt_text,
    ),
    "a drawing without a label": (
        output("bars", html("<svg></svg>")),
        anywhere.figures_have_alt_text,
    ),
    "a bare picture": (
        output("bars", new_output("display_data", {"image/png": "iVBORw0K"})),
        anywhere.figures_have_alt_text,
    ),
    "a picture that names a version": (
        output("bars", html(f'<img alt="{ALT}" src="data:image/png;base64,U29mdHdhcmUAbQ==">')),
        anywhere.figures_have_alt_text,
    ),
    "a picture wider than a phone can show": (
        output("bars", html(f'<img alt="{ALT}" src="data:image/png;base64,{WIDE}">')),
        anywhere.figures_have_alt_text,
    ),
    "a picture in the text without alt": (
        rewrite("proof", "## Proof", "![](x.png)"),
        anywhere.figures_have_alt_text,
    ),
    "a picture from outside": (
        rewrite("proof", "## Proof", f'<img alt="{ALT}" src="https://example.org/x.png">'),
        anywhere.figures_have_alt_text,
    ),
    "a path": (output("two", stream("/home/me/x.py\n")), anywhere.outputs_are_the_same_everywhere),
    "an address": (
        output("two", stream("<f at 0x7f0a12b3>")),
        anywhere.outputs_are_the_same_everywhere,
    ),
    "a version": (
        output("two", stream("torch 2.13.0\n")),
        anywhere.outputs_are_the_same_everywhere,
    ),
    "a time": (output("two", stream("in 1.5 ms\n")), anywhere.outputs_are_the_same_everywhere),
    "a clock": (rewrite("two", "1 + 1", "%timeit 1 + 1"), anywhere.outputs_are_the_same_everywhere),
    "a heading two levels down": (
        rewrite("proof", "## Proof", "## Proof\n#### Lemma"),
        anywhere.no_heading_level_is_skipped,
    ),
    "a first heading of level 2": (
        rewrite("title", "# 01", "## 01"),
        anywhere.no_heading_level_is_skipped,
    ),
    "a dead link": (rewrite("next", "01_query", "09_query"), anywhere.links_lead_somewhere),
    "no link to the exercises": (
        rewrite("next", "../exercises/", "../solutions/"),
        chapters.ends_with_what_is_next,
    ),
    "a long line": (rewrite("two", "1 + 1", "1 + 1" * 30), anywhere.lines_fit),
    "a file beside the page": (
        rewrite("two", "1 + 1", "open('../data.json')"),
        anywhere.nothing_beside_the_page_is_read,
    ),
    "two right answers": (rewrite("recall", "**No.**", "**Yes.**"), chapters.quizzes_explain),
    "no right answer": (rewrite("recall", "**Yes.**", "**No.**"), chapters.quizzes_explain),
    "a wrong answer that says no more": (
        rewrite("recall", " Three is one more than one and one.", ""),
        chapters.quizzes_explain,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_chapter_is_caught(course, name):
    spoil, rule = BAD[name]
    page = page_of(course)
    assert said(rule, page) == []
    spoil(page)
    assert said(rule, page)


BAD_TASKS = {
    "a task left out": (drop("task-4"), tasks.tasks_are_enough),
    "too few kinds": (
        lambda page: [rewrite(f"task-{n}", KINDS[n - 1], "hunt")(page) for n in (1, 2)],
        tasks.tasks_are_enough,
    ),
    "an unknown kind": (rewrite("task-1", "implement", "guess"), tasks.tasks_are_announced),
    "no minutes": (rewrite("task-1", " · 10 minutes", ""), tasks.tasks_are_announced),
    "a wrong number": (rewrite("task-2", "## 2.", "## 3."), tasks.tasks_are_announced),
    "no sentence": (rewrite("task-2", "Give 2.", ""), tasks.tasks_are_announced),
    "one announced too many": (rewrite("title", "Four", "Five"), tasks.tasks_are_counted),
    "a check after the table of progress": (
        lambda page: page.cells.append(cell(page, "task-4-check")),
        tasks.progress_comes_last,
    ),
    "a check that helps itself": (
        rewrite("task-1-check", "check.number", "number_1 = 1; check.number"),
        tasks.checks_check,
    ),
}


@pytest.mark.parametrize("name", BAD_TASKS)
def test_a_bad_task_is_caught(course, name):
    spoil, rule = BAD_TASKS[name]
    page = page_of(course, "solutions")
    assert said(rule, page) == []
    spoil(page)
    assert said(rule, page)


ANSWERS = {
    "the answer": rewrite("task-1-write", "raise NotImplementedError", "return 1 * 1000"),
    "the answer in a comment": rewrite("title", "Query: exercises", "return 1 * 1000"),
    "its explanation": rewrite("task-2", "Give 2.", "Because it is 2 times a thousand."),
    "a marker": rewrite("task-1-write", "raise", "### BEGIN SOLUTION\n    raise"),
    "a cell for the solution only": retag("task-1", "solution-only"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_exercise_that_holds_an_answer_is_caught(course, name):
    page = page_of(course, "exercises")
    ANSWERS[name](page)
    assert said(tasks.holds_no_answer, page)


ANSWER = """\
def mean_of(values, shares):
    \"""The weighted mean.\"""
    ### BEGIN SOLUTION
    total = sum(shares)

    def at(i: int) -> float:
        return shares[i] * values[i]

    return tantra.softmax(at(0), axis=-1) / total
    ### END SOLUTION
"""
IN_THE_CHAPTER = {
    "as it is": (ANSWER.replace("    ### BEGIN SOLUTION\n", ""), True),
    "under other names": (
        """\
def spread_out(b, a):
    s = sum(a)
    def one(k):
        "What one adds."
        return a[k] * b[k]
    return softmax(one(0), axis=-1) / s
""",
        True,
    ),
    "as a method": (
        """\
class Mean:
    def of(b, a):
        s: float = sum(a)  # of all
        def one(k): return a[k] * b[k]
        return tantra.softmax(one(0), axis=-1) / s
""",
        True,
    ),
    "another axis": (ANSWER.replace("axis=-1", "axis=0"), False),
    "an axis without its name": (ANSWER.replace("axis=-1", "-1"), False),
    "two names changed about": (ANSWER.replace("[i] * values", "[i] * shares"), False),
    "another function called": (ANSWER.replace("softmax", "log_softmax"), False),
    "one line less": (ANSWER.replace("    total = sum(shares)\n", ""), False),
    "no function at all": ("1 + 1", False),
}


def store(page):
    page.path.write_text(stored_form(page.notebook), encoding="utf-8")


@pytest.mark.parametrize("name", IN_THE_CHAPTER)
def test_an_answer_that_stands_in_the_chapter_is_caught(course, name):
    source, seen = IN_THE_CHAPTER[name]
    page, chapter = page_of(course, "solutions"), page_of(course)
    cell(page, "task-1-write").source = ANSWER
    cell(chapter, "two").source = source
    store(chapter)
    problems = said(answers.no_answer_stands_in_its_chapter, page)
    assert bool(problems) is seen
    if seen:
        assert "task-1-write: mean_of stands in the chapter as " in problems[0]
        assert "in cell two: change the task" in problems[0]


@pytest.mark.parametrize("asked", [True, False])
def test_an_answer_that_the_chapter_prints_is_caught(course, asked):
    page, chapter = page_of(course, "solutions"), page_of(course)
    printed = inspect.getsource(tantra.Block.forward)
    head, body = textwrap.dedent(printed).replace("def forward", "def mine").split("\n", 1)
    begin, end = "    ### BEGIN SOLUTION\n", "    ### END SOLUTION\n"
    answer = f"{begin}{body}{end}" if asked else f"{body}{begin}{end}"
    cell(page, "task-1-write").source = f"{head}\n{answer}"
    cell(chapter, "two").source = "print(inspect.getsource(tantra.Block.forward))"
    output("two", stream(printed))(chapter)
    store(chapter)
    problems = said(answers.no_answer_stands_in_its_chapter, page)
    assert ["forward in what cell two prints" in problem for problem in problems] == [True] * asked


def test_metadata_of_an_editor_is_caught(course):
    page = page_of(course)
    page.path.write_text(page.text.replace('"metadata": {}', '"metadata": {"scrolled": true}', 1))
    assert said(anywhere.stored_as_refresh_stores_it, Page(page.path))


def test_a_chapter_without_its_exercise_is_caught(course):
    pages = [page_of(course, folder) for folder in ("notebooks", "solutions")]
    assert "01_query.ipynb is missing in exercises" in str(list(lint.lint_course(pages)))


def test_minutes_that_the_tasks_do_not_need_are_named(course):
    page = page_of(course)
    rewrite("you-will", "40 for", "35 for")(page)
    (problem,) = [problem for _, problem in promises.minutes_are_honest(page)]
    assert problem == "about 35 minutes are said for the exercises, the rule gives 40"


@pytest.mark.parametrize("other", ["5 + 5 + 45", "5 + 40"])
def test_a_readme_with_other_minutes_is_caught(course, other):
    (course / "README.md").write_text(README.replace("5 + 5 + 40", other))
    assert "no row" in str(list(promises.the_readme_lists_it(page_of(course))))


def test_a_readme_that_counts_other_tasks_is_caught(course):
    assert list(promises.the_readme_lists_it(page_of(course))) == []
    (course / "README.md").write_text(README.replace("4 tasks", "5 tasks"))
    ((_, problem),) = promises.the_readme_lists_it(page_of(course))
    assert problem.endswith("| .. | [4 tasks](exercises/01_query.ipynb) | 5 + 5 + 40 |")


def test_a_folded_cell_is_measured_apart(course):
    page = page_of(course)
    (bars,) = [c for c in page.code if line.folded(c)]
    assert line.Stretch("", [bars]).lines == 0
    assert line.Stretch("", [bars]).folded_lines == 1


def test_the_line_ends_where_deeper_begins_and_goes_on_after_it(course):
    on_the_line, sections = line.divided(page_of(course))
    assert [c.id for c in on_the_line.cells][-3:] == ["recall", "recall-2", "next"]
    assert [section.title for section in sections] == ["Deeper", "On a GPU (1 minute)"]


@pytest.mark.parametrize(("quizzes", "seen"), [(5, False), (6, True)])
def test_right_options_that_all_stand_in_the_middle_are_caught(course, quizzes, seen):
    page = page_of(course)
    middle, last = ("**No.**", "**Yes.**", "**No.**"), ("**No.**", "**No.**", "**Yes.**")
    options = "\n".join(f"<details><summary>a</summary>\n{x}\n</details>" for x in middle)
    page.cells[:] = [cell(page, "recall") for _ in range(quizzes)]
    cell(page, "recall").source = options
    problems = [problem for _, problem in whole.right_options_stand_everywhere([page])]
    assert problems == [f"number 2 is right in {quizzes} of {quizzes} quizzes"] * seen
    other = "\n".join(f"<details><summary>a</summary>\n{x}\n</details>" for x in last)
    page.cells[: (quizzes + 1) // 2] = [new_markdown_cell(other, id="recall")] * (quizzes // 2)
    assert list(whole.right_options_stand_everywhere([page])) == []


def test_a_comment_in_code_is_no_heading(course):
    page = page_of(course)
    cell(page, "proof").source = "## Proof\n\n```python\n#### a comment\n```\n\n### Lemma"
    assert said(anywhere.no_heading_level_is_skipped, page) == []


def test_a_slow_cell_may_be_announced(course):
    page = page_of(course)
    retag("two", "slow")(page)
    cell(page, "verse-to-code").source += "\n\nIt takes about half a minute."
    assert said(anywhere.slow_cells_say_so, page) == []


WORDS = {
    "A *query* asks. Queries ask.": "",
    "Queries ask.": "query, bias is first used here",
    "Queries ask. A *query* asks.": "query, bias is first used here",
    "A word has **queries**: it asks.": "",
    "Its *biases* and queries.": "",
    "See `query`, $query$, [a query](01_query.ipynb) and\n# Query\n| query |": "",
    "It is masked.": "*mask*, which the glossary says comes from 02",
    "A *causal mask*.": "*causal mask*, which the glossary says comes from 03",
    "A mask-maker is unmasked.": "*mask*, which",
    "Unmasked, opening a gate to a matrix.": "",
    "A weighted mean.": "weight stands on no line of 00",
}


def chapter_before(page):
    """A chapter 00 like page."""
    path = page.path.with_name("00_begin.ipynb")
    path.write_text(page.text, encoding="utf-8")
    return Page(path)


@pytest.mark.parametrize("text", WORDS)
def test_a_word_that_was_not_introduced_is_caught(course, text):
    page = page_of(course)
    store(chapter_before(page))
    cell(page, "proof").source = f"## Proof\n\n{text}"
    problems = [f"{where}: {problem}" for where, problem in terms.words_are_introduced(page)]
    assert len(problems) == bool(WORDS[text])
    assert all(f"proof: {WORDS[text]}" in problem for problem in problems)


def test_a_word_that_an_earlier_line_introduced_may_be_used(course):
    page = page_of(course)
    begin = chapter_before(page)
    cell(page, "proof").source = "## Proof\n\nIts weights."
    cell(begin, "proof").source = "## Proof\n\nA *weight* is a factor."
    store(begin)
    assert said(terms.words_are_introduced, page) == []
    assert said(terms.words_are_introduced, begin) == []


def test_words_below_the_line_are_free_and_introduce_nothing(course):
    page = page_of(course)
    begin = chapter_before(page)
    cell(page, "on-a-gpu").source += "\n\nA causal mask."
    assert said(terms.words_are_introduced, page) == []
    cell(begin, "on-a-gpu").source += "\n\nA *weight* is a factor."
    store(begin)
    cell(page, "proof").source = "## Proof\n\nIts weights."
    assert "no line of 00" in str(said(terms.words_are_introduced, page))


NAMES = {
    "np.arange(3).sum()": [],
    "np.einsum('i->', x)": ["einsum"],
    "np.random.default_rng(0).dirichlet(x)": ["dirichlet"],
    "np.einsum('i->', x)  # einsum: a product by its axes": [],
    "math.hypot(3, 4); {}.items()": [],
    "from itertools import pairwise": [],
    "from tantra import gelu, softmax": ["gelu", "softmax"],
    "from tantra import plot\n\nplot.heatmap(x)": ["heatmap"],
    "from torch.nn import functional as F\n\nF.silu(x)": ["silu"],
    "import torch\n\ntorch.nn.functional.silu(x)": ["silu"],
    "tantra.Block.forward": ["Block", "forward"],
    "x.swapaxes(0, 1); x.tile = 1; x.tile": ["swapaxes"],
    "%matplotlib inline\nx.mT": ["mT"],
    "def gather(x): return x.gather(0).grad": ["grad"],
    "this is no Python": [],
}


@pytest.mark.parametrize("source", NAMES)
def test_a_name_that_was_not_introduced_is_caught(course, source):
    page = page_of(course)
    cell(page, "two").source = f"{source}"
    imports = "import math\n\nimport numpy as np\nimport tantra"
    cell(page, "bars").source = f"{imports}\n\nplot.show(plot.flow(x))"
    expected = [f"`{name}`" for name in NAMES[source]]
    problems = dict(names.names_are_introduced(page))
    assert re.findall("`[^`]*`", problems.pop("two", "")) == expected
    assert problems == {}
    cell(page, "bars").metadata = {}
    assert set(dict(names.names_are_introduced(page))) == {"bars", *["two"] * bool(expected)}


INTRODUCTIONS = {  # a change; whether it introduces einsum on its line, and for later ones
    "a text above": (rewrite("verse-to-code", "code", "code: `np.einsum('i->', x)`"), True, True),
    "a text below": (rewrite("proof", "Proof", "Proof\n\nWith `einsum`."), False, True),
    "a text in Deeper": (rewrite("on-a-gpu", "There", "`einsum` and"), False, False),
    "a word in plain text": (rewrite("verse-to-code", "code", "einsum"), False, False),
    "a function": (rewrite("map", "draw_map(", "def einsum(x): ...\n\n\ndraw_map("), True, True),
    "a comment above": (rewrite("map", "draw_map(", "# einsum: a product\ndraw_map("), True, True),
}


@pytest.mark.parametrize("name", INTRODUCTIONS)
def test_a_name_is_introduced_above_or_on_an_earlier_line(course, name):
    change, on_its_line, for_later = INTRODUCTIONS[name]
    page, later = page_of(course), page_of(course)
    for one in (page, later):
        rewrite("two", "1 + 1", "import numpy as np\n\nnp.einsum('i->', x)")(one)
    change(page)
    assert ("two" not in dict(names.names_are_introduced(page))) is on_its_line
    begin = chapter_before(page)
    change(begin)
    store(begin)
    assert ("two" not in dict(names.names_are_introduced(later))) is for_later


@pytest.mark.parametrize("below", ["one = 1", "def one(): ...", "import one", "import a as one"])
def test_a_line_that_needs_a_cell_of_deeper_is_caught(course, below):
    page = page_of(course)
    cell(page, "gpu-two").source = below
    assert said(names.nothing_needs_a_cell_below, page) == []
    cell(page, "two").source = "def later():\n    return one"
    assert said(names.nothing_needs_a_cell_below, page) == ["two: one is assigned in Deeper only"]
    cell(page, "bars").source = "for one in range(2):\n    one"
    assert said(names.nothing_needs_a_cell_below, page) == []


def alphabetical(title):
    letters = unicodedata.normalize("NFKD", title.casefold()).replace("-", " ")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def test_the_glossary_is_a_table_in_alphabetical_order():
    path = ROOT / "notebooks/GLOSSARY.md"
    words = path.read_text(encoding="utf-8").partition("## Words")[2]
    titles = [term.title for term in terms.glossary(path)]
    assert len(titles) == words.count("\n| **") > 100
    assert titles == sorted(titles, key=alphabetical)
    forms = [form for title in titles for form in title.split(" (")[0].split(", ")]
    assert len(forms) == len({form.casefold() for form in forms})


PRINTS = "import inspect\n\nfor part in (silu, Block.forward):\n    print(inspect.getsource(part))"


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("", "", []),
        ("return", "return  #", ["silu", "forward"]),
        ("def silu(x):", "def silu(x, y):", ["silu"]),
        ("self.norm_1(x)", "self.norm_2(x)", ["forward"]),
        ("def silu(x):", "def of_the_reader(x):", []),
    ],
)
def test_a_printed_source_that_has_changed_since_is_caught(course, old, new, stale):
    page = page_of(course)
    text = "".join(map(inspect.getsource, (tantra.silu, tantra.Block.forward)))
    assert old in text
    cell(page, "two").source = PRINTS
    output("two", stream(text.replace(old, new)))(page)
    found = list(anywhere.printed_sources_are_of_today(page))
    assert [problem.split()[0] for _, problem in found] == stale
    assert all(problem.endswith("01_query.ipynb") for _, problem in found)


@pytest.mark.parametrize(("printed", "stale"), [("silu", False), ("tantra.silu", True)])
def test_a_function_of_the_page_may_have_the_name_of_a_part(course, printed, stale):
    page = page_of(course)
    cell(page, "two").source = f"def silu(x):\n    return x\n\nprint(inspect.getsource({printed}))"
    output("two", stream("def silu(x):\n    return x\n"))(page)
    assert bool(list(anywhere.printed_sources_are_of_today(page))) is stale


def test_ignoring_more_than_three_percent_is_caught(course):
    pages = [page_of(course)]
    assert "1 of 8 code cells" in str(list(whole.little_is_ignored(pages)))
    retag("gpu-two")(pages[0])
    assert list(whole.little_is_ignored(pages)) == []


def test_the_command_prints_the_rule_and_fails(course, capsys):
    path = course / "notebooks/01_query.ipynb"
    path.write_text(path.read_text().replace(ALT, "a plot"))
    assert lint.main([str(path)]) == 1
    printed = capsys.readouterr().out
    assert "cell bars" in printed
    assert "A figure has an alternative text" in printed
    assert "1 of 8 code cells are not compared (12.5%)" in printed


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("print(1)", True),
        ("x = 1\nx", True),
        ("x;", False),
        ("x = 1", False),
        ("def f():\n    print(1)", False),
        ("if gpu:\n    print(1)", False),
        ("check.softmax(mine)", True),
        ("np.testing.assert_allclose(a, b)", False),
        ("%matplotlib inline\nplot.show(ax, alt='x')", True),
        ('"""only words"""', False),
        ("", False),
    ],
)
def test_which_cells_surely_show_something(source, expected):
    assert anywhere.shows(source) is expected


def test_a_file_that_is_no_notebook_is_said_so(tmp_path):
    (tmp_path / "a.ipynb").write_text("{")
    assert "cannot be read as a notebook" in next(lint.lint(Page(tmp_path / "a.ipynb")))
