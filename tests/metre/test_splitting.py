import itertools
import random

import pytest
import torch

from tantra.metre import splitting
from tantra.metre.sandhi import join
from tantra.metre.splitting import (
    BEGIN,
    END,
    PAD,
    SOUNDS,
    all_splits,
    batches,
    distance,
    longest_first,
    pairs,
    pools,
    split_scores,
    surface,
    tensors,
    tokens,
    valid,
    words_of,
)

SEEN, UNSEEN = pools()
LINES = list(itertools.islice(pairs(SEEN, seed=1), 60))


def test_pools_share_no_word_and_are_the_same_each_time():
    assert pools() == (SEEN, UNSEEN)
    assert len(UNSEEN) == 40
    assert not set(SEEN) & set(UNSEEN)


def test_the_source_is_the_joined_text_without_its_gaps():
    for source, words in LINES:
        assert "".join(source) == join(words).replace(" ", "")
        assert set(source) <= set(SOUNDS[3:]) - {" "}
    assert surface(["na", "iha"]) == list("neha")
    assert surface(["phale", "iha"]) == ["ph", "a", "l", "a", "i", "h", "a"]  # a and i, not ai
    assert surface(["saḥ", "api"]) == ["s", "o", "'", "p", "i"]


def test_a_line_with_a_word_kept_aside_has_one():
    for _, words in itertools.islice(pairs(SEEN, 2, also=UNSEEN), 50):
        assert 2 <= len(words) <= 4
        assert sum(word in UNSEEN for word in words) == 1


def test_targets_spell_their_words():
    for _, words in LINES:
        spelled = tokens(words)
        assert (spelled[0], spelled[-1]) == (BEGIN, END)
        assert words_of(spelled) == words
    assert words_of([BEGIN, END, 7]) == [""]


def test_batches_are_padded_and_shifted_by_one():
    (source, target, lengths), after = next(batches(SEEN, 5, seed=3))
    lines = list(itertools.islice(pairs(SEEN, seed=3), 5))
    whole, also, full = tensors(lines)
    assert torch.equal(source, whole)
    assert torch.equal(lengths, also)
    assert torch.equal(torch.cat([target[:, :1], after], 1), full)
    assert torch.equal(target[:, 1:], after[:, :-1])
    for row, length, (sounds, _) in zip(source, lengths, lines, strict=True):
        assert [SOUNDS[i] for i in row[:length]] == sounds
        assert (row[length:] == PAD).all()


def test_the_judge_joins_the_answer_again():
    known = set(SEEN)
    for source, words in LINES:
        assert valid(source, words, known)
        assert not valid(source, words[::-1], known) or words == words[::-1]
        assert not valid(source, [*words, "na"], known)
    assert not valid(["n", "a"], [], known)
    assert not valid(list("neha"), ["na", "xyz"], {"na", "iha"})
    assert not valid(list("neha"), ["neha"], {"na", "iha"})


def every_line(source, known, most):
    """All lines of up to most words that join to the source: tried one by one."""
    for count in range(1, most + 1):
        for words in itertools.product(known, repeat=count):
            if surface(words) == source:
                yield list(words)


def test_the_search_finds_just_what_trying_all_finds():
    rng = random.Random(5)
    ambiguous = 0
    for _ in range(25):
        known = sorted([*rng.sample(SEEN, 10), "na", "ca", "iha", "api", "saḥ"])
        source = surface(rng.choices(known, k=rng.randint(1, 3)))
        found = [line for line in all_splits(source, known) if len(line) <= 3]
        assert sorted(found) == sorted(every_line(source, known, 3))
        ambiguous += len(found) > 1
    two = all_splits(surface(["vana", "agni"]), ["vana", "vanā", "agni", "āgni"])
    assert len(two) == 4  # ā may be a + a, a + ā, ā + a or ā + ā


def test_the_search_knows_all_words_and_no_others():
    for source, words in LINES:
        assert words in all_splits(source, SEEN)
    source, words = next(pairs(SEEN, 2, also=UNSEEN))
    assert words not in all_splits(source, SEEN)


def test_longest_first_is_greedy():
    assert longest_first(list("nehana"), {"neha", "ne", "na"}) == ["neha", "na"]
    assert longest_first(list("xna"), {"na"}) == ["x", "na"]


@pytest.mark.parametrize("seed", range(3))
def test_distance_is_the_least_number_of_edits(seed):
    rng = random.Random(seed)

    def by_definition(a, b):
        if not a or not b:
            return len(a) + len(b)
        return min(
            by_definition(a[1:], b) + 1,
            by_definition(a, b[1:]) + 1,
            by_definition(a[1:], b[1:]) + (a[0] != b[0]),
        )

    for _ in range(15):
        a, b = (rng.choices("abc", k=rng.randint(0, 5)) for _ in range(2))
        assert distance(a, b) == by_definition(a, b)


def test_bad_numbers_are_told():
    with pytest.raises(ValueError, match="num_unseen is -1"):
        splitting.pools(-1)
    with pytest.raises(ValueError, match="batch_size is 0"):
        next(batches(SEEN, 0, seed=0))


def test_scores_of_right_and_wrong_answers():
    known = {*SEEN, *UNSEEN}
    right = [words for _, words in LINES]
    assert split_scores(right, LINES, known) == pytest.approx(
        {"exact": 1, "valid": 1, "errors": 0, "bleu": 100}
    )
    assert split_scores([["na"], *right[1:]], LINES, known)["bleu"] < 100
    words = ["madhurā", "vindati"]
    line = [(surface(words), words)]
    other = split_scores([["madhurāḥ", "vindati"]], line, known)
    assert (other["exact"], other["valid"]) == (0, 1)
    assert other["errors"] == 1 / len("madhurā vindati".replace("dh", "D"))
    copied = split_scores([["".join(line[0][0])]], line, known)
    assert (copied["exact"], copied["valid"], copied["bleu"]) == (0, 0, 0)
    assert copied["errors"] == other["errors"]  # the gap is missing
    unknown = split_scores(right[:3], LINES[:3], known - {right[0][0]})
    assert unknown["valid"] < 1 == unknown["exact"]


def test_scores_want_a_guess_for_each_line():
    with pytest.raises(ValueError, match="zip"):
        split_scores([["na"]], LINES[:2], set(SEEN))
