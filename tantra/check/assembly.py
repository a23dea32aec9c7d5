"""A GPT that runs on the reader's own passed parts.

    model = assemble(gpt)       # whose part is whose: the table that it shows
    model(tokens)               # logits; NumPy tokens run in float64, torch's can be trained

What has not been passed is taken from the library, and so is, on torch, a part that works on NumPy
only.  The model is written once, as a function of its parts; the kind of the tokens decides which
arrays flow through it.  A part that calls tantra's softmax or gelu gets the reader's.
"""

import functools

import numpy as np
import torch
from torch import nn

from tantra.arrays import namespace
from tantra.check import progress
from tantra.check.parts import WORK, arrays, complete, logits, loss, work
from tantra.check.whose import Side, Trial
from tantra.checks import one_of

# What a model must be for these parts to make it.
POSSIBLE = {
    "positions": ("learned", "learned+rotary"),
    "norm": ("layer",),
    "norm_position": ("pre",),
    "attention": ("plain",),
    "feed_forward": ("gelu", "swiglu"),
    "num_kv_heads": (None,),
    "tied": (True,),
}


def assemble(gpt, without=(), parts=None):
    """The model of gpt's weights and the reader's parts, the library's where there is none.

    without names parts to take from the library although they have been passed; parts holds
    functions to take, by name, where none has been passed.  Raises ValueError for a gpt that has
    other parts.
    """
    _check(gpt.config)
    without, parts = [without] if isinstance(without, str) else without, dict(parts or {})
    for name in [*without, *parts]:
        one_of(WORK, "a part", name)
    names = [name for name in work(gpt.config) if name not in without]
    makers = {name: lambda _, function=parts[name]: function for name in names if name in parts}
    for name in progress.passed().keys() & set(names):
        parts.pop(name, None)
        makers[name] = functools.partial(progress.mine, name, None)
    trial = Trial(gpt.config)
    sides = {kind: Side(kind, makers, trial) for kind in (np, torch)}
    return Assembly(gpt, sides, handed=parts, without=without)


def _check(config):
    possible = POSSIBLE | ({"bias": (False,)} if config.feed_forward == "swiglu" else {})
    for field, needed in possible.items():
        if (found := getattr(config, field)) not in needed:
            raise ValueError(
                f"the parts of the exercises do not make a model with {field}={found!r}; "
                f"give one with {field}={' or '.join(map(repr, needed))}"
            )


class Assembly(nn.Module):
    """The model; its parameters are gpt's, and training one trains the other.

    tokens (B, T)  ->  (B, T, V)

    own holds the functions that are not the library's, by name, for NumPy and for torch.
    """

    def __init__(self, gpt, sides, handed, without):
        super().__init__()
        self.gpt, self.config, self.sides = gpt, gpt.config, sides
        self.handed, self.without = handed, without
        self.own = {kind: side.own for kind, side in sides.items()}

    def forward(self, tokens):
        """Logits; of NumPy tokens in float64, of torch's in the type of the weights."""
        if (length := tokens.shape[-1]) > (limit := self.config.context_length):
            raise ValueError(f"{length} tokens, but the model sees {limit}: give the last {limit}")
        return logits(tokens, arrays(self.gpt, tokens), self.config, self._parts(tokens))

    def loss(self, tokens):
        """The mean of minus the log-probability of each next token."""
        return loss(self(tokens[..., :-1]), tokens, self._parts(tokens))

    def generate(self, tokens, count, rng):
        """tokens and count more, each drawn by rng from the probabilities of the last position.

        tokens (T,)  ->  (T + count,)
        """
        tokens = np.asarray(tokens)
        for _ in range(count):
            seen = tokens[None, -self.config.context_length :]
            probabilities = self._parts(tokens).softmax(self(seen)[0, -1])
            tokens = np.append(tokens, rng.choice(len(probabilities), p=probabilities))
        return tokens

    def _parts(self, tokens):
        return complete(self.own[namespace(tokens)])

    def __repr__(self):
        rows = work(self.config)
        width = max(map(len, rows))
        lines = [f"{'part':{width}}  {'in NumPy':19}  {'in torch':19}  what it does"]
        for name, what in rows.items():
            cells = (self._whose(name, side) for side in self.sides.values())
            lines.append("  ".join([f"{name:{width}}", *(f"{cell:19}" for cell in cells), what]))
        sides = self.sides.values()
        told = [line for side in sides for line in (*side.why.values(), side.fails) if line]
        return "\n".join([*lines, *dict.fromkeys(told)])

    def _whose(self, name, side):
        if name in side.why or name in self.without:
            return "library, " + ("see below" if name in side.why else "left out")
        if name not in side.own:
            return "library, not passed"
        whose = "given" if name in self.handed else "yours"
        if side.fails:
            return f"{whose}, see below"
        if not (count := side.calls[name]):
            return f"{'given' if name in self.handed else 'passed'}, not called"
        return f"{whose}, {count} call{'s' * (count > 1)}"
