"""Where vectors come from: a row for each token, and a sense of its position."""

import torch
from torch import nn

from tantra.arrays import check_count, like, one_of
from tantra.cache import held_positions
from tantra.positions import SLOPES, alibi_bias, rotary_angles, sinusoidal_positions


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

    Like every class here it takes how many positions are past, and how many tokens at the front
    of each row are padding; it returns x and a dictionary of what attention must know.  Raises
    ValueError past the last row.  Source: Radford et al. 2019.
    """

    only_distances = False  # each position is known by its number, and the numbers end

    def __init__(self, context_length, d_model, *, generator=None):
        super().__init__()
        check_count(context_length=context_length, d_model=d_model)
        weight = torch.empty(context_length, d_model)
        self.weight = nn.Parameter(nn.init.normal_(weight, std=0.02, generator=generator))

    def forward(self, x, past=0, padding=None):
        return x + _rows(self.weight, x, past, padding), {}


class SinusoidalPositions(nn.Module):
    """x plus waves of each position, made 1/√D as high, and nothing for attention to know.

    x (B, T, D)  ->  (B, T, D)

    The paper has √D x plus the waves: the same direction, but too long a vector for GPT-2's small
    first weights.  Source: Vaswani et al. 2017, sections 3.4 and 3.5.
    """

    only_distances = False

    def __init__(self, context_length, d_model):
        super().__init__()
        # not a buffer: it stays float64, whatever the model is cast to
        self.table = torch.from_numpy(sinusoidal_positions(context_length, d_model))

    def forward(self, x, past=0, padding=None):
        waves = like(_rows(self.table, x, past, padding), x)
        return x + waves / x.shape[-1] ** 0.5, {}


class RotaryPositions(nn.Module):
    """x as it came; attention gets the angles that turn its queries and keys.

    x (B, T, D)  ->  (B, T, D)

    Only distances reach the scores, so padding in front changes nothing, and positions never end.
    Source: Su et al. 2021.
    """

    only_distances = True

    def __init__(self, d_head, base=10_000.0):
        super().__init__()
        # not a buffer: it stays float64, whatever the model is cast to
        self.step = torch.from_numpy(rotary_angles(2, d_head, base)[1])  # (K/2,), of one position

    def forward(self, x, past=0, padding=None):
        positions = torch.arange(past, past + x.shape[-2], device=self.step.device)
        return x, {"angles": positions[:, None] * self.step}


class LearnedRotaryPositions(LearnedPositions):
    """Both: x plus a row to learn for each position, and the angles that turn queries and keys.

    x (B, T, D)  ->  (B, T, D)

    A head can then look back by a distance, and can also know the number of a position.
    Source: ours; chapter 14 measures what it does.
    """

    def __init__(self, context_length, d_model, d_head, base=10_000.0, *, generator=None):
        super().__init__(context_length, d_model, generator=generator)
        self.rotary = RotaryPositions(d_head, base)

    def forward(self, x, past=0, padding=None):
        x, _ = super().forward(x, past, padding)
        return self.rotary(x, past, padding)


class AlibiPositions(nn.Module):
    """x as it came; attention gets what distance takes from its scores.

    x (B, T, D)  ->  (B, T, D)

    slopes is "paper" or "released" (see alibi_bias).  Source: Press et al. 2021.
    """

    only_distances = True

    def __init__(self, num_heads, context_length, slopes="paper"):
        super().__init__()
        check_count(num_heads=num_heads, context_length=context_length)
        one_of(SLOPES, "slopes", slopes)
        self.num_heads, self.context_length, self.slopes = num_heads, context_length, slopes

    def forward(self, x, past=0, padding=None):
        end = past + x.shape[-2]
        fine = torch.promote_types(x.dtype, torch.float32)  # some devices have no float64
        queries = torch.arange(past, end, device=x.device, dtype=fine)
        keys = held_positions(end, self.context_length, x.device).to(fine)
        return x, {"bias": alibi_bias(self.num_heads, queries, keys, self.slopes).to(x.dtype)}


class NoPositions(nn.Module):
    """x as it came, and nothing for attention to know.

    x (B, T, D)  ->  (B, T, D)
    """

    only_distances = True

    def forward(self, x, past=0, padding=None):
        return x, {}


def _rows(table, x, past, padding):
    """The rows of a table for the positions of x, which come after the past ones."""
    end = past + x.shape[-2]
    if end > len(table):
        raise ValueError(
            f"position {end - 1} is asked for, and the table ends at {len(table) - 1}: give a "
            "shorter sequence, or make the table longer"
        )
    if padding is None:
        return table[past:end]
    positions = torch.arange(past, end, device=table.device) - padding[:, None].to(table.device)
    return table[positions.clamp(min=0)]  # (B, T, D): each row counts from its own first token
