"""Averaging: the mean of the weights of several checkpoints, often better than the last alone."""

import copy

import torch

from tantra.training.checkpoints import load
from tantra.training.whole import weights


def average_checkpoints(paths, model) -> None:
    """Put into model the mean of the weights kept at these paths, each weight counted once.

    A table with two names, as in tied models, is one weight.  Sums are float64.  Raises ValueError
    for no path, and as load does for a file that is damaged or does not fit; nothing is changed
    then.  Source: Vaswani et al. 2017, section 6.1.
    """
    paths = list(paths)
    if not paths:
        raise ValueError("no checkpoint to average; give the paths of at least one")
    trial, sums = copy.deepcopy(model), {}
    for path in paths:
        load(path, trial)
        for name, x in weights(trial).items():
            sums[name] = sums.get(name, 0) + x.detach().double()
    with torch.no_grad():
        for name, x in weights(model).items():
            x.copy_(sums[name] / len(paths))
