"""Tokens of sound: there and back, and what is refused."""

import unicodedata

import pytest
import torch

from tantra.metre import VarnaTokenizer, corpus, half_verses, phonemes
from tantra.metre.scan import SOUNDS

TOKENIZER = VarnaTokenizer()


def test_one_token_for_each_sound():
    assert set(TOKENIZER.symbols) == SOUNDS | {" ", "\n"}
    assert len(TOKENIZER.symbols) == TOKENIZER.vocab_size == 51
    assert TOKENIZER.symbols[TOKENIZER.line_end] == "\n"
    order = (
        " aāiīuūṛṝḷḹeaioauṃḥkkhgghṅcchjjhñṭṭhḍḍhṇtthddhnpphbbhmyrlvśṣsh"  # checkpoints hang on it
    )
    assert "".join(TOKENIZER.symbols) == "\n" + order
    assert [TOKENIZER.encode(symbol) for symbol in TOKENIZER.symbols] == [[n] for n in range(51)]


def test_lines_come_back():
    verses = half_verses(3)
    text = "\n".join(next(verses) for _ in range(200)) + "\n"
    tokens = TOKENIZER.encode(text)
    assert all(type(token) is int for token in tokens)
    assert TOKENIZER.decode(tokens) == text
    sounds = [TOKENIZER.symbols[token] for token in tokens]
    assert [sound for sound in sounds if sound not in " \n"] == phonemes(text)
    assert sounds.count("\n") == 200


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("khai\n", ["kh", "ai", "\n"]),
        ("ca iha", ["c", "a", " ", "i", "h", "a"]),  # a and i of two words are not ai
        (" a  ā\n\n", [" ", "a", " ", " ", "ā", "\n", "\n"]),
        ("", []),
    ],
)
def test_pieces(text, sounds):
    tokens = TOKENIZER.encode(text)
    assert [TOKENIZER.symbols[token] for token in tokens] == sounds
    assert TOKENIZER.decode(tokens) == text


def test_combining_marks_are_understood():
    split = unicodedata.normalize("NFD", "śūraḥ")
    assert TOKENIZER.encode(split) == TOKENIZER.encode("śūraḥ")


def test_a_tensor_is_decoded():
    assert TOKENIZER.decode(torch.tensor(TOKENIZER.encode("gajaḥ"))) == "gajaḥ"


@pytest.mark.parametrize(
    ("text", "word", "stranger"),
    [
        ("gaja quickly", "quickly", "q"),
        ("Gaja", "Gaja", "G"),
        ("so 'pi", "'pi", "'"),
        ("गज", "गज", "गज"),
        ("ga\tja", "ga\tja", "\t"),
    ],
)
def test_what_is_no_sound_is_named(text, word, stranger):
    with pytest.raises(ValueError, match="which is no sound of IAST") as caught:
        TOKENIZER.encode(text)
    assert f"{word!r} has {stranger!r}" in str(caught.value)


@pytest.mark.parametrize("token", [-1, 51])
def test_what_is_no_token_is_named(token):
    with pytest.raises(ValueError, match=f"{token} is no token; they go from 0 to 50"):
        TOKENIZER.decode([0, token])


def test_the_longest_line_fits_a_context_of_64(monkeypatch, tmp_path):
    monkeypatch.setenv("TANTRA_CACHE", str(tmp_path))
    assert max(len(TOKENIZER.encode(line)) for line in corpus(500)) < 64
