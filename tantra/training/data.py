"""Data: from a long row of tokens to batches of inputs and of what comes next."""

from collections.abc import Iterator

import numpy as np
import torch

from tantra.checks import check_count


def batches(
    tokens, batch_size, length, *, generator=None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Random windows of tokens, without end: inputs and targets, each (batch_size, length).

    generator draws where they begin.  targets are inputs one step later: position t is to predict
    the token at t + 1.  tokens (N,) may be a list, an array, a memory-mapped file or a tensor; only
    the windows drawn are read.  Raises TypeError unless tokens are whole numbers, and ValueError
    where no window fits.
    """
    check_count(batch_size=batch_size, length=length)
    if not isinstance(tokens, torch.Tensor):
        tokens = np.asanyarray(tokens)  # a memory map stays one
    if tokens.ndim != 1:
        raise ValueError(f"tokens have shape {tuple(tokens.shape)}; give one row of them, (N,)")
    if len(tokens) <= length:
        raise ValueError(
            f"{len(tokens)} tokens are too few: a window of length {length} and its next token "
            f"need {length + 1}; give more, or a smaller length"
        )
    if not _whole(tokens):
        raise TypeError(f"tokens are {tokens.dtype}; give whole numbers, such as int64 or uint16")
    return _windows(tokens, batch_size, length, generator)


def _windows(tokens, batch_size, length, generator):
    within = torch.arange(length + 1)
    device = None if generator is None else generator.device
    while True:
        starts = torch.randint(
            len(tokens) - length, (batch_size, 1), generator=generator, device=device
        )
        places = starts.cpu() + within  # (B, T + 1)
        if isinstance(tokens, torch.Tensor):
            windows = tokens[places.to(tokens.device)].long()
        else:
            windows = torch.from_numpy(np.asarray(tokens[places.numpy()], dtype=np.int64))
        yield windows[:, :-1], windows[:, 1:]


def _whole(tokens):
    if isinstance(tokens, torch.Tensor):
        return not (tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool)
    return np.issubdtype(tokens.dtype, np.integer)
