"""What the tool that opens sheets and decks says where there is no browser, and what it plants."""

import pytest

import browser
import handouts


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_a_browser_it_is_skipped_in_words_and_red_in_ci(monkeypatch, capsys, ci, status):
    def missing():
        raise browser.SkippedError("no chromium here")

    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(browser, "find_playwright", lambda: None)
    monkeypatch.setattr(browser, "find_chromium", missing)
    assert handouts.main([]) == status
    assert capsys.readouterr().out == "handouts: skipped, no chromium here\n"


def test_a_planted_fault_that_goes_unseen_stops_it(monkeypatch):
    reader = object.__new__(handouts.Reader)
    monkeypatch.setattr(reader, "read", lambda name, text: [], raising=False)
    with pytest.raises(RuntimeError, match=r"overlooks the planted complains; it saw: $"):
        reader.sees_planted_faults()
