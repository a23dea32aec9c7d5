"""The decoder's block: look at one's own past, look at the memory, think alone."""

from torch import nn

from tantra.probes import Probe


class DecoderBlock(nn.Module):
    """A block with one look more: at the memory, what an encoder has made of the other sequence.

    x (B, T, D)   memory (B, S, D)  ->  (B, T, D)

    Made of six parts: attention, cross_attention and feed_forward, and norm_1, norm_2 and norm_3
    before them.  memory_mask is True where a query may look at the memory, cache is a
    DecoderCache, and look is what the first attention takes.
    Source: Vaswani et al. 2017, section 3.1, with the norms of Xiong et al. 2020.
    """

    def __init__(self, attention, cross_attention, feed_forward, norm_1, norm_2, norm_3):
        super().__init__()
        self.norm_1, self.attention = norm_1, attention
        self.norm_2, self.cross_attention = norm_2, cross_attention
        self.norm_3, self.feed_forward = norm_3, feed_forward
        self.stream = Probe()  # (B, T, D)

    def forward(self, x, memory, memory_mask=None, cache=None, **look):
        own, other = cache or (None, None)
        x = x + self.attention(self.norm_1(x), causal=True, cache=own, **look)
        x = x + self.cross_attention(self.norm_2(x), memory, memory_mask, cache=other)
        x = x + self.feed_forward(self.norm_3(x))
        return self.stream(x)


class PostNormDecoderBlock(DecoderBlock):
    """The decoder's block of 2017: a norm stands on the stream after each addition.

    x (B, T, D)   memory (B, S, D)  ->  (B, T, D)

    Source: Vaswani et al. 2017, section 3.1.
    """

    def forward(self, x, memory, memory_mask=None, cache=None, **look):
        own, other = cache or (None, None)
        x = self.norm_1(x + self.attention(x, causal=True, cache=own, **look))
        x = self.norm_2(x + self.cross_attention(x, memory, memory_mask, cache=other))
        x = self.norm_3(x + self.feed_forward(x))
        return self.stream(x)
