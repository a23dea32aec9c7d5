"""How much of a line is verse: its metre, its words, its sandhi and its grammar, judged apart.

The judge sees letters only.  It looks each written word up in a table of the forms that sandhi can
give to the words of the lexicon, asks at every gap whether the word before is written as the word
after demands, and then whether some reading of the words makes a sentence.  It knows the little
language of lexicon.tsv; good Sanskrit made of other words fails it.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product

from tantra.metre.lexicon import at_line_end, head, lexicon, meeting, tail
from tantra.metre.scan import SOUND, VOWELS, half_verse

VERBS = ("transitive", "intransitive")


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
    readings = _readings(words) if known == len(words) else []
    return Judgement(
        metre=_scans(line),
        caesura=8 in _ends(words),
        words=known / len(words),
        sandhi=bool(readings),
        grammar=any(sentences(reading) for reading in readings),
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
            raise ValueError(f"{word!r} is no word of the lexicon, as it is written here")
    readings = _readings(words)
    if not readings:
        raise ValueError(f"{line!r} breaks the rules of sandhi, so its words cannot be told")
    found = [entries for reading in readings for entries in sentences(reading)]
    entries = found[0] if found else [meanings()[form][0] for form in readings[0]]
    return [(entry.form, entry.gloss, entry.analysis) for entry in entries]


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


def sentences(forms):
    """The ways to take these forms as one sentence: [entries]."""
    readings = product(*(meanings()[form] for form in forms))
    return [entries for entries in readings if is_sentence(entries)]


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


def _readings(words):
    """The words as they sound alone: every list of forms that sandhi would write so."""
    table = written_forms()
    readings = [[form] for form in table[words[0]]]
    for before, word in pairwise(words):
        readings = [
            [*reading, form]
            for reading in readings
            for form in table[word]
            if _as_written(reading[-1], form) == before
        ]
    return [reading for reading in readings if at_line_end(reading[-1]) == words[-1]]


@cache
def _as_written(form, following):
    end = tail(form)
    met = meeting(end, head(following))
    return met and form.removesuffix(end) + met[0]
