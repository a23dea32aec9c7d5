"""A decoder with the source that it looks at: to generate from, as from any other model."""

from collections import namedtuple

import torch


class DecoderCache(namedtuple("DecoderCache", ["own", "memory"])):
    """What one block of a decoder remembers: a KVCache of its own past, and a MemoryCache."""

    __slots__ = ()

    def select(self, rows):
        """Go on with these rows of the batch; a row may be left out, or taken twice."""
        for cache in self:
            cache.select(rows)


class Given:
    """What generate, stream and beam_search ask of a model, from a decoder and its source.

    The encoder reads source, once, here.  A prompt has one row for each row of source, and begins
    with the token that the decoder learned to begin with.
    """

    can_slide = False

    @torch.no_grad()
    def __init__(self, model, source, lengths=None):
        self.model, self.config = model, model.config
        self.memory, self.mask = model.encode(source, lengths)

    def __call__(self, tokens, caches=None, *, padding=None, last=False):
        """Logits of what follows tokens (B, T), as EncoderDecoder.decode returns them."""
        first = not (caches and caches[0].own.seen)
        if first and len(tokens) != len(self.memory):
            raise ValueError(
                f"{len(tokens)} prompts for {len(self.memory)} sources; give one for each"
            )
        return self.model.decode(tokens, self.memory, self.mask, caches, padding=padding, last=last)

    def parameters(self):
        """Those of the model."""
        return self.model.parameters()

    def new_caches(self, length=None):
        """Empty caches, as EncoderDecoder.new_caches makes them."""
        return self.model.new_caches(length)

    def row(self, number):
        """The decoder with this row of source alone, for a search of its own."""
        one = object.__new__(Given)
        one.model, one.config = self.model, self.config
        one.memory = self.memory[number : number + 1]
        one.mask = None if self.mask is None else self.mask[number : number + 1]
        return one
