"""Independent packages judge ours: skrutable the metre, three of them the script.

They are in the `test` extra.  Where one is missing these tests fail; they never skip.
"""

import itertools
import random
import re
import warnings

import pytest
from indic_transliteration import sanscript
from vidyut.lipi import Scheme, transliterate

from tantra.metre import even_pada, half_verse, join, joined, odd_pada, to_devanagari, weights
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


def salad(count):
    """Lines of 15 to 17 syllables made of the verses' words, joined; half of them spoiled."""
    rng = random.Random(0)
    words = sorted({word.alone for one in verses() for half in one.words for word in half})
    lines = []
    while len(lines) < count:
        line = join(rng.sample(words, rng.randint(4, 7)))
        if not 15 <= len(weights(line)) <= 17:
            continue
        if len(lines) % 2:
            at = rng.choice([m.start() for m in SPOILED.finditer(line)])
            line = line[:at] + LENGTHS[line[at]] + line[at + 1 :]
        lines.append(line)
    return lines


@pytest.fixture(scope="module")
def lines():
    half_verses = [line for one in verses() for line in one.lines]
    return half_verses + salad(3000)


def test_weights_and_verdicts_agree_on_lines(lines):
    scanner = Scanner()
    for line in lines:
        theirs = scanner.scan(line, from_scheme="IAST").syllable_weights
        ours = weights(line)
        assert ours[:-1] == theirs[:-1], line  # skrutable holds a last syllable in -t, -m for heavy
        assert len(ours) == len(theirs)
        assert half_verse(line) == judged(theirs[:8], theirs[8:]), line


def test_script_agrees_on_lines(lines):
    for line in lines:
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
