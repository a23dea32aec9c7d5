"""Sandhi: single words (padapāṭha) joined into the text as it sounds (saṃhitā).

When words meet, the last sound of one and the first of the next change each other.  These are the
rules of external sandhi that classical verse needs.  Left out: the duals in ī, ū, e that refuse to
join (pragṛhya), and rules that a writer may take or leave.
"""

from itertools import pairwise

from tantra.metre.scan import CONSONANTS, SOUND, VOWELS

UNVOICED = frozenset({"k", "kh", "c", "ch", "ṭ", "ṭh", "t", "th", "p", "ph", "ś", "ṣ", "s"})
VOICED = CONSONANTS - UNVOICED
SHORT_OF = {"ā": "a", "ī": "i", "ū": "u", "ṝ": "ṛ"}
LONG_OF = {short: long for long, short in SHORT_OF.items()}
GUNA = {"i": "e", "u": "o", "ṛ": "ar", "e": "ai", "ai": "ai", "o": "au", "au": "au"}  # after a, ā
GLIDE = {"i": "y", "u": "v", "ṛ": "r"}
SIBILANT = {"c": "ś", "ch": "ś", "ṭ": "ṣ", "ṭh": "ṣ", "t": "s", "th": "s"}
STOPS = {"k": ("g", "ṅ"), "ṭ": ("ḍ", "ṇ"), "t": ("d", "n"), "p": ("b", "m")}  # voiced, nasal
NASALS = frozenset("nm")
ASPIRATE = {"g": "gh", "ḍ": "ḍh", "d": "dh", "b": "bh"}  # what h becomes after a voiced stop


def join(words):
    """The words, given as they sound alone, joined into one text.

    Raises ValueError if there is no word, or one that is not IAST.

    >>> join(["tena", "arthaḥ", "bhidyate", "kramāt"])
    'tenārtho bhidyate kramāt'
    """
    words = list(words)
    if not words:
        raise ValueError("no words to join; give at least one")
    for word in words:
        if not word or SOUND.sub("", word):
            raise ValueError(f"{word!r:.60} is not one word of IAST without spaces or hyphens")
    done, open_word = "", words[0]
    for previous, following in pairwise(words):
        left, gap, right = meet(open_word, following, pronoun=previous in ("saḥ", "eṣaḥ"))
        if gap:
            done, open_word = done + left + gap, right
        else:  # two vowels became one: the words are now a single piece
            open_word = left + right
    return done + open_word


def pair(first, second):
    """Two words where they meet: (first as it now sounds, the gap, second as it now sounds).

    The gap is "" when two vowels have become one, else " ".

    >>> pair("dharmaḥ", "arthaḥ")
    ('dharmo', ' ', "'rthaḥ")
    """
    return meet(first, second, pronoun=first in ("saḥ", "eṣaḥ"))


def meet(first, second, pronoun):
    """Split off the sounds that meet, apply the rule for them, put the words together again."""
    sounds, start = SOUND.findall(first), SOUND.match(second)[0]
    last, before = sounds[-1], sounds[-2] if len(sounds) > 1 else ""
    rest = second[len(start) :]
    if pronoun and start != "a":  # saḥ and eṣaḥ drop their ḥ before everything but a
        return first.removesuffix("ḥ"), " ", second
    stem = first[: len(first) - len(before + last)]
    rule = RULES.get(last, _vowels if last in VOWELS else _unchanged)
    end, gap, start = rule(before, last, start)
    return stem + end, gap, start + rest


# Each rule takes the sound before the last, the last of one word, and the first of the next.
# It returns what the first two become, the gap, and what the third becomes.


def _unchanged(before, last, start):
    return before + last, " ", start


def _visarga(before, last, start):
    if start in SIBILANT:
        return before + SIBILANT[start], " ", start
    if start not in VOICED and start not in VOWELS:
        return before + last, " ", start
    if before == "a" and start == "a":
        return "o", " ", "'"
    if before == "a" and start in VOICED:
        return "o", " ", start
    if before in ("a", "ā"):
        return before, " ", start
    if start == "r":  # two r in a row: the first goes, its vowel grows long
        return LONG_OF.get(before, before), " ", start
    return before + "r", " ", start


def _final_r(before, last, start):  # the r of punar, antar: a true r, not a ḥ
    if start in SIBILANT:
        return before + SIBILANT[start], " ", start
    if start == "r":
        return LONG_OF.get(before, before), " ", start
    voiced = start in VOICED or start in VOWELS
    return before + ("r" if voiced else "ḥ"), " ", start


def _final_m(before, last, start):
    return before + ("m" if start in VOWELS else "ṃ"), " ", start


def _final_t(before, last, start):
    if start in ("c", "ch", "ś"):
        return before + "c", " ", "ch" if start == "ś" else start
    if start in ("j", "jh"):
        return before + "j", " ", start
    if start == "l":
        return before + "l", " ", start
    return _stop(before, "t", start)


def _stop(before, last, start):
    voiced, nasal = STOPS[last]
    if start in NASALS:
        return before + nasal, " ", start
    if start == "h":
        return before + voiced, " ", ASPIRATE[voiced]
    return before + (voiced if start in VOICED or start in VOWELS else last), " ", start


def _final_n(before, last, start):
    if start in VOWELS and before in LONG_OF:  # n doubles between a short vowel and a vowel
        return before + "nn", " ", start
    if start in SIBILANT:
        return before + "ṃ" + SIBILANT[start], " ", start
    if start in ("j", "jh", "ś"):
        return before + "ñ", " ", start
    return before + last, " ", start


def _vowels(before, last, start):
    if start not in VOWELS:
        return before + last, " ", start
    one, two = SHORT_OF.get(last, last), SHORT_OF.get(start, start)
    if one == two and one in LONG_OF:
        return before + LONG_OF[one], "", ""
    if one == "a":
        return before + GUNA[two], "", ""
    if one in GLIDE:
        return before + GLIDE[one], " ", start
    if last in ("e", "o"):
        return (before + last, " ", "'") if start == "a" else (before + "a", " ", start)
    return before + ("ā" if last == "ai" else "āv"), " ", start


RULES = {
    "ḥ": _visarga,
    "r": _final_r,
    "m": _final_m,
    "t": _final_t,
    "d": _final_t,
    "n": _final_n,
    "k": _stop,
    "ṭ": _stop,
    "p": _stop,
}
