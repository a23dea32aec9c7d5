import math
import random

import pytest
import sacrebleu

from tantra.two_sequences.bleu import bleu


def theirs(guesses, references, n=4):
    judge = sacrebleu.BLEU(
        tokenize="none", smooth_method="none", max_ngram_order=n, force=True, lowercase=False
    )
    lines = [[" ".join(line) for line in lines] for lines in (guesses, references)]
    return judge.corpus_score(lines[0], [lines[1]]).score


@pytest.mark.parametrize("seed", range(20))
def test_bleu_is_sacrebleus(seed):
    rng = random.Random(seed)
    words = ["a", "b", "c", "d", "e"]
    references = [rng.choices(words, k=rng.randint(4, 12)) for _ in range(rng.randint(1, 9))]
    guesses = [
        [rng.choice(words) if rng.random() < 0.2 else w for w in line][: rng.randint(3, 14)]
        for line in references
    ]
    for n in (1, 2, 4):
        assert bleu(guesses, references, n) == pytest.approx(theirs(guesses, references, n))


def test_a_run_counts_no_more_often_than_in_the_reference():
    assert bleu([["the"] * 7], [["the", "cat", "is", "on", "the", "mat", "now"]], 1) == (
        pytest.approx(100 * 2 / 7)  # Papineni et al. 2002, example 2
    )


def test_short_guesses_are_punished_over_the_corpus_not_by_line():
    references = [["a", "b", "c", "d"], ["a", "b", "c", "d"]]
    guesses = [["a", "b"], ["a", "b", "c", "d", "e", "f"]]
    assert bleu(guesses, references, 1) == pytest.approx(100 * 6 / 8)
    assert bleu(guesses[:1], references[:1], 1) == pytest.approx(100 * math.exp(-1))


def test_nothing_right_is_0():
    assert bleu([["x"]], [["a"]]) == bleu([[]], [["a"]]) == bleu([["a", "b"]], [["a", "b"]]) == 0


@pytest.mark.parametrize(
    ("guesses", "references", "error", "says"),
    [
        ([], [], ValueError, "0 guesses and 0 references; give one"),
        ([["a"]], [], ValueError, "1 guesses and 0 references"),
        (["a b"], [["a", "b"]], TypeError, "'a b' is text; give a list"),
    ],
)
def test_bad_input_is_told(guesses, references, error, says):
    with pytest.raises(error, match=says):
        bleu(guesses, references)
