"""The block: attention and feed-forward, each added to the stream."""

from torch import nn

from tantra.probes import Probe


class Block(nn.Module):
    """Look at the other positions, then think alone; each adds to x, none replaces it.

    x (B, T, D)  ->  (B, T, D)

    Made of four parts, attention, feed_forward, and norm_1 and norm_2 before them; look is what
    its attention takes: mask, angles, cache and so on.
    """

    def __init__(self, attention, feed_forward, norm_1, norm_2):
        super().__init__()
        self.norm_1, self.attention = norm_1, attention
        self.norm_2, self.feed_forward = norm_2, feed_forward
        self.stream = Probe()  # (B, T, D)

    def forward(self, x, **look):
        x = x + self.attention(self.norm_1(x), **look)
        x = x + self.feed_forward(self.norm_2(x))
        return self.stream(x)


class PostNormBlock(Block):
    """The block of 2017: the norm stands on the stream, after each addition.

    x (B, T, D)  ->  (B, T, D)

    attention and norm_1, then feed_forward and norm_2.
    Source: Vaswani et al. 2017, section 3.1; Xiong et al. 2020 compare the two.
    """

    def forward(self, x, **look):
        x = self.norm_1(x + self.attention(x, **look))
        x = self.norm_2(x + self.feed_forward(x))
        return self.stream(x)
