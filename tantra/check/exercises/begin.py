"""The exercises of chapter 00, begin."""

import numpy as np

from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, behind
from tantra.check.slips import mean, total

SHARES = np.array([0.5, 0.25, 0.25])
FRONTS = ((), (5,), (2, 5))  # none, one or two axes in front


def _sum_and(small):
    return lambda shares, values: shares @ values / (shares.sum() + small)


weighted_mean = Exercise(
    name="weighted_mean",
    kind="implement",
    asks="The mean of the rows of values, each row counted by its share.",
    reference=lambda shares, values: shares @ values,
    cases={
        "one column": (SHARES, np.array([[4.0], [8.0], [0.0]])),
        "two columns": (SHARES, np.array([[4.0, 1.0], [8.0, 0.0], [0.0, 2.0]])),
        "all to the last row": (np.array([0.0, 0.0, 1.0]), array(3, 4)),
        "a square": (SHARES, array(3, 3)),
    },
    draw=lambda rng: (rng.dirichlet(np.ones(5)), rng.standard_normal((5, 7))),
    mistakes={
        "that is the plain mean: every row counts the same. Use the shares.": (
            lambda shares, values: values.mean(axis=0)
        ),
        "you weigh the rows but do not add them up: one row of numbers should be left.": (
            lambda shares, values: shares[:, None] * values
        ),
        "you weigh the rows, but do not add them up: sum over the axis of the shares.": (
            lambda shares, values: values.T * shares
        ),
        "you add up everything: sum over the rows only, axis=0.": (
            lambda shares, values: (shares[:, None] * values).sum()
        ),
        "you sum over the columns; sum over the rows, axis=0.": (
            lambda shares, values: (shares[:, None] * values).sum(axis=1)
        ),
        "the shares already sum to 1: do not divide by their number again.": (
            lambda shares, values: shares @ values / len(shares)
        ),
        "the shares are not used: each row counts by its share.": (
            lambda shares, values: values.sum(axis=0)
        ),
        "shares of shape (S,) meet the columns of values: shares[:, None] meets the rows. "
        "Then add the rows up.": lambda shares, values: shares * values,
        "shares of shape (S,) meet the columns of values: shares[:, None] meets the rows.": (
            lambda shares, values: (shares * values).sum(axis=0)
        ),
        "two things: shares of shape (S,) meet the columns of values, so write shares[:, None]; "
        "and sum over the rows only, axis=0.": lambda shares, values: (shares * values).sum(),
        "that is values @ shares, which sums over the columns of values. The shares come first: in "
        "the product, and in the brackets of def weighted_mean(shares, values).": (
            lambda shares, values: values @ shares
        ),
        "shares and values are exchanged: the shares come first in the brackets of "
        "def weighted_mean(shares, values).": (
            lambda shares, values: (values[:, None] * shares).sum(axis=0)
        ),
        "that is each row's own mean; the mean of the rows is wanted, each counted by its share.": (
            lambda shares, values: values.mean(axis=1)
        ),
        "that is one mean of all numbers; there is one for each column, and each row counts by its "
        "share.": lambda shares, values: values.mean(),
        "the summed axis stays, with length 1: the mean has shape (V,), not (1, V).": (
            lambda shares, values: shares[None] @ values
        ),
        "only the last row is left: add each row to the total, total = total + ...": (
            lambda shares, values: shares[-1] * values[-1]
        ),
        "the last row is left out: the loop should run over all of them.": (
            lambda shares, values: shares[:-1] @ values[:-1]
        ),
        "only the first row is counted: does the return stand inside the loop?": (
            lambda shares, values: shares[0] * values[0]
        ),
        "that is the row with the largest share alone; every row counts by its share.": (
            lambda shares, values: values[shares.argmax()]
        ),
    }
    | {
        f"the shares sum to 1: there is nothing to divide by, and adding {small} to their sum "
        "makes the mean too small.": _sum_and(float(small))
        for small in ("1e-5", "1e-6", "1e-8", "1e-9")
    },
    rtol=1e-11,
    atol=1e-12,
    hints=(
        "Multiply every row by its share, then add the rows.",
        "shares[:, None] has shape (S, 1), so it multiplies each row of values (S, V).",
        "shares @ values does both at once: (S,) @ (S, V) -> (V,).",
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
