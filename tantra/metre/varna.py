"""Tokens of verse: one varṇa, one sound of the language, to a token."""

import unicodedata

from tantra.files import short
from tantra.metre.scan import SOUND

# In the order of the Sanskrit alphabet, after the end of a line and the gap between words.
# fmt: off
SYMBOLS = (
    "\n", " ",
    "a", "ā", "i", "ī", "u", "ū", "ṛ", "ṝ", "ḷ", "ḹ", "e", "ai", "o", "au", "ṃ", "ḥ",
    "k", "kh", "g", "gh", "ṅ",
    "c", "ch", "j", "jh", "ñ",
    "ṭ", "ṭh", "ḍ", "ḍh", "ṇ",
    "t", "th", "d", "dh", "n",
    "p", "ph", "b", "bh", "m",
    "y", "r", "l", "v", "ś", "ṣ", "s", "h",
)
# fmt: on


class VarnaTokenizer:
    """IAST text to tokens and back.  kh and ai are one sound, so one token each.

    >>> VarnaTokenizer().encode("kha\\n")
    [19, 2, 0]
    """

    symbols = SYMBOLS
    line_end = SYMBOLS.index("\n")

    def __init__(self):
        self._number = {symbol: number for number, symbol in enumerate(self.symbols)}

    @property
    def vocab_size(self):
        """How many tokens there are."""
        return len(self.symbols)

    def encode(self, text):
        """The tokens of text, as a list of numbers.

        Raises ValueError naming the first word with a letter that is no sound.
        """
        tokens = []
        for word in _pieces(unicodedata.normalize("NFC", text)):
            sounds = [word] if word in self._number else SOUND.findall(word)
            if "".join(sounds) != word:
                stranger = SOUND.sub("", word)
                raise ValueError(
                    f"{short(word)} has {short(stranger)}, which is no sound of IAST; write words "
                    "in small letters without other marks, apart by one space or a new line"
                )
            tokens += [self._number[sound] for sound in sounds]
        return tokens

    def decode(self, tokens):
        """The text that these tokens spell.

        Raises ValueError naming the first number that is no token.
        """
        tokens = [int(token) for token in tokens]
        for token in tokens:
            if not 0 <= token < self.vocab_size:
                raise ValueError(
                    f"{short(token)} is no token; they go from 0 to {self.vocab_size - 1}"
                )
        return "".join(self.symbols[token] for token in tokens)


def _pieces(text):
    """Words, spaces and line ends, in order: a and i of two words stay apart."""
    return text.replace(" ", "\0 \0").replace("\n", "\0\n\0").split("\0")
