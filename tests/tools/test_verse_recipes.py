"""The runs behind the table of recipes of chapter 14: what is kept, and that it is made again."""

import json
import statistics

import pytest

import verse_recipes
from tantra.metre import corpus
from verse_recipes import FILE, FIRST, RECIPES, losses_of, main, new_model

RUNS = json.loads(FILE.read_text(encoding="utf-8"))


def test_every_recipe_has_at_least_two_seeds_in_the_short_setting():
    for name in RECIPES:
        found = {run["seed"] for run in RUNS if (run["recipe"], run["steps"]) == (name, 1200)}
        assert found >= {0, 1}


@pytest.mark.parametrize("number", [0, -1])
def test_a_row_is_made_again(number):
    """Its first steps: the rest of a run takes half a minute."""
    row = [run for run in RUNS if run["steps"] == 1200][number]
    model = new_model(row["recipe"], row["seed"])
    losses = losses_of(model, row["seed"], FIRST, corpus(60_000), total=1200)
    assert statistics.mean(losses) == pytest.approx(row["first loss"], abs=0.005)


def test_only_what_is_missing_is_run(tmp_path, monkeypatch):
    made = []

    def run(name, seed, steps, lines):
        made.append((name, seed))
        return {"recipe": name, "seed": seed, "steps": steps}

    monkeypatch.setattr(verse_recipes, "FILE", tmp_path / "runs.json")
    monkeypatch.setattr(verse_recipes, "run", run)
    monkeypatch.setattr(verse_recipes, "corpus", lambda count: [])
    main(["--seeds", "1", "--recipes", "and rotary"])
    main(["--seeds", "2", "--recipes", "plain", "and rotary"])
    assert made == [("and rotary", 0), ("plain", 0), ("plain", 1), ("and rotary", 1)]
    kept = json.loads((tmp_path / "runs.json").read_text(encoding="utf-8"))
    assert [row["recipe"] for row in kept] == ["plain", "plain", "and rotary", "and rotary"]
