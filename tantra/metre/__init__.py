"""Sanskrit verse by program: scan it, write it in Devanagari, join its words.  Needs no package.

scan    sounds, syllables, light and heavy, and the metre anuṣṭubh
script  IAST (Latin letters) to Devanagari, and back
sandhi  single words joined as they sound together
"""

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

__all__ = [
    "anustubh",
    "even_pada",
    "half_verse",
    "join",
    "joined",
    "odd_pada",
    "pair",
    "phonemes",
    "syllables",
    "to_devanagari",
    "to_iast",
    "weights",
]
