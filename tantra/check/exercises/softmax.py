"""The exercises of chapter 02, softmax."""

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array


def _shares(e, axis=-1):
    return e / e.sum(axis=axis, keepdims=True)


def _powers(x):
    return np.exp(x - x.max(axis=-1, keepdims=True))


LARGE = np.array([1000.0, 1001.0])
FAR_ABOVE = np.array([0.0, 2000.0, 1.0])
SMALL_BESIDE_LARGE = np.array([[0.0, 1.0, 2.0], [2000.0, 2001.0, 2002.0]])
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
        "large scores": (LARGE,),
        "one score far above the others": (FAR_ABOVE,),
        "a small row beside a large one": (SMALL_BESIDE_LARGE,),
    },
    draw=lambda rng: (10 * rng.standard_normal((2, 5, 7)),),
    mistakes={
        "exp overflows on large scores: subtract the row's largest score before exp.": (
            lambda x: _shares(np.exp(x))
        ),
        "each row should sum to 1, not the whole array: sum over axis=-1 with keepdims=True.": (
            lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum()
        ),
        "columns sum to 1; rows should: use the last axis, axis=-1.": (
            lambda x: tantra.softmax(x, axis=0)
        ),
        "you subtract the largest score of the whole array: a row far below it becomes 0/0. "
        "Subtract each row's own, x.max(axis=-1, keepdims=True).": (
            lambda x: _shares(np.exp(x - x.max()))
        ),
        "the powers are not yet shares: divide each row by its sum.": _powers,
        "those are powers alone: subtract the row's largest score before exp, then divide each "
        "row by its sum.": np.exp,
        "the powers are of e: use np.exp, not powers of 2.": lambda x: _shares(
            2 ** (x - x.max(axis=-1, keepdims=True))
        ),
        "each score is judged alone (a sigmoid): divide by the sum over its row instead.": (
            lambda x: 1 / (1 + np.exp(-x))
        ),
        "two things: each row needs a sum of its own, .sum(axis=-1, keepdims=True); and exp "
        "overflows on large scores.": lambda x: np.exp(x) / np.exp(x).sum(),
        "all rows are divided by one sum: e.sum(axis=-1, keepdims=True) gives each its own.": (
            lambda x: _powers(x) / _powers(x).sum()
        ),
        "right for one row, but not for several: keepdims=True keeps the summed axis, and the rows "
        "line up.": lambda x: _powers(x) / _powers(x).sum(axis=-1),
        "two things: keepdims=True keeps the summed axis, and the rows line up; and exp "
        "overflows on large scores.": lambda x: np.exp(x) / np.exp(x).sum(axis=-1),
        "axis=1 is the last axis only of two; the last of any number is axis=-1.": (
            lambda x: tantra.softmax(x, axis=1)
        ),
        "two things: axis=1 is the last axis only of two, so write axis=-1; and exp overflows on "
        "large scores.": lambda x: _shares(np.exp(x), axis=1),
        "two things: columns sum to 1, and rows should, axis=-1; and exp overflows on large "
        "scores.": lambda x: _shares(np.exp(x), axis=0),
        "the largest score is subtracted above the line only: divide by the sum of these powers.": (
            lambda x: _powers(x) / np.exp(x).sum(axis=-1, keepdims=True)
        ),
        "the largest score is subtracted below the line only: use the same powers above it.": (
            lambda x: np.exp(x) / _powers(x).sum(axis=-1, keepdims=True)
        ),
        "a score far above its row's mean still overflows: subtract the largest, not the mean.": (
            lambda x: _shares(np.exp(x - x.mean(axis=-1, keepdims=True)))
        ),
        "subtract the largest score; dividing by it changes the differences, and so the shares.": (
            lambda x: _shares(np.exp(x / x.max(axis=-1, keepdims=True)))
        ),
        "the scores themselves are divided by their sum: make them positive with np.exp first.": (
            _shares
        ),
        "the order is turned: the score minus the largest, not the largest minus the score.": (
            lambda x: _shares(np.exp(x.max(axis=-1, keepdims=True) - x))
        ),
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
        "large scores": (LARGE,),
        "one score far above the others": (FAR_ABOVE,),
        "a small row beside a large one": (SMALL_BESIDE_LARGE,),
    },
    draw=lambda rng: (10 * rng.standard_normal((2, 5, 7)),),
    mistakes={
        "log(softmax(x)) is -inf where a share rounds to 0: take the logarithm on paper first.": (
            lambda x: np.log(tantra.softmax(x))
        ),
        "exp overflows on large scores: subtract the row's largest score before exp.": (
            lambda x: x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
        ),
        "that is only the shift: subtract the logarithm of the sum of the powers as well.": (
            lambda x: x - x.max(axis=-1, keepdims=True)
        ),
        "the natural logarithm is np.log, the inverse of np.exp; np.log2 is another.": (
            lambda x: (
                x - x.max(axis=-1, keepdims=True) - np.log2(_powers(x).sum(axis=-1, keepdims=True))
            )
        ),
        "the sign is turned: a log-share is at most 0. Its negative is the loss.": (
            lambda x: -tantra.log_softmax(x)
        ),
        "you subtract the sum of the powers; subtract its logarithm.": (
            lambda x: x - x.max(axis=-1, keepdims=True) - _powers(x).sum(axis=-1, keepdims=True)
        ),
        "the logarithm of the sum is subtracted, not added: log(a / b) = log a - log b.": (
            lambda x: (
                x - x.max(axis=-1, keepdims=True) + np.log(_powers(x).sum(axis=-1, keepdims=True))
            )
        ),
        "x is shifted in the sum, but not in front: subtract the largest score there too.": (
            lambda x: x - np.log(_powers(x).sum(axis=-1, keepdims=True))
        ),
        "x is shifted in front, but not in the sum: subtract the largest score there too.": (
            lambda x: (
                x - x.max(axis=-1, keepdims=True) - np.log(np.exp(x).sum(axis=-1, keepdims=True))
            )
        ),
        "two things: exp overflows on large scores; and the log of a share that rounds to 0 is "
        "-inf, so take the logarithm on paper.": lambda x: np.log(_shares(np.exp(x))),
        "two things: each row needs a sum of its own, .sum(axis=-1, keepdims=True); and exp "
        "overflows on large scores.": lambda x: x - np.log(np.exp(x).sum()),
        "all rows get one sum: .sum(axis=-1, keepdims=True) gives each its own.": (
            lambda x: x - x.max(axis=-1, keepdims=True) - np.log(_powers(x).sum())
        ),
        "right for one row, but not for several: keepdims=True keeps the summed axis, and the rows "
        "line up.": (lambda x: x - x.max(axis=-1, keepdims=True) - np.log(_powers(x).sum(axis=-1))),
        "two things: keepdims=True keeps the summed axis, and the rows line up; and exp "
        "overflows on large scores.": lambda x: x - np.log(np.exp(x).sum(axis=-1)),
        "you subtract the largest score of the whole array: a row far below it has only powers "
        "that round to 0. Subtract each row's own, x.max(axis=-1, keepdims=True).": (
            lambda x: x - x.max() - np.log(np.exp(x - x.max()).sum(axis=-1, keepdims=True))
        ),
        "columns are normalised; rows should be: use the last axis, axis=-1.": (
            lambda x: tantra.log_softmax(x, axis=0)
        ),
        "those are the shares; their logarithms are wanted.": tantra.softmax,
    },
    hints=(
        "log(a / b) = log a - log b, and the log of a power is its exponent.",
        "First shift the row so that its largest score is 0.",
        "x - np.log(np.exp(x).sum(axis=-1, keepdims=True)), with the shifted x.",
    ),
)


def _autograd(p, g):
    scores = torch.tensor(np.log(p), requires_grad=True)  # softmax(log p) = p
    torch.softmax(scores, -1).backward(torch.tensor(g))
    return scores.grad.numpy()


P = np.array([[0.25, 0.5, 0.25], [0.125, 0.125, 0.75]])

softmax_backward = Exercise(
    name="softmax_backward",
    kind="derive",
    asks="The gradient by the scores, from the shares p and the gradient g by the shares.",
    reference=_autograd,
    cases={
        "three shares": (P[0], np.array([1.0, 0.0, 0.0])),
        "two rows": (P, array(2, 3)),
        "the same gradient for every share": (P, np.full((2, 3), 5.0)),
    },
    draw=lambda rng: (
        tantra.softmax(rng.standard_normal((2, 5, 7))),
        rng.standard_normal((2, 5, 7)),
    ),
    mistakes={
        "only the diagonal of the Jacobian: a score also moves the other shares of its row.": (
            lambda p, g: p * (1 - p) * g
        ),
        "the mean gradient of the row is missing: subtract the sum of p·g from g.": (
            lambda p, g: p * g
        ),
        "that is the plain mean of g; weigh it with the shares: sum of p·g.": (
            lambda p, g: p * (g - g.mean(axis=-1, keepdims=True))
        ),
        "multiply the result by p as well.": (lambda p, g: g - (p * g).sum(axis=-1, keepdims=True)),
        "the sign is turned: p · (g - mean), not p · (mean - g).": (
            lambda p, g: p * ((p * g).sum(axis=-1, keepdims=True) - g)
        ),
        "the mean runs over the whole array; every row has its own: axis=-1, keepdims=True.": (
            lambda p, g: p * (g - (p * g).sum())
        ),
        "right for one row, but not for several: (p * g).sum(axis=-1, keepdims=True).": (
            lambda p, g: p * (g - (p * g).sum(axis=-1))
        ),
        "the sum of g is not weighed: each g_i counts by its share, sum of p·g.": (
            lambda p, g: p * (g - g.sum(axis=-1, keepdims=True))
        ),
        "the shares are the weights of the mean already: take the sum of p·g, and do not divide "
        "it by S.": lambda p, g: p * (g - (p * g).mean(axis=-1, keepdims=True)),
        "the second term is -p_j times the sum of p_i g_i: its p_j is missing.": (
            lambda p, g: p * g - (p * g).sum(axis=-1, keepdims=True)
        ),
        "each column has its mean here; each row should: axis=-1.": (
            lambda p, g: p * (g - (p * g).sum(axis=0, keepdims=True))
        ),
        "share minus target is the gradient of softmax and cross-entropy together; here g is the "
        "gradient of any loss.": lambda p, g: p - g,
        "that is the diagonal of the Jacobian alone: multiply by g, and add over all shares.": (
            lambda p, g: p * (1 - p)
        ),
    },
    hints=(
        "∂p_i/∂s_j = p_i (δ_ij - p_j). Multiply by g_i and sum over i.",
        "The δ leaves p_j g_j. The rest is -p_j times the sum of p_i g_i.",
        "p * (g - (p * g).sum(axis=-1, keepdims=True))",
    ),
)


def _given_soften(p, temperature):
    return _shares(p**temperature)


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
    },
    draw=lambda rng: (tantra.softmax(rng.standard_normal((2, 5, 7))), rng.uniform(0.3, 3.0)),
    mistakes={
        "the sum runs over the whole array: give every row its own, axis=-1 with keepdims=True.": (
            lambda p, temperature: p ** (1 / temperature) / (p ** (1 / temperature)).sum()
        ),
        "dividing shares by a number and normalising gives the same shares back: "
        "the temperature divides scores, that is logarithms.": (
            lambda p, temperature: _shares(p / temperature)
        ),
        "divide by the sum again: the powers of the shares no longer sum to 1.": (
            lambda p, temperature: p ** (1 / temperature)
        ),
        "softmax takes scores, not shares: the score of a share is its logarithm.": (
            lambda p, temperature: tantra.softmax(p / temperature)
        ),
        "the logarithm that belongs to exp is np.log, not np.log2.": (
            lambda p, temperature: tantra.softmax(np.log2(p) / temperature)
        ),
        "those are the scores at the new temperature: a softmax of them is still to come.": (
            lambda p, temperature: np.log(p) / temperature
        ),
        "the logarithm of a share is a score: take the softmax of the scores, do not divide them "
        "by their sum.": (lambda p, temperature: _shares(np.log(p) / temperature)),
        "shares times a number no longer sum to 1: the temperature divides scores, that is "
        "logarithms.": lambda p, temperature: p / temperature,
        "the order is turned: the power is 1/τ, without a minus.": (
            lambda p, temperature: _shares(p ** (-1 / temperature))
        ),
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
        "the order is turned: the largest score has the largest share.": (0.625, 0.25, 0.125),
        "equal shares come from equal scores; these differ.": (1 / 3, 1 / 3, 1 / 3),
        "those are the scores: take e to the power of each, then divide by their sum.": tuple(
            np.log([1, 2, 5])
        ),
        "those are per cent: shares sum to 1.": (12.5, 25.0, 62.5),
        "those are the powers divided by the largest one: divide by their sum.": (0.2, 0.4, 1.0),
    },
    rtol=0.05,  # two digits are enough
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
        "one too few: 38 · log 10 is 87.5, and the 3.4 before 10³⁸ adds log 3.4, about 1.2.": 87,
        "that is the logarithm of the largest number: take the whole number below it.": (
            float(np.log(np.finfo(np.float32).max))
        ),
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
    softmax_backward,
    soften,
    shares_of_logs,
    largest_safe_score,
]
