"""A half-verse in English: who does what to whom is told apart by the endings, not by the order."""

import itertools

import pytest

from tantra.metre import gloss, half_verses, in_english


@pytest.mark.parametrize(
    ("line", "english"),
    [
        ("mṛgaṃ paśyati kokilaḥ", "The cuckoo sees the deer."),
        ("kokilo mṛgaṃ paśyati", "The cuckoo sees the deer."),
        ("paśyanti kokilāḥ śubhaṃ mṛgam", "The cuckoos see the fair deer."),
        (
            "sulabho hi śanaiḥ śubhaḥ patati gajaḥ",
            "For the easy-to-find and fair elephant falls slowly.",
        ),
    ],
)
def test_a_sentence(line, english):
    assert in_english(line) == english


def test_no_word_of_a_line_is_lost_or_made_up():
    for line in itertools.islice(half_verses(11), 300):
        said = in_english(line).lower().removesuffix(".").replace("-", " ").split()
        meant = [word for _, meaning, _ in gloss(line) for word in meaning.lower().split()]
        more = said.copy()
        for word in meant:
            more.remove(word)
        assert set(more) <= {"the", "and"}


@pytest.mark.parametrize(
    "line", ["", "xyz", "kokilo mṛgaṃ", "kokilo mṛgaṃ paśyanti", "kokilaḥ mṛgaṃ paśyati"]
)
def test_what_is_no_sentence_is_refused(line):
    with pytest.raises(ValueError, match="no sentence of the lexicon"):
        in_english(line)
