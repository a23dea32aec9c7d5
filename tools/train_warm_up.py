"""Train with warm-up and without, pre- and post-norm, and store the losses, for chapter 17.

    python tools/train_warm_up.py             all of ROWS that are not in the file yet
    python tools/train_warm_up.py again       all of them anew

tantra/metre/warm_up.tsv has a row for each training: where the norms stand, the layers of each
stack, whether it was warmed up, the seed, the mean loss of its first 50 steps, and that on 200
lines after the last.
"""

import functools
import itertools
import sys
from importlib.resources import files
from itertools import islice

import torch

import tantra
from tantra import AdamW, cross_entropy, train, warmup_inverse_sqrt
from tantra.metre.splitting import PAD, batches, pairs, pools, tensors
from train_splitters import BATCH, FIRST, LINES, SHORT, SIZES, TwoStacks, fill

FILE = files(tantra).joinpath("metre", "warm_up.tsv")
WARMUP = 100
COLUMNS = ("norm", "layers", "warmup", "seed", "first", "loss")
ROWS = list(itertools.product(("post", "pre"), (2, 6), ("yes", "no"), range(3)))


def rate(step, warmup):
    """That of 2017; without warm-up the first steps have the highest rate at once."""
    step = step if warmup == "yes" else max(step, WARMUP - 1)
    return warmup_inverse_sqrt(step, d_model=SIZES["d_model"], warmup=WARMUP)


def learn(model, warmup, seed, words, steps=SHORT):
    """The losses of a training, which is as that of train_splitters but for the rate."""
    optimizer = AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    how = {
        "schedule": functools.partial(rate, warmup=warmup),
        "loss": functools.partial(cross_entropy, ignore=PAD, smoothing=0.1),
    }
    supply = batches(words, BATCH, seed)
    return [value for _, value in train(model, supply, optimizer, steps=steps, **how)]


@torch.no_grad()
def loss_on_lines(model, words, lines=LINES):
    """The mean loss of a sound, in nats, not smoothed."""
    source, lengths, target = tensors(list(islice(pairs(words, 10_000), lines)))
    return cross_entropy(model(source, target[:, :-1], lengths), target[:, 1:], ignore=PAD).item()


def row(norm, layers, warmup, seed, steps=SHORT, lines=LINES):
    """What is stored of one training, in the order of COLUMNS."""
    model, words = TwoStacks(seed, norm_position=norm, num_layers=layers).model, pools()[0]
    first = learn(model, warmup, seed, words, steps)[:FIRST]
    numbers = sum(first) / len(first), loss_on_lines(model, words, lines)
    return [norm, layers, warmup, seed, *(f"{number:.4f}" for number in numbers)]


if __name__ == "__main__":
    torch.set_num_threads(1)
    fill(FILE, COLUMNS, ROWS, row, *sys.argv[1:])
