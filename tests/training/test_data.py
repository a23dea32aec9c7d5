import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tantra import CharTokenizer, batches, course_text

ROW = list(range(100, 160))  # each token tells its own place


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def as_memory_map(tmp_path, tokens):
    path = tmp_path / "tokens.bin"
    np.asarray(tokens, np.uint16).tofile(path)
    return np.memmap(path, dtype=np.uint16, mode="r")


KINDS = {
    "list": lambda tokens, _: tokens,
    "tuple": lambda tokens, _: tuple(tokens),
    "int64": lambda tokens, _: np.array(tokens),
    "uint8": lambda tokens, _: np.array(tokens, np.uint8),
    "tensor": lambda tokens, _: torch.tensor(tokens),
    "int32 tensor": lambda tokens, _: torch.tensor(tokens, dtype=torch.int32),
    "memory map": lambda tokens, path: as_memory_map(path, tokens),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_tokens_gives_the_same_batches(kind, tmp_path):
    ours = batches(KINDS[kind](ROW, tmp_path), 3, 7, generator=seeded())
    theirs = batches(np.array(ROW), 3, 7, generator=seeded())
    for mine, other in itertools.islice(zip(ours, theirs, strict=True), 5):
        for x, y in zip(mine, other, strict=True):
            assert x.shape == (3, 7)
            assert x.dtype == torch.int64
            assert torch.equal(x, y)


@given(
    length=st.integers(1, 12), spare=st.integers(1, 5), batch=st.integers(1, 6), seed=st.integers(0)
)
def test_batches_are_windows_and_targets_come_one_later(length, spare, batch, seed):
    tokens = torch.arange(50, 50 + length + spare)
    drawn = batches(tokens, batch, length, generator=seeded(seed % 2**60))
    for inputs, targets in itertools.islice(drawn, 4):
        assert inputs.shape == targets.shape == (batch, length)
        assert torch.equal(inputs + 1, targets)  # the row counts up
        assert (inputs[:, 1:] == inputs[:, :-1] + 1).all()
        assert inputs.min() >= 50
        assert targets.max() < 50 + length + spare


def test_every_window_is_drawn_and_about_equally_often():
    drawn = batches(range(10), 50, 4, generator=seeded())
    firsts = torch.cat([inputs[:, 0] for inputs, _ in itertools.islice(drawn, 60)])
    counts = firsts.bincount()
    assert len(counts) == 6  # of 10 tokens, 5 at a time: the last window begins at 5
    assert counts.min() > 3000 / 6 * 0.8
    assert counts.max() < 3000 / 6 * 1.2


def test_only_the_generator_decides():
    first, again, other = (next(batches(ROW, 4, 9, generator=seeded(s)))[0] for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    state = torch.get_rng_state()
    next(batches(ROW, 4, 9, generator=seeded()))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_batch_is_drawn_only_when_asked_for():
    generator = seeded()
    drawn = batches(ROW, 2, 5, generator=generator)
    before = generator.get_state()
    next(drawn)
    between = generator.get_state()
    assert not torch.equal(before, between)
    resumed = seeded(7)
    resumed.set_state(between)
    again = batches(ROW, 2, 5, generator=resumed)
    assert torch.equal(next(drawn)[0], next(again)[0])


def test_a_memory_map_is_neither_copied_whole_nor_changed(tmp_path, monkeypatch):
    tokens = as_memory_map(tmp_path, ROW)
    read = []
    original = np.memmap.__getitem__
    monkeypatch.setattr(
        np.memmap,
        "__getitem__",
        lambda self, places: read.append(np.size(places)) or original(self, places),
    )
    next(batches(tokens, 2, 5, generator=seeded()))
    assert read == [2 * 6]
    inputs, _ = next(batches(KINDS["tensor"](ROW, None), 2, 5, generator=seeded()))
    inputs += 1
    assert tokens.tolist() == ROW


@pytest.mark.parametrize(
    ("tokens", "error", "says"),
    [
        ([], ValueError, "0 tokens are too few: a window of length 5 and its next token need 6"),
        (ROW[:5], ValueError, "5 tokens are too few"),
        (np.ones(9), TypeError, "tokens are float64; give whole numbers"),
        (np.ones(9, bool), TypeError, "tokens are bool"),
        (torch.ones(9), TypeError, "tokens are torch.float32"),
        (torch.ones(9, dtype=torch.bool), TypeError, "tokens are torch.bool"),
        ("a text, not its tokens", ValueError, r"shape \(\); give one row"),
        (list("letters"), TypeError, "tokens are <U1"),
        (np.ones((3, 9), int), ValueError, r"tokens have shape \(3, 9\); give one row"),
    ],
)
def test_tokens_that_cannot_be_used_are_refused_at_once(tokens, error, says):
    with pytest.raises(error, match=says):
        batches(tokens, 2, 5)


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"length": 0}, {"length": 2.0}])
def test_sizes_are_counts(wrong):
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        batches(ROW, **{"batch_size": 2, "length": 5} | wrong)


def test_the_shortest_row_that_is_long_enough():
    inputs, targets = next(batches(ROW[:6], 2, 5))
    assert inputs.tolist() == [ROW[:5]] * 2
    assert targets.tolist() == [ROW[1:6]] * 2


def test_the_text_of_the_course_becomes_batches():
    text = course_text()
    assert len(text) > 60_000
    assert "Transformer" in text
    tokenizer = CharTokenizer(text)
    inputs, targets = next(batches(tokenizer.encode(text), 2, 40, generator=seeded()))
    assert tokenizer.decode(inputs[0].tolist()) in text
    assert tokenizer.decode(targets[0].tolist())[:-1] == tokenizer.decode(inputs[0].tolist())[1:]
