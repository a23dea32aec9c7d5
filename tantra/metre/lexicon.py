"""The words of the little language that chapter 14 writes in: lexicon.tsv, one line a form.

A form is a word as it sounds alone.  Its analysis is what a grammar would derive it from, and its
role is what it may do in a sentence:

    subject, object            a noun in the nominative, in the accusative
    adjective                  agrees with the subject or the object
    place, means               a noun in the locative, in the instrumental
    transitive, intransitive   a verb that takes an object, one that takes none
    adverb, particle           unchanging
"""

from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from tantra.metre.sandhi import pair
from tantra.metre.scan import SOUND, VOWELS, weights


class Entry(NamedTuple):
    """One form of one word.

    A form that stands for two things, such as a neuter nominative and accusative, has two entries.
    """

    form: str
    gloss: str
    analysis: str  # "nṛpa, masculine, nominative singular", "√gam, present, third plural"
    role: str

    @property
    def stem(self):
        """What the form is made from: a stem, a root or the word itself."""
        stem = self.analysis.partition(", ")[0]
        return self.form if stem == "indeclinable" else stem

    @property
    def agreement(self):
        """What must be the same in words that agree: gender, case and number."""
        return self.analysis.partition(", ")[2]

    @property
    def number(self):
        """The singular or the plural; "" where there is neither."""
        return self.analysis.split()[-1] if self.agreement else ""


@cache
def lexicon():
    """Every entry, in the order of the file, as a tuple."""
    table = files(__package__).joinpath("lexicon.tsv").read_text(encoding="utf-8")
    return tuple(Entry(*line.split("\t")) for line in table.splitlines()[1:])


def tail(word):
    """The word from its last vowel on: all of it that the next word can change.

    >>> tail("śanaiḥ")
    'aiḥ'
    """
    sounds = SOUND.findall(word)
    last = max(i for i, sound in enumerate(sounds) if sound in VOWELS)
    return "".join(sounds[last:])


def head(word):
    """The word up to its first vowel: all of it that the word before can notice.

    >>> head("śrūyate")
    'śrū'
    """
    sounds = SOUND.findall(word)
    first = next(i for i, sound in enumerate(sounds) if sound in VOWELS)
    return "".join(sounds[: first + 1])


@cache
def meeting(tail, head):
    """How a tail is written before a head, and the weight of its syllable there.

    None where sandhi would change the head or melt the two: in this language words stay visible.

    >>> meeting("aḥ", "ga"), meeting("aḥ", "a")
    (('o', 'g'), None)
    """
    written, _, start = pair(tail, head)
    scanned = weights(f"{written} {start}")
    if start != head or len(scanned) != 2:
        return None
    return written, scanned[0]


def at_line_end(word):
    """The word as it is written at the end of a line: punar becomes punaḥ."""
    return word[:-1] + "ḥ" if word.endswith("r") else word


def written(words):
    """Words as they sound alone, written as one line.

    Raises ValueError where two of them would melt into one.

    >>> written(["pathikaḥ", "vane", "patati"])
    'pathiko vane patati'
    """
    line = ""
    for word, following in pairwise(words):
        met = meeting(tail(word), head(following))
        if met is None:
            raise ValueError(
                f"{word:.60} and {following:.60} would melt into one word; put one between"
            )
        line += word.removesuffix(tail(word)) + met[0] + " "
    return line + at_line_end(words[-1])
