"""The command that trains the small model: its batches, and a few steps of it."""

import itertools

import pytest
import torch

import train_verse
from tantra import GPT
from tantra.metre import half_verses
from tantra.metre.trained import CONFIG, load_trained
from train_verse import BATCH, NO_TARGET, POOL, batches, compose, learn, shares, tokenizer


@pytest.fixture(scope="module")
def lines():
    return list(itertools.islice(half_verses(2), 300))


def test_each_row_of_a_batch_is_one_line(lines, generator):
    seen = set()
    for inputs, targets in itertools.islice(batches(lines, generator), POOL):
        assert inputs.shape == targets.shape == (BATCH, inputs.shape[1])
        for row, following in zip(inputs.tolist(), targets.tolist(), strict=True):
            length = [*following, NO_TARGET].index(NO_TARGET)
            assert set(following[length:]) <= {NO_TARGET}
            assert row[1:length] == following[: length - 1]
            line = tokenizer.decode(row[:1] + following[:length])
            assert (line[0], line[-1]) == ("\n", "\n")
            assert line.strip("\n") in lines
            seen.add(line)
        lengths = (targets != NO_TARGET).sum(1)
        assert lengths.max() == targets.shape[1]
        assert lengths.max() - lengths.min() < 8  # rows of about one length
    assert len(seen) > 100


def test_it_learns_and_writes(lines, tmp_path, generator, monkeypatch):
    monkeypatch.setattr(train_verse, "WARMUP", 2)
    model = GPT(CONFIG, generator=generator)
    errors = [error for _, error in learn(model, lines, 12, generator)]
    assert errors[0] == pytest.approx(torch.tensor(CONFIG.vocab_size).log().item(), abs=0.2)
    assert errors[-1] < 3.4
    written = compose(model, count=3)
    assert len(written) == 3
    assert all("\n" not in line for line in written)


def test_what_is_kept_is_what_was_measured(lines, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_verse, "corpus", lambda count, seed: lines)
    monkeypatch.setattr(train_verse, "WARMUP", 1)
    monkeypatch.setattr(train_verse, "SAMPLES", 5)
    path = tmp_path / "model.safetensors"
    train_verse.main(2, path)
    model, numbers = load_trained(path)
    assert (numbers["steps"], numbers["seed"]) == (2, 0)
    assert numbers.items() >= shares(compose(model, count=5)).items()
    assert "('metre', 0.0)" in capsys.readouterr().out


def test_shares():
    good, bad = "kokilo vimalo mandaṃ priyaś ca hṛdi śobhate", "kokilāḥ patati śanaiḥ"
    assert shares([good, bad, good, "x"]) == {
        "metre": 0.5, "caesura": 0.75, "words": 0.75, "sandhi": 0.75, "grammar": 0.5, "verse": 0.5,
    }  # fmt: skip
