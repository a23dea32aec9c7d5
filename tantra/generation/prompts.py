"""Prompts: the tokens that a model goes on from, one row or several, of any lengths."""

import numpy as np
import torch

from tantra.checks import check_count


def read_prompts(tokens, vocab_size):
    """The rows of tokens as lists, whether they are one prompt alone, and the way back.

    tokens is one prompt, a list, a tensor or an array (T,), or several: a tensor or an array
    (B, T), or a list of prompts, whose lengths may differ.  The way back is a function that gives
    rows the form of tokens.  Raises TypeError or ValueError for anything else, an empty prompt,
    and a token outside the vocabulary.
    """
    if isinstance(tokens, torch.Tensor):
        if tokens.dtype not in (torch.int64, torch.int32) or tokens.ndim not in (1, 2):
            raise TypeError(
                f"tokens are {tokens.dtype} of shape {tuple(tokens.shape)}; give whole numbers "
                "(int64), one prompt (T,) or several (B, T)"
            )
        alone, back = tokens.ndim == 1, _array_like(tokens)
        rows = [tokens.tolist()] if alone else tokens.tolist()
    else:
        rows, alone = _from_list(tokens)
        back = _only if alone else list
        back = _array_like(tokens) if isinstance(tokens, np.ndarray) else back
    if not rows:
        raise ValueError("tokens hold no prompt; give at least one")
    for row in rows:
        _check_row(row, vocab_size)
    return rows, alone, back


def pad_left(rows, device=None):
    """One tensor (B, T) of all rows, each ending at its right edge, and the padding (B,).

    The padding, how many tokens of each row stand for nothing, is None where there is none.

    >>> pad_left([[5], [6, 7, 8]])
    (tensor([[0, 0, 5],
            [6, 7, 8]]), tensor([2, 0]))
    """
    longest = max(map(len, rows))
    padding = [longest - len(row) for row in rows]
    filled = [[0] * pads + list(row) for pads, row in zip(padding, rows, strict=True)]
    padding = torch.tensor(padding, device=device) if any(padding) else None
    return torch.tensor(filled, device=device), padding


def _from_list(tokens):
    tokens = tokens.tolist() if hasattr(tokens, "tolist") else tokens
    if not isinstance(tokens, list | tuple):
        raise TypeError(f"tokens are {type(tokens).__name__}; give a list or tensor of token ids")
    nested = [hasattr(part, "__len__") for part in tokens]
    if not any(nested):
        return [list(tokens)], True
    if not all(nested):
        raise TypeError("tokens mix numbers and lists; give one prompt, or a list of prompts")
    return [part.tolist() if hasattr(part, "tolist") else list(part) for part in tokens], False


def _only(rows):
    return rows[0]


def _array_like(tokens):
    """From rows to what tokens is; a row that stopped early repeats its last token."""

    def back(rows):
        longest = max(map(len, rows))
        rows = [row + row[-1:] * (longest - len(row)) for row in rows]
        rows = rows if tokens.ndim == 2 else rows[0]
        if isinstance(tokens, np.ndarray):
            return np.array(rows)
        return torch.tensor(rows, dtype=tokens.dtype, device=tokens.device)

    return back


def _check_row(row, vocab_size):
    if not row:
        raise ValueError("a prompt is empty; give at least one token to go on from")
    for token in row:
        check_count(least=0, token=token)
        if token >= vocab_size:
            raise ValueError(f"token {token} is outside the vocabulary: use 0 to {vocab_size - 1}")
