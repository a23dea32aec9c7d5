"""Initial weights: what a linear map holds before it has learned anything."""

import torch
from torch import nn


def linear(d_in, d_out, bias=True, generator=None):
    """A torch.nn.Linear, its initial weights drawn from generator and from nowhere else."""
    device = torch.get_default_device()
    layer = nn.utils.skip_init(nn.Linear, d_in, d_out, bias=bias, device=device)
    for weights in layer.parameters():
        nn.init.uniform_(weights, -(d_in**-0.5), d_in**-0.5, generator=generator)
    return layer
