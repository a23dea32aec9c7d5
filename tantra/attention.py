"""Attention: every position asks the others a question and averages their answers."""

import math

import numpy as np
import torch

from tantra.arrays import as_array, as_positions, in_floats, like, namespace, readable
from tantra.checks import check_count, check_kinds
from tantra.softmax import softmax


def causal_mask(queries, keys):
    """True where a query may look at a key: at its own position and before.

    queries (T,)   keys (S,)  ->  (T, S)

    Both are positions, so a cache, a window or a longer past needs no special case.

    >>> causal_mask(np.array([1, 2]), np.arange(3))
    array([[ True,  True, False],
           [ True,  True,  True]])
    """
    queries, keys = as_positions(queries=queries, keys=keys)
    return queries[..., :, None] >= keys[..., None, :]


def window_mask(queries, keys, window):
    """True where a query may look at a key: fewer than window positions away.

    queries (T,)   keys (S,)   window = 2  ->  (T, S)

    Beside causal_mask, with &, it leaves each query the last window keys, its own among them.

    >>> window_mask(np.array([1, 2]), np.arange(4), 2)
    array([[ True,  True,  True, False],
           [False,  True,  True,  True]])
    """
    check_count(window=window)
    queries, keys = as_positions(queries=queries, keys=keys)
    return abs(queries[..., :, None] - keys[..., None, :]) < window


def padding_mask(lengths, num_keys):
    """True where a key is part of its sequence; False on the padding after it.

    lengths (B,)   num_keys = S  ->  (B, 1, 1, S)

    The two axes of length 1 stand for heads and queries.  Raises ValueError unless there is one
    length for each sequence, from 1 to num_keys: of an empty one a query could see nothing.

    >>> padding_mask(np.array([1, 3]), 3)[:, 0, 0]
    array([[ True, False, False],
           [ True,  True,  True]])
    """
    check_count(num_keys=num_keys)
    lengths = as_array(lengths)
    if lengths.ndim != 1:
        raise ValueError(f"lengths are {lengths!r}; give one for each sequence, such as [3, 5]")
    if readable(lengths) and not ((lengths >= 1) & (lengths <= num_keys)).all():
        raise ValueError(f"lengths are {lengths.tolist()}; each must be from 1 to {num_keys} keys")
    keys = namespace(lengths).arange(num_keys, device=lengths.device)
    return keys < lengths[:, None, None, None]


@in_floats("q", "k", "v")
def scaled_dot_product_attention(q, k, v, mask=None, attn_bias=None):
    """softmax(q kᵀ / √K) v: the averaged values, and the weights they were averaged with.

    q (..., T, K)   k (..., S, K)   v (..., S, D)   mask (T, S)  ->  (..., T, D), (..., T, S)

    mask is True where a query may look; attn_bias is added to the scores.  Raises ValueError where
    shapes do not fit, and for a mask with a row that may look nowhere; TypeError for a mask that
    is not of True and False, and for NumPy beside torch.  Where the mask cannot be read (while
    compiling), such a row is nan.  Source: Vaswani et al. 2017, equation 1.
    """
    check_fit(q, k, v)
    check_mask(mask, q, (*q.shape[:-1], k.shape[-2]))
    weights = softmax(attention_scores(q, k, mask, attn_bias))
    return weights @ v, weights


@in_floats("q", "k")
def attention_scores(q, k, mask=None, attn_bias=None):
    """How well each key answers each query: q kᵀ / √K, and -inf where mask is False.

    q (..., T, K)   k (..., S, K)   mask (T, S)   attn_bias (T, S)  ->  (..., T, S)
    """
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if attn_bias is not None:
        scores = scores + like(attn_bias, scores)
    if mask is not None:
        scores = namespace(q).where(mask, scores, -math.inf)
    return scores


def check_fit(q, k, v):
    """Raise TypeError or ValueError unless every query can meet every key, and each has a value."""
    check_kinds(q=q, k=k, v=v)
    shapes = f"q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}"
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise ValueError(f"{shapes}: each needs an axis of positions and an axis of features")
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(
            f"{shapes}: a query has {q.shape[-1]} numbers and a key {k.shape[-1]}; "
            "to be compared they must be equally long"
        )
    if k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"{shapes}: {k.shape[-2]} keys and {v.shape[-2]} values; each key needs its own value"
        )
    if not _broadcasts(k.shape[:-2], v.shape[:-2]) or not _broadcasts(k.shape[:-2], q.shape[:-2]):
        raise ValueError(f"{shapes}: the axes before the last two must be equal, or 1")


def check_mask(mask, q, shape):
    """Raise TypeError or ValueError unless mask tells, for scores of this shape, who may look."""
    if mask is None:
        return
    if namespace(mask) is not namespace(q):
        raise TypeError(f"mask is a {type(mask).__name__} and q a {type(q).__name__}; use one kind")
    kind = getattr(mask, "dtype", type(mask).__name__)
    if kind not in (torch.bool, np.dtype(bool)):
        raise TypeError(
            f"mask is {kind}, but must hold True where a query may look: write mask != 0 for "
            "a mask of ones and zeros, mask == 0 for one that is added to the scores"
        )
    if not _broadcasts(mask.shape, shape, one_way=True):
        raise ValueError(
            f"mask {tuple(mask.shape)} does not fit scores {tuple(shape)}: its last two axes must "
            f"be {shape[-2]} queries and {shape[-1]} keys, or 1, and those before them like q's"
        )
    if readable(mask) and not (rows := mask.any(axis=-1)).all():
        blind = int((~rows).sum())
        raise ValueError(
            f"{blind} of the mask's {math.prod(rows.shape)} rows may look nowhere; "
            "let each query see at least one key, such as its own"
        )


def _broadcasts(shape, onto, one_way=False):
    """Whether arrays of these shapes can meet; one_way: without enlarging onto."""
    try:
        both = np.broadcast_shapes(tuple(shape), tuple(onto))
    except ValueError:
        return False
    return not one_way or both == tuple(onto)
