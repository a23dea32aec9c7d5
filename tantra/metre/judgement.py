"""How much of a line is verse: its metre, its words, its sandhi and its grammar, judged apart.

The judge sees letters only.  It looks each written word up in a table of the forms that sandhi can
give to the words of the lexicon, asks at every gap whether the word before is written as the word
after demands, and then whether some reading of the words makes a sentence.  It knows the little
language of lexicon.tsv; good Sanskrit made of other words fails it.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from tantra.files import short
from tantra.metre.lexicon import at_line_end, head, lexicon, meeting, tail
from tantra.metre.scan import SOUND, VOWELS, half_verse

VERBS = ("transitive", "intransitive")
ONCE = {"subject": "subject", "object": "object", **dict.fromkeys(VERBS, "verb")}


@dataclass(frozen=True)
class Judgement:
    """What is right in a line.  Grammar needs sandhi, and sandhi needs every word to be known."""

    metre: bool  # sixteen syllables that scan as pathyā
    caesura: bool  # a word ends with the eighth
    words: float  # the share of the written words that are known, from 0 to 1
    sandhi: bool  # every word is known, and written as the next one demands
    grammar: bool  # the words make a sentence

    @property
    def verse(self):
        """Whether everything is right."""
        return self.metre and self.caesura and self.sandhi and self.grammar


def judge(line):
    """The Judgement on one half-verse in IAST, of whatever letters.

    >>> judge("kokilo vimalo mandaṃ priyaś ca hṛdi śobhate").verse
    True
    >>> judge("kokilāḥ patati śanaiḥ")
    Judgement(metre=False, caesura=True, words=1.0, sandhi=True, grammar=False)
    """
    words = line.split(" ")
    known = sum(word in written_forms() for word in words)
    all_known = known == len(words)
    return Judgement(
        metre=_scans(line),
        caesura=8 in _ends(words),
        words=known / len(words),
        sandhi=all_known and bool(_readings(words)),
        grammar=all_known and bool(sentences(words)),
    )


def gloss(line):
    """Each word of a line, undone from sandhi: [(form, gloss, analysis)].

    Of several readings the first that makes a sentence.  Raises ValueError naming the word that is
    not known or not written as the next one demands.

    >>> gloss("pathiko vane")[0]
    ('pathikaḥ', 'traveller', 'pathika, masculine, nominative singular')
    """
    words = line.split(" ")
    for word in words:
        if word not in written_forms():
            raise ValueError(f"{short(word)} is no word of the lexicon, as it is written here")
    if not (found := sentences(words) or _readings(words)):
        raise ValueError(f"{short(line)} breaks the rules of sandhi, so its words cannot be told")
    return [(entry.form, entry.gloss, entry.analysis) for entry in found[0]]


@cache
def meanings():
    """{form: its entries}."""
    found = {}
    for entry in lexicon():
        found.setdefault(entry.form, []).append(entry)
    return found


@cache
def written_forms():
    """{a word as it may be written: the forms it may stand for}."""
    heads = dict.fromkeys(head(form) for form in meanings())
    found = {}
    for form in meanings():
        end = tail(form)
        stem = form.removesuffix(end)
        surfaces = [stem + met[0] for one in heads if (met := meeting(end, one))]
        for surface in dict.fromkeys(surfaces):
            found.setdefault(surface, []).append(form)
    return found


def _readings(words):
    """Words undone from sandhi: the entries of a reading, the first for each last form."""
    return list(_ways(words, lambda seen, entry: seen).values())


def sentences(words):
    """The readings that make a sentence, the first of those that are alike."""
    return [entries for (_, seen), entries in _ways(words, _seen).items() if is_sentence(seen)]


def _ways(words, keep):
    """The ways to read words as entries, by the last form and what keep says of all the entries.

    Of two ways that agree in both the later is dropped, since whatever follows fits both or none:
    the time grows with the words, not with the ways, which double at each word of two meanings.
    """
    table, ways = written_forms(), {("", frozenset()): ()}
    for before, word in pairwise([None, *words]):
        longer = {}
        for (last, seen), way in ways.items():
            for form in table[word]:
                if before is None or _as_written(last, form) == before:
                    for entry in meanings()[form]:
                        if (now := keep(seen, entry)) is not None:
                            longer.setdefault((form, now), (way, entry))
        ways = longer
    return {end: _row(way) for end, way in ways.items() if at_line_end(end[0]) == words[-1]}


def _row(way):
    """The entries of a way, which holds its last one beside the way to it."""
    entries = []
    while way:
        way, entry = way
        entries.append(entry)
    return entries[::-1]


class Part(NamedTuple):
    """All that the grammar of a sentence knows of a word."""

    role: str
    agreement: str
    number: str


def _seen(parts, entry):
    """parts of a sentence with one more word; None where no sentence holds them all."""
    if once := ONCE.get(entry.role):
        if any(ONCE.get(part.role) == once for part in parts):
            return None
    elif entry.role != "adjective":
        return parts
    parts |= {Part(entry.role, entry.agreement, entry.number)}
    return parts if sum(part.role == "adjective" for part in parts) <= 2 else None


def is_sentence(entries):
    """One subject, one verb of its number, an object if it takes one, adjectives that agree."""
    by_role = {}
    for entry in entries:
        by_role.setdefault(entry.role, []).append(entry)
    subjects, objects = by_role.get("subject", []), by_role.get("object", [])
    verbs = [verb for role in VERBS for verb in by_role.get(role, [])]
    if len(subjects) != 1 or len(verbs) != 1 or verbs[0].number != subjects[0].number:
        return False
    if len(objects) != (verbs[0].role == "transitive"):
        return False
    nouns = {noun.agreement for noun in subjects + objects}
    return all(one.agreement in nouns for one in by_role.get("adjective", []))


def _scans(line):
    try:
        return half_verse(line) == "pathyā"
    except ValueError:  # not IAST
        return False


def _ends(words):
    """After how many syllables each word ends."""
    ends = [0]
    for word in words:
        ends.append(ends[-1] + sum(sound in VOWELS for sound in SOUND.findall(word)))
    return ends


@cache
def _as_written(form, following):
    end = tail(form)
    met = meeting(end, head(following))
    return met and form.removesuffix(end) + met[0]
