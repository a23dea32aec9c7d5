"""The words: each form derived by another package, each meeting of two as sandhi has it."""

import itertools
import random
import re
from collections import Counter

import pytest
from derivation import forms

from tantra.metre import Entry, join, lexicon, phonemes, weights
from tantra.metre.lexicon import at_line_end, head, meeting, tail, written

FORMS = list(dict.fromkeys(entry.form for entry in lexicon()))
NUMBER = "(singular|plural)"
NOUN = r"[^ √]+, (masculine|feminine|neuter), {} " + NUMBER
FITS = {  # what the analysis of each role looks like
    "subject": NOUN.format("nominative"),
    "object": NOUN.format("accusative"),
    "adjective": NOUN.format("(nominative|accusative)"),
    "place": NOUN.format("locative"),
    "means": NOUN.format("instrumental"),
    "transitive": f"√[^ ]+, present, third {NUMBER}",
    "intransitive": f"√[^ ]+, present( passive)?, third {NUMBER}",
    "adverb": r"indeclinable|[^ ]+ \+ [^ ]+|[^ ]+, neuter, (accusative|instrumental) singular",
    "particle": "indeclinable",
}


def test_every_inflected_form_is_derived():
    """By Pāṇini's rules, from its stem or root; an indeclinable word has nothing to derive."""
    for entry in lexicon():
        if entry.analysis != "indeclinable":
            derived = {re.sub("s$", "ḥ", form) for form in forms(entry.analysis)}
            assert entry.form in derived, entry


def test_what_is_not_derived():
    by_hand = {entry.form for entry in lexicon() if entry.analysis == "indeclinable"}
    adverbs = {
        "adya",
        "punar",
        "śanaiḥ",
        "iha",
        "adhunā",
        "evam",
        "muhuḥ",
        "paścāt",
        "purā",
        "kadācit",
    }
    assert by_hand == adverbs | {"ca", "hi", "tu", "vai", "eva"}


def test_size():
    assert len(lexicon()) == 494
    assert len(FORMS) == 405
    assert Counter(entry.role for entry in lexicon()) == {
        "adjective": 14 * 10, "subject": 61 * 2, "object": 61 + 16, "place": 22, "means": 18,
        "transitive": 24 * 2, "intransitive": 19 * 2, "adverb": 24, "particle": 5,
    }  # fmt: skip


def test_rows_are_in_order():
    assert len(set(lexicon())) == len(lexicon())
    for entry in lexicon():
        assert re.fullmatch(FITS[entry.role], entry.analysis), entry
        assert re.fullmatch("[a-z]+( [a-z]+)*", entry.gloss), entry
        assert "".join(phonemes(entry.form)) == entry.form


def test_adjectives_have_every_form_that_the_nouns_ask_for():
    asked = {entry.agreement for entry in lexicon() if entry.role in ("subject", "object")}
    had = {}
    for entry in lexicon():
        if entry.role == "adjective":
            had.setdefault(entry.gloss, set()).add(entry.agreement)
    assert len(had) == 14
    assert all(agreements == asked for agreements in had.values())


def test_verbs_come_in_pairs():
    verbs = [entry for entry in lexicon() if entry.stem.startswith("√")]
    for one, two in zip(verbs[::2], verbs[1::2], strict=True):
        assert (one.stem, one.number, two.number) == (two.stem, "singular", "plural")
        assert one.role == two.role


def test_entry():
    noun = Entry("nṛpāḥ", "kings", "nṛpa, masculine, nominative plural", "subject")
    assert (noun.stem, noun.number) == ("nṛpa", "plural")
    assert noun.agreement == "masculine, nominative plural"
    particle = Entry("ca", "and", "indeclinable", "particle")
    assert (particle.stem, particle.number, particle.agreement) == ("ca", "", "")


@pytest.mark.parametrize(
    ("word", "first", "last"),
    [("śrūyate", "śrū", "e"), ("śanaiḥ", "śa", "aiḥ"), ("iha", "i", "a"), ("ca", "ca", "a")],
)
def test_head_and_tail(word, first, last):
    assert (head(word), tail(word)) == (first, last)


def test_meetings_agree_with_sandhi():
    """Two words may stand side by side just where sandhi leaves the second as it is."""
    rng = random.Random(0)
    kinds = Counter()
    ends = {tail(form): form for form in FORMS}
    starts = {head(form): form for form in FORMS}
    pairs = [*itertools.product(ends.values(), starts.values())]
    for one, two in pairs + [rng.sample(FORMS, 2) for _ in range(3000)]:
        met, text = meeting(tail(one), head(two)), join([one, two])
        apart = text.endswith(" " + two) and len(weights(text)) == len(weights(one + " " + two))
        assert (met is not None) == apart, text
        kinds[apart] += 1
        if met:
            assert text == one.removesuffix(tail(one)) + met[0] + " " + two
            assert weights(text)[len(weights(one)) - 1] == met[1]
    assert min(kinds.values()) > 90


def test_written():
    words = ["punar", "adya", "bālaḥ", "gajam", "namati", "punar"]
    assert written(words) == "punar adya bālo gajaṃ namati punaḥ"
    assert at_line_end("gajam") == "gajam"
    with pytest.raises(ValueError, match="eva and iha would melt into one word"):
        written(["eva", "iha"])
