"""Markdown made HTML with formulas in MathML."""

from tantra.classroom.kit.pages import code, markdown, page


def test_formulas_become_mathml():
    html = markdown("The share $p_i$ is\n\n$$\\frac{a}{b}$$\n\nand `a$b$c` is code.")
    assert html.count("<math") == 2
    assert "<mfrac>" in html
    assert "<code>a$b$c</code>" in html


def test_links_are_words_and_tables_stay():
    html = markdown("See [03](03_attention.ipynb).\n\n| a | b |\n| --- | --- |\n| 1 | 2 |")
    assert "See 03." in html
    assert "href" not in html
    assert "<table>" in html


def test_code_is_escaped_and_can_be_reached_by_key():
    assert code("a < b") == '<pre tabindex="0"><code>a &lt; b</code></pre>'


def test_a_page_loads_nothing_and_says_its_language():
    text = page("A & B", "<p>x</p>", "paper.css")
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>A &amp; B</title>" in text
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "@media print" in text
