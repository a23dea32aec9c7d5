"""The exercises of chapter 04, heads."""

import itertools
import math

import numpy as np

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import FRONTS, array, gradients
from tantra.check.slips import normalised, total


def _cut(x, num_heads):
    return x.reshape(*x.shape[:-2], num_heads, x.shape[-2], -1)


def _cut_one(x, num_heads):
    """The same slip, in words that know no batch."""
    return x.reshape(num_heads, x.shape[0], -1)


def _paste(x):
    return x.reshape(*x.shape[:-3], x.shape[-2], -1)


def _sections(x, num_heads):
    return x.reshape(*x.shape[:-1], num_heads, -1)


def _every_hth(x, num_heads):
    return np.moveaxis(x.reshape(*x.shape[:-1], -1, num_heads), -1, -3)


def _of_one_sequence(x, num_heads):
    """Fails where axes stand in front."""
    length, width = x.shape
    return x.reshape(length, num_heads, width // num_heads).swapaxes(0, 1)


def _of_one_batch(x, num_heads):
    """Fails where not exactly one axis stands in front."""
    batch, length, width = x.shape
    return x.reshape(batch, length, num_heads, width // num_heads).swapaxes(1, 2)


def _slices_of_axis_1(x, num_heads):
    width = x.shape[-1] // num_heads
    return np.stack([x[:, h * width : (h + 1) * width] for h in range(num_heads)])


def _overlapping(x, num_heads):
    width = x.shape[-1] // num_heads
    return np.stack([x[..., h : h + width] for h in range(num_heads)], axis=-3)


def _draw_features(rng):
    batch = FRONTS[rng.integers(3)]
    return rng.standard_normal((*batch, 5, 12)), int(rng.choice([2, 3, 4, 6]))


DIGITS = 10.0 * np.arange(3)[:, None] + np.arange(8)  # tens: position, ones: feature

split_heads = Exercise(
    name="split_heads",
    kind="implement",
    asks="Cut the features into heads and bring the heads in front of the positions.",
    reference=tantra.split_heads,
    cases={
        "two heads of width 4": (DIGITS, 2),
        "three heads of width 2": (10.0 * np.arange(4)[:, None] + np.arange(6), 3),
        "a batch": (array(2, 5, 3), 1),
        "a batch of one, three heads": (array(1, 4, 6), 3),
        "two axes in front": (array(2, 1, 3, 4), 2),
    },
    draw=_draw_features,
    mistakes={
        "reshape alone has the right shape and mixes positions with features: cut the features "
        "first, to (T, H, K), then swap the axes of positions and heads.": _cut,
        "reshape alone has the right shape and mixes positions with features: first cut the last "
        "axis only, which works for any axes in front, then swap heads and positions.": _cut_one,
        "the heads still stand behind the positions: swap the two axes, so that positions and "
        "features come last.": _sections,
        "a head is a run of neighbouring features, and you gave it every H-th one: in a reshape "
        "heads come before width; as a slice it is x[..., h * K : (h + 1) * K].": _every_hth,
        "the heads overlap: head h has the features from h·K on, not from h on.": _overlapping,
        "positions and features are swapped in each head: only heads and positions change "
        "places.": lambda x, num_heads: tantra.split_heads(x, num_heads).mT,
        "num_heads is how many heads there are, not how wide each is.": (
            lambda x, num_heads: tantra.split_heads(x, x.shape[-1] // num_heads)
        ),
        "that is right for one sequence and not for a batch: count the axes from the end.": (
            lambda x, num_heads: x.reshape(x.shape[0], num_heads, -1).swapaxes(0, 1)
        ),
        "right for one sequence; in a batch, axes 0 and 1 are not positions and heads. They are "
        "the axes -3 and -2, whatever stands in front.": (
            lambda x, num_heads: _sections(x, num_heads).swapaxes(0, 1)
        ),
        "right for one sequence; in a batch the heads come after the batch, at axis -3 of the "
        "result, not in front of everything.": (
            lambda x, num_heads: np.moveaxis(_sections(x, num_heads), -2, 0)
        ),
        "right for one sequence, and an error where axes stand in front: x.shape[:-1] holds all of "
        "them and the positions, and the axes to swap are -3 and -2.": _of_one_sequence,
        "right for a batch, and an error without one, or with two axes in front: x.shape[:-1] "
        "holds whatever stands there, and the axes to swap are -3 and -2.": _of_one_batch,
        "right with no axis or one in front, and an error with two: x.shape[:-1] holds them all.": (
            lambda x, num_heads: (_of_one_sequence if x.ndim == 2 else _of_one_batch)(x, num_heads)
        ),
        "the axes 1 and 2 are positions and heads only where one axis stands in front: count from "
        "the end, -3 and -2.": lambda x, num_heads: _sections(x, num_heads).swapaxes(1, 2),
        "right for one sequence; in a batch x[:, a:b] cuts positions: x[..., a:b] cuts features, "
        "and the heads belong at axis -3.": _slices_of_axis_1,
        "the heads lie under each other; they need an axis of their own before the positions: "
        "np.stack(..., axis=-3).": lambda x, num_heads: np.concatenate(
            np.split(x, num_heads, axis=-1), axis=-2
        ),
        "the axes in front have run together into one: keep them, *x.shape[:-1].": (
            lambda x, num_heads: tantra.split_heads(x.reshape(-1, *x.shape[-2:]), num_heads)
        ),
        "you swapped heads with features: of (T, H, K) swap the first two, axes -3 and -2.": (
            lambda x, num_heads: _sections(x, num_heads).swapaxes(-2, -1)
        ),
        "the H heads share the features, so each is x.shape[-1] // num_heads wide: reshape(..., "
        "num_heads, -1) finds it.": (
            lambda x, num_heads: x.reshape(*x.shape[:-1], num_heads, x.shape[-1]).swapaxes(-3, -2)
        ),
        ".T reverses all the axes: swap only two, those of positions and heads, -3 and -2.": (
            lambda x, num_heads: _sections(x, num_heads).T
        ),
        "x is transposed before the cut, so a row is no position any more: cut the features of x, "
        "to (T, H, K), then swap the axes of positions and heads.": (
            lambda x, num_heads: _cut(x.mT.reshape(x.shape), num_heads)
        ),
    },
    hints=(
        "First cut the last axis in two: (..., T, H·K) becomes (..., T, H, K).",
        "x.reshape(*x.shape[:-1], num_heads, -1) does that for any axes in front.",
        "Then .swapaxes(-3, -2) puts the heads before the positions.",
    ),
)


def _hidden(scores, mask):
    return np.where(mask, scores, -np.inf)


def _hidden_by_index(scores, mask):
    """Fails where the mask has fewer axes than the scores."""
    scores[~mask] = -np.inf
    return scores


def _hidden_in_each_head(scores, mask):
    """Fails where axes stand in front of the heads."""
    for head in np.moveaxis(scores, -3, 0):
        head[~mask] = -np.inf
    return scores


def _attend(q, k, v, mask=None, *, width=None, axis=-1, hide=_hidden, late=1, share=None):
    """Attention as in chapter 03, with another width in the divisor, axis or way to mask."""
    scores = q @ k.mT / math.sqrt(width or q.shape[-1])
    if mask is not None:
        scores = hide(scores, mask)
    shares = share(scores) if share else tantra.softmax(scores, axis=axis)
    return (shares * late) @ v


def _multi_head(
    x,
    context,
    w_q,
    w_k,
    w_v,
    w_o,
    num_heads,
    mask=None,
    *,
    split=tantra.split_heads,
    merge=tantra.merge_heads,
    width=lambda x, q: q.shape[-1],
    **slips,
):
    """Multi-head attention; the keywords put a slip in the place of a part."""
    q = split(x @ w_q, num_heads)
    k, v = split(context @ w_k, num_heads), split(context @ w_v, num_heads)
    return merge(_attend(q, k, v, mask, width=width(x, q), **slips)) @ w_o


def _with(**slips):
    return lambda *args: _multi_head(*args, **slips)


def _from(change):
    """Multi-head attention of other arrays: x, context, w_q, w_k, w_v, w_o in another order."""

    def wrong(x, context, w_q, w_k, w_v, w_o, *rest):
        return _multi_head(*change(x, context, w_q, w_k, w_v, w_o), *rest)

    return wrong


def _multi_head_reference(x, context, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _multi_head(x, context, w_q, w_k, w_v, w_o, num_heads, mask)


def _as_wide_as_x(x, context, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """Takes H·K for D, so that a reshape fails where the two differ."""
    q = (x @ w_q).reshape(*x.shape[:-1], num_heads, x.shape[-1] // num_heads)
    return _multi_head(x, context, w_q, w_k, w_v, w_o, q.shape[-2], mask)


def _slices_as_wide_as_x(x, context, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """Takes H·K for D as well, where the columns of the matrices are cut."""
    width, averages = x.shape[-1] // num_heads, []
    for h in range(num_heads):
        q, k, v = (
            a @ w[:, h * width : (h + 1) * width]
            for a, w in ((x, w_q), (context, w_k), (context, w_v))
        )
        averages.append(_attend(q, k, v, mask))
    return np.concatenate(averages, axis=-1) @ w_o


def _with_the_weights(x, context, w_q, w_k, w_v, w_o, num_heads, mask=None):
    q, k = (tantra.split_heads(a @ w, num_heads) for a, w in ((x, w_q), (context, w_k)))
    _, weights = tantra.scaled_dot_product_attention(q, k, k, mask)
    return _multi_head(x, context, w_q, w_k, w_v, w_o, num_heads, mask), weights


def _masked_late(x, context, w_q, w_k, w_v, w_o, num_heads, mask=None):
    late = 1 if mask is None else mask
    return _multi_head(x, context, w_q, w_k, w_v, w_o, num_heads, late=late)


def _parts(rng, asks, answers, d_model, width, num_heads, batch=()):
    """x, context and four matrices; the heads together need not be as wide as the model."""
    x = rng.standard_normal((*batch, asks, d_model)).round(1)
    context = rng.standard_normal((*batch, answers, d_model)).round(1)
    w_q, w_k, w_v = rng.standard_normal((3, d_model, width)).round(1)
    return x, context, w_q, w_k, w_v, rng.standard_normal((width, d_model)).round(1), num_heads


def _some(rng, asks, answers):
    """A mask that shows each query half of the keys."""
    half = np.arange(answers) < answers // 2
    return rng.permuted(np.tile(half, (asks, 1)), axis=-1)


def _draw_multi_head(rng):
    parts = _parts(rng, 5, 7, 11, 12, int(rng.choice([2, 3, 4])), FRONTS[rng.integers(3)])
    return (*parts, _some(rng, 5, 7)) if rng.integers(2) else parts


_CASE = np.random.default_rng(4)
_FAR_BELOW = (
    1e5 * np.array([[1.0, 2.0], [3.0, 1.0]]),
    1e5 * np.array([[2.0, 1.0], [1.0, 3.0], [4.0, 2.0]]),
    np.array([[-1.0, -2.0, -1.0], [-2.0, -1.0, -3.0]]),
    np.array([[1.0, 2.0, 1.0], [2.0, 1.0, 3.0]]),
    *(array(*shape, seed=5) for shape in ((2, 3), (3, 2))),
    1,
    np.array([[True, False, True], [False, True, True]]),
)

multi_head_attention = Exercise(
    name="multi_head_attention",
    kind="implement",
    asks="H attentions side by side, put together by W_O; x asks and context answers.",
    reference=_multi_head_reference,
    library=tantra.MultiHeadAttention,
    cases={
        "two heads": _parts(_CASE, 5, 6, 3, 8, 2),
        "one head": _parts(_CASE, 4, 5, 3, 2, 1),
        "a mask": (*_parts(_CASE, 4, 5, 3, 6, 2), _some(_CASE, 4, 5)),
        "as wide as the model": _parts(_CASE, 3, 5, 4, 4, 2),
        "two axes in front, a mask": (*_parts(_CASE, 2, 3, 3, 4, 2, (2, 1)), _some(_CASE, 2, 3)),
        "scores far below 0, a mask": _FAR_BELOW,
    },
    draw=_draw_multi_head,
    mistakes={
        "the split mixes positions with features: reshape to (T, H, K) first, then swap the axes "
        "of positions and heads.": _with(split=_cut),
        "the merge mixes positions with features: swap the axes of heads and positions back "
        "before you reshape.": _with(merge=_paste),
        "split and merge are both a bare reshape, so each head saw a stretch of the sequence, all "
        "features of it: swap axes after the one and before the other.": (
            _with(split=_cut, merge=_paste)
        ),
        "a head is a run of neighbouring features, and you gave it every H-th one.": (
            _with(split=_every_hth)
        ),
        "the heads overlap: head h has the columns from h·K on, not from h on.": (
            _with(split=_overlapping)
        ),
        "that is one wide head: cut queries, keys and values into num_heads heads first.": (
            _with(split=lambda x, num_heads: x[..., None, :, :])
        ),
        "the heads together need not be as wide as x: K is w_q.shape[-1] // num_heads and not D // "
        "num_heads, and merged they are H·K wide, which reshape(..., -1) finds.": _as_wide_as_x,
        "your slices are D // num_heads wide, so some columns are left out, or too many are asked "
        "for: K is w_q.shape[-1] // num_heads.": _slices_as_wide_as_x,
        "the merged heads are not brought back: multiply by w_o.": (
            _from(
                lambda x, context, w_q, w_k, w_v, w_o: (x, context, w_q, w_k, w_v, np.eye(len(w_o)))
            )
        ),
        "w_o is transposed: it is (H·K, D), so merged @ w_o.": (
            _from(lambda x, context, w_q, w_k, w_v, w_o: (x, context, w_q, w_k, w_v, w_o.T))
        ),
        "the weights come back too: return the answer alone, of the shape (..., T, D).": (
            _with_the_weights
        ),
        "the divisor is the root of one head's width, not of all heads' together.": (
            _with(width=lambda x, q: q.shape[-1] * q.shape[-3])
        ),
        "the divisor is √K, the width of one head's queries; yours is √D, the width of x.": (
            _with(width=lambda x, q: x.shape[-1])
        ),
        "the divisor is √K, and K is w_q.shape[-1] // num_heads, not D // num_heads.": (
            _with(width=lambda x, q: x.shape[-1] // q.shape[-3])
        ),
        "the divisor is √K, and K is w_q.shape[-1] // num_heads, not D / num_heads.": (
            _with(width=lambda x, q: x.shape[-1] / q.shape[-3])
        ),
        "the divisor √K is missing.": _with(width=lambda x, q: 1),
        "the scores are divided by √K twice; scaled_dot_product_attention does it once itself.": (
            _with(width=lambda x, q: q.shape[-1] ** 2)
        ),
        "the softmax is missing: a query's scores become weights before they average the values.": (
            _with(share=lambda scores: np.where(scores == -np.inf, 0, scores))
        ),
        "the powers of e overflow, or all of them are 0: subtract each row's largest score first, "
        "or take softmax.": _with(share=lambda scores: normalised(np.exp(scores))),
        "adding x is the block's work (chapter 08): return the heads' own answer.": (
            lambda x, *rest: x + _multi_head(x, *rest)
        ),
        "the values are made by w_k, or are the keys again: w_v makes them.": (
            _from(lambda x, context, w_q, w_k, w_v, w_o: (x, context, w_q, w_k, w_k, w_o))
        ),
        "keys and values come from the context; only queries come from x.": (
            _from(lambda x, context, *weights: (x, x, *weights))
        ),
        "all three come from the context: x asks, so queries are made from x.": (
            _from(lambda x, context, *weights: (context, context, *weights))
        ),
        "keys and values have changed places: w_k makes keys, w_v makes values.": (
            _from(lambda x, context, w_q, w_k, w_v, w_o: (x, context, w_q, w_v, w_k, w_o))
        ),
        "queries and keys have changed places: w_q makes queries, w_k makes keys.": (
            _from(lambda x, context, w_q, w_k, w_v, w_o: (x, context, w_k, w_q, w_v, w_o))
        ),
        "right for one sequence; in a batch axes 0 and 1 are the sequences and the heads: to "
        "merge, swap the axes -3 and -2.": _with(
            merge=lambda x: x.swapaxes(0, 1).reshape(*x.shape[:-3], x.shape[-2], -1)
        ),
        "right for one sequence; in a batch the first axis counts the sequences, and a loop over "
        "it gives sequences, not heads.": _with(merge=lambda x: np.concatenate(list(x), axis=-1)),
        "right for one sequence, and an error where axes stand in front: x.shape[:-1] holds them "
        "and the positions, and heads and positions are the axes -3 and -2.": (
            _with(split=_of_one_sequence)
        ),
        "right for a batch, and an error without one, or with two axes in front: x.shape[:-1] "
        "holds whatever stands there.": _with(split=_of_one_batch),
        "x asks and the context answers: queries come from x, keys and values from the context.": (
            _from(lambda x, context, *weights: (context, x, *weights))
        ),
        "a score that is multiplied by 0 is a score of 0, which still gets a weight: where the "
        "mask is False, the score should be -inf.": _with(hide=np.multiply),
        "a mask that is added counts True as 1 and False as 0: where it is False, the score should "
        "be -inf.": _with(hide=np.add),
        "a number such as -1e9 is a very low score, and another may be lower: where the mask is "
        "False, the score should be -inf.": (
            _with(hide=lambda scores, mask: np.where(mask, scores, -1e9))
        ),
        "weights that are set to 0 after the softmax no longer sum to 1: mask the scores, before "
        "it.": _masked_late,
        "the mask is inverted: True means that a query may look.": (
            _with(hide=lambda scores, mask: _hidden(scores, ~mask))
        ),
        "the mask is not used: where it is False, the score should be -inf.": (
            _with(hide=lambda scores, mask: scores)
        ),
        "one mask (T, S) serves all heads, and scores[~mask] needs one with all their axes: "
        "np.where(mask, scores, -np.inf) stretches it.": _with(hide=_hidden_by_index),
        "right for one sequence; with axes in front, scores[~mask] needs a mask with all of them: "
        "np.where(mask, scores, -np.inf) stretches it.": _with(hide=_hidden_in_each_head),
        "there is an error where there is a mask. An array is neither true nor false, so ask "
        "`if mask is not None:`, and not `if mask:`.": (
            _with(hide=lambda scores, mask: _hidden(scores, mask) if mask else scores)
        ),
        "softmax runs over the queries; each row of weights runs over the keys, axis=-1.": (
            _with(axis=-2)
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "Make q from x, and k and v from the context, each for all heads at once.",
        "Split each into (..., H, positions, K), attend, then put the heads side by side again.",
        "scaled_dot_product_attention(q, k, v, mask) takes heads in front; its first "
        "result has shape (..., H, T, K).",
        "To merge: .swapaxes(-3, -2), then .reshape(*leading, -1), then @ w_o.",
    ),
)


def _grouped_reference(q, g, num_kv_heads):
    def scores(k):
        shared = k.repeat_interleave(len(q) // num_kv_heads, dim=0)
        return k.new_tensor(q) @ shared.mT / math.sqrt(q.shape[-1])

    return gradients(scores, g, np.zeros((num_kv_heads, g.shape[-1], q.shape[-1])))[0]


def _each_head(q, g):
    """The gradient by the keys, if every head had its own.   ->  (H, S, K)"""
    return g.mT @ q / math.sqrt(q.shape[-1])


def _in_groups(x, num_kv_heads):
    return x.reshape(num_kv_heads, -1, *x.shape[1:])


def _added(q, g, num_kv_heads):
    """The right answer.   ->  (G, S, K)"""
    return _in_groups(_each_head(q, g), num_kv_heads).sum(axis=1)


def _heads_per_key_taken_for_keys(q, g, num_kv_heads):
    total = np.zeros_like(_added(q, g, num_kv_heads))
    for h, gradient in enumerate(_each_head(q, g)):
        total[h // num_kv_heads] += gradient
    return total


def _draw_grouped(rng):
    num_kv_heads = int(rng.choice([1, 2, 3, 6]))
    return rng.standard_normal((6, 4, 3)), rng.standard_normal((6, 4, 5)), num_kv_heads


grouped_keys_backward = Exercise(
    name="grouped_keys_backward",
    kind="derive",
    asks="The gradient by the shared keys, from the queries and the gradient g by the scores.",
    reference=_grouped_reference,
    cases={
        "four heads share two": (array(4, 1, 3), array(4, 1, 5, seed=1), 2),
        "three heads share one": (array(3, 2, 4), array(3, 2, 5, seed=1), 1),
        "nothing is shared": (array(2, 3, 4), array(2, 3, 5, seed=1), 2),
        "six heads share two": (array(6, 1, 2), array(6, 1, 3, seed=1), 2),
    },
    draw=_draw_grouped,
    mistakes={
        "a shared key acts in every head of its group, and the effects add up: sum, not mean.": (
            lambda q, g, n: _in_groups(_each_head(q, g), n).mean(axis=1)
        ),
        "the divisor √K of the scores is missing.": (
            lambda q, g, n: _added(q, g, n) * math.sqrt(q.shape[-1])
        ),
        "the divisor is √K, the width of one head; yours is √(H·K), of all heads together.": (
            lambda q, g, n: _added(q, g, n) / math.sqrt(len(q))
        ),
        "query head h uses key head h // (H/G); yours is h // G. With 6 heads and 2 keys, 3 heads "
        "share each.": _heads_per_key_taken_for_keys,
        "the last head of each group writes over the others: add with +=, from zeros on.": (
            lambda q, g, n: _in_groups(_each_head(q, g), n)[:, -1]
        ),
        "the groups overlap: with r = H/G heads each, group i has the heads from i·r on, not from "
        "i on.": lambda q, g, n: np.array(
            [_each_head(q, g)[i : i + len(q) // n].sum(axis=0) for i in range(n)]
        ),
        "np.repeat hands keys out on the way forwards; on the way back add up what their heads "
        "send.": lambda q, g, n: np.repeat(_each_head(q, g), len(q) // n, axis=0),
        "the reshape has G and H/G in each other's place: (G, H/G, S, K), then sum axis 1.": (
            lambda q, g, n: _in_groups(_each_head(q, g), len(q) // n).sum(axis=1)
        ),
        "the groups are made and still hold one gradient a head: add up over the axis of length "
        "H/G.": lambda q, g, n: _in_groups(_each_head(q, g), n),
        "you add over the axis of the groups; add over the heads inside a group, axis 1 of "
        "(G, H/G, S, K).": lambda q, g, n: _in_groups(_each_head(q, g), n).sum(axis=0),
        "the groups are neighbours: with 4 heads and 2 keys, heads 0 and 1 share the first.": (
            lambda q, g, n: np.moveaxis(
                _each_head(q, g).reshape(-1, n, g.shape[-1], q.shape[-1]), 1, 0
            ).sum(axis=1)
        ),
        "that is one gradient a query head: add up those that share a key.": (
            lambda q, g, n: _each_head(q, g)
        ),
        "only the first head of each group is counted; the others use the same key.": (
            lambda q, g, n: _in_groups(_each_head(q, g), n)[:, 0]
        ),
        "those are the first G of the H query heads; every one of them counts, for the key head "
        "h // (H/G).": lambda q, g, n: _each_head(q, g)[:n],
        "all heads are added up into one; a key serves its own group only, and there are G.": (
            lambda q, g, n: total(_each_head(q, g), axis=0)
        ),
        "the divisor is √K alone, however many heads share a key: leave H/G out of the root.": (
            lambda q, g, n: _added(q, g, n) * math.sqrt(len(q) // n)
        ),
        "all heads are added up; a key only serves its own group.": (
            lambda q, g, n: np.repeat(total(_each_head(q, g), axis=0), n, axis=0)
        ),
        "you multiply by √K; the scores were divided by it, and so is their gradient.": (
            lambda q, g, n: _added(q, g, n) * q.shape[-1]
        ),
        "√K has the width of a key in it, the last axis of q, and not the number of queries.": (
            lambda q, g, n: _added(q, g, n) * math.sqrt(q.shape[-1] / q.shape[-2])
        ),
        "all heads are added up, and the axis of the key heads is gone: add within each group.": (
            lambda q, g, n: _each_head(q, g).sum(axis=0)
        ),
        "that is the gradient transposed: a gradient has the shape of the keys, (S, K), so gᵀ q.": (
            lambda q, g, n: _added(q, g, n).mT
        ),
        "first each head's product, then the sum: the sum of g times the sum of q also holds "
        "products of different heads.": (
            lambda q, g, n: _each_head(_in_groups(q, n).sum(axis=1), _in_groups(g, n).sum(axis=1))
        ),
        "you divide by K; the scores were divided by its root.": (
            lambda q, g, n: _added(q, g, n) / math.sqrt(q.shape[-1])
        ),
    },
    hints=(
        "For one head, scores = q kᵀ / √K. Score (t, s) holds key s times query t.",
        "So the gradient by key s is the sum over t of g[t, s] q[t] / √K: in matrices, gᵀ q / √K.",
        "A key that several heads use gets the sum of their gradients. Which heads are those?",
        "(g.mT @ q / math.sqrt(K)) has shape (H, S, K): reshape it to (G, H/G, S, K) and sum.",
    ),
    rtol=1e-9,
    atol=1e-11,
)


def _given_attend_apart(q, k, v):
    averages = [np.empty(q.shape[1:])] * len(q)
    for h in range(len(q)):
        weights = tantra.softmax(q[h] @ k[h].mT / math.sqrt(q.shape[-1]))
        averages[h][:] = weights @ v[h]
    return np.concatenate(averages, axis=-1)


def _attend_apart(q, k, v):
    return tantra.merge_heads(_attend(q, k, v))


def _draw_apart(rng):
    num_heads = int(rng.choice([2, 4, 6]))
    return tuple(rng.standard_normal((num_heads, size, 3)) for size in (5, 7, 7))


attend_apart = Exercise(
    name="attend_apart",
    kind="hunt",
    asks="Each head's averages, laid side by side.",
    reference=_attend_apart,
    given=_given_attend_apart,
    cases={
        "two heads": tuple(array(2, size, 3, seed=size) for size in (4, 5, 5)),
        "three heads, one query": tuple(array(3, size, 2, seed=size) for size in (1, 4, 4)),
    },
    draw=_draw_apart,
    mistakes={
        "now every section is the first head's: the list must hold H different arrays.": (
            lambda q, k, v: np.concatenate([_attend(q, k, v)[0]] * len(q), axis=-1)
        ),
        "now every section is the sum of all heads: they still write into one array.": (
            lambda q, k, v: np.concatenate([_attend(q, k, v).sum(axis=0)] * len(q), axis=-1)
        ),
        "only one head is left: lay all of them side by side.": (
            lambda q, k, v: _attend(q, k, v)[-1]
        ),
        "only the first head is left: does the return stand inside the loop?": (
            lambda q, k, v: _attend(q, k, v)[0]
        ),
        "the first head is left out: the loop begins at 0, range(len(q)).": (
            lambda q, k, v: tantra.merge_heads(_attend(q, k, v)[1:])
        ),
        "the last head is left out: the loop runs over all of them, range(len(q)).": (
            lambda q, k, v: tantra.merge_heads(_attend(q, k, v)[:-1])
        ),
        "each head writes over the list: averages.append(...), or averages[h] = ...": (
            lambda q, k, v: np.concatenate(_attend(q, k, v)[-1], axis=-1)
        ),
        "the heads are added up; laid side by side each keeps its own K columns.": (
            lambda q, k, v: _attend(q, k, v).sum(axis=0)
        ),
        "you take the mean of the heads; laid side by side each keeps its own K columns.": (
            lambda q, k, v: _attend(q, k, v).mean(axis=0)
        ),
        "the list holds H arrays before the loop begins: start with an empty one, averages = [].": (
            lambda q, k, v: np.concatenate([*np.zeros(q.shape), *_attend(q, k, v)], axis=-1)
        ),
        "len(q) is the number of heads; the divisor was right, the root of q.shape[-1].": (
            lambda q, k, v: tantra.merge_heads(_attend(q, k, v, width=len(q)))
        ),
        "the heads are stacked between positions and features: side by side is one axis of H·K.": (
            lambda q, k, v: _attend(q, k, v).swapaxes(0, 1)
        ),
        "the softmax was right: each row of weights runs over the keys.": (
            lambda q, k, v: tantra.merge_heads(_attend(q, k, v, axis=-2))
        ),
        "the heads lie under each other; side by side is axis=-1.": (
            lambda q, k, v: np.concatenate(_attend(q, k, v), axis=0)
        ),
        "a stack is not yet side by side: the result has axes for positions and features only.": (
            _attend
        ),
        "a bare reshape pastes rows of different positions together: concatenate along the last "
        "axis, or swap the axes first.": lambda q, k, v: _paste(_attend(q, k, v)),
        "the features of the heads alternate; each head's should stay together.": (
            lambda q, k, v: np.moveaxis(_attend(q, k, v), 0, -1).reshape(q.shape[1], -1)
        ),
        "the divisor was right: the root of one head's width.": (
            lambda q, k, v: tantra.merge_heads(_attend(q, k, v, width=q.shape[0] * q.shape[-1]))
        ),
        "the divisor √K was right, and it is gone.": (
            lambda q, k, v: tantra.merge_heads(_attend(q, k, v, width=1))
        ),
        "the weights are laid side by side, and not the averages: weights @ v[h] was right.": (
            lambda q, k, v: tantra.merge_heads(tantra.scaled_dot_product_attention(q, k, v)[1])
        ),
        "the heads have an axis of their own, the last: side by side is one axis of H·K.": (
            lambda q, k, v: np.stack(list(_attend(q, k, v)), axis=-1)
        ),
        "the heads come in reverse order: head 0 stands first.": (
            lambda q, k, v: tantra.merge_heads(_attend(q, k, v)[::-1])
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "Run it with two heads and compare the two halves of the result.",
        "[array] * 2 does not copy the array. What does `averages[0] is averages[1]` say?",
        "Start with an empty list, and append each head's averages.",
    ),
)

_Q, _K, _WEIGHTS = (3, 6, 10, 8), (3, 2, 14, 8), (3, 6, 10, 14)

head_shapes = Prediction(
    name="head_shapes",
    kind="predict",
    asks="The shapes of q, k and the weights in MultiHeadAttention(48, 6, num_kv_heads=2).",
    answer=(_Q, _K, _WEIGHTS),
    mistakes={
        "only 2 heads of keys are made; each of them answers 3 heads of queries.": (
            (_Q, (3, 6, 14, 8), _WEIGHTS)
        ),
        "sharing does not widen the keys: to be compared, a key is as wide as a query.": (
            (_Q, (3, 2, 14, 24), _WEIGHTS)
        ),
        "the lengths have changed places: x asks with 10 queries, the context has 14 keys.": (
            ((3, 6, 14, 8), (3, 2, 10, 8), (3, 6, 14, 10))
        ),
        "keys are made from the context, which has 14 positions.": (
            (_Q, (3, 2, 10, 8), (3, 6, 10, 10))
        ),
        "every head of queries has weights of its own, also where it borrows the keys.": (
            (_Q, _K, (3, 2, 10, 14))
        ),
        "rows ask, columns answer: queries come before keys in the weights.": (
            (_Q, _K, (3, 6, 14, 10))
        ),
        "the heads stand before the positions, so that the last two axes can be multiplied.": (
            ((3, 10, 6, 8), (3, 14, 2, 8), _WEIGHTS)
        ),
        "the weights have a column for each of the 14 keys, not for each query.": (
            (_Q, _K, (3, 6, 10, 10))
        ),
        "the context's 14 positions give the keys: one key for each of them.": (
            (_Q, (3, 2, 10, 8), _WEIGHTS)
        ),
        "the keys' heads stand before their positions too.": ((_Q, (3, 14, 2, 8), _WEIGHTS)),
        "a key is kept as a row; only the product with the queries transposes it.": (
            (_Q, (3, 2, 8, 14), _WEIGHTS)
        ),
        "the axis of the batch, 3, stands in front of all of them.": (
            (_Q[1:], _K[1:], _WEIGHTS[1:])
        ),
        "the keys are cut into heads before they are kept: 16 is 2 heads, each 8 wide.": (
            (_Q, (3, 14, 16), _WEIGHTS)
        ),
        "those are queries and keys before they are cut into heads: the heads are an axis of "
        "their own.": ((3, 10, 48), (3, 14, 16), _WEIGHTS),
        "those are the shapes of one head: here there are 6 of queries and 2 of keys.": (
            ((3, 10, 48), (3, 14, 48), (3, 10, 14))
        ),
        "only the keys and values are shared; there are still 6 heads of queries, 8 wide.": (
            ((3, 2, 10, 24), (3, 2, 14, 24), (3, 2, 10, 14))
        ),
        "48 is the width of all heads together; one head is 48 / 6 wide.": (
            ((3, 6, 10, 48), (3, 2, 14, 48), _WEIGHTS)
        ),
        "the heads are missing in all three: they are an axis of their own, after the batch.": (
            ((3, 10, 48), (3, 14, 16), (3, 10, 14))
        ),
        "the weights are right. Queries and keys are cut into heads too, 6 and 2, each 8 wide.": (
            ((3, 10, 48), (3, 14, 48), _WEIGHTS)
        ),
        "there are 6 heads of queries, each 48 / 6 = 8 wide; yours are 8 heads, 6 wide.": (
            ((3, 8, 10, 6), (3, 2, 14, 24), (3, 8, 10, 14))
        ),
        "there are 6 heads, each 48 / 6 = 8 wide; yours are 8 heads, 6 wide.": (
            ((3, 8, 10, 6), (3, 2, 14, 6), (3, 8, 10, 14))
        ),
        "3 is how many heads of queries share one of keys; there are 2 heads of keys.": (
            (_Q, (3, 3, 14, 8), _WEIGHTS)
        ),
    }
    | {
        "the three shapes stand in another order, " + ", ".join(order) + ": queries, then keys, "
        "then weights.": tuple({"queries": _Q, "keys": _K, "weights": _WEIGHTS}[n] for n in order)
        for order in itertools.permutations(("queries", "keys", "weights"))
        if order != ("queries", "keys", "weights")
    },
    hints=(
        "One head is 48 / 6 = 8 wide, for queries and for keys.",
        "q has one row for each of the 10 positions of x, k one for each of the 14 of context.",
        "The order of axes is: batch, heads, positions, features.",
    ),
)

pairs_without_swapaxes = Prediction(
    name="pairs_without_swapaxes",
    kind="ablate",
    asks="How many pairs of output and input position are connected without swapaxes.",
    answer=34,
    mistakes={
        "that would be all of them, as with swapaxes: here the heads see stretches only.": 100,
        "that holds if each stretch were 2 and a half words, never 3; a word that is cut counts "
        "in both heads.": 25,
        "two pairs are counted twice: words 2 and 7 lie in two heads each.": 36,
        "those are the pairs that are not connected.": 66,
        "only whole words are counted: a head also sees a word of which it has a piece.": 16,
        "those are the pairs of different words; a word also answers to itself.": 24,
        "a word answers to more than itself: in its head it meets the words beside it.": 10,
        "a pair and its reverse are two: output 0 and input 1, output 1 and input 0.": 22,
        "that is the first half of the sentence; the second half has as many.": 17,
        "that holds for two heads, whose stretches are 5 words; here four share 10 words.": 50,
        "a word that is cut counts in both heads: each of the four stretches touches 3 words.": 26,
        "3 for each word holds for those that lie in one head; words 2 and 7 are cut, lie in two "
        "heads each, and meet more.": 30,
        "4 for each word is no rule: see which words the stretch of each head touches, and count a "
        "pair that two heads share once.": 40,
        "that is the fraction of the 100 pairs: write how many there are.": 0.34,
        "those are the pairs under a causal mask; there is none here, only stretches.": 55,
        "that is each word with itself and the words beside it; in its stretch a word also meets "
        "words two places away.": 28,
        "those are all pairs of different words, as with swapaxes; here the heads see stretches "
        "only, and a word also answers to itself.": 90,
    },
    hints=(
        "Change one row of x, and see in which rows the result changes.",
        "Do that for each of the 10 rows, and add up the numbers of changed rows.",
        "On paper: a word is 4 pieces, and head 0 has the first 10 pieces. Which words are they?",
    ),
)

EXERCISES = [
    split_heads,
    multi_head_attention,
    grouped_keys_backward,
    attend_apart,
    head_shapes,
    pairs_without_swapaxes,
]
