"""The exercises of chapter 01, query, key and value."""

import itertools

import numpy as np

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, arrays, behind
from tantra.check.slips import largest, normalised, reordered, total


def _lengths(x):
    return np.linalg.norm(x, axis=-1, keepdims=True)


def _distances(q, k):
    return np.linalg.norm(q[:, None] - k[None], axis=-1)


Q = np.array([[0.6, 0.8], [-0.8, 0.6], [0.0, -1.0]])
K = np.array([[1.0, 0.0], [0.0, 2.0], [-0.6, 0.8], [-0.3, -0.4]])
V = np.arange(20.0).reshape(4, 5)
SQUARES = arrays((3, 3), (3, 3), (3, 3), seed=1)  # every product of two fits, also a wrong one
FRONTS = ((), (2,), (3, 2))  # none, one or two axes in front
NAMES = ("query", "key", "value")
SMALL = ("1e-5", "1e-6", "1e-7", "1e-8", "1e-9")  # what is added against 0


def _from(start, unless_found):
    """The hard lookup by a search that begins at start, so that it finds only scores above it."""

    def lookup(q, k, v):
        scores = q @ k.T
        found = largest(scores) > start
        return np.where(found, v[scores.argmax(axis=-1)], unless_found(v))

    return lookup


def _nearly_hard(factor):
    return lambda q, k, v: tantra.softmax(factor * (q @ k.T)) @ v


nearest_value = Exercise(
    name="nearest_value",
    kind="implement",
    asks="Hard lookup: for each query, the value of the key with the largest dot product.",
    reference=lambda q, k, v: v[(q @ k.T).argmax(axis=-1)],
    cases={
        "three queries, a long key and a short one": (Q, K, V),
        "very short queries": (1e-9 * Q, K, V),
        "keys in three dimensions": (array(2, 3), array(4, 3, seed=1), array(4, 5, seed=2)),
        "as many queries as keys": SQUARES,
        "every score far below 0": (
            np.array([[-3e10, -4e10], [-1e10, -2e10], [-5e10, 0.0]]),
            np.array([[4.0, 3.0], [2.0, 5.0], [0.5, 1.0], [1.0, 0.1]]),
            V,
        ),
    },
    draw=lambda rng: (
        rng.standard_normal((4, 3)) - 3 * rng.integers(2),  # at times no key points its way
        np.abs(rng.standard_normal((7, 3))) * rng.choice([-1, 1], size=(7, 3), p=[0.2, 0.8]),
        rng.standard_normal((7, 5)),
    ),
    mistakes={
        "those are the places of the keys; look up their values: v[places].": (
            lambda q, k, v: (q @ k.T).argmax(axis=-1)
        ),
        "those are the values of the worst keys: argmax, not argmin.": (
            lambda q, k, v: v[(q @ k.T).argmin(axis=-1)]
        ),
        "you choose a query for every key; rows ask, so take argmax of q @ k.T along the last "
        "axis.": (lambda q, k, v: v[(q @ k.T).argmax(axis=0)]),
        "that is the cosine: it does not hear a long key louder. Do not divide by the lengths.": (
            lambda q, k, v: v[(q @ (k / _lengths(k)).T).argmax(axis=-1)]
        ),
        "that is the smallest distance; with keys of different lengths it is another key.": (
            lambda q, k, v: v[_distances(q, k).argmin(axis=-1)]
        ),
        "that is the farthest key; and nearest is meant by the dot product: argmax of q @ k.T.": (
            lambda q, k, v: v[_distances(q, k).argmax(axis=-1)]
        ),
        "those are the winning scores themselves: return the values that belong to them.": (
            lambda q, k, v: (q @ k.T).max(axis=-1)
        ),
        "that is the soft lookup, an average over all keys; here one key takes all.": (
            lambda q, k, v: tantra.softmax(q @ k.T) @ v
        ),
        "argmax without an axis finds one place in the whole table: axis=-1 finds one for each "
        "query.": lambda q, k, v: v[(q @ k.T).argmax()],
        "those are the best keys; return the values that belong to them, v[places].": (
            lambda q, k, v: k[(q @ k.T).argmax(axis=-1)]
        ),
        "v[:, places] takes columns; a value is a row of v: v[places].": (
            lambda q, k, v: v[:, (q @ k.T).argmax(axis=-1)]
        ),
        "a score far below 0 is a bad match: take the largest score, not the largest in size.": (
            lambda q, k, v: v[np.abs(q @ k.T).argmax(axis=-1)]
        ),
        "a search that begins at 0, or at another number, finds no key where all scores are below "
        "it: begin with the first key, or at -np.inf.": _from(0, lambda v: v[0]),
        "a search that begins at 0, or at another number, leaves zeros where all scores are below "
        "it: begin with the first key, or at -np.inf.": _from(0, lambda v: 0 * v[0]),
        "a search that begins at -1 takes the first key where all scores are below it: begin with "
        "the first key's score, or at -np.inf.": _from(-1, lambda v: v[0]),
        "a search that begins at -1 leaves zeros where all scores are below it: begin with the "
        "first key, or at -np.inf.": _from(-1, lambda v: 0 * v[0]),
        "a search that begins at a number such as -1000 or -1e9 takes the first key where all "
        "scores are below it: begin with the first key's score, or at -np.inf.": (
            _from(-1e9, lambda v: v[0])
        ),
        "a search that begins at a number such as -1000 or -1e9 leaves zeros where all scores are "
        "below it: begin with the first key, or at -np.inf.": _from(-1e9, lambda v: 0 * v[0]),
        "the places keep an axis of length 1: leave keepdims away, so that they have shape (T,).": (
            lambda q, k, v: v[(q @ k.T).argmax(axis=-1, keepdims=True)]
        ),
        "that looks for the largest score of the whole table; each query has its own: axis=-1.": (
            lambda q, k, v: (q @ k.T == (q @ k.T).max()) @ v
        ),
        "only the last query's answer is left: gather one for each query.": (
            lambda q, k, v: v[(k @ q[-1]).argmax()]
        ),
        "only the first query's answer is left: does the return stand inside the loop?": (
            lambda q, k, v: v[(k @ q[0]).argmax()]
        ),
        "k @ q is for one query, as in version 1. For many, q @ k.T has a row for each, and "
        "argmax(axis=-1) finds its best key.": lambda q, k, v: v[(k @ q).argmax()],
        "k @ q is for one query. For many, q @ k.T has a row for each of them: rows ask, columns "
        "answer.": lambda q, k, v: v[(k @ q).argmax(axis=-1)],
        "k @ q is for one query, and gives a row for each key. Of q @ k.T the rows are queries.": (
            lambda q, k, v: v[(k @ q).argmax(axis=0)]
        ),
        "q @ k meets the keys' columns; every query should meet every key: q @ k.T.": (
            lambda q, k, v: v[(q @ k).argmax(axis=-1)]
        ),
    }
    | {
        f"a softmax of scores times {factor} is still an average, where scores are small or lie "
        "close together: take the place of the largest, argmax.": _nearly_hard(float(factor))
        for factor in ("10", "100", "1000", "1e4", "1e6")
    },
    hints=(
        "All dot products at once are one matrix product, of shape (T, S).",
        "For each row, which column is largest? argmax along the last axis: shape (T,).",
        "v indexed by those T places has shape (T, V): v[scores.argmax(axis=-1)].",
    ),
)


def _plus(small):
    def lookup(q, k, v):
        powers = np.exp(q @ k.mT)
        return powers / (total(powers) + small) @ v

    return lookup


soft_lookup = Exercise(
    name="soft_lookup",
    kind="implement",
    asks="For each query, the average of the values; the shares are the softmax of its scores.",
    reference=lambda q, k, v: tantra.softmax(q @ k.mT) @ v,
    cases={
        "three queries": (Q, K, V),
        "a sharp query and dull ones": (np.array([[6.0, 8.0], [0.1, 0.2], [0.5, 0.0]]), K, V),
        "keys in three dimensions": (array(2, 3), array(4, 3, seed=1), array(4, 5, seed=2)),
        "a batch": arrays((2, 1, 3), (2, 4, 3), (2, 4, 3), seed=2),
        "two axes in front": arrays((1, 2, 3, 2), (1, 2, 4, 2), (1, 2, 4, 3), seed=3),
        "as many queries as keys": SQUARES,
    },
    draw=lambda rng: behind(rng, (4, 5), (7, 5), (7, 6), fronts=FRONTS),
    mistakes={
        "those are scores, not shares: they need not be positive, nor sum to 1. "
        "Put softmax in between.": lambda q, k, v: q @ k.mT @ v,
        "the columns of your shares sum to 1; the rows should: softmax along the last axis.": (
            lambda q, k, v: tantra.softmax(q @ k.mT, axis=-2) @ v
        ),
        "dividing by √K comes in chapter 03; here the scores are the plain dot products.": (
            lambda q, k, v: tantra.softmax(q @ k.mT / np.sqrt(q.shape[-1])) @ v
        ),
        "cosines forget how sharply a query asks: use the dot products as they are.": (
            lambda q, k, v: tantra.softmax(q @ k.mT / (_lengths(q) * _lengths(k).mT)) @ v
        ),
        "right for one sequence, but not with a batch in front: k.T reverses all the axes, axis 0 "
        "is the batch, len(q) counts it, and einsum needs its dots, '...'. k.mT swaps the last "
        "two, whatever stands in front.": (lambda q, k, v: tantra.softmax(q @ k.T) @ v),
        "right for three axes only: transpose(0, 2, 1) and a loop over the batch count on one axis "
        "in front. k.mT swaps the last two, whatever stands in front.": (
            lambda q, k, v: tantra.softmax(q @ k.transpose(0, 2, 1)) @ v
        ),
        "swapaxes(1, 2) counts axes from the front: right for three only. k.mT swaps the last two, "
        "whatever stands in front.": lambda q, k, v: tantra.softmax(q @ k.swapaxes(1, 2)) @ v,
        "q is transposed where k should be: every query meets every key in q @ k.mT.": (
            lambda q, k, v: tantra.softmax(q.mT @ k) @ v
        ),
        "axis=1 is the last axis only of two; the last of any number is axis=-1.": (
            lambda q, k, v: tantra.softmax(q @ k.mT, axis=1) @ v
        ),
        "k @ q is for one query, as in version 1. For many, q @ k.mT has a row for each: rows ask, "
        "columns answer.": lambda q, k, v: tantra.softmax(k @ q) @ v,
        "the scores are transposed: rows ask, columns answer, so q @ k.mT and not k @ q.mT.": (
            lambda q, k, v: tantra.softmax(k @ q.mT) @ v
        ),
        "q @ k meets the keys' columns; every query should meet every key: q @ k.mT.": (
            lambda q, k, v: tantra.softmax(q @ k) @ v
        ),
        "* multiplies place by place; shares times values is a product of matrices, @.": (
            lambda q, k, v: tantra.softmax(q @ k.mT) * v
        ),
        "the values stand in front of the shares: each row of shares weighs the values, so "
        "shares @ v.": lambda q, k, v: v @ tantra.softmax(q @ k.mT),
        "the values are transposed: each row of shares weighs the rows of v, so shares @ v.": (
            lambda q, k, v: tantra.softmax(q @ k.mT) @ v.mT
        ),
        "np.dot is right for two axes only: with a batch it pairs every sequence with every other. "
        "@ carries the batch along.": lambda q, k, v: np.dot(tantra.softmax(np.dot(q, k.mT)), v),
        "np.dot is right for two axes only: with a batch it pairs every sequence with every other. "
        "Write q @ k.mT.": lambda q, k, v: tantra.softmax(np.dot(q, k.mT)) @ v,
        "np.dot is right for two axes only: with a batch it pairs every sequence with every other. "
        "Write shares @ v.": lambda q, k, v: np.dot(tantra.softmax(q @ k.mT), v),
        "softmax belongs on the scores, q @ k.mT, and not on the queries and keys.": (
            lambda q, k, v: tantra.softmax(q) @ tantra.softmax(k).mT @ v
        ),
        "the row sums lose their axis, and meet the columns: .sum(axis=-1, keepdims=True), or use "
        "softmax.": lambda q, k, v: np.exp(q @ k.mT) / np.exp(q @ k.mT).sum(axis=-1) @ v,
        "the shares are transposed before they meet the values: a row belongs to a query.": (
            lambda q, k, v: tantra.softmax(q @ k.mT).mT @ v
        ),
        "the shares sum to 1 already: do not divide by the number of keys as well.": (
            lambda q, k, v: tantra.softmax(q @ k.mT) @ v / k.shape[-2]
        ),
        "your shares sum to 1 along the first axis; each row should, so softmax along the last.": (
            lambda q, k, v: tantra.softmax(q @ k.mT, axis=0) @ v
        ),
        "all your shares together sum to 1; each row should: sum along the last axis, with "
        "keepdims=True.": lambda q, k, v: np.exp(q @ k.mT) / np.exp(q @ k.mT).sum() @ v,
        "powers of e are positive, but do not sum to 1 yet: divide each row by its sum, or use "
        "softmax.": lambda q, k, v: np.exp(q @ k.mT) @ v,
        "the largest score is subtracted, but the powers of e do not sum to 1 yet: divide each row "
        "by its sum, or use softmax.": lambda q, k, v: np.exp(q @ k.mT - largest(q @ k.mT)) @ v,
        "scores divided by their sum may be negative, and the sum may be 0: use softmax.": (
            lambda q, k, v: normalised(q @ k.mT) @ v
        ),
        "softmax belongs between the two products: it makes shares of the scores, and the shares "
        "then weigh the values.": lambda q, k, v: tantra.softmax(q @ k.mT @ v),
        "return the answers alone, without the shares.": (
            lambda q, k, v: (tantra.softmax(q @ k.mT) @ v, tantra.softmax(q @ k.mT))
        ),
        "those are the shares; the answer is their product with the values.": (
            lambda q, k, v: tantra.softmax(q @ k.mT)
        ),
        "you average the keys; the answer is made of values.": (
            lambda q, k, v: tantra.softmax(q @ k.mT) @ k
        ),
        "that is the best key's value alone, the hard lookup; here every key has its share.": (
            lambda q, k, v: np.take_along_axis(
                v, (q @ k.mT).argmax(axis=-1, keepdims=True), axis=-2
            )
        ),
    }
    | {
        f"you add {small} to the sum of the powers, so the shares no longer sum to 1: leave it "
        "away.": _plus(float(small))
        for small in SMALL
    },
    hints=(
        "Two matrix products, with softmax between them.",
        "The scores are q @ k.mT, of shape (..., T, S): rows ask, columns answer.",
        "softmax(q @ k.mT) @ v",
    ),
    rtol=1e-11,
    atol=1e-12,
)


def _one_key_at_a_time(q, k, v):
    answer = np.zeros(v.shape[-1])
    for key, value in zip(k, v, strict=True):
        relevance = q @ key / (np.linalg.norm(q) * np.linalg.norm(key))
        answer += relevance * value
    return answer


def _cosines(q, k, small=0.0):
    return k @ q / (np.linalg.norm(q) * np.linalg.norm(k, axis=-1) + small)


def _cosines_plus(small):
    return lambda q, k, v: tantra.softmax(_cosines(q, k, small)) @ v


weigh_by_cosine = Exercise(
    name="weigh_by_cosine",
    kind="hunt",
    asks="The average of the values; the shares are the softmax of the cosines of query and keys.",
    reference=lambda q, k, v: tantra.softmax(_cosines(q, k)) @ v,
    given=_one_key_at_a_time,
    cases={
        "four keys": (np.array([3.0, 4.0]), K, V[:, :3]),
        "all values equal": (np.array([3.0, 4.0]), K, np.full((4, 3), 10.0)),
        "a short query": (np.array([0.1, -0.2]), K, array(4, 3)),
        "as many keys as numbers": (array(3), *SQUARES[1:]),
    },
    draw=lambda rng: (
        3 * rng.standard_normal(3),
        rng.standard_normal((7, 3)),
        rng.standard_normal((7, 5)),
    ),
    mistakes={
        "dividing by the number of keys makes no shares: cosines do not sum to it, and some are "
        "negative. Softmax over all the cosines does.": (
            lambda q, k, v: _cosines(q, k) @ v / len(k)
        ),
        "divided by their sum, cosines do sum to 1, but some stay negative, and the sum may be 0: "
        "softmax makes all of them positive.": (
            lambda q, k, v: _cosines(q, k) @ v / _cosines(q, k).sum()
        ),
        "the softmax of a single number is 1, so every value counts fully: gather the cosines of "
        "all the keys first, then one softmax.": lambda q, k, v: v.sum(axis=0),
        "the shares are right for dot products; this function should keep its cosines.": (
            lambda q, k, v: tantra.softmax(k @ q) @ v
        ),
        "you divide by the lengths of the keys only; a cosine divides by the query's as well.": (
            lambda q, k, v: tantra.softmax(k @ q / np.linalg.norm(k, axis=-1)) @ v
        ),
        "the shares are right; now weigh the values with them, and sum over the keys.": (
            lambda q, k, v: tantra.softmax(_cosines(q, k))
        ),
        "you divide by the length of the query only; a cosine divides by each key's as well.": (
            lambda q, k, v: tantra.softmax(k @ q / np.linalg.norm(q)) @ v
        ),
        "np.linalg.norm(k) is one number for the whole table; every key has a length of its own: "
        "axis=-1.": lambda q, k, v: (
            tantra.softmax(k @ q / (np.linalg.norm(q) * np.linalg.norm(k))) @ v
        ),
        "powers of e are positive, but do not sum to 1 yet: divide them by their sum, as softmax "
        "does.": lambda q, k, v: np.exp(_cosines(q, k)) @ v,
        "divided by the sum of their sizes, some cosines are still negative: softmax makes all of "
        "them positive.": lambda q, k, v: _cosines(q, k) @ v / np.abs(_cosines(q, k)).sum(),
        "the shares sum to 1 already: do not divide by the number of keys as well.": (
            lambda q, k, v: tantra.softmax(_cosines(q, k)) @ v / len(k)
        ),
        "dividing the answer by its own sum changes the values; it is the shares that should sum "
        "to 1.": lambda q, k, v: _cosines(q, k) @ v / (_cosines(q, k) @ v).sum(),
        "softmax belongs on the cosines, before they weigh the values; here it is applied to the "
        "answer.": lambda q, k, v: tantra.softmax(_cosines(q, k) @ v),
        "axis=0 measures the columns of the table; a key is a row, so its length runs along "
        "axis=-1.": lambda q, k, v: (
            tantra.softmax(k @ q / (np.linalg.norm(q) * np.linalg.norm(k, axis=0))) @ v
        ),
        "q @ k meets the columns of the table; a key is a row: k @ q.": lambda q, k, v: (
            tantra.softmax(q @ k / (np.linalg.norm(q) * np.linalg.norm(k, axis=-1))) @ v
        ),
        "the values are weighed, but not added up: one row of numbers should be left.": (
            lambda q, k, v: tantra.softmax(_cosines(q, k))[:, None] * v
        ),
        "shares of shape (S,) meet the columns of v in a product with *: shares @ v weighs its "
        "rows and adds them up.": lambda q, k, v: tantra.softmax(_cosines(q, k)) * v,
        "1 added to each cosine makes them positive, but these are no shares of softmax: take "
        "softmax of the cosines.": lambda q, k, v: (
            (1 + _cosines(q, k)) @ v / (1 + _cosines(q, k)).sum()
        ),
        "you divide by the squares of the lengths: a length is the root of the sum of squares.": (
            lambda q, k, v: tantra.softmax(k @ q / (q @ q * (k * k).sum(axis=-1))) @ v
        ),
        "np.abs makes a good match of a key that points the other way: softmax makes positive "
        "shares, and keeps the order.": lambda q, k, v: (
            np.abs(_cosines(q, k)) @ v / np.abs(_cosines(q, k)).sum()
        ),
        "that is the value of the best key alone; here every key has its share.": (
            lambda q, k, v: v[_cosines(q, k).argmax()]
        ),
        "the values are weighed, but not added up over the keys: shares @ v does both.": (
            lambda q, k, v: tantra.softmax(_cosines(q, k)) * v.T
        ),
        "np.abs makes a good match of a key that points the other way: leave it away, softmax "
        "makes shares of negative cosines too.": (
            lambda q, k, v: tantra.softmax(np.abs(_cosines(q, k))) @ v
        ),
        "np.abs makes a good match of a key that points the other way, and these sizes do not sum "
        "to 1: take softmax of the cosines.": lambda q, k, v: np.abs(_cosines(q, k)) @ v,
        "dot / |k| * |q| divides by the keys' lengths alone and multiplies by the query's: put "
        "brackets around the product of the lengths.": lambda q, k, v: (
            tantra.softmax(k @ q / np.linalg.norm(k, axis=-1) * np.linalg.norm(q)) @ v
        ),
        "dot / |q| * |k| divides by the query's length alone and multiplies by the keys': put "
        "brackets around the product of the lengths.": lambda q, k, v: (
            tantra.softmax(k @ q / np.linalg.norm(q) * np.linalg.norm(k, axis=-1)) @ v
        ),
        "cosines below 0 are cut off, and those left divided by their sum: take the softmax of all "
        "the cosines, and each key has a share.": lambda q, k, v: (
            np.maximum(_cosines(q, k), 0) @ v / np.maximum(_cosines(q, k), 0).sum()
        ),
        "a cosine divides by the product of the two lengths, and not by their sum.": (
            lambda q, k, v: (
                tantra.softmax(k @ q / (np.linalg.norm(q) + np.linalg.norm(k, axis=-1))) @ v
            )
        ),
    }
    | {
        f"you add {small} to the lengths, which draws every cosine to 0: leave it away.": (
            _cosines_plus(float(small))
        )
        for small in SMALL
    },
    rtol=1e-11,
    atol=1e-12,
    hints=(
        "Give every key the value 10. What must any average of the values be? What comes out?",
        "A loop that adds as it goes cannot know the other keys. Gather all the cosines first.",
        "k @ q is all the dot products; then divide by the lengths, softmax, and multiply by v.",
    ),
)


def _cut(x, w, b, K):
    """The right three."""
    qkv = x @ w + b
    return qkv[..., :K], qkv[..., K : 2 * K], qkv[..., 2 * K :]


def _cut_otherwise(cut):
    """What cut makes of the one product, and of K."""
    return lambda x, w, b, K: cut(x @ w + b, K)


three_at_once = Exercise(
    name="three_at_once",
    kind="implement",
    asks="Queries, keys and values from one product with the three matrices side by side.",
    reference=_cut,
    cases={
        "two tokens": (array(2, 3), array(3, 9, seed=1), array(9, seed=2), 2),
        "values narrower than keys": (array(2, 3), array(3, 7, seed=1), array(7, seed=2), 3),
        "a batch": (array(2, 4, 3), array(3, 9, seed=1), array(9, seed=2), 2),
        "as many tokens as numbers of a key": (array(3, 2), array(2, 11), array(11, seed=2), 3),
        "two axes in front": (array(2, 1, 4, 3), array(3, 9), array(9, seed=2), 2),
    },
    draw=lambda rng: (
        rng.standard_normal((*FRONTS[rng.integers(3)], 5, 4)),
        rng.standard_normal((4, 13)),
        rng.standard_normal(13),
        int(rng.integers(2, 6)),
    ),
    mistakes={
        "the bias is missing: x @ w + b, then cut.": lambda x, w, b, K: _cut(x, w, 0 * b, K),
        "the values lack their bias: add b before you cut, so that each part gets its own.": (
            lambda x, w, b, K: _cut(x, w, np.where(np.arange(len(b)) < 2 * K, b, 0.0), K)
        ),
        "the keys get the bias of the queries: each part has its own, b[K : 2 * K] for the keys.": (
            lambda x, w, b, K: _cut(x, w, np.concatenate([b[:K], b[:K], b[2 * K :]]), K)
        ),
        "that is the product uncut: return its three parts.": lambda x, w, b, K: x @ w + b,
        "three equal parts are right only where V is K: cut behind K and behind 2 · K columns.": (
            _cut_otherwise(lambda qkv, K: tuple(np.array_split(qkv, 3, axis=-1)))
        ),
        "you cut the rows, which are tokens; the columns are to be cut: qkv[..., :K].": (
            _cut_otherwise(lambda qkv, K: (qkv[:K], qkv[K : 2 * K], qkv[2 * K :]))
        ),
        "right for two axes, but with a batch in front qkv[:, :K] cuts the tokens: qkv[..., :K].": (
            _cut_otherwise(lambda qkv, K: (qkv[:, :K], qkv[:, K : 2 * K], qkv[:, 2 * K :]))
        ),
        "you take every third column; the matrices stand side by side, K columns first.": (
            _cut_otherwise(lambda qkv, K: (qkv[..., ::3], qkv[..., 1::3], qkv[..., 2::3]))
        ),
        "the keys run on into the values: they end behind 2 · K columns, qkv[..., K : 2 * K].": (
            _cut_otherwise(lambda qkv, K: (qkv[..., :K], qkv[..., K:], qkv[..., 2 * K :]))
        ),
        "K : K takes no column; the keys end behind 2 · K, qkv[..., K : 2 * K].": (
            _cut_otherwise(lambda qkv, K: (qkv[..., :K], qkv[..., K:K], qkv[..., K:]))
        ),
        "queries and keys are right; the values are the columns behind them, qkv[..., 2 * K :].": (
            _cut_otherwise(lambda qkv, K: (qkv[..., :K], qkv[..., K : 2 * K], qkv[..., K:]))
        ),
        "a slice ends before its last number: K + 1 leaves out the first column of the keys.": (
            _cut_otherwise(
                lambda qkv, K: (qkv[..., :K], qkv[..., K + 1 : 2 * K], qkv[..., 2 * K + 1 :])
            )
        ),
        "a slice ends before its last number: K - 1 and 2 * K - 1 leave a column out.": (
            _cut_otherwise(
                lambda qkv, K: (qkv[..., : K - 1], qkv[..., K : 2 * K - 1], qkv[..., 2 * K :])
            )
        ),
        "the values are K wide here; they are all the columns behind 2 · K, qkv[..., 2 * K :].": (
            _cut_otherwise(
                lambda qkv, K: (qkv[..., :K], qkv[..., K : 2 * K], qkv[..., 2 * K : 3 * K])
            )
        ),
        "the values stand first here; they are the last columns of w.": _cut_otherwise(
            lambda qkv, K: (qkv[..., -2 * K : -K], qkv[..., -K:], qkv[..., : -2 * K])
        ),
        "K : K takes no column; the keys are the columns from K to 2 · K, qkv[..., K : 2 * K].": (
            _cut_otherwise(lambda qkv, K: (qkv[..., :K], qkv[..., K:K], qkv[..., 2 * K :]))
        ),
        ":2 * K begins at the first column; the keys begin behind K, qkv[..., K : 2 * K].": (
            _cut_otherwise(lambda qkv, K: (qkv[..., :K], qkv[..., : 2 * K], qkv[..., 2 * K :]))
        ),
        "-K takes the last K columns; the values are all the columns behind 2 · K.": (
            _cut_otherwise(lambda qkv, K: (qkv[..., :K], qkv[..., K : 2 * K], qkv[..., -K:]))
        ),
        "a single number takes one column; a slice takes K of them, qkv[..., :K].": (
            _cut_otherwise(lambda qkv, K: (qkv[..., 0], qkv[..., 1], qkv[..., 2]))
        ),
        "the bias is added three times over: once, before you cut.": (
            lambda x, w, b, K: _cut(x, w, 3 * b, K)
        ),
    }
    | {
        "the three stand in another order, " + ", ".join(order) + ": give first the query, then "
        "the key, then the value.": reordered(_cut, *map(NAMES.index, order))
        for order in itertools.permutations(NAMES)
        if order != NAMES
    },
    results=("queries", "keys", "values"),
    rtol=1e-11,
    atol=1e-12,
    hints=(
        "One product and one sum for all: qkv = x @ w + b, of shape (..., T, 2·K + V).",
        "Its first K columns are the queries, the next K the keys, and all the others the values.",
        "qkv[..., :K] takes the first K columns, whatever stands in front; then K : 2 * K, 2 * K :",
    ),
)

D_MODEL = 768

projection_parameters = Prediction(
    name="projection_parameters",
    kind="predict",
    asks="How many numbers three projections 768 -> 768 hold, each a matrix and a bias.",
    answer=3 * (D_MODEL * D_MODEL + D_MODEL),
    mistakes={
        "those are the three matrices; each projection also has a bias of 768.": (
            3 * D_MODEL * D_MODEL
        ),
        "that is one projection; there are three.": D_MODEL * D_MODEL + D_MODEL,
        "that is the matrix of one projection; there are three, each with a bias.": (
            D_MODEL * D_MODEL
        ),
        "each projection has a bias of its own: three of them.": 3 * D_MODEL**2 + D_MODEL,
        "a bias is a vector of 768 numbers, not a single one.": 3 * (D_MODEL**2 + 1),
        "that is four projections; the fourth, the output's, comes in chapter 04.": (
            4 * (D_MODEL * D_MODEL + D_MODEL)
        ),
        "those are the numbers that come out for one token; count the numbers in the matrices and "
        "the biases.": 3 * D_MODEL,
        "a matrix has rows times columns numbers, 768 · 768, and not 768 + 768.": (
            3 * (D_MODEL + D_MODEL)
        ),
        "that is all twelve layers; one layer was asked for.": 12 * 3 * (D_MODEL**2 + D_MODEL),
        "a bias is one more row of 768 numbers, and no column: 769 · 768 for each projection.": (
            3 * (D_MODEL + 1) ** 2
        ),
        "that is one projection, and one column too many: a bias is one more row, 769 · 768. There "
        "are three.": (D_MODEL + 1) ** 2,
        "those are four matrices; there are three projections, and each has a bias as well.": (
            4 * D_MODEL**2
        ),
        "those are two projections; there are three: query, key and value.": (
            2 * (D_MODEL**2 + D_MODEL)
        ),
        "those are the biases alone, or the numbers that come out; the matrices have 768 · 768 "
        "each.": 3 * D_MODEL + 3,
        "each matrix leads from 768 numbers to 768. One that held all three would have 768 rows "
        "and 3 · 768 columns.": (3 * D_MODEL) ** 2,
        "each matrix leads from 768 numbers to 768, and not from 3 · 768 to 3 · 768.": (
            (3 * D_MODEL) ** 2 + 3 * D_MODEL
        ),
        "that is one head of width 64 (chapter 04); query, key and value are 768 numbers each.": (
            3 * (D_MODEL * 64 + 64)
        ),
        "three matrices of 768 · 768 numbers are added up: 3 · 768², and not 768³.": (
            D_MODEL**3 + 3 * D_MODEL
        ),
        "that is all twelve layers, without the biases; one layer was asked for.": (
            12 * 3 * D_MODEL**2
        ),
    },
    rtol=1e-9,  # every one of them counts
    hints=(
        "A matrix from 768 numbers to 768 numbers has 768 rows and 768 columns.",
        "A bias is added to the result, so it has one number for each of the 768 results.",
    ),
)


def _ablated(x, w_q, b_q, w_k, b_k, w_v, b_v):
    return tantra.softmax((x @ w_q + b_q) @ (x @ w_k + b_k).mT) @ (x @ w_v + b_v)


BIASES = {2}, {4}, {6}  # their places among the arguments


def _whole_and_without(run, args, dropped=BIASES):
    """What run gives of these arguments, and three times with those in some places set to 0."""
    without = ([0 * x if n in places else x for n, x in enumerate(args)] for places in dropped)
    return run(*args), tuple(run(*others) for others in without)


def _changes(*args):
    whole, without = _whole_and_without(_ablated, args)
    return tuple(whole - one for one in without)


def _losses(measure, run=_ablated, dropped=BIASES):
    """What an ablation of each bias returns, by a measure of (whole, without)."""

    def losses(*args):
        whole, without = _whole_and_without(run, args, dropped)
        return tuple(float(measure(whole, one)) for one in without)

    return losses


def _largest(whole, without):
    return np.abs(whole - without).max()


def _three(attempt, *args):
    """The answer of an attempt, which may hold its three numbers in one array."""
    answer = attempt(*args)
    return tuple(answer) if isinstance(answer, np.ndarray) and answer.ndim == 1 else answer


def _read_off(of_value):
    """The right losses, but for the value's, which is read off its bias."""
    return lambda *args: (*_losses(_largest)(*args)[:2], float(of_value(args[-1])))


def _weighed(weigh):
    """The answers with shares that another rule makes of the scores."""

    def answers(x, w_q, b_q, w_k, b_k, w_v, b_v):
        return weigh((x @ w_q + b_q) @ (x @ w_k + b_k).mT, w_q.shape[-1]) @ (x @ w_v + b_v)

    return answers


def _shares(x, w_q, b_q, w_k, b_k, w_v, b_v):
    return tantra.softmax((x @ w_q + b_q) @ (x @ w_k + b_k).mT)


losses_on_paper = Prediction(
    name="losses_on_paper",
    kind="predict",
    asks="The largest change of an answer without b_k = (3, -7), and without b_v = (0, 1, -4).",
    answer=(0, 4),
    mistakes={
        "the second is right. The first: b_k adds q · b_k to every score of a row alike, and "
        "softmax goes by differences.": (7, 4),
        "the second is right. The first is no sum of b_k: q · b_k is added to every score of a row "
        "alike, and softmax goes by differences.": (10, 4),
        "the second is right. The first is not the length of b_k: q · b_k is added to every score "
        "of a row alike, and softmax goes by differences.": (58**0.5, 4),
        "the second is right. The first can be known: q · b_k is added to every score of a row "
        "alike, and softmax goes by differences.": (3, 4),
        "both are the largest number: of b_v that is so, but b_k is added to every score of a row "
        "alike, and a change of -4 counts as 4.": (3, 1),
        "the first is right. In the second a change of -4 counts as 4.": (0, 1),
        "the first is right. The second is an absolute change: 4, where a number moves by -4.": (
            (0, -4)
        ),
        "the first is right. In the second each number of an answer moves by one number of b_v: "
        "the largest, not the sum.": (0, 5),
        "the first is right. In the second each number of an answer moves by one number of b_v: "
        "the largest, not the sum, and -4 counts as 4.": (0, -3),
        "the first is right. The second is not the length of b_v: each number of an answer moves "
        "by one number of it.": (0, 17**0.5),
        "the first is right. The value's is not 0: the weights sum to 1, so b_v is in every answer "
        "as it stands.": (0, 0),
        "the order is reversed: first without b_k, then without b_v.": (4, 0),
        "neither is a sum. The first: q · b_k is added to every score of a row alike, and softmax "
        "goes by differences. The second: each number of an answer moves by one of b_v.": (10, 5),
        "neither is a length. The first: q · b_k is added to every score of a row alike, and "
        "softmax goes by differences. The second: each number of an answer moves by one of b_v.": (
            (58**0.5, 17**0.5)
        ),
        "the second is an absolute change, 4. The first: b_k adds q · b_k to every score of a row "
        "alike, and softmax goes by differences.": (-7, -4),
        "neither is a sum, and a change of -4 counts as 4. The first: q · b_k is added to every "
        "score of a row alike, and softmax goes by differences.": (4, 3),
        "it is the other way round. b_k is added to every score of a row alike, and softmax goes "
        "by differences; the weights sum to 1, so b_v is in every answer as it stands.": (7, 0),
    },
    hints=(
        "Multiply out the score of query i and key j with the key's bias: q_i · (k_j + b_k).",
        "What it adds, q_i · b_k, is the same for every j. Softmax goes by differences of scores.",
        "And the sum over j of weight_ij · (v_j + b_v) is the old answer plus b_v.",
    ),
)

biases_lost = Exercise(
    name="biases_lost",
    kind="ablate",
    asks="How far the answers move when the query's, the key's or the value's bias is dropped.",
    reference=_losses(_largest),
    cases={
        "three tokens": (
            array(3, 4),
            array(4, 2, seed=1),
            np.array([1.0, -2.0]),
            array(4, 2, seed=2),
            np.array([0.5, 3.0]),
            array(4, 5, seed=3),
            np.array([0.0, 1.0, -4.0, 2.0, 0.5]),
        ),
        "two tokens, and wider values": (
            array(2, 3, seed=4),
            array(3, 4, seed=5),
            np.array([0.5, 0.0, -1.0, 2.0]),
            array(3, 4, seed=6),
            np.array([-2.0, 1.0, 0.5, 0.0]),
            array(3, 5, seed=7),
            np.array([-3.0, -1.0, -0.5, -2.0, -0.1]),
        ),
    },
    draw=lambda rng: tuple(
        rng.standard_normal(shape) for shape in ((6, 4), (4, 3), 3, (4, 3), 3, (4, 5), 5)
    ),
    call=_three,
    mistakes={
        "put each bias back before you drop the next: one is missing at a time.": (
            _losses(_largest, dropped=({2}, {2, 4}, {2, 4, 6}))
        ),
        "you dropped the matrices; drop the biases and keep the matrices.": _losses(
            _largest, dropped=({1}, {3}, {5})
        ),
        "that is the mean change; the largest was asked for.": _losses(
            lambda whole, without: np.abs(whole - without).mean()
        ),
        "a change downwards counts too: take the absolute value before the maximum.": _losses(
            lambda whole, without: (whole - without).max()
        ),
        "you compare the shares; compare the answers, shares @ v.": _losses(_largest, _shares),
        "the value's is right. For the other two you compare the shares: compare the answers, "
        "shares @ v.": lambda *args: (
            *_losses(_largest, _shares)(*args)[:2],
            np.abs(args[-1]).max(),
        ),
        "the change is the difference of the answers, not the ratio or the largest answer.": (
            _losses(lambda whole, without: np.abs(without).max())
        ),
        "that is the difference of the two largest answers: subtract the answers first, then take "
        "the largest change.": _losses(lambda whole, without: whole.max() - without.max()),
        "that is the length of the whole change; its largest single number was asked for.": (
            _losses(lambda whole, without: np.linalg.norm(whole - without))
        ),
        "you keep one bias and drop two; drop one and keep two.": _losses(
            _largest, dropped=({4, 6}, {2, 6}, {2, 4})
        ),
        "you divide the scores by √K; that comes in chapter 03, here they are plain.": _losses(
            _largest, _weighed(lambda scores, K: tantra.softmax(scores / np.sqrt(K)))
        ),
        "softmax is missing: the answers are softmax(q kᵀ) v.": _losses(
            _largest, _weighed(lambda scores, K: scores)
        ),
        "the columns of your shares sum to 1; the rows should: softmax along the last axis.": (
            _losses(_largest, _weighed(lambda scores, K: tantra.softmax(scores, axis=0)))
        ),
        "the scores are transposed: rows ask, columns answer, so q @ k.mT and not k @ q.mT.": (
            _losses(_largest, _weighed(lambda scores, K: tantra.softmax(scores.mT)))
        ),
        "you subtract the whole from the part without np.abs, so a change downwards is not seen: "
        "take the absolute value before the maximum.": _losses(
            lambda whole, without: (without - whole).max()
        ),
        "the absolute value comes too late, after the maximum: np.abs(whole - without).max().": (
            _losses(lambda whole, without: abs((whole - without).max()))
        ),
        "those are differences of two largest sizes: subtract the answers first, then take the "
        "largest absolute change.": _losses(
            lambda whole, without: np.abs(whole).max() - np.abs(without).max()
        ),
        "the largest of each is taken too early: subtract the answers first, then np.abs, then "
        "the maximum.": _losses(lambda whole, without: abs(whole.max() - without.max())),
        "that is the sum of all changes; the largest was asked for.": _losses(
            lambda whole, without: np.abs(whole - without).sum()
        ),
        "those are squares: the largest absolute change was asked for.": _losses(
            lambda whole, without: ((whole - without) ** 2).max()
        ),
        "that is the change beside the answer's own size; the absolute change was asked for.": (
            _losses(lambda whole, without: np.abs((whole - without) / whole).max())
        ),
        "that is how far queries, keys and values move, which is the bias itself; the change of "
        "the answers was asked for.": lambda *args: tuple(
            float(np.abs(bias).max()) for bias in args[2::2]
        ),
        "query and key are right. For the value take absolute numbers: its largest loss is the "
        "largest of |b_v|, and -4 counts as 4.": _read_off(lambda b_v: b_v.max()),
        "query and key are right. Each number of an answer moves by one number of b_v: take the "
        "largest of |b_v|, not their sum.": _read_off(lambda b_v: np.abs(b_v).sum()),
        "query and key are right. Each number of an answer moves by one number of b_v: take the "
        "largest of |b_v|, not its length.": _read_off(np.linalg.norm),
        "query and key are right. Each number of an answer moves by one number of b_v: take the "
        "largest of |b_v|, not their mean.": _read_off(lambda b_v: np.abs(b_v).mean()),
        "query and key are right. The value's loss is not 0: the shares sum to 1, so b_v is in "
        "every answer as it stands.": _read_off(lambda b_v: 0),
        "key and value are right. The query's loss is not 0: q_i + b_q scores each key otherwise, "
        "so it is to be measured.": lambda *args: (0.0, *_losses(_largest)(*args)[1:]),
        "key and value are right. The query's loss cannot be read off b_q: it moves the shares, so "
        "measure how far the answers move.": lambda *args: (
            float(np.abs(args[2]).max()),
            *_losses(_largest)(*args)[1:],
        ),
        "those are all the changes, three tables: np.abs(...).max() makes one number of each.": (
            _changes
        ),
        "those are all the changes, three tables: .max() makes one number of each.": (
            lambda *args: tuple(map(np.abs, _changes(*args)))
        ),
        "the largest of each column, or of each row, are several numbers: .max() without an axis "
        "gives one.": lambda *args: tuple(np.abs(change).max(axis=0) for change in _changes(*args)),
    }
    | {
        "the three numbers stand in another order, " + ", ".join(order) + ": give first the "
        "query's, then the key's, then the value's.": (
            reordered(_losses(_largest), *map(NAMES.index, order))
        )
        for order in itertools.permutations(NAMES)
        if order != NAMES
    },
    rtol=1e-9,
    atol=1e-9,
    results=NAMES,
    hints=(
        "First the whole: q, k and v with their biases, then softmax(q @ k.mT) @ v.",
        "Without its bias a projection is x @ w alone. Make three more answers, each with one bias "
        "missing.",
        "np.abs(whole - without).max(), three times. One of the three should surprise you.",
    ),
)

EXERCISES = [
    nearest_value,
    soft_lookup,
    weigh_by_cosine,
    three_at_once,
    projection_parameters,
    losses_on_paper,
    biases_lost,
]
