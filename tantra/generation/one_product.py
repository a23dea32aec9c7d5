"""Attention whose queries, keys and values are one product."""

import torch
from torch import nn

from tantra import heads, kernels
from tantra.generation.layers import constant
from tantra.heads import MultiHeadAttention, merge_heads, split_heads


class OneProduct(MultiHeadAttention):
    """The attention of a block whose maps to queries, keys and values are one matrix, maps.

    x (B, T, D)  ->  (B, T, D)

    One product in place of three; MultiHeadAttention is its twin by hand.  As in a block, x
    looks at itself.
    """

    put_together = True  # checkpoints.save refuses it: a model has three matrices there

    def __init__(self, attention):
        nn.Module.__init__(self)
        vars(self).update(vars(attention))
        layers = [self._modules.pop(name) for name in ("query", "key", "value")]
        self.widths = [layer.out_features for layer in layers]
        self.maps = nn.utils.skip_init(nn.Linear, self.d_model, sum(self.widths))
        self.maps.weight = constant(torch.cat([layer.weight for layer in layers]))
        biased = layers[0].bias is not None
        self.maps.bias = constant(torch.cat([x.bias for x in layers]) if biased else None)

    def forward(self, x, mask=None, angles=None, cache=None, *, attn_bias=None, causal=False):
        self._check(x, None, angles, cache, causal)
        num_keys = x.shape[-2] if cache is None else cache.after(x.shape[-2])
        mask, causal = self._look(x, num_keys, mask, causal)
        q, k, v = self.maps(x).split(self.widths, dim=-1)
        q, k = split_heads(q, self.num_heads), split_heads(k, self.num_kv_heads)
        v = split_heads(v, self.num_kv_heads)
        if angles is not None:
            q, k = kernels.rotate(q, angles), kernels.rotate(k, angles)
        k, v = (k, v) if cache is None else cache.append(k, v)
        q, k, v = self.q(q), self.k(k), self.v(v)
        watched = self.scores.watched or self.weights.watched
        attend = self._by_hand if watched else heads._fused
        return self.output(merge_heads(attend(q, k, v, mask, attn_bias, causal)))


def in_one_product(attention):
    """The attention in one product, or as it is where its maps are no plain matrices."""
    if type(attention) is not MultiHeadAttention:
        return attention
    maps = attention.query, attention.key, attention.value
    return OneProduct(attention) if all(type(x) is nn.Linear for x in maps) else attention
