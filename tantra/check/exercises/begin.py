"""The exercises of chapter 00, begin."""

import numpy as np

from tantra.check.engine import Exercise, Prediction


def _array(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).round(1)


SHARES = np.array([0.5, 0.25, 0.25])

weighted_mean = Exercise(
    name="weighted_mean",
    kind="implement",
    asks="The mean of the rows of values, each row counted by its share.",
    reference=lambda shares, values: shares @ values,
    cases={
        "one column": (SHARES, np.array([[4.0], [8.0], [0.0]])),
        "two columns": (SHARES, np.array([[4.0, 1.0], [8.0, 0.0], [0.0, 2.0]])),
        "all to the last row": (np.array([0.0, 0.0, 1.0]), _array(3, 4)),
    },
    draw=lambda rng: (rng.dirichlet(np.ones(5)), rng.standard_normal((5, 7))),
    mistakes={
        "that is the plain mean: every row counts the same. Use the shares.": (
            lambda shares, values: values.mean(axis=0)
        ),
        "you weigh the rows but do not add them up: one row of numbers should be left.": (
            lambda shares, values: shares[:, None] * values
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
    },
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
    reference=lambda x: x - x.mean(axis=-1, keepdims=True),
    given=lambda x: x - x.mean(axis=-1),
    cases={
        "a square": (np.array([[1.0, 3.0], [10.0, 30.0]]),),
        "two rows, three columns": (np.array([[1.0, 2.0, 6.0], [10.0, 20.0, 60.0]]),),
        "three axes": (_array(2, 3, 4),),
    },
    draw=lambda rng: (rng.standard_normal((2, 5, 7)),),
    mistakes={
        "that is the mean of each column: rows run along the last axis, axis=-1.": (
            lambda x: x - x.mean(axis=0, keepdims=True)
        ),
        "that is one mean for the whole array; each row has its own.": lambda x: x - x.mean(),
        "that is the mean alone: subtract it from x.": (
            lambda x: np.broadcast_to(x.mean(axis=-1, keepdims=True), x.shape).copy()
        ),
        "the sign is turned: x minus its mean.": (lambda x: x.mean(axis=-1, keepdims=True) - x),
    },
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
    },
    hints=(
        "Each of the 5 rows of weights makes one weighted mean.",
        "A weighted mean of rows of 7 numbers has 7 numbers.",
    ),
)

EXERCISES = [weighted_mean, centre_rows, mean_shape]
