"""The exercises of chapter 11, generation."""

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import behind, gradients
from tantra.check.slips import given, largest, mean, normalised, total

ROWS = ((), (3,), (2, 3))  # one row, and one or two axes of rows


def _cut(p, count):
    """The count likeliest, the earlier of equals, shared out anew; count is a number or a row's."""
    order = np.argsort(-p, axis=-1, stable=True)
    ranks = np.argsort(order, axis=-1, stable=True)
    kept = np.where(ranks < count, p, 0)
    return normalised(kept)


def _reached(p):
    """What the likeliest have together, one by one more."""
    return np.cumsum(-np.sort(-p, axis=-1), axis=-1)


def _top_p(p, threshold):
    return _cut(p, total(_reached(p) < threshold) + 1)


def _top_p_in_order(p, threshold):
    """The first tokens of the vocabulary, not the likeliest."""
    kept = np.where(np.cumsum(p, axis=-1) - p < threshold, p, 0)
    return normalised(kept)


def _top_p_where(in_reach):
    """The tokens for which in_reach(sum up to them, threshold) is True; there may be none."""

    def top_p(p, threshold):
        order = np.argsort(-p, axis=-1, stable=True)
        kept = np.where(in_reach(_reached(p), threshold), -np.sort(-p, axis=-1), 0)
        kept = np.take_along_axis(kept, np.argsort(order, axis=-1), -1)
        return normalised(kept)

    return top_p


def _top_p_rising(p, threshold):
    rising = np.sort(p, axis=-1)
    count = total(np.cumsum(rising, axis=-1) < threshold)
    least = np.take_along_axis(rising, np.minimum(count, p.shape[-1] - 1), axis=-1)
    return _kept_where(p, p >= least)


def _top_p_of_columns(p, threshold):
    falling = -np.sort(-p, axis=0)
    count = total(np.cumsum(falling, axis=0) < threshold, axis=0)
    least = np.take_along_axis(falling, np.minimum(count, len(p) - 1), axis=0)
    return _kept_where(p, p >= least)


def _top_p_by_tokens(p, threshold):
    count = total(_reached(p) < threshold) + 1
    return _kept_where(p, np.argsort(-p, axis=-1, stable=True) < count)


def _kept_where(p, kept):
    kept = np.where(kept, p, 0)
    return normalised(kept)


def _top_p_of_chapter_11(p, threshold):
    """Version 2 of the chapter, for one row."""
    count = int((np.cumsum(np.sort(p)[::-1]) < threshold).sum()) + 1
    kept = np.zeros_like(p)
    order = np.argsort(-p, stable=True)[:count]
    kept[order] = p[order]
    return kept / kept.sum()


def _top_p_of_reversed_rows(p, threshold):
    return _cut(p, total(np.cumsum(np.sort(p)[::-1], axis=-1) < threshold) + 1)


def _top_p_by_one_sum(p, threshold):
    """One sum for all rows."""
    kept = _top_p_not_shared(p, threshold)
    return kept / kept.sum()


def _top_p_sorted_mask(p, threshold):
    """The mask of the sorted probabilities, laid on the probabilities in their own order."""
    kept = np.where(_reached(p) + np.sort(-p, axis=-1) < threshold, p, 0)
    return normalised(kept)


def _top_p_not_shared(p, threshold):
    return np.where(_top_p(p, threshold) > 0, p, 0)


def _top_p_by_softmax(p, threshold):
    kept = _top_p(p, threshold) > 0
    e = np.where(kept, np.exp(p), 0)
    return normalised(e)


def _top_p_by_softmax_of_zeros(p, threshold):
    return tantra.softmax(_top_p_not_shared(p, threshold))


def _top_p_in_a_loop(p, threshold):
    """Row by row of one table; other numbers of axes do not fit."""
    new = np.zeros_like(p)
    for i in range(len(p)):
        total = 0
        for j in np.argsort(-p[i]):
            new[i, j] = p[i, j]
            total += p[i, j]
            if total >= threshold:
                break
        new[i] /= new[i].sum()
    return new


def _top_p_of_first_row(p, threshold):
    rows = p.reshape(-1, p.shape[-1])
    return _cut(p, (_reached(rows[0]) < threshold).sum() + 1)


def _probabilities(rng, *shape):
    p = rng.random(shape) ** 3
    return normalised(p)


def _draw_probabilities(rng):
    return _probabilities(rng, *ROWS[rng.integers(3)], 7), float(rng.uniform(0.3, 0.95))


top_p = Exercise(
    name="top_p",
    kind="implement",
    asks="Keep the fewest probabilities that together reach threshold, and divide them by their "
    "sum.",
    reference=_top_p,
    cases={
        "in another order": (np.array([0.05, 0.1, 0.2, 0.5, 0.15]), 0.6),
        "five probabilities, 0.8": (np.array([0.5, 0.2, 0.15, 0.1, 0.05]), 0.8),
        "one is enough": (np.array([0.02, 0.9, 0.08]), 0.85),
        "two rows": (np.array([[0.1, 0.7, 0.15, 0.05], [0.3, 0.28, 0.22, 0.2]]), 0.6),
        "nearly all": (np.array([0.25, 0.15, 0.4, 0.2]), 0.99),
        "the sum is threshold itself": (np.array([0.25, 0.0625, 0.5, 0.1875]), 0.75),
        "two axes in front": (
            np.array([[[0.1, 0.6, 0.25, 0.05]], [[0.4, 0.05, 0.2, 0.35]], [[0.1, 0.2, 0.3, 0.4]]]),
            0.55,
        ),
    },
    draw=_draw_probabilities,
    mistakes={
        "one too many where the sum is threshold itself, for it has been reached then: count the "
        "sums that are still below threshold, with < and not <=.": lambda p, threshold: _cut(
            p, total(_reached(p) <= threshold) + 1
        ),
        "right for one row; with axes in front [::-1] reverses, p[order] picks and "
        "np.cumsum(p) adds along other axes: [..., ::-1], np.take_along_axis(p, order, "
        "-1), axis=-1 everywhere.": (_top_p_of_chapter_11),
        "right for one row; with axes in front [::-1] reverses the rows: [..., ::-1].": (
            _top_p_of_reversed_rows
        ),
        "that compares each probability with the largest; add them up, the likeliest first, "
        "instead.": (lambda p, threshold: _kept_where(p, p >= threshold * largest(p))),
        "that keeps each probability of at least 1 - threshold; add them up, the likeliest first, "
        "instead.": lambda p, threshold: _kept_where(p, p >= 1 - threshold),
        "only the likeliest is kept; keep them until together they reach threshold.": (
            lambda p, threshold: _cut(p, 1)
        ),
        "one too few: the token that reaches the threshold is kept too.": lambda p, threshold: _cut(
            p, np.maximum(total(_reached(p) < threshold), 1)
        ),
        "the token with which the sum reaches threshold is left out, and where one token is "
        "enough, nothing is left: keep it too.": _top_p_where(
            lambda reached, threshold: reached < threshold
        ),
        "the token with which the sum passes threshold is left out, and where one token is enough, "
        "nothing is left: keep it too.": _top_p_where(
            lambda reached, threshold: reached <= threshold
        ),
        "one too many: stop with the token that reaches threshold.": lambda p, threshold: _cut(
            p, total(_reached(p) < threshold) + 2
        ),
        "the likeliest go first: sort the probabilities before you add them up.": _top_p_in_order,
        "the kept probabilities no longer sum to 1: divide each row by its sum.": _top_p_not_shared,
        "they are probabilities already: divide by their sum; softmax would change their ratios.": (
            _top_p_by_softmax
        ),
        "that keeps each probability of at least threshold; add them up, the likeliest first, "
        "instead.": lambda p, threshold: _kept_where(p, p >= threshold),
        "the least likely are kept: reverse the order.": lambda p, threshold: _cut(
            -p, total(np.cumsum(np.sort(p, axis=-1), axis=-1) < threshold) + 1
        ),
        "the sum runs from the least likely, and cuts too few or too many: the likeliest first.": (
            _top_p_rising
        ),
        "the likeliest go first: sort the probabilities before you add them up, and keep the one "
        "too with which the sum reaches threshold.": lambda p, threshold: _kept_where(
            p, np.cumsum(p, axis=-1) <= threshold
        ),
        "the kept ones get equal parts; each keeps its own probability, divided by their sum.": (
            lambda p, threshold: _kept_where(np.ones_like(p), _top_p(p, threshold) > 0)
        ),
        "right for one row; with axes in front axis=0 goes from row to row: axis=-1.": (
            _top_p_of_columns
        ),
        "np.argsort(-p) holds the tokens, the likeliest first, and not the rank of each: "
        "np.argsort(np.argsort(-p)) holds the ranks.": _top_p_by_tokens,
        "the first row's count is used for all rows: each has its own, with axis=-1 in np.cumsum "
        "and axis=-1, keepdims=True where you count.": (_top_p_of_first_row),
        "the probabilities come back in sorted order; each must stay with its own token.": (
            lambda p, threshold: -np.sort(-_top_p(p, threshold), axis=-1)
        ),
        "each row is divided by the sum of all rows: sum over axis=-1, with keepdims=True.": (
            _top_p_by_one_sum
        ),
        "the mask is in sorted order, the probabilities are not: bring it back to the tokens' "
        "order.": _top_p_sorted_mask,
        "together the kept probabilities may pass threshold: divide by their own sum, not by "
        "threshold.": lambda p, threshold: _top_p_not_shared(p, threshold) / threshold,
        "nothing is cut: what is past the threshold gets 0.": lambda p, threshold: p,
        "the largest count of all rows is used for each: every row has its own, axis=-1 with "
        "keepdims=True.": lambda p, threshold: _cut(
            p, (_reached(p) < threshold).sum(axis=-1).max() + 1
        ),
        "e to the power 0 is 1, so softmax gives what was cut a probability again, and changes the "
        "ratios: divide by the row's sum.": _top_p_by_softmax_of_zeros,
        "that fits the rows of one table, and the dots may be no axis or more: "
        "p.reshape(-1, p.shape[-1]) makes one table of any.": _top_p_in_a_loop,
        "two things: the mask is in sorted order, the probabilities are not, so bring it back to "
        "the tokens' order; and keep the token too with which the sum reaches threshold.": (
            lambda p, threshold: _kept_where(
                p, np.cumsum(-np.sort(-p, axis=-1), axis=-1) <= threshold
            )
        ),
    },
    rtol=1e-10,
    atol=1e-13,
    hints=(
        "np.sort(p)[..., ::-1] has the likeliest first; np.cumsum along the last axis adds up.",
        "Count the sums that are still below threshold, and keep one token more than that.",
        "The rank of each token is np.argsort(np.argsort(-p)); keep those with a rank below the "
        "count, set the others to 0, and divide by the row's sum.",
    ),
)


def _softmax(scores):
    return tantra.softmax(scores, axis=-1)


def _scores(q, keys):
    """q (H, K)   keys (H, S, K)  ->  (H, S)"""
    return (keys @ q[..., None])[..., 0]


def _means(weights, values):
    """weights (H, S)   values (H, S, D)  ->  (H, D)"""
    return (weights[:, None] @ values)[:, 0]


def _width(q, v, length, filled):
    return q.shape[-1]


def _step(
    place=lambda filled, length: filled,
    end=lambda filled, length: filled + 1,
    under_the_root=_width,
):
    """A cached step: where it writes, how far it looks, and the root of what it divides by."""

    def step(q, k, v, k_buffer, v_buffer, filled):
        length = k_buffer.shape[1]
        at, upto = place(filled, length), end(filled, length)
        k_buffer[:, at], v_buffer[:, at] = k, v
        scores = _scores(q, k_buffer[:, :upto]) / np.sqrt(under_the_root(q, v, length, filled))
        return _means(_softmax(scores), v_buffer[:, :upto])

    return step


def _answering(answer):
    """A step that writes what it should, and gives answer(q, keys, values) of what is there."""

    def step(q, k, v, k_buffer, v_buffer, filled):
        k_buffer[:, filled], v_buffer[:, filled] = k, v
        return answer(q, k_buffer[:, : filled + 1], v_buffer[:, : filled + 1])

    return step


def _weights(q, keys):
    return _softmax(_scores(q, keys) / np.sqrt(q.shape[-1]))


def _with_buffers(attempt, q, k, v, k_buffer, v_buffer, filled):
    """What a step returns, and the buffers after it."""
    buffers = k_buffer.copy(), v_buffer.copy()
    return attempt(q, k, v, *buffers, filled), *buffers


def _late(q, k, v, k_buffer, v_buffer, filled):
    """Ask first, write then."""
    k_old, v_old = k_buffer[:, : filled + 1].copy(), v_buffer[:, : filled + 1].copy()
    k_buffer[:, filled], v_buffer[:, filled] = k, v
    return _means(_weights(q, k_old), v_old)


def _values_late(q, k, v, k_buffer, v_buffer, filled):
    """The newest key is asked, and its value is not there yet."""
    v_old = v_buffer.copy()
    k_buffer[:, filled], v_buffer[:, filled] = k, v
    return _means(_weights(q, k_buffer[:, : filled + 1]), v_old[:, : filled + 1])


def _keys_only(q, k, v, k_buffer, v_buffer, filled):
    k_buffer[:, filled] = k
    return _means(_weights(q, k_buffer[:, : filled + 1]), v_buffer[:, : filled + 1])


def _emptied(q, k, v, k_buffer, v_buffer, filled):
    """Right, but the places after the newest are set to 0."""
    k_buffer[:, filled + 1 :], v_buffer[:, filled + 1 :] = 0, 0
    return _step()(q, k, v, k_buffer, v_buffer, filled)


def _whole_buffer(score_of_empty):
    """All places are asked, and those that are empty get this score."""

    def step(q, k, v, k_buffer, v_buffer, filled):
        k_buffer[:, filled], v_buffer[:, filled] = k, v
        used = np.arange(k_buffer.shape[1]) <= filled
        scores = _scores(q, k_buffer) / np.sqrt(q.shape[-1])
        return _means(_softmax(np.where(used, scores, score_of_empty)), v_buffer)

    return step


def _beside(q, k, v, k_buffer, v_buffer, filled):
    """Right, but the buffers stay as they were."""
    return _step()(q, k, v, k_buffer.copy(), v_buffer.copy(), filled)


def _first_head_asks(q, keys, values):
    return _means(_weights(np.broadcast_to(q[0], q.shape), keys), values)


def _over_heads(q, keys, values):
    return _means(tantra.softmax(_scores(q, keys) / np.sqrt(q.shape[-1]), axis=0), values)


def _one_softmax(q, keys, values):
    scores = _scores(q, keys) / np.sqrt(q.shape[-1])
    return _means(_softmax(scores.reshape(-1)).reshape(scores.shape), values)


def _buffers(rng, heads, length, width, filled, value_width, empty=None):
    """What a step is given; the places from filled on hold `empty`, or what was there before."""
    widths = width, width, value_width
    q, k, v = (rng.standard_normal((heads, one)).round(1) for one in widths)
    k_buffer, v_buffer = (rng.standard_normal((heads, length, one)).round(1) for one in widths[1:])
    if empty is not None:
        k_buffer[:, filled:], v_buffer[:, filled:] = empty, empty
    return q, k, v, k_buffer, v_buffer, filled


def _draw_buffers(rng):
    return _buffers(rng, 2, 7, 4, int(rng.integers(1, 7)), 3, [None, 0.0, np.nan][rng.integers(3)])


cached_step = Exercise(
    name="cached_step",
    kind="implement",
    asks="Write the newest key and value of each head into the buffers, and attend to all there.",
    reference=_step(),
    cases={
        "the first position": _buffers(np.random.default_rng(0), 2, 3, 5, 0, 4),
        "two are there": _buffers(np.random.default_rng(1), 2, 5, 3, 2, 1),
        "the last free place": _buffers(np.random.default_rng(2), 2, 3, 5, 2, 4),
        "the first position of a buffer of zeros": _buffers(
            np.random.default_rng(3), 3, 4, 2, 0, 1, 0.0
        ),
        "nan where nothing was written": _buffers(np.random.default_rng(4), 2, 5, 3, 2, 1, np.nan),
    },
    draw=_draw_buffers,
    call=_with_buffers,
    results=("what the queries get", "k_buffer", "v_buffer"),
    rtol=1e-9,
    atol=1e-12,
    mistakes={
        "the root of the number of heads is divided by; it is the root of a head's width: "
        "q.shape[-1].": _step(under_the_root=lambda q, *_: len(q)),
        "the root of all heads' width together is divided by; it is the root of one head's: "
        "q.shape[-1].": _step(under_the_root=lambda q, *_: q.size),
        "softmax runs over the heads: each head's weights sum to 1 over the places, axis=-1.": (
            _answering(_over_heads)
        ),
        "one softmax is taken for all heads together: each head has its own, over axis=-1.": (
            _answering(_one_softmax)
        ),
        "the first head's query asks in every head: each has its own, q[:, None].": (
            _answering(_first_head_asks)
        ),
        "each head's query meets the keys of all heads: q[:, None] is (H, 1, K), so that it meets "
        "its own.": _answering(lambda q, k, v: _softmax(q @ k.mT / np.sqrt(q.shape[-1])) @ v),
        "the heads are added up: each head gets its own row of D numbers.": _answering(
            lambda q, k, v: total(_means(_weights(q, k), v), axis=0)[0]
        ),
        "the scores of the empty places are -inf, but 0 times what lies there may be nan: leave "
        "the places out, [:, : filled + 1].": _whole_buffer(-np.inf),
        "the newest key is asked while its value is not yet written: write both first.": (
            _values_late
        ),
        "the scores are multiplied by the root of the width: divide by it.": _step(
            under_the_root=lambda q, *_: 1 / q.shape[-1]
        ),
        "the root of the number of keys is divided by; it is the root of their width: "
        "q.shape[-1].": _step(under_the_root=lambda q, v, length, filled: filled + 1),
        "the root of N is divided by, the length of the buffer; it is that of the width: "
        "q.shape[-1].": _step(under_the_root=lambda q, v, length, filled: length),
        "those are the plain averages of the values: weigh each by its weight.": _step(
            under_the_root=lambda *_: np.inf
        ),
        "you ask before you write: the newest position looks at itself as well.": _late,
        "the value is not written: both buffers get their newest row.": _keys_only,
        "the answer is right, but the buffers stay as they were: write k_buffer[:, filled] = "
        "k.": _beside,
        "the whole buffer is asked; the places after the newest hold nothing yet: [:, : "
        "filled + 1].": (_step(end=lambda filled, length: length)),
        "[:, : filled] leaves the newest place out, and at the first position nothing is left: "
        "[:, : filled + 1].": _step(end=lambda filled, length: filled),
        "only the newest key is asked: all of [:, : filled + 1].": _answering(
            lambda q, k, v: v[:, -1].copy()
        ),
        "it is written one place too late: the first free place is filled, counted from 0.": (
            _step(place=lambda filled, length: min(filled + 1, length - 1))
        ),
        "it is written one place too early, over what is there: the first free place is filled.": (
            _step(place=lambda filled, length: filled - 1)
        ),
        "divide the scores by the root of the key's width.": _step(under_the_root=lambda *_: 1.0),
        "the width of a key is divided by, not its root.": _step(
            under_the_root=lambda q, *_: q.shape[-1] ** 2
        ),
        "the root of the value's width is divided by; the scores come from keys: q.shape[-1].": (
            _step(under_the_root=lambda q, v, *_: v.shape[-1])
        ),
        "the scores are divided by the root of K before softmax, not the weights after it.": (
            _answering(lambda q, k, v: _means(_softmax(_scores(q, k)) / np.sqrt(q.shape[-1]), v))
        ),
        "it is written into the last place of the buffer; the first free one is number filled.": (
            _step(place=lambda filled, length: length - 1)
        ),
        "it is written into the first place, over what is there: the first free one is filled.": (
            _step(place=lambda filled, length: 0)
        ),
        "it is written one place too late, and that place is asked too: the first free place is "
        "filled, and [:, : filled + 1] ends there.": _step(
            place=lambda filled, length: filled + 1, end=lambda filled, length: filled + 2
        ),
        "those are the weights; what a query gets is their product with the values.": (
            _answering(lambda q, k, v: _weights(q, k))
        ),
        "each head gets one row of D numbers: the axis of length 1 is too much, [:, 0].": (
            lambda *args: _step()(*args)[:, None]
        ),
        "scores are not yet weights: take softmax of them first.": _answering(
            lambda q, k, v: _means(_scores(q, k) / np.sqrt(q.shape[-1]), v)
        ),
        "the newest key asks in place of the query: q meets k_buffer[:, : filled + 1].": given(
            _step(), 1, 1, 2, 3, 4, 5
        ),
        "a score of 0 still gets a weight: leave the empty places out, [:, : filled + 1].": (
            _whole_buffer(0)
        ),
        "it is written over the newest of those that are there, and [:, : filled] ends there: the "
        "first free place is number filled, and [:, : filled + 1] ends with it.": _step(
            place=lambda filled, length: filled - 1, end=lambda filled, length: filled
        ),
        "the keys are averaged: the weights average the values, v_buffer[:, : filled + 1].": (
            _answering(lambda q, k, v: _means(_weights(q, k), k))
        ),
        "the answer is right, but the places after the newest are set to 0: write one place only, "
        "and leave the others out, [:, : filled + 1].": _emptied,
    },
    hints=(
        "Heads come first, so place filled of each is k_buffer[:, filled]; write k and v there.",
        "After that the places 0 to filled are in use: k_buffer[:, : filled + 1], (H, S, K).",
        "q[:, None] is (H, 1, K): its product with keys.swapaxes(-1, -2) is (H, 1, S). Divide by "
        "the root of K, softmax, @ values, and take the axis of length 1 away.",
    ),
)


def _penalised(logits, seen, penalty):
    return np.where(seen, np.where(logits > 0, logits / penalty, logits * penalty), logits)


def _draw_scores(rng):
    (logits,) = behind(rng, (5,), fronts=ROWS)
    return logits, rng.random(logits.shape) < 0.6, float(rng.uniform(1.1, 3))


def _chosen_by_products(logits, seen, penalty):
    lowered = np.where(logits > 0, logits / penalty, logits * penalty)
    return seen * lowered + (1 - seen) * logits


def _shifted(logits, seen, penalty):
    least = logits.min(axis=-1, keepdims=True)
    return np.where(seen, (logits - least) / penalty + least, logits)


def _probabilities_lowered(logits, seen, penalty):
    p = tantra.softmax(logits)
    return np.log(np.where(seen, p / penalty, p))


discourage = Exercise(
    name="discourage",
    kind="hunt",
    asks="Lower the score of every token that was seen, whatever its sign.",
    reference=_penalised,
    given=lambda logits, seen, penalty: np.where(seen, logits / penalty, logits),
    cases={
        "four scores": (
            np.array([2.0, -2.0, 1.0, -1.0]),
            np.array([True, True, False, False]),
            2.0,
        ),
        "all seen": (np.array([3.0, -0.5, 0.0]), np.array([True, True, True]), 1.5),
        "two rows": (
            np.array([[1.0, -1.0, 4.0], [-3.0, 2.0, 0.5]]),
            np.array([[False, True, True], [True, False, True]]),
            1.2,
        ),
        "two axes in front": (
            np.array([[[1.0, -2.0, 0.5, -1.5], [3.0, -0.5, -2.0, 2.0]]]),
            np.array([[[True, True, False, False], [False, True, True, True]]]),
            3.0,
        ),
        "a token that cannot come": (
            np.array([-np.inf, 1.0, -4.0]),
            np.array([True, True, False]),
            2.0,
        ),
    },
    draw=_draw_scores,
    rtol=1e-10,
    atol=1e-13,
    mistakes={
        "subtracting the logarithm of the penalty lowers as well, but by another rule: divide "
        "above 0, multiply below it.": lambda logits, seen, penalty: np.where(
            seen, logits - np.log(penalty), logits
        ),
        "below 0 that is right, and above 0 it is another rule: divide there.": (
            lambda logits, seen, penalty: np.where(
                seen, logits - abs(logits) * (penalty - 1), logits
            )
        ),
        "above 0 that is right, and below 0 it is another rule: multiply there.": (
            lambda logits, seen, penalty: np.where(
                seen, logits - abs(logits) * (1 - 1 / penalty), logits
            )
        ),
        "tokens that were not seen change too: np.where(seen, lowered, logits) leaves them.": (
            lambda logits, seen, penalty: np.where(
                seen & (logits > 0), logits / penalty, logits * penalty
            )
        ),
        "a seen score above 0 turns negative, and one below 0 rises: divide above 0, multiply "
        "below it.": lambda logits, seen, penalty: np.where(seen, -abs(logits) / penalty, logits),
        "that mixes scores with log-probabilities: divide and multiply the scores themselves.": (
            lambda logits, seen, penalty: np.where(
                seen, tantra.log_softmax(logits) - np.log(penalty), logits
            )
        ),
        "seen is not used, and a score below 0 rises: np.where(seen, lowered, logits).": (
            lambda logits, seen, penalty: logits / penalty
        ),
        "the penalty falls on what is below 0 only: above 0 divide by it.": (
            lambda logits, seen, penalty: np.where(seen & (logits < 0), logits * penalty, logits)
        ),
        "a seen score above 0 turns negative: lowering it means dividing, with its sign kept.": (
            lambda logits, seen, penalty: np.where(seen, -abs(logits) * penalty, logits)
        ),
        "now a positive score rises: multiply the negative ones only, divide the positive ones.": (
            lambda logits, seen, penalty: np.where(seen, logits * penalty, logits)
        ),
        "the signs are the wrong way round: divide where the score is above 0.": (
            lambda logits, seen, penalty: np.where(
                seen, np.where(logits > 0, logits * penalty, logits / penalty), logits
            )
        ),
        "tokens that were not seen are lowered: they keep their score.": (
            lambda logits, seen, penalty: np.where(logits > 0, logits / penalty, logits * penalty)
        ),
        "it is the other ones that are lowered: np.where(seen, lowered, logits).": (
            lambda logits, seen, penalty: _penalised(logits, ~seen, penalty)
        ),
        "a seen token may still come: its score is lowered, not set to -inf.": (
            lambda logits, seen, penalty: np.where(seen, -np.inf, logits)
        ),
        "a score of 0 is no low score: where it was below 0 it has risen.": (
            lambda logits, seen, penalty: np.where(seen, 0.0, logits)
        ),
        "subtracting lowers as well, but by another rule: divide above 0, multiply below it.": (
            lambda logits, seen, penalty: np.where(seen, logits - penalty, logits)
        ),
        "with the sign taken away the order is lost: abs(logits) makes -2 the same as 2.": (
            lambda logits, seen, penalty: np.where(seen, abs(logits) / penalty, logits)
        ),
        "negative scores stay as they are: they must be lowered too, by multiplying.": (
            lambda logits, seen, penalty: np.where(seen & (logits > 0), logits / penalty, logits)
        ),
        "0 times -inf is nan: choose with np.where(seen, lowered, logits), and do not multiply by "
        "seen.": _chosen_by_products,
        "that takes penalty times the size away: divide above 0, multiply below it.": (
            lambda logits, seen, penalty: np.where(seen, logits - abs(logits) * penalty, logits)
        ),
        "lifting the scores above 0 first is another rule, and with a -inf it gives nan: divide "
        "and multiply the scores as they are.": _shifted,
        "a seen score below 0 turns positive: multiply by penalty, with its sign kept.": (
            lambda logits, seen, penalty: np.where(
                seen, np.where(logits > 0, logits / penalty, -logits * penalty), logits
            )
        ),
        "those are log-probabilities, and not the scores: divide and multiply logits, where seen, "
        "and leave the others as they are.": _probabilities_lowered,
    },
    hints=(
        "Divide -2 by 2: is -1 lower than -2?",
        "Above 0 dividing lowers; below 0 multiplying does.",
        "lowered = np.where(logits > 0, logits / penalty, logits * penalty).",
    ),
)


def _entropy_by_temperature(logits, temperature):
    """The derivative of the entropy by the temperature, from autograd."""

    def entropy(temperatures):
        log_p = torch.log_softmax(torch.as_tensor(logits) / temperatures[..., None], -1)
        return -(log_p.exp() * log_p).sum(-1)

    rows = logits.shape[:-1]
    return gradients(entropy, np.ones(rows), np.full(rows, temperature))[0]


def _draw_rows(rng):
    (logits,) = behind(rng, (5,), fronts=ROWS)
    return 2 * logits, float(rng.uniform(0.5, 2.0))


def _terms(logits, temperature):
    p = _softmax(logits / temperature)
    return p * (logits - total(p * logits)) ** 2 / temperature**3


def _unsummed(logits, temperature):
    p, z = _softmax(logits / temperature), logits / temperature
    return p * (z - total(p * z)) * z / temperature


def _unweighed(logits, temperature):
    p, z = _softmax(logits / temperature), logits / temperature
    return ((z - total(p * z)) ** 2).sum(axis=-1) / temperature


def _diagonal_alone(logits, temperature):
    p = _softmax(logits / temperature)
    return (p * (1 - p) * logits**2).sum(axis=-1) / temperature**3


def _undivided(logits, temperature):
    p, log_p = _softmax(logits / temperature), tantra.log_softmax(logits / temperature)
    return (p * (log_p + 1) * logits).sum(axis=-1) / temperature**2


def _variance(logits, temperature):
    p = _softmax(logits / temperature)
    mean = total(p * logits)
    return (p * (logits - mean) ** 2).sum(axis=-1)


entropy_slope = Exercise(
    name="entropy_slope",
    kind="derive",
    asks="The derivative of the entropy of softmax(logits / temperature) by the temperature.",
    reference=_entropy_by_temperature,
    cases={
        "three scores": (np.array([2.0, 1.0, 0.0]), 1.0),
        "equal scores": (np.array([1.0, 1.0, 1.0, 1.0]), 0.5),
        "two rows, hot": (np.array([[2.0, 0.0, -1.0], [0.5, 3.0, 0.5]]), 2.0),
        "large scores": (np.array([100.0, 101.0]), 0.7),
        "two axes in front": (np.array([[[1.0, 0.0, 2.0, -1.0]], [[0.5, 0.5, 3.0, 1.0]]]), 1.5),
    },
    draw=_draw_rows,
    mistakes={
        "the variance is a sum weighed by p, which sums to 1: do not divide by V as well.": (
            lambda logits, t: _terms(logits, t).mean(axis=-1)
        ),
        "only the diagonal, p (1 - p): each score moves the other probabilities of its row too.": (
            _diagonal_alone
        ),
        "that takes p_i for e^z_i: it is divided by Σ e^z, which changes with τ as well.": (
            _undivided
        ),
        "those are the parts of the row's slope, one for each score: add them up, over axis=-1.": (
            _unsummed
        ),
        "the axis of the scores is still there, with length 1: sum(axis=-1) without keepdims at "
        "the end.": lambda logits, t: _variance(logits, t)[..., None] / t**3,
        "that is the slope of log Σ e^z alone: Σ p z has one too, and in it p depends on τ.": (
            lambda logits, t: -(_softmax(logits / t) * logits).sum(axis=-1) / t**2
        ),
        "each square of z minus its mean counts with its probability: multiply by p before you "
        "add them up.": _unweighed,
        "the mean is the one under p too: each score counts with its probability.": (
            lambda logits, t: (
                (_softmax(logits / t) * (logits - mean(logits)) ** 2).sum(axis=-1) / t**3
            )
        ),
        "that is one term alone, with p held fixed: p depends on τ as well.": (
            lambda logits, t: (_softmax(logits / t) * logits).sum(axis=-1) / t**2
        ),
        "that is the slope by 1/τ: the one by τ has the factor -1/τ² besides.": (
            lambda logits, t: -_variance(logits, t) / t
        ),
        "that is the standard deviation, the root of the variance: no root is taken.": (
            lambda logits, t: np.sqrt(_variance(logits, t)) / t**2
        ),
        "that is a part for each score; a row's slope is their sum, over axis=-1.": _terms,
        "a factor is missing: this is the variance of the scores; what does 1/τ add to it?": (
            _variance
        ),
        "one 1/τ too few: the slope of x/τ by τ is -x/τ², and the entropy brings one more.": (
            lambda logits, t: _variance(logits, t) / t**2
        ),
        "two 1/τ too few: the slope of x/τ by τ is -x/τ², and the entropy brings one more.": (
            lambda logits, t: _variance(logits, t) / t
        ),
        "the sign is flipped: hotter is more even, so the entropy rises.": (
            lambda logits, t: -_variance(logits, t) / t**3
        ),
        "mean and variance are taken with the probabilities at this temperature, softmax(logits / "
        "τ).": lambda logits, t: _variance(logits, 1.0) / t**3,
        "each score counts with its probability: the variance under p, not the plain one.": (
            lambda logits, t: logits.var(axis=-1) / t**3
        ),
        "subtract the square of the mean: the variance is not the mean square.": (
            lambda logits, t: (_softmax(logits / t) * logits**2).sum(axis=-1) / t**3
        ),
        "one 1/τ too many: z brings one, squared in the variance, and dz/dτ one more.": (
            lambda logits, t: _variance(logits, t) / t**4
        ),
        "that is always 0. dH/dz_i = -p_i (log p_i + H) is not 0, but the sum over i is: multiply "
        "each by its dz_i/dτ before you add them up.": (lambda logits, t: 0 * _variance(logits, t)),
        "that is the entropy itself; its slope is asked.": lambda logits, t: (
            -(_softmax(logits / t) * tantra.log_softmax(logits / t)).sum(axis=-1)
        ),
        "one value a row: sum over axis=-1.": lambda logits, t: np.sum(_variance(logits, t)) / t**3,
        "the scores are divided by τ, not multiplied: z = logits / τ.": (
            lambda logits, t: _variance(logits * t, 1.0) / t
        ),
        "-log p - 1 is the slope by p, and each p depends on all z: "
        "dH/dz_i = -p_i (log p_i + H).": (
            lambda logits, t: ((tantra.log_softmax(logits / t) + 1) * logits).sum(axis=-1) / t**2
        ),
        "H is missing: dH/dz_i = -p_i (log p_i + H).": lambda logits, t: (
            (_softmax(logits / t) * tantra.log_softmax(logits / t) * logits).sum(axis=-1) / t**2
        ),
        "that is dH/dz, a number for each score: multiply each by dz/dτ = -z/τ, and add up over "
        "axis=-1.": lambda logits, t: (
            _softmax(logits / t) * (total(_softmax(logits / t) * logits) - logits) / t
        ),
        "two things: the sign is flipped, since hotter is more even and the entropy rises; and one "
        "1/τ is missing: dz/dτ is -z/τ.": lambda logits, t: -_variance(logits, t) / t**2,
    },
    hints=(
        "With z = logits / τ: log p = z - log Σ e^z, and the entropy is log Σ e^z - Σ p z.",
        "dH/dz_i = -p_i (z_i - Σ p z), and dz_i/dτ = -z_i / τ.",
        "So dH/dτ is the variance of z under p, divided by τ; and z = logits / τ.",
    ),
    rtol=1e-9,
    atol=1e-10,
)

# keys and values · layers · key heads · width of a head · positions · bytes of a number
BYTES = 2 * 24 * 5 * 64 * 512 * 4

cache_size = Prediction(
    name="cache_size",
    asks="Say how many bytes the cache of this model takes for one sequence.",
    answer=BYTES,
    mistakes={
        "half of it: keys and values are two arrays in each layer, and a number in float32 takes "
        "four bytes, not two.": BYTES // 2,
        "three times too much: only the 5 key heads are kept, not all 15; and a head is "
        "960 / 15 = 64 wide, not 960 / 5 = 192.": BYTES * 3,
        "half as much again: keys and values are two arrays, and no queries are kept; and of the "
        "15 heads only 5 are key heads.": BYTES // 2 * 3,
        "a quarter of it: those are the numbers, and a number in float32 takes four bytes.": (
            BYTES // 4
        ),
        "those are the numbers of 15 heads; 5 key heads are kept, and a number takes four bytes.": (
            BYTES // 4 * 3
        ),
        "twice too much: a number in float32 takes four bytes, not eight.": BYTES * 2,
        "two things: keys and values are two arrays; and a number takes four bytes.": BYTES // 8,
        "that is the cache of one layer; there are 24.": BYTES // 24,
        "that is one key head; there are 5.": BYTES // 5,
        "that is one position; there are 512.": BYTES // 512,
        "the width of a head is missing: 960 / 15 = 64 features.": BYTES // 64,
        "those are bits; a byte has eight.": BYTES * 8,
        "keys and values of 5 heads are kept, and of the 15 heads of queries none.": BYTES // 2 * 5,
        "a key head is 960 / 15 = 64 features wide, not 960.": BYTES * 15,
        "the key heads are 5, not 15, and each 960 / 15 = 64 wide, not 960.": BYTES * 45,
        "nine times too much: 5 key heads, not 15, and each 64 wide, not 192.": BYTES * 9,
        "those are megabytes; the bytes are asked.": BYTES / 1e6,
        "those are two to the power 20 of bytes; the bytes are asked.": BYTES // 2**20,
        "those are thousands of bytes; the bytes are asked.": BYTES // 1000,
        "those are 1024s of bytes; the bytes are asked.": BYTES // 1024,
        "3 is the number of query heads that share a key head; the key heads are 5.": BYTES
        // 5
        * 3,
        "those are megabytes, and rounded: the bytes are asked, all of them.": 31.46,
    },
    hints=(
        "Two arrays a layer, each with a row for every key head and position.",
        "A head is d_model / num_heads wide, however few the key heads are.",
        "2 · layers · key heads · width of a head · positions · bytes of a number.",
    ),
)

narrowest_beam = Prediction(
    name="narrowest_beam",
    kind="ablate",
    asks="The smallest width with which beams finds the best sentence of three words.",
    answer=4,
    mistakes={
        "width 1 is greedy: it takes a, the likeliest first word, and ends at 0.07.": 1,
        "with width 2 only a and b go on; d, with which the best sentence begins, is dropped.": 2,
        "with width 3 d, the fourth likeliest first word, is still dropped.": 3,
        "that width does find it, but a narrower one does too.": 5,
        "8 does find it, but a narrower one does too: try those below it.": 8,
        "6 does find it, but a narrower one does too: try those below it.": 6,
        "that is so wide that nothing is dropped; far fewer beams find the best.": 10_000,
        "with no beams nothing is kept: the smallest width is at least 1.": 0,
        "that is the number of sentences; far fewer beams find the best of them.": 19,
        "that is the number of words; count only the rivals beside which d must stay alive.": 7,
    },
    hints=(
        "First find the best sum of logarithms: beams so wide that nothing is dropped.",
        "Then call beams for each width from 1 on, and compare its best sum with that one.",
        "How many first words are likelier than the one with which the best sentence begins?",
    ),
)

EXERCISES = [top_p, cached_step, discourage, entropy_slope, cache_size, narrowest_beam]
