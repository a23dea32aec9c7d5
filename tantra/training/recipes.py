"""Recipes: what to change in GPT-2's training for a lower loss in the same time.

The library's defaults stay GPT-2's.  tools/speedrun.py tried the ideas one by one; its table is
benchmarks/speedrun.md.  speedrun_recipe puts together those that its three seeds chose; the
table also says of which of them fresh seeds show that they lower the loss.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import nn

from tantra.checks import check_count, one_of
from tantra.model import GPT, last_layers
from tantra.training.muon import Muon, Optimizers
from tantra.training.optimizers import AdamW

IDEAS = {  # what each puts in the place of what
    "linear decay": "the learning rate falls in a line to 0 at the last step",
    "RMS norm": "for layer norm",
    "squared ReLU": "for GELU",
    "rotary positions": "for learned ones",
    "normalised queries and keys": "each head's vectors have mean square 1",
    "zero output projections": "each block starts by adding nothing",
    "Muon": "for AdamW, on the matrices of the blocks",
}
CHANGES = {  # the ideas that are parts of a model, as a config names them
    "RMS norm": {"norm": "rms"},
    "squared ReLU": {"feed_forward": "squared_relu"},
    "rotary positions": {"positions": "rotary"},
    "normalised queries and keys": {"attention": "qk_norm"},
}
WARMUP = 20  # steps, for every recipe


@dataclass(frozen=True)
class Recipe:
    """A model to train, what trains it, and the learning rate of each step: as train takes them."""

    model: GPT
    optimizer: object
    schedule: Callable


def speedrun_recipe(config, *, steps, lr=0.008, generator=None):
    """The Recipe that the speedrun chose, for a model of the config's sizes and so many steps."""
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
    for idea in ideas:
        config = replace(config, **CHANGES.get(idea, {}))
    model = GPT(config, generator=generator)
    if "zero output projections" in ideas:  # each block starts as if it were not there
        for layer in last_layers(model):
            nn.init.zeros_(layer.weight)
    optimizer = _muon(model, lr) if "Muon" in ideas else AdamW(model.parameters(), lr=lr)

    def schedule(step):
        rest = (steps - step) / steps if "linear decay" in ideas else 1
        return lr * min((step + 1) / WARMUP, max(0, rest), 1)

    return Recipe(model, optimizer, schedule)


def _muon(model, lr):
    """Muon for the matrices of the blocks, AdamW for embeddings and all else."""
    matrices = [weight for weight in model.blocks.parameters() if weight.ndim == 2]
    taken = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in taken]
    return Optimizers(Muon(matrices, lr=lr), AdamW(others, lr=lr))
