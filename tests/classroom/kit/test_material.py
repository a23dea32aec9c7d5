"""The stored pages are made from the chapters of today; the built ones stand alone."""

import re
from html.parser import HTMLParser

import pytest

from tantra.classroom.__main__ import main
from tantra.classroom.kit import material
from tantra.classroom.kit.chapter import Chapter
from tantra.classroom.kit.paper import items, paper
from tantra.classroom.kit.place import all_names

READY = [name for name in all_names() if not Chapter(name).missing]
VOID = {"meta", "img", "br", "hr", "link", "input"}


@pytest.fixture(scope="module")
def texts():
    return material.texts(all_names())


@pytest.fixture
def stored(texts, tmp_path, monkeypatch):
    """A folder with all pages of text as they should be."""
    monkeypatch.setattr(material, "texts", lambda names: texts)
    for place, text in texts.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_is_stored_is_what_is_made(texts, monkeypatch):
    monkeypatch.setattr(material, "texts", lambda names: texts)
    assert list(material.problems(all_names())) == []


def test_a_drift_is_seen(stored, capsys):
    check = ["material", "--check", "--out", str(stored)]
    assert main(check) == 0
    (stored / "04_heads/plan.md").write_text("by hand", encoding="utf-8")
    (stored / "02_softmax/plan.md").unlink()
    (stored / "99_gone").mkdir()
    (stored / "99_gone/plan.md").write_text("old", encoding="utf-8")
    capsys.readouterr()
    assert main(check) == 1
    said = capsys.readouterr().out.replace("\\", "/").splitlines()
    assert [line.partition(f"{stored.as_posix()}/")[2] for line in said] == [
        "02_softmax/plan.md is missing: run make material",
        "04_heads/plan.md is not what its chapter makes today: run make material",
        "99_gone/plan.md is made by no chapter: take it away",
    ]


def test_a_chapter_in_another_shape_is_skipped_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(Chapter, "missing", "no ## What to keep")
    (line,) = material.write(["04_heads"], tmp_path)
    assert line == "04_heads: skipped, it has no ## What to keep"
    assert list(tmp_path.iterdir()) == []


def test_a_plan_has_all_that_a_lesson_needs(texts):
    for name in READY:
        plan = texts[f"{name}/plan.md"]
        hands = plan.partition("## Three questions for raised hands")[2].partition("\n## ")[0]
        assert len(re.findall(r"^\d\. ", hands, re.MULTILINE)) == 3
        assert hands.count("(right).") == 3
        assert hands.count("(wrong).") >= 3
        mistakes = plan.partition("## Five mistakes to expect")[2].partition("\n## ")[0]
        assert len(re.findall(r"^- Task \d", mistakes, re.MULTILINE)) == 5


def test_links_of_the_pages_lead_somewhere(texts):
    for place, text in texts.items():
        for target in re.findall(r"(?<!!)\]\(([^):\s#]+)", text):
            aimed = (material.FOLDER / place).parent / target
            there = aimed.exists() or aimed.relative_to(material.FOLDER).as_posix() in texts
            assert there, (place, target)


def test_the_rubric_asks_three_questions_on_each_chapter(texts):
    _, *orals = re.split(r"^## ", texts["rubric.md"], flags=re.MULTILINE)
    assert [oral[:2] for oral in orals] == [name[:2] for name in READY]
    for oral in orals:
        assert oral.count("Listen for:") == len(re.findall(r"^\d\. ", oral, re.MULTILINE)) == 3


class Html(HTMLParser):
    """Reads a page and collects what stands in it."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.problems, self.lang = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "html":
            self.lang = found.get("lang")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img" and len(found.get("alt") or "") < 10:
            self.problems.append("a picture without words")
        for name in ("src", "href", "action", "data"):
            if not (found.get(name) or "data:").startswith(("data:", "#")):
                self.problems.append(f"{tag} {name}={found[name][:60]}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.problems.append(f"</{tag}> closes nothing that is open")


@pytest.mark.parametrize("name", READY)
def test_built_pages_stand_alone_and_can_be_read_aloud(name):
    pages = dict(material.built([name]))
    assert f"{name}/slides.html" in pages
    for place, text in pages.items():
        html = Html(text)
        assert (html.problems, html.open) == ([], []), place
        assert html.lang == "en"
        assert html.headings[0] == 1
        assert html.headings.count(1) == 1
        steps = zip(html.headings, html.headings[1:], strict=False)
        assert all(below <= above + 1 for above, below in steps), place
        assert "default-src 'none'" in text
        assert not re.search(r"url\(|@import|\$\$|\\frac", text)


@pytest.mark.parametrize("name", READY)
def test_a_deck_has_what_a_lesson_shows(name):
    slides = dict(material.built([name]))[f"{name}/slides.html"]
    titles = re.findall(r"<h2>(.*?)</h2>", slides)
    for title in ("Where we are", "The question", "From verse to code", "Raise your hand"):
        assert title in titles
    assert any(title.startswith("Break it") for title in titles)
    assert "<figure>" in slides
    assert slides.count("<strong>Yes.</strong>") == 1


@pytest.mark.parametrize("name", READY)
def test_a_blank_sheet_asks_for_the_numbers_of_the_solved_one(name):
    chapter = Chapter(name)
    blank, solved = paper(chapter, solved=False), paper(chapter, solved=True)
    boxes = re.findall(r'<pre class="answer".*?</pre>', blank, re.DOTALL)
    filled = re.findall(r'<pre class="answer".*?</pre>', solved, re.DOTALL)
    found = list(items(chapter))
    assert len(boxes) == len(filled) == len(found)
    for box, answer, item in zip(boxes, filled, found, strict=True):
        numbers = [item.printed[start:end] for start, end in item.places]
        assert re.findall(r"<b>(.*?)</b>", answer) == numbers
        assert box.count('class="blank"') == len(numbers)
        bare = re.sub(r'<span class="blank".*?</span>', "_", box)
        assert bare == re.sub(r"<b>.*?</b>", "_", answer)


def test_most_chapters_have_a_sheet_and_one_without_numbers_has_none(monkeypatch):
    with_sheet = [name for name in READY if any(items(Chapter(name)))]
    assert len(with_sheet) >= 0.9 * len(READY)
    monkeypatch.setattr("tantra.classroom.kit.paper.asked", lambda *_: ())
    assert [place for place, _ in material.built(["04_heads"])] == ["04_heads/slides.html"]
