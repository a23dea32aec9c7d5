"""The exercises of chapter 03, attention."""

import math

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import arrays


def _draw_qkv(rng):
    shapes = (2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)
    return tuple(rng.standard_normal(shape) for shape in shapes)


def _averages(divisor, transpose=lambda k: k.mT):
    """Attention with another divisor or another transpose."""
    return lambda q, k, v: tantra.softmax(q @ transpose(k) / math.sqrt(divisor(q, k, v))) @ v


def _width(q, k, v):
    return k.shape[-1]


def _given_attend(q, k, v):
    d_k = 64
    scores = q @ k.T / math.sqrt(d_k)
    return tantra.softmax(scores) @ v


attend = Exercise(
    name="attend",
    kind="hunt",
    asks="The averages of the values: softmax(q kᵀ / √K) v, for any axes in front.",
    reference=lambda q, k, v: tantra.scaled_dot_product_attention(q, k, v)[0],
    library=tantra.scaled_dot_product_attention,
    given=_given_attend,
    cases={
        "one sequence": arrays((2, 4), (3, 4), (3, 5)),
        "a batch": arrays((2, 1, 3), (2, 4, 3), (2, 4, 3), seed=1),
    },
    draw=_draw_qkv,
    mistakes={
        "the transpose is mended. The divisor is still the root of 64, whatever the width: take "
        "it from the keys.": _averages(lambda q, k, v: 64),
        "the divisor is mended. The transpose is right for two axes only: .T turns all the axes "
        "around, the batch too. Swap the last two only.": _averages(_width, lambda k: k.T),
        "transpose(0, 2, 1) is right for three axes only: .mT swaps the last two of any number.": (
            _averages(_width, lambda k: k.transpose(0, 2, 1))
        ),
        "you divide by the width itself; divide by its root.": (
            _averages(lambda q, k, v: k.shape[-1] ** 2)
        ),
        "you divide by the root of the number of keys; a score is a sum over the width of a key, "
        "the last axis.": _averages(lambda q, k, v: k.shape[-2]),
        "you divide by the root of the number of queries; a score is a sum over the width of a "
        "query, the last axis.": _averages(lambda q, k, v: q.shape[-2]),
        "len(k) is the length of the first axis, the number of keys or the batch: the width is "
        "k.shape[-1].": _averages(lambda q, k, v: len(k)),
        "you divide by the root of a value's width; values take no part in the scores.": (
            _averages(lambda q, k, v: v.shape[-1])
        ),
        "the divisor is gone: divide the scores by the root of the width.": (
            _averages(lambda q, k, v: 1)
        ),
        "k.shape[1] is the width only where there are two axes; counted from the end, k.shape[-1], "
        "it is the width everywhere.": _averages(lambda q, k, v: k.shape[1]),
        "q.shape[1] is the width only where there are two axes; counted from the end, q.shape[-1], "
        "it is the width everywhere.": _averages(lambda q, k, v: q.shape[1]),
        "the averages are right; return them alone, without the weights.": (
            lambda q, k, v: tantra.scaled_dot_product_attention(q, k, v)
        ),
        "you divide the shares, which then no longer sum to 1: divide the scores, before the "
        "softmax.": lambda q, k, v: tantra.softmax(q @ k.mT) / math.sqrt(k.shape[-1]) @ v,
    },
    hints=(
        "Print the shapes for a batch: k.shape, k.T.shape and k.mT.shape.",
        "Where does the number 64 come from? How wide are the vectors of the first case?",
        "d_k is k.shape[-1], and the transpose that keeps the batch in front is k.mT.",
    ),
)


causal_mask = Exercise(
    name="causal_mask",
    kind="implement",
    asks="True where a query may look at a key: at its own position and before.",
    reference=tantra.causal_mask,
    cases={
        "three positions": (np.arange(3), np.arange(3)),
        "two ask, three are past": (np.array([3, 4]), np.arange(5)),
        "three ask two": (np.arange(3), np.arange(2)),
        "in any order": (np.array([2, 0]), np.array([1, 2, 0])),
    },
    draw=lambda rng: (rng.permutation(9)[:4], rng.permutation(9)[:6]),
    mistakes={
        "that triangle starts in the upper left corner: it counts rows and columns. Compare the "
        "positions that you are given.": (
            lambda queries, keys: np.tri(len(queries), len(keys), dtype=bool)
        ),
        "that triangle ends in the lower right corner: right only where the queries are the last "
        "of the keys. Compare the positions that you are given.": (
            lambda queries, keys: np.tri(
                len(queries), len(keys), len(keys) - len(queries), dtype=bool
            )
        ),
        "that triangle is moved to the first two positions: right only where both sides count up "
        "by 1. Compare every query's position with every key's.": (
            lambda queries, keys: np.tri(len(queries), len(keys), queries[0] - keys[0], dtype=bool)
        ),
        "that triangle marks what lies right of the diagonal, the future: True means may look. And "
        "it counts rows and columns: compare the positions that you are given.": (
            lambda queries, keys: np.triu(np.ones((len(queries), len(keys)), bool), 1)
        ),
        "a query may look at its own position too.": (
            lambda queries, keys: queries[:, None] > keys[None, :]
        ),
        "turned around: yours looks at itself and at the future.": (
            lambda queries, keys: queries[:, None] <= keys[None, :]
        ),
        "yours is True where a look is forbidden; in this course True means may look.": (
            lambda queries, keys: queries[:, None] < keys[None, :]
        ),
        "rows ask and columns answer: give every query a row and every key a column.": (
            lambda queries, keys: keys[:, None] <= queries[None, :]
        ),
        "you compare the two rows place by place; compare every query with every key: "
        "queries[:, None] is a column.": lambda queries, keys: queries >= keys,
        "only its own position: the ones before it may be seen as well.": (
            lambda queries, keys: queries[:, None] == keys[None, :]
        ),
        "zeros and ones: return the comparison itself, which is True or False.": (
            lambda queries, keys: (queries[:, None] >= keys[None, :]).astype(int)
        ),
        "that is a mask to add to the scores: return the comparison itself, True or False.": (
            lambda queries, keys: np.where(queries[:, None] >= keys[None, :], 0.0, -np.inf)
        ),
    },
    hints=(
        "Query t may look at key s where the position of t is at least the position of s.",
        "queries[:, None] has shape (T, 1) and keys[None, :] has shape (1, S).",
        "queries[:, None] >= keys[None, :]",
    ),
)


def _scores(q, k):
    return q @ k.mT / math.sqrt(q.shape[-1])


def _unless_none(scores, mask, fill):
    return scores if mask is None else np.where(mask, scores, fill)


def _masked(fill=-np.inf, divisor=lambda q: math.sqrt(q.shape[-1]), axis=-1):
    """Scaled dot-product attention with another fill, divisor or axis."""

    def attention(q, k, v, mask=None):
        scores = _unless_none(q @ k.mT / divisor(q), mask, fill)
        weights = tantra.softmax(scores, axis)
        return weights @ v, weights

    return attention


def _weighed(weigh):
    """Attention whose weights are made of the scores and the mask by another rule."""

    def attention(q, k, v, mask=None):
        scores = _scores(q, k)
        weights = weigh(scores, np.ones(scores.shape[-2:], bool) if mask is None else mask)
        return weights @ v, weights

    return attention


def _renormalised(scores, mask):
    weights = tantra.softmax(scores) * mask
    return weights / weights.sum(axis=-1, keepdims=True)


def _infinities_added(q, k, v, mask=None):
    scores = _scores(q, k)
    weights = tantra.softmax(scores if mask is None else scores + (1 - mask) * -np.inf)
    return weights @ v, weights


def _one_whole(scores, mask):
    scores = np.where(mask, scores, -np.inf)
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def _divided_late(q, k, v, mask=None):
    weights = tantra.softmax(_unless_none(q @ k.mT, mask, -np.inf)) / math.sqrt(q.shape[-1])
    return weights @ v, weights


def _untransposed(q, k, v, mask=None):
    weights = tantra.softmax(_unless_none(q @ k.T / math.sqrt(q.shape[-1]), mask, -np.inf))
    return weights @ v, weights


def _draw_masked(rng):
    mask = rng.random((2, 3, 5, 7)) < 0.5
    mask[..., 0] = True  # no query looks nowhere
    return *_draw_qkv(rng), mask


SEEN = np.array([[True, True, False]])

scaled_dot_product_attention = Exercise(
    name="scaled_dot_product_attention",
    kind="implement",
    asks="The averages and the weights of scaled dot-product attention, with an optional mask.",
    reference=lambda q, k, v, mask=None: tantra.scaled_dot_product_attention(q, k, v, mask),
    library=tantra.scaled_dot_product_attention,
    results=("averages", "weights"),
    cases={
        "no mask": (*arrays((2, 4), (3, 4), (3, 5), seed=7), None),
        "a causal mask, with a past": (
            *arrays((3, 2), (4, 2), (4, 5), seed=3),
            np.arange(1, 4)[:, None] >= np.arange(4),
        ),
        "a padded batch": (
            *arrays((2, 1, 3), (2, 4, 3), (2, 4, 3), seed=4),
            np.arange(4) < np.array([4, 2])[:, None, None],
        ),
        "allowed scores far below a forbidden one": (
            np.array([[1e20, 0.0]]),
            np.array([[-1e20, 1.0], [-1e20, 0.0], [0.0, 1.0]]),
            np.array([[1.0], [3.0], [100.0]]),
            SEEN,
        ),
    },
    draw=_draw_masked,
    mistakes={
        "you mask the shares after the softmax: the forbidden keys have been counted in the sum. "
        "Mask the scores, with -inf.": _weighed(lambda s, mask: tantra.softmax(s) * mask),
        "0/0: all the allowed shares have rounded to 0 before you divide by their sum. Mask the "
        "scores with -inf, and let softmax divide: it subtracts the largest score first.": (
            _weighed(_renormalised)
        ),
        "without a mask yours is nan: np.where(None, ...) takes None for False. Mask only where "
        "mask is not None.": (
            lambda q, k, v, mask=None: _masked()(q, k, v, np.array(False) if mask is None else mask)
        ),
        "0 times -inf is nan, so adding (1 - mask) * -inf spoils the allowed scores too: "
        "np.where(mask, scores, -np.inf).": _infinities_added,
        "rows with a forbidden key are nan: forbidden scores are -inf, with the minus sign.": (
            _masked(fill=np.inf)
        ),
        "you always use a causal mask; use the mask that you are given, and none where it is "
        "None.": _weighed(
            lambda s, mask: tantra.softmax(np.where(np.tri(*s.shape[-2:], dtype=bool), s, -np.inf))
        ),
        "a score of 0 is a score like any other, and gets a share: forbidden scores are -inf.": (
            _masked(fill=0.0)
        ),
        "a number such as -1e9 is a very low score, and another may be lower: forbidden scores "
        "are -inf.": (_masked(fill=-1e9)),
        "the mask is turned around: True means may look.": (
            lambda q, k, v, mask=None: _masked()(q, k, v, None if mask is None else ~mask)
        ),
        "adding True and False to the scores adds 1 and 0: replace the forbidden ones by -inf.": (
            _weighed(lambda s, mask: tantra.softmax(s + mask))
        ),
        "the mask is never used.": lambda q, k, v, mask=None: _masked()(q, k, v),
        "the scores are not scaled: divide them by the root of the width.": (
            _masked(divisor=lambda q: 1)
        ),
        "you divide by the width itself; divide by its root.": (
            _masked(divisor=lambda q: q.shape[-1])
        ),
        "each column sums to 1; each row should, for a query shares itself out among the keys: "
        "axis=-1.": _masked(axis=-2),
        "your weights sum to 1 along the first axis; each row should: axis=-1.": _masked(axis=0),
        "all your weights together sum to 1; each row should: sum along the last axis, with "
        "keepdims=True.": _weighed(_one_whole),
        "you divide the shares, which then no longer sum to 1: divide the scores, before the "
        "softmax.": _divided_late,
        "right for two axes only: k.T turns all the axes around, the batch too; k.mT swaps the "
        "last two.": _untransposed,
        "the two results are in the other order: averages first, then weights.": (
            lambda q, k, v, mask=None: _masked()(q, k, v, mask)[::-1]
        ),
        "return the weights as well: return averages, weights.": (
            lambda q, k, v, mask=None: _masked()(q, k, v, mask)[0]
        ),
    },
    hints=(
        "Four lines: scores, masked scores, weights, averages.",
        "Where there is a mask, np.where(mask, scores, something) keeps the allowed scores.",
        "The something is -np.inf, its softmax is exactly 0, and weights @ v are the averages.",
    ),
)


def _autograd(q, k, v, d_averages):
    leaves = [torch.tensor(a, requires_grad=True) for a in (q, k, v)]
    averages, _ = tantra.scaled_dot_product_attention(*leaves)
    grads = torch.autograd.grad(averages, leaves, torch.tensor(d_averages))
    return tuple(grad.numpy() for grad in grads)


def _softmax_backward(p, g):
    return p * (g - (p * g).sum(axis=-1, keepdims=True))


def _backward(through_softmax=_softmax_backward, scale=lambda K: 1 / math.sqrt(K)):
    """The backward pass with another way through the softmax, or another scale."""

    def backward(q, k, v, d_averages):
        weights = tantra.softmax(_scores(q, k))
        d_scores = through_softmax(weights, d_averages @ v.mT) * scale(q.shape[-1])
        return d_scores @ k, d_scores.mT @ q, weights.mT @ d_averages

    return backward


def _unscaled_forward(q, k, v, d_averages):
    weights = tantra.softmax(q @ k.mT)
    d_scores = _softmax_backward(weights, d_averages @ v.mT) / math.sqrt(q.shape[-1])
    return d_scores @ k, d_scores.mT @ q, weights.mT @ d_averages


def _transposed_whole(q, k, v, d_averages):
    weights = tantra.softmax(_scores(q, k))
    d_scores = _softmax_backward(weights, d_averages @ v.T) / math.sqrt(q.shape[-1])
    return d_scores @ k, d_scores.T @ q, weights.T @ d_averages


def _times_root(d_k=0, d_v=0):
    """The right gradients, those by k and v times these powers of √K."""

    def backward(q, k, v, d_averages):
        by_q, by_k, by_v = _backward()(q, k, v, d_averages)
        return by_q, by_k * q.shape[-1] ** (d_k / 2), by_v * q.shape[-1] ** (d_v / 2)

    return backward


def _swapped(q, k, v, d_averages):
    d_q, d_k, d_v = _backward()(q, k, v, d_averages)
    return d_q, d_v, d_k


attention_backward = Exercise(
    name="attention_backward",
    kind="derive",
    asks="The gradients by q, k and v, from the gradient by the averages.",
    reference=_autograd,
    results=("d_q", "d_k", "d_v"),
    cases={
        "one sequence": arrays((2, 4), (3, 4), (3, 5), (2, 5), seed=5),
        "a batch": arrays((2, 1, 3), (2, 4, 3), (2, 4, 2), (2, 1, 2), seed=6),
    },
    draw=lambda rng: (*_draw_qkv(rng), rng.standard_normal((2, 3, 5, 6))),
    mistakes={
        "d_v is right. In d_q and d_k the divisor is missing: the scores were divided by √K, so "
        "their gradient is as well.": _backward(scale=lambda K: 1),
        "you divide by √K twice: it stands once in the forward pass, and once in the backward.": (
            _backward(scale=lambda K: 1 / K)
        ),
        "your weights are made of unscaled scores: divide by √K before the softmax too.": (
            _unscaled_forward
        ),
        "on the way through the softmax the mean of the row is missing: subtract the sum of p·g "
        "from g.": _backward(lambda p, g: p * g),
        "only the diagonal of the softmax's Jacobian: a score also moves the other shares of its "
        "row.": _backward(lambda p, g: p * (1 - p) * g),
        "that is the plain mean of the row; weigh it with the shares: the sum of p·g.": (
            _backward(lambda p, g: p * (g - g.mean(axis=-1, keepdims=True)))
        ),
        "the mean runs down the columns; a softmax lives in a row: axis=-1.": (
            _backward(lambda p, g: p * (g - (p * g).sum(axis=-2, keepdims=True)))
        ),
        "the softmax is left out on the way back: multiply by its Jacobian.": (
            _backward(lambda p, g: g)
        ),
        "the results are in another order: d_q, d_k, d_v.": _swapped,
        "d_q is right; d_k goes through the same scores, so it needs the divisor too.": (
            _times_root(d_k=1)
        ),
        "the values stand behind the divisor: d_v is weights.mT @ d_averages, not divided.": (
            _times_root(d_v=-1)
        ),
        "your sum runs over the whole array; it should run along each row: axis=-1, with "
        "keepdims=True.": _backward(lambda p, g: p * (g - (p * g).sum())),
        "right for one sequence; with axes in front .T turns all of them around, the batch too. "
        ".mT swaps the last two.": _transposed_whole,
        "you subtract the plain sum of g; subtract the sum of p·g, a weighted mean.": (
            _backward(lambda p, g: p * (g - g.sum(axis=-1, keepdims=True)))
        ),
    },
    hints=(
        "Three steps back: from the averages to weights and values, through the softmax, then from "
        "the scores to queries and keys.",
        "For o = p @ v: d_v = p.mT @ d_o and d_p = d_o @ v.mT. The softmax's is in chapter 02.",
        "d_scores = weights * (d_weights - mean) / √K, where mean is the row's sum of weights * "
        "d_weights. Then d_scores @ k and d_scores.mT @ q.",
    ),
)


attention_shapes = Prediction(
    name="attention_shapes",
    kind="predict",
    asks="The shapes of the weights and of the averages for q (2, 3, 4), k (2, 5, 4), v (2, 5, 7).",
    answer=((2, 3, 5), (2, 3, 7)),
    mistakes={
        "the weights are turned around: rows ask, so there is a row for each query.": (
            (2, 5, 3),
            (2, 3, 7),
        ),
        "the averages are as wide as what is averaged: a value, not a key.": (
            (2, 3, 5),
            (2, 3, 4),
        ),
        "there is one average for each query, not for each key.": ((2, 3, 5), (2, 5, 7)),
        "there is a weight for each query and key, whatever the width of a value.": (
            (2, 3, 7),
            (2, 3, 7),
        ),
        "the other order: first the weights, then the averages.": ((2, 3, 7), (2, 3, 5)),
        "the batch stays in front.": ((3, 5), (3, 7)),
        "the weights are right; an average is made of values, so it is as wide as a value.": (
            (2, 3, 5),
            (2, 3, 5),
        ),
        "the averages are right; a row of weights has one for each key, and the width 4 is summed "
        "away.": ((2, 3, 4), (2, 3, 7)),
        "that is the shape of the weights; write the shape of the averages after it, as a second "
        "tuple.": (2, 3, 5),
        "that is the shape of the averages; write the shape of the weights before it, as another "
        "tuple.": (2, 3, 7),
    },
    hints=(
        "Three queries meet five keys, in each of two sequences.",
        "A row of five weights times five values of width 7 is one average of width 7.",
    ),
)


largest_share = Prediction(
    name="largest_share",
    kind="ablate",
    asks="The mean largest of 8 shares at width 512, with the divisor √512 and without it.",
    answer=(0.3638, 0.9630),
    rtol=0.015,  # two digits are enough
    mistakes={
        "the other order: first with the divisor, then without.": (0.9630, 0.3638),
        "an eighth each would need equal scores; random ones differ.": (0.125, 0.125),
        "the second is right; in the first you divide by 512, not by its root.": (0.1330, 0.9630),
        "both with the divisor: the second number is for the scores as they are.": (
            0.3638,
            0.3638,
        ),
        "both without the divisor: the first number is for scores divided by √512.": (
            0.9630,
            0.9630,
        ),
        "that is the largest of all the shares; take the largest of each row, then the mean.": (
            0.8426,
            1.0,
        ),
        "a softmax along an axis of length 1 gives 1 everywhere: take it along the last axis, "
        "that of the 8 keys.": (1.0, 1.0),
        "those are per cent; write shares, between 0 and 1.": (36.38, 96.30),
    },
    hints=(
        "scores = q @ k.mT has shape (1000, 1, 8): a row of 8 for each of 1000 queries.",
        "softmax(scores).max(axis=-1) is the largest share of each row; take the mean.",
        "The same again with scores / math.sqrt(512): that is the first number.",
    ),
)

EXERCISES = [
    attend,
    causal_mask,
    scaled_dot_product_attention,
    attention_backward,
    attention_shapes,
    largest_share,
]
