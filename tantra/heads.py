"""Heads: several attentions side by side, each over its own slice of the features."""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from tantra import kernels
from tantra.arrays import like
from tantra.attention import attention_scores, causal_mask, check_mask
from tantra.cache import MemoryCache
from tantra.checks import check_count, check_divides, check_width
from tantra.initial import linear
from tantra.probes import Probe
from tantra.softmax import softmax


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

    With num_kv_heads < num_heads, several heads ask the same keys (grouped queries).  bias=False
    leaves out the biases of the maps, and initial weights are drawn from generator.  Raises
    ValueError where heads do not divide d_model, or key heads the heads.
    Source: Vaswani et al. 2017, section 3.2.2; Ainslie et al. 2023 (grouped queries).
    """

    last_layer = "output"  # what it gives is added to the stream, so GPT starts it smaller

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
        self, x, context=None, mask=None, angles=None, cache=None, *, attn_bias=None, causal=False
    ):
        """x asks; context (x itself, unless given) answers.

        mask is True where a query may look, angles (T, K/2) rotate queries and keys, cache
        remembers the keys and values of the past, attn_bias is added to the scores, and causal=True
        closes the future.  With a MemoryCache, context is asked for its keys and values once.
        """
        self._check(x, context, angles, cache, causal)
        context = x if context is None else context
        num_keys = context.shape[-2] if cache is None else cache.after(context.shape[-2])
        mask, causal = self._look(x, num_keys, mask, causal)
        q = split_heads(self.query(x), self.num_heads)
        if angles is not None:
            q = kernels.rotate(q, angles)
        k, v = self._keys_and_values(context, angles, cache)
        q, k, v = self.q(q), self.k(k), self.v(v)
        # The fused kernel was measured faster in every case: 1.3 to 50 times (2 cores, 1 to 1024
        # positions, float32 and bfloat16, with and without gradients).  It hides its weights.
        watched = self.scores.watched or self.weights.watched
        attend = self._by_hand if watched else _fused
        return self.output(merge_heads(attend(q, k, v, mask, attn_bias, causal)))

    def _keys_and_values(self, context, angles, cache):
        """Those of context, each (B, G, S, K), and those that cache remembers before them."""
        if isinstance(cache, MemoryCache) and cache:
            return cache.k, cache.v
        k = split_heads(self.key(context), self.num_kv_heads)
        v = split_heads(self.value(context), self.num_kv_heads)
        if angles is not None:
            k = kernels.rotate(k, angles)
        return (k, v) if cache is None else cache.append(k, v)

    def _look(self, x, num_keys, mask, causal):
        """mask and causal, checked; both at once become one mask."""
        shape = *x.shape[:-2], self.num_heads, x.shape[-2], num_keys
        check_mask(mask, x, shape)
        if not causal or x.shape[-2] == 1:  # the newest position sees all
            return mask, False
        if mask is None:
            return None, True
        mask = mask & _causal(x.shape[-2], num_keys, x.device)
        check_mask(mask, x, shape)
        return mask, False

    def _by_hand(self, q, k, v, mask, attn_bias, causal):
        if causal:
            mask = _causal(q.shape[-2], k.shape[-2], q.device)
        repeats = self.num_heads // self.num_kv_heads
        if repeats > 1:  # each key head answers several heads
            k, v = k.repeat_interleave(repeats, -3), v.repeat_interleave(repeats, -3)
        scores = self.scores(attention_scores(q, k, mask, attn_bias))
        return self.weights(softmax(scores)) @ v

    def _check(self, x, context, angles, cache, causal):
        check_width(x, self.d_model, "this attention")
        if x.ndim < 2:
            raise ValueError(f"x has shape {tuple(x.shape)}; attention needs an axis of positions")
        kept = isinstance(cache, MemoryCache)
        if context is None or (kept and cache):  # what is remembered may have more rows
            return
        check_width(context, self.d_model, "the context of this attention")
        if context.shape[:-2] != x.shape[:-2]:
            raise ValueError(
                f"x {tuple(x.shape)} and context {tuple(context.shape)}: the axes before the last "
                "two must be equal, since each sequence has its own context"
            )
        if angles is not None or causal or not (cache is None or kept):
            raise ValueError(
                "context has positions of its own: angles, cache and causal are for x looking at "
                "itself; leave them out, or leave out context"
            )


class NormedAttention(MultiHeadAttention):
    """MultiHeadAttention whose queries and keys pass through HeadNorm.

    x (B, T, D)  ->  (B, T, D)

    Source: Henry et al. 2020, but for what HeadNorm says.
    """

    def __init__(self, d_model, num_heads, num_kv_heads=None, bias=True, *, generator=None):
        super().__init__(d_model, num_heads, num_kv_heads, bias, generator=generator)
        for name in ("query", "key"):
            parts = {"linear": getattr(self, name), "norm": HeadNorm(d_model // num_heads)}
            setattr(self, name, nn.Sequential(OrderedDict(parts)))


class HeadNorm(nn.Module):
    """Each head's vector scaled to mean square 1, so that no score can grow beyond √K.

    x (B, T, H·K)  ->  (B, T, H·K)

    Rotary positions rotate a vector and keep its length, so it stands before them as well as after.
    After Henry et al. 2020, who scale to length 1 and multiply the scores by a number to learn:
    here the length is √K, and nothing is learned.
    """

    def __init__(self, d_head):
        super().__init__()
        check_count(d_head=d_head)
        self.d_head = d_head

    def forward(self, x):
        check_divides(width=x.shape[-1], d_head=self.d_head)
        heads = x.unflatten(-1, (-1, self.d_head))  # (B, T, H, K)
        return F.rms_norm(heads, (self.d_head,), eps=1e-5).flatten(-2)


def _causal(num_queries, num_keys, device):
    """The causal mask of queries that are the last of the positions."""
    keys = torch.arange(num_keys, device=device)
    return causal_mask(keys[num_keys - num_queries :], keys)


def _fused(q, k, v, mask, attn_bias, causal):
    """What _by_hand returns, from torch's kernel, which never stores the weights."""
    if causal and (attn_bias is not None or q.shape[-2] != k.shape[-2]):
        # is_causal would line up the first query with the first key
        mask, causal = _causal(q.shape[-2], k.shape[-2], q.device), False
    if attn_bias is not None:
        attn_bias = like(attn_bias, q)
        mask = attn_bias if mask is None else torch.where(mask, attn_bias, -torch.inf)
    grouped = q.shape[-3] != k.shape[-3]
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=grouped
    )
