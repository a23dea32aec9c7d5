"""Which chapters a command means."""

import pytest

from tantra.classroom.kit.place import all_names, chosen, meaning, the_course


def test_chapters_are_meant_by_number_name_or_both_and_keep_their_order():
    assert chosen("3, softmax 02") == ["02_softmax", "03_attention"]
    assert chosen("04_heads") == ["04_heads"]
    assert chosen("") == all_names()


@pytest.mark.parametrize(
    ("word", "advice"),
    [("sofmax", "did you mean 02_softmax?"), ("99", "there are 00 to 16"), ("", "there are 00")],
)
def test_a_word_that_means_no_chapter_is_told_what_there_is(word, advice):
    with pytest.raises(ValueError, match=advice):
        meaning(word, ["00_begin", "02_softmax", "16_speed"])


def test_what_is_no_clone_is_named(tmp_path):
    (tmp_path / "notebooks").mkdir()
    with pytest.raises(ValueError, match="has no exercises, solutions, tools"):
        the_course(tmp_path)
