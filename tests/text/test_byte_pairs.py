"""The plain ways of chapter 13, slow and easy to believe, against the fast ones of the library."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from tantra import byte_pairs
from tantra.text.byte_pairs import BYTES, NAMES, Row, byte_tokens, join, learn, words
from tantra.text.vocabulary import from_name, to_name


def slow_join(tokens, merges):
    """Each merge in turn, from left to right."""
    tokens = list(tokens)
    for pair, new in merges.items():
        for at in range(len(tokens)):
            if tuple(tokens[at : at + 2]) == pair:
                tokens[at : at + 2] = [new]
    return tokens


def slow_learn(counts, num_merges):
    """Count all pairs again for each merge."""
    rows, merges = {word: byte_tokens(word) for word in counts}, {}
    while len(merges) < num_merges:
        totals = Counter()
        for word, count in counts.items():
            for pair in pairwise(rows[word]):
                totals[pair] += count
        if not totals:
            break
        pair = min(totals, key=lambda pair: (-totals[pair], pair))
        merges[pair] = 256 + len(merges)
        rows = {word: slow_join(row, {pair: merges[pair]}) for word, row in rows.items()}
    return merges


@st.composite
def some_merges(draw):
    """Merges over three bytes, in which no two make the same bytes."""
    made, merges = {token: (token,) for token in (64, 65, 66)}, {}
    for _ in range(draw(st.integers(0, 12))):
        pair = draw(st.tuples(*[st.sampled_from(list(made))] * 2))
        whole = made[pair[0]] + made[pair[1]]
        if whole not in made.values():
            merges[pair] = 256 + len(merges)
            made[merges[pair]] = whole
    return merges


runs = st.lists(st.tuples(st.sampled_from([64, 65, 66]), st.integers(1, 9)), max_size=12)
rows = runs.map(lambda runs: [token for token, times in runs for _ in range(times)])


@given(some_merges(), rows)
def test_join_is_every_merge_in_turn(merges, row):
    assert join(row, merges) == slow_join(row, merges)


def test_join_leaves_its_arguments_alone():
    row, merges = [64, 65], {(64, 65): 256}
    assert join(row, merges) == [256]
    assert row == [64, 65]
    assert merges == {(64, 65): 256}
    assert join([], merges) == []
    assert join([64], merges) == [64]


@given(st.dictionaries(st.text("abc", max_size=12), st.integers(1, 5), max_size=8))
def test_learn_is_counting_again_each_time(counts):
    merges = learn(counts, 40)
    assert list(merges.items()) == list(slow_learn(counts, 40).items())
    assert learn(counts, 5) == dict(list(merges.items())[:5])


@pytest.mark.parametrize(
    ("counts", "first"),
    [
        ({"ba": 1, "ab": 1}, "ab"),  # as frequent: the lower left token
        ({"ac": 1, "ab": 1}, "ab"),  # the lower right token
        ({"ab": 1, "cd": 2}, "cd"),  # the more frequent
        ({"\nb": 1, "zb": 1}, "zb"),  # lower in GPT-2's order of the bytes
    ],
)
def test_which_pair_is_first(counts, first):
    (pair,) = learn(counts, 1)
    assert "".join(NAMES[token] for token in pair) == first


def test_nothing_is_learnt_across_words():
    assert learn({"a": 5, "b": 5, "": 1}, 3) == {}
    assert len(learn({"ab": 1, "cd": 1}, 9)) == 2


class Counted(Row):
    """A row that counts how often it is asked."""

    asked = 0

    def pair(self, at):
        type(self).asked += 1
        return super().pair(at)


@pytest.mark.parametrize("word", ["a", "abcab", "abacabad" * 50])
def test_work_grows_with_the_text_not_with_its_square(word, monkeypatch):
    monkeypatch.setattr(byte_pairs, "Row", Counted)
    long = (word * 20_000)[:20_000]
    merges = learn({long: 1}, 30)
    assert len(join(byte_tokens(long), merges)) < 10_000
    assert Counted.asked < 40 * len(long)
    Counted.asked = 0


def test_the_names_of_the_bytes():
    assert sorted(BYTES) == list(range(256))
    assert set(NAMES) == set(pre_tokenizers.ByteLevel.alphabet())
    assert list(NAMES) == sorted(NAMES)
    assert to_name(b" the\n") == "ĠtheĊ"
    assert [NAMES.index(name) for name in "!AaĠĊ"] == [0, 32, 64, 220, 198]  # as in GPT-2's file
    assert from_name(to_name(bytes(range(256)))) == bytes(range(256))
    with pytest.raises(ValueError, match=r"'न' in 'aन' names no byte"):
        from_name("aन")


written = st.characters(exclude_categories=["Cn", "Cs"])


@given(st.text(written) | st.lists(st.sampled_from("'sdm tvreVE12  \n\t.é")).map("".join))
@example("in 2048, 3½ or ٤٢")
@example("it's IT'S they've I'VE ''ll  'd   \n\n  x \t")
def test_words_are_those_of_hugging_face(text):
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    spans = [span for _, span in splitter.pre_tokenize_str(text)]
    assert words(text) == [text[start:end] for start, end in spans]
    assert "".join(words(text)) == text


def test_the_tokens_of_bytes():
    assert bytes(BYTES[token] for token in byte_tokens("न\n!")) == "न\n!".encode()
    assert bytes(BYTES[token] for token in byte_tokens("\udcff")) == b"\xff"
