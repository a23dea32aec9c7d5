"""Half-verses in plain English, word for word: the grammar is translated, not the sense."""

from tantra.files import short
from tantra.metre.judgement import sentences, written_forms

BEHIND = ("means", "place", "adverb")


def in_english(line):
    """An English sentence for a half-verse whose grammar is right.

    Sanskrit has no articles, so "the" is a guess.  Raises ValueError unless line is a sentence of
    the lexicon's words.

    >>> in_english("kokilo vimalo mandaṃ priyaś ca hṛdi śobhate")
    'And the pure and dear cuckoo is beautiful in the heart gently.'
    """
    words = line.split(" ")
    readings = sentences(words) if written_forms().keys() >= {*words} else []
    if not readings:
        raise ValueError(f"{short(line)} is no sentence of the lexicon: see judge(line).grammar")
    entries = readings[0]
    verb = [entry.gloss for entry in entries if entry.role in ("transitive", "intransitive")]
    parts = [*_glosses(entries, "particle"), *_noun(entries, "subject"), *verb]
    parts += _noun(entries, "object")
    for role in BEHIND:
        parts += _glosses(entries, role)
    text = " ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _glosses(entries, role):
    return [entry.gloss for entry in entries if entry.role == role]


def _noun(entries, role):
    """A noun of this role with the adjectives that agree with it, or nothing."""
    for noun in entries:
        if noun.role == role:
            agree = [e for e in entries if (e.role, e.agreement) == ("adjective", noun.agreement)]
            described = " and ".join(entry.gloss.replace(" ", "-") for entry in agree)
            return ["the", *filter(None, [described]), noun.gloss]
    return []
