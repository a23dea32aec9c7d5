"""Look inside a running model: named places to listen, which cost nothing while nobody does."""

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch

import torch
from torch import nn


class Probe(nn.Module):
    """Returns x as it came; a named place where record listens.

    x (...)  ->  (...)

    A forward hook on a probe may also return something else, which then takes the place of x:
    that is how a head is removed.
    """

    def forward(self, x):
        return x

    @property
    def watched(self):
        """Whether anybody listens here now."""
        return bool(self._forward_hooks)


@contextmanager
def record(model, *patterns) -> Iterator[dict[str, torch.Tensor]]:
    """A dictionary of what passes through the probes of model, by name, while the block runs.

        with record(model) as seen:
            model(tokens)
        seen["blocks.0.attention.weights"]  # (B, H, T, S)

    Each name is where the probe sits in the model.  patterns such as "*.weights" choose among
    them, and only the chosen ones cost anything.  When a probe is passed twice, the last passage
    is kept.  Raises ValueError when no probe matches, and for a compiled model, which skips its
    probes.
    """
    seen = {}
    hooks = [
        probe.register_forward_hook(_listener(seen, name))
        for name, probe in _chosen(model, patterns).items()
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _listener(seen, name):
    def listen(probe, args, output):
        seen[name] = output.detach()

    return listen


def _chosen(model, patterns):
    if hasattr(model, "_orig_mod"):
        raise ValueError("a compiled model skips its probes; record the model you compiled")
    probes = {name: part for name, part in model.named_modules() if isinstance(part, Probe)}
    chosen = {
        name: probe
        for name, probe in probes.items()
        if not patterns or any(fnmatch(name, pattern) for pattern in patterns)
    }
    if not chosen:
        asked = ", ".join(map(repr, patterns)) or "any name"
        raise ValueError(f"no probe is called {asked}; the model has {list(probes) or 'none'}")
    return chosen
