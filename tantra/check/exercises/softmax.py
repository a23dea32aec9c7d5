"""The exercises of chapter 02, softmax."""

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, arrays, behind, gradients
from tantra.check.slips import largest, mean, normalised, powers, total
from tantra.check.watch import peak_bytes


def _shifted(shift):
    """Softmax that subtracts something else than the row's largest score."""
    return lambda x: normalised(np.exp(x - shift(x)))


def _log_shifted(shift):
    """Log-softmax that subtracts something else than the row's largest score."""
    return lambda x: x - shift(x) - np.log(total(np.exp(x - shift(x))))


def _plus(small):
    return lambda x: powers(x) / (total(powers(x)) + small)


def _log_plus(small):
    return lambda x: x - largest(x) - np.log(total(powers(x)) + small)


def _log_of_more(small):
    return lambda x: np.log(tantra.softmax(x) + small)


def _log_of_at_least(small):
    return lambda x: np.log(np.maximum(tantra.softmax(x), small))


def _log_not_below(floor):
    return lambda x: np.maximum(np.log(tantra.softmax(x)), floor)


SMALL = ("1e-5", "1e-6", "1e-7", "1e-8", "1e-9", "1e-10")  # what is added against 0
SMALLER = (*SMALL, "1e-12", "1e-15", "1e-16", "1e-20", "1e-30", "1e-300")
FRONTS = ((), (5,), (2, 5))  # none, one or two axes in front


def _draw_scores(rng):
    (x,) = behind(rng, (7,), fronts=FRONTS)
    return (10 * x,)


SCORES_OF_ANY_SIZE = {
    "large scores": (np.array([1000.0, 1001.0]),),
    "one score far above the others": (np.array([0.0, 2000.0, 1.0]),),
    "all but one score large": (np.array([1000.0, 0.0, 1001.0]),),
    "a small row beside a large one": (np.array([[0.0, 1.0, 2.0], [2000.0, 2001.0, 2002.0]]),),
    "a row far below 0": (np.array([[-1000.0, -1001.0, -1002.0], [-1.0, -2.0, -3.0]]),),
}
ROWS = np.array([[0.0, 1.0, 2.0], [3.0, 1.0, -1.0]])

softmax = Exercise(
    name="softmax",
    kind="implement",
    asks="Turn each row of scores into positive weights that sum to 1, for scores of any size.",
    reference=tantra.softmax,
    cases={
        "three scores": (np.array([0.0, 1.0, 2.0]),),
        "two rows": (ROWS,),
        "a batch": (array(2, 4, 3),),
        **SCORES_OF_ANY_SIZE,
    },
    draw=_draw_scores,
    rtol=1e-11,
    atol=1e-13,
    mistakes={
        "exp overflows on large scores: subtract the row's largest score before exp.": (
            lambda x: normalised(np.exp(x))
        ),
        "each row should sum to 1, not the whole array: sum over axis=-1 with keepdims=True.": (
            lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum()
        ),
        "columns sum to 1; rows should: use the last axis, axis=-1.": (
            lambda x: tantra.softmax(x, axis=0)
        ),
        "you subtract the largest score of the whole array: a row far below it becomes 0/0. "
        "Subtract each row's own, x.max(axis=-1, keepdims=True).": (
            lambda x: normalised(np.exp(x - x.max()))
        ),
        "the powers are not yet shares: divide each row by its sum.": powers,
        "those are powers alone: subtract the row's largest score before exp, then divide each "
        "row by its sum.": np.exp,
        "the powers are of e: use np.exp, not powers of 2.": lambda x: normalised(
            2 ** (x - largest(x))
        ),
        "each score is judged alone (a sigmoid): divide by the sum over its row instead.": (
            lambda x: 1 / (1 + np.exp(-x))
        ),
        "two things: each row needs a sum of its own, .sum(axis=-1, keepdims=True); and exp "
        "overflows on large scores.": lambda x: np.exp(x) / np.exp(x).sum(),
        "all rows are divided by one sum: e.sum(axis=-1, keepdims=True) gives each its own.": (
            lambda x: powers(x) / powers(x).sum()
        ),
        "right for one row, but not for several: keepdims=True, in the maximum and in the sum, "
        "keeps the axis, and the rows line up.": lambda x: powers(x) / powers(x).sum(axis=-1),
        "two things: keepdims=True keeps the summed axis, and the rows line up; and exp "
        "overflows on large scores.": lambda x: np.exp(x) / np.exp(x).sum(axis=-1),
        "axis=1 is the last axis only of two; the last of any number is axis=-1.": (
            lambda x: tantra.softmax(x, axis=1)
        ),
        "the sum runs along axis=1, which is the last axis only of two; the last of any number is "
        "axis=-1.": lambda x: normalised(powers(x), axis=1),
        "two things: axis=1 is the last axis only of two, so write axis=-1; and exp overflows on "
        "large scores.": lambda x: normalised(np.exp(x), axis=1),
        "two things: columns sum to 1, and rows should, axis=-1; and exp overflows on large "
        "scores.": lambda x: normalised(np.exp(x), axis=0),
        "the largest score is subtracted above the line only: divide by the sum of these powers.": (
            lambda x: powers(x) / total(np.exp(x))
        ),
        "the largest score is subtracted below the line only: use the same powers above it.": (
            lambda x: np.exp(x) / total(powers(x))
        ),
        "a score far above the number that you subtract still overflows: subtract the row's "
        "largest score, and no other (the mean, the median, the first or last).": _shifted(mean),
        "a score far above the row's smallest still overflows: subtract the largest, not the "
        "smallest.": _shifted(lambda x: x.min(axis=-1, keepdims=True)),
        "you subtract the largest size, or at least 0; a row far below 0 then becomes 0/0. Its "
        "largest score may be negative: no np.abs, no initial=0.": _shifted(
            lambda x: x.max(axis=-1, keepdims=True, initial=0)
        ),
        "subtract the largest score inside: np.exp(x - largest), and not np.exp(x) - largest.": (
            lambda x: normalised(np.exp(x) - largest(x))
        ),
        "your rows sum to the number of scores: divide by the sum, not by the mean.": (
            lambda x: powers(x) / mean(powers(x))
        ),
        "those are the logarithms of the shares; the shares are wanted.": tantra.log_softmax,
        "cut off at such a number, two large scores become equal: subtract the row's largest score "
        "instead, which keeps the differences.": lambda x: normalised(
            np.exp(np.clip(x, -700, 700))
        ),
        "nan is hidden, not mended: the weights of such a row are 0 and do not sum to 1. Subtract "
        "the row's largest score before exp.": lambda x: np.nan_to_num(normalised(np.exp(x))),
        "the scores above the smallest are divided by their sum: the powers of e are missing, "
        "np.exp.": lambda x: normalised(x - x.min(axis=-1, keepdims=True)),
        "each row is divided by its length as a vector, so the squares sum to 1: divide by the "
        "sum.": lambda x: powers(x) / np.linalg.norm(powers(x), axis=-1, keepdims=True),
        "subtract the largest score; dividing by it changes the differences, and so the shares.": (
            lambda x: normalised(np.exp(x / largest(x)))
        ),
        "the scores themselves are divided by their sum: make them positive with np.exp first.": (
            normalised
        ),
        "the shifted scores are divided by their sum: the powers of e are missing, np.exp.": (
            lambda x: normalised(x - largest(x))
        ),
        "the order is reversed: the score minus the largest, not the largest minus the score.": (
            lambda x: normalised(np.exp(largest(x) - x))
        ),
        "you go along the first axis, which gives rows only where there are two axes: axis=-1 with "
        "keepdims=True, in the maximum and in the sum, serves any number of them.": (
            lambda x: np.array([np.exp(r - r.max()) / np.exp(r - r.max()).sum() for r in x])
        ),
    }
    | {
        f"you add {small} to the sum, so the shares no longer sum to 1. It cannot be 0: the "
        "largest score alone gives it 1.": _plus(float(small))
        for small in SMALL
    },
    hints=(
        "Make the numbers positive with np.exp, then divide each row by its own sum.",
        "x.max(axis=-1, keepdims=True) has shape (..., 1): subtract it from x first.",
        "e = np.exp(x - largest); then e divided by e.sum(axis=-1, keepdims=True).",
    ),
)

log_softmax = Exercise(
    name="log_softmax",
    kind="implement",
    asks="The logarithm of softmax, finite where the share itself rounds to 0.",
    reference=tantra.log_softmax,
    cases={
        "three scores": (np.array([0.0, 1.0, 2.0]),),
        "two rows": (ROWS,),
        "far apart": (np.array([0.0, -800.0]),),
        **SCORES_OF_ANY_SIZE,
    },
    draw=_draw_scores,
    rtol=1e-11,
    atol=1e-13,
    mistakes={
        "log(softmax(x)) is -inf where a share rounds to 0: take the logarithm on paper first.": (
            lambda x: np.log(tantra.softmax(x))
        ),
        "exp overflows on large scores: subtract the row's largest score before exp.": (
            lambda x: x - np.log(total(np.exp(x)))
        ),
        "that is only the shift: subtract the logarithm of the sum of the powers as well.": (
            lambda x: x - largest(x)
        ),
        "the natural logarithm is np.log, the inverse of np.exp; np.log2 is another.": (
            lambda x: x - largest(x) - np.log2(total(powers(x)))
        ),
        "the sign is flipped: a log-share is at most 0. Its negative is the loss.": (
            lambda x: -tantra.log_softmax(x)
        ),
        "you subtract the sum of the powers; subtract its logarithm.": (
            lambda x: x - largest(x) - total(powers(x))
        ),
        "the logarithm of the sum is subtracted, not added: log(a / b) = log a - log b.": (
            lambda x: x - largest(x) + np.log(total(powers(x)))
        ),
        "x is shifted in the sum, but not in front, or the largest score is added again at the "
        "end: subtract it in both places, and add it nowhere.": (
            lambda x: x - np.log(total(powers(x)))
        ),
        "x is shifted in front, but not in the sum: subtract the largest score there too.": (
            lambda x: x - largest(x) - np.log(total(np.exp(x)))
        ),
        "two things: exp overflows on large scores; and the log of a share that rounds to 0 is "
        "-inf, so take the logarithm on paper.": lambda x: np.log(normalised(np.exp(x))),
        "two things: each row needs a sum of its own, .sum(axis=-1, keepdims=True); and exp "
        "overflows on large scores.": lambda x: x - np.log(np.exp(x).sum()),
        "right for one row; of several each needs a largest score and a sum of its own: axis=-1 "
        "with keepdims=True in both.": (lambda x: x - x.max() - np.log(np.exp(x - x.max()).sum())),
        "all rows get one sum: .sum(axis=-1, keepdims=True) gives each its own.": (
            lambda x: x - largest(x) - np.log(powers(x).sum())
        ),
        "right for one row, but not for several: keepdims=True, in the maximum and in the sum, "
        "keeps the axis, and the rows line up.": (
            lambda x: x - largest(x) - np.log(powers(x).sum(axis=-1))
        ),
        "two things: keepdims=True keeps the summed axis, and the rows line up; and exp "
        "overflows on large scores.": lambda x: x - np.log(np.exp(x).sum(axis=-1)),
        "you subtract the largest score of the whole array: a row far below it has only powers "
        "that round to 0. Subtract each row's own, x.max(axis=-1, keepdims=True).": (
            lambda x: x - x.max() - np.log(total(np.exp(x - x.max())))
        ),
        "columns are normalised; rows should be: use the last axis, axis=-1.": (
            lambda x: tantra.log_softmax(x, axis=0)
        ),
        "those are the shares; their logarithms are wanted.": tantra.softmax,
        "those are the scores divided by their sum, and then the logarithm: e to the power of each "
        "score comes first, and its logarithm is the score.": lambda x: np.log(normalised(x)),
        "a score far above the number that you subtract still overflows: subtract the row's "
        "largest score, and no other (the mean, the median, the first or last).": _log_shifted(
            mean
        ),
        "a score far above the row's smallest still overflows: subtract the largest, not the "
        "smallest.": _log_shifted(lambda x: x.min(axis=-1, keepdims=True)),
        "you subtract the largest size, or at least 0; the powers of a row far below 0 then all "
        "round to 0. Its largest score may be negative: no np.abs, no initial=0.": _log_shifted(
            lambda x: x.max(axis=-1, keepdims=True, initial=0)
        ),
        "the logarithm of a quotient is a difference, log a - log b, and no quotient of "
        "logarithms.": lambda x: (x - largest(x)) / np.log(total(powers(x))),
        "that subtracts the sum of the logarithms; subtract the logarithm of the sum.": (
            lambda x: x - largest(x) - total(np.log(powers(x)))
        ),
        "the natural logarithm is np.log, the inverse of np.exp; np.log10 is another.": (
            lambda x: x - largest(x) - np.log10(total(powers(x)))
        ),
        "that is np.log10 of the shares: the natural logarithm is np.log, and it is to be taken on "
        "paper, for the log of 0 is -inf.": lambda x: np.log10(tantra.softmax(x)),
        "that is np.log2 of the shares: the natural logarithm is np.log, and it is to be taken on "
        "paper, for the log of 0 is -inf.": lambda x: np.log2(tantra.softmax(x)),
        "the largest score is added where it should be subtracted: log of the sum of e^x is the "
        "largest score plus the log of the shifted sum, and x loses both.": (
            lambda x: x + largest(x) - np.log(total(powers(x)))
        ),
        "np.log1p(s) is log(1 + s), one power too many: the largest score's own 1 is in the sum.": (
            lambda x: x - largest(x) - np.log1p(total(powers(x)))
        ),
        "that is the logarithm of the sum alone, for the whole row: subtract it from each score.": (
            lambda x: largest(x) + np.log(total(powers(x)))
        ),
        "you go along the first axis, which gives rows only where there are two axes: axis=-1 with "
        "keepdims=True, in the maximum and in the sum, serves any number of them.": (
            lambda x: np.array([r - r.max() - np.log(np.exp(r - r.max()).sum()) for r in x])
        ),
        "you subtract the logarithm of the mean; subtract that of the sum.": (
            lambda x: x - largest(x) - np.log(mean(powers(x)))
        ),
    }
    | {
        f"you add {small} to the sum of the powers, which is at least 1: leave it away.": (
            _log_plus(float(small))
        )
        for small in SMALL
    }
    | {
        f"with {small} kept inside, no logarithm falls below log({small}), where -800 is right: "
        "take the logarithm on paper first.": _log_of_more(float(small))
        for small in SMALLER
    }
    | {
        f"no share is let below {small}, and so no logarithm below log({small}), where -800 is "
        "right: take the logarithm on paper first.": _log_of_at_least(float(small))
        for small in SMALLER[:-1]
    }
    | {
        f"{floor} stands where a share has rounded to 0, and -800 is right: take the logarithm on "
        "paper first.": _log_not_below(float(floor))
        for floor in ("-100", "-700", "-745", "-1000", "-1e9")
    },
    hints=(
        "log(a / b) = log a - log b, and the log of a power is its exponent.",
        "First shift the row so that its largest score is 0.",
        "x - np.log(np.exp(x).sum(axis=-1, keepdims=True)), with the shifted x.",
    ),
)


def _relevance_gradient(x, w_q, w_k, g):
    by_x, _, _ = gradients(lambda x, w_q, w_k: (x @ w_q) @ (x @ w_k).mT, g, x, w_q, w_k)
    return by_x


relevance_backward = Exercise(
    name="relevance_backward",
    kind="derive",
    asks="The gradient by the tokens, from the gradient g by the scores (x w_q)(x w_k)ᵀ.",
    reference=_relevance_gradient,
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
        "as many tokens as numbers": (*arrays((3, 3), (3, 3), (3, 3), seed=1), array(3, 3, seed=4)),
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
        "g and its transpose are exchanged, or M = w_q w_kᵀ and its transpose: the part through q "
        "is g x Mᵀ, the part through k is gᵀ x M.": (
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
        "that is twice the part through k; the part through q is another: it has g, the keys and "
        "w_q.T.": lambda x, w_q, w_k, g: 2 * g.T @ (x @ w_q) @ w_k.T,
        "2x is for a square. Here x stands in two factors, x w_q and x w_k: give each a part of "
        "its own, and add the two.": lambda x, w_q, w_k, g: 2 * g @ x @ w_q @ w_k.T,
        "2x is for a square. Here x stands in two factors, so there are two parts: one with g, the "
        "keys and w_q.T, one with g.T, the queries and w_k.T.": (
            lambda x, w_q, w_k, g: (g + g.T) @ x @ w_k @ w_q.T
        ),
        "with M = w_q w_kᵀ the scores are x M xᵀ: the part with g needs Mᵀ, and a second part with "
        "g.T and M is to be added.": lambda x, w_q, w_k, g: g @ x @ w_q @ w_k.T,
        "the part through k is right. The part through q has g, and not g.T: rows ask.": (
            lambda x, w_q, w_k, g: g.T @ (x @ w_k) @ w_q.T + g.T @ (x @ w_q) @ w_k.T
        ),
        "x is used twice, so the two parts are added, and not subtracted.": (
            lambda x, w_q, w_k, g: g @ (x @ w_k) @ w_q.T - g.T @ (x @ w_q) @ w_k.T
        ),
        "the way back through a matrix is its transpose: w_q.T and w_k.T.": (
            lambda x, w_q, w_k, g: g @ (x @ w_k) @ w_q + g.T @ (x @ w_q) @ w_k
        ),
        "g + g.T counts each part twice over: the part through q has g, the part through k has "
        "g.T.": lambda x, w_q, w_k, g: (g + g.T) @ (x @ w_k @ w_q.T + x @ w_q @ w_k.T),
        "those are the gradients by q and by k together; each goes on through its own matrix, "
        "w_q.T or w_k.T, before they are added.": (
            lambda x, w_q, w_k, g: g @ (x @ w_k) + g.T @ (x @ w_q)
        ),
        "you divide by √K; that comes in chapter 03, here the scores are the plain products.": (
            lambda x, w_q, w_k, g: _relevance_gradient(x, w_q, w_k, g) / np.sqrt(w_q.shape[-1])
        ),
        "those are the parts through q and through k: x is used twice, so add the two.": (
            lambda x, w_q, w_k, g: (g @ (x @ w_k) @ w_q.T, g.T @ (x @ w_q) @ w_k.T)
        ),
        "those are the gradients by q and by k: each goes on to x through its own matrix, w_q.T or "
        "w_k.T, and the two are added.": lambda x, w_q, w_k, g: (g @ (x @ w_k), g.T @ (x @ w_q)),
        "the gradient by k has a row for each key: it is g.T @ q, and not q.T @ g.": (
            lambda x, w_q, w_k, g: g @ (x @ w_k) @ w_q.T + (x @ w_q).T @ g @ w_k.T
        ),
        "that is the gradient by q alone. It goes on to x through w_q.T, and a second part comes "
        "through k.": lambda x, w_q, w_k, g: g @ (x @ w_k),
        "that is the gradient by k alone. It goes on to x through w_k.T, and a second part comes "
        "through q.": lambda x, w_q, w_k, g: g.T @ (x @ w_q),
    },
    rtol=1e-10,
    atol=1e-11,
    hints=(
        "Name the steps: q = x w_q, k = x w_k, scores = q kᵀ. Go back through the last one first.",
        "score[i, j] is the sum over n of q[i, n] k[j, n]; so the gradient by q is g k, and the "
        "gradient by k is gᵀ q.",
        "x is used twice, so two gradients add up: (gradient by q) w_qᵀ + (gradient by k) w_kᵀ.",
    ),
)


def _log_gradient(log_p, g):
    (by_scores,) = gradients(lambda s: torch.log_softmax(s, -1), g, log_p)
    return by_scores


def _jacobian(log_p):
    """The derivative of each log-share by each score.  log_p (..., S)  ->  (..., S, S)"""
    return np.eye(log_p.shape[-1]) - np.exp(log_p)[..., None, :]


def _holds_the_matrix(attempt, S=200):
    """Whether half the numbers of an S × S matrix are in memory at once."""
    log_p, g = np.full((1, S), -np.log(S)), np.ones((1, S))
    return peak_bytes(lambda: attempt(log_p, g)) > 4 * S * S


def _through_softmax(log_p, g):
    p = np.exp(log_p)
    return p * (g - total(p * g))


def _draw_log_shares(rng):
    s, g = behind(rng, (7,), (7,), fronts=FRONTS)
    return tantra.log_softmax(s), g


NO_MATRIX = (
    "you build the S × S matrix. Multiply it by g on paper: the score's own log-share leaves g, "
    "and the rest is one sum for each row."
)
LOG_P = np.log([[0.25, 0.5, 0.25], [0.125, 0.125, 0.75]])

log_softmax_backward = Exercise(
    name="log_softmax_backward",
    kind="derive",
    asks="The gradient by the scores, from the log-shares and the gradient g by the log-shares.",
    reference=_log_gradient,
    rules={NO_MATRIX: _holds_the_matrix},
    cases={
        "three log-shares": (LOG_P[0], np.array([4.0, 0.0, 0.0])),
        "two rows": (LOG_P, array(2, 3)),
        "the same gradient for every log-share": (LOG_P, np.full((2, 3), 5.0)),
        "three rows": (np.log([[0.25, 0.5, 0.25], *np.exp(LOG_P)]), array(3, 3, seed=1)),
        "a share that rounds to 0": (np.array([0.0, -800.0]), np.array([1.0, 2.0])),
        "a batch": (tantra.log_softmax(array(2, 4, 3)), array(2, 4, 3, seed=1)),
    },
    draw=_draw_log_shares,
    rtol=1e-10,
    atol=1e-12,
    mistakes={
        "that is the way back through softmax. Here g is the gradient by the *logarithms*: start "
        "from log p_i = s_i - log of the sum.": _through_softmax,
        "two things: the shares are np.exp(log_p); and this is the way back through softmax, not "
        "through its logarithm.": lambda log_p, g: log_p * (g - total(log_p * g)),
        "you use log_p as the shares: the shares are np.exp(log_p).": (
            lambda log_p, g: g - log_p * total(g)
        ),
        "np.exp(log_p) are the shares: do not take their softmax once more.": (
            lambda log_p, g: g - tantra.softmax(np.exp(log_p)) * total(g)
        ),
        "only the score's own log-share is counted: the score is in the sum of its whole row, so "
        "all the g_i of the row take part.": lambda log_p, g: g - np.exp(log_p) * g,
        "the logarithm of the sum is left out: it depends on every score, with derivative p_j.": (
            lambda log_p, g: 1 * g
        ),
        "the sum of g has the score's own share p_j before it: it is missing.": (
            lambda log_p, g: g - total(g)
        ),
        "g is summed as it is: every log-share of the row loses the same logarithm. The p before "
        "the sum is p_j.": lambda log_p, g: g - total(np.exp(log_p) * g),
        "the sum is of the g_i alone, without the p_i.": (
            lambda log_p, g: g - np.exp(log_p) * total(np.exp(log_p) * g)
        ),
        "p_j stands before the second term only; the score's own log-share has the derivative 1.": (
            lambda log_p, g: np.exp(log_p) * (g - total(g))
        ),
        "the first term is missing: the score's own log-share leaves g_j.": (
            lambda log_p, g: -np.exp(log_p) * total(g)
        ),
        "that is the second term alone: subtract it from g.": (
            lambda log_p, g: np.exp(log_p) * total(g)
        ),
        "the sign of the second term is turned: the logarithm of the sum is subtracted.": (
            lambda log_p, g: g + np.exp(log_p) * total(g)
        ),
        "the sign is turned: g minus p times the sum, not p times the sum minus g.": (
            lambda log_p, g: np.exp(log_p) * total(g) - g
        ),
        "that is g minus its plain mean: subtract the sum of g, times the score's own share p_j.": (
            lambda log_p, g: g - mean(g)
        ),
        "the score's own log-share brings g_j, and not the sum of all g: g_j minus p_j times the "
        "sum.": lambda log_p, g: (1 - np.exp(log_p)) * total(g),
        "those are the shares; they stand before the sum of g, and that is subtracted from g.": (
            lambda log_p, g: np.exp(log_p)
        ),
        "you take the mean of g; the parts of all the log-shares are added.": (
            lambda log_p, g: g - np.exp(log_p) * mean(g)
        ),
        "the sum runs over the whole array; every row has its own: axis=-1, keepdims=True.": (
            lambda log_p, g: g - np.exp(log_p) * g.sum()
        ),
        "right for one row, but not for several: g.sum(axis=-1, keepdims=True).": (
            lambda log_p, g: g - np.exp(log_p) * g.sum(axis=-1)
        ),
        "each column has its sum here; each row should: axis=-1.": (
            lambda log_p, g: g - np.exp(log_p) * total(g, axis=0)
        ),
        "the sum of g is taken for 1. That is so where one log-share alone counts, and here g is "
        "the gradient of any loss.": lambda log_p, g: g - np.exp(log_p),
        "share minus target is the gradient of chapter 10, where g is -1 at one place; here g is "
        "the gradient of any loss.": lambda log_p, g: np.exp(log_p) - g,
        "0/0 where a share rounds to 0: in p · (g/p - the sum of p · g/p) the p cancels, on "
        "paper.": lambda log_p, g: np.exp(log_p) * (g / np.exp(log_p) - total(g)),
        "0/0 where a share rounds to 0: you go through softmax with g/p, and there the p cancels. "
        "Do that on paper, and no division is left.": (
            lambda log_p, g: _through_softmax(log_p, g / np.exp(log_p))
        ),
        "the logarithm's 1/p is left at g, and p_j is missing before the bracket: cancel them on "
        "paper, which leaves g_j minus p_j times the sum of g.": (
            lambda log_p, g: g / np.exp(log_p) - total(g)
        ),
        "that is g/p, the gradient by the shares. From there it goes on through softmax.": (
            lambda log_p, g: g / np.exp(log_p)
        ),
        NO_MATRIX: lambda log_p, g: (g[..., None, :] @ _jacobian(log_p))[..., 0, :],
        "that matrix knows one row only. You need none: g, minus p times one sum for each row.": (
            lambda log_p, g: g @ (np.eye(log_p.shape[-1]) - np.exp(log_p))
        ),
    },
    hints=(
        "The score s_j stands in its own log-share, and in the log of the sum, which every "
        "log-share of the row subtracts.",
        "The derivative of log Σ exp(s) by s_j is the share p_j = exp(log p_j).",
        "So the gradient is g_j minus p_j times the sum of all g of the row.",
    ),
)


def _given_soften(p, temperature):
    return normalised(p**temperature)


def _softened_with(small):
    return lambda p, temperature: tantra.softmax(np.log(p + small) / temperature)


soften = Exercise(
    name="soften",
    kind="hunt",
    asks="The shares as they would be at another temperature, from shares made at temperature 1.",
    reference=lambda p, temperature: tantra.softmax(np.log(p) / temperature),
    given=_given_soften,
    cases={
        "hotter": (np.array([0.25, 0.5, 0.25]), 2.0),
        "colder": (np.array([0.25, 0.5, 0.25]), 0.5),
        "two rows": (np.array([[0.25, 0.5, 0.25], [0.5, 0.375, 0.125]]), 4.0),
        "a share of 0": (np.array([0.0, 0.75, 0.25]), 2.0),
        "a batch": (tantra.softmax(array(2, 4, 3)), 0.25),
    },
    draw=lambda rng: (np.exp(_draw_log_shares(rng)[0]), rng.uniform(0.3, 3.0)),
    rtol=1e-10,
    atol=1e-12,
    mistakes={
        "the sum runs over the whole array: give every row its own, axis=-1 with keepdims=True.": (
            lambda p, temperature: p ** (1 / temperature) / (p ** (1 / temperature)).sum()
        ),
        "those are the shares that you were given: divided by a number and then by their sum they "
        "stay as they are. As a power, p ** (1 / temperature) needs its brackets.": (
            lambda p, temperature: normalised(p / temperature)
        ),
        "divide by the sum again: the powers of the shares no longer sum to 1.": (
            lambda p, temperature: p ** (1 / temperature)
        ),
        "softmax takes scores, not shares: the score of a share is its logarithm.": (
            lambda p, temperature: tantra.softmax(p / temperature)
        ),
        "two things: softmax takes scores, and the score of a share is its logarithm; and the "
        "temperature divides the scores.": lambda p, temperature: tantra.softmax(p * temperature),
        "the logarithm that belongs to exp is np.log, not np.log2.": (
            lambda p, temperature: tantra.softmax(np.log2(p) / temperature)
        ),
        "those are the scores at the new temperature: a softmax of them is still to come.": (
            lambda p, temperature: np.log(p) / temperature
        ),
        "the logarithm of a share is a score: take the softmax of the scores, do not divide them "
        "by their sum.": lambda p, temperature: normalised(np.log(p) / temperature),
        "shares times a number no longer sum to 1: the temperature divides scores, that is "
        "logarithms.": lambda p, temperature: p / temperature,
        "the order is reversed: the power is 1/τ, without a minus.": (
            lambda p, temperature: normalised(p ** (-1 / temperature))
        ),
        "the power is 1/τ, and not -τ: what is hotter is more even, and the order stays.": (
            lambda p, temperature: normalised(p**-temperature)
        ),
        "the powers are of the new temperature, but their sum is still of the old: sum the same "
        "powers.": lambda p, temperature: p ** (1 / temperature) / total(p**temperature),
        "softmax raises e to the powers of the shares once more: divide the powers by their sum, "
        "or take the softmax of logarithms.": (
            lambda p, temperature: tantra.softmax(p ** (1 / temperature))
        ),
        "the logarithm that belongs to exp is np.log, not np.log10.": (
            lambda p, temperature: tantra.softmax(np.log10(p) / temperature)
        ),
        "right for one row, but not for several: keepdims=True keeps the summed axis, and the rows "
        "line up.": lambda p, temperature: (
            p ** (1 / temperature) / (p ** (1 / temperature)).sum(axis=-1)
        ),
        "columns sum to 1; rows should: use the last axis, axis=-1.": (
            lambda p, temperature: normalised(p ** (1 / temperature), axis=0)
        ),
        "you divide by the largest power: divide by the sum.": (
            lambda p, temperature: p ** (1 / temperature) / largest(p ** (1 / temperature))
        ),
        "base and exponent are exchanged: a share is raised to a power, p ** (1 / temperature).": (
            lambda p, temperature: normalised(temperature**p)
        ),
        "two things: columns sum to 1, and rows should, axis=-1; and the power is still the given "
        "one.": lambda p, temperature: normalised(p**temperature, axis=0),
        "two things: keepdims=True keeps the summed axis, and the rows line up; and the power is "
        "still the given one.": lambda p, temperature: (
            p**temperature / (p**temperature).sum(axis=-1)
        ),
        "// divides and rounds down, so 1 // 2 is 0: write 1 / temperature.": (
            lambda p, temperature: normalised(p ** (1 // temperature))
        ),
        "that is the power 1 - τ; a score divided by τ has 1/τ in its exponent.": (
            lambda p, temperature: normalised(p ** (1 - temperature))
        ),
    }
    | {
        f"with {small} added, the logarithms are no longer those of the shares; the logarithm of a "
        "share that is 0 is -inf, and softmax makes 0 of it.": _softened_with(float(small))
        for small in SMALLER[:-2]
    },
    hints=(
        "Try temperature 2 on the shares 0.9 and 0.1. Should they move together or apart?",
        "A score divided by τ is a power of e with 1/τ in its exponent.",
        "(e^s)^(1/τ) = e^(s/τ): raise the shares to the power 1/τ, then divide by their sum.",
    ),
)

shares_of_logs = Prediction(
    name="shares_of_logs",
    kind="predict",
    asks="The shares of the scores log 1, log 2 and log 5.",
    answer=(0.125, 0.25, 0.625),
    mistakes={
        "they must sum to 1: divide by 1 + 2 + 5.": (1.0, 2.0, 5.0),
        "those are the scores divided by their sum; exp comes first, and undoes the log.": tuple(
            np.log([1, 2, 5]) / np.log([1, 2, 5]).sum()
        ),
        "those are the shares of the scores 1, 2 and 5; here the scores are their logarithms.": (
            tuple(tantra.softmax(np.array([1.0, 2.0, 5.0])))
        ),
        "those belong to the scores 1, 2 and 5; here the scores are the logarithms of these.": (
            (0.02, 0.05, 0.94)
        ),
        "the order is reversed: the largest score has the largest share.": (0.625, 0.25, 0.125),
        "equal shares come from equal scores; these differ.": (1 / 3, 1 / 3, 1 / 3),
        "those are the scores: take e to the power of each, then divide by their sum.": tuple(
            np.log([1, 2, 5])
        ),
        "those are per cent: shares sum to 1.": (12.5, 25.0, 62.5),
        "those are the powers divided by the largest one: divide by their sum.": (0.2, 0.4, 1.0),
        "log is the natural logarithm here, the inverse of exp; you took the one to base 10.": (
            tuple(tantra.softmax(np.log10([1, 2, 5])))
        ),
        "log is the natural logarithm here, the inverse of exp; you took the one to base 2.": (
            tuple(tantra.softmax(np.log2([1, 2, 5])))
        ),
        "the sum of the powers is 8: 1 + 2 + 5.": (1 / 7, 2 / 7, 5 / 7),
        "those are tenths, and sum to 0.8: divide by the sum of the powers.": (0.1, 0.2, 0.5),
        "those are the logarithms of the shares; write the shares themselves.": tuple(
            np.log([1 / 8, 2 / 8, 5 / 8])
        ),
    },
    rtol=0.011,  # three digits
    hints=("e to the power log 5 is 5.", "The powers are 1, 2 and 5. What is their sum?"),
)

largest_safe_score = Prediction(
    name="largest_safe_score",
    kind="ablate",
    asks="The largest whole score whose power of e is still finite in float32.",
    answer=88,
    mistakes={
        "that is the limit of float64, NumPy's default: ask for dtype=np.float32.": 709,
        "one too many: its power is already inf.": 89,
        "that is the largest power of 2 (float32 ends near 2 to the 128); here the base is e.": 127,
        "float32 ends near 2 to the 128, but here the base is e.": 128,
        "that is the limit of float16: ask for dtype=np.float32.": 11,
        "10 to the power 38 is near the end of float32, but here the base is e: multiply by "
        "log 10, about 2.3.": 38,
        "39 is the first power of 10 that is too large, but here the base is e, and the last "
        "finite one is asked for.": 39,
        "one too few: 38 · log 10 is 87.5, and the 3.4 before 10³⁸ adds log 3.4, about 1.2.": 87,
        "that is the logarithm of the largest number: take the whole number below it.": (
            float(np.log(np.finfo(np.float32).max))
        ),
        "709.78 is the end of float64, NumPy's default: ask for dtype=np.float32.": 710,
        "no power of your range was inf: it was computed in float64. Ask for dtype=np.float32, "
        "before np.exp.": 199,
        "your range was computed in float64, so no power was inf; and the first score is 0, so "
        "counting gives one too many.": 200,
        "that is the largest number of float32 itself; the score is its logarithm.": (
            float(np.finfo(np.float32).max)
        ),
        "that is where e to the power -n rounds to 0, the other end; the powers should grow.": 103,
        "at -104 the power of e rounds to 0: that is the other end; the powers should grow.": 104,
        "that is the largest power of 2 in float64; here the base is e, and the type is float32.": (
            1023
        ),
        "float64 ends near 2 to the 1024; here the base is e, and the type is float32.": 1024,
    },
    rtol=1e-3,  # 88.7 is 88.72
    hints=(
        "Try np.exp(np.float32(s)) for s = 1, 2, 3, ... until np.isfinite says no.",
        "The logarithm of np.finfo(np.float32).max tells without trying.",
    ),
)

EXERCISES = [
    softmax,
    log_softmax,
    relevance_backward,
    log_softmax_backward,
    soften,
    shares_of_logs,
    largest_safe_score,
]
