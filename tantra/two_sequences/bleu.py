"""BLEU: how many short runs of words a translation shares with a reference."""

import math
from collections import Counter


def bleu(guesses, references, n=4):
    """BLEU of a corpus, 0 to 100: the geometric mean of the precisions of runs of 1 to n tokens.

    guesses and references are lists of lists of tokens, one reference for each guess.  A run counts
    at most as often as in its reference, all lines are counted together, and where the guesses are
    shorter than the references the whole is multiplied by exp(1 - references / guesses).  It is 0
    where no run of some length is right; nothing is smoothed.
    Source: Papineni et al. 2002, section 2.3.

    >>> round(bleu([["the", "cat", "sat"]], [["the", "cat", "sat", "down"]], n=2), 1)
    71.7
    """
    guesses, references = list(guesses), list(references)
    if len(guesses) != len(references) or not guesses:
        raise ValueError(
            f"{len(guesses)} guesses and {len(references)} references; give one for each, "
            "and at least one"
        )
    for line in (*guesses, *references):
        if isinstance(line, str):
            raise TypeError(f"{line!r:.60} is text; give a list of tokens, such as line.split()")
    precisions = [_precision(guesses, references, length) for length in range(1, n + 1)]
    if not all(precisions):
        return 0.0
    mean = math.exp(sum(map(math.log, precisions)) / n)
    return 100 * _brevity(sum(map(len, guesses)), sum(map(len, references))) * mean


def _precision(guesses, references, length):
    """Of all runs of this length in the guesses, the fraction that the references have."""
    shared = total = 0
    for guess, reference in zip(guesses, references, strict=True):
        ours, theirs = _runs(guess, length), _runs(reference, length)
        shared += (ours & theirs).total()
        total += ours.total()
    return shared / total if total else 0.0


def _runs(tokens, length):
    return Counter(tuple(tokens[i : i + length]) for i in range(len(tokens) - length + 1))


def _brevity(guessed, wanted):
    return 1.0 if guessed >= wanted else math.exp(1 - wanted / guessed)
