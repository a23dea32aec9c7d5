"""Marks, feedback and the teacher's page say what the verdicts say, and no more."""

import csv
import io
import itertools
import json
import os
import re
from html.parser import HTMLParser

import pytest
import small_class as made

from tantra import files
from tantra.classroom.records import Verdict
from tantra.classroom.reports import marks, markup, outputs, people
from tantra.classroom.reports.feedback import feedback
from tantra.classroom.reports.groups import mistakes, talk_about
from tantra.classroom.reports.lesson import lesson
from tantra.classroom.submission.folder import handed_in

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """A page as a browser takes it: its elements, and its text; elements must close."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.said = [], [], []
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)

    @property
    def text(self):
        return "".join(self.said)

    def tags(self):
        return [tag for tag, _ in self.elements]


@pytest.fixture
def written(tmp_path):
    made.write(tmp_path)
    return tmp_path


def pages(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.html")}


def rows(folder):
    return list(csv.reader(io.StringIO((folder / "marks.csv").read_text("utf-8-sig"))))


def test_marks_hold_a_row_a_student_and_a_column_a_task(written):
    assert (written / "marks.csv").read_bytes().startswith("\ufeff".encode())
    head, *found = rows(written)
    tasks = [f"{task.name} ({task.points})" for task in made.ASSIGNMENT.tasks]
    assert head == ["student", *tasks, "total (13)", "notes", "file"]
    assert len(found) == len(made.small_class())
    totals = {row[0]: (row[1:8], row[8]) for row in found}
    assert totals["ada"] == ([str(task.points) for task in made.ASSIGNMENT.tasks], "13")
    assert totals["bob"] == (["0"] * 7, "0")
    notes = {row[0]: row[9] for row in found}
    assert notes["eve"] == "it is empty"
    assert "softmax: uses os: have a look" in notes["'=1+1"]
    assert "soften: stopped at a limit" in notes[made.LONG]


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@x", "＝1", "\t=1", "\r\n-1", "=1;=2", "'=1"]
)
def test_no_cell_is_a_formula(name):
    submission = made.submission(name, odd=(f"{name} is odd",), file=name)
    _, row = csv.reader(
        io.StringIO(marks.as_csv(made.ASSIGNMENT, [submission]).decode("utf-8-sig"))
    )
    for cell in row:
        assert not cell.startswith(marks.FORMULA), cell
        assert "\n" not in cell
    assert name.strip() in row[0]


def test_marks_are_the_same_in_both_forms(written):
    found = json.loads((written / "marks.json").read_text("utf-8"))
    assert [each["total"] for each in found["students"]] == [
        int(row[8]) for row in rows(written)[1:]
    ]
    assert (found["exercise"], found["seed"], found["of"]) == (made.PAGE, 7, 13)
    assert {each["student"] for each in found["students"]} == {
        e.student for e in made.small_class()
    }
    for each in found["students"]:
        assert (written / each["feedback"]).is_file()
        assert each["points"].keys() == each["status"].keys() == made.TASKS.keys()


def test_what_was_not_judged_says_so():
    submission = made.submission("ada")
    short = type(submission)(**{**vars(submission), "verdicts": submission.verdicts[1:]})
    assert marks.notes(made.ASSIGNMENT, short) == ["softmax: not judged: look at it by hand"]
    assert "not judged yet" in Reader(feedback(made.ASSIGNMENT, short)).text


def test_a_page_holds_verdict_words_code_and_points():
    said = made.verdict("softmax", "failed", made.WRONG.format("mine"), "✗ softmax\n  1 < 2 & so",
                        notes=("found by name",))  # fmt: skip
    passed = made.verdict("soften", "passed", "def soften(): ...")
    reader = Reader(
        feedback(made.ASSIGNMENT, made.submission("ada", said, passed, odd=("odd one",)))
    )
    for words in (said.words, said.source, "found by name", "odd one", "0 of 1 point",
                  "2 of 2 points", "2 of 13 points", "which has no points", "seed 7"):  # fmt: skip
        assert words in reader.text
    assert made.TASKS["log_softmax"].given not in reader.text


def test_pages_are_self_contained_and_in_order(written):
    for name, page in pages(written).items():
        reader = Reader(page)
        assert reader.elements[0] == ("html", {"lang": "en"}), name
        levels = [int(tag[1]) for tag in reader.tags() if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1, name
        assert levels.count(1) == 1, name
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), name
        assert not {"script", "img", "link", "iframe", "object", "a", "form"} & set(reader.tags())
        for _, attributes in reader.elements:
            assert not {"src", "href", "onerror", "onload", "style"} & attributes.keys()
        assert b"url(" not in page
        assert b"@import" not in page


@pytest.mark.parametrize("text", [made.EVIL, made.QUOTED, "</title><script>", "<!--", "&lt;", '">'])
def test_what_a_student_writes_stays_text(text):
    everywhere = made.verdict("softmax", "failed", text, text, text, (text,))
    submission = made.submission(text, everywhere, odd=(text,), file=text, digest=text)
    plain = made.submission(
        "x", made.verdict("softmax", "failed", "x", "x", "x", ("x",)), odd=("x",)
    )
    shown = Reader(feedback(made.ASSIGNMENT, submission))
    assert shown.tags() == Reader(feedback(made.ASSIGNMENT, plain)).tags()
    assert shown.text.count(markup.visible(text)) >= 6
    assert Reader(lesson(made.ASSIGNMENT, [submission])).tags().count("script") == 0


def test_what_stands_in_an_attribute_stays_there():
    (element,) = Reader(markup.tag("p", aria_label='"><script>&').encode()).elements
    assert element == ("p", {"aria-label": '"><script>&'})


def test_what_cannot_be_seen_is_written_out(written):
    page = (
        written / "feedback" / "_1+1-{}.html".format(people.pages(made.small_class())["=1+1"][5:13])
    )
    text = page.read_text("utf-8")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31m\\u202e" in text


def test_lone_surrogates_do_not_stop_a_class(tmp_path):
    bad = made.verdict("softmax", "failed", "x = '\ud800'", "✗ \udfff", notes=("\udcff",))
    made.write(tmp_path, [made.submission("ada", bad, odd=("\ud801",))])
    assert "\\ud800" in (tmp_path / "feedback/ada.html").read_text("utf-8")
    assert json.loads((tmp_path / "marks.json").read_text("utf-8"))["students"]


def test_long_code_is_shortened_and_says_so():
    long = made.verdict("softmax", "failed", "x" * (markup.LONGEST + 5))
    assert "[5 letters more]" in Reader(feedback(made.ASSIGNMENT, made.submission("a", long))).text


NAMES = ["ada", "Ada", "ADA", "a/b", "a\\b", "..", "con", "NUL.txt", "-rf", "x" * 300, "x" * 301,
         "नमस्ते", "नमस्ते" * 60, "café", "cafe\u0301", "ﬁ", "fi", 'a"b', "a b", "<i>"]  # fmt: skip


def test_pages_have_safe_names_that_differ_everywhere():
    found = people.pages([made.submission(name) for name in NAMES])
    assert len({name.casefold() for name in found.values()}) == len(NAMES)
    for name in found.values():
        assert re.fullmatch(r"[\w .()+@-]+\.html", name)
        assert not name.startswith(("-", "."))
        assert len(os.fsencode(name)) < 160
        assert name.partition(".")[0].casefold() not in people.RESERVED


def test_the_classes_mistakes_are_counted_by_students():
    groups = mistakes(made.ASSIGNMENT, made.small_class())
    first = groups[0]
    assert (first.sentence, first.named) == (made.KEEPDIMS, True)
    assert first.source == made.WRONG.format("2")  # the shortest
    assert first.students == {"bob", "mia", made.QUOTED}  # mia's two files are one student
    assert [each.sentence for each in talk_about(groups)][:2] == [made.KEEPDIMS, made.TOO_LARGE]
    assert len(talk_about(groups)) == 3
    assert {each.sentence for each in groups if not each.named} == {
        "raised Error …",
        "still computing after … seconds …",
    }


def test_failures_without_a_name_are_grouped_by_first_words():
    words = [
        "3 of 3 values differ; the first at [0]: 0.3",
        "1 of 6 values differ; the first at [2]: 1",
    ]
    found = [made.submission(name, made.verdict("softmax", "failed", "x", f"✗ softmax\n  {each}"))
             for name, each in zip("ab", words, strict=True)]  # fmt: skip
    (group,) = mistakes(made.ASSIGNMENT, found)
    assert group.students == {"a", "b"}
    assert group.sentence == "… of … values differ …"


def test_the_lesson_says_what_nobody_solved_and_the_three_most_frequent():
    class_ = [each for each in made.small_class() if each.student not in ("ada", "zoe")]
    text = Reader(lesson(made.ASSIGNMENT, class_)).text
    assert f"1. Stable softmax, 3 students: {made.KEEPDIMS}" in text
    assert "Tasks that nobody solved" in text
    assert "5. The wrong heat: 1 submission tried" in text
    assert "2. Log-softmax: nobody tried" in text
    assert (
        "Tasks that nobody solved" not in Reader(lesson(made.ASSIGNMENT, made.small_class())).text
    )


def test_no_name_is_on_the_page_for_the_class(written):
    text = Reader((written / "mistakes.html").read_bytes()).text
    for name in ("bob", "mia", "नमस्ते", "Jürgen", "O'Neil", "eve", "zoe", "nnnn"):
        assert not re.search(rf"\b{name}\b", text, re.IGNORECASE), name


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("x = 1  # by Max Mustermann", "x = 1  # by NAME"),
        ("x.max()  # the max", "x.max()  # the NAME"),
        ("'''MAX_MUSTERMANN'''", "'''NAME_NAME'''"),
        ("def softmax_max(x): ...\nmax = 1", "def softmax_NAME(x): ...\nNAME = 1"),
        ("max = x.max()", "NAME = x.max()"),
        ("maximum = 1  # maximum", "maximum = 1  # maximum"),
        ("oops(  # Max", "oops(  # NAME"),
        ("s = f'{x} of mustermann'", "s = f'{x} of NAME'"),
        ("# \u0301é\nx = 'ü' # max", None),
        ("\x0c# max\r\n", None),
        ("y = 1  # Bo", "y = 1  # Bo"),
    ],
)
def test_names_are_left_out_of_code(source, shown):
    known = people.known_as(made.submission("Max Mustermann", file="max_softmax_02.ipynb"))
    assert not {"softmax", "02"} & known
    found = people.without_names(source, known)
    assert not re.search(r"(?<!\.)\bmax\b", found, re.IGNORECASE)
    if shown is not None:
        assert found == shown


def test_two_files_by_one_student_are_one_person(tmp_path):
    (tmp_path / "mia").mkdir()
    for name in ("a.ipynb", "b.ipynb"):
        (tmp_path / "mia" / name).write_text("{}")
    for each in handed_in(tmp_path):
        assert people.person(made.submission(each.student, odd=each.odd)) == "mia"


def test_a_student_who_is_gone_has_no_page_any_more(written):
    class_ = [each for each in made.small_class() if each.student != "bob"]
    made.write(written, class_)
    assert not (written / "feedback/bob.html").exists()
    assert len(list((written / "feedback").iterdir())) == len(class_)


def test_reports_are_written_whole_or_not_at_all(written, monkeypatch):
    before = {path: path.read_bytes() for path in written.rglob("*") if path.is_file()}

    def full(source, target):
        raise OSError(28, "No space left on device", str(source))

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        outputs.write(written, [made.solved("bob")])
    assert {path: path.read_bytes() for path in written.rglob("*") if path.is_file()} == before


def test_the_same_class_gives_the_same_bytes(written, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    made.write(other, list(reversed(made.small_class())))
    for path in written.rglob("*"):
        if path.is_file():
            assert (other / path.relative_to(written)).read_bytes() == path.read_bytes()


def test_the_summary_fits_a_screen(tmp_path):
    said = made.write(tmp_path)
    assert f"{made.PAGE}: 10 submissions, 26 points in all" in said
    assert f"3 × softmax: {made.KEEPDIMS}" in said
    assert "1 group whose answers are alike" in said
    assert "\x1b" not in said
    assert len(said.splitlines()) < 35
    assert "0 submissions" in made.write(tmp_path, [])


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("palette", [markup.LIGHT, markup.DARK])
@pytest.mark.parametrize("ground", ["page", "field"])
def test_contrast_is_enough_in_light_and_dark(palette, ground):
    for name, least in {"text": 4.5, "quiet": 4.5, "good": 4.5, "bad": 4.5, "line": 2.5}.items():
        low, high = sorted([luminance(palette[name]), luminance(palette[ground])])
        assert (high + 0.05) / (low + 0.05) >= least, name


def test_every_status_has_its_words():
    for status in ("passed", "failed", "unsolved", "missing", "stopped", "error"):
        verdict = Verdict(task="softmax", number=1, status=status)
        assert Reader(feedback(made.ASSIGNMENT, made.submission("a", verdict))).text


def test_a_classmates_name_is_left_out_too():
    told = made.verdict(
        "softmax", "failed", "x = 1  # from Bo Li", "✗ softmax\n  raised '/bo li.ipynb'"
    )
    (group,) = mistakes(made.ASSIGNMENT, [made.submission("ada", told), made.submission("Bo Li")])
    assert group.source == "x = 1  # from NAME"
    assert group.words == "✗ softmax\n  raised '/NAME.ipynb'"
