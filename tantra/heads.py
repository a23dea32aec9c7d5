"""Heads: several attentions side by side, each over its own slice of the features."""

import torch
import torch.nn.functional as F
from torch import nn

from tantra.arrays import check_count, check_divides, check_width
from tantra.attention import attention_scores, causal_mask, check_fit, check_mask, softmax
from tantra.layers import linear
from tantra.positions import rotate
from tantra.probes import Probe


def split_heads(x, num_heads):
    """The features cut into heads, with the heads in front of the positions.

    x (..., T, H·K)   num_heads = H  ->  (..., H, T, K)

    Raises ValueError where num_heads does not divide the width.
    """
    check_count(num_heads=num_heads)
    if x.ndim < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; heads need positions and features")
    check_divides(width=x.shape[-1], num_heads=num_heads)
    x = x.reshape(*x.shape[:-1], num_heads, x.shape[-1] // num_heads)  # (..., T, H, K)
    return x.swapaxes(-3, -2)


def merge_heads(x):
    """The heads put back side by side; undoes split_heads.

    x (..., H, T, K)  ->  (..., T, H·K)
    """
    if x.ndim < 3:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected heads, positions and features")
    x = x.swapaxes(-3, -2)  # (..., T, H, K)
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, put together by one linear map.

    x (B, T, D)  ->  (B, T, D)

    With num_kv_heads < num_heads, several heads ask the same keys (grouped queries).  Raises
    ValueError where heads do not divide the width, or key heads the heads.
    Source: Vaswani et al. 2017, section 3.2.2; Ainslie et al. 2023 (grouped queries).
    """

    def __init__(self, d_model, num_heads, num_kv_heads=None, bias=True, *, generator=None):
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        check_count(d_model=d_model, num_heads=num_heads, num_kv_heads=num_kv_heads)
        check_divides(d_model=d_model, num_heads=num_heads)
        check_divides(num_heads=num_heads, num_kv_heads=num_kv_heads)
        self.d_model, self.num_heads, self.num_kv_heads = d_model, num_heads, num_kv_heads
        d_kv = d_model // num_heads * num_kv_heads
        self.query = linear(d_model, d_model, bias, generator)
        self.key = linear(d_model, d_kv, bias, generator)
        self.value = linear(d_model, d_kv, bias, generator)
        self.output = linear(d_model, d_model, bias, generator)
        self.q, self.k, self.v = Probe(), Probe(), Probe()  # (B, H, T, K), (B, G, S, K)
        self.scores, self.weights = Probe(), Probe()  # (B, H, T, S)

    def forward(
        self, x, context=None, mask=None, angles=None, cache=None, *, bias=None, causal=False
    ):
        """x asks; context (x itself, unless given) answers.

        mask is True where a query may look, angles (T, K/2) rotate queries and keys, cache
        remembers the keys and values of the past, bias is added to the scores, and causal=True
        closes the future.
        """
        check_width(x, self.d_model, "this attention")
        if context is not None:
            self._check_context(context, angles, cache, causal)
        context = x if context is None else context
        q = split_heads(self.query(x), self.num_heads)
        k = split_heads(self.key(context), self.num_kv_heads)
        v = split_heads(self.value(context), self.num_kv_heads)
        if angles is not None:
            q, k = rotate(q, angles), rotate(k, angles)
        if cache is not None:
            k, v = cache.append(k, v)
        q, k, v = self.q(q), self.k(k), self.v(v)
        return self.output(merge_heads(self._attend(q, k, v, mask, bias, causal)))

    def _attend(self, q, k, v, mask, bias, causal):
        repeats = self.num_heads // self.num_kv_heads
        if repeats > 1:  # each key head answers several heads
            k, v = k.repeat_interleave(repeats, -3), v.repeat_interleave(repeats, -3)
        check_fit(q, k, v)
        check_mask(mask, q, k)
        if self.scores.watched or self.weights.watched:
            return self._by_hand(q, k, v, _may_look(q, k, mask, causal), bias)
        return _fused(q, k, v, mask, bias, causal)

    def _by_hand(self, q, k, v, mask, bias):
        scores = self.scores(attention_scores(q, k, mask, bias))
        return self.weights(softmax(scores)) @ v

    def _check_context(self, context, angles, cache, causal):
        check_width(context, self.d_model, "this attention's context")
        if angles is not None or cache is not None or causal:
            raise ValueError(
                "context has positions of its own: angles, cache and causal are for x looking at "
                "itself; leave them out, or leave out context"
            )


def _may_look(q, k, mask, causal):
    """mask, and with causal no future: the queries are the last T of the S positions."""
    num_queries, num_keys = q.shape[-2], k.shape[-2]
    if not causal or num_queries == 1:  # the newest position sees all
        return mask
    keys = torch.arange(num_keys, device=q.device)
    past = causal_mask(keys[num_keys - num_queries :], keys)
    return past if mask is None else mask & past


def _fused(q, k, v, mask, bias, causal):
    """The same averages from torch's kernel, which never stores the weights."""
    triangle = causal and mask is None and bias is None and q.shape[-2] == k.shape[-2]
    if not triangle:  # is_causal lines up the first query with the first key: wrong after a past
        mask = _may_look(q, k, mask, causal)
    if bias is not None:
        bias = bias.to(q)
        mask = bias if mask is None else torch.where(mask, bias, -torch.inf)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=triangle)
