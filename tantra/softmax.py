"""Softmax: from scores to probabilities, which sum to 1."""

from tantra.arrays import in_floats, namespace


@in_floats("x")
def softmax(x, axis=-1):
    """Positive weights that sum to 1 along axis: exp(x) divided by its sum.

    x (..., S)  ->  (..., S)

    A score of -inf gets weight 0.  Where every score is -inf there is nothing to share out, and
    the weights are nan; so are they beside a score of +inf or nan.

    >>> softmax(np.array([0.0, 0.0, np.log(2.0)])).round(2)
    array([0.25, 0.25, 0.5 ])
    """
    xp = namespace(x)
    e = xp.exp(x - xp.amax(x, axis=axis, keepdims=True))  # the largest exponent is 0: no overflow
    return e / e.sum(axis=axis, keepdims=True)


@in_floats("x")
def log_softmax(x, axis=-1):
    """The logarithm of softmax along axis, finite even where the weight would round to 0.

    x (..., S)  ->  (..., S)

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    xp = namespace(x)
    x = x - xp.amax(x, axis=axis, keepdims=True)
    return x - xp.log(xp.exp(x).sum(axis=axis, keepdims=True))
