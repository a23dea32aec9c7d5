"""picoGPT's way to decode, in our own words: NumPy, few lines, all computed anew for each token."""

import math

import numpy as np

from tantra.gpt2.numpy_gpt import num_layers


def pico_logits(tokens, weights, heads):
    """The logits of GPT-2 at every position, in a few short lines; there is no cache."""
    x = weights["wte.weight"][tokens] + weights["wpe.weight"][: len(tokens)]
    mask = np.triu(np.full((len(tokens), len(tokens)), -1e10, x.dtype), 1)
    for n in range(num_layers(weights)):
        part = {k.removeprefix(f"h.{n}."): w for k, w in weights.items() if k.startswith(f"h.{n}.")}
        three = np.split(_linear(_norm(x, part, "ln_1"), part, "attn.c_attn"), 3, axis=-1)
        each = zip(*(np.split(one, heads, axis=-1) for one in three), strict=True)
        seen = [_softmax(q @ k.T / math.sqrt(q.shape[-1]) + mask) @ v for q, k, v in each]
        x = x + _linear(np.hstack(seen), part, "attn.c_proj")
        up = _gelu(_linear(_norm(x, part, "ln_2"), part, "mlp.c_fc"))
        x = x + _linear(up, part, "mlp.c_proj")
    return _norm(x, weights, "ln_f") @ weights["wte.weight"].T


def _linear(x, weights, name):
    return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _norm(x, weights, name):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    scaled = (x - mean) / np.sqrt(variance + 1e-5)
    return weights[f"{name}.weight"] * scaled + weights[f"{name}.bias"]


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
