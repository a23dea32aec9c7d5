"""The command that trains the models of chapter 17: a few steps of it, and what it stored."""

import re
from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch

import course
import train_splitters
from tantra.metre.splitting import PAD, all_splits, longest_first, pairs, pools, split_scores
from train_splitters import (
    COLUMNS,
    DEFAULT,
    FIRST,
    LINES,
    ROWS,
    SHORT,
    WRITERS,
    OneStack,
    TwoStacks,
    fill,
    learn,
    size,
    stored,
)


def stored_scores(writer, steps, column):
    """One column of the stored trainings of a writer, a number for each seed."""
    kept = (one for one in stored() if (one["writer"], one["steps"]) == (writer, str(steps)))
    return [float(one[column]) for one in kept]


@pytest.mark.parametrize("name", WRITERS)
def test_a_short_run_of_each_writer(name):
    row = train_splitters.row(name, 2, 0, lines=2)
    assert row[:3] == [name, 2, 0]
    assert len(row) == len(COLUMNS)


def test_the_file_has_all_rows_of_the_command():
    assert [(one["writer"], int(one["steps"]), int(one["seed"])) for one in stored()] == ROWS
    for one in stored():
        assert 0 <= float(one["exact"]) <= float(one["valid"]) <= 1


def test_what_is_compared_has_three_seeds():
    assert set(Counter(one[:2] for one in ROWS).values()) == {3}


@pytest.mark.parametrize("name", ["encoder and decoder", "decoder alone"])
def test_a_stored_training_begins_as_it_is_stored(name):
    one = next(one for one in stored() if one["writer"] == name)
    steps, seed = int(one["steps"]), int(one["seed"])
    losses = learn(WRITERS[name](seed), steps, seed, pools()[0], until=FIRST)
    assert len(losses) == FIRST
    assert np.mean(losses) == pytest.approx(float(one["loss"]), abs=1e-3)
    others = [float(row["loss"]) for row in stored() if row["writer"] == name and row != one]
    assert min(abs(np.mean(losses) - other) for other in others) > 2e-3  # it is no other row


def test_the_sizes_are_those_of_the_models():
    for one in stored():
        found = size(WRITERS[one["writer"]](0), pools()[0])
        assert found == (int(one["parameters"]), float(one["operations"]))


def chapters_floor():
    """The fraction of exact answers that chapter 17 asks of its short setting."""
    page = course.read(course.ROOT / "notebooks" / "17_two_sequences.ipynb")
    (text,) = (cell.source for cell in page.cells if cell.id == "written")
    return float(re.search(r"floor = (\S+) if SHORT", text)[1])


def test_no_baseline_reaches_the_floor_of_the_short_setting():
    floor, (seen, unseen) = chapters_floor(), pools()
    lines = list(islice(pairs(seen, 20_000, also=unseen), LINES))
    programs = [
        [["".join(source)] for source, _ in lines],
        [longest_first(source, seen) for source, _ in lines],
        [next(iter(all_splits(source, seen, most=1)), [""]) for source, _ in lines],
    ]
    reached = [split_scores(answers, lines, {*seen, *unseen})["exact"] for answers in programs]
    for name in WRITERS.keys() - {"encoder and decoder"}:
        reached += stored_scores(name, SHORT, "new_exact")
    model = stored_scores("encoder and decoder", SHORT, "new_exact")
    assert len(reached) == 3 + 3 * 4
    assert len(model) == 3
    assert max(reached) < floor < min(model)


def test_the_default_is_valid_in_nine_of_ten_lines():
    valid = stored_scores("encoder and decoder", DEFAULT, "valid")
    assert len(valid) == 3
    assert np.median(valid) >= 0.9


def test_rows_that_are_there_are_kept(tmp_path):
    made, file = [], tmp_path / "some.tsv"

    def row(*one):
        made.append(one)
        return [*one, len(made)]

    rows, columns = [("no memory", 1, 0), ("no memory", 1, 1)], ("writer", "steps", "seed", "score")
    for _ in range(2):
        fill(file, columns, rows, row)
    assert made == rows
    assert [(one["seed"], one["score"]) for one in stored(file)] == [("0", "1"), ("1", "2")]
    fill(file, columns, rows, row, "again")
    assert [one["score"] for one in stored(file)] == ["3", "4"]


def test_a_blind_decoder_sees_no_source():
    blind, other = TwoStacks(0, blind=True).model, TwoStacks(0).model
    target = torch.tensor([[1, 4, 5]])
    for model, same in ((blind, True), (other, False)):
        logits = [model(torch.tensor([source]), target) for source in ([5, 6, 7], [8, 9, 10])]
        assert torch.equal(*logits) is same


def test_what_a_decoder_alone_is_asked():
    goes_in, wanted = next(OneStack(0).batches(pools()[0], 0))
    for row, asked in zip(goes_in.tolist(), wanted.tolist(), strict=True):
        begin = row.index(1)
        assert set(asked[:begin]) == {PAD}
        end = asked.index(2)
        assert asked[begin:end] == row[begin + 1 : end + 1]
        assert set(asked[end + 1 :]) <= {PAD}
