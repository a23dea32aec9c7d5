"""Byte-pair encoding: join the two tokens that most often stand side by side, again and again.

Sennrich et al. 2016 (arXiv:1508.07909, algorithm 1), on bytes and inside words as in GPT-2
(Radford et al. 2019).  Tokens 0 to 255 are the bytes, in GPT-2's order: those that can be shown
come first, so that "!" is 0, "A" 32 and "a" 64.  Token 256 + i is what merge i joins.
"""

import heapq
from collections import Counter, defaultdict
from itertools import pairwise

import regex

# A word takes the space before it along; a run of spaces leaves its last one to the next word.
WORD = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")

SHOWN = [*range(33, 127), *range(161, 173), *range(174, 256)]  # these bytes are seen in Latin-1
HIDDEN = [byte for byte in range(256) if byte not in SHOWN]  # these are written as Ā and onwards
BYTES = bytes(SHOWN + HIDDEN)  # token i is the byte BYTES[i] ...
NAMES = "".join(map(chr, SHOWN)) + "".join(map(chr, range(256, 256 + len(HIDDEN))))  # ... so named
_NUMBER = bytes(BYTES.index(byte) for byte in range(256))


def words(text):
    """The words of text after GPT-2's pattern; together they are the text.

    >>> words("It's  a tree, 2 m")
    ['It', "'s", ' ', ' a', ' tree', ',', ' 2', ' m']
    """
    return WORD.findall(text)


def byte_tokens(word):
    """The tokens of the bytes of a word; a byte that is no UTF-8 stands there as a surrogate."""
    return list(word.encode("utf-8", "surrogateescape").translate(_NUMBER))


class Row:
    """Tokens in a ring that ends where it begins, at a None; two are joined in a few steps."""

    def __init__(self, tokens):
        self.tokens = [*tokens, None]  # None also where a token was joined to the one on its left
        length = len(self.tokens)
        self.before, self.after = [*range(-1, length - 1)], [*range(1, length), 0]

    def pair(self, at):
        """The token at this place and the next one."""
        return self.tokens[at], self.tokens[self.after[at]]

    def join(self, at, new):
        """Put one new token in the place of a pair."""
        gone = self.after[at]
        self.tokens[at], self.tokens[gone] = new, None
        self.after[at] = self.after[gone]
        self.before[self.after[at]] = at


def join(tokens, merges):
    """tokens after all merges: the earliest that fits goes first, the leftmost of its places first.

    merges is {(left, right): new}, where an earlier merge has a lower new.  A heap finds the next
    place and links close the gap: n tokens take n log n steps, however long the word.

    >>> join([64, 64, 65], {(64, 65): 256, (64, 256): 257})
    [257]
    """
    row = Row(tokens)
    heap = [(merges[pair], at) for at, pair in enumerate(pairwise(tokens)) if pair in merges]
    heapq.heapify(heap)
    while heap:
        new, at = heapq.heappop(heap)
        if merges.get(row.pair(at)) != new:
            continue  # one of the two has been joined to another since
        row.join(at, new)
        for place in (row.before[at], at):
            if (pair := row.pair(place)) in merges:
                heapq.heappush(heap, (merges[pair], place))
    return [token for token in row.tokens if token is not None]


def learn(counts, num_merges):
    """The merges found in words and how often each occurs, as {(left, right): new}.

    Each merge takes the pair that occurs most often; of equally frequent ones, that of the lowest
    tokens, the left one compared first (Hugging Face's trainer does the same; others take the
    greatest bytes, and end with a few other merges).  They are fewer than num_merges where every
    word has become one token.

    "ba" and "ab" occur as often: a is 64, b is 65, so (a, b) comes first, where others join (b, a).

    >>> learn({"ba": 1, "ab": 1}, 2)
    {(64, 65): 256, (65, 64): 257}
    """
    tokens, weights = [], []
    for word, count in counts.items():
        tokens += [*byte_tokens(word), None]
        weights += [count] * (len(tokens) - len(weights))
    row, totals, places = Row(tokens), Counter(), defaultdict(list)
    for at, pair in enumerate(pairwise(tokens)):
        totals[pair] += weights[at]
        places[pair].append(at)
    heap, merges = [], {}
    _push(heap, totals, totals)
    while heap and len(merges) < num_merges:
        total, pair = heapq.heappop(heap)
        if -total == totals[pair]:
            merges[pair] = 256 + len(merges)
            _push(heap, totals, _join_all(row, pair, merges[pair], weights, totals, places))
        else:
            _push(heap, totals, [pair])  # it has become rarer since
    return merges


def _join_all(row, pair, new, weights, totals, places):
    """Join pair wherever it stands, count its neighbours anew; returns the pairs that are new."""
    fresh = set()
    for at in places.pop(pair):  # from left to right
        if row.pair(at) != pair:
            continue  # the second pair of "aaa", once the first is joined
        left, right = row.before[at], row.after[at]
        totals[row.pair(left)] -= weights[at]
        totals[row.pair(right)] -= weights[at]
        row.join(at, new)
        for place in (left, at):
            fresh.add(row.pair(place))
            totals[row.pair(place)] += weights[at]
            places[row.pair(place)].append(place)
    return fresh


def _push(heap, totals, pairs):
    """Put pairs on the heap of the most frequent; those across two words do not count."""
    for pair in pairs:
        if totals[pair] and None not in pair:
            heapq.heappush(heap, (-totals[pair], pair))
