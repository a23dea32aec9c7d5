"""The command that trains the models of chapter 17: a few steps of it, and what it stored."""

import pytest
import torch

import train_splitters
from tantra.metre.splitting import PAD, pools
from train_splitters import COLUMNS, DEFAULT, ROWS, SHORT, WRITERS, OneStack, TwoStacks, stored


@pytest.mark.parametrize("name", WRITERS)
def test_a_short_run_of_each_writer(name):
    row = train_splitters.row(name, 2, 0, lines=2)
    assert row[:3] == [name, 2, 0]
    assert len(row) == len(COLUMNS)


def test_the_file_has_rows_of_the_command():
    found = [(one["writer"], int(one["steps"]), int(one["seed"])) for one in stored()]
    assert found == [one for one in ROWS if one in found]
    assert {("encoder and decoder", SHORT, 0), ("encoder and decoder", DEFAULT, 0)} <= {*found}
    for one in stored():
        assert 0 <= float(one["exact"]) <= float(one["valid"]) <= 1


def test_rows_that_are_there_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(train_splitters, "FILE", tmp_path / "some.tsv")
    monkeypatch.setattr(train_splitters, "ROWS", [("no memory", 1, 0), ("no memory", 1, 1)])
    made = []
    monkeypatch.setattr(
        train_splitters, "row", lambda *one: made.append(one) or [*one, *"12345678"]
    )
    train_splitters.main()
    train_splitters.main()
    assert made == train_splitters.ROWS
    assert [one["seed"] for one in stored()] == ["0", "1"]


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
