"""Circuits: the same attention by other weights.

weights is what MultiHeadAttention.state_dict() holds, of torch or of NumPy, biases included:
query.weight (D, D), key.weight and value.weight (G·K, D) for G key heads, output.weight (D, D),
and biases such as query.bias (D,).  Each function returns new weights and leaves the old alone.
"""

import math

from tantra.arrays import in_floats, namespace
from tantra.checks import check_count, check_divides
from tantra.softmax import softmax


def permute_heads(weights, order):
    """The weights with head order[0] first, then order[1], and so on.

    Raises ValueError where order does not name each head once, or parts heads that share keys.
    """
    order = [int(head) for head in order]
    if not order or sorted(order) != list(range(len(order))):
        raise ValueError(f"order is {order}; it must name each head from 0 on, once")
    d_head, shared = _sizes(weights, len(order))
    groups = [head // shared for head in order[::shared]]
    if [head // shared for head in order] != [group for group in groups for _ in range(shared)]:
        raise ValueError(
            f"order is {order}, but from 0 on each {shared} heads share their keys; keep them "
            "side by side"
        )
    new = {"output.weight": weights["output.weight"][:, _places(order, d_head)]}
    for name, heads in (("query", order), ("key", groups), ("value", groups)):
        for kind in ("weight", "bias"):
            new[f"{name}.{kind}"] = weights[f"{name}.{kind}"][_places(heads, d_head)]
    return {**weights, **new}


def drop_key_bias(weights):
    """The weights with a key bias of 0: it moves all scores of a row alike, unseen by softmax.

    Not so under rotary positions, which rotate the bias differently at each key.
    """
    return {**weights, "key.bias": 0 * weights["key.bias"]}


def fold_value_bias(weights, num_heads):
    """The weights with a value bias of 0, and what it did in the output bias.

    The weights of a row sum to 1, so the bias comes through each average as it is.
    """
    _, b_v = _by_head(weights, "value", num_heads)
    bias = weights["output.bias"] + (b_v @ _output(weights, num_heads)).sum(axis=(0, 1))
    return {**weights, "value.bias": 0 * weights["value.bias"], "output.bias": bias}


def fold_scale(weights, num_heads):
    """The weights for an attention that does not divide its scores by the root of K."""
    d_head, _ = _sizes(weights, num_heads)
    names = ("query.weight", "query.bias")
    return {**weights, **{name: weights[name] / math.sqrt(d_head) for name in names}}


def rotate_queries_and_keys(weights, num_heads, rotations):
    """The weights with queries and keys in another basis, one for each key head; scores stay.

    rotations is (G, K, K), or any matrices with an inverse.  Queries are multiplied by it, keys by
    its inverse transposed, which for a rotation is the same.  Not so under rotary positions, unless
    the two commute.
    """
    d_head, shared = _sizes(weights, num_heads)
    if tuple(rotations.shape) != (num_heads // shared, d_head, d_head):
        raise ValueError(
            f"rotations {tuple(rotations.shape)} do not fit: one matrix for each of the "
            f"{num_heads // shared} key heads, {d_head} by {d_head}"
        )
    inverse = namespace(rotations).linalg.inv(rotations).mT
    new = {}
    for name, rotation in (("query", rotations[_shared(num_heads, shared)]), ("key", inverse)):
        for kind, width in (("weight", -1), ("bias", 1)):
            value = weights[f"{name}.{kind}"]
            rotated = rotation.mT @ value.reshape(len(rotation), d_head, width)  # (H, K, D)
            new[f"{name}.{kind}"] = rotated.reshape(value.shape)
    return {**weights, **new}


def fuse_projections(weights):
    """One matrix and one bias that give query, key and value side by side.

    The matrix is (D + 2·G·K, D), rows for queries first, and the bias as long.
    """
    xp, names = namespace(weights["query.weight"]), ("query", "key", "value")
    return tuple(
        xp.concatenate([weights[f"{name}.{kind}"] for name in names]) for kind in ("weight", "bias")
    )


def merge_circuits(weights, num_heads):
    """The arguments of merged_attention: query with key and value with output, multiplied.

    qk (H, D, D) holds the division by the root of K, and qk_bias (H, D) what is left of the
    query bias; the key bias is gone.  Source: Elhage et al. 2021, "Attention heads as
    information movement".
    """
    (w_q, b_q), (w_k, _), (w_v, b_v) = (
        _by_head(weights, name, num_heads) for name in ("query", "key", "value")
    )
    w_o, root = _output(weights, num_heads), math.sqrt(w_q.shape[-2])
    return {
        "qk": w_q.mT @ w_k / root,
        "qk_bias": (b_q @ w_k)[:, 0] / root,
        "ov": w_v.mT @ w_o,
        "bias": weights["output.bias"] + (b_v @ w_o).sum(axis=(0, 1)),
    }


@in_floats("x", "qk", "qk_bias", "ov", "bias")
def merged_attention(x, qk, qk_bias, ov, bias, mask=None):
    """What the heads add to the stream, by two matrices a head and no keys or values.

    x (..., T, D)   qk (H, D, D)   qk_bias (H, D)   ov (H, D, D)   bias (D,)  ->  (..., T, D)
    """
    x = x[..., None, :, :]  # (..., 1, T, D)
    scores = (x @ qk + qk_bias[:, None, :]) @ x.mT  # (..., H, T, T)
    if mask is not None:
        scores = namespace(x).where(mask, scores, -math.inf)
    return (softmax(scores) @ x @ ov).sum(axis=-3) + bias


def _sizes(weights, num_heads):
    """The width of a head, and how many query heads share a key head."""
    d_model, key_features = len(weights["query.weight"]), len(weights["key.weight"])
    check_count(num_heads=num_heads)
    check_divides(d_model=d_model, num_heads=num_heads)
    check_divides(key_features=key_features, d_head=d_model // num_heads)
    return d_model // num_heads, d_model // key_features


def _shared(num_heads, shared):
    """The key head of each query head."""
    return [head // shared for head in range(num_heads)]


def _places(heads, d_head):
    """The features of these heads, head by head."""
    return [head * d_head + i for head in heads for i in range(d_head)]


def _by_head(weights, name, num_heads):
    """The weight (H, K, D) and the bias (H, 1, K) of a projection, for each query head."""
    d_head, shared = _sizes(weights, num_heads)
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    heads = _shared(num_heads, shared if name != "query" else 1)
    return weight.reshape(-1, d_head, weight.shape[-1])[heads], bias.reshape(-1, 1, d_head)[heads]


def _output(weights, num_heads):
    """The output weight of each head, (H, K, D): what a head's average is multiplied by."""
    return weights["output.weight"].mT.reshape(num_heads, -1, len(weights["output.weight"]))
