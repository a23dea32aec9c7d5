"""The exercises of chapter 16, speed."""

import itertools
import math
import operator
import warnings

import numpy as np

from tantra.check import outcome
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array
from tantra.check.slips import largest
from tantra.check.watch import calls, peak_bytes

# 1. the operations of a block


def _operations(T, D, F, *, maps=4, layers=2, pairs=2, each=2, own=True):
    """Operations of a block, with places where a count may go wrong."""
    positions = T if own else 1
    return each * (positions * (maps * D * D + layers * D * F) + pairs * T * T * D)


def _exact_additions(T, D, F):
    """With k - 1 additions for a sum of k products."""

    def product(rows, inner, columns):
        return rows * columns * (2 * inner - 1)

    maps = 4 * product(T, D, D) + product(T, D, F) + product(T, F, D)
    return maps + product(T, D, T) + product(T, T, D)


block_operations = Exercise(
    name="block_operations",
    kind="implement",
    asks="The operations in the products of one block, forward, for T positions.",
    reference=_operations,
    cases={
        "GPT-2 small, 1024 positions": (1024, 768, 3072),
        "one position": (1, 8, 32),
        "two positions": (2, 3, 5),
        "more positions than width": (7, 2, 3),
    },
    draw=lambda rng: (
        int(rng.integers(2, 9)),
        int(rng.integers(10, 19)),
        int(rng.integers(20, 29)),
    ),
    rtol=1e-12,
    mistakes={
        "each product of two numbers is a multiplication and an addition: 2 operations.": (
            lambda T, D, F: _operations(T, D, F, each=1)
        ),
        "the products of attention are missing: T queries meet T keys, and T weights meet T "
        "values.": lambda T, D, F: _operations(T, D, F, pairs=0),
        "2 · T · T · D is one of two: scores and averages are a product each, and masked scores "
        "count in full.": (lambda T, D, F: _operations(T, D, F, pairs=1)),
        "the matrices of attention are four: query, key, value and output.": (
            lambda T, D, F: _operations(T, D, F, maps=3)
        ),
        "you count one matrix for queries, keys and values together, and one for the output: each "
        "of the four is D × D.": lambda T, D, F: _operations(T, D, F, maps=2),
        "the feed-forward has two matrices, up and down: you count one.": (
            lambda T, D, F: _operations(T, D, F, layers=1)
        ),
        "the feed-forward is missing: D to F and back.": (
            lambda T, D, F: _operations(T, D, F, layers=0)
        ),
        "every position meets the matrices: the part with the weights grows with T.": (
            lambda T, D, F: _operations(T, D, F, own=False)
        ),
        "the weights of attention have T · T numbers for each head, and all heads together are D "
        "wide: 4 · T · T · D, not 4 · T · D.": lambda T, D, F: (
            2 * T * (4 * D * D + 2 * D * F) + 4 * T * D
        ),
        "scores and averages are 4 · T · T · D in all, which is with the 2 already.": (
            lambda T, D, F: _operations(T, D, F, pairs=4)
        ),
        "masked scores are computed as well: T · T of them, not T · (T + 1) / 2.": (
            lambda T, D, F: _operations(T, D, F, pairs=1 + 1 / T)
        ),
        "the feed-forward's width is F, which need not be 4 · D.": (
            lambda T, D, F: _operations(T, D, 4 * D)
        ),
        "a sum of k products counts as k multiplications and k additions: 2k, not 2k - 1.": (
            _exact_additions
        ),
        "the feed-forward has two matrices, up and down: a gate is a third.": (
            lambda T, D, F: _operations(T, D, F, layers=3)
        ),
        "that is the work of one position: T of them meet the matrices and T keys each.": (
            lambda T, D, F: _operations(T, D, F) // T
        ),
        "the products with the six matrices lack the 2: multiplications and additions.": (
            lambda T, D, F: _operations(T, D, F) - T * (4 * D * D + 2 * D * F)
        ),
        "scores and averages are 4 · T · T · D, not 4 · T · D · D: there are T · T of each.": (
            lambda T, D, F: _operations(T, D, F, pairs=0) + 4 * T * D * D
        ),
        "the matrices of the feed-forward are D × F and F × D, not F × F.": (
            lambda T, D, F: _operations(T, D, F, layers=0) + 4 * T * F * F
        ),
        "each score is a sum of D products, and each average has D numbers: 4 · T · T · D in all, "
        "not 4 · T · T.": lambda T, D, F: _operations(T, D, F, pairs=0) + 4 * T * T,
        "that is a training step's work: forward alone is a third of it.": lambda T, D, F: (
            3 * _operations(T, D, F)
        ),
    },
    hints=(
        "A product of (n, k) and (k, m) has n · m results of k multiplications and k additions.",
        "Six matrices meet every position: four of D × D, two of D × F. Then scores and averages.",
        "2 · T · (4 · D² + 2 · D · F) for the weights, and 2 · T² · D twice for attention.",
    ),
)


# 2. the bytes of a decoded token


def _bytes(weights, layers, kv_heads, d_head, length, width, *, both=2, each=4):
    """The bytes of the weights and of the cache, with places where a count may go wrong."""
    return weights * width + both * layers * kv_heads * d_head * length * each


token_bytes = Exercise(
    name="token_bytes",
    kind="implement",
    asks="The bytes that one decoded token carries: every weight, and the cache of every layer.",
    reference=_bytes,
    cases={
        "GPT-2 small, 512 positions": (124_000_000, 12, 12, 64, 512, 4),
        "half-width weights": (1000, 2, 3, 5, 7, 2),
        "8-bit weights": (1000, 2, 3, 5, 7, 1),
        "an empty cache": (10, 2, 3, 5, 0, 4),
    },
    draw=lambda rng: (
        int(rng.integers(1000, 2000)),
        int(rng.integers(2, 5)),
        int(rng.integers(5, 8)),
        int(rng.integers(8, 16)),
        int(rng.integers(16, 40)),
        int(rng.choice([1, 2, 8])),
    ),
    rtol=1e-12,
    mistakes={
        "the cache holds keys and values: you count one of them.": (
            lambda *args: _bytes(*args, both=1)
        ),
        "the cache is missing: each layer reads the keys and values of all positions.": (
            lambda *args: _bytes(*args, both=0)
        ),
        "each layer has a cache of its own.": lambda w, n, h, k, s, b: _bytes(w, 1, h, k, s, b),
        "each key head has keys of its own: the cache grows with kv_heads.": (
            lambda w, n, h, k, s, b: _bytes(w, n, 1, k, s, b)
        ),
        "the cache grows with the positions it remembers: length is missing.": (
            lambda w, n, h, k, s, b: _bytes(w, n, h, k, 1, b)
        ),
        "length is the number of positions that are read, the new one among them: no + 1.": (
            lambda w, n, h, k, s, b: _bytes(w, n, h, k, s + 1, b)
        ),
        "length is the number of positions that are read, the new one among them: no - 1.": (
            lambda w, n, h, k, s, b: _bytes(w, n, h, k, s - 1, b)
        ),
        "weights are those of all layers together: only the cache is multiplied by layers.": (
            lambda w, n, h, k, s, b: _bytes(n * w, n, h, k, s, b)
        ),
        "only the weights are narrower: the cache keeps 4 bytes a number.": (
            lambda w, n, h, k, s, b: _bytes(w, n, h, k, s, b, each=b)
        ),
        "the weights take width bytes each, not 4.": lambda w, n, h, k, s, b: _bytes(
            w, n, h, k, s, 4
        ),
        "the cache's numbers are counted, not their bytes: each takes 4.": (
            lambda *args: _bytes(*args, each=1)
        ),
        "the weights are counted, not their bytes: each takes width.": (
            lambda w, n, h, k, s, b: _bytes(w, n, h, k, s, 1)
        ),
        "each position has d_head numbers for each head: d_head is missing.": (
            lambda w, n, h, k, s, b: _bytes(w, n, h, 1, s, b)
        ),
        "those are numbers; multiply by the bytes of each.": lambda w, n, h, k, s, b: (
            w + 2 * n * h * k * s
        ),
        "a token reads the weights once, and reads the cache once: nothing is counted twice.": (
            lambda *args: 2 * _bytes(*args)
        ),
        "bytes are asked for: the two operations of each weight need it only once.": (
            lambda w, *cache: _bytes(2 * w, *cache)
        ),
        "the weights are missing: each is read once.": lambda w, *cache: _bytes(0, *cache),
        "bytes are asked for, not millions of bytes.": lambda *args: _bytes(*args) / 1e6,
        "the weights are read once for the token, not once for each position.": (
            lambda w, n, h, k, s, b: _bytes(w * s, n, h, k, s, b)
        ),
        "one token reads each position once: length, not its square.": (
            lambda w, n, h, k, s, b: _bytes(w, n, h, k, s * s, b)
        ),
        "float32 has 32 bits, and that is 4 bytes.": lambda *args: _bytes(*args, each=32),
        "bytes are asked for, not bits.": lambda *args: 8 * _bytes(*args),
        "the two widths are exchanged: a weight takes width bytes, a number of the cache 4.": (
            lambda w, n, h, k, s, b: _bytes(w, n, h, k, s, 4, each=b)
        ),
    },
    hints=(
        "Two parts: the weights, read once a token; and what attention reads.",
        "A layer keeps kv_heads · d_head numbers of keys for each position, and as many of values.",
        "weights · width + 2 · layers · kv_heads · d_head · length · 4.",
    ),
)


# 3. rows needed


def _rows(D, F, width, ridge, *, factor=2, rows=1, answers=1, never=operator.le):
    """The rows n at which 2 n D F = ridge · width · (n D + D F + n F)."""
    left = factor * D * F - ridge * width * (rows * D + answers * F)
    return math.inf if never(left, 0) else ridge * width * D * F / left


def _instead_of_inf(other, *args):
    n = _rows(*args)
    return other if math.isinf(n) else n


def _rounded_down(n):
    return n if math.isinf(n) else math.floor(n)


def _whole(n):
    return n if math.isinf(n) else math.ceil(n)


rows_needed = Exercise(
    name="rows_needed",
    kind="derive",
    asks="The number of rows at which a product of rows and a matrix reaches the ridge.",
    reference=_rows,
    cases={
        "GPT-2 small's feed-forward": (768, 3072, 4, 8.0),
        "half the width": (768, 3072, 2, 8.0),
        "a small matrix": (5, 7, 1, 2.0),
        "never: the matrix is too small": (5, 7, 4, 8.0),
        "the ridge is the limit itself": (4, 4, 4, 1.0),
    },
    draw=lambda rng: (
        int(rng.integers(100, 200)),
        int(rng.integers(300, 400)),
        int(rng.integers(1, 5)),
        float(rng.choice([4, 100]) * rng.uniform(0.5, 2)),
    ),
    rtol=1e-9,
    mistakes={
        "a multiplication and an addition are 2 operations.": (
            lambda D, F, width, ridge: _rows(D, F, width, ridge, factor=1)
        ),
        "the results are written too: n · F numbers more to carry.": (
            lambda D, F, width, ridge: _rows(D, F, width, ridge, answers=0)
        ),
        "the intensity has a limit, 2DF / (width · (D + F)), however many rows there are: where "
        "the ridge is not below it, the answer is infinity.": (
            lambda D, F, width, ridge: _rows(D, F, width, ridge, never=lambda left, zero: False)
        ),
        "where the ridge is the limit itself the divisor is 0: there, too, no number of rows is "
        "enough.": lambda D, F, width, ridge: _rows(D, F, width, ridge, never=operator.lt),
        "the rows are read as well: n · D numbers more to carry.": (
            lambda D, F, width, ridge: _rows(D, F, width, ridge, rows=0)
        ),
        "rows and results are carried as well as the matrix; you count the matrix alone.": (
            lambda D, F, width, ridge: ridge * width / 2
        ),
        "each number takes width bytes: the intensity is per byte.": (
            lambda D, F, width, ridge: _rows(D, F, 1, ridge)
        ),
        "that is the intensity of ridge rows; solve for the number of rows.": (
            lambda D, F, width, ridge: 2 * ridge * D * F / (width * (ridge * D + D * F + ridge * F))
        ),
        "n need not be whole: return it as it is, without rounding.": (
            lambda D, F, width, ridge: _whole(_rows(D, F, width, ridge))
        ),
        "what rows and results take has a minus once all that has n stands on one side.": (
            lambda D, F, width, ridge: _rows(D, F, width, ridge, rows=-1, answers=-1)
        ),
        "however many rows there are, the intensity has a limit: where the divisor is below 0 the "
        "answer is infinity, too.": (
            lambda D, F, width, ridge: _rows(D, F, width, ridge, never=operator.eq)
        ),
        "the test is reversed: infinity belongs where the divisor is 0 or below.": (
            lambda D, F, width, ridge: _rows(D, F, width, ridge, never=operator.gt)
        ),
        "where no number of rows is enough return math.inf, not None.": (
            lambda D, F, width, ridge: _instead_of_inf(None, D, F, width, ridge)
        ),
        "where no number of rows is enough return math.inf, with a plus: rows are never fewer than "
        "none.": lambda D, F, width, ridge: _instead_of_inf(-math.inf, D, F, width, ridge),
        "n need not be whole: return it as it is; rounded down, it does not reach the ridge.": (
            lambda D, F, width, ridge: _rounded_down(_rows(D, F, width, ridge))
        ),
        "the intensity is operations over bytes; bytes over operations were set equal to ridge.": (
            lambda D, F, width, ridge: _rows(D, F, width, 1 / ridge)
        ),
        "that is the intensity's limit, for rows without end; the rows at ridge are asked for.": (
            lambda D, F, width, ridge: 2 * D * F / (width * (D + F))
        ),
        "width is that of every number: the rows and the results take it too.": (
            lambda D, F, width, ridge: _rows(D, F, width, ridge, rows=1 / width, answers=1 / width)
        ),
        "the matrix is carried once, not once for each row.": lambda D, F, width, ridge: (
            ridge * width * (D + D * F + F) / (2 * D * F)
        ),
        "the fraction is upside down.": lambda D, F, width, ridge: (
            1 / _rows(D, F, width, ridge) if _rows(D, F, width, ridge) else math.inf
        ),
    },
    hints=(
        "Write the intensity of n rows: 2 n D F operations over width · (n D + D F + n F) bytes.",
        "Set it equal to ridge, and gather what has n on one side.",
        "n = ridge · width · D F / (2 D F - ridge · width · (D + F)), if the divisor is above 0.",
    ),
)


# 4. which ceiling

LIMITS = "memory", "products", "memory", "products", "memory"
REASONS = (
    "one row has half an operation a byte",
    "512 rows meet each weight while it is there",
    "AdamW has less than one operation a byte",
    "half the width doubles the intensity of 512 rows",
    "one row in 8 bits has two operations a byte",
)


def _exchanged(*places):
    """The answer with the other word in these places."""
    other = {"memory": "products", "products": "memory"}
    return tuple(other[word] if n in places else word for n, word in enumerate(LIMITS))


def _named(memory, products):
    """The answer in other words."""
    return tuple(memory if word == "memory" else products for word in LIMITS)


which_ceiling = Prediction(
    name="which_ceiling",
    asks='Which ceiling governs each of the five works: "memory" or "products".',
    answer=LIMITS,
    mistakes={
        "one row reads all the weights for two operations each: count its intensity first, 1/2.": (
            _exchanged(0)
        ),
        "a prompt is read at once: each weight meets all of its 512 tokens.": _exchanged(1),
        "AdamW has about a dozen operations for the 28 bytes of each weight: below the ridge.": (
            _exchanged(2)
        ),
        "512 rows in half the width have an intensity of hundreds: the width moves the work to "
        "the right, away from the memory's ceiling.": _exchanged(3),
        "8-bit weights quadruple the intensity of one row, from 1/2 to 2: still below the ridge.": (
            _exchanged(4)
        ),
        "one row meets each weight once, however narrow it is: 1/2 and 2 operations a byte.": (
            _exchanged(0, 4)
        ),
        "all reversed: on the left of the ridge the memory governs.": _exchanged(*range(5)),
        "not all: a matrix that meets many rows at once is fetched once for all of them.": (
            _named("memory", "memory")
        ),
        "not all: a matrix that meets one row is fetched for two operations a weight.": (
            _named("products", "products")
        ),
        'the words are "memory" and "products": a ceiling is named by what governs there.': (
            _named("bandwidth", "peak")
        ),
        'the words are in small letters: "memory" and "products".': _named("Memory", "Products"),
        'the words are "memory" and "products", not "bandwidth".': _named("bandwidth", "products"),
        'the words are "memory" and "products", not "peak".': _named("memory", "peak"),
        'the words are "memory" and "products", not "compute".': _named("memory", "compute"),
        "five works need five words.": LIMITS[:-1],
        **{
            f"{REASONS[one]}; and {REASONS[two]}. The ridge is 8.": _exchanged(one, two)
            for one, two in itertools.combinations(range(5), 2)
            if (one, two) not in ((0, 4), (1, 3))
        },
    },
    hints=(
        "The ridge of this machine is peak / bandwidth = 8 operations a byte.",
        "n rows have about n/2 operations a byte in float32, n in half width, 2n in 8 bits.",
        "Left of the ridge, below 8, the memory governs; right of it the products do.",
    ),
)


# 5. a decode that allocates


def _given_remember(buffer, seen, k):
    return np.concatenate([buffer[:seen], k[None]])


def _remember(buffer, seen, k, *, at=0, upto=1, copy=False):
    buffer[seen + at] = k
    found = buffer[: seen + upto]
    return found.copy() if copy else found


def _whole_buffer(buffer, seen, k):
    buffer[seen] = k
    return buffer


def _added(buffer, seen, k):
    buffer[seen] += k
    return buffer[: seen + 1]


def _only_read(buffer, seen, k):
    return buffer[: seen + 1]


def _copied_first(buffer, seen, k):
    keys = _given_remember(buffer, seen, k)
    buffer[: seen + 1] = keys
    return buffer[: seen + 1]


def _all_rows_on(buffer, seen, k):
    buffer[seen:] = k
    return buffer[: seen + 1]


def _all_rows_up_to(buffer, seen, k):
    buffer[: seen + 1] = k
    return buffer[: seen + 1]


def _one_back(buffer, seen, k):
    buffer[seen] = k
    return buffer[seen]


def _at_the_end(buffer, seen, k):
    buffer[-1] = k
    return buffer[: seen + 1]


def _nothing_back(buffer, seen, k):
    buffer[seen] = k


def _used(attempt, buffer, seen, k):
    """What comes back, whether it lies in the buffer, the buffer after it, and what was copied."""
    buffer = buffer.copy()
    keys = attempt(buffer, seen, k)
    inside = isinstance(keys, np.ndarray) and np.shares_memory(keys, buffer)
    return keys, "in the buffer" if inside else "in new memory", buffer, _copied(attempt)


def _copied(attempt, seen=63, width=512):
    """What is copied where a buffer is large: told by the most memory that was taken meanwhile."""
    buffer, k = np.zeros((seen + 2, width)), np.zeros(width)
    most = peak_bytes(lambda: attempt(buffer, seen, k))
    return "all keys" if most > buffer.nbytes / 2 else "no more than the new key"


remember_in_place = Exercise(
    name="remember_in_place",
    kind="hunt",
    asks="The keys remembered so far, the new one written into the buffer, nothing copied.",
    reference=_remember,
    given=_given_remember,
    call=_used,
    results=("keys", "where they lie", "the buffer afterwards", "what was copied"),
    cases={
        "two of four": (array(4, 3), 2, array(3, seed=1)),
        "the first": (array(3, 2), 0, array(2, seed=1)),
        "the last": (array(3, 5), 2, array(5, seed=1)),
    },
    draw=lambda rng: (rng.standard_normal((6, 4)), int(rng.integers(1, 5)), rng.standard_normal(4)),
    mistakes={
        "the whole buffer comes back, with rows that nothing was written to: return the first "
        "seen + 1.": _whole_buffer,
        "the new key's row is seen: positions count from 0.": (
            lambda buffer, seen, k: _remember(buffer, seen, k, at=-1)
        ),
        "the newest key is written, and not returned: the slice must end after it.": (
            lambda buffer, seen, k: _remember(buffer, seen, k, upto=0)
        ),
        "what comes back is a copy: a slice of the buffer costs nothing.": (
            lambda buffer, seen, k: _remember(buffer, seen, k, copy=True)
        ),
        "the key is written into every row up to seen, over the keys that were there: buffer[seen] "
        "is one row.": _all_rows_up_to,
        "the newest key comes back alone: return the first seen + 1 rows.": _one_back,
        "buffer[-1] is the last row of the buffer; the new key's is buffer[seen].": _at_the_end,
        "np.append without an axis puts all numbers in a row, and copies them as concatenate does: "
        "write into the buffer.": lambda buffer, seen, k: np.append(buffer[:seen], k),
        "row seen - 1 holds a key already, and the rows that come back are one too few: write to "
        "row seen.": lambda buffer, seen, k: _remember(buffer, seen, k, at=-1, upto=0),
        "the buffer holds numbers that mean nothing yet: put the key in their place, do not add.": (
            _added
        ),
        "the key is never written into the buffer.": _only_read,
        "the key is written into all rows from seen on: buffer[seen] is one row.": _all_rows_on,
        "the key is in the buffer; now return the first seen + 1 rows.": _nothing_back,
        "the keys lie in the buffer, and yet all of them were copied on the way: write the new row "
        "alone.": _copied_first,
        "the new key's row comes after the seen ones: positions count from 0, so it is row seen, "
        "not seen + 1.": lambda buffer, seen, k: _remember(buffer, seen, k, at=1),
    },
    hints=(
        "Which line makes a new array, and how long is it at the thousandth token?",
        "Write the key into its row of the buffer, then return a slice.",
        "buffer[seen] = k, and buffer[: seen + 1] is a view: no number is copied.",
    ),
)


# 6. weights in eight bits


def _quantise(w, *, axis=-1, most=127, round_=np.round, keep=True):
    scale = abs(w).max(axis=axis, keepdims=keep) / most
    codes = round_(w / np.where(scale > 0, scale, 1))
    return codes.astype(np.int8), scale


def _one_scale(w):
    """One scale for all rows, given to each."""
    codes, scale = _quantise(w, axis=None)
    return codes, np.broadcast_to(scale, (len(w), 1))


def _divided_by_0(w):
    scale = largest(abs(w)) / 127
    return np.round(w / scale).astype(np.int8), scale


def _scale_1(w):
    codes, scale = _quantise(w)
    return codes, np.where(scale > 0, scale, 1)


def _casts_nan(attempt):
    """Whether a row of zeros becomes nan on its way to whole numbers, as NumPy then warns."""
    with np.errstate(invalid="warn"), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        attempt(np.zeros((1, 2)))
    return any("invalid value encountered in cast" in str(each.message) for each in heard)


NAN = (
    "a row of zeros is divided by 0, and nan has no whole number: what int8 makes of it is left to "
    "chance. Divide by 1 there."
)


def _whole_codes(w):
    codes, scale = _quantise(w)
    return codes * scale, scale


def _from_largest(w, cut=True):
    scale = largest(w) / 127
    codes = np.round(w / np.where(scale != 0, scale, 1))
    if cut:
        codes = np.clip(codes, -127, 127)
    return codes.astype(np.int8), scale


def _least_to_largest(w):
    scale = np.ptp(w, axis=-1, keepdims=True) / 254
    return np.round(w / np.where(scale > 0, scale, 1)).astype(np.int8), scale


def _clipped(w, scale, least=-127):
    codes = np.round(w / np.where(scale > 0, scale, 1))
    return np.clip(codes, least, 127).astype(np.int8), scale


def _cut_at_127(w, least=-128):
    return _clipped(w, largest(abs(w)) / 128, least)


def _with_added(small):
    """A number that is small, put into every scale against a division by 0."""

    def quantise(w):
        scale = largest(abs(w)) / 127 + small
        return np.round(w / scale).astype(np.int8), scale

    return quantise


def _whole_too_soon(w):
    scale = _quantise(w)[1]
    codes = w.astype(np.int8) / np.where(scale > 0, scale, 1)
    return np.round(codes).astype(np.int8), scale


def _flat_scale(w):
    codes, scale = _quantise(w)
    return codes, scale[:, 0]


def _inverse_scale(w):
    codes, scale = _quantise(w)
    return codes, 1 / scale


def _checked(attempt, w):
    """The codes as numbers, the scale, and the type of the codes."""
    found = attempt(w)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise ValueError("two arrays are asked for: return the codes, and the scales")
    codes, scale = found
    return np.asarray(codes, dtype=np.float64), scale, str(np.asarray(codes).dtype)


quantise_rows = Exercise(
    name="quantise_rows",
    kind="implement",
    asks="Each row as whole numbers from -127 to 127 in int8, and a scale that leads back.",
    reference=_quantise,
    call=_checked,
    results=("codes", "scale", "type of the codes"),
    cases={
        "two rows": (np.array([[0.9, -2.0, 0.5], [10.0, 0.0, -4.0]]),),
        "a row of zeros": (np.array([[0.0, 0.0, 0.0], [1.0, 2.0, -3.0]]),),
        "a row that is all negative": (np.array([[-0.9, -2.0, -0.3], [0.1, 0.9, -0.4]]),),
        "rows of very different size": (np.array([[0.9e-3, 2e-3], [50.0, -20.0], [1.0, 0.3]]),),
        "as many rows as columns": (np.array([[0.5, -0.2], [3.0, 7.0]]),),
    },
    draw=lambda rng: (rng.standard_normal((3, 7)) * rng.uniform(0.1, 10, (3, 1)),),
    rules={NAN: _casts_nan},
    rtol=1e-9,
    atol=1e-15,
    mistakes={
        "one scale for the whole matrix: a row of small weights then has only a few codes. Take "
        "each row's own largest, with axis=-1, keepdims=True.": lambda w: _quantise(
            w, axis=None, keep=False
        ),
        "one scale, the same for all rows: a row of small weights then has only a few codes. Take "
        "each row's own largest.": _one_scale,
        "each row shares a scale, not each column: the largest along axis=-1, not 0.": (
            lambda w: _quantise(w, axis=0)
        ),
        "each row shares a scale, not each column: axis=-1 in place of 0, and keepdims=True.": (
            lambda w: _quantise(w, axis=0, keep=False)
        ),
        "without keepdims=True the scales are (F,) and meet the columns; (F, 1) meets the rows.": (
            lambda w: _quantise(w, keep=False)
        ),
        NAN: _divided_by_0,
        "a row of zeros has scale 0; only in the division does a 1 stand in its place.": _scale_1,
        "rounded towards 0: np.round goes to the nearest code, and halves the worst error.": (
            lambda w: _quantise(w, round_=np.trunc)
        ),
        "rounded down: np.round goes to the nearest code.": (
            lambda w: _quantise(w, round_=np.floor)
        ),
        "int8 ends at 127, and 128 wraps round to -128: divide the largest by 127.": (
            lambda w: _quantise(w, most=128)
        ),
        "int8 has 256 codes, and 127 of them above 0: divide the largest by 127, not by 255.": (
            lambda w: _quantise(w, most=255)
        ),
        "the weight that is largest in size sets the scale, not the way from least to largest.": (
            _least_to_largest
        ),
        "the codes are already multiplied by the scale: return the whole numbers.": _whole_codes,
        "the largest weight is the largest in size: take abs first, or a large negative weight is "
        "cut off.": _from_largest,
        "the largest weight is the largest in size: take abs first, or a large negative weight "
        "gets a code below -128, which int8 wraps round.": lambda w: _from_largest(w, cut=False),
        "codes go from -127 to 127, the same way up and down: divide the largest by 127, and "
        "nothing has to be cut off.": _cut_at_127,
        "the scales have shape (F, 1), so that codes * scale takes each row's own: keep the axis "
        "with keepdims=True.": _flat_scale,
        "the scale leads back by a product, codes · scale: yours is its inverse.": _inverse_scale,
        "the codes come first, then the scales.": lambda w: _quantise(w)[::-1],
        "uint8 has no sign, and makes 129 of -127: np.int8.": lambda w: (
            _quantise(w)[0].astype(np.uint8),
            _quantise(w)[1],
        ),
        "the weights are made whole before they are divided: divide, round, and then np.int8.": (
            _whole_too_soon
        ),
        "the scale that comes back is the largest weight itself: divide it by 127, so that codes · "
        "scale leads back.": lambda w: (_quantise(w)[0], _quantise(w)[1] * 127),
        "to add 0.5 and cut rounds a negative number up: np.round goes to the nearest.": (
            lambda w: _quantise(w, round_=lambda codes: np.trunc(codes + 0.5))
        ),
        "divide the largest by 127, not by 128: it then becomes 127, and nothing is cut off.": (
            lambda w: _cut_at_127(w, least=-127)
        ),
        "the weight that is largest in size sets the scale; (largest - least) / 255 would need a "
        "zero point as well.": lambda w: _clipped(w, np.ptp(w, axis=-1, keepdims=True) / 255),
        "the weight that is largest in size sets the scale, not the standard deviation.": (
            lambda w: _clipped(w, w.std(axis=-1, keepdims=True) / 127)
        ),
        **{
            f"{small:g} is added to the scale, and a row of zeros then has one: divide by 1 where "
            "the scale is 0, and leave the others as they are.": _with_added(small)
            for small in (1e-12, 1e-10, 1e-9, 1e-8, 1e-6, 1e-5)
        },
        "the codes are whole, but not int8: without .astype(np.int8) they take 8 bytes each.": (
            lambda w: (_quantise(w)[0].astype(np.float64), _quantise(w)[1])
        ),
        "two things: each row shares a scale, not each column, so axis=-1 in place of 0; and the "
        "codes must be int8.": lambda w: (
            _quantise(w, axis=0)[0].astype(np.float64),
            _quantise(w, axis=0)[1],
        ),
    },
    hints=(
        "The largest weight of a row, in size, should become 127 or -127.",
        "scale = abs(w).max(axis=-1, keepdims=True) / 127; codes are w / scale, rounded.",
        "Where a row's scale is 0 divide by 1; then np.round and .astype(np.int8).",
    ),
)


# 7. a step of Newton–Schulz


def _newton_schulz(x, *, signs=(3.4445, -4.7750, 2.0315), times=np.matmul, ahead=True, last=True):
    a, b, c = signs
    square = x @ x.T if ahead else x.T @ x
    both = b * square + c * times(square, square)
    return a * x + (both @ x if last else both)


def _five_steps(x):
    for _ in range(5):
        x = _newton_schulz(x)
    return x


def _by_svd(x, powers=(1, 3, 5)):
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    return (u * _polynomial(s, powers)) @ vt


def _polynomial(s, powers=(1, 3, 5)):
    first, second, third = powers
    return 3.4445 * s**first - 4.7750 * s**second + 2.0315 * s**third


def _no_transpose(x):
    return 3.4445 * x - 4.7750 * x @ x @ x + 2.0315 * x @ x @ x @ x @ x


def _before_x(x, one):
    """What stands in front of x, with one in the place of the identity."""
    square = x @ x.T
    return 3.4445 * one - 4.7750 * square + 2.0315 * square @ square


def _seventh(x):
    square = x @ x.T
    return 3.4445 * x - 4.7750 * square @ x + 2.0315 * square @ square @ square @ x


def _number_by_number(x):
    square = x * x.T
    return 3.4445 * x - 4.7750 * square @ x + 2.0315 * square @ square @ x


def _decomposes(attempt):
    ways = (np.linalg.svd, np.linalg.eigh, np.linalg.eig)
    return calls(set().union(*map(outcome.codes, ways)), lambda: attempt(np.eye(2, 3)))


DECOMPOSED = "that takes the matrix apart; the task is to do it by products of matrices alone."


newton_schulz_step = Exercise(
    name="newton_schulz_step",
    kind="implement",
    asks="One step: every singular value s becomes 3.4445 s - 4.7750 s³ + 2.0315 s⁵.",
    reference=_newton_schulz,
    cases={
        "a diagonal matrix": (np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]]),),
        "two rows of three": (array(2, 3) / 3,),
        "one row": (np.array([[0.6, 0.0, -0.8]]),),
        "four rows of two": (array(4, 2) / 4,),
        "as many rows as columns": (array(2, 2, seed=1) / 2,),
    },
    draw=lambda rng: (rng.standard_normal((3, 5)) / 4,),
    rules={DECOMPOSED: _decomposes},
    rtol=1e-9,
    atol=1e-12,
    mistakes={
        "the square of a matrix is a product of matrices, @: * squares each number alone.": (
            lambda x: _newton_schulz(x, times=np.multiply)
        ),
        "the powers are of each number alone: s is a singular value, so use products of "
        "matrices.": lambda x: 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5,
        "the term with s³ is subtracted: its coefficient is -4.7750.": (
            lambda x: _newton_schulz(x, signs=(3.4445, 4.7750, 2.0315))
        ),
        "the fifth power is missing: (X Xᵀ)² X.": (
            lambda x: _newton_schulz(x, signs=(3.4445, -4.7750, 0.0))
        ),
        "the third term has (X Xᵀ)², a product of two: with one it is the second term again.": (
            lambda x: _newton_schulz(x, signs=(3.4445, -4.7750 + 2.0315, 0.0))
        ),
        "(X Xᵀ)² ends on X as the other terms do: it has s⁴, and (X Xᵀ)² X has s⁵.": (
            lambda x: _newton_schulz(x, signs=(3.4445, -4.7750, 0.0)) + 2.0315 * x @ x.T @ x @ x.T
        ),
        "the first term is missing: a X.": (
            lambda x: _newton_schulz(x, signs=(0.0, -4.7750, 2.0315))
        ),
        "the coefficients of s³ and s⁵ have changed places.": (
            lambda x: _newton_schulz(x, signs=(3.4445, 2.0315, -4.7750))
        ),
        "x is taken as it is: it was scaled once, before the first step.": (
            lambda x: _newton_schulz(x / np.linalg.norm(x))
        ),
        "x.T @ x is (D, D), and does not stand in front of x: x @ x.T does, which is (F, F).": (
            lambda x: _newton_schulz(x, ahead=False)
        ),
        "the powers are one too low: x @ x.T has s², so (x @ x.T) @ x has s³.": (
            lambda x: _newton_schulz(x, last=False)
        ),
        "that is five steps; one is asked for.": _five_steps,
        "s³ belongs to X Xᵀ X, with a transpose in the middle: x @ x @ x has none.": _no_transpose,
        "x * x.T multiplies number by number: x @ x.T is the product.": _number_by_number,
        "the third term has (X Xᵀ)², which gives s⁵ with X; with three of them it is s⁷.": _seventh,
        "3.4445 is added to every number of the matrix: it belongs to X alone, or to np.eye.": (
            lambda x: _before_x(x, 1.0) @ x
        ),
        "that is what stands in front of X: the product with X is missing.": (
            lambda x: _before_x(x, np.eye(len(x)))
        ),
        "the powers are s, s³ and s⁵, not s, s² and s⁴; and products of matrices give them.": (
            lambda x: _by_svd(x, (1, 2, 4))
        ),
        "those are the singular values alone: the matrix with them, and the same U and V, is asked "
        "for.": lambda x: _polynomial(np.linalg.svd(x, compute_uv=False)),
        "the result is transposed: it has the shape of x, (F, D).": lambda x: _newton_schulz(x).T,
        DECOMPOSED: _by_svd,
        "that is the classical step, 1.5 X - 0.5 X Xᵀ X: it goes to 1 exactly, but slowly.": (
            lambda x: 1.5 * x - 0.5 * x @ x.T @ x
        ),
    },
    hints=(
        "X Xᵀ = U S² Uᵀ, so X Xᵀ X has the singular values s³, with the same U and V.",
        "square = x @ x.T; then square @ x has s³, and square @ square @ x has s⁵.",
        "a * x + (b * square + c * square @ square) @ x.",
    ),
)


EXERCISES = [
    block_operations,
    token_bytes,
    rows_needed,
    which_ceiling,
    remember_in_place,
    quantise_rows,
    newton_schulz_step,
]
