"""What the tool says where there is no browser, and what it finds wrong with a page."""

import pytest

import browser
import class_pages


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_a_browser_it_is_skipped_in_words_and_red_in_ci(monkeypatch, capsys, ci, status):
    def none():
        raise browser.SkippedError("no chromium here")

    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(browser, "find_playwright", lambda: None)
    monkeypatch.setattr(browser, "find_chromium", none)
    assert class_pages.main() == status
    assert capsys.readouterr().out == "class pages: skipped, no chromium here\n"


class Page:
    """A page as wide as it is told."""

    viewport_size = {"width": 390}

    def __init__(self, width, title):
        self.width, self.name, self.listeners = width, title, {}

    def on(self, event, hears):
        self.listeners[event] = hears

    def remove_listener(self, event, hears):
        assert self.listeners.pop(event) is hears

    def goto(self, address):
        for url in (address, "https://example.org/a.png"):
            self.listeners["request"](type("Request", (), {"url": url}))

    def evaluate(self, script):
        return self.width

    def title(self):
        return self.name


@pytest.mark.parametrize(
    ("page", "more"),
    [
        (Page(390, "ada"), []),
        (Page(391, "ada"), ["391 pixels wide, the window 390"]),
        (Page(390, "taken"), ["its title was taken by a student's code"]),
    ],
)
def test_what_is_wrong_with_a_page_is_said(page, more, tmp_path):
    asked = "a request: https://example.org/a.png"
    assert class_pages.look(page, tmp_path / "a.html", None) == [asked, *more]
    assert page.listeners == {}


def test_a_browser_that_overlooks_planted_faults_is_not_believed(tmp_path):
    class Chromium:
        def new_page(self, **_):
            page = Page(390, "planted")
            page.set_viewport_size = lambda size: None
            page.close = lambda: None
            return page

    with pytest.raises(RuntimeError, match=r"overlooks planted faults: .*2000 pixels"):
        class_pages.visit(Chromium(), tmp_path)
