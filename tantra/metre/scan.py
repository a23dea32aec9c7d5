"""From a line in IAST to its sounds, its syllables, their weights and a verdict on the metre.

A syllable is heavy (guru, "g") for one of three reasons, otherwise it is light (laghu, "l"):

    1. its vowel is long: ā ī ū ṝ ḹ e ai o au;
    2. anusvāra (ṃ) or visarga (ḥ) follows its vowel;
    3. two or more consonants follow its vowel, across the gap between words too.

The metre is anuṣṭubh, the śloka of the epics: two half-verses of sixteen syllables, each an odd
and an even pāda (quarter) of eight.  The usual odd pāda is pathyā; the others are vipulās.
"""

import re
import unicodedata
from itertools import pairwise

from tantra.files import short

SHORT = frozenset({"a", "i", "u", "ṛ", "ḷ"})
LONG = frozenset({"ā", "ī", "ū", "ṝ", "ḹ", "e", "ai", "o", "au"})
VOWELS = SHORT | LONG
# fmt: off
CONSONANTS = frozenset({
    "k", "kh", "g", "gh", "ṅ",  # throat
    "c", "ch", "j", "jh", "ñ",  # palate
    "ṭ", "ṭh", "ḍ", "ḍh", "ṇ",  # roof of the mouth
    "t", "th", "d", "dh", "n",  # teeth
    "p", "ph", "b", "bh", "m",  # lips
    "y", "r", "l", "v", "ś", "ṣ", "s", "h",
})
# fmt: on
AFTER_VOWEL = frozenset("ṃḥ")  # anusvāra and visarga: they close a syllable
SOUNDS = VOWELS | CONSONANTS | AFTER_VOWEL

SOUND = re.compile("|".join(sorted(SOUNDS, key=len, reverse=True)))  # longest first: "kh", not "k"
GAP = re.compile(r"[\s|।॥'’,.\-]+")  # what carries no sound

# The last syllable of a pāda is free, and so is every one written as a dot.
ODD_PADAS = {
    "pathyā": re.compile(r"....lgg."),
    "na-vipulā": re.compile(r"...glll."),
    "bha-vipulā": re.compile(r".glggll.|.ggggll."),
    "ma-vipulā": re.compile(r".glgggg."),
    "ra-vipulā": re.compile(r"...gglg."),
}


def phonemes(text):
    """The sounds of text, in order, as a list.  Spaces, daṇḍas, avagrahas and hyphens are silent.

    Raises ValueError naming the first word that is not IAST.

    >>> phonemes("dharma-kṣetre")
    ['dh', 'a', 'r', 'm', 'a', 'k', 'ṣ', 'e', 't', 'r', 'e']
    """
    sounds = []
    for word in GAP.split(unicodedata.normalize("NFC", text).lower()):
        found = SOUND.findall(word)  # word by word: in "dilīpa iti" a and i stay apart
        if "".join(found) != word:
            stranger = SOUND.sub("", word)
            raise ValueError(
                f"{short(word)} is not IAST: {short(stranger)} does not belong; "
                "mend it, or pass Devanagari through to_iast first"
            )
        sounds += found
    return sounds


def syllables(text):
    """The syllables of text as a list; consonants go with the vowel after them.

    >>> syllables("dharmakṣetre")
    ['dha', 'rma', 'kṣe', 'tre']
    """
    done, start = [], ""
    for sound in phonemes(text):
        if sound in VOWELS:
            done.append(start + sound)
            start = ""
        elif sound in AFTER_VOWEL and done and not start:
            done[-1] += sound
        else:
            start += sound
    if done:
        done[-1] += start
    return done


def weights(text):
    """One letter for each syllable of text: "l" light, "g" heavy.

    The last syllable is weighed as it stands, though the metre leaves it free.

    >>> weights("dharmakṣetre kurukṣetre")
    'gggglggg'
    """
    sounds = phonemes(text)
    vowels = [i for i, sound in enumerate(sounds) if sound in VOWELS]
    return "".join(
        _weight(sounds[i], sounds[i + 1 : end]) for i, end in pairwise([*vowels, len(sounds)])
    )


def _weight(vowel, tail):
    """The weight of a vowel; tail is the sounds between it and the next vowel."""
    closed = len(tail) >= 2 or (tail and tail[0] in AFTER_VOWEL)
    return "g" if vowel in LONG or closed else "l"


def odd_pada(pattern):
    """The name of an odd pāda with these weights, or None.

    Eight syllables, the second and third never both light.

    >>> odd_pada("gggglggg")
    'pathyā'
    """
    if len(pattern) != 8 or pattern[1:3] == "ll":
        return None
    return next((name for name, rule in ODD_PADAS.items() if rule.fullmatch(pattern)), None)


def even_pada(pattern):
    """True if an even pāda may have these weights.

    Eight syllables; the fifth to seventh l g l; the second and third never both light; the second
    to fourth never g l g.

    >>> even_pada("lggglglg"), even_pada("gglglglg")
    (True, False)
    """
    return (
        len(pattern) == 8
        and pattern[4:7] == "lgl"
        and pattern[1:3] != "ll"
        and pattern[1:4] != "glg"
    )


def half_verse(text):
    """The kind of half-verse that text is: "pathyā", the name of a vipulā, or None if it fails.

    >>> half_verse("dharmakṣetre kurukṣetre samavetā yuyutsavaḥ")
    'pathyā'
    """
    pattern = weights(text)
    return odd_pada(pattern[:8]) if even_pada(pattern[8:]) else None


def anustubh(text):
    """The kind of each half-verse of text, as a list; they end at a daṇḍa or a new line."""
    return [half_verse(half) for half in re.split(r"[\n|।॥]+", text) if half.strip()]
