"""How a verse is shown: text for a terminal, HTML for a notebook."""

import re
from html.parser import HTMLParser

import pytest

from tantra.metre import to_devanagari
from tantra.verses import Phrase, Word, verse, verses

EACH = pytest.mark.parametrize("one", verses(), ids=lambda one: one.name)
VOID = {"br", "img"}


class Reader(HTMLParser):
    """The text of a page; fails where tags do not nest."""

    def __init__(self, page):
        super().__init__()
        self.open, self.seen, self.text = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


@EACH
def test_text_holds_the_verse_and_its_map_in_columns(one):
    text = repr(one)
    for part in (one.iast, one.devanagari, one.english, one.title.alone):
        assert part in text
    rows = text.splitlines()[-len(one.map) :]
    for name, find in (("phrase", str.find), ("shape", str.find), ("code", str.rfind)):
        starts = {find(row, getattr(m, name)) for row, m in zip(rows, one.map, strict=True)}
        assert len(starts) == 1, name
    assert len(text.splitlines()) <= 20
    assert max(map(len, text.splitlines())) <= 120
    assert not any(line.endswith(" ") for line in text.splitlines())


@EACH
def test_gloss_is_one_line_a_word(one):
    words = [word for half in one.words for word in half]
    lines = one.gloss().splitlines()
    for line, word in zip(lines, words, strict=True):
        assert re.fullmatch(
            rf"{re.escape(word.form)} +{re.escape(word.gloss)} +{re.escape(word.analysis)}", line
        )


@EACH
def test_html_is_well_formed_and_holds_everything(one):
    page = Reader(one._repr_html_())
    text = " ".join("".join(page.text).replace("\N{NO-BREAK SPACE}", " ").split())
    shown = [*one.iast.splitlines(), *one.devanagari.splitlines(), *one.english.splitlines()]
    shown += [part for half in one.words for w in half for part in (w.form, w.gloss, w.analysis)]
    shown += [part for m in one.map for part in (m.phrase, m.symbol, m.shape, m.code)]
    for part in shown:
        assert part in text


@EACH
def test_html_says_its_languages_and_fixes_no_colour_nor_width(one):
    page = Reader(one._repr_html_())
    languages = {attributes.get("lang") for _, attributes in page.seen}
    assert languages == {None, "sa", "sa-Latn"}
    html = one._repr_html_()
    assert not re.search(r"(?<![-\w])(width|color|background-color):", html)
    assert "px" not in re.sub(r"1px solid", "", html)
    assert "http" not in html


def test_html_tables_name_their_rows_and_columns():
    seen = Reader(verse("softmax")._repr_html_()).seen
    scopes = [attributes["scope"] for tag, attributes in seen if tag == "th"]
    assert scopes.count("col") == 3 + 4
    assert scopes.count("row") == 13 + 4


def test_word_by_word_is_closed_until_it_is_opened():
    page = verse("softmax")._repr_html_()
    folds = [attributes for tag, attributes in Reader(page).seen if tag == "details"]
    assert folds == [{}, {"open": None}]
    before, _, words = page.partition("<details><summary>Word by word</summary>")
    assert "<table" not in before
    assert '<table aria-label="Word by word">' in words.partition("</details>")[0]


def test_html_is_escaped():
    one = verse("softmax")
    nasty = Phrase("<b>", "&", "<i>", 'x = "<script>" & y')
    changed = type(one)(
        **{name: getattr(one, name) for name in one.__dataclass_fields__} | {"map": (nasty,)}
    )
    html = changed._repr_html_()
    assert "<b>" not in html
    assert "<script>" not in html
    assert "&lt;script&gt;&quot; &amp; y" in html


def test_a_compound_is_shown_in_its_members_and_joined_alone():
    word = Word("nija-aṅgāni", "nija-aṅga, neuter, nominative plural", "own parts")
    assert word.alone == "nijāṅgāni"
    assert to_devanagari(word.alone) == "निजाङ्गानि"
