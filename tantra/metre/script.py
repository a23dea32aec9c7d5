"""IAST to Devanagari and back, without loss.

Devanagari does not end a word inside a line on a bare consonant: karmaṇi eva, pronounced
karmaṇy eva, is written कर्मण्येव, in one piece.  So the way back gives the sounds without the
gaps that were closed; compare it with `joined` text.
"""

import re
import unicodedata

from tantra.files import short
from tantra.metre.scan import CONSONANTS, SOUND, VOWELS

VIRAMA = "्"  # takes the vowel a away from a consonant
# fmt: off
LETTERS = {
    "a": "अ", "ā": "आ", "i": "इ", "ī": "ई", "u": "उ", "ū": "ऊ", "ṛ": "ऋ", "ṝ": "ॠ", "ḷ": "ऌ",
    "ḹ": "ॡ", "e": "ए", "ai": "ऐ", "o": "ओ", "au": "औ",
}
SIGNS = {  # a vowel written onto the consonant before it; a is not written at all
    "ā": "ा", "i": "ि", "ī": "ी", "u": "ु", "ū": "ू", "ṛ": "ृ", "ṝ": "ॄ", "ḷ": "ॢ", "ḹ": "ॣ",
    "e": "े", "ai": "ै", "o": "ो", "au": "ौ",
}
BASES = {
    "k": "क", "kh": "ख", "g": "ग", "gh": "घ", "ṅ": "ङ",
    "c": "च", "ch": "छ", "j": "ज", "jh": "झ", "ñ": "ञ",
    "ṭ": "ट", "ṭh": "ठ", "ḍ": "ड", "ḍh": "ढ", "ṇ": "ण",
    "t": "त", "th": "थ", "d": "द", "dh": "ध", "n": "न",
    "p": "प", "ph": "फ", "b": "ब", "bh": "भ", "m": "म",
    "y": "य", "r": "र", "l": "ल", "v": "व", "ś": "श", "ṣ": "ष", "s": "स", "h": "ह",
}
# fmt: on
MARKS = {"ṃ": "ं", "ḥ": "ः", "'": "ऽ", "|": "।", "||": "॥"}

PIECE = re.compile(rf"\|\||[|',.\s\-]|{SOUND.pattern}")
CONSONANT_ENDS = "".join(sorted({consonant[-1] for consonant in CONSONANTS}))

_IAST = {letter: latin for table in (LETTERS, MARKS) for latin, letter in table.items()}
_BASES = {letter: latin for latin, letter in BASES.items()}
_SIGNS = {sign: latin for latin, sign in SIGNS.items()} | {VIRAMA: "", "": "a"}
AKSHARA = re.compile(
    f"(?P<base>[{''.join(_BASES)}])(?P<sign>[{''.join(SIGNS.values())}{VIRAMA}]?)"
    rf"|(?P<other>[{''.join(_IAST)},.\s\-])"
)


def joined(iast):
    """The text with the gaps closed that Devanagari closes: after a consonant, before an avagraha.

    >>> joined("karmaṇy evādhikāras te")
    'karmaṇyevādhikāraste'
    """
    text = unicodedata.normalize("NFC", iast)
    return re.sub(rf"(?<=[{CONSONANT_ENDS}]) (?=[^\s|'])| (?=')", "", text)


def to_devanagari(iast):
    """The text in Devanagari, with | and || as daṇḍas and ' as avagraha.

    Raises ValueError naming the first word that is not IAST.

    >>> to_devanagari("karmaṇy evādhikāras te")
    'कर्मण्येवाधिकारस्ते'
    """
    text = joined(iast.lower())
    _refuse_strangers(text, PIECE, "IAST")
    written, open_consonant = [], False  # open: a consonant that still waits for its vowel
    for piece in PIECE.findall(text):
        if piece in VOWELS:
            written.append(SIGNS.get(piece, "") if open_consonant else LETTERS[piece])
        else:
            written.append(VIRAMA if open_consonant else "")
            written.append(BASES.get(piece) or MARKS.get(piece, piece))
        open_consonant = piece in BASES
    return "".join(written) + (VIRAMA if open_consonant else "")


def to_iast(devanagari):
    """The text in IAST; gaps that Devanagari closed stay closed.

    Raises ValueError naming the first word that is not Devanagari.

    >>> to_iast("कर्मण्येवाधिकारस्ते")
    'karmaṇyevādhikāraste'
    """
    text = unicodedata.normalize("NFC", devanagari)
    _refuse_strangers(text, AKSHARA, "Devanagari")
    return "".join(
        _BASES[part["base"]] + _SIGNS[part["sign"]]
        if part["base"]
        else _IAST.get(part["other"], part["other"])
        for part in AKSHARA.finditer(text)
    )


def _refuse_strangers(text, piece, script):
    """Raise ValueError if a word of text has anything beside pieces of the script."""
    for word in text.split():
        if rest := piece.sub("", word):
            raise ValueError(
                f"{short(word)} is not {script}: {short(rest)} does not belong; mend or drop it"
            )
