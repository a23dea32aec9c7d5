"""The command that trains with warm-up and without, for chapter 17."""

import numpy as np
import pytest

from tantra import warmup_inverse_sqrt
from tantra.metre.splitting import pools
from train_splitters import FIRST, SHORT, TwoStacks, stored
from train_warm_up import COLUMNS, FILE, ROWS, WARMUP, learn, rate, row


def test_a_short_run():
    found = row("post", 2, "no", 0, steps=2, lines=2)
    assert found[:4] == ["post", 2, "no", 0]
    assert len(found) == len(COLUMNS)


def test_the_file_has_all_rows_of_the_command():
    found = [
        (one["norm"], int(one["layers"]), one["warmup"], int(one["seed"])) for one in stored(FILE)
    ]
    assert found == ROWS


def test_the_control_differs_in_the_first_steps_alone():
    with_it, without = ([rate(step, warmup) for step in range(SHORT)] for warmup in ("yes", "no"))
    assert with_it == [warmup_inverse_sqrt(s, d_model=64, warmup=WARMUP) for s in range(SHORT)]
    assert without[WARMUP - 1 :] == with_it[WARMUP - 1 :]
    assert set(without[:WARMUP]) == {max(with_it)}


@pytest.mark.parametrize("one", [("post", 2, "no", 0), ("pre", 2, "yes", 0)], ids=str)
def test_a_stored_training_begins_as_it_is_stored(one):
    norm, layers, warmup, seed = one
    kept = next(r for r in stored(FILE) if [*r.values()][:4] == [*map(str, one)])
    model = TwoStacks(seed, norm_position=norm, num_layers=layers).model
    losses = learn(model, warmup, seed, pools()[0], steps=FIRST)
    assert np.mean(losses) == pytest.approx(float(kept["first"]), abs=1e-3)
