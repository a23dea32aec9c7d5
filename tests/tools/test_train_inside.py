"""The command that trains the model of chapter 15: a few steps of it."""

import itertools

import train_inside
import train_verse
from tantra.metre import half_verses
from tantra.metre.trained import CONFIGS, INSIDE, load_trained, trained_numbers


def test_a_short_run(tmp_path, monkeypatch):
    lines = list(itertools.islice(half_verses(2), 300))
    monkeypatch.setattr(train_verse, "corpus", lambda count, seed: lines)
    monkeypatch.setattr(train_verse, "WARMUP", 1)
    monkeypatch.setattr(train_verse, "SAMPLES", 3)
    path = tmp_path / INSIDE
    train_inside.main(2, path, 7)
    model, numbers = load_trained(path, CONFIGS[INSIDE])
    assert model.config.feed_forward == "gelu"
    assert (numbers["steps"], numbers["seed"]) == (2, 7)


def test_the_file_says_what_the_command_does():
    numbers = trained_numbers(INSIDE)
    assert (numbers["seed"], numbers["steps"]) == (train_inside.SEED, train_inside.STEPS)
    assert numbers["lines"] == train_verse.LINES
    assert numbers["temperature"] == train_verse.TEMPERATURE
