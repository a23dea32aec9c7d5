"""Sanskrit verse by program: scan it, write it, make it, judge it.

scan       sounds, syllables, light and heavy, and the metre anuṣṭubh
script     IAST (Latin letters) to Devanagari, and back
sandhi     single words joined as they sound together
lexicon    the words of a little language, with every form and its analysis
sentences  half-verses of that language without end, from a seed
lines      a corpus of them, kept in a file
judgement  what is right in a line: metre, words, sandhi, grammar
english    a line in plain English
varna      tokens, one to a sound
splitting  the joined sounds of a line, and the words again; not imported here
trained    a small model that writes such lines; not imported here
"""

from tantra.metre.english import in_english
from tantra.metre.judgement import Judgement, gloss, judge
from tantra.metre.lexicon import Entry, lexicon
from tantra.metre.lines import corpus
from tantra.metre.sandhi import join, pair
from tantra.metre.scan import (
    anustubh,
    even_pada,
    half_verse,
    odd_pada,
    phonemes,
    syllables,
    weights,
)
from tantra.metre.script import joined, to_devanagari, to_iast
from tantra.metre.sentences import half_verses
from tantra.metre.varna import VarnaTokenizer

__all__ = [
    "Entry",
    "Judgement",
    "VarnaTokenizer",
    "anustubh",
    "corpus",
    "even_pada",
    "gloss",
    "half_verse",
    "half_verses",
    "in_english",
    "join",
    "joined",
    "judge",
    "lexicon",
    "odd_pada",
    "pair",
    "phonemes",
    "syllables",
    "to_devanagari",
    "to_iast",
    "weights",
]
