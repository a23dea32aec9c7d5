import json

import pytest

import speedrun
from tantra.training.recipes import IDEAS


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
    words += ["--fresh", "2"]
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
    text = "some text " * 200
    speedrun.Runs(text, 200, kept).remember(("cost", "Muon"), lambda: 1.6)
    runs = speedrun.Runs(text, 200, kept)
    assert runs.steps_for(("Muon",)) == 125
    assert runs.steps_for(()) == 200


def test_runs_on_another_text_are_not_taken_for_these(small, tmp_path):
    words, kept = small
    speedrun.main(words)
    before = kept.read_bytes()
    other = tmp_path / "other.txt"
    other.write_text("another text, and none of it kept. " * 200, encoding="utf-8")
    said = speedrun.main([*words[:5], str(other), *words[6:]])
    assert "keeps the runs on another text" in said
    assert kept.read_bytes() == before
    assert "No such file" in speedrun.main([*words[:5], str(tmp_path / "none"), *words[6:]])


def test_a_write_that_fails_leaves_the_file_as_it_was(small, monkeypatch):
    words, kept = small
    speedrun.main(words)
    before = kept.read_bytes()
    monkeypatch.setattr("tantra.files.os.replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        speedrun.main([*words, "--seeds", "3"])
    assert kept.read_bytes() == before


def test_fresh_seeds_judge_each_idea_beside_what_it_was_added_to(small):
    words, kept = small
    speedrun.main(words)
    saved = json.loads(kept.read_text("utf-8"))
    base, ideas = "plain", ()
    for rung in saved["ladder"]:
        tried = () if rung["idea"] == "plain" else (*ideas, rung["idea"])
        key = " | ".join(map(str, ("loss", *tried, rung["rate"], rung["steps"])))
        assert rung["fresh"] == [saved["runs"][f"{key} | {seed}"] for seed in (2, 3)]
        assert rung["against"] == base
        if rung["kept"]:
            base, ideas = rung["idea"], tried


@pytest.mark.parametrize(
    ("fresh", "said"), [([1, 2], "lower"), ([6, 7], "higher"), ([2, 4], "not shown")]
)
def test_one_rule_for_what_wins_and_what_loses(fresh, said):
    base = {"idea": "plain", "against": "plain", "fresh": [3, 5]}
    rung = {"idea": "Muon", "against": "plain", "fresh": fresh}
    assert speedrun.verdict(rung, [base, rung]) == said


def test_a_row_of_the_race_is_reproduced():
    runs = speedrun.Runs("\n".join(speedrun.corpus(60_000)), 200, speedrun.KEEP)
    rung = runs.kept["ladder"][-1]
    assert rung["idea"] == "Muon"
    ideas = [one["idea"] for one in runs.kept["ladder"][1:] if one["kept"]]
    again = runs._loss(tuple(ideas), rung["rate"], rung["steps"], seed=3)
    assert again == pytest.approx(rung["fresh"][0], abs=0.03)  # roundings differ by processor
