"""Sandhi undone: the sounds of a line without gaps, and the words that were joined to make it.

The source is what join makes of two to four words, its gaps left out; the target is the words.
Some sources have several right targets, so an answer is judged by joining it again.
"""

import random
from itertools import islice

import torch

from tantra.checks import check_count
from tantra.metre.lexicon import lexicon
from tantra.metre.sandhi import join, meet
from tantra.metre.scan import SOUND
from tantra.metre.varna import SYMBOLS
from tantra.two_sequences.bleu import bleu

PAD, BEGIN, END = 0, 1, 2
SOUNDS = ("<pad>", "<begin>", "<end>", *SYMBOLS[1:], "'")  # SYMBOLS[0] ends a line of verse
NUMBER = {sound: number for number, sound in enumerate(SOUNDS)}


def pools(num_unseen=40, seed=7):
    """The words of the lexicon as two lists: those to learn from, and those kept aside."""
    check_count(least=0, num_unseen=num_unseen)
    words = sorted({entry.form for entry in lexicon()})
    random.Random(seed).shuffle(words)
    return words[num_unseen:], words[:num_unseen]


def pairs(words, seed, also=None):
    """Yield (sounds, words): what two to four random words become, and the words, without end.

    words are drawn from the list given, with also one of them in each line from that list.

    >>> next(pairs(["na", "iha"], seed=0))
    (['i', 'h', 'a', 'n', 'a', 'n', 'a'], ['iha', 'na', 'na'])
    """
    rng = random.Random(seed)
    while True:
        line = rng.choices(words, k=rng.randint(2, 4))
        if also:
            line[rng.randrange(len(line))] = rng.choice(also)
        yield surface(line), line


def surface(words):
    """The sounds of these words joined, without gaps; ' is kept, since it is written.

    >>> surface(["dharmaḥ", "arthaḥ"])
    ['dh', 'a', 'r', 'm', 'o', "'", 'r', 'th', 'a', 'ḥ']
    """
    return [sound for piece in join(words).split() for sound in sounds(piece)]


def sounds(piece):
    """The sounds of one piece of a line, ' among them."""
    return [s for part in piece.split("'") for s in ("'", *SOUND.findall(part))][1:]


def tokens(words):
    """The tokens of a target: begin, the words with gaps between them, end."""
    spelled = [NUMBER[" "]]
    for word in words:
        spelled += [*(NUMBER[sound] for sound in SOUND.findall(word)), NUMBER[" "]]
    return [BEGIN, *spelled[1:-1], END]


def words_of(target):
    """The words that the tokens of a target spell, up to its end."""
    text = ""
    for token in target:
        if token == END:
            break
        text += SOUNDS[token] if token > END else ""
    return text.split(" ")


def tensors(lines):
    """The sources (N, S), their lengths (N,) and the targets (N, T) of pairs, padded at the end."""
    sources = [[NUMBER[sound] for sound in source] for source, _ in lines]
    lengths = torch.tensor([len(source) for source in sources])
    return _padded(sources), lengths, _padded([tokens(words) for _, words in lines])


def batches(words, batch_size, seed):
    """Batches for train, without end: ((source, target, lengths), what comes next in target)."""
    check_count(batch_size=batch_size)
    drawn = pairs(words, seed)
    while True:
        source, lengths, target = tensors(list(islice(drawn, batch_size)))
        yield (source, target[:, :-1], lengths), target[:, 1:]


def valid(source, guess, known):
    """Whether guess is words that are known and, joined, give the source again."""
    return bool(guess) and known.issuperset(guess) and surface(guess) == list(source)


def distance(guess, target):
    """How many items must be put in, taken out or changed to make one list the other.

    Source: Levenshtein 1966.

    >>> distance("kitten", "sitting")
    3
    """
    row = list(range(len(target) + 1))
    for i, one in enumerate(guess, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(target, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (one != other))
    return row[-1]


def split_scores(guesses, lines, known):
    """How well guesses, a list of words for each of the lines, undo their sandhi: a dictionary.

    exact and valid are fractions of the lines: the words that were joined, and any known words
    that join to the same.  errors is the distance of all sounds and gaps to the right ones, as a
    fraction of those; bleu, of words, goes from 0 to 100.
    """
    rows = [(guess, source, words) for guess, (source, words) in zip(guesses, lines, strict=True)]
    spelled = [(_spelled(guess), _spelled(words)) for guess, _, words in rows]
    wrong = sum(distance(guess, target) for guess, target in spelled)
    return {
        "exact": sum(guess == words for guess, _, words in rows) / len(rows),
        "valid": sum(valid(source, guess, known) for guess, source, _ in rows) / len(rows),
        "errors": wrong / sum(len(target) for _, target in spelled),
        "bleu": bleu(guesses, [words for _, _, words in rows]),
    }


def longest_first(source, known):
    """The source cut at each known word, the longest first; a sound that begins none stands alone.

    It knows all words and no sandhi.
    """
    pieces, rest = [], "".join(source)
    by_length = sorted(known, key=len, reverse=True)
    while rest:
        found = next((w for w in by_length if rest.startswith(w)), None) or rest[0]
        pieces.append(found)
        rest = rest[len(found) :]
    return pieces


def all_splits(source, known, most=1000):
    """Every list of known words that joins to the source, at most so many: a search that knows all.

    It knows all words and every rule.  Source: our own search; Huet 2005 builds one of automata.
    """
    whole, found = list(source), []
    first = {}
    for word in known:
        first.setdefault(SOUND.match(word)[0], []).append(word)

    def extend(line, place, piece):
        """line joins to the source up to place, but for piece, whose end may still change."""
        if len(found) >= most:
            return
        if place + len(piece) == len(whole) and whole[place:] == piece:
            found.append(line)
        for start, following in first.items():
            left, gap, head = meet("".join(piece), start, pronoun=line[-1] in ("saḥ", "eṣaḥ"))
            done = sounds(left)
            for word in following:
                rest = sounds(head + word[len(start) :])
                if gap and whole[place : place + len(done)] == done:
                    step(line, word, place + len(done), rest)
                elif not gap:
                    step(line, word, place, sounds(left + head + word[len(start) :]))

    def step(line, word, place, piece):
        firm = piece[:-2]  # a rule changes the last two sounds at most
        if whole[place : place + len(firm)] == firm:
            extend([*line, word], place, piece)

    for word in known:
        piece = SOUND.findall(word)
        if whole[: len(piece) - 2] == piece[:-2]:
            extend([word], 0, piece)
    return found


def _spelled(words):
    """Sounds and gaps."""
    return [sound for word in words for sound in (" ", *sounds(word))][1:]


def _padded(rows):
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
