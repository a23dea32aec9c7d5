"""GPT: embed, a stack of blocks, and a score for every possible next token."""

import torch
from torch import nn

from tantra.arrays import readable
from tantra.cache import KVCache, held_positions
from tantra.config import GPTConfig, build
from tantra.embedding import TokenEmbedding
from tantra.initial import linear
from tantra.probes import Probe


def last_layers(model):
    """The layers whose output is added to the stream, as the parts name them."""
    parts = [part for part in model.modules() if hasattr(part, "last_layer")]
    return [getattr(part, part.last_layer) for part in parts]


# The widest stream whose last norm starts at gain 1.  In a wider one the gain starts lower, so that
# the first loss is ln V: scores of weights of 0.02 grow with the root of D, and with tied weights a
# token's vector scores its own row too high, by about 0.02 D after post-norm, less after pre-norm.
WIDEST = {"pre": 192, "post": 80}


class GPT(nn.Module):
    """A score for each possible next token, at every position.

    tokens (B, T)  ->  (B, T, V)

    config, a GPTConfig, says what it is made of; initial weights are drawn from generator.
    Source: Radford et al. 2019.
    """

    def __init__(self, config, *, generator=None):
        super().__init__()
        if not isinstance(config, GPTConfig):
            raise TypeError(f"config is a {type(config).__name__}; give a GPTConfig(...)")
        self.config = config
        self.token_embedding = TokenEmbedding(
            config.vocab_size, config.d_model, generator=generator
        )
        self.positions = build(config, "positions", generator)
        self.stream = Probe()  # (B, T, D): what enters the first block
        self.blocks = nn.ModuleList(
            build(config, "norm_position", generator) for _ in range(config.num_layers)
        )
        self.norm = build(config, "norm", generator)
        self.unembedding = linear(config.d_model, config.vocab_size, False, generator)
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
        check_tokens(tokens, self.config.vocab_size)
        check_padding(padding, tokens)
        past = self._seen(tokens, caches)
        x, look = self.positions(self.token_embedding(tokens), past, padding)
        look["mask"] = padded_mask(tokens, past, padding, self.config.context_length)
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
    def can_slide(self) -> bool:
        """Whether positions are known by distance alone, so that the oldest may be forgotten."""
        return getattr(self.positions, "only_distances", False)

    def new_caches(self, length=None, *, sliding=False) -> list[KVCache]:
        """One empty KVCache a block: growing, or a buffer for length positions, set aside once.

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

    def _seen(self, tokens, caches):
        """How many positions the caches remember; ValueError if tokens do not fit behind them."""
        if caches is not None and len(caches) != len(self.blocks):
            raise ValueError(
                f"{len(caches)} caches for {len(self.blocks)} blocks; new_caches() makes them"
            )
        past = caches[0].seen if caches else 0
        if not (caches and caches[0].sliding):
            check_past(past, tokens, self.config.context_length)
        return past


def check_tokens(tokens, size):
    """TypeError or ValueError unless tokens are a tensor of tokens of a vocabulary this large."""
    tensor = isinstance(tokens, torch.Tensor)
    kind = tokens.dtype if tensor else f"a {type(tokens).__name__}"
    if kind not in (torch.int64, torch.int32):
        raise TypeError(f"tokens are {kind}; give a torch tensor of whole numbers (int64)")
    if tokens.ndim == 0 or tokens.shape[-1] == 0:
        raise ValueError(f"tokens have shape {tuple(tokens.shape)}; give at least one token")
    if readable(tokens) and ((tokens < 0) | (tokens >= size)).any():
        wrong = tokens[(tokens < 0) | (tokens >= size)][0].item()
        raise ValueError(f"token {wrong} is outside the vocabulary: use 0 to {size - 1}")


def check_padding(padding, tokens):
    """ValueError unless padding is None, or has a number for each row of tokens (B, T)."""
    if padding is None:
        return
    shape = tuple(tokens.shape[:1])
    if tokens.ndim != 2 or getattr(padding, "shape", None) != shape:
        raise ValueError(
            f"padding {padding!r} does not fit tokens {tuple(tokens.shape)}; give a tensor "
            "of one whole number for each row of tokens (B, T)"
        )


def check_past(past, tokens, limit):
    """ValueError unless tokens fit behind so many past ones."""
    if past + tokens.shape[-1] > limit:
        raise ValueError(
            f"{past} past and {tokens.shape[-1]} new tokens are more than context_length "
            f"({limit}); give fewer, or a larger context_length"
        )


def padded_mask(tokens, past, padding, context_length):
    """(B, 1, T, S): True where a key is not padding, or is the query itself."""
    if padding is None:
        return None
    end = past + tokens.shape[-1]
    queries = torch.arange(past, end, device=tokens.device)
    keys = held_positions(end, context_length, tokens.device)
    return (keys >= padding[:, None, None, None]) | (keys == queries[:, None])
