"""The exercises of chapter 00, begin."""

import numpy as np

from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, behind
from tantra.check.slips import mean, total
from tantra.softmax import softmax

COUNTS = np.array([2, 1, 1])
FRONTS = ((), (5,), (2, 5))  # none, one or two axes in front


def _by_sum(small):
    return lambda counts, values: counts @ values / (counts.sum() + small)


weighted_mean = Exercise(
    name="weighted_mean",
    kind="implement",
    asks="The mean of the rows of values, each row counted as often as counts says.",
    reference=lambda counts, values: counts @ values / counts.sum(),
    cases={
        "one column": (COUNTS, np.array([[4.0], [8.0], [0.0]])),
        "two columns": (COUNTS, np.array([[4.0, 1.0], [8.0, 0.0], [0.0, 2.0]])),
        "only the last row counts": (np.array([0, 0, 3]), array(3, 4)),
        "a square": (np.array([1, 5, 2]), array(3, 3)),
    },
    draw=lambda rng: (rng.integers(1, 9, size=5), rng.standard_normal((5, 7))),
    mistakes={
        "that is the plain mean: every row counts the same. Use the counts.": (
            lambda counts, values: values.mean(axis=0)
        ),
        "you add up the rows as often as counts says; a mean divides by the sum of the counts.": (
            lambda counts, values: counts @ values
        ),
        "divide by the sum of the counts, not by how many counts there are.": (
            lambda counts, values: counts @ values / len(counts)
        ),
        "divide by the sum of the counts, not by the largest.": (
            lambda counts, values: counts @ values / counts.max()
        ),
        "divide by the sum of the counts, not by the sum of the values.": (
            lambda counts, values: counts @ values / values.sum(axis=0)
        ),
        "softmax makes other shares of the counts; here each count is divided by their sum.": (
            lambda counts, values: softmax(1.0 * counts) @ values
        ),
        "you weigh the rows but do not add them up: one row of numbers should be left.": (
            lambda counts, values: counts[:, None] * values / counts.sum()
        ),
        "you weigh the rows, but do not add them up: sum over the axis of the counts.": (
            lambda counts, values: values.T * counts / counts.sum()
        ),
        "you add up everything: sum over the rows only, axis=0.": (
            lambda counts, values: (counts[:, None] * values).sum() / counts.sum()
        ),
        "you sum over the columns; sum over the rows, axis=0.": (
            lambda counts, values: (counts[:, None] * values).sum(axis=1) / counts.sum()
        ),
        "the counts are not used: each row counts as often as its count says.": (
            lambda counts, values: values.sum(axis=0)
        ),
        "the rows are added up without their counts: multiply each row by its count first.": (
            lambda counts, values: values.sum(axis=0) / counts.sum()
        ),
        "counts of shape (S,) meet the columns of values: counts[:, None] meets the rows. "
        "Then add the rows up.": lambda counts, values: counts * values / counts.sum(),
        "counts of shape (S,) meet the columns of values: counts[:, None] meets the rows.": (
            lambda counts, values: (counts * values).sum(axis=0) / counts.sum()
        ),
        "two things: counts of shape (S,) meet the columns of values, so write counts[:, None]; "
        "and sum over the rows only, axis=0.": (
            lambda counts, values: (counts * values).sum() / counts.sum()
        ),
        "that is values @ counts, which sums over the columns of values. The counts come first: in "
        "the product, and in the brackets of def weighted_mean(counts, values).": (
            lambda counts, values: values @ counts / counts.sum()
        ),
        "counts and values are exchanged: the counts come first in the brackets of "
        "def weighted_mean(counts, values).": (
            lambda counts, values: values @ counts / values.sum()
        ),
        "that is each row's own mean; the mean of the rows is wanted, each counted by its count.": (
            lambda counts, values: values.mean(axis=1)
        ),
        "that is one mean of all numbers; there is one for each column, and each row counts by its "
        "count.": lambda counts, values: values.mean(),
        "each row is counted rightly, but that is one mean of all numbers: .mean(axis=0) gives one "
        "for each column.": lambda counts, values: np.repeat(values, counts, axis=0).mean(),
        "the summed axis stays, with length 1: the mean has shape (V,), not (1, V).": (
            lambda counts, values: counts[None] @ values / counts.sum()
        ),
        "only the last row is left: add each row to the total, total = total + ...": (
            lambda counts, values: counts[-1] * values[-1] / counts.sum()
        ),
        "the last row is left out: the loop should run over all of them.": (
            lambda counts, values: counts[:-1] @ values[:-1] / counts.sum()
        ),
        "only the first row is counted: does the return stand inside the loop?": (
            lambda counts, values: counts[0] * values[0] / counts.sum()
        ),
        "that is the row with the largest count alone; every row counts as often as it says.": (
            lambda counts, values: values[counts.argmax()]
        ),
        "each mean is rounded down: / divides, // drops what is behind the point.": (
            lambda counts, values: counts @ values // counts.sum()
        ),
        "// makes every share 0 but a sole one: / divides, // drops what is behind the point.": (
            lambda counts, values: (counts // counts.sum()) @ values
        ),
        "the shares are right, and then divided by their number again: they sum to 1 already.": (
            lambda counts, values: counts @ values / counts.sum() / len(counts)
        ),
    }
    | {
        f"adding {small} to the sum of the counts makes the mean too small: leave it away.": (
            _by_sum(float(small))
        )
        for small in ("1e-5", "1e-6", "1e-8", "1e-9")
    },
    rtol=1e-11,
    atol=1e-12,
    hints=(
        "Divide the counts by their sum: then they are shares.",
        "shares[:, None] has shape (S, 1), so it multiplies each row of values (S, V).",
        "shares @ values multiplies and adds at once: (S,) @ (S, V) -> (V,).",
    ),
)

centre_rows = Exercise(
    name="centre_rows",
    kind="hunt",
    asks="Subtract from every row its own mean.",
    reference=lambda x: x - mean(x),
    given=lambda x: x - x.mean(axis=-1),
    cases={
        "a square": (np.array([[1.0, 3.0], [10.0, 30.0]]),),
        "two rows, three columns": (np.array([[1.0, 2.0, 6.0], [10.0, 20.0, 60.0]]),),
        "three axes": (array(2, 3, 4),),
        "one row alone": (np.array([1.0, 2.0, 3.0, 10.0]),),
    },
    draw=lambda rng: behind(rng, (7,), fronts=FRONTS),
    mistakes={
        "that is the mean of each column: rows run along the last axis, axis=-1.": (
            lambda x: x - mean(x, axis=0)
        ),
        "that is one mean for the whole array; each row has its own.": lambda x: x - x.mean(),
        "that is the mean alone: subtract it from x.": mean,
        "the sign is flipped: x minus its mean.": lambda x: mean(x) - x,
        "axis=1 is the last axis only of two; the last of any number is axis=-1.": (
            lambda x: x - mean(x, axis=1)
        ),
        "right for two axes, but not for three: keepdims=True puts the mean in its place "
        "for any number of axes.": lambda x: x - x.mean(axis=-1)[:, None],
        "reshape(-1, 1) is right for two axes only: keepdims=True puts the mean in its place for "
        "any number of axes.": lambda x: x - x.mean(axis=-1).reshape(-1, 1),
        "x.T reverses all the axes, so with three the means meet the wrong numbers: keepdims=True "
        "puts each in its place.": lambda x: (x.T - x.mean(axis=-1)).T,
        "a loop over x takes its first axis apart: right for two axes, but of three it gives "
        "tables, and of one single numbers. x.mean(axis=-1, keepdims=True) finds rows always.": (
            lambda x: np.stack([row - row.mean() for row in x])
        ),
        "axis=-2 runs down the columns; along a row runs the last axis, axis=-1.": (
            lambda x: x - x.mean(axis=-2, keepdims=True)
        ),
        "that is the sum of the row: its mean is wanted.": (lambda x: x - total(x)),
        "subtract the mean and leave it there: do not divide by the standard deviation.": (
            lambda x: (x - mean(x)) / x.std(axis=-1, keepdims=True)
        ),
        "you divide by the mean; subtract it.": lambda x: x / mean(x),
        "len(x) counts the rows, or what stands in front; a row has x.shape[-1] numbers.": (
            lambda x: x - total(x) / len(x)
        ),
        "you add the mean; subtract it.": lambda x: x + mean(x),
        "that is the median, the middle number of the row; its mean is wanted.": (
            lambda x: x - np.median(x, axis=-1, keepdims=True)
        ),
    },
    rtol=1e-11,
    atol=1e-12,
    hints=(
        "Print the shapes of x and of its mean, for the square and for two rows of three.",
        "NumPy lines axes up from the right: a mean of shape (2,) meets the columns.",
        "keepdims=True keeps the axis: the mean has shape (2, 1) and meets the rows.",
    ),
)

mean_shape = Prediction(
    name="mean_shape",
    kind="predict",
    asks="The shape of weights @ values for weights (5, 3) and values (3, 7).",
    answer=(5, 7),
    mistakes={
        "the inner axis, 3, is summed over and disappears.": (5, 3),
        "the inner axis, 3, is summed over: of (5, 3) @ (3, 7) the outer two are left.": (3, 7),
        "rows come from the left factor, columns from the right one.": (7, 5),
        "a product of matrices sums over the shared axis; it does not keep it.": (5, 3, 7),
        "only a vector times a matrix leaves one axis; here are 5 rows of weights.": (7,),
        "a matrix times a vector leaves (5,); here each value has 7 features, and keeps them.": (
            5,
        ),
        "the 3 is summed over: of (5, 3) @ (3, 7) the outer two numbers are left.": (3, 3),
        "that is how many numbers there are; the shape names each axis: (rows, columns).": 35,
        "the two 3s meet and are summed over: of (5, 3) @ (3, 7) the outer two are left.": (
            (5, 3, 3, 7)
        ),
        "that would be one row of weights; here are 5, and each makes a row of 7.": (1, 7),
        "that would be values of one feature; here each has 7, and so has each mean.": (5, 1),
        "that is the shape of the weights, transposed; the product has rows of 7.": (3, 5),
        "that is how many products are added up; the shape names the axes that are left.": 105,
        "a product of matrices does not add the lengths: the inner two meet and go, the outer two "
        "are left.": (8, 10),
    },
    hints=(
        "Each of the 5 rows of weights makes one weighted mean.",
        "A weighted mean of rows of 7 numbers has 7 numbers.",
    ),
)

EXERCISES = [weighted_mean, centre_rows, mean_shape]
