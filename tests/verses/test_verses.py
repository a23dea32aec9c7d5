"""What a verse must satisfy to stand in the course."""

import re
import subprocess
import sys
import unicodedata

import pytest
from derivation import forms

import tantra
from tantra.metre import anustubh, half_verse, join, joined, to_devanagari, to_iast, weights
from tantra.verses import verse, verses

CHAPTERS = [
    "begin", "query_key_value", "softmax", "attention", "heads", "positions", "layer_norm",
    "feed_forward", "residual", "transformer", "training", "generation", "rewrites", "gpt2",
    "verse", "inside", "speed", "two_sequences",
]  # fmt: skip
VERSES = verses()
SWAPPED = dict(zip("aāiīuūṛṝ", "āaīiūuṝṛ", strict=True))  # each vowel, short for long

each = pytest.mark.parametrize("one", VERSES, ids=lambda one: one.name)


def halves(iast):
    return [line.rstrip(" |") for line in iast.splitlines()]


def pada_ends_a_word(line):
    ends = [len(weights(line[: gap.start()])) for gap in re.finditer(" ", line)]
    return 8 in ends


def complaints(one, iast):
    """What speaks against iast as the text of this verse: the criteria that it fails."""
    found = []
    if anustubh(iast) != ["pathyā", "pathyā"]:
        found.append("metre")
    if not all(map(pada_ends_a_word, halves(iast))):
        found.append("pāda")
    if [join(word.alone for word in half) for half in one.words] != halves(iast):
        found.append("sandhi")
    if one.devanagari != to_devanagari(iast) or to_iast(one.devanagari) != joined(iast):
        found.append("script")
    return found


def test_there_is_a_verse_for_each_chapter():
    assert [one.name for one in VERSES] == CHAPTERS
    assert [one.chapter for one in VERSES] == list(range(len(CHAPTERS)))


@each
def test_metre_sandhi_and_script_hold(one):
    assert complaints(one, one.iast) == []


@each
def test_one_vowel_of_the_wrong_length_is_caught(one):
    places = [i for i, letter in enumerate(one.iast) if letter in SWAPPED]
    assert len(places) > 15
    for i in places:
        spoiled = one.iast[:i] + SWAPPED[one.iast[i]] + one.iast[i + 1 :]
        assert "sandhi" in complaints(one, spoiled), spoiled


@each
def test_one_sign_of_the_devanagari_lost_is_caught(one):
    for i in range(len(one.devanagari)):
        spoiled = one.devanagari[:i] + one.devanagari[i + 1 :]
        assert spoiled != to_devanagari(one.iast)


@each
def test_devanagari_ends_its_lines_as_the_iast_does(one):
    assert [line[-2:] for line in one.devanagari.splitlines()] == [" ।", " ॥"]
    assert [line[-2:] for line in one.iast.splitlines()] == [" |", "||"]
    assert unicodedata.is_normalized("NFC", one.iast + one.devanagari)


@each
def test_every_word_is_glossed(one):
    for word in [one.title, *one.words[0], *one.words[1]]:
        assert word.form
        assert word.gloss
        assert word.analysis


@each
def test_every_inflected_word_is_derived_by_the_grammar(one):
    for word in [one.title, *one.words[0], *one.words[1]]:
        if word.analysis != "indeclinable":
            assert assimilated(word.alone) in map(assimilated, forms(word.analysis)), word


def assimilated(word):
    """Before k and g the grammar writes ṅ, and we ṃ (saṃkhyā); both are right."""
    return re.sub("ṃ(?=[kg])", "ṅ", word)


@each
def test_most_other_cases_would_not_fit(one):
    """A wrong case in an analysis is seen, unless the word truly has one form for both."""
    nouns = [w for half in one.words for w in half if w.analysis.endswith("nominative singular")]
    wrong = [w.analysis.replace("nominative", "instrumental") for w in nouns]
    for word, analysis in zip(nouns, wrong, strict=True):
        assert assimilated(word.alone) not in map(assimilated, forms(analysis)), word


@each
def test_every_mapped_phrase_stands_in_the_verse(one):
    flat = " ".join(one.lines)
    assert one.map
    for row in one.map:
        for part in row.phrase.split("…"):
            assert part.strip() in flat, part
        assert row.symbol


@each
def test_english_has_a_line_for_each_half_verse(one):
    assert len(one.english.splitlines()) == 2
    assert all(map(str.strip, one.english.splitlines()))


@each
def test_scansion_is_at_hand(one):
    assert one.metre == ("pathyā", "pathyā")
    assert [len(line) for line in one.syllables()] == [16, 16]
    assert one.weights() == [weights(line) for line in one.lines]
    assert [half_verse(line) for line in one.lines] == list(one.metre)


def test_tantra_hands_out_verses():
    assert tantra.verse("softmax") == verse("softmax") == VERSES[2]


@pytest.mark.parametrize(
    ("wrong", "hint"), [("sofmax", "did you mean 'softmax'"), ("02_softmax", "'softmax'")]
)
def test_a_misspelt_name_is_answered_with_the_right_one(wrong, hint):
    with pytest.raises(
        ValueError, match=f"no verse '{wrong}'; .*{hint}.*there are attention, begin"
    ):
        verse(wrong)


@pytest.mark.parametrize("wrong", ["", "zzz", 2, None])
def test_an_unknown_name_is_answered_with_all_names(wrong):
    with pytest.raises(ValueError, match=r"there are attention, .*, verse$"):
        verse(wrong)


def test_metre_and_verses_need_no_package():
    """Beyond what `import tantra` loads, they load the standard library alone."""
    code = (
        "import sys, tantra; before = set(sys.modules); import tantra.metre, tantra.verses;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['tantra']"


def test_a_verse_cannot_be_changed():
    with pytest.raises(AttributeError):
        verse("softmax").name = "other"
