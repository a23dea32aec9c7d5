"""The embedding: a vector for each token."""

import torch
from torch import nn

from tantra.checks import check_count


class TokenEmbedding(nn.Embedding):
    """The row of each token in a table to learn.

    tokens (B, T)  ->  (B, T, D)
    """

    def __init__(self, vocab_size, d_model, *, generator=None):
        check_count(vocab_size=vocab_size, d_model=d_model)
        weight = torch.empty(vocab_size, d_model)
        super().__init__(vocab_size, d_model, _weight=nn.init.normal_(weight, generator=generator))
