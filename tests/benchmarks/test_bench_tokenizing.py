"""Both tokenizers of the benchmark do the same work, on the same text at each run."""

import pytest

from benchmarks import tokenizing
from tantra import BytePairTokenizer


def test_the_text_has_its_size_and_begins_with_the_course():
    text = tokenizing.text(100_000)
    assert len(text.encode()) in range(99_997, 100_001)
    assert text.startswith("# ")
    assert tokenizing.text(5_000_000).startswith(text)


def test_a_longer_text_than_there_is_begins_again():
    long = tokenizing.text(10**7)
    assert long.count(tokenizing.text(1000)) > 1


def test_both_make_the_same_tokens_and_learn_the_same_merges():
    text = tokenizing.text(50_000)
    ours = BytePairTokenizer.train(text, 600)
    assert tokenizing.hugging_face(ours).encode(text).ids == ours.encode(text)
    assert tokenizing.trained(text, 600).get_vocab() == tokenizing.hugging_face(ours).get_vocab()


def test_other_tokens_are_refused():
    same = dict.fromkeys(
        (tokenizing.OURS, tokenizing.PEER, tokenizing.STREAM, tokenizing.LINES,
         tokenizing.THEIR_LINES, tokenizing.BATCH), lambda: [1, 2]
    )  # fmt: skip
    tokenizing.check_equal(same)
    for name in (tokenizing.PEER, tokenizing.STREAM, tokenizing.BATCH):
        with pytest.raises(ValueError, match="makes other tokens than"):
            tokenizing.check_equal(same | {name: lambda: [1, 3]})
