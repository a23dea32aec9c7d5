"""A chapter read."""

from tantra.classroom.kit.chapter import Chapter, listed, parted, question
from text import from_text

CELLS = """\
%% md title
# 01 · A title

%% md a
Words.

## One

In one.

### Deep

Below.

%% code b
print(1)

%% md c
After.

## Two
"""


def test_parts_end_where_a_heading_stands_also_within_a_cell():
    parts = list(parted(from_text(CELLS).cells))
    assert [(part.title, part.above) for part in parts] == [
        ("", ""),
        ("One", "One"),
        ("Deep", "One"),
        ("Two", "Two"),
    ]
    assert parts[2].texts == ["Below.", "After."]
    assert [cell.id for cell in parts[2].code] == ["b"]


def test_items_of_a_list_are_one_line_each():
    assert listed("x\n\n- one\n  more\n- two\n\nend") == ["one more", "two"]


def test_a_question_has_its_options_and_reasons():
    asked = question(
        "## Recall\n\nWhy?\n\n<details><summary>A</summary>\n\n**No.** Not so.\n</details>\n"
        "<details><summary>B</summary>\n\n**Yes.** So.\n</details>"
    )
    assert asked.asks == "Why?"
    assert asked.options == (("A", False, "Not so."), ("B", True, "So."))


def test_a_chapter_says_its_minutes_tasks_and_quiz():
    heads = Chapter("04_heads")
    assert heads.title == "Heads"
    assert len(heads.questions) == 3
    assert all(len(asked.options) == 3 for asked in heads.questions)
    assert abs(heads.minutes[2] - sum(task.minutes for task in heads.tasks)) <= 5
    assert heads.tasks[0].check == "split_heads"


def test_what_is_missing_is_said(tmp_path):
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / "11_old.ipynb"
    import nbformat

    nbformat.write(from_text(CELLS), path)
    assert Chapter("11_old", tmp_path).missing.startswith("no ## What you will be able to do, no")
