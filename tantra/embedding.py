"""Where vectors come from: a row for each token, and a sense of its position."""

import torch
from torch import nn

from tantra.arrays import check_count, like
from tantra.positions import alibi_bias, rotary_angles, sinusoidal_positions


class TokenEmbedding(nn.Embedding):
    """The row of each token in a table to learn.

    tokens (B, T)  ->  (B, T, D)
    """

    def __init__(self, vocab_size, d_model, *, generator=None):
        check_count(vocab_size=vocab_size, d_model=d_model)
        weight = torch.empty(vocab_size, d_model)
        super().__init__(vocab_size, d_model, _weight=nn.init.normal_(weight, generator=generator))


class LearnedPositions(nn.Module):
    """x plus a row to learn for each position, and nothing for attention to know.

    x (B, T, D)  ->  (B, T, D)

    Like every class here it takes how many positions are past, and returns x and a dictionary of
    what attention must know.  Raises ValueError past the last row.  Source: Radford et al. 2019.
    """

    def __init__(self, context_length, d_model, *, generator=None):
        super().__init__()
        check_count(context_length=context_length, d_model=d_model)
        weight = torch.empty(context_length, d_model)
        self.weight = nn.Parameter(nn.init.normal_(weight, std=0.02, generator=generator))

    def forward(self, x, past=0):
        return x + _rows(self.weight, past, x), {}


class SinusoidalPositions(nn.Module):
    """x plus waves of each position, made 1/√D as high, and nothing for attention to know.

    x (B, T, D)  ->  (B, T, D)

    The paper has √D x plus the waves: the same direction, but too long a vector for GPT-2's small
    first weights.  Source: Vaswani et al. 2017, sections 3.4 and 3.5.
    """

    def __init__(self, context_length, d_model):
        super().__init__()
        # not a buffer: it stays float64, whatever the model is cast to
        self.table = torch.from_numpy(sinusoidal_positions(context_length, d_model))

    def forward(self, x, past=0):
        waves = like(_rows(self.table, past, x), x)
        return x + waves / x.shape[-1] ** 0.5, {}


class RotaryPositions(nn.Module):
    """x as it came; attention gets the angles that turn its queries and keys.

    x (B, T, D)  ->  (B, T, D)

    Source: Su et al. 2021.
    """

    def __init__(self, context_length, d_head):
        super().__init__()
        # not a buffer: it stays float64, whatever the model is cast to
        self.angles = torch.from_numpy(rotary_angles(context_length, d_head))  # (N, K/2)

    def forward(self, x, past=0):
        return x, {"angles": _rows(self.angles, past, x)}


class AlibiPositions(nn.Module):
    """x as it came; attention gets what distance takes from its scores.

    x (B, T, D)  ->  (B, T, D)

    Source: Press et al. 2021.
    """

    def __init__(self, num_heads):
        super().__init__()
        check_count(num_heads=num_heads)
        self.num_heads = num_heads

    def forward(self, x, past=0):
        keys = torch.arange(past + x.shape[-2], device=x.device)
        return x, {"bias": alibi_bias(self.num_heads, keys[past:], keys).to(x.dtype)}


class NoPositions(nn.Module):
    """x as it came, and nothing for attention to know.

    x (B, T, D)  ->  (B, T, D)
    """

    def forward(self, x, past=0):
        return x, {}


def _rows(table, past, x):
    """The rows of a table for the positions of x, which come after the past ones."""
    end = past + x.shape[-2]
    if end > len(table):
        raise ValueError(
            f"position {end - 1} is asked for, and the table ends at {len(table) - 1}: give a "
            "shorter sequence, or make the table longer"
        )
    return table[past:end]
