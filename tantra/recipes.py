"""Recipes: what to change in GPT-2's training for a lower loss in the same time.

The library's defaults stay GPT-2's.  tools/speedrun.py tried the ideas one by one; its table is
benchmarks/results/speedrun.md, and speedrun_recipe puts together those that won.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import nn

from tantra.arrays import check_count, check_divides, check_width, one_of
from tantra.layers import FeedForward
from tantra.model import GPT
from tantra.muon import Muon, Together
from tantra.optimizers import AdamW

IDEAS = {  # what each puts in the place of what
    "linear decay": "the learning rate falls in a line to 0 at the last step",
    "RMS norm": "for layer norm",
    "squared ReLU": "for GELU",
    "rotary positions": "for learned ones",
    "normalised queries and keys": "each head's vectors have mean square 1",
    "zero output projections": "each block starts by adding nothing",
    "Muon": "for AdamW, on the matrices of the blocks",
}
WARMUP = 20  # steps, for every recipe


@dataclass(frozen=True)
class Recipe:
    """A model to train, what trains it, and the learning rate of each step: as train takes them."""

    model: GPT
    optimizer: object
    schedule: Callable


def speedrun_recipe(config, *, steps, lr=0.008, generator=None):
    """The Recipe that won the speedrun, for a model of the config's sizes and this many steps."""
    lost = "RMS norm", "zero output projections"
    won = [idea for idea in IDEAS if idea not in lost]
    return recipe(config, won, steps=steps, lr=lr, generator=generator)


def recipe(config, ideas=(), *, steps, lr, generator=None):
    """The Recipe of GPT-2's parts with these IDEAS instead; without any, plain AdamW.

    lr is the highest learning rate.  Raises ValueError for an idea that has no such name.
    """
    for idea in ideas:
        one_of(IDEAS, "idea", idea)
    check_count(steps=steps)
    norm = "rms" if "RMS norm" in ideas else config.norm
    positions = "rotary" if "rotary positions" in ideas else config.positions
    model = GPT(replace(config, norm=norm, positions=positions), generator=generator)
    for block in model.blocks:
        _change(block, config, ideas, generator)
    model.initialise(generator)
    if "zero output projections" in ideas:  # each block starts as if it were not there
        for block in model.blocks:
            nn.init.zeros_(block.attention.output.weight)
            nn.init.zeros_(block.feed_forward.down.weight)
    optimizer = _muon(model, lr) if "Muon" in ideas else AdamW(model.parameters(), lr=lr)

    def schedule(step):
        rest = (steps - step) / steps if "linear decay" in ideas else 1
        return lr * min((step + 1) / WARMUP, max(0, rest), 1)

    return Recipe(model, optimizer, schedule)


def _change(block, config, ideas, generator):
    if "squared ReLU" in ideas:
        sizes = config.d_model, config.d_ff, config.bias
        block.feed_forward = SquaredReLU(*sizes, generator=generator)
    if "normalised queries and keys" in ideas:
        for name in ("query", "key"):
            parts = {"linear": getattr(block.attention, name), "norm": HeadNorm(config.d_head)}
            setattr(block.attention, name, nn.Sequential(OrderedDict(parts)))


def _muon(model, lr):
    """Muon for the matrices of the blocks, AdamW for embeddings and all else."""
    matrices = [weight for weight in model.blocks.parameters() if weight.ndim == 2]
    taken = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in taken]
    return Together(Muon(matrices, lr=lr), AdamW(others, lr=lr))


class SquaredReLU(FeedForward):
    """Expand, square what is positive, compress.

    x (B, T, D)  ->  (B, T, D)

    Source: So et al. 2021, section 4.
    """

    def forward(self, x):
        check_width(x, self.d_model, "this feed-forward")
        return self.down(F.relu(self.up(x)).square())


class HeadNorm(nn.Module):
    """Each head's vector scaled to mean square 1, so that no score can grow beyond √K.

    x (B, T, H·K)  ->  (B, T, H·K)

    Rotary positions turn a vector and keep its length, so it stands before them as well as after.
    Source: Henry et al. 2020, with length √K for their 1 and no gain.
    """

    def __init__(self, d_head):
        super().__init__()
        check_count(d_head=d_head)
        self.d_head = d_head

    def forward(self, x):
        check_divides(width=x.shape[-1], d_head=self.d_head)
        heads = x.unflatten(-1, (-1, self.d_head))  # (B, T, H, K)
        return F.rms_norm(heads, (self.d_head,), eps=1e-5).flatten(-2)
