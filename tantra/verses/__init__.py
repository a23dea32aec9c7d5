"""One verse for each chapter, as data: texts/<name>.toml, named as the notebook.

    from tantra import verse
    verse("softmax")        the verse, its words, and each phrase's symbol, shape and code
    verses()                all of them, in the order of the chapters

The verses are modern, written for this course.  Their metre, sandhi and inflection are checked by
program; no Sanskritist has certified them.  Each file lists the doubts about its own verse.

A file holds the chapter's number, the topic, the title, the verse twice (IAST, and the Devanagari
that to_devanagari writes from it), its English, the words of each half-verse and the map; the
fields of Word and Phrase are below.
"""

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files

from tantra.files import short
from tantra.metre import anustubh, join, syllables, weights
from tantra.verses import display

__all__ = ["Phrase", "Verse", "Word", "verse", "verses"]


@dataclass(frozen=True)
class Word:
    """One word as it sounds alone, with hyphens inside compounds; its grammar; its meaning."""

    form: str
    analysis: str
    gloss: str

    @property
    def alone(self):
        """The word as it sounds alone, the members of a compound joined: nija-aṅgāni, nijāṅgāni."""
        return join(self.form.split("-")).replace(" ", "")


@dataclass(frozen=True)
class Phrase:
    """A phrase of the verse (… for words left out), with its symbol, its shape and its code."""

    phrase: str
    symbol: str
    shape: str
    code: str


@dataclass(frozen=True, repr=False)
class Verse:
    """A verse with what it stands for.  Jupyter shows it as HTML, a terminal as text."""

    name: str
    chapter: int
    topic: str
    title: Word
    iast: str
    devanagari: str
    english: str
    words: tuple[tuple[Word, ...], ...]  # one tuple for each half-verse
    map: tuple[Phrase, ...]
    doubts: tuple[str, ...]  # for a Sanskritist to settle

    @property
    def lines(self):
        """The two half-verses in IAST, without daṇḍas."""
        return tuple(line.rstrip(" |") for line in self.iast.splitlines())

    @property
    def metre(self):
        """The kind of each half-verse, by program: ("pathyā", "pathyā")."""
        return tuple(anustubh(self.iast))

    def syllables(self):
        """The syllables of each half-verse: two lists of sixteen."""
        return [syllables(line) for line in self.lines]

    def weights(self):
        """The weights of each half-verse: two strings of sixteen, "l" light, "g" heavy."""
        return [weights(line) for line in self.lines]

    def gloss(self):
        """Each word with its meaning and its grammar, as a table in plain text."""
        return display.gloss(self)

    def __repr__(self):
        return display.text(self)

    def _repr_html_(self):
        return display.html(self)


def verse(name):
    """The verse of the chapter called name.

    Raises ValueError, listing the names, if there is none.

    >>> print(verse("softmax").lines[0])
    ghātair dhanatvam āpannā aṅkā yogena bhājitāḥ
    """
    texts = _texts()
    if name not in texts:
        close = get_close_matches(str(name)[:100], texts, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"no verse {short(name)}; {hint}there are {', '.join(texts)}")
    return _read(name, texts[name])


def verses():
    """Every verse, as a list in the order of the chapters."""
    return sorted((_read(*one) for one in _texts().items()), key=lambda one: one.chapter)


def _texts():
    """Name -> file, for every verse there is."""
    folder = files(__name__).joinpath("texts")
    found = {file.name.removesuffix(".toml"): file for file in folder.iterdir()}
    return dict(sorted(found.items()))


def _read(name, file):
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    data["title"] = Word(**data["title"])
    data["words"] = tuple(tuple(Word(**word) for word in half) for half in data["words"])
    data["map"] = tuple(Phrase(**row) for row in data["map"])
    data["doubts"] = tuple(data["doubts"])
    return Verse(name=name, **data)
