"""The command that trains the models of chapter 15: a few steps of it."""

import itertools

import pytest

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
    train_inside.main(1, 2, path)
    model, numbers = load_trained(path, CONFIGS[INSIDE])
    assert model.config.feed_forward == "gelu"
    assert (numbers["steps"], numbers["seed"]) == (2, 1)


@pytest.mark.parametrize(("seed", "file"), list(enumerate(train_inside.FILES)))
def test_the_files_say_what_the_command_does(seed, file):
    numbers = trained_numbers(file)
    assert (numbers["seed"], numbers["steps"]) == (seed, train_inside.STEPS)
    assert numbers["lines"] == train_verse.LINES
    assert numbers["temperature"] == train_verse.TEMPERATURE
