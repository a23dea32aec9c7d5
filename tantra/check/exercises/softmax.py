"""The exercises of chapter 02, softmax."""

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction


def _shares(e, axis=-1):
    return e / e.sum(axis=axis, keepdims=True)


def _array(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).round(1)


LARGE = np.array([1000.0, 1001.0])
ROWS = np.array([[0.0, 1.0, 2.0], [3.0, 1.0, -1.0]])

softmax = Exercise(
    name="softmax",
    kind="implement",
    asks="Turn each row of scores into positive weights that sum to 1, for scores of any size.",
    reference=tantra.softmax,
    cases={
        "three scores": (np.array([0.0, 1.0, 2.0]),),
        "two rows": (ROWS,),
        "a batch": (_array(2, 4, 3),),
        "large scores": (LARGE,),
        "a small row beside a large one": (np.array([[0.0, 1.0, 2.0], [2000.0, 2001.0, 2002.0]]),),
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
        "the powers are not yet shares: divide each row by its sum.": (
            lambda x: np.exp(x - x.max(axis=-1, keepdims=True))
        ),
        "the powers are of e: use np.exp, not powers of 2.": lambda x: _shares(
            2 ** (x - x.max(axis=-1, keepdims=True))
        ),
        "each score is judged alone (a sigmoid): divide by the sum over its row instead.": (
            lambda x: 1 / (1 + np.exp(-x))
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
        "the natural logarithm is np.log; log2 and log10 are other units.": (
            lambda x: tantra.log_softmax(x) / np.log(2)
        ),
        "the sign is turned: a log-share is at most 0. Its negative is the loss.": (
            lambda x: -tantra.log_softmax(x)
        ),
        "you subtract the sum of the powers; subtract its logarithm.": (
            lambda x: x - np.exp(x - x.max(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True)
        ),
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
        "two rows": (P, _array(2, 3)),
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
    },
    rtol=1e-3,
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
    },
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
