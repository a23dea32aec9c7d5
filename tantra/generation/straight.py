"""One token straight through a GPT: the functions of its blocks in a row, their modules left out.

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
from tantra.feed_forward import (
    ExactFeedForward,
    FeedForward,
    ReLUFeedForward,
    SquaredReLU,
    SwiGLU,
)
from tantra.generation.eight_bits import Int8, Int8ByPairs, Int8Rows
from tantra.generation.four_bits import Int4
from tantra.generation.layers import BFloat16, Half
from tantra.generation.one_product import OneProduct
from tantra.model import GPT, check_padding, check_tokens, padded_mask
from tantra.norms import LayerNorm, RMSNorm
from tantra.probes import Probe


class StraightGPT(GPT):
    """A GPT that takes one token after others straight; GPT itself is its twin by hand.

    tokens (B, T)  ->  (B, T, V)

    It goes through its blocks, as GPT does, while a hook listens to one of their parts, and where
    a part is of a kind that is not in USUAL.
    """

    def __init__(self, model):
        nn.Module.__init__(self)
        vars(self).update(vars(model))
        self.way = None

    def forward(self, tokens, caches=None, *, padding=None, last=False):
        one = caches and isinstance(tokens, torch.Tensor) and tokens.shape[-1:] == (1,)
        if not one or _otherwise(tokens) or not self._leads():
            return super().forward(tokens, caches, padding=padding, last=last)
        check_tokens(tokens, self.config.vocab_size)
        check_padding(padding, tokens)
        past = self._seen(tokens, caches)
        x, look = self.positions(self.token_embedding(tokens), past, padding)
        look["mask"] = padded_mask(tokens, past, padding, self.config.context_length)
        row = x.reshape(-1) if self.way.plain and x.numel() == x.shape[-1] else x
        for block, cache in zip(self.way.blocks, caches, strict=True):
            row = block(row, x, cache, **look)
        return self.unembedding(self.norm(row.view_as(x)))

    def _leads(self):
        """Whether there is a way past the modules, which is laid anew when a part was exchanged."""
        if self.way is None or self.way.changed():
            self.way = Way(self)
        return self.way.blocks and not self.way.listened()

    def __getstate__(self):
        return vars(self) | {"way": None}  # which belongs to the parts of this model


class Way:
    """The functions of a model's blocks, and the parts that they were taken from.

    plain says that all matrices are torch's own: for one row, (D,), it has a quicker product.
    """

    def __init__(self, model):
        parts = [model.stream, *model.blocks.modules()]
        usual = all(type(part) in USUAL for part in parts)
        self.blocks = [STRAIGHT[type(block)](block) for block in model.blocks] if usual else []
        self.plain = not any(hasattr(part, "packed") for part in parts)
        self.parts = parts if usual else []
        self.kinds = list(map(type, self.parts))
        self.holders = [x for part in self.parts for x in (part._modules, part._parameters)]
        self.holders.insert(0, model._modules)
        self.held = list(self._held())
        self.hooks = [getattr(module, f"_global{name}") for name in HOOKS]
        self.hooks += [getattr(part, name) for part in self.parts for name in HOOKS]
        self.own = [vars(part) for part in self.parts]

    def changed(self):
        """Whether a part is another, or of another kind, than when the functions were taken."""
        same = all(map(is_, self._held(), self.held))
        return not same or not all(map(is_, map(type, self.parts), self.kinds))

    def listened(self):
        """Whether a hook listens to a part, or a part was given a forward of its own."""
        return any(self.hooks) or any(
            "forward" in own or own.get("_compiled_call_impl") for own in self.own
        )

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
        self.d_head, self.check = attention.d_model // attention.num_heads, attention._look

    def __call__(self, row, x, cache, **look):
        """row is x, (B, 1, D), or its one row, (D,)."""
        row = row + self.attention(self.norm_1(row), x, cache, **look)
        return row + self.feed_forward(self.norm_2(row))

    def attention(self, row, x, cache, mask=None, angles=None, attn_bias=None):
        """The newest position, which sees all that cache remembers."""
        if mask is not None:
            self.check(x, cache.after(1), mask, False)
        shape = *x.shape[:-2], self.num_all, 1, self.d_head  # (B, H + 2 G, 1, K)
        maps = self.maps(row).reshape(shape)
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
USUAL = {
    nn.ModuleList, *STRAIGHT, OneProduct, Probe, LayerNorm, RMSNorm, FeedForward, ExactFeedForward,
    ReLUFeedForward, SquaredReLU, SwiGLU, nn.Linear, Half, BFloat16, Int8, Int8ByPairs, Int8Rows,
    Int4,
}  # fmt: skip
HOOKS = "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"


def _otherwise(tokens):
    """Whether torch compiles what runs now, or casts it: autocast knows F.linear, and no addmv."""
    return torch.compiler.is_compiling() or torch.is_autocast_enabled(tokens.device.type)


def straightened(model):
    """A StraightGPT of a GPT's parts; any other model as it is."""
    return StraightGPT(model) if type(model) is GPT else model


def _function(part):
    """What a part computes; where its kind is known, without entering it."""
    if type(part) is nn.Linear:
        w, b = part.weight, part.bias
        alone = partial(torch.mv, w) if b is None else partial(torch.addmv, b, w)
        return lambda x: alone(x) if x.ndim == 1 else F.linear(x, w, b)
    if type(part) is LayerNorm:
        shape, gain, bias = (part.d_model,), part.gain, part.bias
        return lambda x: torch.layer_norm(x, shape, gain, bias, part.eps)
    if type(part) is FeedForward:
        up, down = _function(part.up), _function(part.down)
        return lambda x: down(kernels.gelu(up(x)))
    return part.forward
