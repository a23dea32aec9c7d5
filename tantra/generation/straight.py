"""One token straight through a GPT: the functions of its parts in a row, no module entered.

While a large model's weights pass by, nothing else stays near the processor.  So each step of
Python between two products costs several times what it costs elsewhere.
"""

from functools import partial
from itertools import chain
from operator import is_

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module

from tantra import heads, kernels
from tantra.block import Block, PostNormBlock
from tantra.feed_forward import FeedForward
from tantra.generation.one_product import OneProduct
from tantra.model import GPT, check_padding, check_tokens, padded_mask
from tantra.norms import LayerNorm
from tantra.probes import Probe


class StraightGPT(GPT):
    """A GPT that takes one token after others straight; GPT itself is its twin by hand.

    tokens (B, T)  ->  (B, T, V)

    It does as GPT does while somebody listens to a part of its blocks, and once one was exchanged.
    """

    def __init__(self, model):
        nn.Module.__init__(self)
        vars(self).update(vars(model))
        self.way = Way(self)

    def forward(self, tokens, caches=None, *, padding=None, last=False):
        one = caches and getattr(tokens, "shape", ())[-1:] == (1,)
        if not one or _otherwise(tokens) or not self.way.leads():
            return super().forward(tokens, caches, padding=padding, last=last)
        check_tokens(tokens, self.config.vocab_size)
        check_padding(padding, tokens)
        past = self._seen(tokens, caches)
        x, look = self.positions(self.token_embedding(tokens), past, padding)
        look["mask"] = padded_mask(tokens, past, padding, self.config.context_length)
        x = self.stream(x)
        row = x.reshape(-1) if self.way.plain and x.numel() == x.shape[-1] else x
        for block, cache in zip(self.way.blocks, caches, strict=True):
            row = block(row, x, cache, **look)
        return self.unembedding(self.norm(row.view_as(x)))

    def __getstate__(self):
        return vars(self) | {"way": None}  # a copy has other parts

    def __setstate__(self, state):
        super().__setstate__(state)
        self.way = Way(self)


class Way:
    """The functions of a model's blocks, taken out of their parts while these stay what they are.

    plain says that torch has a quicker product for each matrix where x is one row, (D,).
    """

    def __init__(self, model):
        parts = list(model.blocks.modules())
        self.blocks = [STRAIGHT[type(block)](block) for block in model.blocks]
        self.plain = not any(hasattr(part, "packed") for part in parts)
        self.hooks = [module._global_forward_hooks, module._global_forward_pre_hooks]
        self.hooks += [x for part in parts for x in (part._forward_hooks, part._forward_pre_hooks)]
        self.holders = [x for part in parts for x in (part._modules, part._parameters)]
        self.holders.insert(0, model._modules)
        self.held = list(self._held())
        self.own = [vars(part) for part in parts]

    def leads(self):
        """Whether the parts are still what they were, and nobody listens to one of them."""
        if any(self.hooks) or not all(map(is_, self._held(), self.held)):
            return False
        return not any("forward" in own for own in self.own)

    def _held(self):
        return chain.from_iterable(map(dict.values, self.holders))


class StraightBlock:
    """What Block computes for one position."""

    def __init__(self, block):
        attention = block.attention
        self.norm_1, self.norm_2 = _function(block.norm_1), _function(block.norm_2)
        self.maps, self.output = _function(attention.maps), _function(attention.output)
        self.feed_forward = _function(block.feed_forward)
        self.num_maps = attention.num_heads, attention.num_kv_heads, attention.num_kv_heads
        self.num_all = sum(self.num_maps)

    def __call__(self, row, x, cache, **look):
        """row is x, (B, 1, D), or (D,) where it is alone."""
        row = row + self.attention(self.norm_1(row), x, cache, **look)
        return row + self.feed_forward(self.norm_2(row))

    def attention(self, row, x, cache, mask=None, angles=None, attn_bias=None):
        """The newest position, which sees all that cache remembers."""
        maps = self.maps(row).reshape(*x.shape[:-2], self.num_all, 1, -1)  # (B, H + 2 G, 1, K)
        q, k, v = maps.split(self.num_maps, dim=-3)
        if angles is not None:
            q, k = kernels.rotate(q, angles), kernels.rotate(k, angles)
        k, v = cache.append(k, v)
        return self.output(heads._fused(q, k, v, mask, attn_bias, False).reshape(row.shape))


class StraightPostNormBlock(StraightBlock):
    """What PostNormBlock computes for one position."""

    def __call__(self, row, x, cache, **look):
        row = self.norm_1(row + self.attention(row, x, cache, **look))
        return self.norm_2(row + self.feed_forward(row))


STRAIGHT = {Block: StraightBlock, PostNormBlock: StraightPostNormBlock}
PROBES = "q", "k", "v", "scores", "weights"  # of an attention


def _otherwise(tokens):
    """Whether torch compiles what runs now, or casts it on the way, as it does with modules."""
    return torch.compiler.is_compiling() or torch.is_autocast_enabled(tokens.device.type)


def straightened(model):
    """A StraightGPT of the model's parts, or the model where it has some of other kinds."""
    usual = type(model) is GPT and all(map(_usual, model.blocks))
    return StraightGPT(model) if usual else model


def _usual(block):
    if type(block) not in STRAIGHT or type(block.attention) is not OneProduct:
        return False
    probes = block.stream, *(getattr(block.attention, name) for name in PROBES)
    return all(type(probe) is Probe for probe in probes)


def _function(part):
    """What a part computes, without its module where that is known."""
    if type(part) is nn.Linear:
        w, b = part.weight, part.bias
        alone = partial(torch.mv, w) if b is None else partial(torch.addmv, b, w)
        return lambda x: alone(x) if x.ndim == 1 else F.linear(x, w, b)
    if type(part) is LayerNorm:
        shape, numbers = (part.d_model,), {"weight": part.gain, "bias": part.bias}
        return partial(torch.layer_norm, normalized_shape=shape, **numbers, eps=part.eps)
    if type(part) is FeedForward:
        up, down = _function(part.up), _function(part.down)
        return lambda x: down(kernels.gelu(up(x)))
    return part.forward
