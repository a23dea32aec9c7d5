"""IAST and Devanagari, both ways."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tantra.metre import joined, phonemes, to_devanagari, to_iast
from tantra.metre.scan import AFTER_VOWEL, CONSONANTS, LONG, SHORT

PAIRS = {
    "karmaṇy evādhikāras te mā phaleṣu kadācana |": "कर्मण्येवाधिकारस्ते मा फलेषु कदाचन ।",
    "mā te saṅgo 'stv akarmaṇi ||": "मा ते सङ्गोऽस्त्वकर्मणि ॥",
    "ṛṣiḥ": "ऋषिः",
    "kḷptam": "कॢप्तम्",
    "aiśvaryam auṣadham": "ऐश्वर्यमौषधम्",
    "pitṝṇām": "पितॄणाम्",
    "oṃ": "ओं",
    "dilīpa iti": "दिलीप इति",
    "vāk\nca": "वाक्\nच",  # a line may end on a bare consonant
    "": "",
}


@pytest.mark.parametrize(("iast", "devanagari"), PAIRS.items())
def test_pairs(iast, devanagari):
    assert to_devanagari(iast) == devanagari
    assert to_iast(devanagari) == joined(iast)


def test_every_consonant_meets_every_vowel():
    for consonant in CONSONANTS:
        for vowel in SHORT | LONG:
            syllable = consonant + vowel
            assert to_iast(to_devanagari(syllable)) == syllable
            assert len(to_devanagari(syllable)) == (1 if vowel == "a" else 2)


VOWELS = st.sampled_from(sorted(SHORT | LONG))
ONSETS = st.lists(st.sampled_from(sorted(CONSONANTS - {"h"})), min_size=1, max_size=3).map("".join)
TAILS = st.sampled_from(["", *sorted(AFTER_VOWEL)])
WORDS = st.lists(st.tuples(ONSETS, VOWELS, TAILS).map("".join), min_size=1, max_size=4).map("".join)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=5).map(" ".join))
def test_there_and_back_loses_nothing(text):
    assert to_iast(to_devanagari(text)) == joined(text)
    assert phonemes(to_iast(to_devanagari(text))) == phonemes(text)


def test_letters_with_combining_marks_are_understood():
    split = unicodedata.normalize("NFD", "dharmakṣetre śūraḥ")
    assert to_devanagari(split) == "धर्मक्षेत्रे शूरः"


@pytest.mark.parametrize("word", ["queen", "राम", "ra?ma", "w"])
def test_what_is_not_iast_is_named(word):
    with pytest.raises(ValueError, match="is not IAST") as caught:
        to_devanagari(f"rāma {word}")
    assert word in str(caught.value)


@pytest.mark.parametrize("word", ["rāma", "ािक", "क्‌ष", "१"])
def test_what_is_not_devanagari_is_named(word):
    with pytest.raises(ValueError, match="is not Devanagari") as caught:
        to_iast(f"राम {word}")
    assert repr(word) in str(caught.value)
