"""Independent packages judge ours: skrutable and vidyut the metre, three of them the script.

They are in the `test` extra.  Where one is missing these tests fail; they never skip.
"""

import collections
import itertools
import random
import re
import warnings

import pytest
from indic_transliteration import sanscript
from vidyut.chandas import Chandas
from vidyut.lipi import Scheme, transliterate

from tantra.metre import (
    even_pada,
    half_verse,
    half_verses,
    join,
    joined,
    lexicon,
    odd_pada,
    to_devanagari,
    weights,
)
from tantra.verses import verses

with warnings.catch_warnings():
    # skrutable 2.9 leaves its settings file to the garbage collector when it is imported
    warnings.simplefilter("ignore", ResourceWarning)
    from skrutable.meter_identification import MeterIdentifier, VerseTester
    from skrutable.scansion import Scanner

PATTERNS = ["".join(letters) for letters in itertools.product("lg", repeat=8)]
GOOD_ODD, GOOD_EVEN = "gggglggg", "gggglglg"
LENGTHS = dict(zip("aāiīuūṛṝ", "āaīiūuṝṛ", strict=True))
SPOILED = re.compile("[aāiīuūṛṝ](?![iu])(?<!a[iu])")  # vowels, but not within ai or au
EVERY_VERSE = pytest.mark.parametrize("one", verses(), ids=lambda one: one.name)


skrutable = VerseTester()


def judged(odd, even):
    """skrutable's name for a half-verse with these weights, or None."""
    verdict = skrutable.test_as_anuzwuB_half(odd, even)
    name = verdict and verdict.perfect_id_label
    return name and name.removesuffix(" (ma-gaṇa-pūrvikā!)")  # it tells two kinds of bha-vipulā


def by_us(odd, even):
    return odd_pada(odd) if even_pada(even) else None


def test_metre_agrees_on_every_pattern_of_either_pada():
    for pattern in PATTERNS:
        assert by_us(pattern, GOOD_EVEN) == judged(pattern, GOOD_EVEN)
        assert by_us(GOOD_ODD, pattern) == judged(GOOD_ODD, pattern)


def test_metre_agrees_on_random_pairs_of_padas():
    rng = random.Random(0)
    for _ in range(4000):
        odd, even = rng.choice(PATTERNS), rng.choice(PATTERNS)
        assert by_us(odd, even) == judged(odd, even)


def salad(words, count):
    """Lines of 15 to 17 syllables made of these words, joined."""
    rng = random.Random(0)
    lines = []
    while len(lines) < count:
        line = join(rng.sample(words, rng.randint(4, 7)))
        if 15 <= len(weights(line)) <= 17:
            lines.append(line)
    return lines


def spoiled(lines):
    """Each line with one vowel made short for long, or long for short."""
    rng = random.Random(1)
    for line in lines:
        at = rng.choice([m.start() for m in SPOILED.finditer(line)])
        yield line[:at] + LENGTHS[line[at]] + line[at + 1 :]


@pytest.fixture(scope="module")
def verse_lines():
    """Those of the course, and word salad from them, half of it spoiled."""
    words = sorted({word.alone for one in verses() for half in one.words for word in half})
    lines = salad(words, 2000)
    return [line for one in verses() for line in one.lines] + lines + list(spoiled(lines[:1000]))


@pytest.fixture(scope="module")
def corpus_lines():
    """Generated lines, the same spoiled, and word salad from the lexicon."""
    generated = list(itertools.islice(half_verses(11), 3500))
    words = [entry.form for entry in lexicon()]
    return [*generated, *spoiled(generated), *salad(words, 1500)]


def test_there_are_enough_lines(verse_lines, corpus_lines):
    lines = set(verse_lines) | set(corpus_lines)
    assert len(lines) > 11_000
    kinds = collections.Counter(map(half_verse, lines))
    assert len(kinds) >= 5, kinds


def test_weights_and_verdicts_agree_on_lines(verse_lines, corpus_lines):
    scanner = Scanner()
    for line in verse_lines + corpus_lines:
        theirs = scanner.scan(line, from_scheme="IAST").syllable_weights
        ours = weights(line)
        assert ours[:-1] == theirs[:-1], line  # skrutable holds a last syllable in -t, -m for heavy
        assert len(ours) == len(theirs)
        assert half_verse(line) == judged(theirs[:8], theirs[8:]), line


def test_weights_agree_with_vidyut(verse_lines, corpus_lines, tmp_path):
    """vidyut names no anuṣṭubh, but it weighs syllables by rules of its own."""
    (tmp_path / "metres.tsv").write_text("indravajrA\tvrtta\tGGLGGLLGLGG\n")
    chandas = Chandas(str(tmp_path / "metres.tsv"))
    for line in verse_lines + corpus_lines:
        sounds = transliterate(line, Scheme.Iast, Scheme.Slp1)
        found = [akshara for row in chandas.classify(sounds).aksharas for akshara in row]
        assert "".join(akshara.weight for akshara in found).lower() == weights(line), line


def test_script_agrees_on_lines(verse_lines, corpus_lines):
    for line in verse_lines + corpus_lines[::10]:
        text = joined(line)
        ours = to_devanagari(text)
        assert ours == sanscript.transliterate(text, sanscript.IAST, sanscript.DEVANAGARI)
        assert ours == transliterate(text, Scheme.Iast, Scheme.Devanagari)


@EVERY_VERSE
@pytest.mark.parametrize("script", ["IAST", "DEV"])
def test_skrutable_names_the_metre_of_each_verse(one, script):
    text, resplit = (one.iast, "none") if script == "IAST" else (one.devanagari, "resplit_lite")
    found = MeterIdentifier().identify_meter(text, from_scheme=script, resplit_option=resplit)
    assert found.meter_label == "anuṣṭubh (1,2: pathyā; 3,4: pathyā)"


@EVERY_VERSE
def test_sanscript_writes_the_same_devanagari(one):
    theirs = sanscript.transliterate(joined(one.iast), sanscript.IAST, sanscript.DEVANAGARI)
    assert one.devanagari == theirs
