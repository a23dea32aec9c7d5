"""GPT: embed, a stack of blocks, and a score for every possible next token."""

import functools
import inspect
from dataclasses import dataclass, fields

import torch
from torch import nn

from tantra import embedding, heads, layers
from tantra.arrays import (
    check_count,
    check_divides,
    check_known,
    check_number,
    one_of,
    readable,
)
from tantra.cache import KVCache, held_positions
from tantra.positions import check_base, check_pairs
from tantra.probes import Probe

# Every variant, by the name that a config gives it, and how to build it from the config and a
# generator.  Add an entry to try a part of your own.  If what it gives is added to the stream,
# let its class say which layer comes last, as FeedForward does: last_layer = "down".
PARTS = {
    "positions": {
        "learned": lambda c, g: embedding.LearnedPositions(
            c.context_length, c.d_model, generator=g
        ),
        "sinusoidal": lambda c, g: embedding.SinusoidalPositions(c.context_length, c.d_model),
        "rotary": lambda c, g: embedding.RotaryPositions(c.d_head, c.rotary_base),
        "learned+rotary": lambda c, g: embedding.LearnedRotaryPositions(
            c.context_length, c.d_model, c.d_head, c.rotary_base, generator=g
        ),
        "alibi": lambda c, g: embedding.AlibiPositions(c.num_heads, c.context_length),
        "alibi_released": lambda c, g: embedding.AlibiPositions(
            c.num_heads, c.context_length, "released"
        ),
        "none": lambda c, g: embedding.NoPositions(),
    },
    "norm": {
        "layer": lambda c, g: layers.LayerNorm(c.d_model, bias=c.bias),
        "rms": lambda c, g: layers.RMSNorm(c.d_model),
    },
    "attention": {
        "plain": lambda c, g: heads.MultiHeadAttention(*_heads(c), generator=g),
        "qk_norm": lambda c, g: heads.NormedAttention(*_heads(c), generator=g),
    },
    "feed_forward": {
        "gelu": lambda c, g: layers.FeedForward(c.d_model, c.d_ff, c.bias, generator=g),
        "gelu_exact": lambda c, g: layers.ExactFeedForward(c.d_model, c.d_ff, c.bias, generator=g),
        "squared_relu": lambda c, g: layers.SquaredReLU(c.d_model, c.d_ff, c.bias, generator=g),
        "swiglu": lambda c, g: layers.SwiGLU(c.d_model, c.d_ff, c.bias, generator=g),
    },
    "norm_position": {
        "pre": lambda c, g: layers.Block(*_parts(c, g)),
        "post": lambda c, g: layers.PostNormBlock(*_parts(c, g)),
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


def last_layers(model):
    """The layers whose output is added to the stream, as the parts name them."""
    parts = [part for part in model.modules() if hasattr(part, "last_layer")]
    return [getattr(part, part.last_layer) for part in parts]


# The widest stream whose last norm starts at gain 1.  In a wider one the gain starts lower, so that
# the first loss is ln V: scores of weights of 0.02 grow with the root of D, and with tied weights a
# token's vector scores its own row too high, by about 0.02 D after post-norm, less after pre-norm.
WIDEST = {"pre": 192, "post": 80}


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The sizes and the parts of a GPT.  The defaults are GPT-2 small.

    vocab_size tokens are known, and context_length positions seen at once.  The stream is d_model
    wide and passes num_layers blocks, each of num_heads heads with num_kv_heads heads of keys and
    values (as many, unless given) and of a feed-forward expansion times as wide.  positions,
    attention, norm, norm_position and feed_forward name parts in PARTS; rotary_base is the base of
    rotary_angles.  tied=True embeds and scores tokens by one table, bias=False leaves out offsets.

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
        check_known("GPTConfig", "field", given, [field.name for field in fields(cls)])
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


class GPT(nn.Module):
    """A score for each possible next token, at every position.

    tokens (B, T)  ->  (B, T, V)

    config, a GPTConfig, says what it is made of; first weights are drawn from generator.
    Source: Radford et al. 2019.
    """

    def __init__(self, config, *, generator=None):
        super().__init__()
        if not isinstance(config, GPTConfig):
            raise TypeError(f"config is a {type(config).__name__}; give a GPTConfig(...)")
        self.config = config
        self.token_embedding = embedding.TokenEmbedding(
            config.vocab_size, config.d_model, generator=generator
        )
        self.positions = build(config, "positions", generator)
        self.stream = Probe()  # (B, T, D): what enters the first block
        self.blocks = nn.ModuleList(
            build(config, "norm_position", generator) for _ in range(config.num_layers)
        )
        self.norm = build(config, "norm", generator)
        self.unembedding = layers.linear(config.d_model, config.vocab_size, False, generator)
        if config.tied:
            self.unembedding.weight = self.token_embedding.weight
        self.initialise(generator)

    @torch.no_grad()
    def initialise(self, generator=None):
        """Draw small weights, as GPT-2 does, so that each token starts out about equally likely."""
        for name, weights in self.named_parameters():
            if weights.ndim > 1:
                nn.init.normal_(weights, std=0.02, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(weights)
            elif name == "norm.gain":
                widest = WIDEST.get(self.config.norm_position, len(weights))
                nn.init.constant_(weights, min(1, widest / len(weights)))
        for layer in last_layers(self):  # 2 additions a block: keep x from growing
            layer.weight /= (2 * len(self.blocks)) ** 0.5

    def forward(self, tokens, caches=None, *, padding=None, last=False):
        """Logits; with caches (see new_caches), tokens are those after the remembered ones.

        padding (B,) says how many tokens at the front of each row stand for nothing.  last=True
        scores only what follows the last token: (B, 1, V).
        """
        self._check_tokens(tokens)
        self._check_padding(padding, tokens)
        past = self._past(tokens, caches)
        x, look = self.positions(self.token_embedding(tokens), past, padding)
        look["mask"] = self._mask(tokens, past, padding)
        x = self.stream(x)
        for block, cache in zip(self.blocks, caches or [None] * len(self.blocks), strict=True):
            x = block(x, causal=True, cache=cache, **look)
        x = x[..., -1:, :] if last else x
        return self.unembedding(self.norm(x))

    def _apply(self, *args, **kwargs):
        """What moves and casts a model.  One table that embeds and scores stays one."""
        tied = getattr(self.unembedding, "weight", None) is self.token_embedding.weight
        super()._apply(*args, **kwargs)
        if tied:  # torch makes two of it on the way from meta, and to some devices
            self.unembedding.weight = self.token_embedding.weight
        return self

    @property
    def can_slide(self):
        """Whether positions are known by distance alone, so that the oldest may be forgotten."""
        return getattr(self.positions, "only_distances", False)

    def new_caches(self, length=None, *, sliding=False):
        """One empty KVCache a block: growing, or with room for length positions, set aside once.

        sliding=True remembers the newest context_length positions.  Raises ValueError for that
        where a position is known by its number, not by its distance.
        """
        if not sliding:
            return [KVCache(length) for _ in self.blocks]
        if not self.can_slide:
            raise ValueError(
                f"{self.config.positions} positions are numbered and end at context_length "
                f"({self.config.context_length}); only rotary, alibi or none can slide past it"
            )
        return [KVCache(self.config.context_length, sliding=True) for _ in self.blocks]

    def _check_tokens(self, tokens):
        tensor = isinstance(tokens, torch.Tensor)
        kind = tokens.dtype if tensor else f"a {type(tokens).__name__}"
        if kind not in (torch.int64, torch.int32):
            raise TypeError(f"tokens are {kind}; give a torch tensor of whole numbers (int64)")
        if tokens.ndim == 0 or tokens.shape[-1] == 0:
            raise ValueError(f"tokens have shape {tuple(tokens.shape)}; give at least one token")
        size = self.config.vocab_size
        if readable(tokens) and ((tokens < 0) | (tokens >= size)).any():
            wrong = tokens[(tokens < 0) | (tokens >= size)][0].item()
            raise ValueError(f"token {wrong} is outside the vocabulary: use 0 to {size - 1}")

    def _check_padding(self, padding, tokens):
        if padding is None:
            return
        shape = tuple(tokens.shape[:1])
        if tokens.ndim != 2 or getattr(padding, "shape", None) != shape:
            raise ValueError(
                f"padding {padding!r} does not fit tokens {tuple(tokens.shape)}; give a tensor "
                "of one whole number for each row of tokens (B, T)"
            )

    def _mask(self, tokens, past, padding):
        """(B, 1, T, S): True where a key is not padding, or is the query itself."""
        if padding is None:
            return None
        end = past + tokens.shape[-1]
        queries = torch.arange(past, end, device=tokens.device)
        keys = held_positions(end, self.config.context_length, tokens.device)
        return (keys >= padding[:, None, None, None]) | (keys == queries[:, None])

    def _past(self, tokens, caches):
        """How many positions the caches remember; ValueError if there is no room for tokens."""
        if caches is not None and len(caches) != len(self.blocks):
            raise ValueError(
                f"{len(caches)} caches for {len(self.blocks)} blocks; new_caches() makes them"
            )
        past = caches[0].seen if caches else 0
        limit = self.config.context_length
        if past + tokens.shape[-1] > limit and not (caches and caches[0].sliding):
            raise ValueError(
                f"{past} past and {tokens.shape[-1]} new tokens are more than context_length "
                f"({limit}); give fewer, or a larger context_length"
            )
        return past
