"""Sounds, syllables, weights and metre, on verses whose metre every handbook names."""

import itertools

import pytest

from tantra.metre import (
    anustubh,
    even_pada,
    half_verse,
    odd_pada,
    phonemes,
    syllables,
    weights,
)

KNOWN = {
    "dharmakṣetre kurukṣetre samavetā yuyutsavaḥ": "pathyā",  # Bhagavadgītā 1.1
    "māmakāḥ pāṇḍavāś caiva kim akurvata sañjaya": "pathyā",
    "karmaṇy evādhikāras te mā phaleṣu kadācana": "pathyā",  # 2.47
    "mā karmaphalahetur bhūr mā te saṅgo 'stv akarmaṇi": "pathyā",
    "bhīṣmadroṇapramukhataḥ sarveṣāṃ ca mahīkṣitām": "na-vipulā",  # 1.25
    "vāgarthāv iva saṃpṛktau vāgarthapratipattaye": "pathyā",  # Raghuvaṃśa 1.1
    "tadanvaye śuddhimati prasūtaḥ śuddhimattaraḥ": "bha-vipulā",  # 1.12
    "dilīpa iti rājendur induḥ kṣīranidhāv iva": "pathyā",
    "mā niṣāda pratiṣṭhāṃ tvam agamaḥ śāśvatīḥ samāḥ": "pathyā",  # Rāmāyaṇa 1.2
    "yat krauñcamithunād ekam avadhīḥ kāmamohitam": "pathyā",
    "kaścit kāntāvirahaguruṇā svādhikārāt pramattaḥ": None,  # Meghadūta 1: mandākrāntā
    "dharmakṣetre kurukṣetre samavetā yuyutsavaḥ kim": None,  # a syllable too many
    "dharmakṣetre kurukṣetre samavetā yuyutsa": None,  # one too few
    "": None,
}


@pytest.mark.parametrize(("line", "kind"), KNOWN.items(), ids=lambda x: str(x)[:24])
def test_known_half_verses(line, kind):
    assert half_verse(line) == kind


def test_a_whole_verse_is_split_at_daṇḍas_and_lines():
    verse = "dharmakṣetre kurukṣetre samavetā yuyutsavaḥ |\nmāmakāḥ pāṇḍavāś caiva ||"
    assert anustubh(verse) == ["pathyā", None]
    assert anustubh(verse.replace("||", "॥").replace("|", "।")) == ["pathyā", None]
    assert anustubh("\n") == []


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("kha", "kh a"),
        ("khai", "kh ai"),
        ("aṃ aḥ", "a ṃ a ḥ"),
        ("dilīpa iti", "d i l ī p a i t i"),  # two words: a and i are not ai
        ("so 'stu", "s o s t u"),
        ("a-u", "a u"),
        ("Rāma", "r ā m a"),
        ("ā", "ā"),  # written as a with a combining macron
        ("", ""),
    ],
)
def test_phonemes(text, sounds):
    assert phonemes(text) == sounds.split()


@pytest.mark.parametrize("word", ["queen", "रामः", "f", "sh?", "x1"])
def test_what_is_not_iast_is_named(word):
    with pytest.raises(ValueError, match="is not IAST") as caught:
        phonemes(f"rāma {word} iti")
    assert repr(word) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ghātair dhanatvam", "ghā tai rdha na tvam"),
        ("aṃśaḥ", "aṃ śaḥ"),
        ("tat", "tat"),
        ("rāmaḥ karoti", "rā maḥ ka ro ti"),
        ("k", ""),
    ],
)
def test_syllables(text, parts):
    assert syllables(text) == parts.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ka", "l"),
        ("kā", "g"),
        ("ke kai ko kau", "gggg"),
        ("kṛ kṝ kḷ", "lgl"),
        ("kaṃ", "g"),
        ("kaḥ", "g"),
        ("kat", "l"),  # one consonant does not close a syllable
        ("kat ta", "gl"),  # two do, across the gap between words
        ("kakṣa", "gl"),
        ("kakha", "ll"),  # kh is one sound
    ],
)
def test_weights(text, expected):
    assert weights(text) == expected


def test_syllables_and_weights_have_one_length():
    for line in KNOWN:
        assert len(syllables(line)) == len(weights(line))


def test_a_pada_has_eight_syllables():
    for pattern in map("".join, itertools.product("lg", repeat=7)):
        assert odd_pada(pattern) is None
        assert not even_pada(pattern)


def test_the_last_syllable_is_free():
    for pattern in map("".join, itertools.product("lg", repeat=7)):
        assert odd_pada(pattern + "l") == odd_pada(pattern + "g")
        assert even_pada(pattern + "l") == even_pada(pattern + "g")


def test_how_many_patterns_are_allowed():
    """Counted by hand: 3 of the 4 second-and-third syllables; the rest free or fixed."""
    patterns = list(map("".join, itertools.product("lg", repeat=8)))
    kinds = [odd_pada(pattern) for pattern in patterns]
    assert kinds.count("pathyā") == 2 * 3 * 2 * 2
    assert sum(map(even_pada, patterns)) == 2 * (3 * 2 - 1) * 2  # without g l g
