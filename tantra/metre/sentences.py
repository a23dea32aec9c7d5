"""Half-verses without end: sixteen syllables that scan as pathyā and are one small sentence.

A sentence has one subject, one verb of its number, an object if the verb takes one, and a few of:
adjectives that agree with the subject or the object, a place, a means, adverbs, a particle.  Word
order is free in Sanskrit, so the metre may choose it.  The grammar is right; the sense is nonsense.

Nothing is tried in vain.  First the kinds of the words and their order are drawn, for example
"subject, verb | place, adverb".  Then `ways` counts the choices of words that scan and meet well,
without listing them, and one random number below that count names the choice.
"""

import random
from functools import cache
from itertools import product

from tantra.checks import check_count
from tantra.metre.lexicon import head, lexicon, meeting, tail, written
from tantra.metre.scan import even_pada, odd_pada, weights

EIGHT = ["".join(letters) for letters in product("lg", repeat=8)]
# What may follow: a set of patterns.  At the start of the second pāda the last syllable of the
# first is still open, and free.
FIRST = frozenset(pattern for pattern in EIGHT if odd_pada(pattern) == "pathyā")
SECOND = frozenset(free + pattern for pattern in EIGHT if even_pada(pattern) for free in "lg")
LAST = frozenset("lg")  # one syllable of any weight: here a pāda may end


@cache
def kind(entry):
    """What another entry must share with this one to take its place in a sentence."""
    shared = {"subject": entry.agreement, "object": entry.agreement, "adjective": entry.agreement}
    shared |= {"transitive": entry.number, "intransitive": entry.number}
    return f"{entry.role} {shared.get(entry.role, '')}".strip()


@cache
def beginnings():
    """The heads of the lexicon, one of each behaviour: {head: number of its behaviour}."""
    heads = list(dict.fromkeys(head(entry.form) for entry in lexicon()))
    tails = list(dict.fromkeys(tail(entry.form) for entry in lexicon()))
    columns = {one: tuple((meeting(end, one) or "-")[-1] for end in tails) for one in heads}
    distinct = list(dict.fromkeys(columns.values()))
    return {one: distinct.index(column) for one, column in columns.items()}


@cache
def ending(form):
    """How the last syllable of form weighs before each kind of beginning, a letter for each.

    "-" stands where the two words would melt.
    """
    behaviour = {number: one for one, number in beginnings().items()}
    met = (meeting(tail(form), behaviour[number]) for number in range(len(behaviour)))
    return "".join(weight[1] if weight else "-" for weight in met)


@cache
def shapes():
    """The entries of each kind, by all that the metre and the next word know of them.

    {kind: {(number of the beginning, weights of all syllables but the last, ending): entries}}
    """
    found = {}
    for entry in lexicon():
        form = entry.form
        shape = beginnings()[head(form)], weights(form)[:-1], ending(form)
        found.setdefault(kind(entry), {}).setdefault(shape, []).append(entry)
    return found


@cache
def after(may_follow, pattern):
    """What may follow once the syllables of pattern have been placed."""
    n = len(pattern)
    return frozenset(rest[n:] for rest in may_follow if rest.startswith(pattern))


@cache
def options(one, may_follow, ended):
    """The words of a kind that may come next: [(entries, what may then follow, their ending)].

    ended is the ending of the word before, whose last syllable is weighed only now.
    """
    found = []
    for (begins, inner, ends), entries in shapes()[one].items():
        then = after(may_follow, ended[begins : begins + 1] + inner)
        if then:
            found.append((entries, then, ends))
    return found


@cache
def ways(order, may_follow, ended):
    """How many choices of words, of these kinds in this order, fill the rest of a pāda."""
    if not order:
        return int(may_follow == LAST)
    return sum(
        len(entries) * ways(order[1:], then, ends)
        for entries, then, ends in options(order[0], may_follow, ended)
    )


def choice(number, order, may_follow, ended):
    """The choice with this number, from 0 to ways - 1, as a list of entries."""
    chosen = []
    for i, one in enumerate(order, start=1):
        for entries, then, ends in options(one, may_follow, ended):
            each = ways(order[i:], then, ends)
            if number < len(entries) * each:
                break
            number -= len(entries) * each
        which, number = divmod(number, each)
        chosen.append(entries[which])
        may_follow, ended = then, ends
    return chosen


def half_verses(seed=0):
    """An endless generator of half-verses in IAST, the same for one seed on every machine.

    Raises TypeError or ValueError if seed is not a whole number, at least 0.
    """
    check_count(least=0, seed=seed)
    return _half_verses(random.Random(int(seed)))


def _half_verses(rng):
    while True:
        order = _order(rng)
        middles = [m for m in range(2, len(order) - 1) if order[m] != "particle"]
        middles = [m for m in middles if ways(order[:m], FIRST, "")]
        if not middles:
            continue
        middle = middles[_below(rng, len(middles))]
        entries = _fill(rng, order[:middle], FIRST, "")
        entries += _fill(rng, order[middle:], SECOND, ending(entries[-1].form))
        if len({entry.stem for entry in entries}) == len(order):  # no word twice, none left out
            yield written([entry.form for entry in entries])


def _fill(rng, order, may_follow, ended):
    """Words of these kinds that fill the rest of a pāda: a list of entries, empty if none do."""
    total = ways(order, may_follow, ended)
    return choice(_below(rng, total), order, may_follow, ended) if total else []


def _order(rng):
    """The kinds of the words of one sentence, in some order, as a tuple."""
    (subject,), (thing,) = _draw(rng, 1, _entries("subject")), _draw(rng, 1, _entries("object"))
    order = [kind(subject)]
    extras = ["place", "means", "adverb", "adverb", f"adjective {subject.agreement}"]
    if rng.random() < 0.55:
        order += [f"transitive {subject.number}", kind(thing)]
        extras += [f"adjective {thing.agreement}"]
    else:
        order += [f"intransitive {subject.number}"]
        extras += [f"adjective {subject.agreement}"]
    order += _draw(rng, 2 + _below(rng, 3), extras)
    order = _draw(rng, len(order), order)
    if rng.random() < 0.5:
        order.insert(1 + _below(rng, len(order) - 1), "particle")
    return tuple(order)


@cache
def _entries(role):
    return tuple(entry for entry in lexicon() if entry.role == role)


def _below(rng, limit):
    """A whole number from 0 to limit - 1."""
    return int(rng.random() * limit)


def _draw(rng, count, things):
    """count of the things, in random order."""
    things = list(things)
    return [things.pop(int(rng.random() * len(things))) for _ in range(count)]
