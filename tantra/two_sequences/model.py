"""EncoderDecoder: one stack reads a sequence, another looks at it and writes a second one."""

import functools
import inspect
from dataclasses import dataclass

from torch import nn

from tantra.attention import padding_mask
from tantra.cache import KVCache, MemoryCache
from tantra.checks import check_count
from tantra.config import GPTConfig, build
from tantra.embedding import TokenEmbedding
from tantra.initial import linear
from tantra.model import check_padding, check_past, check_tokens, padded_mask
from tantra.two_sequences.blocks import DecoderBlock, PostNormDecoderBlock
from tantra.two_sequences.given import DecoderCache, Given

BLOCKS = {"pre": DecoderBlock, "post": PostNormDecoderBlock}


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderConfig(GPTConfig):
    """The sizes and the parts of an EncoderDecoder.  The defaults are the base model of 2017.

    Beside the fields of GPTConfig, which hold for both stacks: source_vocab_size, where the source
    has tokens and a table of its own (unless given, both sequences share one), and encoder_layers
    (as many as num_layers, the decoder's, unless given).  Raises what GPTConfig does.
    Source: Vaswani et al. 2017, table 3.
    """

    vocab_size: int = 37_000
    context_length: int = 1024
    d_model: int = 512
    num_layers: int = 6
    num_heads: int = 8
    positions: str = "sinusoidal"
    norm_position: str = "post"
    feed_forward: str = "relu"
    source_vocab_size: int | None = None
    encoder_layers: int | None = None

    def __post_init__(self):
        super().__post_init__()
        for name in ("source_vocab_size", "encoder_layers"):
            if getattr(self, name) is not None:
                check_count(**{name: getattr(self, name)})


# what help and completion show, in place of __new__'s
EncoderDecoderConfig.__signature__ = inspect.signature(
    functools.partial(EncoderDecoderConfig.__init__, None)
)


class EncoderDecoder(nn.Module):
    """A score for each possible next token of the target, at every position, given the source.

    source (B, S)   target (B, T)  ->  (B, T, V)

    config, an EncoderDecoderConfig, says what it is made of; initial weights are drawn from
    generator.  Source: Vaswani et al. 2017, section 3.
    """

    def __init__(self, config, *, generator=None):
        super().__init__()
        if not isinstance(config, EncoderDecoderConfig):
            kind = type(config).__name__
            raise TypeError(f"config is a {kind}; give an EncoderDecoderConfig(...)")
        self.config = config
        table = functools.partial(TokenEmbedding, d_model=config.d_model, generator=generator)
        self.target_embedding = table(config.vocab_size)
        self.source_embedding = self.target_embedding
        if config.source_vocab_size is not None:
            self.source_embedding = table(config.source_vocab_size)
        self.positions = build(config, "positions", generator)
        layers = config.encoder_layers or config.num_layers
        self.encoder = nn.ModuleList(
            build(config, "norm_position", generator) for _ in range(layers)
        )
        self.decoder = nn.ModuleList(
            decoder_block(config, generator) for _ in range(config.num_layers)
        )
        self.encoder_norm = self._last_norm(generator)
        self.norm = self._last_norm(generator)
        self.unembedding = linear(config.d_model, config.vocab_size, False, generator)
        if config.tied:
            self.unembedding.weight = self.target_embedding.weight
        for weights in {self.source_embedding.weight, self.target_embedding.weight}:
            weights.data /= config.d_model**0.5  # encode and decode multiply by it again

    def _last_norm(self, generator):
        """After post-norm the stream is normalised already."""
        pre = self.config.norm_position == "pre"
        return build(self.config, "norm", generator) if pre else nn.Identity()

    def forward(self, source, target, lengths=None):
        """Logits; lengths (B,) says how many tokens of each source are no padding at its end."""
        memory, mask = self.encode(source, lengths)
        return self.decode(target, memory, mask)

    def encode(self, source, lengths=None):
        """What the encoder makes of source, and the mask of who may look at which of it.

        source (B, S)   lengths (B,)  ->  (B, S, D), (B, 1, 1, S)

        Without lengths nothing is padding, and the mask is None.
        """
        table = self.source_embedding
        check_tokens(source, table.num_embeddings)
        check_past(0, source, self.config.context_length)
        mask = None if lengths is None else padding_mask(lengths, source.shape[-1])
        x, look = self._embedded(table, source)
        for block in self.encoder:
            x = block(x, mask=mask, **look)
        return self.encoder_norm(x), mask

    def decode(self, target, memory, mask=None, caches=None, *, padding=None, last=False):
        """Logits of what follows each token of target, given what encode returns.

        target (B, T)   memory (B, S, D)   mask (B, 1, 1, S)  ->  (B, T, V)

        With caches (see given), target is what follows the remembered tokens.  padding (B,) says
        how many tokens at the front of each row stand for nothing; last=True scores only what
        follows the last token.
        """
        check_tokens(target, self.config.vocab_size)
        check_padding(padding, target)
        past = caches[0].own.seen if caches else 0
        check_past(past, target, self.config.context_length)
        x, look = self._embedded(self.target_embedding, target, past, padding)
        if padding is not None:
            look["mask"] = padded_mask(target, past, padding, self.config.context_length)
        for block, cache in zip(self.decoder, caches or [None] * len(self.decoder), strict=True):
            x = block(x, memory, mask, cache, **look)
        x = x[..., -1:, :] if last else x
        return self.unembedding(self.norm(x))

    def _apply(self, *args, **kwargs):
        """What moves and casts a model.  One table that embeds and scores stays one."""
        tied = self.unembedding.weight is self.target_embedding.weight
        super()._apply(*args, **kwargs)
        if tied:  # torch makes two of it on the way from meta, and to some devices
            self.unembedding.weight = self.target_embedding.weight
        return self

    def _embedded(self, table, tokens, past=0, padding=None):
        """√D times the rows of a table, plus positions: with sinusoidal ones the paper's sum."""
        x, look = self.positions(table(tokens), past, padding)
        return x * self.config.d_model**0.5, look

    def new_caches(self, length=None):
        """One empty DecoderCache a block of the decoder."""
        return [DecoderCache(KVCache(length), MemoryCache()) for _ in self.decoder]

    def given(self, source, lengths=None):
        """The decoder, which looks at this source: for generate, stream and beam_search."""
        return Given(self, source, lengths)


def decoder_block(config, generator=None):
    """A new block of the decoder, as the config names its parts."""
    kinds = "attention", "attention", "feed_forward", "norm", "norm", "norm"
    return BLOCKS[config.norm_position](*(build(config, kind, generator) for kind in kinds))
