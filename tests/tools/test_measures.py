"""What the measuring tools print of the course: minutes, and where words are first used."""

import minutes
import terms
from course import ROOT, all_paths, stored_form
from rules.terms import glossary
from text import from_text

CHAPTER = """\
%% md title
# One
<b>Two</b> words.

%% code shown
a = 1

b = 2

%% code hidden folded
c = 3

%% md deeper
## Deeper
Below.

%% md more
### More (1 minute)
Five words are in this.
"""


def test_a_chapter_is_measured_in_parts(tmp_path, capsys):
    path = tmp_path / "01_one.ipynb"
    path.write_text(stored_form(from_text(CHAPTER)))
    minutes.main([str(path)])
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["words", "lines", "folded", "cells", "minutes"]
    assert [row.split()[-5:] for row in rows] == [
        ["4", "2", "1", "3", "0.4"],
        ["12", "0", "0", "2", "0.1"],
        ["3", "0", "0", "1", "0.0"],
        ["9", "0", "0", "1", "0.1"],
    ]
    assert rows[0].startswith("01_one, line")
    assert rows[3].startswith("    More (1 minute)")


def test_every_chapter_is_measured(capsys):
    minutes.main([])
    printed = capsys.readouterr().out
    assert all(f"{path.stem}, line" in printed for path in all_paths(ROOT, ["notebooks"]))


def test_each_word_is_printed_with_the_chapter_that_first_uses_it(capsys):
    terms.main([])
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["word", "said", "found", "cell"]
    words = glossary(ROOT / "notebooks/GLOSSARY.md")
    assert [row[:34].strip() for row in rows] == [word.title[:33].strip() for word in words]
    (softmax,) = [row.split() for row in rows if row.startswith("softmax ")]
    assert softmax[1] == next(word.chapter for word in words if word.title == "softmax")
    assert softmax[2] in ("01", "02")
    (gain,) = [row.split() for row in rows if row.startswith("gain (of a norm)")]
    assert gain[-1] == "-"
    terms.main(["--wrong"])
    wrong = capsys.readouterr().out.splitlines()
    assert set(wrong) <= {head, *rows}
    assert not any(row in wrong for row in rows if row.split()[-1] == "-" and "(" in row)
