"""The forms: attention by fewer rows, by parts of the keys, by fewer copies."""

import math

from tantra.arrays import in_floats, namespace
from tantra.attention import attention_scores, scaled_dot_product_attention
from tantra.checks import check_divides
from tantra.softmax import softmax


def last_row(q, k, v):
    """The last row of causal attention: the last query sees every key, and needs no mask.

    q (..., T, K)   k (..., S, K)   v (..., S, D)  ->  (..., 1, D)
    """
    return scaled_dot_product_attention(q[..., -1:, :], k, v)[0]


def row_by_row(q, k, v):
    """Causal attention, each row from its own query and the keys and values until then.

    q (..., T, K)   k (..., T, K)   v (..., T, D)  ->  (..., T, D)

    What a cache does: it keeps keys and values, and forgets queries.
    """
    ends = range(1, q.shape[-2] + 1)
    rows = [last_row(q[..., :end, :], k[..., :end, :], v[..., :end, :]) for end in ends]
    return namespace(q).concatenate(rows, axis=-2)


@in_floats("q", "k", "v")
def attend_part(q, k, v, mask=None):
    """The averages over some of the keys, and the logarithm of each row's sum of powers.

    q (..., T, K)   k (..., S, K)   v (..., S, D)   mask (T, S)  ->  (..., T, D), (..., T, 1)

    A row that may look at none of them has average 0, and -inf for the logarithm.
    """
    xp, scores = namespace(q), attention_scores(q, k, mask)
    largest = xp.amax(scores, axis=-1, keepdims=True)
    blind = largest == -math.inf
    largest = xp.where(blind, 0, largest)
    powers = xp.exp(scores - largest)
    total = xp.where(blind, 1, powers.sum(axis=-1, keepdims=True))
    return powers @ v / total, xp.where(blind, -math.inf, largest + xp.log(total))


@in_floats("averages", "log_sums")
def combine(averages, log_sums):
    """What attend_part gives over all the keys, from what it gave over each part of them.

    averages (2, ..., T, D)   log_sums (2, ..., T, 1)  ->  (..., T, D), (..., T, 1)

    Parts stand along the first axis, any number of them.  The weight of a part is a softmax of the
    logarithms.  Source: Milakov and Gimelshein 2018, section 3; Rabe and Staats 2021.
    """
    xp = namespace(averages)
    largest = xp.amax(log_sums, axis=0)
    sums = xp.exp(log_sums - largest).sum(axis=0)
    return (softmax(log_sums, axis=0) * averages).sum(axis=0), largest + xp.log(sums)


def stack_groups(q, k, v):
    """Attention in which G key heads answer H query heads, and no key is copied.

    q (..., 2·H, T, K)   k (..., H, S, K)   v (..., H, S, D)  ->  (..., 2·H, T, D)

    The queries of the heads that share a key head are put one below the other, as more rows.
    Source: Ainslie et al. 2023, for the groups.
    """
    check_divides(num_heads=q.shape[-3], num_kv_heads=k.shape[-3])
    rows = q.reshape(*k.shape[:-2], -1, q.shape[-1])  # (..., G, H/G·T, K)
    averages = scaled_dot_product_attention(rows, k, v)[0]
    return averages.reshape(*q.shape[:-1], v.shape[-1])
