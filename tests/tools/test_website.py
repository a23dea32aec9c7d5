"""The site's tools find what they must find, each in a small page that has it."""

import json
import tomllib

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rattler import MatchSpec

import browser
import website
import website_look
from course import ROOT, all_paths
from tantra.verses import verses
from webpages import api, docstrings, formulas, links, look, sources


@pytest.fixture
def site(tmp_path):
    """A site of two pages, sound until a test spoils it."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "index.html").write_text('<a href="notebooks/a.html#Break-it">a</a>')
    (tmp_path / "notebooks/a.html").write_text('<h2 id="Break-it"><a href="../index.html#">')
    known(tmp_path, ["notebooks/a", "solutions/a"], {"head": 0, "both": [0]})
    return tmp_path


def known(site, names, terms):
    index = json.dumps({"docnames": names, "terms": terms, "titleterms": {}})
    (site / "searchindex.js").write_text(f"Search.setIndex({index})")


def test_a_sound_site_has_no_problem(site):
    assert list(website.problems(site)) == []


@pytest.mark.parametrize(
    ("lead", "why"),
    [
        ("b.html", "is no file"),
        ("a.html#See-it", "is no place on that page"),
        ("#nowhere", "is no place on that page"),
        ("../../outside.html", "leads out of the site"),
        ("..", "is no file"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(site, lead, why):
    (site / "notebooks/a.html").write_text(f'<h2 id="Break-it"><img src="{lead}">')
    assert list(links.dead_links(site)) == [f"notebooks/a.html: {lead} {why}"]


def test_links_to_elsewhere_are_not_asked_for():
    assert links.dead("https://example.org/x", None, None, {}) == ""


@pytest.mark.parametrize("places", [1, [0, 1]])
def test_a_solution_that_search_finds_is_named(site, places):
    known(site, ["notebooks/a", "solutions/a"], {"answer": places})
    assert list(website.problems(site)) == ["search finds solutions/a"]


def test_a_site_that_is_too_large_is_found(site, monkeypatch):
    monkeypatch.setattr(website, "LARGEST", 100)
    (problem,) = website.problems(site)
    assert problem.endswith("MB, more than 0")


def test_lists_in_lists_become_one():
    nested = "<ul><li>a</li>\n<ul><li>b</li>\n</ul><li>c</li>\n<ul><li>d</li>\n</ul></ul>"
    one = "<ul><li>a</li>\n<li>b</li>\n<li>c</li>\n<li>d</li>\n</ul>"
    assert website.flat(nested) == one


def page(folder):
    cell = new_code_cell("1")
    cell.metadata["jupyter"] = {"source_hidden": True}
    notebook = new_notebook(cells=[new_markdown_cell("# a"), cell])
    return sources.for_the_site(notebook, ROOT / folder / "03_attention.ipynb")


def test_a_copy_folds_its_code_and_only_solutions_are_hidden():
    assert page("notebooks").cells[1].metadata["tags"] == ["hide-input"]
    assert page("solutions").metadata == {"nosearch": True, "orphan": True}
    assert "../solutions/03_attention.ipynb" in page("exercises").cells[-1].source
    nbformat.validate(page("exercises"))
    assert page("notebooks").metadata == {}


def test_every_page_of_the_course_is_laid_out(tmp_path):
    sources.lay_out(tmp_path)
    for path in all_paths():
        assert (tmp_path / path.relative_to(ROOT)).exists()
    text = (tmp_path / "verses.md").read_text(encoding="utf-8")
    assert all(verse.english.splitlines()[0] in text for verse in verses())
    assert {path.stem for path in (tmp_path / "api").iterdir()} == {"index", *api.names().values()}
    assert (tmp_path / "teaching/README.md").exists()


def test_docstrings_become_text_shapes_and_doctests():
    lines = ["a * b", "", "x (..., S)  ->  (..., S)", "", "Raises ValueError for x_.  Source: me."]
    made = docstrings.as_rest([*lines, "", ">>> f(1)"])
    assert made[:2] == [r"a \* b", ""]
    assert made[2:6] == [".. code-block:: text", "   :class: shapes", "", f"   {lines[2]}"]
    assert made[7] == r"**Raises** ValueError for x\_.  **Source:** me."
    assert made[9:] == [">>> f(1)", ""]


def test_a_formula_with_an_unknown_command_is_refused():
    assert "<msqrt>" in formulas.mathml(r"\sqrt{K}", "inline")
    with pytest.raises(formulas.SphinxError, match=r"no MathML for \\planted"):
        formulas.mathml(r"\planted x", "block")


def test_launch_buttons_are_off_without_an_address_and_on_with_one():
    text = (ROOT / "site/settings.toml").read_text(encoding="utf-8")
    settings = tomllib.loads(text)
    assert settings["repository"] or "launch_buttons" not in look.options(settings)
    there = {"repository": "https://example.org/a/b", "branch": "main", "jupyterhub": ""}
    options = look.options({**there, "binder": "https://example.org"})
    assert options["launch_buttons"] == {
        "notebook_interface": "jupyterlab",
        "binderhub_url": "https://example.org",
    }


def test_binder_takes_torch_for_a_cpu():
    import yaml

    needs = yaml.safe_load((ROOT / "binder/environment.yml").read_text())["dependencies"]
    names = {MatchSpec(need, strict=True).name.normalized for need in needs}
    assert names == {"python", "pip", "pytorch-cpu"}


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_a_browser_it_is_skipped_in_words_and_red_in_ci(monkeypatch, capsys, ci, status):
    def missing():
        raise browser.SkippedError("no chromium here")

    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(browser, "find_playwright", lambda: None)
    monkeypatch.setattr(browser, "find_chromium", missing)
    assert website_look.main([]) == status
    assert capsys.readouterr().out == "site: skipped, no chromium here\n"


def test_a_planted_fault_that_goes_unseen_stops_it(monkeypatch, tmp_path):
    looker = object.__new__(website_look.Looker)
    looker.folder = tmp_path
    monkeypatch.setattr(looker, "look", lambda path: [], raising=False)
    with pytest.raises(RuntimeError, match=r"overlooks the planted complains; it saw: $"):
        looker.sees_planted_faults()
