"""Characters and byte pairs: there and back, and equal to an independent tokenizer."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tantra import CharTokenizer

TEXT = "a banana, नदी\nÄ 🙂"


def test_one_token_a_character_in_unicode_order():
    tokenizer = CharTokenizer(TEXT)
    assert tokenizer.characters == "\n ,abnÄदनी🙂"
    assert tokenizer.vocab_size == 11
    assert tokenizer.encode("ban") == [4, 3, 5]
    assert tokenizer.encode(tokenizer.characters) == list(range(11))
    assert tokenizer.encode("") == []
    assert CharTokenizer(tokenizer.characters).characters == tokenizer.characters


@given(st.text(min_size=1))
def test_characters_come_back(text):
    tokenizer = CharTokenizer(text)
    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens) == text
    assert sorted(set(tokens)) == list(range(tokenizer.vocab_size))


def test_any_row_of_whole_numbers_is_decoded():
    tokenizer = CharTokenizer("abn")
    for tokens in ([1, 0, 2], (1, 0, 2), np.array([1, 0, 2]), torch.tensor([1, 0, 2])):
        assert tokenizer.decode(tokens) == "ban"
    assert tokenizer.decode(iter(torch.tensor([1, 0, 2]))) == "ban"
    assert tokenizer.decode([]) == ""


def test_an_unknown_character_is_named():
    with pytest.raises(ValueError, match=r"'é' at place 3 is none of the 4 .*text that holds it"):
        CharTokenizer("cafe").encode("caféé")


@pytest.mark.parametrize("text", [b"abc", None, ["a"], 3])
def test_text_is_a_string(text):
    kind = type(text).__name__
    with pytest.raises(TypeError, match=f"text is of type {kind}; give a string"):
        CharTokenizer(text)
    with pytest.raises(TypeError, match=f"text is of type {kind}; give a string"):
        CharTokenizer("abc").encode(text)


def test_no_text_no_tokens():
    with pytest.raises(ValueError, match="text is empty; give text that holds"):
        CharTokenizer("")


@pytest.mark.parametrize("token", [3, -1])
def test_an_unknown_token_is_named(token):
    with pytest.raises(ValueError, match=f"token {token} at place 1 is unknown: the 3 .* 0 to 2"):
        CharTokenizer("abc").decode([0, token])


@pytest.mark.parametrize("tokens", [[0.0], ["a"], "ab", [[0, 1]], torch.zeros(2, 2), 1, None])
def test_tokens_are_one_row_of_whole_numbers(tokens):
    with pytest.raises(TypeError, match=r"tokens are one row of whole .* this is .*; take one row"):
        CharTokenizer("abc").decode(tokens)
