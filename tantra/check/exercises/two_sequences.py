"""The exercises of chapter 17, two sequences."""

import math

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, arrays, gradients
from tantra.two_sequences.bleu import bleu

PAD, BEGIN, END = 0, 1, 2

# 1. what the decoder is given, and what it should say


def _places(sentences):
    """The sentences with one column more, and where each row ends.  (B, T)  ->  (B, T + 1), (B,)"""
    longer = np.pad(sentences, ((0, 0), (0, 1)), constant_values=PAD)
    return longer, (sentences != PAD).sum(axis=-1)


def _wanted(sentences, end=END):
    wanted, lengths = _places(sentences)
    wanted[np.arange(len(wanted)), lengths] = end
    return wanted


def _goes_in(sentences, begin=BEGIN):
    return np.pad(sentences, ((0, 0), (1, 0)), constant_values=begin)


def _embedded(numbers, table, scale=True, first=0):
    D = table.shape[-1]
    waves = tantra.sinusoidal_positions(numbers.shape[-1] + first, D)[first:]
    return table[numbers] * (math.sqrt(D) if scale else 1.0) + waves


def _input(goes_in=_goes_in, wanted=_wanted, embed=_embedded):
    return lambda sentences, table: (embed(goes_in(sentences), table), wanted(sentences))


def _end_behind_padding(sentences):
    return np.pad(sentences, ((0, 0), (0, 1)), constant_values=END)


def _shifted_twice(sentences):
    wanted = np.roll(_wanted(sentences), -1, axis=-1)
    wanted[:, -1] = PAD
    return wanted


def _waves_scaled(numbers, table):
    D = table.shape[-1]
    return math.sqrt(D) * (table[numbers] + tantra.sinusoidal_positions(numbers.shape[-1], D))


def _no_places(numbers, table):
    return math.sqrt(table.shape[-1]) * table[numbers]


def _waves_but_at_padding(numbers, table):
    still = _no_places(numbers, table)
    return np.where((numbers != PAD)[..., None], _embedded(numbers, table), still)


def _draw_sentences(rng):
    sentences = rng.integers(3, 9, (int(rng.integers(2, 4)), int(rng.integers(4, 6))))
    lengths = rng.integers(1, sentences.shape[1] + 1, len(sentences))
    sentences[np.arange(sentences.shape[1]) >= lengths[:, None]] = PAD
    return sentences, rng.standard_normal((9, 8))


decoder_input = Exercise(
    name="decoder_input",
    kind="implement",
    asks="The vectors that enter the decoder, and the tokens that it should say.",
    reference=_input(),
    results=("x", "wanted"),
    cases={
        "one sentence": (np.array([[3, 4]]), array(5, 4)),
        "two of different length": (np.array([[5, 3, 4], [4, 0, 0]]), array(6, 4, seed=1)),
        "three, the longest last": (
            np.array([[3, 0, 0, 0], [4, 5, 0, 0], [6, 5, 4, 3]]),
            array(7, 2, seed=2),
        ),
    },
    draw=_draw_sentences,
    rtol=1e-10,
    atol=1e-12,
    mistakes={
        "the embeddings are not scaled: multiply the table's rows by √D, then add the positions.": (
            _input(embed=lambda numbers, table: _embedded(numbers, table, scale=False))
        ),
        "the positions are scaled as well: multiply the table's rows by √D first, then add them.": (
            _input(embed=_waves_scaled)
        ),
        "these are tokens; vectors enter the decoder: √D · table[tokens], and positions.": (
            lambda sentences, table: (_goes_in(sentences), _wanted(sentences))
        ),
        "padding gets positions as well: nothing is hidden here, the loss leaves it out.": _input(
            embed=_waves_but_at_padding
        ),
        "the positions are missing: add sinusoidal_positions(T + 1, D).": _input(embed=_no_places),
        "positions count from 0: the begin stands at 0.": _input(
            embed=lambda numbers, table: _embedded(numbers, table, first=1)
        ),
        "the targets are not shifted: what goes in is what is wanted, and a decoder learns to "
        "repeat. Put the begin in front of what goes in.": _input(goes_in=_wanted),
        "the targets are shifted twice: what is wanted begins with the first token of the "
        "sentence.": _input(wanted=_shifted_twice),
        "what is wanted begins with the begin: nobody should say it, and nothing is shifted.": (
            _input(wanted=_goes_in)
        ),
        "no begin token: the first place of what goes in is padding.": _input(
            goes_in=lambda sentences: _goes_in(sentences, begin=PAD)
        ),
        "the end stands in front of what goes in: a decoder starts from the begin, 1.": _input(
            goes_in=lambda sentences: _goes_in(sentences, begin=END)
        ),
        "no end token: behind each sentence it is wanted, or the decoder will never stop.": _input(
            wanted=lambda sentences: _places(sentences)[0]
        ),
        "the end stands behind the padding: put it right behind the last token of each row.": (
            _input(wanted=_end_behind_padding)
        ),
        "the begin stands where the end is wanted: 2 ends a sentence.": _input(
            wanted=lambda sentences: _wanted(sentences, end=BEGIN)
        ),
    },
    hints=(
        "Both have T + 1 columns: the begin is one more in front, the end one more behind.",
        "(sentences != 0).sum(-1) says where each row's end belongs.",
        "x = √D · table[goes_in] + sinusoidal_positions(T + 1, D).",
    ),
)


# 2. cross-attention


def _shown(lengths, S, least=0):
    return np.arange(S) < lengths[:, None, None] + least  # (B, 1, S)


def _cross(
    asks=lambda x, memory: x,
    answers=lambda x, memory: memory,
    gives=lambda x, memory: memory,
    mask=lambda lengths, T, S: _shown(lengths, S),
    scale=lambda K, D: math.sqrt(K),
    fill=-np.inf,
    axis=-1,
):
    def cross_attend(x, memory, lengths, w_q, w_k, w_v):
        q, k, v = asks(x, memory) @ w_q, answers(x, memory) @ w_k, gives(x, memory) @ w_v
        scores = q @ k.swapaxes(-1, -2) / scale(q.shape[-1], x.shape[-1])
        seen = mask(lengths, scores.shape[-2], scores.shape[-1])
        return tantra.softmax(np.where(seen, scores, fill), axis=axis) @ v

    return cross_attend


def _causal(lengths, T, S):
    return _shown(lengths, S) & (np.arange(T)[:, None] >= np.arange(S))


def _cut_after(x, memory, lengths, w_q, w_k, w_v):
    weights = tantra.softmax(x @ w_q @ (memory @ w_k).swapaxes(-1, -2) / math.sqrt(w_q.shape[-1]))
    return np.where(_shown(lengths, memory.shape[-2]), weights, 0) @ (memory @ w_v)


def _padding_alone(*args):
    with np.errstate(invalid="ignore"):
        return _cross(mask=lambda lengths, T, S: ~_shown(lengths, S))(*args)


def _memory_of_zeros(x, memory, lengths, w_q, w_k, w_v):
    rest = np.where(_shown(lengths, memory.shape[-2]).swapaxes(-1, -2), memory, 0.0)
    return _cross(mask=lambda lengths, T, S: True)(x, rest, lengths, w_q, w_k, w_v)


def _rows_cut(x, memory, lengths, w_q, w_k, w_v):
    out = _cross(mask=lambda lengths, T, S: True)(x, memory, lengths, w_q, w_k, w_v)
    return np.where(np.arange(x.shape[-2])[:, None] < lengths[:, None, None], out, 0)


def _pairs_of(rng, B, T, S, D, K, V):
    shapes = (B, T, D), (B, S, D), (D, K), (D, K), (D, V)
    x, memory, w_q, w_k, w_v = (rng.standard_normal(shape).round(1) for shape in shapes)
    lengths = rng.integers(1, S, B)
    lengths[0] = S
    return x, memory, lengths, w_q, w_k, w_v


cross_attend = Exercise(
    name="cross_attend",
    kind="implement",
    asks="What each place of the target takes from the sounds of its memory that are no padding.",
    reference=_cross(),
    cases={
        "one pair": _pairs_of(np.random.default_rng(0), 1, 2, 3, 4, 2, 3),
        "two pairs, one padded": _pairs_of(np.random.default_rng(1), 2, 4, 5, 3, 1, 2),
        "a long target": _pairs_of(np.random.default_rng(2), 1, 5, 2, 3, 4, 2),
    },
    draw=lambda rng: _pairs_of(rng, 2, int(rng.integers(7, 11)), 6, 5, 3, 4),
    rtol=1e-9,
    atol=1e-11,
    mistakes={
        "the target's causal mask lies on the memory: the source is known, and the first place may "
        "look at its last sound. Hide padding, and nothing else.": _cross(mask=_causal),
        "queries and keys come from the same side, the target; keys come from the memory.": (
            lambda x, memory, lengths, w_q, w_k, w_v: _self_scored(x, memory, w_q, w_k, w_v)
        ),
        "all three come from the memory: the target asks, so queries come from x.": _cross(
            asks=lambda x, memory: memory
        ),
        "queries come from the memory, keys and values from the target: it is the other way "
        "around.": _cross(
            asks=lambda x, memory: memory,
            answers=lambda x, memory: x,
            gives=lambda x, memory: x,
            mask=lambda lengths, T, S: True,
        ),
        "padding is hidden on rows, not on keys: rows are places of the target, and the mask is "
        "(B, 1, S), for the last axis.": _rows_cut,
        "nothing hides the padding: with lengths, the keys from lengths on get no weight.": _cross(
            mask=lambda lengths, T, S: True
        ),
        "one key too many: keys 0 to lengths - 1 are no padding, < and not <=.": _cross(
            mask=lambda lengths, T, S: _shown(lengths, S, least=1)
        ),
        "it is the padding that is seen, and the rest that is hidden: True is for keys below "
        "lengths.": _cross(mask=lambda lengths, T, S: ~_shown(lengths - (lengths == S), S)),
        "it is the padding that is seen, and a row without any has no key left: its softmax is "
        "nan. True is for keys below lengths.": _padding_alone,
        "the padding of the memory is set to 0: a key of zeros has a score of 0, and still gets "
        "weight. Mask the scores.": _memory_of_zeros,
        "a masked score of 0 still gets weight, for e to the power 0 is 1: use -inf.": _cross(
            fill=0.0
        ),
        "the weights of padding are cut after softmax, and the rest no longer sum to 1: mask the "
        "scores.": _cut_after,
        "the scores are not divided by √K.": _cross(scale=lambda K, D: 1.0),
        "the root is of K, the width of a query, not of D.": _cross(
            scale=lambda K, D: math.sqrt(D)
        ),
        "that divides by K: its root is meant.": _cross(scale=lambda K, D: K),
        "softmax runs over the target: each row of keys, axis=-1, sums to 1.": _cross(
            fill=-1e9, axis=-2
        ),
    },
    hints=(
        "q = x @ w_q is (B, T, K); k and v are made of memory, (B, S, ...).",
        "The mask is True where np.arange(S) < lengths[:, None, None]: (B, 1, S).",
        "weights = softmax(np.where(mask, q @ k.swapaxes(-1, -2) / √K, -inf)); weights @ v.",
    ),
)


def _self_scored(x, memory, w_q, w_k, w_v):
    """Weights among the target's own places, cut or filled to as many as the memory has."""
    weights = tantra.softmax(x @ w_q @ (x @ w_k).swapaxes(-1, -2) / math.sqrt(w_q.shape[-1]))
    return weights @ (x @ w_v)


# 3. the divergence from smoothed targets


def _soft(targets, V, smoothing, true, others, closed=True):
    q = np.full((*targets.shape, V), others(smoothing, V))
    np.put_along_axis(q, targets[..., None], true(smoothing, V), axis=-1)
    if closed:
        q[..., PAD] = 0.0
    return q


def _divergence(
    true=lambda a, V: 1 - a,
    others=lambda a, V: a / (V - 2),
    closed=True,
    counts=lambda targets: targets != PAD,
    entropy=True,
    mean=np.mean,
):
    def smoothed_divergence(logits, targets, smoothing):
        log_p = tantra.log_softmax(logits)
        q = _soft(targets, logits.shape[-1], smoothing, true, others, closed)
        kept = q > 0
        log_q = np.log(np.where(kept, q, 1.0)) if entropy else 0.0
        terms = np.where(kept, q * (log_q - np.where(kept, log_p, 0.0)), 0.0).sum(-1)
        return mean(terms[counts(targets)])

    return smoothed_divergence


def _not_left_out(log=np.log):
    """Terms with a target of 0 are multiplied like the others."""

    def smoothed_divergence(logits, targets, smoothing):
        V, log_p = logits.shape[-1], tantra.log_softmax(logits)
        q = _soft(targets, V, smoothing, lambda a, V: 1 - a, lambda a, V: a / (V - 2))
        with np.errstate(all="ignore"):
            return (q * (log(q) - log_p)).sum(-1)[targets != PAD].mean()

    return smoothed_divergence


def _unnormalized(logits, targets, smoothing):
    q = _soft(targets, logits.shape[-1], smoothing, lambda a, V: 1 - a, lambda a, V: a / (V - 2))
    terms = np.where(q > 0, q * np.log(np.where(q > 0, q, 1.0)), 0.0)
    terms = terms - np.where(q > 0, q * np.where(q > 0, logits, 0.0), 0.0)
    return terms.sum(-1)[targets != PAD].mean()


def _mean_over_vocabulary(logits, *rest):
    return _divergence()(logits, *rest) / logits.shape[-1]


def _divided_by_all(logits, targets, smoothing):
    return _divergence(mean=np.sum)(logits, targets, smoothing) / targets.size


def _mean_of_rows(logits, targets, smoothing):
    pairs = zip(logits, targets, strict=True)
    return np.mean([_divergence()(row, target, smoothing) for row, target in pairs])


def _reversed(logits, targets, smoothing):
    """Of the guess from the target, where the target is not 0."""
    log_p = tantra.log_softmax(logits)
    q = _soft(targets, logits.shape[-1], smoothing, lambda a, V: 1 - a, lambda a, V: a / (V - 2))
    kept = (q > 0) & np.isfinite(log_p)
    safe = np.where(kept, log_p, 0.0)
    terms = np.where(kept, np.exp(safe) * (safe - np.log(np.where(kept, q, 1.0))), 0.0)
    return terms.sum(-1)[targets != PAD].mean()


def _guesses(rng, B, T, V, smoothing=0.1, closed=False):
    logits, targets = rng.standard_normal((B, T, V)).round(1), rng.integers(1, V, (B, T))
    targets[-1, T - 1 :] = PAD
    if closed:
        logits[..., PAD] = -np.inf
    return logits, targets, smoothing


smoothed_divergence = Exercise(
    name="smoothed_divergence",
    kind="implement",
    asks="The mean divergence of guesses from smoothed targets, padding left out.",
    reference=_divergence(),
    cases={
        "two places": _guesses(np.random.default_rng(0), 1, 2, 4),
        "two rows": _guesses(np.random.default_rng(1), 2, 3, 5, 0.2),
        "padding cannot come": _guesses(np.random.default_rng(2), 2, 2, 6, 0.1, closed=True),
    },
    draw=lambda rng: _guesses(rng, 3, 4, 7, float(rng.uniform(0.05, 0.4)), closed=True),
    rtol=1e-9,
    atol=1e-11,
    mistakes={
        "0 times the logarithm of 0 is nan: leave out the terms with a target of 0, before you "
        "multiply.": _not_left_out(),
        "a small number inside the logarithm moves every term, and 0 · ln p is still nan where "
        "ln p is -∞: leave the term out.": _not_left_out(log=lambda q: np.log(q + 1e-9)),
        "where ln p is -∞, 0 · ln p is nan: a small number inside the other logarithm does not "
        "help, leave the term out.": _not_left_out(log=lambda q: np.log(q + 1e-13)),
        "two slips: the floor is still in it, with no q · ln q, and 0 · ln p is nan where ln p is "
        "-∞.": _not_left_out(log=lambda q: 0.0),
        "logits are not ln p: take log_softmax first.": _unnormalized,
        "that is a mean over the vocabulary too: sum over V, and take the mean over places.": (
            _mean_over_vocabulary
        ),
        "that is the smoothing of the chapter, over all V: here padding gets nothing, and the true "
        "token 1 - smoothing.": _divergence(
            true=lambda a, V: 1 - a + a / V, others=lambda a, V: a / V, closed=False
        ),
        "padding gets a share: set its column of q to 0, and share among V - 2.": _divergence(
            others=lambda a, V: a / (V - 1), closed=False
        ),
        "padded places count in the mean: take out the places whose target is 0.": _divergence(
            counts=lambda targets: np.ones(targets.shape, bool)
        ),
        "the padded places are left out of the sum, but the sum is divided by all places: divide "
        "by those that count.": _divided_by_all,
        "the floor is still in it: subtract the entropy, with q · ln q beside q · ln p.": (
            _divergence(entropy=False)
        ),
        "the rest is spread over V - 1 tokens: padding gets nothing, so there are V - 2 others.": (
            _divergence(others=lambda a, V: a / (V - 1))
        ),
        "the rest is spread over V: there are V - 2 tokens that are neither true nor padding.": (
            _divergence(others=lambda a, V: a / V)
        ),
        "the true token gets 1 - smoothing here, and no part of what is spread.": _divergence(
            true=lambda a, V: 1 - a + a / (V - 2)
        ),
        "the targets are not smoothed: the others get smoothing / (V - 2) each.": _divergence(
            true=lambda a, V: 1.0, others=lambda a, V: 0.0
        ),
        "that is the sum over all places; the mean is asked.": _divergence(mean=np.sum),
        "a mean of the rows' means: short rows would weigh as much as long ones.": _mean_of_rows,
        "the divergence is the wrong way around: the weights are q, the target, not the guess.": (
            _reversed
        ),
        "the sign is flipped: q · (ln q - ln p) is the divergence, never below 0.": (
            lambda *args: -_divergence()(*args)
        ),
    },
    hints=(
        "q is 1 - smoothing at the true token, 0 at padding, smoothing / (V - 2) elsewhere.",
        "log_p = log_softmax(logits); use np.where so that a 0 in q never meets a logarithm.",
        "Sum q · (ln q - ln p) over the last axis, and take the mean where targets != 0.",
    ),
)


# 4. a loop that does not stop


def _write(start=(BEGIN,), stop=END, row=-1, keep=slice(1, None), end=False, extra=0):
    def write(scores, most):
        target = list(start)
        for _ in range(most + extra):
            token = int(np.argmax(scores(np.array(target))[row]))
            if token == stop:
                return [*target, token][keep] if end else target[keep]
            target.append(token)
        return target[keep]

    return write


def _by_table(attempt, table, most):
    """Scores that depend on the token and on how many stood before it, as a decoder's do."""
    shifts = np.arange(64)[:, None] * np.linspace(0, 0.01, table.shape[-1])
    return np.asarray(attempt(lambda target: table[target] + shifts[: len(target)], most))


def _table(rng, V):
    """A row of scores for each token, so that one path leads from the begin to the end."""
    table, path = rng.random((V, V + 1)).round(1), [BEGIN, *rng.permutation(np.arange(3, V)), END]
    table[:, V] = -1.0  # a column that no row stands for
    table[path[:-1], path[1:]] = 3.0
    table[END, PAD], table[PAD, 3] = 3.0, 3.0
    return table


write_greedily = Exercise(
    name="write_greedily",
    kind="hunt",
    asks="The likeliest tokens, one after the other, from behind the begin up to the end.",
    reference=_write(),
    given=_write(stop=None),
    call=_by_table,
    cases={
        "one token": (_table(np.random.default_rng(0), 4), 7),
        "two tokens": (_table(np.random.default_rng(1), 5), 6),
        "no place for the end": (_table(np.random.default_rng(2), 5), 1),
        "no place at all": (_table(np.random.default_rng(3), 5), 0),
    },
    draw=lambda rng: (_table(rng, 9), int(rng.integers(3, 12))),
    mistakes={
        "the end is given back with the answer: it ends the sentence and is no part of it.": (
            _write(end=True)
        ),
        "the begin is given back with the answer: leave it out.": _write(keep=slice(None)),
        "no begin token: the target starts with padding, and the decoder never learned to go on "
        "from that.": _write(start=(PAD,)),
        "the target starts with the end, 2; it starts with the begin, 1.": _write(start=(END,)),
        "the first row is about the first token alone: the next one stands in the last row.": (
            _write(row=0)
        ),
        "one token too many: at most `most` tokens are asked.": _write(extra=1),
        "nothing asks for `most`: a decoder that does not end would write for ever.": _write(
            extra=40
        ),
        "one token too few: `most` tokens may be written.": _write(extra=-1),
    },
    hints=(
        "Print the answer: what stands in it from the end token on?",
        "The loop knows only `most`. What should it do when the token is 2?",
        "if token == END: break, before the token is appended.",
    ),
)


# 5. the gradient by the memory


def _attend(memory, q, w_k, w_v):
    scores = q @ (memory @ w_k).mT / math.sqrt(q.shape[-1])
    return torch.softmax(scores, -1) @ (memory @ w_v)


def _by_memory(g, memory, q, w_k, w_v):
    tensors = (torch.as_tensor(x) for x in (q, w_k, w_v))
    q, w_k, w_v = tensors
    return gradients(lambda memory: _attend(memory, q, w_k, w_v), g, memory)[0]


def _memory_by_hand(values=1, keys=1, centred=True, root=True, once=True, axis=-1):
    def memory_gradient(g, memory, q, w_k, w_v):
        scale = math.sqrt(q.shape[-1]) if root else 1.0
        weights = tantra.softmax(q @ (memory @ w_k).T / math.sqrt(q.shape[-1]))
        by_weights = g @ (memory @ w_v).T
        inner = (by_weights * weights).sum(axis, keepdims=True) if centred else 0.0
        by_scores = (weights if once else 1.0) * (by_weights - inner)
        through_keys = by_scores.T @ q / scale @ w_k.T
        return values * weights.T @ g @ w_v.T + keys * through_keys

    return memory_gradient


def _centred_by_mean(g, memory, q, w_k, w_v):
    weights = tantra.softmax(q @ (memory @ w_k).T / math.sqrt(q.shape[-1]))
    by_weights = g @ (memory @ w_v).T
    by_scores = weights * (by_weights - by_weights.mean(-1, keepdims=True))
    return weights.T @ g @ w_v.T + by_scores.T @ q / math.sqrt(q.shape[-1]) @ w_k.T


def _draw_attended(rng):
    T, S, D, K, V = int(rng.integers(7, 10)), 4, 5, 3, 6
    shapes = (T, V), (S, D), (T, K), (D, K), (D, V)
    return tuple(rng.standard_normal(shape) for shape in shapes)


memory_gradient = Exercise(
    name="memory_gradient",
    kind="derive",
    asks="The gradient by the memory of what cross-attention gives.",
    reference=_by_memory,
    cases={
        "one query": arrays((1, 2), (3, 4), (1, 2), (4, 2), (4, 2)),
        "two queries": arrays((2, 3), (4, 3), (2, 2), (3, 2), (3, 3), seed=1),
        "more queries than sounds": arrays((5, 2), (2, 3), (5, 4), (3, 4), (3, 2), seed=2),
    },
    draw=_draw_attended,
    rtol=1e-8,
    atol=1e-10,
    mistakes={
        "only the way through the values: the memory makes the keys as well.": _memory_by_hand(
            keys=0
        ),
        "only the way through the keys: the memory makes the values as well.": _memory_by_hand(
            values=0
        ),
        "softmax's gradient lacks its second term: each weight times (its gradient - the row's "
        "sum of weight · gradient).": _memory_by_hand(centred=False),
        "what is subtracted is the mean under the weights, sum(weight · gradient), not the plain "
        "mean.": _centred_by_mean,
        "the factor 1/√K of the scores is missing on the way through the keys.": _memory_by_hand(
            root=False
        ),
        "softmax's gradient is multiplied by each weight.": _memory_by_hand(once=False),
        "softmax is left out: the gradient by the weights is not yet that by the scores.": (
            _memory_by_hand(centred=False, once=False)
        ),
        "the sum in softmax's gradient runs over queries: a row's weights are on the last axis.": (
            _memory_by_hand(axis=0)
        ),
        "that is the gradient by v; the memory is one product before: go on with w_v.T, and add "
        "the way through the keys.": lambda g, memory, q, w_k, w_v: (
            tantra.softmax(q @ (memory @ w_k).T / math.sqrt(q.shape[-1])).T @ g
        ),
        "the sign on the way through the keys is flipped.": _memory_by_hand(keys=-1),
        "the two ways are added, not averaged: both change the result.": _memory_by_hand(
            values=0.5, keys=0.5
        ),
    },
    hints=(
        "Two ways lead from the memory to the averages: v = memory @ w_v and k = memory @ w_k.",
        "Through v: weights.T @ g @ w_v.T. Through k: first the gradient by the scores.",
        "by_scores = weights * (d - (weights * d).sum(-1, keepdims=True)), d = g @ v.T; then "
        "by_scores.T @ q / √K @ w_k.T.",
    ),
)


# 6. the BLEU of two lines

GUESSES = [["na", "iha", "tatra", "eva"], ["sadā", "hi"]]
REFERENCES = [["na", "iha", "tatra", "eva"], ["sadā", "na", "hasati"]]
_EACH = [bleu([g], [r], n=1) for g, r in zip(GUESSES, REFERENCES, strict=True)]

bleu_of_two = Prediction(
    name="bleu_of_two",
    asks="The BLEU, with runs of one word, of a corpus of two lines.",
    answer=bleu(GUESSES, REFERENCES, n=1),
    mistakes={
        "that is the mean of the two lines' own BLEU: the runs of all lines are counted together, "
        "and divided once.": sum(_EACH) / 2,
        "the guesses are shorter than the references: multiply by exp(1 - 7/6).": 100 * 5 / 6,
        "5 of 7 divides by the words of the references; precision is of the words guessed, 6, and "
        "brevity is a factor of its own.": 100 * 5 / 7,
        "BLEU goes from 0 to 100 here: multiply by 100.": bleu(GUESSES, REFERENCES, n=1) / 100,
        "the fraction in the exponent is upside down: references by guesses, 7/6.": (
            100 * 5 / 6 * math.exp(1 - 6 / 7)
        ),
        "that is the brevity alone; multiply by the precision, 5/6.": 100 * math.exp(1 - 7 / 6),
        "the second line alone; both lines are one corpus.": _EACH[1],
        "the first line alone; both lines are one corpus.": _EACH[0],
        "the mean of the lines' precisions: count 5 of 6 in both lines together.": (
            75 * math.exp(1 - 7 / 6)
        ),
        "the mean of the lines' precisions, without brevity.": 75,
    },
    rtol=2e-3,
    hints=(
        "Of the six words guessed, how many does the reference of their own line have?",
        "Six words were guessed, seven were wanted: a factor exp(1 - 7/6).",
        "100 · 5/6 · exp(1 - 7/6).",
    ),
)

# 7. the mean of checkpoints


def _model(table, gain):
    """The weights of a model whose one table has two names."""
    return {"embedding": table, "unembedding": table, "norm": gain}


def _averaged(attempt, tables, gains):
    table, gain = np.full_like(tables[0], 9.0), np.full_like(gains[0], 9.0)
    weights = _model(table, gain)
    attempt(weights, [_model(*one) for one in zip(tables, gains, strict=True)])
    return table, gain


def _mean_into(mean=lambda arrays: sum(arrays) / len(arrays)):
    def average_into(weights, checkpoints):
        for name in weights:
            weights[name][...] = mean([one[name] for one in checkpoints])

    return average_into


def _twice(start=0.0, add=True, divide=True):
    """Name by name; where add or divide is False, that step is done once for each array."""

    def average_into(weights, checkpoints):
        once = list({id(x): name for name, x in weights.items()}.values())
        for name in once:
            weights[name] *= start
        for name in weights if add else once:
            weights[name] += sum(one[name] for one in checkpoints)
        for name in weights if divide else once:
            weights[name] /= len(checkpoints)

    return average_into


def _rebound(weights, checkpoints):
    for name in weights:
        weights[name] = sum(one[name] for one in checkpoints) / len(checkpoints)


def _pairwise(arrays):
    mean = arrays[0]
    for later in arrays[1:]:
        mean = (mean + later) / 2
    return mean


def _of_the_first_name_alone(weights, checkpoints):
    _mean_into()({name: weights[name] for name in ("embedding", "unembedding")}, checkpoints)


def _draw_checkpoints(rng):
    N, V, D = int(rng.integers(3, 6)), int(rng.integers(6, 9)), 2
    return rng.standard_normal((N, V, D)), rng.standard_normal((N, D))


average_into = Exercise(
    name="average_into",
    kind="implement",
    asks="The mean of checkpoints, put into a model's weights, one of which has two names.",
    reference=_mean_into(),
    call=_averaged,
    results=("the table with two names", "the gain"),
    cases={
        "three checkpoints": arrays((3, 4, 2), (3, 2)),
        "five": arrays((5, 2, 3), (5, 3), seed=1),
        "one alone": arrays((1, 3, 4), (1, 4), seed=2),
    },
    draw=_draw_checkpoints,
    rtol=1e-10,
    atol=1e-12,
    mistakes={
        "a tied table is averaged twice: it has two names, so each checkpoint is added twice and "
        "the sum divided twice. Write each mean at once, or count an array once.": _twice(),
        "a tied table is divided twice, once for each of its names: divide before you write, or "
        "count an array once.": _twice(add=False),
        "a tied table is added twice, once for each of its names, and divided once.": _twice(
            divide=False
        ),
        "what the weights held before is still in the sum, and a tied table is averaged twice.": (
            _twice(start=1.0)
        ),
        "what the weights held before is still in the sum: start from 0.": _twice(
            start=1.0, add=False, divide=False
        ),
        "nothing was written into the arrays: weights[name] = ... gives the dictionary another "
        "array, and the model keeps its own. weights[name][...] = ... writes into it.": _rebound,
        "that is the sum; divide by the number of checkpoints.": _mean_into(sum),
        "that is the last checkpoint; the mean of all is asked.": _mean_into(
            lambda arrays: arrays[-1]
        ),
        "that is the first checkpoint; the mean of all is asked.": _mean_into(
            lambda arrays: arrays[0]
        ),
        "a mean of the mean so far and the next gives the last checkpoint half of all: add all, "
        "and divide once.": _mean_into(_pairwise),
        "that is the median; the mean is asked.": _mean_into(lambda a: np.median(a, axis=0)),
        "that is the mean over numbers as well: axis=0 alone, and each weight keeps its shape.": (
            _mean_into(np.mean)
        ),
        "divided by one less than there are checkpoints: a mean divides by all.": _mean_into(
            lambda arrays: sum(arrays) / max(1, len(arrays) - 1)
        ),
        "only the table is averaged: go through all names.": _of_the_first_name_alone,
    },
    hints=(
        "Which names of weights are one array? Try weights[a] is weights[b].",
        "What happens to an array with two names, if a loop over names does x += ... and x /= ...?",
        "weights[name][...] = sum(one[name] for one in checkpoints) / len(checkpoints).",
    ),
)

EXERCISES = [
    decoder_input,
    cross_attend,
    smoothed_divergence,
    write_greedily,
    memory_gradient,
    bleu_of_two,
    average_into,
]
