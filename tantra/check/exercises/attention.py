"""The exercises of chapter 03, attention."""

import math

import numpy as np

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import FRONTS, arrays, behind, gradients
from tantra.check.slips import mean, normalised, total

SQUARE = (3, 3), (3, 3), (3, 3)  # every product of two fits, also a wrong one


def _width(q, k, v):
    return k.shape[-1]


def _averages(divisor=_width, transpose=lambda k: k.mT, axis=-1):
    """Attention with another divisor, another transpose or another axis."""

    def averages(q, k, v):
        return tantra.softmax(q @ transpose(k) / math.sqrt(divisor(q, k, v)), axis) @ v

    return averages


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
        "two axes in front": arrays((1, 2, 3, 2), (1, 2, 5, 2), (1, 2, 5, 3), seed=2),
        "as many queries as keys": arrays(*SQUARE, seed=3),
    },
    draw=lambda rng: behind(rng, (5, 4), (7, 4), (7, 6)),
    rtol=1e-11,
    atol=1e-12,
    mistakes={
        "the transpose is mended. The divisor is still the root of 64, whatever the width: take "
        "it from the keys.": _averages(lambda q, k, v: 64),
        "the divisor is mended. The transpose is right for two axes only: .T reverses all the "
        "axes, the batch too. Swap the last two only.": _averages(_width, lambda k: k.T),
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
        "len(q) is the length of the first axis, the number of queries or the batch: the width is "
        "q.shape[-1].": _averages(lambda q, k, v: len(q)),
        "swapaxes(1, 2) is right for three axes only: .mT swaps the last two of any number.": (
            _averages(transpose=lambda k: k.swapaxes(1, 2))
        ),
        "k is not transposed: q @ k.mT makes every query meet every key.": (
            _averages(transpose=lambda k: k)
        ),
        "each column of your weights sums to 1; each row should: softmax along the last axis.": (
            _averages(axis=-2)
        ),
        "axis=1 is the last axis only of two; the last of any number is axis=-1.": (
            _averages(axis=1)
        ),
        "axis=0 is the first axis; a row of weights lies along the last: axis=-1.": (
            _averages(axis=0)
        ),
        "the softmax is gone: scores need not be positive, nor sum to 1.": (
            lambda q, k, v: q @ k.mT / math.sqrt(k.shape[-1]) @ v
        ),
        "you multiply by the root of the width; divide by it.": (
            _averages(lambda q, k, v: 1 / k.shape[-1])
        ),
        "softmax belongs between the two products: it makes weights of the scores, and the weights "
        "average the values.": (
            lambda q, k, v: tantra.softmax(q @ k.mT / math.sqrt(k.shape[-1]) @ v)
        ),
        "those are the weights; return the averages, weights @ v.": (
            lambda q, k, v: tantra.scaled_dot_product_attention(q, k, v)[1]
        ),
        "you average the keys; the averages are made of values.": (
            lambda q, k, v: tantra.scaled_dot_product_attention(q, k, k)[0]
        ),
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
            tantra.scaled_dot_product_attention
        ),
        "you divide the weights, which then no longer sum to 1: divide the scores, before the "
        "softmax.": lambda q, k, v: tantra.softmax(q @ k.mT) / math.sqrt(k.shape[-1]) @ v,
        "q.size counts all the numbers of q; its width is q.shape[-1].": (
            _averages(lambda q, k, v: q.size)
        ),
        "k.size counts all the numbers of k; its width is k.shape[-1].": (
            _averages(lambda q, k, v: k.size)
        ),
        "reshape keeps the order of the numbers and so mixes the keys: k.mT is the transpose.": (
            _averages(transpose=lambda k: k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2]))
        ),
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
        "positions far apart": (np.array([1000, 7]), np.array([5, 999, 1001])),
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
        "that triangle is the upper one, the future, and counts rows and columns: compare every "
        "query's position with every key's, query >= key.": (
            lambda queries, keys: np.triu(np.ones((len(queries), len(keys)), bool))
        ),
        "in any order a key that may be seen can stand behind one that may not: go through all the "
        "keys, without break.": lambda queries, keys: np.logical_and.accumulate(
            queries[:, None] >= keys, axis=1
        ),
        "you count columns, which is right only for the keys 0, 1, 2, ...: compare with the "
        "positions of the keys.": lambda queries, keys: queries[:, None] >= np.arange(len(keys)),
        "you count rows, which is right only for the queries 0, 1, 2, ...: compare the positions "
        "of the queries.": lambda queries, keys: np.arange(len(queries))[:, None] >= keys,
        "sorted, a row no longer belongs to its query, or a column to its key: leave them in their "
        "order.": lambda queries, keys: np.sort(queries)[:, None] >= np.sort(keys),
        "a query may look at its own position too.": (
            lambda queries, keys: queries[:, None] > keys[None, :]
        ),
        "one position too far: a query may look at its own position and before, not at the next.": (
            lambda queries, keys: queries[:, None] >= keys[None, :] - 1
        ),
        "that is how far each key lies back: it may be seen where that is at least 0.": (
            lambda queries, keys: queries[:, None] - keys[None, :]
        ),
        "the other way round: yours looks at itself and at the future.": (
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
        "you compare the queries with one another: a column belongs to a key.": (
            lambda queries, keys: queries[:, None] >= queries
        ),
        "your rows are keys, and compared the other way round: give every query a row, "
        "queries[:, None], and ask where it is at least the key.": (
            lambda queries, keys: keys[:, None] >= queries
        ),
        "only its own position: the ones before it may be seen as well.": (
            lambda queries, keys: queries[:, None] == keys[None, :]
        ),
        "zeros and ones: return the comparison itself, which is True or False.": (
            lambda queries, keys: (queries[:, None] >= keys[None, :]).astype(int)
        ),
        "0.0 and 1.0: return the comparison itself, which is True or False.": (
            lambda queries, keys: (queries[:, None] >= keys[None, :]).astype(float)
        ),
        "two things: a triangle counts rows and columns, so compare the positions that you are "
        "given; and return True and False, not 0.0 and 1.0.": (
            lambda queries, keys: np.tri(len(queries), len(keys))
        ),
        "two things: a triangle counts rows and columns, so compare the positions that you are "
        "given; and return True and False, not 0 and 1.": (
            lambda queries, keys: np.tri(len(queries), len(keys), dtype=int)
        ),
        "you compare the positions' places in their rows; compare the positions themselves.": (
            lambda queries, keys: (
                np.argsort(np.argsort(queries))[:, None] >= np.argsort(np.argsort(keys))
            )
        ),
        "that is a mask to add to the scores: return the comparison itself, True or False.": (
            lambda queries, keys: np.where(queries[:, None] >= keys[None, :], 0.0, -np.inf)
        ),
        "that is a mask to add, and -1e9 is not below every score: return the comparison itself, "
        "True or False.": lambda queries, keys: np.where(queries[:, None] >= keys, 0.0, -1e9),
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


def _root(q, k, v):
    return math.sqrt(q.shape[-1])


def _masked(fill=-np.inf, divisor=_root, axis=-1, transpose=lambda k: k.mT):
    """Scaled dot-product attention with another fill, divisor, axis or transpose."""

    def attention(q, k, v, mask=None):
        scores = _unless_none(q @ transpose(k) / divisor(q, k, v), mask, fill)
        weights = tantra.softmax(scores, axis)
        return weights @ v, weights

    return attention


def _with_another_mask(change):
    """Attention whose mask is changed first."""
    return lambda q, k, v, mask=None: _masked()(q, k, v, change(q, k, mask))


def _weighed(weigh):
    """Attention whose weights are made of the scores and the mask by another rule."""

    def attention(q, k, v, mask=None):
        scores = _scores(q, k)
        weights = weigh(scores, np.ones(scores.shape, bool) if mask is None else mask)
        return weights @ v, weights

    return attention


def _renormalised(small=0.0):
    """Attention whose weights are masked after the softmax, and divided by their sum again."""

    def attention(q, k, v, mask=None):
        weights = tantra.softmax(_scores(q, k))
        if mask is not None:
            kept = weights * mask
            weights = kept / (total(kept) + small)
        return weights @ v, weights

    return attention


def _powers_of(scores, mask):
    powers = np.exp(np.where(mask, scores, -np.inf))
    return normalised(powers)


def _assigned(scores, mask):
    scores[~mask] = -np.inf
    return tantra.softmax(scores)


def _assigned_behind(scores, mask):
    scores[..., ~mask] = -np.inf
    return tantra.softmax(scores)


def _assigned_always(q, k, v, mask=None):
    weights = _assigned(_scores(q, k), mask)
    return weights @ v, weights


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


def _with_scores(q, k, v, mask=None):
    scores = _unless_none(_scores(q, k), mask, -np.inf)
    return tantra.softmax(scores) @ v, scores


def _averages_divided(q, k, v, mask=None):
    averages, weights = _masked(divisor=lambda q, k, v: 1)(q, k, v, mask)
    return averages / _root(q, k, v), weights


def _causal_unless_given(q, k, mask):
    return np.tri(q.shape[-2], k.shape[-2], dtype=bool) if mask is None else mask


def _draw_masked(rng):
    """Arrays with any axes in front, and a mask that has all of these, or fewer, or ones."""
    front = FRONTS[rng.integers(3)]
    masked = front[rng.integers(len(front) + 1) :]
    rows = rng.choice([1, 5])
    mask = rng.random((*masked, rows, 7)) < 0.5
    seen = rng.integers(7, size=(*masked, rows, 1))  # no query looks nowhere
    np.put_along_axis(mask, seen, True, axis=-1)
    q, k, v = (rng.standard_normal((*front, *shape)) for shape in ((5, 4), (7, 4), (7, 6)))
    return q, k, v, mask


SEEN = np.array([[True, True, False]])
LATE = np.arange(4) >= np.array([[1], [0], [3]])  # the first key is hidden from most

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
            *arrays((2, 2, 3), (2, 4, 3), (2, 4, 3), seed=4),
            np.arange(4) < np.array([4, 2])[:, None, None],
        ),
        "one mask for a whole batch": (
            *arrays((2, 3, 2), (2, 4, 2), (2, 4, 3), seed=5),
            LATE,
        ),
        "two axes in front": (*arrays((1, 2, 3, 2), (1, 2, 4, 2), (1, 2, 4, 1), seed=6), LATE),
        "allowed scores far below a forbidden one, and far above": (
            np.array([[1e100, 0.0], [-1e100, 0.0]]),
            np.array([[-1e100, 1.0], [-1e100, 0.0], [0.0, 1.0]]),
            np.array([[1.0], [3.0], [100.0]]),
            SEEN,
        ),
        "as many queries as keys": (*arrays(*SQUARE, seed=8), np.tri(3, dtype=bool)),
    },
    draw=_draw_masked,
    rtol=1e-11,
    atol=1e-12,
    mistakes={
        "you mask the weights after the softmax: the forbidden keys have been counted in the sum. "
        "Mask the scores, with -inf.": _weighed(lambda s, mask: tantra.softmax(s) * mask),
        "0/0: all the allowed weights have rounded to 0 before you divide by their sum. Mask the "
        "scores with -inf, and let softmax divide: it subtracts the largest score first.": (
            _renormalised()
        ),
        "0/0, or inf/inf: powers of such scores round to 0 or overflow. Mask the scores with "
        "-inf, and let softmax make the weights: it subtracts the largest score first.": (
            _weighed(_powers_of)
        ),
        "without a mask yours is nan: np.where(None, ...) takes None for False. Mask only where "
        "mask is not None.": _with_another_mask(
            lambda q, k, mask: np.array(False) if mask is None else mask
        ),
        "mask may be None, and then no score is forbidden: use it only where it is not None.": (
            _with_another_mask(lambda q, k, mask: ~(~mask))
        ),
        "`if mask:` asks whether a whole table is true, which NumPy cannot say: write if mask is "
        "not None.": _with_another_mask(lambda q, k, mask: mask if mask else None),
        "scores[~mask] wants a mask that is as large as the scores. np.where(mask, scores, "
        "-np.inf) also takes one with fewer axes, or with an axis of length 1.": (
            _weighed(_assigned)
        ),
        "two things: mask may be None, so use it only where it is not; and scores[~mask] wants a "
        "mask as large as the scores: np.where(mask, scores, -np.inf) takes a smaller one too.": (
            _assigned_always
        ),
        "scores[..., ~mask] wants a mask of two axes, as large as the last two. np.where(mask, "
        "scores, -np.inf) also takes one with axes in front, or with an axis of length 1.": (
            _weighed(_assigned_behind)
        ),
        "where mask is None every query may look at every key: yours makes a causal mask then.": (
            _with_another_mask(_causal_unless_given)
        ),
        "you always use a causal mask beside the one that you are given; use the given one alone, "
        "and none where it is None.": _with_another_mask(
            lambda q, k, mask: _causal_unless_given(q, k, None) & (True if mask is None else mask)
        ),
        "0 times -inf is nan, so adding (1 - mask) * -inf spoils the allowed scores too: "
        "np.where(mask, scores, -np.inf).": _infinities_added,
        "rows with a forbidden key are nan: forbidden scores are -np.inf, with the minus sign, and "
        "not np.inf or nan.": (_masked(fill=np.inf)),
        "you always use a causal mask; use the mask that you are given, and none where it is "
        "None.": _weighed(
            lambda s, mask: tantra.softmax(np.where(np.tri(*s.shape[-2:], dtype=bool), s, -np.inf))
        ),
        "a score of 0 is a score like any other, and gets a weight: forbidden scores are -inf.": (
            _masked(fill=0.0)
        ),
        "a number such as -1e9 is a very low score, and another may be lower: forbidden scores "
        "are -inf.": (_masked(fill=-1e9)),
        "the smallest score is a score too, and gets a weight: forbidden scores are -inf.": (
            _weighed(lambda s, mask: tantra.softmax(np.where(mask, s, s.min())))
        ),
        "the mask is inverted: True means may look.": _with_another_mask(
            lambda q, k, mask: None if mask is None else ~mask
        ),
        "adding True and False to the scores adds 1 and 0: replace the forbidden ones by -inf.": (
            _weighed(lambda s, mask: tantra.softmax(s + mask))
        ),
        "the mask is never used.": lambda q, k, v, mask=None: _masked()(q, k, v),
        "the scores are not scaled: divide them by the root of the width.": (
            _masked(divisor=lambda q, k, v: 1)
        ),
        "you divide by the width itself; divide by its root.": (
            _masked(divisor=lambda q, k, v: q.shape[-1])
        ),
        "you divide by the root of 64; divide by the root of the width of these queries, "
        "q.shape[-1].": _masked(divisor=lambda q, k, v: 8),
        "you divide by the root of the number of keys; divide by the root of their width, "
        "k.shape[-1].": _masked(divisor=lambda q, k, v: math.sqrt(k.shape[-2])),
        "you divide by the root of the number of queries; divide by the root of their width, "
        "q.shape[-1].": _masked(divisor=lambda q, k, v: math.sqrt(q.shape[-2])),
        "len(q) is the length of the first axis, the number of queries or the batch: the width is "
        "q.shape[-1].": _masked(divisor=lambda q, k, v: math.sqrt(len(q))),
        "len(k) is the length of the first axis, the number of keys or the batch: the width is "
        "k.shape[-1].": _masked(divisor=lambda q, k, v: math.sqrt(len(k))),
        "q.shape[1] is the width only where there are two axes; counted from the end, q.shape[-1], "
        "it is the width everywhere.": _masked(divisor=lambda q, k, v: math.sqrt(q.shape[1])),
        "you divide by the root of a value's width; values take no part in the scores.": (
            _masked(divisor=lambda q, k, v: math.sqrt(v.shape[-1]))
        ),
        "you multiply by the root of the width; divide by it.": (
            _masked(divisor=lambda q, k, v: 1 / _root(q, k, v))
        ),
        "k is not transposed: q @ k.mT makes every query meet every key.": (
            _masked(transpose=lambda k: k)
        ),
        "right for three axes only: transpose(0, 2, 1) counts on one axis in front. k.mT swaps "
        "the last two of any number.": _masked(transpose=lambda k: k.transpose(0, 2, 1)),
        "axis=1 is the last axis only of two; the last of any number is axis=-1.": (
            _masked(axis=1)
        ),
        "each column sums to 1; each row should, over the keys of its query: axis=-1.": _masked(
            axis=-2
        ),
        "your weights sum to 1 along the first axis; each row should: axis=-1.": _masked(axis=0),
        "all your weights together sum to 1; each row should: sum along the last axis, with "
        "keepdims=True.": _weighed(_one_whole),
        "you divide the weights, which then no longer sum to 1: divide the scores, before the "
        "softmax.": _divided_late,
        "right for two axes only: k.T reverses all the axes, the batch too; k.mT swaps the last "
        "two.": _masked(transpose=lambda k: k.T),
        "the two results are in the other order: averages first, then weights.": (
            lambda q, k, v, mask=None: _masked()(q, k, v, mask)[::-1]
        ),
        "return the weights as well: return averages, weights.": (
            lambda q, k, v, mask=None: _masked()(q, k, v, mask)[0]
        ),
        "the second result is the scores; return the weights that softmax made of them.": (
            _with_scores
        ),
        "you divide the averages; divide the scores, before the softmax.": _averages_divided,
        "you average the keys; the averages are made of values.": (
            lambda q, k, v, mask=None: _masked()(q, k, k, mask)
        ),
    }
    | {
        f"you mask the weights after the softmax, and {small} hides that their sum may be 0: such "
        "a row no longer sums to 1. Mask the scores, with -inf.": _renormalised(float(small))
        for small in ("1e-5", "1e-6", "1e-8", "1e-9", "1e-10")
    },
    hints=(
        "Four lines: scores, masked scores, weights, averages.",
        "Where there is a mask, np.where(mask, scores, something) keeps the allowed scores.",
        "The something is -np.inf, its softmax is exactly 0, and weights @ v are the averages.",
    ),
)


def _gradients(q, m, d_averages):
    return gradients(lambda q, m: tantra.scaled_dot_product_attention(q, m, m)[0], d_averages, q, m)


def _softmax_backward(p, g):
    return p * (g - total(p * g))


def _weights_of(q, m):
    return tantra.softmax(_scores(q, m))


def _d_scores(q, m, d_averages):
    return _softmax_backward(_weights_of(q, m), d_averages @ m.mT) / math.sqrt(q.shape[-1])


def _parts(
    through_softmax=_softmax_backward,
    scale=lambda K: 1 / math.sqrt(K),
    forward=lambda K: 1 / math.sqrt(K),
    transpose=lambda x: x.mT,
):
    """(d_q, the keys' part of d_m, the values' part), with a slip in one of the steps."""

    def parts(q, m, d_averages):
        K = q.shape[-1]
        weights = tantra.softmax(q @ m.mT * forward(K))
        d_scores = through_softmax(weights, d_averages @ transpose(m)) * scale(K)
        return d_scores @ m, transpose(d_scores) @ q, transpose(weights) @ d_averages

    return parts


def _summed(parts=None, d_q=0, keys=0, values=0, join=lambda keys, values: keys + values):
    """The backward pass that parts make up, times these powers of √K, and joined so."""

    def backward(q, m, d_averages):
        found, powers = (parts or _parts())(q, m, d_averages), (d_q, keys, values)
        root = math.sqrt(q.shape[-1])
        first, *two = (part * root**n for part, n in zip(found, powers, strict=True))
        return first, join(*two)

    return backward


def _untransposed(memory=False, scores=False, weights=False):
    """The backward pass in which one .mT is missing, or more."""

    def backward(q, m, d_averages):
        p = _weights_of(q, m)
        d_p = d_averages @ (m if memory else m.mT)
        d_scores = _softmax_backward(p, d_p) / math.sqrt(q.shape[-1])
        of_keys = (d_scores if scores else d_scores.mT) @ q
        return d_scores @ m, of_keys + (p if weights else p.mT) @ d_averages

    return backward


def _from_averages(q, m, d_averages):
    p = _weights_of(q, m)
    d_scores = p * (d_averages - total(p * (d_averages @ m.mT))) / math.sqrt(q.shape[-1])
    return d_scores @ m, d_scores.mT @ q + p.mT @ d_averages


def _with_d_q(d_q):
    return lambda q, m, g: (d_q(q, m, g), _summed()(q, m, g)[1])


def _with_keys(part):
    return lambda q, m, g: (_summed()(q, m, g)[0], part(q, m, g) + _weights_of(q, m).mT @ g)


def _with_values(part):
    return lambda q, m, g: (_summed()(q, m, g)[0], _d_scores(q, m, g).mT @ q + part(q, m, g))


GRADIENTS = ("d_q", "d_m")

attention_backward = Exercise(
    name="attention_backward",
    kind="derive",
    asks="The gradients by q and m, where the rows of m are keys and values at once.",
    reference=_gradients,
    results=GRADIENTS,
    cases={
        "one sequence": arrays((2, 5), (3, 5), (2, 5), seed=5),
        "a batch": arrays((2, 1, 3), (2, 4, 3), (2, 1, 3), seed=6),
        "two axes in front": arrays((1, 2, 4, 3), (1, 2, 5, 3), (1, 2, 4, 3), seed=7),
        "as many queries as keys": arrays(*SQUARE, seed=8),
    },
    draw=lambda rng: behind(rng, (5, 6), (7, 6), (5, 6)),
    rtol=1e-10,
    atol=1e-11,
    mistakes={
        "that is the part of the keys. m is used a second time, as the values: add "
        "weights.mT @ d_averages.": _summed(join=lambda keys, values: keys),
        "that is the part of the values. m is used a second time, as the keys: add "
        "d_scores.mT @ q.": _summed(join=lambda keys, values: values),
        "m is one array that is used twice: add its two parts, and return d_q, d_m.": _parts(),
        "what is used twice gets the sum of both parts, not their difference.": (
            _summed(join=lambda keys, values: keys - values)
        ),
        "what is used twice gets the sum of both parts, not their mean.": (
            _summed(join=lambda keys, values: (keys + values) / 2)
        ),
        "that is twice the part of the keys; the part of the values is another, "
        "weights.mT @ d_averages.": _summed(join=lambda keys, values: 2 * keys),
        "that is twice the part of the values; the part of the keys is another, d_scores.mT @ q.": (
            _summed(join=lambda keys, values: 2 * values)
        ),
        "d_q is right. d_m is divided by √K once too often: the part of the keys has its divisor "
        "in d_scores, and the part of the values has none.": _summed(keys=-1, values=-1),
        "the part of the values is right. In d_q and in the part of the keys the divisor is "
        "missing: the scores were divided by √K, so their gradient is as well.": (
            _summed(_parts(scale=lambda K: 1))
        ),
        "you divide by √K twice: it stands once in the forward pass, and once in the backward.": (
            _summed(_parts(scale=lambda K: 1 / K))
        ),
        "your weights are made of unscaled scores: divide by √K before the softmax too.": (
            _summed(_parts(forward=lambda K: 1))
        ),
        "√K is missing both ways: divide the scores before the softmax, and their gradient.": (
            _summed(_parts(forward=lambda K: 1, scale=lambda K: 1))
        ),
        "on the way back you multiply by √K: the scores were divided by it, so their gradient is "
        "divided too.": _summed(_parts(scale=math.sqrt)),
        "the divisor is the root of the width at hand, q.shape[-1], and not of 64.": (
            _summed(_parts(scale=lambda K: 1 / 8))
        ),
        "the divisor is the root of the width at hand, q.shape[-1], and not of 64: in the scores "
        "and in their gradient.": _summed(_parts(scale=lambda K: 1 / 8, forward=lambda K: 1 / 8)),
        "d_q is right; the part of the keys goes through the same scores, so it needs the divisor "
        "too.": _summed(keys=1),
        "d_m is right; d_q goes through the same scores, so it needs the divisor too.": (
            _summed(d_q=1)
        ),
        "the values take no part in the scores: their part, weights.mT @ d_averages, is not "
        "divided.": (_summed(values=-1)),
        "the part of the values is weights.mT @ d_averages: without .mT a row of weights is a "
        "query, but m has a row for each key.": _untransposed(weights=True),
        "the part of the keys is d_scores.mT @ q: without .mT a row of d_scores is a query, but m "
        "has a row for each key.": _untransposed(scores=True),
        "m has a row for each key: d_scores.mT @ q and weights.mT @ d_averages.": (
            _untransposed(scores=True, weights=True)
        ),
        "the gradient by the weights is d_averages @ m.mT: a query's average meets every value.": (
            _untransposed(memory=True)
        ),
        "the way starts one step too late: go back through the last product first, so that the "
        "softmax gets d_averages @ m.mT, the gradient by the weights.": _from_averages,
        "the part of the values is the other way round: weights.mT @ d_averages.": (
            _with_values(lambda q, m, g: g.mT @ _weights_of(q, m))
        ),
        "d_q is made of keys, d_scores @ m: in q @ m.mT the derivative by q holds m.": (
            _with_d_q(lambda q, m, g: _d_scores(q, m, g) @ q)
        ),
        "the part of the keys is made of queries, d_scores.mT @ q: in q @ m.mT the derivative by m "
        "holds q.": _with_keys(lambda q, m, g: _d_scores(q, m, g).mT @ m),
        "queries and keys are exchanged: in q @ m.mT each factor's derivative is the other one, so "
        "d_q is d_scores @ m, and the part of the keys is d_scores.mT @ q.": lambda q, m, g: (
            _d_scores(q, m, g) @ q,
            _d_scores(q, m, g).mT @ m + _weights_of(q, m).mT @ g,
        ),
        "the part of the values weighs the gradient by the averages, not m itself: "
        "weights.mT @ d_averages.": _with_values(lambda q, m, g: _weights_of(q, m).mT @ m),
        "on the way through the softmax the mean of the row is missing: subtract the sum of p·g "
        "from g.": _summed(_parts(lambda p, g: p * g)),
        "only the diagonal of the softmax's Jacobian: a score also moves the other shares of its "
        "row.": _summed(_parts(lambda p, g: p * (1 - p) * g)),
        "that is the plain mean of the row; weigh it with the shares: the sum of p·g.": (
            _summed(_parts(lambda p, g: p * (g - mean(g))))
        ),
        "the mean runs down the columns; a softmax lives in a row: axis=-1.": (
            _summed(_parts(lambda p, g: p * (g - total(p * g, axis=-2))))
        ),
        "the softmax is left out on the way back: multiply by its Jacobian.": (
            _summed(_parts(lambda p, g: g))
        ),
        "your sum runs over the whole array; it should run along each row: axis=-1, with "
        "keepdims=True.": _summed(_parts(lambda p, g: p * (g - (p * g).sum()))),
        "right for one sequence; with axes in front .T reverses the order of all of them. .mT "
        "swaps the last two.": _summed(_parts(transpose=lambda x: x.T)),
        "you subtract the plain sum of g; subtract the sum of p·g, a weighted mean.": (
            _summed(_parts(lambda p, g: p * (g - total(g))))
        ),
        "the row's sum of p·g loses its axis: keepdims=True keeps it, and the rows line up.": (
            _summed(_parts(lambda p, g: p * (g - (p * g).sum(axis=-1))))
        ),
        "the row's sum is weighed with the shares already: take the sum of p·g, not its mean.": (
            _summed(_parts(lambda p, g: p * (g - mean(p * g))))
        ),
        "on the way through the softmax p stands before both terms: p · (g - sum of p·g).": (
            _summed(_parts(lambda p, g: p * g - total(p * g)))
        ),
        "on the way through the softmax the result is multiplied by p: p · (g - sum of p·g).": (
            _summed(_parts(lambda p, g: g - total(p * g)))
        ),
        "on the way through the softmax a p has the wrong index: p_j times the sum of p_i g_i, and "
        "not p_j² times the sum of g_i.": _summed(_parts(lambda p, g: p * g - p * p * total(g))),
        "on the way through the softmax a p has the wrong index: p_j stands before the sum of "
        "p_i g_i, and not inside it.": _summed(_parts(lambda p, g: p * g - total(p * p * g))),
        "on the way through the softmax the sign of the sum is turned: p · (g - sum of p·g).": (
            _summed(_parts(lambda p, g: p * (g + total(p * g))))
        ),
        "what comes back through the softmax has the wrong sign: p · (g - sum of p·g), not "
        "p · (sum - g).": _summed(_parts(lambda p, g: -_softmax_backward(p, g))),
        "the results are in the other order: return d_q, d_m.": (
            lambda *args: _summed()(*args)[::-1]
        ),
    },
    hints=(
        "Three steps back: from the averages to the weights and to m as values, through the "
        "softmax, then from the scores to q and to m as keys.",
        "For o = p @ m: the part of the values is p.mT @ d_o, and d_p = d_o @ m.mT. The softmax's "
        "is in chapter 02.",
        "d_scores = weights * (d_weights - mean) / √K, where mean is the row's sum of weights * "
        "d_weights. Then d_scores @ m, and d_scores.mT @ q + weights.mT @ d_averages.",
    ),
)


attention_shapes = Prediction(
    name="attention_shapes",
    kind="predict",
    asks="The shapes of the weights and of the averages for q (2, 3, 4), k (2, 5, 4), v (2, 5, 7).",
    answer=((2, 3, 5), (2, 3, 7)),
    mistakes={
        "the weights are transposed: rows ask, so there is a row for each query.": (
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
        "write two tuples, each in brackets of its own: (...), (...).": (2, 3, 5, 2, 3, 7),
        "the weights are right; the averages have a row for each of 3 queries, as wide as a "
        "value.": ((2, 3, 5), (2, 5, 4)),
        "the weights are right; in the averages a row belongs to a query: 3 rows of 7.": (
            (2, 3, 5),
            (2, 7, 3),
        ),
        "the averages are right; the batch stays in front of the weights too.": ((3, 5), (2, 3, 7)),
        "three queries ask, so both have 3 rows; 5 is the number of keys.": (
            (2, 5, 5),
            (2, 5, 7),
        ),
        "there are 5 keys and 3 queries: rows ask, so both have a row for each query.": (
            (2, 5, 3),
            (2, 5, 7),
        ),
        "the queries ask the keys, not one another: a row of weights has one for each of 5 keys.": (
            (2, 3, 3),
            (2, 3, 7),
        ),
        "the width 4 is summed away in each score: a weight for each query and key is 3 by 5.": (
            (2, 3, 5, 4),
            (2, 3, 7),
        ),
        "the width 4 is multiplied and summed away, so it is no axis of the weights: 3 by 5.": (
            (2, 3, 4, 5),
            (2, 3, 7),
        ),
        "the averages have summed over the 5 keys: a row for each of 3 queries, as wide as a "
        "value.": (
            (2, 3, 5),
            (2, 3, 5, 7),
        ),
    },
    hints=(
        "Three queries meet five keys, in each of two sequences.",
        "A row of five weights times five values of width 7 is one average of width 7.",
    ),
)


largest_share = Prediction(
    name="largest_share",
    kind="ablate",
    asks="The mean largest of 8 weights at width 512, with the divisor √512 and without it.",
    answer=(0.3638, 0.9630),
    rtol=0.015,  # two digits are enough
    mistakes={
        "the other order: first with the divisor, then without.": (0.9630, 0.3638),
        "an eighth is the mean of all 8 weights, whatever they are: take the largest of each row "
        "first. (As a guess: equal weights need equal scores, and random ones differ.)": (
            0.125,
            0.125,
        ),
        "equal weights need equal scores: divided by √512 they still differ, by about 1. Without "
        "the divisor the largest weight is near 1, but not yet 1.": (0.125, 1.0),
        "the first is right; without the divisor the largest weight is near 1, but not yet 1.": (
            0.3638,
            1.0,
        ),
        "the second is right; in the first you divide by the root of the 8 keys: divide by the "
        "root of the width, √512.": (0.8870, 0.9630),
        "the second is right; in the first you multiply by √512: divide by it.": (0.9989, 0.9630),
        "the second is right; in the first you divide the weights by √512: divide the scores, "
        "before the softmax.": (0.0426, 0.9630),
        "those are the largest scores; take the softmax first, then the largest weight.": (
            1.4286,
            32.325,
        ),
        "those are medians, the middle of the 1000; the mean was asked for.": (0.3358, 1.0),
        "the second is right; equal weights need equal scores, and divided by √512 they still "
        "differ, by about 1.": (0.125, 0.9630),
        "that is the first number; write the one without the divisor after it, in a tuple.": 0.3638,
        "that is the second number; write the one with the divisor before it, in a tuple.": 0.9630,
        "you take the largest over the 1000 queries; take it over the 8 keys, axis=-1, and then "
        "the mean.": (0.7697, 1.0),
        "the second is right; in the first you divide by 512, not by its root.": (0.1330, 0.9630),
        "both with the divisor: the second number is for the scores as they are.": (
            0.3638,
            0.3638,
        ),
        "both without the divisor: the first number is for scores divided by √512.": (
            0.9630,
            0.9630,
        ),
        "that is the largest of all the weights; take the largest of each row, then the mean.": (
            0.8426,
            1.0,
        ),
        "a softmax along an axis of length 1 gives 1 everywhere: take it along the last axis, "
        "that of the 8 keys.": (1.0, 1.0),
        "those are per cent; write weights, between 0 and 1.": (36.38, 96.30),
        "one digit is too few: give two or more. Without the divisor it is near 1, and not 1.": (
            0.4,
            1.0,
        ),
        "the first is right; the second is for the scores as they are, not divided by 512.": (
            0.3638,
            0.1330,
        ),
        "you take the mean over the queries first: take the largest of each row of 8, and then the "
        "mean.": (0.1288, 0.1402),
        "your softmax runs over the 1000 queries; it runs over the 8 keys, the last axis.": (
            0.003125,
            0.008,
        ),
    },
    hints=(
        "scores = q @ k.mT has shape (1000, 1, 8): a row of 8 for each of 1000 queries.",
        "softmax(scores).max(axis=-1) is the largest weight of each row; take the mean.",
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
