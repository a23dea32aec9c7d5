"""The exercises of chapter 01, query, key and value."""

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array


def _lengths(x):
    return np.linalg.norm(x, axis=-1, keepdims=True)


def _distances(q, k):
    return np.linalg.norm(q[:, None] - k[None], axis=-1)


Q = np.array([[0.6, 0.8], [-0.8, 0.6], [0.0, -1.0]])
K = np.array([[1.0, 0.0], [0.0, 2.0], [-0.6, 0.8], [-0.3, -0.4]])
V = np.arange(20.0).reshape(4, 5)

nearest_value = Exercise(
    name="nearest_value",
    kind="implement",
    asks="Hard lookup: for each query, the value of the key with the largest dot product.",
    reference=lambda q, k, v: v[(q @ k.T).argmax(axis=-1)],
    cases={
        "three queries, a long key and a short one": (Q, K, V),
        "queries ten times as long": (10 * Q, K, V),
        "keys in three dimensions": (array(2, 3), array(4, 3, seed=1), array(4, 5, seed=2)),
    },
    draw=lambda rng: (
        rng.standard_normal((4, 3)),
        rng.standard_normal((7, 3)),
        rng.standard_normal((7, 5)),
    ),
    mistakes={
        "those are the places of the keys; look up their values: v[places].": (
            lambda q, k, v: (q @ k.T).argmax(axis=-1)
        ),
        "those are the values of the worst keys: argmax, not argmin.": (
            lambda q, k, v: v[(q @ k.T).argmin(axis=-1)]
        ),
        "you choose a query for every key; rows ask, so take argmax along the last axis.": (
            lambda q, k, v: v[(q @ k.T).argmax(axis=0)]
        ),
        "that is the cosine: it does not hear a long key louder. Do not divide by the lengths.": (
            lambda q, k, v: v[(q @ (k / _lengths(k)).T).argmax(axis=-1)]
        ),
        "that is the smallest distance; with keys of different lengths it is another key.": (
            lambda q, k, v: v[_distances(q, k).argmin(axis=-1)]
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
        "a score far below 0 is a bad match: take the largest score, not the largest in size.": (
            lambda q, k, v: v[np.abs(q @ k.T).argmax(axis=-1)]
        ),
    },
    hints=(
        "All dot products at once are one matrix product, of shape (T, S).",
        "For each row, which column is largest? argmax along the last axis: shape (T,).",
        "v indexed by those T places has shape (T, V): v[scores.argmax(axis=-1)].",
    ),
)

soft_lookup = Exercise(
    name="soft_lookup",
    kind="implement",
    asks="For each query, the average of the values; the shares are the softmax of its scores.",
    reference=lambda q, k, v: tantra.softmax(q @ k.mT) @ v,
    cases={
        "three queries": (Q, K, V),
        "a sharp query and dull ones": (np.array([[6.0, 8.0], [0.1, 0.2], [0.5, 0.0]]), K, V),
        "keys in three dimensions": (array(2, 3), array(4, 3, seed=1), array(4, 5, seed=2)),
    },
    draw=lambda rng: (
        rng.standard_normal((2, 4, 3)),
        rng.standard_normal((2, 7, 3)),
        rng.standard_normal((2, 7, 5)),
    ),
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
        "right for one sequence, but not with a batch in front: k.T reverses all the axes, and a "
        "loop over len(q) counts batches. k.mT swaps the last two, whatever stands in front.": (
            lambda q, k, v: tantra.softmax(q @ k.T) @ v
        ),
        "your shares sum to 1 along the first axis; each row should, so softmax along the last.": (
            lambda q, k, v: tantra.softmax(q @ k.mT, axis=0) @ v
        ),
        "all your shares together sum to 1; each row should: sum along the last axis, with "
        "keepdims=True.": lambda q, k, v: np.exp(q @ k.mT) / np.exp(q @ k.mT).sum() @ v,
        "powers of e are positive, but do not sum to 1 yet: divide each row by its sum, or use "
        "softmax.": lambda q, k, v: np.exp(q @ k.mT) @ v,
        "scores divided by their sum may be negative, and the sum may be 0: use softmax.": (
            lambda q, k, v: q @ k.mT / (q @ k.mT).sum(axis=-1, keepdims=True) @ v
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
    },
    hints=(
        "Two matrix products, with softmax between them.",
        "The scores are q @ k.mT, of shape (..., T, S): rows ask, columns answer.",
        "softmax(q @ k.mT) @ v",
    ),
)


def _one_key_at_a_time(q, k, v):
    answer = np.zeros(v.shape[-1])
    for key, value in zip(k, v, strict=True):
        relevance = q @ key / (np.linalg.norm(q) * np.linalg.norm(key))
        answer += relevance * value
    return answer


def _cosines(q, k):
    return k @ q / (np.linalg.norm(q) * np.linalg.norm(k, axis=-1))


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
    },
    hints=(
        "Give every key the value 10. What must any average of the values be? What comes out?",
        "A loop that adds as it goes cannot know the other keys. Gather all the cosines first.",
        "k @ q is all the dot products; then divide by the lengths, softmax, and multiply by v.",
    ),
)


def _autograd(x, w_q, w_k, g):
    x = torch.tensor(x, requires_grad=True)
    scores = (x @ torch.tensor(w_q)) @ (x @ torch.tensor(w_k)).mT
    scores.backward(torch.tensor(g))
    return x.grad.numpy()


relevance_backward = Exercise(
    name="relevance_backward",
    kind="derive",
    asks="The gradient by the tokens, from the gradient g by the scores (x w_q)(x w_k)ᵀ.",
    reference=_autograd,
    cases={
        "one score counts: the first token asks the second": (
            array(2, 4),
            array(4, 3, seed=1),
            array(4, 3, seed=2),
            np.array([[0.0, 1.0], [0.0, 0.0]]),
        ),
        "all scores count": (
            array(2, 4),
            array(4, 3, seed=1),
            array(4, 3, seed=2),
            array(2, 2, seed=3),
        ),
    },
    draw=lambda rng: (
        rng.standard_normal((5, 4)),
        rng.standard_normal((4, 3)),
        rng.standard_normal((4, 3)),
        rng.standard_normal((5, 5)),
    ),
    mistakes={
        "that is a token's gradient as one who asks; it also answers: add the part through k.": (
            lambda x, w_q, w_k, g: g @ (x @ w_k) @ w_q.T
        ),
        "that is a token's gradient as one who answers; it also asks: add the part through q.": (
            lambda x, w_q, w_k, g: g.T @ (x @ w_q) @ w_k.T
        ),
        "the keys stand in the columns of the scores: the part through k needs g.T.": (
            lambda x, w_q, w_k, g: g @ (x @ w_k) @ w_q.T + g @ (x @ w_q) @ w_k.T
        ),
        "g and its transpose are exchanged: rows ask, so the part through q has g.": (
            lambda x, w_q, w_k, g: g.T @ (x @ w_k) @ w_q.T + g @ (x @ w_q) @ w_k.T
        ),
        "go back through the matrix that made it: the gradient by q goes through w_q.T, the "
        "gradient by k through w_k.T.": (
            lambda x, w_q, w_k, g: g @ (x @ w_k) @ w_k.T + g.T @ (x @ w_q) @ w_q.T
        ),
        "the gradient by q holds the keys, and the gradient by k the queries: in a product each "
        "factor's derivative is the other factor.": (
            lambda x, w_q, w_k, g: g @ (x @ w_q) @ w_q.T + g.T @ (x @ w_k) @ w_k.T
        ),
        "that is twice the part through q; the part through k is another: it has g.T, the queries "
        "and w_k.T.": lambda x, w_q, w_k, g: 2 * g @ (x @ w_k) @ w_q.T,
        "with M = w_q w_kᵀ the scores are x M xᵀ, and M is not symmetric: the part with g needs "
        "Mᵀ, the part with g.T needs M.": lambda x, w_q, w_k, g: (g + g.T) @ x @ w_q @ w_k.T,
        "the gradient g by the scores is not used: each of the two parts is multiplied by it.": (
            lambda x, w_q, w_k, g: x @ w_k @ w_q.T + x @ w_q @ w_k.T
        ),
    },
    hints=(
        "Name the steps: q = x w_q, k = x w_k, scores = q kᵀ. Go back through the last one first.",
        "score[i, j] is the sum over n of q[i, n] k[j, n]; so the gradient by q is g k, and the "
        "gradient by k is gᵀ q.",
        "x is used twice, so two gradients add up: (gradient by q) w_qᵀ + (gradient by k) w_kᵀ.",
    ),
)

D_MODEL = 768

projection_parameters = Prediction(
    name="projection_parameters",
    kind="predict",
    asks="How many numbers three projections 768 -> 768 hold, each a matrix and an offset.",
    answer=3 * (D_MODEL * D_MODEL + D_MODEL),
    mistakes={
        "those are the three matrices; each projection also has an offset of 768.": (
            3 * D_MODEL * D_MODEL
        ),
        "that is one projection; there are three.": D_MODEL * D_MODEL + D_MODEL,
        "that is the matrix of one projection; there are three, each with an offset.": (
            D_MODEL * D_MODEL
        ),
        "each projection has an offset of its own: three of them.": 3 * D_MODEL**2 + D_MODEL,
        "an offset is a vector of 768 numbers, not a single one.": 3 * (D_MODEL**2 + 1),
        "that is four projections; the fourth, the output's, comes in chapter 04.": (
            4 * (D_MODEL * D_MODEL + D_MODEL)
        ),
        "those are the numbers that come out for one token; count the numbers in the matrices and "
        "the offsets.": 3 * D_MODEL,
        "a matrix has rows times columns numbers, 768 · 768, and not 768 + 768.": (
            3 * (D_MODEL + D_MODEL)
        ),
        "that is all twelve layers; one layer was asked for.": 12 * 3 * (D_MODEL**2 + D_MODEL),
    },
    hints=(
        "A matrix from 768 numbers to 768 numbers has 768 rows and 768 columns.",
        "An offset is added to the result, so it has one number for each of the 768 results.",
    ),
)


def _ablated(x, w_q, b_q, w_k, b_k, w_v, b_v):
    return tantra.softmax((x @ w_q + b_q) @ (x @ w_k + b_k).mT) @ (x @ w_v + b_v)


def _losses(measure, run=_ablated):
    """What an ablation of each offset returns, by a measure of (whole, without)."""

    def losses(x, w_q, b_q, w_k, b_k, w_v, b_v):
        whole = run(x, w_q, b_q, w_k, b_k, w_v, b_v)
        without = (
            run(x, w_q, 0 * b_q, w_k, b_k, w_v, b_v),
            run(x, w_q, b_q, w_k, 0 * b_k, w_v, b_v),
            run(x, w_q, b_q, w_k, b_k, w_v, 0 * b_v),
        )
        return tuple(float(measure(whole, one)) for one in without)

    return losses


def _largest(whole, without):
    return np.abs(whole - without).max()


def _one_after_the_other(x, w_q, b_q, w_k, b_k, w_v, b_v):
    whole = _ablated(x, w_q, b_q, w_k, b_k, w_v, b_v)
    return (
        float(_largest(whole, _ablated(x, w_q, 0 * b_q, w_k, b_k, w_v, b_v))),
        float(_largest(whole, _ablated(x, w_q, 0 * b_q, w_k, 0 * b_k, w_v, b_v))),
        float(_largest(whole, _ablated(x, w_q, 0 * b_q, w_k, 0 * b_k, w_v, 0 * b_v))),
    )


def _without_matrices(x, w_q, b_q, w_k, b_k, w_v, b_v):
    whole = _ablated(x, w_q, b_q, w_k, b_k, w_v, b_v)
    return (
        float(_largest(whole, _ablated(x, 0 * w_q, b_q, w_k, b_k, w_v, b_v))),
        float(_largest(whole, _ablated(x, w_q, b_q, 0 * w_k, b_k, w_v, b_v))),
        float(_largest(whole, _ablated(x, w_q, b_q, w_k, b_k, 0 * w_v, b_v))),
    )


def _two_at_a_time(x, w_q, b_q, w_k, b_k, w_v, b_v):
    whole = _ablated(x, w_q, b_q, w_k, b_k, w_v, b_v)
    return (
        float(_largest(whole, _ablated(x, w_q, b_q, w_k, 0 * b_k, w_v, 0 * b_v))),
        float(_largest(whole, _ablated(x, w_q, 0 * b_q, w_k, b_k, w_v, 0 * b_v))),
        float(_largest(whole, _ablated(x, w_q, 0 * b_q, w_k, 0 * b_k, w_v, b_v))),
    )


def _weighed(weigh):
    """The answers with shares that another rule makes of the scores."""

    def answers(x, w_q, b_q, w_k, b_k, w_v, b_v):
        return weigh((x @ w_q + b_q) @ (x @ w_k + b_k).mT, w_q.shape[-1]) @ (x @ w_v + b_v)

    return answers


def _shares(x, w_q, b_q, w_k, b_k, w_v, b_v):
    return tantra.softmax((x @ w_q + b_q) @ (x @ w_k + b_k).mT)


offsets_lost = Exercise(
    name="offsets_lost",
    kind="ablate",
    asks="How far the answers move when the query's, the key's or the value's offset is dropped.",
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
    },
    draw=lambda rng: tuple(
        rng.standard_normal(shape) for shape in ((6, 4), (4, 3), 3, (4, 3), 3, (4, 5), 5)
    ),
    mistakes={
        "put each offset back before you drop the next: one is missing at a time.": (
            _one_after_the_other
        ),
        "you dropped the matrices; drop the offsets and keep the matrices.": _without_matrices,
        "that is the mean change; the largest was asked for.": _losses(
            lambda whole, without: np.abs(whole - without).mean()
        ),
        "a change downwards counts too: take the absolute value before the maximum.": _losses(
            lambda whole, without: (whole - without).max()
        ),
        "you compare the shares; compare the answers, shares @ v.": _losses(_largest, _shares),
        "the change is the difference of the answers, not the ratio or the largest answer.": (
            _losses(lambda whole, without: np.abs(without).max())
        ),
        "that is the difference of the two largest answers: subtract the answers first, then take "
        "the largest change.": _losses(lambda whole, without: whole.max() - without.max()),
        "that is the length of the whole change; its largest single number was asked for.": (
            _losses(lambda whole, without: np.linalg.norm(whole - without))
        ),
        "you keep one offset and drop two; drop one and keep two.": _two_at_a_time,
        "you divide the scores by √K; that comes in chapter 03, here they are plain.": _losses(
            _largest, _weighed(lambda scores, K: tantra.softmax(scores / np.sqrt(K)))
        ),
        "softmax is missing: the answers are softmax(q kᵀ) v.": _losses(
            _largest, _weighed(lambda scores, K: scores)
        ),
        "the columns of your shares sum to 1; the rows should: softmax along the last axis.": (
            _losses(_largest, _weighed(lambda scores, K: tantra.softmax(scores, axis=0)))
        ),
    },
    results=("query", "key", "value"),
    hints=(
        "First the whole: q, k and v with their offsets, then softmax(q @ k.mT) @ v.",
        "Without its offset a projection is x @ w alone. Make three more answers, each with one "
        "offset missing.",
        "np.abs(whole - without).max(), three times. One of the three should surprise you.",
    ),
)

EXERCISES = [
    nearest_value,
    soft_lookup,
    weigh_by_cosine,
    relevance_backward,
    projection_parameters,
    offsets_lost,
]
