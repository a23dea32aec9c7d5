"""torch's encoder layer, whose parts ours are compared with, and its weights by our names."""

import torch.nn.functional as F
from torch import nn


def renamed(theirs, prefix=""):
    """The weights of torch's encoder layer, by our names."""
    names = {
        "self_attn.out_proj": "attention.output",
        "linear1": "feed_forward.up",
        "linear2": "feed_forward.down",
    }
    ours = {
        f"{prefix}{n}.{k}": theirs[f"{t}.{k}"] for t, n in names.items() for k in ("weight", "bias")
    }
    for kind in ("weight", "bias"):
        thirds = theirs[f"self_attn.in_proj_{kind}"].chunk(3)
        for part, third in zip(("query", "key", "value"), thirds, strict=True):
            ours[f"{prefix}attention.{part}.{kind}"] = third
        for n in (1, 2):
            to = {"weight": "gain", "bias": "bias"}[kind]
            ours[f"{prefix}norm_{n}.{to}"] = theirs[f"norm{n}.{kind}"]
    return ours


def encoder_layer(norm_first, dtype, generator):
    layer = nn.TransformerEncoderLayer(
        8,
        2,
        12,
        dropout=0.0,
        activation=lambda x: F.gelu(x, approximate="tanh"),
        batch_first=True,
        norm_first=norm_first,
        dtype=dtype,
    )
    for weights in layer.parameters():
        nn.init.normal_(weights, std=8**-0.5, generator=generator)
    return layer
