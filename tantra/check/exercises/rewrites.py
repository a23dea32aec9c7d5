"""The exercises of chapter 12, rewrites."""

import math

import numpy as np
import torch

import tantra
from tantra import rewrites
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, arrays, behind, gradients
from tantra.check.slips import largest, total
from tantra.check.watch import peak_bytes, uses_torch

# 1. parts


def _combined(averages, log_sums, shares):
    return (shares * averages).sum(axis=0)


def _powers(log_sums):
    return np.exp(log_sums - log_sums.max(axis=0))


def _whole_powers(log_sums):
    return np.exp(log_sums - log_sums.max())


def _less(of_parts):
    """The averages, where this is subtracted from the log-sums in place of the largest."""

    def combine(averages, log_sums):
        powers = np.exp(log_sums - of_parts(log_sums))
        return _combined(averages, log_sums, powers / powers.sum(axis=0))

    return combine


def _with_a_little_more(little):
    def combine(averages, log_sums):
        powers = _powers(log_sums)
        return _combined(averages, log_sums, powers / (powers.sum(axis=0) + little))

    return combine


def _first_two(averages, log_sums):
    return _combined(averages[:2], log_sums[:2], tantra.softmax(log_sums[:2], axis=0))


def _combined_in_turn(averages, log_sums):
    """Each part joined with what came before, whose log-sum is left as it was."""
    average, log_sum = averages[0], log_sums[0]
    for other, other_sum in zip(averages[1:], log_sums[1:], strict=True):
        both = np.stack([log_sum, other_sum])
        average = _combined(np.stack([average, other]), both, tantra.softmax(both, axis=0))
    return average


def _pair_by_pair(averages, log_sums):
    """Each part joined with what came before, where two empty parts make -inf - (-inf)."""
    average, log_sum = averages[0], log_sums[0]
    for other, other_sum in zip(averages[1:], log_sums[1:], strict=True):
        total = np.logaddexp(log_sum, other_sum)
        average = np.exp(log_sum - total) * average + np.exp(other_sum - total) * other
        log_sum = total
    return average


def _pair_alone(averages, log_sums):
    (a, b), (log_a, log_b) = averages, log_sums
    total = np.logaddexp(log_a, log_b)
    return np.exp(log_a - total) * a + np.exp(log_b - total) * b


def _draw_parts(rng):
    parts, (one, other) = int(rng.integers(2, 4)), rng.permutation(5)[:2]
    log_sums = 3 * rng.standard_normal((parts, 5, 1))
    log_sums[rng.integers(parts), one] = -np.inf
    log_sums[rng.permutation(parts)[1:], other] = -np.inf  # one part is left
    return rng.standard_normal((parts, 5, 4)), log_sums


def _two_parts():
    """Averages and log-sums of two parts, and what they must give: 4 queries, widths 3 and 5."""
    q, k, v = arrays((4, 2), (7, 2), (7, 3))
    parts = [rewrites.attend_part(q, k[c], v[c]) for c in (slice(0, 5), slice(5, 7))]
    return tuple(np.stack(pair).round(2) for pair in zip(*parts, strict=True))


combine_parts = Exercise(
    name="combine_parts",
    kind="implement",
    asks="The averages over all keys, from the averages and the log-sums of their parts.",
    reference=lambda averages, log_sums: rewrites.combine(averages, log_sums)[0],
    library=rewrites.combine,
    cases={
        "two parts, four queries": _two_parts(),
        "three parts, two queries": (array(3, 2, 4), array(3, 2, 1, seed=1)),
        "a part with everything": (array(2, 3, 1), np.array([[[5.0]] * 3, [[-np.inf]] * 3])),
        "nothing in the first part": (
            array(3, 2, 1),
            np.array([[[-np.inf], [0.0]], [[1.0], [-np.inf]], [[2.0], [-1.0]]]),
        ),
        "nothing in the first two parts": (
            array(3, 2, 1),
            np.array([[[-np.inf], [0.0]], [[-np.inf], [1.0]], [[2.0], [-1.0]]]),
        ),
        "large log-sums": (array(2, 3, 1), np.array([[[1000.0]] * 3, [[1001.0]] * 3])),
        "parts far apart": (
            array(2, 3, 1),
            np.array([[[0.0], [800], [-5]], [[800], [0], [-900]]]),
        ),
        "rows far apart": (array(2, 3, 1), np.array([[[0.0], [900.0], [1800.0]]] * 2)),
    },
    draw=_draw_parts,
    rtol=1e-10,
    atol=1e-12,
    mistakes={
        "you subtract the first part's log-sum, which may be -inf, or far below another: subtract "
        "the largest, log_sums.max(axis=0).": _less(lambda log_sums: log_sums[0]),
        "you subtract the last part's log-sum, which may be -inf, or far below another: subtract "
        "the largest, log_sums.max(axis=0).": _less(lambda log_sums: log_sums[-1]),
        "you subtract the least log-sum, which may be -inf, or far below another: subtract the "
        "largest, log_sums.max(axis=0).": _less(lambda log_sums: log_sums.min(axis=0)),
        "you subtract the mean of the log-sums, which is -inf where one of them is: subtract the "
        "largest, log_sums.max(axis=0).": _less(lambda log_sums: log_sums.mean(axis=0)),
        "the total of the powers is one for all rows: each row has its own, sum(axis=0).": (
            lambda averages, log_sums: _combined(
                averages, log_sums, _powers(log_sums) / _powers(log_sums).sum()
            )
        ),
        "the weights sum to 1 already: add the weighed parts up, and do not take their mean.": (
            lambda averages, log_sums: _combined(
                averages, log_sums, tantra.softmax(log_sums, axis=0) / len(log_sums)
            )
        ),
        **{
            f"{little:g} in the total makes the weights wrong, and is not needed: with the largest "
            "subtracted the total is at least 1.": _with_a_little_more(little)
            for little in (1e-6, 1e-8, 1e-9)
        },
        "only the first two parts are combined: there may be any number, along axis 0.": _first_two,
        "part after part is right, but what was combined so far has the log-sum of all its parts, "
        "and yours keeps the first one's.": _combined_in_turn,
        "that is the plain mean of the parts, as if all powers were 1 (the largest along the last "
        "axis, of length 1, is each itself): weigh each part by its weight, along axis 0.": (
            lambda averages, log_sums: averages.mean(axis=0)
        ),
        "that is the plain sum of the parts: weigh each by its weight, so that the weights sum to "
        "1.": lambda averages, log_sums: averages.sum(axis=0),
        "the parts stand along axis 0, and the softmax runs along another: the weights of one "
        "row's parts must sum to 1.": lambda averages, log_sums: _combined(
            averages, log_sums, tantra.softmax(log_sums, axis=1)
        ),
        "a softmax along the last axis, which has length 1, gives every part the weight 1: parts "
        "stand along axis 0.": lambda averages, log_sums: _combined(
            averages, log_sums, tantra.softmax(log_sums)
        ),
        "the log-sums are logarithms: take e to their power before you divide by the total.": (
            lambda averages, log_sums: _combined(
                averages, log_sums, log_sums / log_sums.sum(axis=0)
            )
        ),
        "exp overflows on large log-sums: subtract the largest of each row's parts first, as in "
        "chapter 02.": lambda averages, log_sums: _combined(
            averages, log_sums, np.exp(log_sums) / np.exp(log_sums).sum(axis=0)
        ),
        "one total for all rows: each row has weights of its own, so sum the powers along axis 0 "
        "only.": lambda averages, log_sums: _combined(
            averages, log_sums, _whole_powers(log_sums) / _whole_powers(log_sums).sum()
        ),
        "you subtract the largest of the whole array: a row far below it becomes 0/0. Subtract "
        "each row's own, log_sums.max(axis=0).": lambda averages, log_sums: _combined(
            averages, log_sums, _whole_powers(log_sums) / _whole_powers(log_sums).sum(axis=0)
        ),
        "the powers are not divided by their total: the weights of a row's parts must sum to 1.": (
            lambda averages, log_sums: _combined(averages, log_sums, _powers(log_sums))
        ),
        "two things: the powers are not divided by their total; and exp overflows on large "
        "log-sums, so subtract the largest of each row's parts first.": (
            lambda averages, log_sums: _combined(averages, log_sums, np.exp(log_sums))
        ),
        "both sums run along axis 1, over the queries: the parts stand along axis 0.": (
            lambda averages, log_sums: (
                (_powers(log_sums) * averages).sum(axis=1) / _powers(log_sums).sum(axis=1)
            )
        ),
        "the parts are weighed, but not added up: sum along axis 0.": (
            lambda averages, log_sums: tantra.softmax(log_sums, axis=0) * averages
        ),
        "only the part with the largest log-sum is taken: the others have their weights too.": (
            lambda averages, log_sums: np.take_along_axis(
                averages, log_sums.argmax(axis=0)[None], axis=0
            )[0]
        ),
        "the order is reversed: the larger log-sum gets the larger weight, so no minus.": (
            lambda averages, log_sums: _combined(
                averages, log_sums, tantra.softmax(-log_sums, axis=0)
            )
        ),
        "two parts of which a query sees nothing give -inf - (-inf), which is nan: subtract the "
        "largest of all parts, log_sums.max(axis=0).": _pair_by_pair,
        "that takes two parts apart, and there may be any number: sum along axis 0.": _pair_alone,
        "the sum runs over the queries: add the weighed parts up, along axis 0.": (
            lambda averages, log_sums: (tantra.softmax(log_sums, axis=0) * averages).sum(axis=1)
        ),
        "the axis of the parts is still there, with length 1: sum(axis=0) without keepdims at the "
        "end.": lambda averages, log_sums: _combined(
            averages, log_sums, tantra.softmax(log_sums, axis=0)
        )[None],
        "a log-sum of -inf is no power at all, and the part's weight is 0; set to 0 it is the "
        "power e⁰ = 1: leave it as it is.": lambda averages, log_sums: _combined(
            averages, log_sums, tantra.softmax(np.where(np.isinf(log_sums), 0, log_sums), axis=0)
        ),
        "the sum of the log-sums is the logarithm of a product: add the powers, and divide by "
        "their total.": lambda averages, log_sums: _combined(
            averages, log_sums, np.exp(log_sums - log_sums.sum(axis=0))
        ),
        "you subtract the largest along axis 1, of all rows of a part; the parts of one row must "
        "lose the same number: log_sums.max(axis=0).": (
            _less(lambda log_sums: largest(log_sums, axis=1))
        ),
    },
    hints=(
        "A part's weight of the row is its sum of powers, divided by the sums of all parts.",
        "Dividing powers of logarithms by their total, along the axis of parts: which function of "
        "chapter 02 does that?",
        "powers = np.exp(log_sums - log_sums.max(axis=0)); the weights are powers divided by "
        "powers.sum(axis=0); then weights times averages, summed along axis 0.",
    ),
)


# 2. chunks


def _by_hand(q, k, v, chunk=None):
    return tantra.scaled_dot_product_attention(q, k, v)[0]


def _online(
    q,
    k,
    v,
    chunk,
    *,
    scale=None,
    protect=True,
    shrink_sum=True,
    shrink_average=True,
    reverse=False,
    divide=True,
    every=True,
    follow=True,
    begin=-np.inf,
    rows=True,
    count=None,
    causal=False,
    own_sums=True,
):
    """The online softmax, with places where it may go wrong."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    shape = (*q.shape[:-1], 1)
    m, z, a = np.full(shape, begin if protect else 0.0), np.zeros(shape), np.zeros(shape)
    stop = count or (k.shape[-2] if every else k.shape[-2] // chunk * chunk)
    for start in range(0, stop, chunk):
        keys = slice(start, start + chunk)
        scores = q @ k[..., keys, :].mT * scale
        if causal:
            past = tantra.causal_mask(np.arange(q.shape[-2]), np.arange(k.shape[-2])[keys])
            scores = np.where(past, scores, -np.inf)
        new = np.maximum(m, largest(scores)) if protect else m
        if not follow:
            new = largest(scores)
        if not rows:
            new = np.full(shape, new.max())
        shrink, powers = np.exp((new - m) if reverse else (m - new)), np.exp(scores - new)
        if reverse == "but at first":
            shrink = np.where(np.isinf(m), 0.0, shrink)
        summed = total(powers) if own_sums else powers.sum()
        z = z * (shrink if shrink_sum else 1) + summed
        a = a * (shrink if shrink_average else 1) + powers @ v[..., keys, :]
        m = new
    return a / z if divide else a


class _Watched(np.ndarray):
    """An array that keeps each array that is made from it in a list, `made`."""

    def __array_finalize__(self, made_from):
        self.made = getattr(made_from, "made", [])
        self.made.append(self)

    def __array_function__(self, function, types, args, kwargs):
        result = super().__array_function__(function, types, args, kwargs)
        if type(result) is np.ndarray:  # einsum, for one, hands out a plain array
            result = result.view(_Watched)
            result.made = self.made
            self.made.append(result)
        return result


def _holds_too_many_scores(attempt):
    """Whether there are more than chunk scores of a row at one time, in one array or in many."""
    return _makes_too_many_scores(attempt) or _takes_too_much_memory(attempt)


def _makes_too_many_scores(attempt, T=5, S=11, chunk=4):
    """Whether an array is made from q, k and v that holds the scores of more than chunk keys."""
    inputs = arrays((T, 2), (S, 2), (S, 3))
    q, k, v = (x.view(_Watched) for x in inputs)
    made = q.made = k.made = v.made = []
    with np.errstate(all="ignore"):
        attempt(q, k, v, chunk)
    new = [x for x in made if not any(np.may_share_memory(x, given) for given in inputs)]
    shapes = [x.shape[-2:] for x in new if np.unique(x).size > 1]  # ones are no scores
    many = any(len(shape) == 2 and shape[0] == T and shape[1] > chunk for shape in shapes)
    return many or any(shape in ((S, T), (1, S), (S,)) for shape in shapes)


def _takes_too_much_memory(attempt, T=64, S=1024, chunk=32):
    """Whether half of the memory for all scores is taken, whoever made the arrays."""
    q, k, v = arrays((T, 2), (S, 2), (S, 2))
    with np.errstate(all="ignore"):
        return peak_bytes(lambda: attempt(q, k, v, chunk)) > T * S * q.itemsize / 2


def _without_their_axis(q, k, v, chunk):
    m, z, a = np.full(q.shape[:-1], -np.inf), 0, 0
    for start in range(0, k.shape[-2], chunk):
        scores = q @ k[..., start : start + chunk, :].mT / math.sqrt(q.shape[-1])
        new = np.maximum(m, scores.max(axis=-1))
        shrink, powers = np.exp(m - new), np.exp(scores - new)
        z = z * shrink + powers.sum(axis=-1)
        a, m = a * shrink + powers @ v[..., start : start + chunk, :], new
    return a / z


def _mean_of_chunks(q, k, v, chunk):
    starts = range(0, k.shape[-2], chunk)
    found = [_by_hand(q, k[..., s : s + chunk, :], v[..., s : s + chunk, :]) for s in starts]
    return np.mean(found, axis=0)


def _sum_of_chunks(q, k, v, chunk):
    starts = range(0, k.shape[-2], chunk)
    return sum(_by_hand(q, k[..., s : s + chunk, :], v[..., s : s + chunk, :]) for s in starts)


def _last_chunk(q, k, v, chunk):
    start = (k.shape[-2] - 1) // chunk * chunk
    return _by_hand(q, k[..., start:, :], v[..., start:, :])


TOO_MANY_SCORES = (
    "the averages are right, but more than chunk scores of a row are there at one time: go through "
    "the keys chunk by chunk, use the scores, and keep sums only."
)

IN_NUMPY = (
    "the averages are right, but the check cannot see what torch holds on its way: write the loop "
    "in NumPy."
)


def _goes_by_torch(attempt):
    q, k, v = arrays((2, 3), (5, 3), (5, 4))
    return uses_torch(lambda: attempt(q, k, v, 2))


def _in_torch(q, k, v, chunk):
    return _by_hand(*(torch.from_numpy(x) for x in (q, k, v))).numpy()


def _carried(add):
    """The online softmax, where add(a, z, shrink, summed) carries the values on."""

    def average(q, k, v, chunk):
        m, z, a = np.full((*q.shape[:-1], 1), -np.inf), 0.0, 0.0
        for start in range(0, k.shape[-2], chunk):
            keys = slice(start, start + chunk)
            scores = q @ k[..., keys, :].mT / math.sqrt(q.shape[-1])
            new = np.maximum(m, largest(scores))
            shrink, powers = np.exp(m - new), np.exp(scores - new)
            z = z * shrink + total(powers)
            a, m = add(a, z, shrink, powers @ v[..., keys, :]), new
        return a, z

    return average


def _weights_carried(q, k, v, chunk):
    m, z, a = np.full((*q.shape[:-1], 1), -np.inf), 0.0, 0.0
    for start in range(0, k.shape[-2], chunk):
        keys = slice(start, start + chunk)
        scores = q @ k[..., keys, :].mT / math.sqrt(q.shape[-1])
        new = np.maximum(m, largest(scores))
        shrink, shares = np.exp(m - new), tantra.softmax(scores)
        z, a, m = z * shrink + 1, a * shrink + shares @ v[..., keys, :], new
    return a / z


def _divided_in_each(*given):
    return _carried(lambda a, z, shrink, summed: a * shrink + summed / z)(*given)[0]


def _all_divided_in_each(*given):
    return _carried(lambda a, z, shrink, summed: (a * shrink + summed) / z)(*given)[0]


def _new_ones_shrunk(*given):
    a, z = _carried(lambda a, z, shrink, summed: (a + summed) * shrink)(*given)
    return a / z


def _of_chapter_12(q, k, v, chunk):
    places = np.arange(q.shape[-2])
    m = np.full((*q.shape[:-1], 1), -np.inf)
    z, a = np.zeros_like(m), 0.0
    for start in range(0, len(places), chunk):
        keys = places[start : start + chunk]
        scores = q @ k[..., keys, :].mT / q.shape[-1] ** 0.5
        scores = np.where(tantra.causal_mask(places, keys), scores, -np.inf)
        larger = np.maximum(m, largest(scores))
        shrink, powers = np.exp(m - larger), np.exp(scores - larger)
        z = z * shrink + powers.sum(axis=-1, keepdims=True)
        a = a * shrink + powers @ v[..., keys, :]
        m = larger
    return a / z


def _draw_chunks(rng):
    q, k, v = behind(rng, (5, 4), (7, 4), (7, 6), fronts=((), (2,), (3, 2)))
    return q, 2 * k, v, int(rng.integers(2, 6))


LARGE = 200 * array(2, 3), 200 * array(5, 3, seed=1), array(5, 4, seed=2)

chunked_average = Exercise(
    name="chunked_average",
    kind="implement",
    asks="Attention without a mask, from at most chunk keys at a time.",
    reference=_online,
    library=tantra.chunked_attention,
    rules={IN_NUMPY: _goes_by_torch, TOO_MANY_SCORES: _holds_too_many_scores},
    rtol=1e-9,
    atol=1e-12,
    cases={
        "five keys, two at a time": (*arrays((2, 3), (5, 3), (5, 4)), 2),
        "the largest score comes first": (
            np.array([[2.0]]),
            np.array([[3.0], [0.0], [-1.0]]),
            array(3, 2),
            1,
        ),
        "the largest score comes last": (
            np.array([[2.0]]),
            np.array([[-1.0], [0.0], [3.0]]),
            array(3, 2),
            1,
        ),
        "large scores": (*LARGE, 2),
        "later scores far below": (np.array([[1.0]]), np.array([[0.0], [-1000.0]]), array(2, 3), 1),
        "all scores far below 0": (
            np.array([[1.0]]),
            np.array([[-9000.0], [-9001.0]]),
            array(2, 3),
            1,
        ),
        "all keys at once": (*arrays((2, 3), (4, 3), (4, 5)), 4),
        "more queries than keys": (*arrays((4, 2), (3, 2), (3, 5)), 1),
        "two axes in front": (*arrays((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 5)), 2),
    },
    draw=_draw_chunks,
    mistakes={
        TOO_MANY_SCORES: _by_hand,
        IN_NUMPY: _in_torch,
        "the queries are counted where the keys should be: there are k.shape[-2] keys, and T "
        "queries; and no mask is asked for.": _of_chapter_12,
        "you divide in each chunk; the sum of powers goes on growing: divide once, at the end.": (
            _divided_in_each
        ),
        "what is new is shrunk too: only what was there before shrinks, then the chunk is added.": (
            _new_ones_shrunk
        ),
        "softmax of a chunk divides by the chunk's own sum: add up the powers themselves.": (
            _weights_carried
        ),
        "one sum of powers for all rows: each has its own, sum(axis=-1, keepdims=True).": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, own_sums=False)
        ),
        "the queries are counted where the keys should be: there are k.shape[-2] keys.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, count=q.shape[-2])
        ),
        "the causal mask is still in: here every query sees all keys.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, causal=True)
        ),
        "exp overflows on large scores: subtract the largest score so far before exp.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, protect=False)
        ),
        "when a larger score turns up, what was summed before must shrink by e to the power old "
        "largest minus new: neither your sum nor your averages do.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, shrink_sum=False, shrink_average=False)
        ),
        "the averages shrink when a larger score turns up, but the sum of powers does not.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, shrink_sum=False)
        ),
        "the sum of powers shrinks when a larger score turns up, but the values summed so far do "
        "not.": lambda q, k, v, chunk: _online(q, k, v, chunk, shrink_average=False),
        "each chunk subtracts a largest score of its own, and the sums of different chunks cannot "
        "be added then: bring the old ones to the new largest first.": (
            lambda q, k, v, chunk: _online(
                q, k, v, chunk, follow=False, shrink_sum=False, shrink_average=False
            )
        ),
        "from -inf on all is nan: what was before shrinks by e to the power old largest minus new, "
        "which is at most 1, and the powers are e to the power score minus the new largest.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, reverse=True)
        ),
        "those are sums, not averages: divide by the sum of powers at the end.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, divide=False)
        ),
        "the last key is left out where it begins a chunk: step through range(0, S, chunk).": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, count=k.shape[-2] - 1)
        ),
        "the last chunk is left out where chunk does not divide the number of keys: step through "
        "range(0, S, chunk).": lambda q, k, v, chunk: _online(q, k, v, chunk, every=False),
        "the scores are not divided by the root of K.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, scale=1.0)
        ),
        "the scores are divided by K: divide by its root.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, scale=1 / q.shape[-1])
        ),
        "the largest score may only grow: np.maximum of the old one and this chunk's, or powers "
        "of an earlier chunk overflow.": lambda q, k, v, chunk: _online(
            q, k, v, chunk, follow=False
        ),
        "the largest score begins at a number, such as 0: a row whose scores all lie far below it "
        "has only powers that round to 0. Begin with -inf.": lambda q, k, v, chunk: _online(
            q, k, v, chunk, begin=0.0
        ),
        "one largest score for all rows: a row far below it has only powers that round to 0. Take "
        "each row's own, axis=-1 with keepdims=True.": lambda q, k, v, chunk: _online(
            q, k, v, chunk, rows=False
        ),
        "that is the plain mean of the chunks' averages: a chunk with larger scores counts "
        "more.": _mean_of_chunks,
        "the chunks' averages are added up, and each is an average already: carry the sums of "
        "powers along, and divide once.": _sum_of_chunks,
        "only the last chunk counts: add each to what was before, and keep the largest score for "
        "the next (from -inf, all that was before shrinks to 0).": _last_chunk,
        "what was before must shrink, and yours grows: by e to the power old largest minus new, "
        "which is at most 1.": lambda q, k, v, chunk: _online(
            q, k, v, chunk, reverse="but at first"
        ),
        "all that was summed is divided again in each chunk: divide once, at the end.": (
            _all_divided_in_each
        ),
        "the scores are divided by the root of chunk; it is that of the key's width, K.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, scale=1 / math.sqrt(chunk))
        ),
        ".T reverses all axes, also those in front: swap the last two, k[..., keys, :].mT.": (
            lambda q, k, v, chunk: _online(q, k.T.mT, v, chunk)
        ),
        "the largest score and the sum of powers have lost their axis of keys, and stand beside "
        "the wrong rows: keepdims=True makes them (..., T, 1).": _without_their_axis,
        "the scores are divided by the root of the value's width; it is that of the key's, K.": (
            lambda q, k, v, chunk: _online(q, k, v, chunk, scale=1 / math.sqrt(v.shape[-1]))
        ),
    },
    hints=(
        "Carry three things from chunk to chunk: the largest score of each row, the sum of powers, "
        "and the sum of powers times values.",
        "new = np.maximum(largest, this chunk's largest); both sums shrink by "
        "np.exp(largest - new) before this chunk's powers, np.exp(scores - new), are added.",
        "Begin with largest = -inf and both sums 0; at the end divide the second sum by the first.",
    ),
)


# 3. the way back


def _whole(seed, T, S, K, D, size=1):
    """A chunk of S keys, and what is known of the rows over these and two more keys."""
    rng = np.random.default_rng(seed)
    q, g = size * rng.standard_normal((T, K)).round(1), rng.standard_normal((T, D)).round(1)
    k, v = rng.standard_normal((S, K)).round(1), rng.standard_normal((S, D)).round(1)
    return _known(rng, q, k, v, g)


def _known(rng, q, k, v, g):
    others, values = rng.standard_normal((2, q.shape[-1])), rng.standard_normal((2, v.shape[-1]))
    averages, log_sums = rewrites.attend_part(
        q, np.concatenate([k, others]), np.concatenate([v, values])
    )
    return q, k, v, g, log_sums, total(g * averages)


def _autograd(q, k, v, g, log_sums, mean):
    """The gradients by this chunk, through the average of this chunk and of all else.

    All else enters as one more key: its power is what the log-sums hold beyond this chunk, its
    value what makes the row sum come out as mean.
    """
    do, log_sums, mean = (torch.as_tensor(x) for x in (g, log_sums, mean))

    def gained(q, k, v):
        powers, worth = torch.exp(q @ k.mT / math.sqrt(q.shape[-1]) - log_sums), do @ v.mT
        inside = powers.detach()
        rest = 1 - inside.sum(dim=-1, keepdim=True)
        others = mean - (inside * worth.detach()).sum(dim=-1, keepdim=True)
        total = powers.sum(dim=-1, keepdim=True) + rest
        return ((powers * worth).sum(dim=-1, keepdim=True) + others) / total

    return gradients(gained, np.ones_like(mean), q, k, v)


def _back(q, k, v, g, log_sums, mean, *, scale=(1, 1, 1), order=(0, 1, 2)):
    """The gradients; scale says how many roots of K divide the scores, dq and dk."""
    scores, for_q, for_k = (math.sqrt(q.shape[-1]) ** often for often in scale)
    p = np.exp(q @ k.mT / scores - log_sums)
    ds = p * (g @ v.mT - mean)
    found = ds @ k / for_q, ds.mT @ q / for_k, p.mT @ g
    return tuple(found[i] for i in order)


def _draw_chunk(rng):
    return _known(rng, *(rng.standard_normal(shape) for shape in ((5, 4), (3, 4), (3, 2), (5, 2))))


def _less_log_sum(scores, log_sums):
    return np.exp(scores - log_sums)


def _own_weights(scores, log_sums):
    """As if the row ended with this chunk."""
    return tantra.softmax(scores)


def _own_mean(p, dp, mean):
    """The row sum taken over this chunk alone."""
    return p * (dp - total(p * dp))


def _with_other(
    weights=_less_log_sum,
    by_score=lambda p, dp, mean: p * (dp - mean),
    by_k=lambda ds, q, g: ds.mT @ q / math.sqrt(q.shape[-1]),
    by_v=lambda p, ds, g: p.mT @ g,
):
    """The gradients with other weights, another way from dp to ds, or another dk or dv."""

    def back(q, k, v, g, log_sums, mean):
        p = weights(q @ k.mT / math.sqrt(q.shape[-1]), log_sums)
        ds = by_score(p, g @ v.mT, mean)
        return ds @ k / math.sqrt(q.shape[-1]), by_k(ds, q, g), by_v(p, ds, g)

    return back


def _by_value_width(q, k, v, g, log_sums, mean):
    often = math.log(v.shape[-1]) / math.log(q.shape[-1])
    return _back(q, k, v, g, log_sums, mean, scale=(often,) * 3)


chunk_gradients = Exercise(
    name="chunk_gradients",
    kind="derive",
    asks="What one chunk of keys adds to dq, and the whole of its own dk and dv.",
    reference=_autograd,
    results=("dq", "dk", "dv"),
    cases={
        "three queries, two keys": _whole(0, 3, 2, 4, 5),
        "one query, one key": _whole(1, 1, 1, 2, 3),
        "two queries, four keys": _whole(2, 2, 4, 3, 5),
        "large scores": _whole(3, 3, 2, 4, 5, size=900),
    },
    draw=_draw_chunk,
    rtol=1e-9,
    atol=1e-11,
    mistakes={
        "that is chapter 03's way back over this chunk alone, and the row goes on in other chunks: "
        "p is e to the power score minus log-sum, and mean is given.": _with_other(
            _own_weights, _own_mean
        ),
        "exp overflows on large scores: subtract the log-sum first, then take e to the power.": (
            _with_other(lambda s, log_sum: np.exp(s) / np.exp(log_sum))
        ),
        "dv comes from the weights p, not from ds: pᵀ do.": _with_other(
            by_v=lambda p, ds, g: ds.mT @ g
        ),
        "the log-sum is subtracted from the power; it belongs into the exponent, e to the power "
        "score minus log-sum.": _with_other(lambda s, log_sum: np.exp(s) - log_sum),
        "only the diagonal of softmax's gradient, p (1 - p): a score moves the other weights of "
        "its row too, which mean stands for.": _with_other(
            by_score=lambda p, dp, mean: p * (1 - p) * dp
        ),
        "the way back through softmax is missing: ds is p times (do·v - mean), and not do·v "
        "itself.": _with_other(by_score=lambda p, dp, mean: dp),
        "mean is subtracted from do·v, not added.": (
            _with_other(by_score=lambda p, dp, mean: p * (dp + mean))
        ),
        "the sign is flipped: ds is p times (do·v - mean).": (
            _with_other(by_score=lambda p, dp, mean: p * (mean - dp))
        ),
        "dv comes back transposed: pᵀ do has a row for each key.": (
            lambda *args: (*_back(*args)[:2], _back(*args)[2].T)
        ),
        "the log-sum is subtracted from the score, not added.": (
            _with_other(lambda s, log_sum: np.exp(s + log_sum))
        ),
        "a weight is e to the power score minus log-sum: exp is missing.": (
            _with_other(lambda s, log_sum: s - log_sum)
        ),
        "the largest score is subtracted, which makes powers; a weight is e to the power score "
        "minus log-sum.": _with_other(lambda s, log_sum: np.exp(s - largest(s))),
        "p is missing in ds: p times (do·v - mean).": (
            _with_other(by_score=lambda p, dp, mean: dp - mean)
        ),
        "that takes mean for a factor: p times (do·v - mean).": (
            _with_other(by_score=lambda p, dp, mean: p * dp * mean)
        ),
        "the root of K is missing everywhere: it divides the scores, dq and dk.": (
            lambda *args: _back(*args, scale=(0, 0, 0))
        ),
        "dk is divided by the root of K, and dq is not: both are.": (
            lambda *args: _back(*args, scale=(1, 0, 1))
        ),
        "dq is divided by the root of K, and dk is not: both are.": (
            lambda *args: _back(*args, scale=(1, 1, 0))
        ),
        "your weights sum to 1 over this chunk, but the row goes on in other chunks: p is e to the "
        "power score minus log-sum.": _with_other(_own_weights),
        "the row sum is missing: mean is subtracted from do·v before p multiplies.": _with_other(
            by_score=lambda p, dp, mean: p * dp
        ),
        "you take the row sum over this chunk alone: mean holds it for the whole row, so use "
        "that.": _with_other(by_score=_own_mean),
        "the scores were divided by the root of K, so dq and dk must be divided by it too.": (
            lambda *args: _back(*args, scale=(1, 0, 0))
        ),
        "dq and dk are divided by the root of K twice; the scores were divided by it once.": (
            lambda *args: _back(*args, scale=(1, 2, 2))
        ),
        "the log-sums are not used: without them p is a power and not a weight.": _with_other(
            lambda s, log_sum: np.exp(s)
        ),
        "the scores in p are not divided by the root of K.": (
            lambda *args: _back(*args, scale=(0, 1, 1))
        ),
        "log-sums are logarithms: subtract them inside exp, do not divide by them.": (
            _with_other(lambda s, log_sum: np.exp(s) / log_sum)
        ),
        "p multiplies the difference of do·v and mean, not do·v alone.": _with_other(
            by_score=lambda p, dp, mean: p * dp - mean
        ),
        "dq and dk have changed places: dq has a row for each query.": (
            lambda *args: _back(*args, order=(1, 0, 2))
        ),
        "the order is dq, dk, dv: yours begins with dv.": (
            lambda *args: _back(*args, order=(2, 0, 1))
        ),
        "the order is dq, dk, dv: yours is the other way round.": (
            lambda *args: _back(*args, order=(2, 1, 0))
        ),
        "dv has no root of K: it is pᵀ do.": lambda q, *args: (
            *_back(q, *args)[:2],
            _back(q, *args)[2] / math.sqrt(q.shape[-1]),
        ),
        "K itself is divided by; it is its root, in the scores, in dq and in dk.": (
            lambda *args: _back(*args, scale=(2, 2, 2))
        ),
        "the root of the value's width is divided by; it is that of the key's, K.": _by_value_width,
        "dk comes from q, not from do: dsᵀ q / √K.": _with_other(
            by_k=lambda ds, q, g: ds.mT @ g / math.sqrt(q.shape[-1])
        ),
    },
    hints=(
        "Recompute the scores of this chunk; a weight is e to the power score minus log-sum.",
        "dv = pᵀ do; and ds = p ∘ (do vᵀ - mean), with mean of shape (T, 1).",
        "dq = ds k / √K and dk = dsᵀ q / √K.",
    ),
)


# 4. heads in another order


def _section(order, d_head):
    return [head * d_head + i for head in order for i in range(d_head)]


def _reordered(w_v, w_o, order, *, columns=None, rows=None):
    """The columns of w_v by one order of features, the rows of w_o by another."""
    places = _section(order, len(w_o) // len(order))
    columns = places if columns is None else columns
    return w_v[:, columns], w_o[places if rows is None else rows]


def _both_by(places):
    """Both weights by places(order, K), the wrong ones."""

    def reorder(w_v, w_o, order):
        found = places(order, len(w_o) // len(order))
        return w_v[:, found], w_o[found]

    return reorder


def _one_by_inverse(name):
    """One of the two by the inverse order."""

    def reorder(w_v, w_o, order):
        places = _section(_inverse(order), len(w_o) // len(order))
        return _reordered(w_v, w_o, order, **{name: places})

    return reorder


def _given_reorder(w_v, w_o, order):
    places = _section(order, w_v.shape[1] // len(order))
    return w_v[:, places], w_o[:, places]


def _inverse(order):
    return [int(place) for place in np.argsort(order)]


def _cut_as_columns(w_v, w_o, order):
    H = len(order)
    moved = w_o.reshape(len(w_o), H, -1)[:, list(order)].reshape(w_o.shape)
    return w_v[:, _section(order, len(w_o) // H)], moved


def _rows_of_both(w_v, w_o, order):
    places = _section(order, len(w_o) // len(order))
    return w_v[places], w_o[places]


def _rows_for_columns(w_v, w_o, order):
    places = _section(order, len(w_o) // len(order))
    return w_v[places], w_o[:, places]


def _columns_by_inverse(w_v, w_o, order):
    places = _section(order, w_v.shape[1] // len(order))
    return w_v[:, places], w_o[:, np.argsort(places)]


def _left_apart(w_v, w_o, order):
    H, order = len(order), list(order)
    return w_v.reshape(len(w_v), H, -1)[:, order], w_o.reshape(H, -1, w_o.shape[1])[order]


def _of_the_chapter(w_v, w_o, order):
    """Rows of w_v and columns of w_o, which are right for (out, in)."""
    H, order = len(order), list(order)
    rows = w_v.reshape(H, -1, w_v.shape[-1])[order].reshape(w_v.shape)
    return rows, w_o.reshape(len(w_o), H, -1)[:, order].reshape(w_o.shape)


def _reshaped_otherwise(w_v, w_o, order):
    H, K, order = len(order), len(w_o) // len(order), list(order)
    columns = w_v.reshape(-1, K, H)[..., order].reshape(w_v.shape)
    return columns, w_o.reshape(K, H, -1)[:, order].reshape(w_o.shape)


def _draw_heads(rng):
    heads = int(rng.integers(2, 4))
    order = [1, 0] if heads == 2 else [[1, 2, 0], [2, 0, 1], [0, 2, 1]][rng.integers(3)]
    return rng.standard_normal((7, 6)), rng.standard_normal((6, 7)), order


reorder_heads = Exercise(
    name="reorder_heads",
    kind="hunt",
    asks="The value and output weights, stored as (in, out), with the heads in the given order.",
    reference=lambda w_v, w_o, order: _reordered(w_v, w_o, order),
    given=_given_reorder,
    results=("value weight", "output weight"),
    cases={
        "three heads of width 2": (*arrays((5, 6), (6, 5)), [1, 2, 0]),
        "two heads of width 2": (*arrays((5, 4), (4, 5)), [1, 0]),
        "three heads of width 1": (*arrays((4, 3), (3, 4)), [2, 0, 1]),
        "two heads, as wide as the stream": (*arrays((4, 4), (4, 4)), [1, 0]),
    },
    draw=_draw_heads,
    rtol=1e-12,
    atol=0.0,
    mistakes={
        "order names heads, and each head is K features: head h begins at feature h * K.": (
            _both_by(lambda order, K: list(order))
        ),
        "w_o.reshape(D, H, K) cuts columns, and the heads are rows of w_o: "
        "w_o.reshape(H, K, D)[order].": _cut_as_columns,
        "that is right for weights stored as (out, in), as in the chapter: here they are (in, "
        "out), so the heads are the columns of w_v and the rows of w_o.": _of_the_chapter,
        "the columns of the value weight went the opposite way: head order[0] comes first.": (
            _one_by_inverse("columns")
        ),
        "w_o comes back transposed: its rows move, and it stays (H·K, D).": (
            lambda w_v, w_o, order: (
                w_v[:, _section(order, len(w_o) // len(order))],
                w_o[_section(order, len(w_o) // len(order))].T,
            )
        ),
        "the features of a head must stay together: for head in order outside, its features "
        "inside.": _both_by(lambda order, K: [head * K + i for i in range(K) for head in order]),
        "a head begins at head * K, its width, not at head * H.": (
            _both_by(lambda order, K: [h * len(order) + i for h in order for i in range(K)])
        ),
        "w_o is still taken by columns, and now the opposite way: the heads are its rows, "
        "w_o[places].": _columns_by_inverse,
        "the heads are still an axis of their own: reshape back, to w_v.shape and w_o.shape.": (
            _left_apart
        ),
        "rows and columns are exchanged: the heads are the columns of w_v and the rows of w_o.": (
            _rows_for_columns
        ),
        "you take every H-th feature for a head, as reshape(K, H, ...) does: each head is K "
        "neighbours, reshape(H, K, ...).": _reshaped_otherwise,
        "nothing has moved: the columns of w_v and the rows of w_o take the new order.": (
            lambda w_v, w_o, order: (w_v.copy(), w_o.copy())
        ),
        "first the value weight, then the output weight.": (
            lambda w_v, w_o, order: _reordered(w_v, w_o, order)[::-1]
        ),
        "the output weight has not moved: its rows meet the heads, so they go along.": (
            lambda w_v, w_o, order: _reordered(w_v, w_o, order, rows=slice(None))
        ),
        "the value weight has not moved: its columns make the heads.": (
            lambda w_v, w_o, order: _reordered(w_v, w_o, order, columns=slice(None))
        ),
        "the rows of the output weight went the opposite way: the same order as the columns of the "
        "value weight.": _one_by_inverse("rows"),
        "both went the opposite way: head order[0] comes first, not head 0 to place order[0].": (
            lambda w_v, w_o, order: _reordered(w_v, w_o, _inverse(order))
        ),
        "a head is a run of neighbouring features, and you took every H-th one.": (
            _both_by(lambda order, K: [i * len(order) + h for h in order for i in range(K)])
        ),
        "only one feature of each head has moved: a head is K features wide.": (
            _both_by(lambda order, K: [*order, *range(len(order), K * len(order))])
        ),
        "the whole order of features is reversed: move heads, and leave each head's features in "
        "their order.": _both_by(lambda order, K: _section(order, K)[::-1]),
        "the rows of both have moved; the heads are the columns of w_v, w_v[:, places].": (
            _rows_of_both
        ),
        "K is the number of w_v's columns, H·K, divided by H; its rows are D.": (
            lambda w_v, w_o, order: _both_by(
                lambda order, K: _section(order, len(w_v) // len(order))
            )(w_v, w_o, order)
        ),
        "only the first feature of each head is taken: a head is K features wide.": (
            _both_by(lambda order, K: [head * K for head in order])
        ),
    },
    hints=(
        "A weight is stored as (in, out). Which axis of w_o meets the heads: its rows or columns?",
        "out = o @ w_o: the features of o, head by head, meet the rows of w_o.",
        "w_o[places] in place of w_o[:, places].",
    ),
)


# 5 and 6. predictions

wrong_sketch = Prediction(
    name="wrong_sketch",
    kind="predict",
    asks="The letter of the sketch that is not a rewrite of causal attention.",
    answer="C",
    mistakes={
        "A holds: the mean of the keys is a bias, the same for all, and softmax cannot see what it "
        "adds to a row.": "A",
        "B holds: e to the power s is 2 to the power s·log₂e, so it is the same power.": "B",
        "D holds: a score is the sum over both halves, and the power of a sum is a product.": "D",
        "E holds: the weights of a row sum to 1, so the row's own value is subtracted once and "
        "added once.": "E",
        "a capital letter is wanted, and a holds: the mean of the keys is a bias.": "a",
        "a capital letter is wanted, and b holds: it is the same power, with another base.": "b",
        "the letter is right; write it as a capital, in quotation marks.": "c",
        "a capital letter is wanted, and d holds: the power of a sum is a product.": "d",
        "a capital letter is wanted, and e holds: the weights of a row sum to 1.": "e",
        "the letter alone, in quotation marks.": "sketch C",
        "the letter alone, a capital in quotation marks.": "sketch_c",
        "the letter alone, in quotation marks, without a small word before it.": "Sketch C",
        "asked is the one that is no rewrite, not the four that are.": "ABDE",
    },
    hints=(
        "Ask of each: what depends on the query, and what is kept from one row to the next?",
        "compare, in the chapter, tests a sketch, and names the smallest case in which it fails.",
        "An average that was made with one query's weights: is it the average of the next query?",
    ),
)

open_pairs = Prediction(
    name="open_pairs",
    kind="predict",
    asks="How many pairs of chunks are computed, for 8192 positions, chunks of 256 and a causal "
    "window of 1024.",
    answer=150,
    mistakes={
        "that is every pair, 32 × 32: the mask closes most of them.": 1024,
        "that is the causal half, 32 · 33 / 2: the window closes many of those.": 528,
        "five for each chunk of queries; but the first four have fewer before them.": 160,
        "a window of 1024 is four chunks, but it begins inside a chunk: the first query of a chunk "
        "sees 1023 keys before it, so five chunks are touched.": 128,
        "a window of 1024 is four chunks wide, but it touches five, save at the start.": 122,
        "those are the pairs of one half of the window: count the chunk of the queries itself "
        "too.": 118,
        "the first four chunks of queries have pairs too: 1, 2, 3 and 4.": 140,
        "the first four chunks of queries have pairs too; and each of the others touches five, not "
        "four.": 112,
        "those are pairs of positions, 1024 for each query: count pairs of chunks.": 8192 * 1024,
        "that is the window on both sides; causal, a query sees keys before it only.": 268,
        "those are all pairs below the diagonal: a chunk meets itself too, and the window closes "
        "those far away.": 496,
        "that is a chunk's own keys alone; the window reaches four chunks further back.": 32,
        "that is one chunk of queries; there are 32, and the first four have fewer.": 5,
        "that is six for each chunk: its own and four before it make five.": 177,
        "those are pairs of positions; a pair of chunks holds 256 × 256 of them, and counts as one "
        "as soon as one of them is open.": 8192 * 1024 - 1024 * 1023 // 2,
        "those are the open pairs of positions, divided by 256 × 256; a pair of chunks counts "
        "whole, however little of it is open.": 120,
        "the first chunk of queries meets one chunk, its own: 1, 2, 3, 4, and 5 from then on.": 154,
    },
    hints=(
        "There are 32 chunks of queries. Which keys can the first and the last query of one see?",
        "The first query of a chunk at position p sees keys from p - 1023: they begin four chunks "
        "earlier. With its own chunk that makes five.",
        "The first four chunks of queries touch 1, 2, 3 and 4 chunks of keys; the other 28 touch "
        "5.",
    ),
)

EXERCISES = [
    combine_parts,
    chunked_average,
    chunk_gradients,
    reorder_heads,
    wrong_sketch,
    open_pairs,
]
