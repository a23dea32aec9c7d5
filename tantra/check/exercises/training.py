"""The exercises of chapter 10, training."""

import math

import numpy as np
import torch
import torch.nn.functional as F

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, gradients
from tantra.check.outcome import codes
from tantra.check.slips import (
    largest,
    log_of_softmax,
    mean,
    normalised,
    picked,
    reordered,
    total,
)
from tantra.check.watch import calls, uses_torch

IGNORED = -1


def _log_p_by(shift=largest, summed=total):
    """Log-softmax with another number taken away first, or another sum."""

    def log_p(logits):
        logits = logits - shift(logits)
        return logits - np.log(summed(np.exp(logits)))

    return log_p


_log_p = _log_p_by()
_without_the_shift = _log_p_by(shift=lambda logits: 0)


def _log_of_more(logits):
    return np.log(tantra.softmax(logits) + 1e-12)


def _shift_in_the_sum(logits):
    return logits - np.log(total(np.exp(logits - largest(logits))))


def _quotient(logits):
    logits = logits - largest(logits)
    return logits / np.log(total(np.exp(logits)))


def _added(logits):
    logits = logits - largest(logits)
    return logits + np.log(total(np.exp(logits)))


def _mean_error(log_p=_log_p, sign=-1, total=False, over_all=False, counts=np.not_equal):
    """A cross-entropy with a slip at each argument."""

    def cross_entropy(logits, targets, ignore):
        count = counts(targets, ignore)
        errors = sign * picked(log_p(logits[count]), targets[count])
        return errors.sum() / (1 if total else count.size if over_all else count.sum())

    return cross_entropy


def _mean_of_means(logits, targets, ignore):
    T, V = logits.shape[-2:]
    sequences = zip(logits.reshape(-1, T, V), targets.reshape(-1, T), strict=True)
    return np.mean([_mean_error()(rows, true, ignore) for rows, true in sequences])


def _none_ignored(logits, targets, ignore):
    return -picked(_log_p(logits), targets).mean()


def _as_the_first(logits, targets, ignore):
    return -picked(_log_p(logits), np.where(targets == ignore, 0, targets)).mean()


def _summed_as_the_first(logits, targets, ignore):
    counts = targets != ignore
    return -picked(_log_p(logits), np.where(counts, targets, 0)).sum() / counts.sum()


def _times_zero(logits, targets, ignore):
    counts = targets != ignore
    return -(picked(_log_p(logits), targets) * counts).sum() / counts.sum()


def _times_zero_elsewhere(logits, targets, ignore):
    counts = targets != ignore
    found = picked(_log_p(logits), np.where(counts, targets, 0))
    return -(found * counts).sum() / counts.sum()


def _times_zero_over_all(logits, targets, ignore):
    counts = targets != ignore
    return -(picked(_log_p(logits), np.where(counts, targets, 0)) * counts).mean()


def _by_products_everywhere(logits, targets, ignore):
    counts = targets != ignore
    hot = np.eye(logits.shape[-1])[np.where(counts, targets, 0)] * counts[..., None]
    return -(hot * _log_p(logits)).sum() / counts.sum()


def _by_sequences(logits, targets, ignore):
    return _mean_error(total=True)(logits, targets, ignore) / len(targets)


def _picked_too_early(logits, targets, ignore):
    counts = targets != ignore
    return -np.where(counts, picked(_log_p(logits), targets), 0.0).sum() / counts.sum()


def _by_products(logits, targets, ignore):
    counts = targets != ignore
    hot = np.eye(logits.shape[-1])[targets[counts]]
    return -(hot * _log_p(logits[counts])).sum() / counts.sum()


def _by_products_too_early(logits, targets, ignore):
    hot = np.eye(logits.shape[-1])[targets]
    return -(hot * _log_p(logits)).sum(axis=-1)[targets != ignore].mean()


def _one_axis_and_times_zero(logits, targets, ignore):
    found, counts = _log_p(logits)[np.arange(len(targets)), targets], targets != ignore
    return -(found * counts).sum() / counts.sum()


def _one_axis_only(logits, targets, ignore):
    log_p, counts = _log_p(logits), targets != ignore
    return -log_p[np.arange(len(targets))[counts], targets[counts]].mean()


def _whole_rows(logits, targets, ignore):
    counts = targets != ignore
    return -_log_p(logits[counts])[targets[counts]].mean()


def _every_word_in_every_row(logits, targets, ignore):
    counts = targets != ignore
    return -_log_p(logits[counts])[:, targets[counts]].mean()


def _in_bits(logits, targets, ignore):
    return _mean_error()(logits, targets, ignore) / math.log(2)


def _over_the_words_too(logits, targets, ignore):
    return _mean_error()(logits, targets, ignore) / logits.shape[-1]


def _probability_missing(logits, targets, ignore):
    counts = targets != ignore
    return (1 - picked(tantra.softmax(logits), targets))[counts].mean()


def _log_of_the_mean(logits, targets, ignore):
    return -np.log(picked(tantra.softmax(logits), targets)[targets != ignore].mean())


def _draw_guesses(rng):
    axes = [(5,), (3, 5), (2, 3, 5)][rng.integers(3)]
    ignore = int(rng.choice([IGNORED, -100, 4]))
    targets = rng.integers(7, size=axes)
    targets.reshape(-1)[:2] = ignore
    targets.reshape(-1)[2:4] = 1, 5
    return 3 * rng.standard_normal((*axes, 7)), targets, ignore


_CLOSED = array(3, 4)
_CLOSED[0, 3] = _CLOSED[2, 0] = -np.inf
_OTHERS_CLOSED = array(4, 5, seed=3)
_OTHERS_CLOSED[0, 0] = _OTHERS_CLOSED[0, -1] = _OTHERS_CLOSED[3, 2] = -np.inf

BY_HAND = (
    "the error is right, but not by your own hand: NumPy only, and the logarithm of the "
    "probability written out, without log_softmax."
)


def _is_not_by_hand(attempt):
    def action():
        attempt(array(3, 4), np.array([1, 0, 3]), IGNORED)

    return uses_torch(action) or calls(codes(tantra.log_softmax), action)


def _rounded_and_picked_too_early(logits, targets, ignore):
    return -picked(log_of_softmax(logits), targets)[targets != ignore].mean()


cross_entropy = Exercise(
    name="cross_entropy",
    kind="implement",
    asks="The mean of minus the log-probability of the true words, without the places to ignore.",
    reference=_mean_error(),
    library=tantra.cross_entropy,
    cases={
        "three guesses": (array(3, 4), np.array([1, 0, 3]), IGNORED),
        "two places ignored": (
            array(2, 3, 4, seed=1),
            np.array([[1, IGNORED, IGNORED], [0, 3, 3]]),
            IGNORED,
        ),
        "scores of a thousand": (
            np.array([[1000.0, 999.0, -2000.0], [-1000.0, -998.0, -999.0], [0.0, -900.0, 3.0]]),
            np.array([1, 0, 1]),
            IGNORED,
        ),
        "words that cannot come": (_CLOSED, np.array([1, 2, 3]), IGNORED),
        "ignored where words cannot come": (
            _OTHERS_CLOSED,
            np.array([IGNORED, 0, 3, IGNORED]),
            IGNORED,
        ),
        "ignore is a word": (
            array(2, 3, 5, seed=4),
            np.array([[2, 4, 1], [2, 2, 0]]),
            2,
        ),
        "ignore is -100": (array(3, 4, seed=5), np.array([3, -100, 2]), -100),
        "two axes in front": (
            array(1, 2, 3, 4, seed=6),
            np.array([[[1, IGNORED, 0], [3, 3, 2]]]),
            IGNORED,
        ),
    },
    draw=_draw_guesses,
    rules={BY_HAND: _is_not_by_hand},
    mistakes={
        BY_HAND: _mean_error(tantra.log_softmax),
        "0 times -inf is nan: take the places that count out, as in log_p[targets != ignore], in "
        "place of multiplying the others by 0.": _times_zero_elsewhere,
        "take the places that count out before you pick: ignore may be -100, which is no word, and "
        "0 times -inf is nan.": _times_zero,
        "take the places that count out before you pick: ignore may be -100, which is no word.": (
            _picked_too_early
        ),
        "the places to ignore are those where the target is ignore, which need not be -1: "
        "targets != ignore.": _mean_error(counts=lambda targets, ignore: targets != -1),
        "the places to ignore are those where the target is ignore, which need not be below 0: "
        "targets != ignore.": _mean_error(counts=lambda targets, ignore: targets >= 0),
        "that is right for targets with one axis, and the dots may be more: with "
        "logits[targets != ignore] the places stand along one axis, however many there were.": (
            _one_axis_only
        ),
        "that picks from one axis of places, and the dots may be more: take the places that count "
        "out first, logits[targets != ignore], and they stand along one.": (
            _one_axis_and_times_zero
        ),
        "0 times -inf is nan, and ignore may be no row of np.eye: take the places that count out "
        "first, and pick the true word's number.": _by_products_too_early,
        "only the ignored places count there: targets != ignore.": _mean_error(counts=np.equal),
        "large scores overflow: take the largest of each row away before np.exp.": (
            _mean_error(_without_the_shift)
        ),
        "a probability can round to 0, and its logarithm is then -inf: write the logarithm out on "
        "paper first, as in chapter 02.": _mean_error(log_of_softmax),
        "a small number under the logarithm hides the -inf and makes the error wrong: write the "
        "logarithm out on paper first.": _mean_error(_log_of_more),
        "the largest score of *all* rows is taken away, and a row far below it rounds to 0: take "
        "each row's own.": _mean_error(_log_p_by(shift=np.max)),
        "the largest of each row is taken away in the sum, but not in front of it: use the same "
        "row in both places.": _mean_error(_shift_in_the_sum),
        "take the largest of each row away, not its mean: above the mean np.exp still overflows, "
        "and beside a -inf the mean is -inf.": _mean_error(_log_p_by(shift=mean)),
        "one sum for all places: each has probabilities of its own, sum(axis=-1, keepdims=True).": (
            _mean_error(_log_p_by(summed=np.sum))
        ),
        **{
            f"{little:g} in the sum makes the error wrong, and is not needed: with the largest "
            "taken away the sum is at least 1.": _mean_error(
                _log_p_by(summed=lambda e, little=little: total(e) + little)
            )
            for little in (1e-6, 1e-8, 1e-9)
        },
        "log_p[true] takes whole rows, those with the numbers of the words: pick one number a row, "
        "log_p[np.arange(n), true].": _whole_rows,
        "the probabilities of all places together sum to 1; those of each place should: sum over "
        "the last axis.": _mean_error(_log_p_by(shift=np.max, summed=np.sum)),
        "two things: divide by the places that count, not by all; and take them out, since 0 times "
        "-inf is nan.": _times_zero_over_all,
        "the sum is right; divide by the places that count, not by len(targets).": _by_sequences,
        "0 times -inf is nan, in ignored places and in one-hot rows: take out the places that "
        "count and pick the true word's number.": _by_products_everywhere,
        "a logarithm of a probability is the score minus the logarithm of the sum: subtract, do "
        "not divide.": _mean_error(_quotient),
        "a logarithm of a probability is the score minus the logarithm of the sum: subtract, do "
        "not add.": _mean_error(_added),
        "the powers of a row are added up, their mean is not taken.": (
            _mean_error(lambda logits: _log_p(logits) + math.log(logits.shape[-1]))
        ),
        "the number is right, but the ignored places are still in the sum, as the word 0: leave "
        "them out.": _summed_as_the_first,
        "that is e to the power of the error, the perplexity: leave exp out.": (
            lambda *given: np.exp(_mean_error()(*given))
        ),
        "the largest is taken along axis 0, over the places; each row has its own, axis=-1.": (
            _mean_error(_log_p_by(shift=lambda logits: logits.max(axis=0)))
        ),
        "that is the mean over all words of the vocabulary: pick the true word's number.": (
            lambda logits, targets, ignore: -_log_p(logits[targets != ignore]).mean()
        ),
        "ignored places still count: leave them out of the sum and out of the number.": (
            _none_ignored
        ),
        "the ignored places are taken for the word 0: leave them out.": _as_the_first,
        "the sum is right; divide by the places that count, not by all.": (
            _mean_error(over_all=True)
        ),
        "that is the sum; the loss is the mean over the places that count.": (
            _mean_error(total=True)
        ),
        "each sequence has a mean of its own there; every place that counts should count alike.": (
            _mean_of_means
        ),
        "the sign is flipped: log-probabilities are at most 0, and an error at least 0.": (
            _mean_error(sign=1)
        ),
        "0 times -inf is nan: pick the true word's number, do not multiply by a one-hot row.": (
            _by_products
        ),
        "that divides by the words of the vocabulary too: one number is picked for each place.": (
            _over_the_words_too
        ),
        "every true word is picked in every row: each row has one true word of its own.": (
            _every_word_in_every_row
        ),
        "those are bits; use the natural logarithm.": _in_bits,
        "1 - p is not the error; that is -log p, without a bound.": _probability_missing,
        "the logarithm comes before the mean: each place has an error of its own.": (
            _log_of_the_mean
        ),
        "the places to ignore are those where the target is ignore, which need not be -100: "
        "targets != ignore.": _mean_error(counts=lambda targets, ignore: targets != -100),
        "two things: ignored places still count, and large scores overflow: leave those out, and "
        "take the largest of each row away before np.exp.": lambda logits, targets, ignore: (
            -picked(_without_the_shift(logits), targets).mean()
        ),
        "two things: a probability can round to 0, and its logarithm is then -inf, so write the "
        "logarithm out on paper first; and take the places that count out before you pick: ignore "
        "may be -100, which is no word.": _rounded_and_picked_too_early,
        "two things: the sign is flipped, for the error is *minus* the log-probability; and large "
        "scores overflow: take the largest of each row away before np.exp.": (
            _mean_error(_without_the_shift, sign=1)
        ),
    },
    rtol=1e-10,
    atol=1e-11,
    hints=(
        "logits[targets != ignore] are the rows that count; do the same with the targets.",
        "The log-probability is s_i - log sum exp(s); take each row's largest score away first.",
        "log_p[np.arange(len(targets)), targets] picks one number a row.",
    ),
)


def _gradient(logits, targets, smoothing):
    def loss(logits):
        rows, true = logits.flatten(0, -2), torch.as_tensor(targets).flatten()
        return F.cross_entropy(rows, true, label_smoothing=smoothing)

    return gradients(loss, 1.0, logits)[0]


def _draw_smoothed(rng):
    axes = [(3,), (2, 3), (4, 2, 3)][rng.integers(3)]
    smoothing = float(rng.uniform(0.1, 0.5))
    return rng.standard_normal((*axes, 5)), rng.integers(5, size=axes), smoothing


def _overflows(logits):
    e = np.exp(logits)
    return normalised(e)


def _by_hand(softmax=tantra.softmax, soft=None, sign=1, over=None):
    """p - q over n, with a slip at each argument."""

    def gradient(logits, targets, smoothing):
        V = logits.shape[-1]
        hot = np.eye(V)[targets]
        q = (1 - smoothing) * hot + smoothing / V if soft is None else soft(hot, smoothing, V)
        return sign * (softmax(logits) - q) / (targets.size if over is None else over(logits))

    return gradient


def _by_probabilities(logits, targets, smoothing):
    V = logits.shape[-1]
    q = (1 - smoothing) * np.eye(V)[targets] + smoothing / V
    return -q / tantra.softmax(logits) / targets.size


def _smoothed_part_missing(logits, targets, smoothing):
    hot = np.eye(logits.shape[-1])[targets]
    return (1 - smoothing) * (tantra.softmax(logits) - hot) / targets.size


def _one_axis_of_targets(logits, targets, smoothing):
    p = tantra.softmax(logits)
    n, V = logits.shape
    p[np.arange(n), targets] -= 1 - smoothing
    return (p - smoothing / V) / n


def _whole_rows_lowered(logits, targets, smoothing):
    p = tantra.softmax(logits)
    p[targets] -= 1 - smoothing
    return (p - smoothing / logits.shape[-1]) / targets.size


cross_entropy_gradient = Exercise(
    name="cross_entropy_gradient",
    kind="derive",
    asks="The gradient of the mean cross-entropy by the logits, with smoothed targets.",
    reference=_gradient,
    cases={
        "one guess": (array(1, 3), np.array([1]), 0.0),
        "two guesses, smoothed": (array(2, 4), np.array([3, 0]), 0.2),
        "a batch": (array(2, 3, 4, seed=2), np.array([[1, 1, 0], [3, 2, 2]]), 0.1),
        "two axes in front": (
            array(1, 2, 3, 4, seed=3),
            np.array([[[0, 1, 0], [3, 1, 2]]]),
            0.3,
        ),
        "more guesses than words": (array(5, 3, seed=4), np.array([1, 0, 2, 1, 1]), 0.2),
        "large scores": (
            np.array([[1000.0, 999.0, 0.0], [0.0, 2.0, -900.0]]),
            np.array([1, 2]),
            0.1,
        ),
    },
    draw=_draw_smoothed,
    mistakes={
        "exp overflows on large scores: softmax takes the largest of each row away first.": (
            _by_hand(softmax=_overflows)
        ),
        "the derivative of log p by its own score is 1 - p, and each other score has -p: all of "
        "them have a gradient.": lambda logits, targets, s: (
            -np.eye(logits.shape[-1])[targets] * (1 - tantra.softmax(logits)) / targets.size
        ),
        "p (p - q) is the gradient of a squared error; that of -log p is p - q.": (
            lambda logits, targets, s: tantra.softmax(logits) * _by_hand()(logits, targets, s)
        ),
        "the smoothing goes to all V words, smoothing / V each, the true one included.": (
            _by_hand(soft=lambda hot, s, V: (1 - s) * hot + s / (V - 1))
        ),
        "the smoothing lowers the true word's target and is spread over all: it does not touch the "
        "guess.": lambda logits, targets, s: (
            ((1 - s) * tantra.softmax(logits) - np.eye(logits.shape[-1])[targets]) / targets.size
        ),
        "the part that is spread is missing: smoothing / V for each of the V words.": (
            _by_hand(soft=lambda hot, s, V: (1 - s) * hot)
        ),
        "the part that is spread has the wrong sign: brackets around the target, p - (...).": (
            _by_hand(soft=lambda hot, s, V: (1 - s) * hot - s / V)
        ),
        "the true word gets its smoothing / V too, on top of 1 - smoothing.": (
            _by_hand(soft=lambda hot, s, V: np.where(hot > 0, 1 - s, s / V))
        ),
        "both are divided by n, the guess and the target: brackets.": (
            lambda logits, targets, s: (
                tantra.softmax(logits)
                - ((1 - s) * np.eye(logits.shape[-1])[targets] + s / logits.shape[-1])
                / targets.size
            )
        ),
        "the probabilities are exchanged: the true word gets 1 - smoothing, and smoothing is "
        "spread.": (_by_hand(soft=lambda hot, s, V: s * hot + (1 - s) / V)),
        "each of the V words gets smoothing / V, the true one 1 - smoothing besides; yours get the "
        "whole smoothing each.": _by_hand(soft=lambda hot, s, V: (1 - s) * hot + s * (1 - hot)),
        "the sign is flipped: raising the true word's score must lower the loss.": _by_hand(
            sign=-1
        ),
        "the loss is a mean: each place counts 1 / n, with n all places.": (
            _by_hand(over=lambda logits: 1)
        ),
        "divide by all places, not by the sequences.": _by_hand(over=len),
        "divide by all places, of all sequences, not by those of one.": (
            lambda logits, targets, s: (
                _by_hand(over=lambda logits: 1)(logits, targets, s) / targets.shape[-1]
            )
        ),
        "p (1 - p) is the slope of a probability by its own score; that of -log p is p - q.": (
            lambda logits, targets, s: (
                tantra.softmax(logits) * (1 - tantra.softmax(logits)) / targets.size
            )
        ),
        "divide by the places, not by the words of the vocabulary.": (
            _by_hand(over=lambda logits: logits.shape[-1])
        ),
        "divide by the places only: the words of the vocabulary are no guesses of their own.": (
            _by_hand(over=np.size)
        ),
        "the smoothing is missing: the target is (1 - smoothing) one-hot + smoothing / V.": (
            _by_hand(soft=lambda hot, s, V: hot)
        ),
        "the soft target must sum to 1: its one-hot part counts 1 - smoothing only.": (
            _by_hand(soft=lambda hot, s, V: hot + s / V)
        ),
        "the soft target must sum to 1: each of the V words gets smoothing / V, and the true one "
        "besides.": _by_hand(soft=lambda hot, s, V: (1 - s) * hot + s),
        "the smoothing goes to all V words, the true one included, not to the V - 1 others.": (
            _by_hand(soft=lambda hot, s, V: (1 - s) * hot + s / (V - 1) * (1 - hot))
        ),
        "the truth is missing: the gradient is the guess minus the target.": (
            _by_hand(soft=lambda hot, s, V: 0 * hot)
        ),
        "those are log-probabilities; the derivative of log sum exp(s) is the probabilities "
        "themselves.": _by_hand(softmax=tantra.log_softmax),
        "those are the scores; the derivative of log sum exp(s) is softmax(s).": (
            _by_hand(softmax=lambda logits: logits)
        ),
        "that is the gradient by the probabilities, -q/p; the logits stand one step "
        "further back.": (_by_probabilities),
        "that is the gradient of the true word's part; the smoothing spread over all words has one "
        "too.": _smoothed_part_missing,
        "softmax runs along the wrong axis: the V words are the last one.": (
            _by_hand(softmax=lambda logits: tantra.softmax(logits, axis=0))
        ),
        "that is the gradient by the true word's score only; the other scores have one too.": (
            lambda logits, targets, s: (
                _by_hand()(logits, targets, s) * np.eye(logits.shape[-1])[targets]
            )
        ),
        "that fits targets with one axis, and the dots may be more: np.eye(V)[targets] is the "
        "one-hot row of each place, however many axes there are.": _one_axis_of_targets,
        "p[targets] takes whole rows, those with the numbers of the words: one number of each row "
        "is meant, as in p - np.eye(V)[targets].": _whole_rows_lowered,
        "two things: the smoothing is missing in the target, and each place counts 1 / n, with n "
        "all places.": _by_hand(soft=lambda hot, s, V: hot, over=lambda logits: 1),
    },
    rtol=1e-9,
    atol=1e-12,
    hints=(
        "Write the error of one place with q: log sum exp(s) - sum of q_i s_i, as q sums to 1.",
        "The derivative of log sum exp(s) by s_i is the probability p_i.",
        "(softmax(logits) - q) / n, with q = (1 - smoothing) one-hot + smoothing / V.",
    ),
)


def _step(
    fair=True, fair_m=True, fair_v=True, t_from=0, decay="beside", root=None, sign=1, rate=True
):
    """An AdamW step with a slip at each argument."""

    def step(w, g, m, v, t, lr, betas, eps, decay_rate):
        if decay == "inside":
            g = g + decay_rate * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        t = t + t_from
        m_hat = m / (1 - betas[0] ** t) if fair and fair_m else m
        v_hat = v / (1 - betas[1] ** t) if fair and fair_v else v
        below = np.sqrt(v_hat) + eps if root is None else root(v_hat, eps)
        moved = w - sign * lr * m_hat / below
        shrink = {"beside": lr * decay_rate, "bare": decay_rate, "grow": -lr * decay_rate}
        moved = moved if rate else w - m_hat / below
        if decay == "after":
            return moved - lr * decay_rate * moved, m, v
        return moved - shrink.get(decay, 0.0) * w, m, v

    return step


def _means(mean, square, pull=lambda w: w, push=lambda m_hat, g: m_hat):
    """An AdamW step whose running means are made otherwise, or used otherwise."""

    def step(w, g, m, v, t, lr, betas, eps, decay_rate):
        m, v = mean(m, g, betas), square(v, g, betas)
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        step = push(m_hat, g) / (np.sqrt(v_hat) + eps)
        return w - lr * decay_rate * pull(w) - lr * step, m, v

    return step


def _mean(m, g, betas):
    return betas[0] * m + (1 - betas[0]) * g


def _square(v, g, betas):
    return betas[1] * v + (1 - betas[1]) * g**2


def _eps_too_early(w, g, m, v, t, lr, betas, eps, decay_rate):
    m, v = _mean(m, g, betas), _square(v, g, betas)
    rate = lr * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
    return w - lr * decay_rate * w - rate * m / (np.sqrt(v) + eps), m, v


def _root_too_early(w, g, m, v, t, lr, betas, eps, decay_rate):
    m, v = _mean(m, g, betas), _square(v, g, betas)
    below = np.sqrt(v) / (1 - betas[1] ** t) + eps
    return w - lr * decay_rate * w - lr * m / (1 - betas[0] ** t) / below, m, v


def _corrected_by(of_m, of_v):
    """An AdamW step that divides m and v by 1 minus these functions of the betas and of t."""

    def step(w, g, m, v, t, lr, betas, eps, decay_rate):
        m, v = _mean(m, g, betas), _square(v, g, betas)
        m_hat, v_hat = m / (1 - of_m(betas, t)), v / (1 - of_v(betas, t))
        return w - lr * decay_rate * w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v

    return step


def _square_of_m(w, g, m, v, t, lr, betas, eps, decay_rate):
    new_m = _mean(m, g, betas)
    return _means(lambda *_: new_m, lambda v, g, b: _square(v, new_m, b))(
        w, g, m, v, t, lr, betas, eps, decay_rate
    )


def _decay_of_g(w, g, m, v, t, lr, betas, eps, decay_rate):
    return _means(_mean, _square, pull=lambda w: g)(w, g, m, v, t, lr, betas, eps, decay_rate)


def _decay_in_the_fraction(w, g, m, v, t, lr, betas, eps, decay_rate):
    return _means(_mean, _square, pull=lambda w: 0.0, push=lambda m_hat, g: m_hat + decay_rate * w)(
        w, g, m, v, t, lr, betas, eps, decay_rate
    )


def _eps_beside_the_fraction(w, g, m, v, t, lr, betas, eps, decay_rate):
    w, m, v = _step(root=lambda v, eps: np.sqrt(np.maximum(v, 1e-300)))(
        w, g, m, v, t, lr, betas, eps, decay_rate
    )
    return w + eps, m, v


def _betas_exchanged(w, g, m, v, t, lr, betas, eps, decay_rate):
    return _step()(w, g, m, v, t, lr, betas[::-1], eps, decay_rate)


def _in_place(w, g, m, v, t, lr, betas, eps, decay_rate):
    new_w, m[...], v[...] = _step()(w, g, m, v, t, lr, betas, eps, decay_rate)
    w[...] = new_w
    return w, m, v


def _means_in_place(w, g, m, v, t, lr, betas, eps, decay_rate):
    w, m[...], v[...] = _step()(w, g, m, v, t, lr, betas, eps, decay_rate)
    return w, m, v


def _fair_means_kept(w, g, m, v, t, lr, betas, eps, decay_rate):
    w, m, v = _step()(w, g, m, v, t, lr, betas, eps, decay_rate)
    return w, m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)


def _old_means(w, g, m, v, t, lr, betas, eps, decay_rate):
    _, new_m, new_v = _step()(w, g, m, v, t, lr, betas, eps, decay_rate)
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * decay_rate * w - lr * m_hat / (np.sqrt(v_hat) + eps), new_m, new_v


def _step_alone(w, g, m, v, t, lr, betas, eps, decay_rate):
    new, m, v = _step()(w, g, m, v, t, lr, betas, eps, decay_rate)
    return new - w, m, v


def _scheduled(step, rate=lambda lr, factor: factor * lr, shrink=lambda decay, lr, _: decay / lr):
    """PyTorch's step with this rate and this decay; as they stand, the paper's."""

    def paper_step(w, g, m, v, t, lr, betas, eps, decay, factor):
        lr, decay = rate(lr, factor), shrink(decay, lr, factor)
        return step(w, g, m, v, t, lr, betas, eps, decay)

    return paper_step


def _with_plain_decay(step):
    return _scheduled(step, shrink=lambda decay, lr, factor: decay)


def _state(shape, t, seed=0, lr=0.1, betas=(0.8, 0.95), eps=0.01, decay=0.5, factor=0.6):
    w, g, m, v = (array(*shape, seed=seed + n) for n in range(4))
    m, v = (0 * m, 0 * v) if t == 1 else (m, v**2)
    return w, g, m, v, t, lr, betas, eps, decay, factor


def _draw_state(rng):
    w, g, m, v = rng.standard_normal((4, *[(3,), (2, 3), (4, 2, 3)][rng.integers(3)]))
    lr, decay, eps = rng.uniform(0.01, 0.5), rng.uniform(0.1, 0.9), rng.choice([1e-1, 1e-2])
    betas = float(rng.uniform(0.5, 0.95)), float(rng.uniform(0.9, 0.99))
    t, factor = int(rng.integers(2, 9)), float(rng.uniform(0.2, 0.9))
    return w, g, m, v**2, t, float(lr), betas, float(eps), float(decay), factor


def _without_root(*state):
    return _means(_mean, lambda v, g, b: b[1] * v + (1 - b[1]) * g)(*state)


_DECAYED_INSIDE = {
    "the decay stands in the gradient, where it is divided by the root of v too: shrink w "
    "beside the step.": _step(decay="inside"),
    "the decay stands inside the fraction, where it is divided by the root of v too: shrink w "
    "beside it.": _decay_in_the_fraction,
    "two things: the corrections are missing, and the decay stands in the gradient: shrink w "
    "beside the step.": _step(fair=False, decay="inside"),
}

_STEPS = {
    "the corrections are missing: m and v start at 0, so divide them by 1 - beta to the t.": (
        _step(fair=False)
    ),
    "v is corrected and m is not: both start at 0.": _step(fair_m=False),
    "m is corrected and v is not: both start at 0.": _step(fair_v=False),
    "the first step has t = 1 already: the correction is 1 - beta to the t.": _step(t_from=1),
    "the decay is missing: w also loses factor times decay times itself.": _step(decay="none"),
    "the decay makes the weights grow: subtract it.": _step(decay="grow"),
    "the decay takes its fraction of the weights as they were before the step.": (
        _step(decay="after")
    ),
    "the step goes with the gradient; it should go against it.": _step(sign=-1),
    "the root is missing: v is a mean of squares.": _step(root=lambda v, eps: v + eps),
    "eps stands outside the root: sqrt(v_hat) + eps.": (
        _step(root=lambda v, eps: np.sqrt(v + eps))
    ),
    "eps is missing: it keeps the step finite where v is 0.": (
        _step(root=lambda v, eps: np.sqrt(np.maximum(v, 1e-300)))
    ),
    "eps is added to the root of the corrected v; yours is added before the correction.": (
        _eps_too_early
    ),
    "the correction has beta to the power of t, not beta times t.": _corrected_by(
        lambda b, t: b[0] * t, lambda b, t: b[1] * t
    ),
    "the power t is missing in the corrections: 1 - beta to the t.": (
        _corrected_by(lambda b, t: b[0], lambda b, t: b[1])
    ),
    "the corrections have the power t - 1: t counts from 1 already, so the power is t.": (
        _step(t_from=-1)
    ),
    "the betas are exchanged in the corrections: m has the first, v the second.": (
        _corrected_by(lambda b, t: b[1] ** t, lambda b, t: b[0] ** t)
    ),
    "both corrections have the beta of m: v has the second.": (
        _corrected_by(lambda b, t: b[0] ** t, lambda b, t: b[0] ** t)
    ),
    "the betas are exchanged: the first is for m, the second for v.": _betas_exchanged,
    "the decay is a fraction of w: factor times decay times w.": (
        _means(_mean, _square, pull=lambda w: 1.0)
    ),
    "v is the running mean of g squared, not of m squared.": _square_of_m,
    "the decay takes a fraction of w, not of the gradient.": _decay_of_g,
    "eps is added to the root, below the fraction: brackets.": _eps_beside_the_fraction,
    "the step is made of g; it is made of its running mean, m_hat.": (
        _means(_mean, _square, push=lambda m_hat, g: g)
    ),
    "m and v are multiplied by 1 - beta to the t; they are too small, so divide.": (
        _corrected_by(lambda b, t: 1 - 1 / (1 - b[0] ** t), lambda b, t: 1 - 1 / (1 - b[1] ** t))
    ),
    "return the running means as well, w, m, v: the next step needs them.": (
        lambda *state: _step()(*state)[0]
    ),
    "first w, then m, then v: yours stand in another order.": reordered(_step(), 1, 2, 0),
    "v has 1 - beta times g squared; you square 1 - beta too.": (
        _means(_mean, lambda v, g, b: b[1] * v + ((1 - b[1]) * g) ** 2)
    ),
    "v is the running mean of g squared, not of its size.": (
        _means(_mean, lambda v, g, b: b[1] * v + (1 - b[1]) * np.abs(g))
    ),
    "v is the running mean of g squared, not of g, which may be below 0, where it has no "
    "root.": _without_root,
    "the betas are exchanged in the running means: the first is for m.": (
        _means(
            lambda m, g, b: b[1] * m + (1 - b[1]) * g,
            lambda v, g, b: b[0] * v + (1 - b[0]) * g**2,
        )
    ),
    "a beta is the weight of the old mean, 1 - beta that of the new gradient.": (
        _means(
            lambda m, g, b: (1 - b[0]) * m + b[0] * g,
            lambda v, g, b: (1 - b[1]) * v + b[1] * g**2,
        )
    ),
    "the new gradient counts 1 - beta, not 1.": (
        _means(lambda m, g, b: b[0] * m + g, lambda v, g, b: b[1] * v + g**2)
    ),
    "the step uses the old means: bring m and v up to date first.": _old_means,
    "return the running means as they are; only the step uses the corrected ones.": (
        _fair_means_kept
    ),
    "that is the step alone; return the weights after it.": _step_alone,
    "the caller's arrays are changed: make new ones, as in m = beta * m + ...": _in_place,
    "the caller's m and v are changed: make new ones.": _means_in_place,
    "the root is taken before v is corrected: np.sqrt(v / (1 - betas[1] ** t)).": (_root_too_early),
}

adamw_step = Exercise(
    name="adamw_step",
    kind="implement",
    asks="One step of AdamW as in the paper: the new weights, and the new running means.",
    reference=_scheduled(_step()),
    results=("w", "m", "v"),
    cases={
        "the first step": _state((3,), 1),
        "the third": _state((2, 3), 3, seed=4),
        "two axes in front": _state(
            (1, 2, 3), 5, seed=12, lr=0.3, betas=(0.7, 0.8), eps=0.1, factor=0.3
        ),
        "no decay": _state((4,), 2, seed=8, decay=0.0),
        "at the peak": _state((3,), 4, seed=16, factor=1.0),
        "no gradient": (
            np.array([1.0, -2.0]),
            np.zeros(2),
            np.zeros(2),
            np.zeros(2),
            1,
            0.1,
            (0.9, 0.99),
            0.01,
            0.5,
            0.6,
        ),
    },
    draw=_draw_state,
    mistakes={
        "that is PyTorch's form: in the paper lr does not multiply the decay, the factor does.": (
            _with_plain_decay(_step())
        ),
        "the schedule's factor multiplies the decay too, not only the step.": (
            _scheduled(_step(), shrink=lambda decay, lr, factor: decay / lr / factor)
        ),
        "the schedule's factor multiplies the step too, not only the decay.": (
            _scheduled(
                _step(), lambda lr, factor: lr, lambda decay, lr, factor: factor * decay / lr
            )
        ),
        "the schedule's factor is missing: it multiplies both, the step and the decay.": (
            _scheduled(_step(), lambda lr, factor: lr)
        ),
        "the factor is missing, and the decay is multiplied by lr: that is PyTorch's form.": (
            _scheduled(_step(), lambda lr, factor: lr, lambda decay, lr, factor: decay)
        ),
        "the minus stands before the bracket, and so does the factor: take factor times decay "
        "times w away.": lambda w, *state: (
            _scheduled(_step(decay="none"))(w, *state)[0] + state[-2] * w,
            *_scheduled(_step())(w, *state)[1:],
        ),
        "lr is missing: the step is factor times lr times the fraction.": (
            _scheduled(_step(), lambda lr, factor: factor, lambda decay, lr, factor: decay)
        ),
        **{said: _with_plain_decay(step) for said, step in _DECAYED_INSIDE.items()},
        **{said: _scheduled(step) for said, step in _STEPS.items()},
    },
    rtol=1e-9,
    atol=1e-12,
    hints=(
        "In this order: new m, new v, their corrected forms, the new w.",
        "m_hat = m / (1 - betas[0] ** t), with the new m; v_hat likewise.",
        "w - factor * (lr * m_hat / (np.sqrt(v_hat) + eps) + decay * w)",
    ),
)


def _fit(
    keep=False, clear="before", sign=-1, inputs=slice(None, -1), targets=slice(1, None), **slips
):
    """Gradient descent on a table of scores, with a slip at each argument."""

    def fit(table, tokens, rate, steps):
        table = table.clone().requires_grad_()
        for _ in range(slips.get("steps", steps)):
            if clear == "before":
                table.grad = None
            loss = F.cross_entropy(
                table[tokens[:, inputs]].flatten(0, 1),
                tokens[:, targets].flatten(),
                reduction=slips.get("reduction", "mean"),
            )
            loss.backward()
            if clear == "after":
                table.grad.zero_()
            with torch.no_grad():
                table += sign * rate * table.grad
        return table.detach()

    return fit


def _descend(table, tokens, rate, steps, clear=lambda grad: None, own=True, free=True):
    """The loop with other ways to clear the gradient and to move the table."""
    table = (table.clone() if own else table).requires_grad_()
    for _ in range(steps):
        loss = F.cross_entropy(table[tokens[:, :-1]].flatten(0, 1), tokens[:, 1:].flatten())
        table.grad = clear(table.grad)
        loss.backward()
        with torch.set_grad_enabled(not free):
            table -= rate * table.grad
    return table.detach()


def _rebound(table, tokens, rate, steps, free=True):
    table = table.clone().requires_grad_()
    for _ in range(steps):
        F.cross_entropy(table[tokens[:, :-1]].flatten(0, 1), tokens[:, 1:].flatten()).backward()
        with torch.set_grad_enabled(not free):
            table = table - rate * table.grad
    return table.detach()


def _half_of_the_old(grad):
    return None if grad is None else grad / 2


def _afresh(table, tokens, rate, steps):
    return _fit(steps=min(steps, 1))(table, tokens, rate, steps)


def _cleared_at_the_end(table, tokens, rate, steps):
    if steps == 0:
        raise AttributeError("'NoneType' object has no attribute 'zero_'")
    return _fit(clear=None)(table, tokens, rate, steps)


def _returned_at_once(table, tokens, rate, steps):
    return _fit(steps=1)(table, tokens, rate, 1) if steps else None


def _clipped(table, tokens, rate, steps):
    """The gradients are cut to the length 1, and still add up."""
    table = table.clone().requires_grad_()
    for _ in range(steps):
        F.cross_entropy(table[tokens[:, :-1]].flatten(0, 1), tokens[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_([table], 1.0)
        with torch.no_grad():
            table -= rate * table.grad
    return table.detach()


def _by_adam(table, tokens, rate, steps):
    table = table.clone().requires_grad_()
    optimizer = torch.optim.Adam([table], lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(table[tokens[:, :-1]].flatten(0, 1), tokens[:, 1:].flatten()).backward()
        optimizer.step()
    return table.detach()


def _averaged(table, tokens, rate, steps):
    total, w = torch.zeros_like(table), table
    for step in range(1, steps + 1):
        total += (w - _fit(steps=1)(w, tokens, 1.0, 1)).detach()
        w = w - rate * total / step
    return w


def _all_at_once(table, tokens, rate, steps):
    return table + steps * (_fit(steps=1)(table, tokens, rate, 1) - table)


fit_table = Exercise(
    name="fit_table",
    kind="hunt",
    asks="A table of scores for the next word, after so many steps of gradient descent.",
    reference=_fit(),
    given=_fit(clear=None),
    call=lambda attempt, table, tokens, rate, steps: attempt(
        torch.from_numpy(table), torch.from_numpy(tokens), rate, steps
    ),
    cases={
        "one step": (array(3, 3), np.array([[0, 2, 1, 2]]), 0.5, 1),
        "three steps": (array(4, 4, seed=1), np.array([[0, 1, 2], [3, 1, 0]]), 1.0, 3),
        "no step": (array(3, 3, seed=2), np.array([[0, 2, 1, 2]]), 0.5, 0),
    },
    draw=lambda rng: (
        rng.standard_normal((5, 5)),
        rng.integers(5, size=(2, 7)),
        float(rng.uniform(0.3, 0.9)),
        int(rng.integers(2, 6)),
    ),
    mistakes={
        "before the first step there is no gradient yet, and None has no zero_; zero_grad is an "
        "optimizer's, and a tensor has none. Write table.grad = None.": lambda *args: _descend(
            *args, clear=lambda grad: grad.zero_()
        ),
        "table = table - ... makes a new tensor, and with no_grad one that wants no gradient: "
        "change it in place, table -= ....": _rebound,
        "table = table - ... makes a new tensor, whose .grad torch does not keep: change it in "
        "place, table -= ..., under no_grad.": lambda *args: _rebound(*args, free=False),
        "the no_grad was right: without it torch refuses to change a tensor in place of which it "
        "wants the gradient.": lambda *args: _descend(*args, free=False),
        "the clone was right: without it the caller's table is changed.": (
            lambda *args: _descend(*args, own=False)
        ),
        "an old gradient that is made smaller is still there: take it away, table.grad = None.": (
            lambda *args: _descend(*args, clear=_half_of_the_old)
        ),
        "the rate is missing: the step is rate times the gradient.": (
            lambda table, tokens, rate, steps: _fit()(table, tokens, 1.0, steps)
        ),
        "each step has the whole rate; it is not divided by the number of steps.": (
            lambda table, tokens, rate, steps: _fit()(table, tokens, rate / max(steps, 1), steps)
        ),
        "one step too few: range(steps) was right.": (
            lambda table, tokens, rate, steps: _fit(steps=steps - 1)(table, tokens, rate, steps)
        ),
        "one step too many: range(steps) was right.": (
            lambda table, tokens, rate, steps: _fit(steps=steps + 1)(table, tokens, rate, steps)
        ),
        "the gradient is cleared between backward and the step, so that nothing is learned: clear "
        "it before backward.": _fit(clear="after"),
        "the step goes with the gradient now; it was right to go against it.": _fit(sign=1),
        "the targets were right: each place is asked for the word after it.": (
            _fit(inputs=slice(None), targets=slice(None))
        ),
        "inputs and targets are exchanged now: the present word's row is asked for the next.": (
            _fit(inputs=slice(1, None), targets=slice(None, -1))
        ),
        "every step starts from the first table again: the steps must follow one another.": _afresh,
        "the mean of all gradients so far is not the gradient here: forget the old ones.": (
            _averaged
        ),
        "all steps use the gradient at the first table: compute it anew in each.": _all_at_once,
        "the loss was right as a mean; now it is a sum.": _fit(reduction="sum"),
        "the gradient is cleared after the loop, when it is too late: clear it in each step.": (
            _cleared_at_the_end
        ),
        "the return stands inside the loop, so that one step is all: move it out.": (
            _returned_at_once
        ),
        "clipping makes the leaps shorter, and old gradients are still added to new ones: take "
        "them away, table.grad = None.": _clipped,
        "Adam takes steps of another length: keep rate times the gradient, and clear it.": _by_adam,
        "the table itself is set to 0; it is its gradient that must go, table.grad = None.": (
            lambda table, tokens, rate, steps: torch.zeros_like(table) if steps else table
        ),
    },
    rtol=1e-9,
    atol=1e-12,
    hints=(
        "Print table.grad after each backward, with a rate of 0: what should it be, and what is "
        "it?",
        "backward adds to .grad what it finds; who takes the old gradient away?",
        "table.grad = None at the beginning of each step.",
    ),
)


def _floor(true, rest, log=math.log):
    """The entropy of a target with this probability for the true word and these for the others."""
    return -sum(q * log(q) for q in [true, *rest])


smoothed_floor = Prediction(
    name="smoothed_floor",
    kind="predict",
    asks="The least loss that any model can reach with a smoothing of 0.1 and ten words.",
    answer=_floor(0.91, [0.01] * 9),
    mistakes={
        "0 would need a probability of 1 for the true word; its target is smaller, and the other "
        "nine have targets too.": 0.0,
        "that is the true word's logarithm alone; the nine others count 0.01 each.": -math.log(
            0.91
        ),
        "the true word's target is 0.9 + 0.1/10, and the nine others count as well.": (
            -math.log(0.9)
        ),
        "the true word gets its part of the smoothing too: 0.91, and 0.01 for each other.": (
            _floor(0.9, [0.1 / 9] * 9)
        ),
        "the probabilities must sum to 1: 0.91 and nine times 0.01.": _floor(0.9, [0.01] * 9),
        "those are bits; use the natural logarithm.": _floor(0.91, [0.01] * 9, math.log2),
        "use the natural logarithm, not the one to the base 10.": (
            _floor(0.91, [0.01] * 9, math.log10)
        ),
        "that is what a model that knows nothing pays; the best one does better.": math.log(10),
        "that is the part of the nine others; the true word's is missing.": -0.09 * math.log(0.01),
        "that is the true word's part; the nine others' is missing.": -0.91 * math.log(0.91),
        "the sign is flipped: a loss is at least 0.": -_floor(0.91, [0.01] * 9),
        "that is the entropy of two outcomes; the other nine words are nine outcomes, 0.01 each.": (
            _floor(0.91, [0.09])
        ),
        "that is the entropy of 0.9 and 0.1; the 0.1 is spread over all ten words, 0.01 each.": (
            _floor(0.9, [0.1])
        ),
        "that is 0.1 and the error of guessing; the target itself can be guessed: its entropy.": (
            0.1 * math.log(10)
        ),
        "that is e to the power of the loss; the loss is the logarithm.": math.exp(
            _floor(0.91, [0.01] * 9)
        ),
        "one of the others is counted; there are nine, with 0.01 each.": _floor(0.91, [0.01]),
        "the others are nine, not ten: the true word is one of the ten.": (
            _floor(0.91, [0.01] * 10)
        ),
        "the probabilities must sum to 1: the true word has 0.9 + 0.01, and the others are nine, "
        "not ten.": _floor(0.9, [0.01] * 10),
    },
    rtol=1e-3,
    hints=(
        "The best guess is the target itself: p = q.",
        "q is 0.91 for the true word and 0.01 for each of the nine others.",
        "Minus the sum of q log q over all ten.",
    ),
)

uncorrected_step = Prediction(
    name="uncorrected_step",
    kind="ablate",
    asks="How many times lr the very first step of Adam is long, with no corrections.",
    answer=0.1 / math.sqrt(0.001),
    mistakes={
        "1 is the length with the corrections; they are taken away.": 1.0,
        "that is m alone, or m divided by the root of 0.999: it is divided by the root of v, and v "
        "is 0.001 g squared.": 0.1,
        "the root is missing: v is 0.001 g squared, and is put under a root.": 0.1 / 0.001,
        "v is uncorrected and m is not: m is 0.1 g only.": 1 / math.sqrt(0.001),
        "the fraction is upside down: m stands above.": math.sqrt(0.001) / 0.1,
        "after one step the running means hold 1 - beta of the gradient, not beta.": (
            0.9 / math.sqrt(0.999)
        ),
        "m counts 1 - 0.9 of the gradient, not 0.9 of it.": 0.9 / math.sqrt(0.001),
        "the betas are exchanged: 0.9 is for m, 0.999 for v.": 0.001 / math.sqrt(0.1),
        "that is the root of v alone; m stands above it.": math.sqrt(0.001),
        "that is v alone; the step is m, divided by the root of v.": 0.001,
        "you round too early: the root of 0.001 is 0.03162.": 0.1 / 0.032,
        "10 is 0.1 / 0.01, or 1 / 0.1: m is 0.1 g, and the root of 0.001 is 0.0316.": 10,
        "a length has no sign: how many times lr?": -0.1 / math.sqrt(0.001),
        "the very first gradient is in m already, 0.1 of it: the step is not 0.": 0.0,
    },
    rtol=1e-3,
    hints=(
        "After one step from 0, m is 0.1 g. What is v?",
        "The step is lr times m / sqrt(v), and g cancels.",
    ),
)

EXERCISES = [
    cross_entropy,
    cross_entropy_gradient,
    adamw_step,
    fit_table,
    smoothed_floor,
    uncorrected_step,
]
