"""The config: what a GPT is made of, by name, and how large it is."""

import functools
import inspect
from dataclasses import dataclass, fields

from tantra.block import Block, PostNormBlock
from tantra.checks import check_count, check_divides, check_known, check_number, one_of
from tantra.feed_forward import ExactFeedForward, FeedForward, ReLUFeedForward, SquaredReLU, SwiGLU
from tantra.heads import MultiHeadAttention, NormedAttention
from tantra.norms import LayerNorm, RMSNorm
from tantra.positions import (
    AlibiPositions,
    LearnedPositions,
    LearnedRotaryPositions,
    NoPositions,
    RotaryPositions,
    SinusoidalPositions,
    check_base,
    check_pairs,
)

# Every variant, by the name that a config gives it, and how to build it from the config and a
# generator.  Add an entry to try a part of your own.  If what it gives is added to the stream,
# let its class say which layer comes last, as FeedForward does: last_layer = "down".
PARTS = {
    "positions": {
        "learned": lambda c, g: LearnedPositions(c.context_length, c.d_model, generator=g),
        "sinusoidal": lambda c, g: SinusoidalPositions(c.context_length, c.d_model),
        "rotary": lambda c, g: RotaryPositions(c.d_head, c.rotary_base),
        "learned+rotary": lambda c, g: LearnedRotaryPositions(
            c.context_length, c.d_model, c.d_head, c.rotary_base, generator=g
        ),
        "alibi": lambda c, g: AlibiPositions(c.num_heads, c.context_length),
        "alibi_released": lambda c, g: AlibiPositions(c.num_heads, c.context_length, "released"),
        "none": lambda c, g: NoPositions(),
    },
    "norm": {
        "layer": lambda c, g: LayerNorm(c.d_model, bias=c.bias),
        "rms": lambda c, g: RMSNorm(c.d_model),
    },
    "attention": {
        "plain": lambda c, g: MultiHeadAttention(*_heads(c), generator=g),
        "qk_norm": lambda c, g: NormedAttention(*_heads(c), generator=g),
    },
    "feed_forward": {
        "gelu": lambda c, g: FeedForward(c.d_model, c.d_ff, c.bias, generator=g),
        "gelu_exact": lambda c, g: ExactFeedForward(c.d_model, c.d_ff, c.bias, generator=g),
        "relu": lambda c, g: ReLUFeedForward(c.d_model, c.d_ff, c.bias, generator=g),
        "squared_relu": lambda c, g: SquaredReLU(c.d_model, c.d_ff, c.bias, generator=g),
        "swiglu": lambda c, g: SwiGLU(c.d_model, c.d_ff, c.bias, generator=g),
    },
    "norm_position": {
        "pre": lambda c, g: Block(*_parts(c, g)),
        "post": lambda c, g: PostNormBlock(*_parts(c, g)),
    },
}


def _heads(c):
    return c.d_model, c.num_heads, c.num_kv_heads, c.bias


def _parts(config, generator):
    """The four parts of one block."""
    kinds = "attention", "feed_forward", "norm", "norm"
    return [build(config, kind, generator) for kind in kinds]


def build(config, kind, generator=None):
    """A new part of this kind, as the config names it."""
    return one_of(PARTS[kind], kind, getattr(config, kind))(config, generator)


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The sizes and the parts of a GPT.  The defaults are GPT-2 small.

    vocab_size tokens are known, and context_length positions seen at once.  The stream is d_model
    wide and passes num_layers blocks, each of num_heads heads with num_kv_heads heads of keys and
    values (as many, unless given) and of a feed-forward expansion times as wide.  positions,
    attention, norm, norm_position and feed_forward name parts in PARTS; rotary_base is the base of
    rotary_angles.  tied=True embeds and scores tokens by one table, bias=False leaves out biases.

    Raises TypeError for a field that does not exist or has no such value, and ValueError for a
    name that PARTS does not hold or sizes that do not fit.
    """

    vocab_size: int = 50257
    context_length: int = 1024  # the most positions the model sees at once
    d_model: int = 768  # width of the residual stream
    num_layers: int = 12
    num_heads: int = 12
    num_kv_heads: int | None = None  # as many as num_heads, unless given
    expansion: float = 4  # d_ff / d_model
    positions: str = "learned"
    norm: str = "layer"
    norm_position: str = "pre"
    feed_forward: str = "gelu"
    tied: bool = True  # one table embeds tokens and scores them
    bias: bool = True
    attention: str = "plain"
    rotary_base: float = 10_000.0

    def __new__(cls, **given):
        check_known(cls.__name__, "field", given, [field.name for field in fields(cls)])
        return super().__new__(cls)

    def __post_init__(self):
        sizes = "vocab_size", "context_length", "d_model", "num_layers", "num_heads"
        check_count(**{name: getattr(self, name) for name in sizes})
        check_divides(d_model=self.d_model, num_heads=self.num_heads)
        if self.num_kv_heads is not None:
            check_count(num_kv_heads=self.num_kv_heads)
            check_divides(num_heads=self.num_heads, num_kv_heads=self.num_kv_heads)
        check_number(expansion=self.expansion)
        check_count(d_ff=self.d_ff)
        for name in ("tied", "bias"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} is {getattr(self, name)!r}; give True or False")
        for kind, known in PARTS.items():
            one_of(known, kind, getattr(self, kind))
        check_base(rotary_base=self.rotary_base)
        if "rotary" in self.positions:
            check_pairs(self.d_head)

    @property
    def d_head(self):
        return self.d_model // self.num_heads

    @property
    def d_ff(self):
        return round(self.expansion * self.d_model)


# what help and completion show, in place of __new__'s
GPTConfig.__signature__ = inspect.signature(functools.partial(GPTConfig.__init__, None))
