"""GPT-2's forward pass in NumPy alone, on weights by the names they have in GPT-2's own file."""

import math

import numpy as np


def numpy_gpt2(tokens, weights, num_heads, cache=None, *, last=False, eps=1e-5):
    """The logits of GPT-2.

    tokens (..., T)   num_heads = H  ->  (..., T, V)

    weights are arrays by GPT-2's names: gpt2.arrays(model) makes them.  A cache begins as an
    empty dictionary and is filled by each call, after which only the tokens that follow are
    given.  last=True scores the last position alone: (..., 1, V).  eps is that of the norms.
    Raises TypeError or ValueError for tokens, weights, heads or a cache that do not fit.
    Source: Radford et al. 2019.
    """
    w = weights
    _check(tokens, w, num_heads)
    past = _seen(tokens, w, num_heads, cache)
    x = w["wte.weight"][tokens] + w["wpe.weight"][past : past + tokens.shape[-1]]  # (..., T, D)
    for n in range(num_layers(w)):
        y = _linear(_norm(x, w, f"h.{n}.ln_1", eps), w, f"h.{n}.attn.c_attn")  # (..., T, 3·D)
        buffer = cache["buffers"][n] if cache else None
        x = x + _linear(_attention(y, num_heads, past, buffer), w, f"h.{n}.attn.c_proj")
        y = _linear(_norm(x, w, f"h.{n}.ln_2", eps), w, f"h.{n}.mlp.c_fc")  # (..., T, F)
        x = x + _linear(_gelu(y), w, f"h.{n}.mlp.c_proj")
    if cache:
        cache["past"] = past + tokens.shape[-1]
    x = _norm(x[..., -1:, :] if last else x, w, "ln_f", eps)
    return x @ w.get("lm_head.weight", w["wte.weight"]).T


def num_layers(weights):
    """How many layers these weights have."""
    return len({name.split(".")[1] for name in weights if name.startswith("h.")})


def _attention(y, num_heads, past, buffer):
    """The averages of all heads, from queries, keys and values side by side in y (..., T, 3·D)."""
    y = y.reshape(*y.shape[:-1], 3, num_heads, -1)  # (..., T, 3, H, K)
    q, k, v = (y[..., i, :, :].swapaxes(-3, -2) for i in range(3))  # each (..., H, T, K)
    end = past + q.shape[-2]
    if buffer is not None:  # (2, ..., H, N, K): written in place
        buffer[0, ..., past:end, :], buffer[1, ..., past:end, :] = k, v
        k, v = buffer[..., :end, :]
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (..., H, T, S)
    if q.shape[-2] > 1:  # one query alone is the newest, and sees all
        scores = np.where(np.arange(past, end)[:, None] >= np.arange(end), scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    x = (e / e.sum(axis=-1, keepdims=True)) @ v
    return x.swapaxes(-3, -2).reshape(*y.shape[:-3], -1)  # (..., T, D)


def _norm(x, w, name, eps):
    x = x - x.mean(axis=-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)
    return x * w[f"{name}.weight"] + w[f"{name}.bias"]


def _linear(x, w, name):
    return x @ w[f"{name}.weight"] + w[f"{name}.bias"]  # GPT-2 stores (in, out)


def _gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def _check(tokens, w, num_heads):
    """Raise TypeError or ValueError unless these weights can read these tokens."""
    kind = getattr(tokens, "dtype", None)
    if not isinstance(tokens, np.ndarray) or kind.kind not in "iu" or not tokens.shape:
        raise TypeError(f"tokens are {kind or type(tokens)}; give a NumPy array of whole numbers")
    if tokens.size == 0:
        raise ValueError(f"tokens have shape {tokens.shape}; give at least one")
    if missing := [name for name in ("wte.weight", "wpe.weight", "ln_f.bias") if name not in w]:
        raise ValueError(f"weights lack {missing[0]!r}; gpt2.arrays(model) makes them all")
    if (kind := w["wte.weight"].dtype) not in (np.float32, np.float64):
        raise TypeError(f"weights are {kind}; give float32 or float64, as gpt2.arrays(model) makes")
    vocab_size, width = w["wte.weight"].shape
    if tokens.min() < 0 or tokens.max() >= vocab_size:
        raise ValueError(f"tokens go from {tokens.min()} to {tokens.max()}: 0 to {vocab_size - 1}")
    if num_heads < 1 or width % num_heads:
        raise ValueError(f"{num_heads} heads do not divide the width, {width}")


def _seen(tokens, w, num_heads, cache):
    """How many positions the cache remembers; an empty cache gets its buffers."""
    context, width = w["wpe.weight"].shape
    if cache is not None and not cache:
        shape = (2, *tokens.shape[:-1], num_heads, context, width // num_heads)
        buffers = [np.empty(shape, w["wte.weight"].dtype) for _ in range(num_layers(w))]
        cache |= {"past": 0, "buffers": buffers}
    past = cache["past"] if cache else 0
    if cache and cache["buffers"][0].shape[1:-2] != (*tokens.shape[:-1], num_heads):
        raise ValueError("the cache belongs to other tokens or heads; begin with an empty one")
    if past + tokens.shape[-1] > context:
        raise ValueError(
            f"{past} past and {tokens.shape[-1]} new tokens are more than the {context} positions"
        )
    return past
