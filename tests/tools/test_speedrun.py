import json

import pytest

import speedrun
from tantra.recipes import IDEAS


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A race of two steps on a text of its own; the file it keeps."""
    monkeypatch.setattr(speedrun, "SIZES", speedrun.SIZES | {"d_model": 16, "num_layers": 1})
    monkeypatch.setattr(speedrun, "JUDGED", 1)
    monkeypatch.setattr(speedrun, "ROUNDS", 1)
    monkeypatch.setattr(speedrun, "RATES", {"plain": (1e-3, 2e-3)})
    text, kept = tmp_path / "text.txt", tmp_path / "kept.json"
    text.write_text("the cat sat on the mat. " * 200, encoding="utf-8")
    words = ["--steps", "2", "--seeds", "2", "--text", str(text), "--keep", str(kept)]
    return words, kept


def test_every_idea_has_a_rung_and_the_best_is_kept(small, capsys):
    words, kept = small
    speedrun.main(words)
    ladder = json.loads(kept.read_text("utf-8"))["ladder"]
    assert [rung["idea"] for rung in ladder] == ["plain", *IDEAS]
    least = float("inf")
    for rung in ladder:
        mean = sum(rung["losses"]) / len(rung["losses"])
        assert len(rung["losses"]) == 2
        assert rung["kept"] == (mean < least)
        least = min(least, mean)
    page = kept.with_suffix(".md").read_text("utf-8")
    assert all(f"| {idea} |" in page for idea in IDEAS)
    assert "a text of the reader's" in page


def test_runs_that_are_kept_are_not_made_again(small, capsys, monkeypatch):
    words, kept = small
    speedrun.main(words)
    before = kept.read_text("utf-8")
    monkeypatch.setattr(speedrun.Runs, "start", None)
    speedrun.main(words)
    assert json.loads(kept.read_text("utf-8"))["ladder"] == json.loads(before)["ladder"]


def test_dearer_steps_get_fewer(small):
    kept = small[1]
    kept.write_text(json.dumps({"runs": {"cost | Muon": 1.6}}), encoding="utf-8")
    runs = speedrun.Runs("some text " * 200, 200, kept)
    assert runs.steps_for(("Muon",)) == 125
    assert runs.steps_for(()) == 200
