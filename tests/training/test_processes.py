"""Several processes on this machine alone: they talk through 127.0.0.1, so no network is needed."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tantra import processes

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "train.py"
SMALL = ["--batch", "4", "--length", "8"]


def losses(printed):
    return [float(number) for number in re.findall(r"^step \d+  loss ([\d.]+)$", printed, re.M)]


def environment(**more):
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


def alone(*words):
    return runpy.run_path(str(EXAMPLE))["main"](list(map(str, [*SMALL, *words])))


def by_torchrun(*command):
    """What two processes print that torchrun starts."""
    torchrun = "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"
    done = subprocess.run(
        [sys.executable, *torchrun, "--nproc-per-node", "2", *command],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


TALK = """
import functools
import runpy
import sys

import torch
from torch import nn
from tantra import GPT, AdamW, GPTConfig, cross_entropy, processes, train

SMALL = GPTConfig(vocab_size=7, context_length=4, d_model=8, num_layers=1, num_heads=2)
TARGETS = [[2, -1, -1, -1], [2, 3, 4, 5]], [[1, 1, 1, -1], [0, 2, -1, 1]], [[-1] * 4, [6, 5, 4, 3]]
BATCHES = [(torch.tensor([[1, 2, 3, 4]] * 2), torch.tensor(rows)) for rows in TARGETS]
LOSS = functools.partial(cross_entropy, ignore=-1)

with processes.together() as device:
    rank, count = torch.distributed.get_rank(), processes.count()
    assert (device.type, count, processes.first()) == ("cpu", 2, rank == 0)

    batch = torch.arange(6), torch.arange(6) + 1
    ((inputs, targets),) = processes.share([batch])
    assert inputs.tolist() == [[0, 2, 4], [1, 3, 5]][rank]
    assert torch.equal(targets, inputs + 1)
    try:
        next(processes.share([(torch.arange(5),)]))
    except ValueError as error:
        assert "rows (5) must be a multiple of processes (2)" in str(error), error
    else:
        raise AssertionError("five rows were shared out among two")

    number = torch.tensor(1.0 + rank, requires_grad=True)
    assert processes.mean(number).item() == 1.5
    assert number.item() == 1.0 + rank

    model = nn.Linear(2, 3)
    model.register_buffer("seen", torch.full((1,), float(rank)))
    with torch.no_grad():
        for weights in model.parameters():
            weights.fill_(rank + 1.0)
    processes.same_weights(model)
    assert all((weights == 1).all() for weights in model.parameters())
    assert model.seen.item() == 0

    model.weight.grad = torch.full((3, 2), 2.0 + 2 * rank)
    model.weight.grad[0, 1] = 5.0
    processes.average_gradients(model.parameters())
    assert model.weight.grad.tolist() == [[3, 5], [3, 3], [3, 3]]
    assert model.bias.grad is None

    # a mean over targets, of which one process has fewer, and in the last step none; what the other
    # process begins with is not used
    guess = [GPT(SMALL, generator=torch.Generator().manual_seed(seed)) for seed in (rank, 0)]
    losses = [
        [x for _, x in train(gpt, rows(BATCHES), AdamW(gpt.parameters()), steps=3, loss=LOSS)]
        for gpt, rows in ((guess[0], processes.share), (guess[1], list))
    ]
    torch.testing.assert_close(*map(torch.tensor, losses), rtol=1e-5, atol=0)
    for one, other in zip(*(gpt.parameters() for gpt in guess), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)

    # one step of the three batches, and of the large one that they make
    guess = [GPT(SMALL, generator=torch.Generator().manual_seed(0)) for _ in range(2)]
    whole = [tuple(map(torch.cat, zip(*BATCHES, strict=True)))]
    losses = [
        next(train(gpt, rows, AdamW(gpt.parameters()), steps=1, loss=LOSS, accumulate=number))[1]
        for gpt, rows, number in ((guess[0], processes.share(BATCHES), 3), (guess[1], whole, 1))
    ]
    torch.testing.assert_close(*map(torch.tensor, losses), rtol=1e-5, atol=0)
    for one, other in zip(*(gpt.parameters() for gpt in guess), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)

    # a loss that is not finite in one process ends all of them, and none waits for ever
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.logits = nn.Parameter(torch.zeros(3))
        def forward(self, tokens):
            return self.logits.expand(*tokens.shape, -1) / (1 - processes.first())
    odd = Odd()
    tokens = torch.zeros(1, 2, dtype=torch.int64)
    try:
        list(train(odd, [(tokens, tokens)], AdamW(odd.parameters()), steps=1))
    except ValueError as error:
        assert "the loss at step 0 is nan" in str(error), error
    else:
        raise AssertionError("a step was taken on a loss that is nan")
    print("all is well")

    example, one, two, *small = sys.argv[1:]
    there = runpy.run_path(example)
    for words in (["--steps", "3", "--save", two], ["--steps", "6", "--resume", one]):
        there["run"](there["options"]().parse_args([*small, *words]), device)
assert not torch.distributed.is_initialized()
"""


def test_two_processes_have_the_losses_of_one_and_either_goes_on_from_the_other(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    whole = alone("--steps", 6)
    np.testing.assert_allclose(alone("--steps", 3, "--save", one), whole[:3], rtol=0)
    talk = tmp_path / "talk.py"
    talk.write_text(TALK)
    printed = by_torchrun(talk, EXAMPLE, one, two, *SMALL)
    assert printed.count("all is well") == 2  # two writers of one stream: a line may end late
    np.testing.assert_allclose(losses(printed), whole, rtol=0, atol=1e-5)  # once: one prints
    np.testing.assert_allclose(alone("--steps", 6, "--resume", two), whole[3:], rtol=0, atol=1e-5)


def test_alone_nothing_changes(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    number, batch = torch.tensor(2.0), (torch.arange(5), torch.arange(5))
    model = torch.nn.Linear(2, 2)
    model.weight.grad = torch.ones(2, 2)
    with processes.together() as device:
        assert device.type == ("cuda" if torch.cuda.is_available() else "cpu")
        assert (processes.count(), processes.first()) == (1, True)
        assert processes.mean(number) is number
        assert processes.weights([3, 1, 0], device) == [0.75, 0.25, 0]
        assert processes.weights([0, 0], device) == [1, 1]
        processes.same_weights(model)
        processes.average_gradients(model.parameters())
        (shared,) = processes.share([batch])
        assert all(torch.equal(a, b) for a, b in zip(shared, batch, strict=True))
    assert (model.weight.grad == 1).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_each_process_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("LOCAL_RANK", "0")
    with processes.together() as device:
        assert device == torch.device("cuda", 0)
