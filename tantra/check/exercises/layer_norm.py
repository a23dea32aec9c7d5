"""The exercises of chapter 06, layer norm and RMS norm."""

import numpy as np
import torch.nn.functional as F

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, gradients
from tantra.check.slips import mean, total


def _var(x, **named):
    return x.var(axis=-1, keepdims=True, **named)


GAIN = np.array([1.0, 2.0, 0.5])
BIAS = np.array([0.0, 10.0, -1.0])
EVEN_GAIN = np.ones(4)
PAPER = np.array([1.0, 7.0, 7.0, 9.0])
ROWS = np.array([[0.0, 1.0, 5.0], [3.0, 1.0, -1.0]])

CASES = {
    "the vector of the chapter": (PAPER, EVEN_GAIN, np.zeros(4)),
    "two rows": (ROWS, GAIN, BIAS),
    "small numbers": (0.001 * ROWS, GAIN, BIAS),
    "a batch": (array(2, 4, 3), GAIN, BIAS),
    "two axes in front": (array(2, 1, 4, 3, seed=1), GAIN, BIAS),
    "all numbers equal": (np.full((2, 3), 5.0), GAIN, BIAS),
    "eps of 0.5": (ROWS, GAIN, BIAS, 0.5),
}


def _draw(rng):
    size, front = 10.0 ** rng.uniform(-3, 2), ((), (5,), (2, 5), (2, 3, 5))[rng.integers(4)]
    x = size * (rng.standard_normal((*front, 7)) + 1)
    return x, rng.standard_normal(7), rng.standard_normal(7), 10.0 ** rng.uniform(-6, 0)


def _axis(axis):
    """Layer norm with its statistics over the wrong axes."""

    def wrong(x, gain, bias, eps=1e-5):
        axes = axis if x.ndim > 1 else -1
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
        return gain * (x - mean) / np.sqrt(var + eps) + bias

    return wrong


def _of_one_sequence(x, gain, bias, eps=1e-5):
    """Statistics over axis 1: the features only where one axis stands in front."""
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return gain * (x - mean) / np.sqrt(var + eps) + bias


def _over_positions(x, gain, bias, eps=1e-5):
    """Statistics over axis -2, which a single vector has not."""
    mean, var = x.mean(axis=-2, keepdims=True), x.var(axis=-2, keepdims=True)
    return gain * (x - mean) / np.sqrt(var + eps) + bias


def _row_by_row(x, gain, bias, eps=1e-5):
    """The chapter's lines in a loop: right where exactly one axis stands in front."""
    rows = [(row - row.mean()) / np.sqrt(row.var() + eps) for row in x]
    return np.array([gain * row + bias for row in rows])


def _row_into_place(x, gain, bias, eps=1e-5):
    """The same loop, each row written into an array made before."""
    out = np.zeros_like(x)
    for i in range(len(x)):
        out[i] = gain * (x[i] - x[i].mean()) / np.sqrt(x[i].var() + eps) + bias
    return out


def _bare_means(x, gain, bias, eps=1e-5):
    """Layer norm without keepdims; only a single vector survives it."""
    return gain * (x - x.mean(axis=-1)) / np.sqrt(x.var(axis=-1) + eps) + bias


def _root_of_root(ddof):
    """Eps added to the standard deviation, and the root taken of that."""

    def wrong(x, gain, bias, eps=1e-5):
        return gain * (x - mean(x)) / np.sqrt(np.sqrt(_var(x, ddof=ddof)) + eps) + bias

    return wrong


def _copied(x, gain, bias, eps=1e-5):
    """As it stands on the page, word for word: who hands that in has changed nothing."""
    mean = x.mean(axis=-1, keepdims=True)
    std = x.std(axis=-1, ddof=1, keepdims=True)
    return gain * (x - mean) / (std + eps) + bias


def _sample(x, gain, bias, eps=1e-5):
    return gain * (x - mean(x)) / np.sqrt(_var(x, ddof=1) + eps) + bias


def _outside(x, gain, bias, eps=1e-5):
    return gain * (x - mean(x)) / (np.sqrt(_var(x)) + eps) + bias


SAMPLE = (
    "the standard deviation divides by D - 1; the D numbers are all there is, so take their plain "
    "mean square (in NumPy ddof=0)."
)
OUTSIDE = (
    "eps stands outside the root: add it to the variance and take the root after. "
    "It shows where the input is small."
)
TWICE = "a root is taken twice: the standard deviation is already the root of the variance."
NO_ROOT = "you divide by the variance; its root is the standard deviation."
NO_BIAS = "the bias is missing: add it after the gain."
BIAS_FIRST = "the bias is added before the gain; multiply first, then add."
NO_KEEPDIMS = (
    "one vector is right, and several are an error. Does each mean keep its axis? keepdims=True "
    "leaves one of length 1, which lines up with x."
)
LOOP = (
    "a loop over the first axis is right for (T, D) alone: means along axis=-1 with keepdims=True "
    "take any number of axes."
)
FILLED_LOOP = (
    "a loop over the first axis finds numbers in a single vector, and whole sequences in a batch: "
    "take the means along axis=-1, with keepdims=True."
)
HALVED = "**1/2 is halved after **1: write **0.5, or np.sqrt."
NO_EPS = "eps is missing: equal numbers have variance 0, and 0/0 is nan."


layer_norm = Exercise(
    name="layer_norm",
    kind="implement",
    asks="Each vector shifted to mean 0 and scaled to variance 1; then times gain, plus bias.",
    reference=tantra.layer_norm,
    cases=CASES,
    draw=_draw,
    mistakes={
        SAMPLE: _sample,
        OUTSIDE: _outside,
        "two slips at once: the standard deviation divides by D - 1, and eps stands outside the "
        "root.": _copied,
        NO_ROOT: lambda x, gain, bias, eps=1e-5: gain * (x - mean(x)) / (_var(x) + eps) + bias,
        "the mean is not subtracted from what is divided: that is half a layer norm.": (
            lambda x, gain, bias, eps=1e-5: gain * x / np.sqrt(_var(x) + eps) + bias
        ),
        "the mean stays in: that is RMS norm with a bias. Subtract each vector's mean first.": (
            lambda x, gain, bias, eps=1e-5: tantra.rms_norm(x, gain, eps) + bias
        ),
        "mean and variance run over the whole array: each vector has its own, axis=-1 with "
        "keepdims=True.": _axis(None),
        "mean and variance run over the positions, so a position learns of the ones after it: "
        "use axis=-1.": _axis(-2),
        "mean and variance run over axis 0, the batch or the positions; each vector has its own: "
        "axis=-1 with keepdims=True.": _axis(0),
        NO_KEEPDIMS: _bare_means,
        "the mean runs over the whole array; each vector has its own: axis=-1 with "
        "keepdims=True.": lambda x, gain, bias, eps=1e-5: (
            gain * (x - x.mean()) / np.sqrt(_var(x) + eps) + bias
        ),
        "axis=1 holds the features of one sequence only: with no axis in front there is none, with "
        "two it is another. Take axis=-1.": _of_one_sequence,
        "axis=-2 are the positions, and a single vector has none: each vector has its own mean and "
        "variance, axis=-1.": _over_positions,
        "only the mean is divided: put brackets around x - mean.": (
            lambda x, gain, bias, eps=1e-5: gain * x - mean(x) / np.sqrt(_var(x) + eps) + bias
        ),
        "that is the mean distance from the mean: the standard deviation is the root of the mean "
        "square.": (
            lambda x, gain, bias, eps=1e-5: (
                gain * (x - mean(x)) / (mean(abs(x - mean(x))) + eps) + bias
            )
        ),
        "the variance runs over the whole array; each vector has its own: axis=-1 with "
        "keepdims=True.": lambda x, gain, bias, eps=1e-5: (
            gain * (x - mean(x)) / np.sqrt(x.var() + eps) + bias
        ),
        "gain and bias have changed places: multiply by the gain, then add the bias.": (
            lambda x, gain, bias, eps=1e-5: tantra.layer_norm(x, bias, gain, eps)
        ),
        "eps is added twice: once, to the variance, is enough.": (
            lambda x, gain, bias, eps=1e-5: (
                gain * (x - mean(x)) / (np.sqrt(_var(x) + eps) + eps) + bias
            )
        ),
        "eps is squared: it is added to the variance as it is.": (
            lambda x, gain, bias, eps=1e-5: tantra.layer_norm(x, gain, bias, eps**2)
        ),
        "the numbers are centred, but the standard deviation is not: square the centred numbers, "
        "not x.": (
            lambda x, gain, bias, eps=1e-5: gain * (x - mean(x)) / np.sqrt(mean(x**2) + eps) + bias
        ),
        "you divide by the root of the sum of the squares; the variance is their mean.": (
            lambda x, gain, bias, eps=1e-5: (
                gain * (x - mean(x)) / np.sqrt(total((x - mean(x)) ** 2) + eps) + bias
            )
        ),
        TWICE: _root_of_root(0),
        LOOP: _row_by_row,
        FILLED_LOOP: _row_into_place,
        HALVED: (
            lambda x, gain, bias, eps=1e-5: gain * (x - mean(x)) / (_var(x) + eps) ** 1 / 2 + bias
        ),
        "the gain is missing: multiply by it, then add the bias.": (
            lambda x, gain, bias, eps=1e-5: tantra.layer_norm(x, None, bias, eps)
        ),
        "gain and bias are missing: multiply by the gain and add the bias.": (
            lambda x, gain, bias, eps=1e-5: tantra.layer_norm(x, None, None, eps)
        ),
        NO_BIAS: lambda x, gain, bias, eps=1e-5: tantra.layer_norm(x, gain, None, eps),
        BIAS_FIRST: lambda x, gain, bias, eps=1e-5: gain * (tantra.layer_norm(x, eps=eps) + bias),
        NO_EPS: lambda x, gain, bias, eps=1e-5: tantra.layer_norm(x, gain, bias, 0),
        "eps is fixed at 1e-5: use the argument.": (
            lambda x, gain, bias, eps=1e-5: tantra.layer_norm(x, gain, bias)
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "First subtract the mean of each vector: x.mean(axis=-1, keepdims=True).",
        "The variance is the mean of the squares of what is left; add eps, then take the root.",
        "gain * centred / ((centred**2).mean(axis=-1, keepdims=True) + eps) ** 0.5 + bias",
    ),
)


def _draw_rms(rng):
    x, gain, _, eps = _draw(rng)
    return x, gain, eps


rms_norm = Exercise(
    name="rms_norm",
    kind="implement",
    asks="Each vector scaled to mean square 1, without shifting it; then times gain.",
    reference=tantra.rms_norm,
    cases={
        "the vector of the chapter": (PAPER, EVEN_GAIN),
        "two rows": (ROWS, GAIN),
        "small numbers": (0.001 * ROWS, GAIN),
        "a batch": (array(2, 4, 3), GAIN),
        "two axes in front": (array(2, 1, 4, 3, seed=1), GAIN),
        "zeros": (np.zeros((2, 3)), GAIN),
        "eps of 0.5": (ROWS, GAIN, 0.5),
    },
    draw=_draw_rms,
    mistakes={
        "that is layer norm: RMS norm takes no mean away, neither from x nor from the squares.": (
            lambda x, gain, eps=1e-5: tantra.layer_norm(x, gain, None, eps)
        ),
        "x.var subtracts the mean before it squares; take the plain mean of the squares.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt(_var(x) + eps)
        ),
        "you divide by the length of the vector, the root of the sum; take the mean of the "
        "squares.": (lambda x, gain, eps=1e-5: gain * x / np.sqrt(total(x**2) + eps)),
        "you divide by the length of the vector, np.linalg.norm: take the root of the mean square, "
        "with eps inside.": (
            lambda x, gain, eps=1e-5: gain * x / np.linalg.norm(x, axis=-1, keepdims=True)
        ),
        "you divide by the length of the vector, and eps stands outside the root: take the mean of "
        "the squares, add eps, then the root.": (
            lambda x, gain, eps=1e-5: gain * x / (np.linalg.norm(x, axis=-1, keepdims=True) + eps)
        ),
        "the gain is in before the mean square is taken: divide x first, then multiply by it.": (
            lambda x, gain, eps=1e-5: tantra.rms_norm(gain * x, None, eps)
        ),
        "eps is PyTorch's own, 2e-16: hand the argument on, eps=eps.": (
            lambda x, gain, eps=1e-5: tantra.rms_norm(x, gain, np.finfo(float).eps)
        ),
        "you divide by the mean square; take its root.": (
            lambda x, gain, eps=1e-5: gain * x / (mean(x**2) + eps)
        ),
        "eps stands outside the root: add it to the mean square, then take the root.": (
            lambda x, gain, eps=1e-5: gain * x / (np.sqrt(mean(x**2)) + eps)
        ),
        "the mean square runs over the whole array; each vector has its own: axis=-1 with "
        "keepdims=True.": lambda x, gain, eps=1e-5: gain * x / np.sqrt((x**2).mean() + eps),
        "the mean square runs over axis 0, the batch or the positions; each vector has its own: "
        "axis=-1 with keepdims=True.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt(mean(x**2, axis=0) + eps)
        ),
        NO_KEEPDIMS: (lambda x, gain, eps=1e-5: gain * x / np.sqrt((x**2).mean(axis=-1) + eps)),
        HALVED: lambda x, gain, eps=1e-5: gain * x / (mean(x**2) + eps) ** 1 / 2,
        "axis=1 holds the features of one sequence only: with no axis in front there is none, with "
        "two it is another. Take axis=-1.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt(mean(x**2, axis=1) + eps)
        ),
        "eps is added twice: once, to the mean square, is enough.": (
            lambda x, gain, eps=1e-5: gain * x / (np.sqrt(mean(x**2) + eps) + eps)
        ),
        "that is the mean of the sizes, without a square: square, take the mean, then the root.": (
            lambda x, gain, eps=1e-5: gain * x / (mean(abs(x)) + eps)
        ),
        "you multiply by the root mean square; divide by it.": (
            lambda x, gain, eps=1e-5: gain * x * np.sqrt(mean(x**2) + eps)
        ),
        "that is the square of the mean: square first, then take the mean.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt(mean(x) ** 2 + eps)
        ),
        "the root mean square is right; what it divides is x itself, not x less its mean.": (
            lambda x, gain, eps=1e-5: gain * (x - mean(x)) / np.sqrt(mean(x**2) + eps)
        ),
        "x.std subtracts the mean before it squares, and eps stands outside the root: take the "
        "plain mean of the squares, add eps, then the root.": (
            lambda x, gain, eps=1e-5: gain * x / (np.sqrt(_var(x)) + eps)
        ),
        "x.std subtracts the mean before it squares, and eps is missing: take the plain mean of "
        "the squares, add eps, then the root.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt(_var(x))
        ),
        "the gain is missing.": lambda x, gain, eps=1e-5: tantra.rms_norm(x, None, eps),
        "eps is missing: for a vector of zeros that is 0/0.": (
            lambda x, gain, eps=1e-5: tantra.rms_norm(x, gain, 0)
        ),
        "eps is fixed at 1e-5: use the argument.": (
            lambda x, gain, eps=1e-5: tantra.rms_norm(x, gain)
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "Root, mean, square: in the code they stand from the inside out, the square first.",
        "The mean of x**2 along the last axis, with keepdims=True, has shape (..., 1).",
        "gain * x / ((x**2).mean(axis=-1, keepdims=True) + eps) ** 0.5",
    ),
)


def _backward_reference(x, gain, g, eps=1e-5):
    return gradients(lambda x, gain: F.rms_norm(x, gain.shape, gain, eps), g, x, gain)


def _even(x, eps):
    """The even vector, and the root that it was divided by."""
    root = np.sqrt(mean(x**2) + eps)
    return x / root, root


def _two_terms(h, even, root, mean=mean):
    return (h - even * mean(h * even)) / root


def _in_front(values):
    return values.sum(axis=tuple(range(values.ndim - 1)))


def _backward(x, gain, g, eps=1e-5, even=_even):
    vector, root = even(x, eps)
    return _two_terms(g * gain, vector, root), _in_front(g * vector)


def _by_x(terms=_two_terms, before=lambda g, gain: g * gain, after=lambda gain: 1):
    """The backward pass with another gradient by x, of what goes on to the even vector."""

    def wrong(x, gain, g, eps=1e-5):
        by_x = after(gain) * terms(before(g, gain), *_even(x, eps))
        return by_x, _backward(x, gain, g, eps)[1]

    return wrong


def _mixed(terms):
    """The backward pass with a gradient by x made of both g and g * gain."""

    def wrong(x, gain, g, eps=1e-5):
        return terms(g, g * gain, *_even(x, eps)), _backward(x, gain, g, eps)[1]

    return wrong


def _by_gain(summed, of=lambda x, gain, g, even: g * even):
    """The backward pass with another gradient by the gain: what is summed, and how."""

    def wrong(x, gain, g, eps=1e-5):
        return _backward(x, gain, g, eps)[0], summed(of(x, gain, g, _even(x, eps)[0]))

    return wrong


def _by_root(root):
    """The backward pass with another root, made of the mean square and eps."""

    def even(x, eps):
        divisor = root(mean(x**2), eps)
        return x / divisor, divisor

    return lambda x, gain, g, eps=1e-5: _backward(x, gain, g, eps, even)


def _no_gain_no_sum(x, gain, g, eps=1e-5):
    even, root = _even(x, eps)
    return _two_terms(g, even, root), g * even


def _of_layer_norm(x, gain, g, eps=1e-5):
    """The backward pass of the other norm, as Deeper derives it."""

    def norm(x, gain):
        return F.layer_norm(x, gain.shape, gain, None, eps)

    return gradients(norm, g, x, gain)


def _of_the_chapter(x, gain, g, eps=1e-5):
    """Layer norm's backward pass as the chapter has it, for one sequence, with a bias."""
    centred = x - mean(x)
    std = np.sqrt(_var(x) + eps)
    even, h = centred / std, g * gain
    by_x = (h - mean(h) - even * mean(h * even)) / std
    return by_x, (g * even).sum(axis=0), g.sum(axis=0)


def _draw_backward(rng):
    x, gain, _, eps = _draw(rng)
    return x, gain, rng.standard_normal(x.shape), eps


rms_norm_backward = Exercise(
    name="rms_norm_backward",
    kind="derive",
    asks="The gradients by x and gain, from the gradient g by the output of RMS norm.",
    reference=_backward_reference,
    results=("by x", "by gain"),
    cases={
        "one vector": (PAPER, EVEN_GAIN, np.array([1.0, 0.0, 0.0, 0.0])),
        "two rows": (ROWS, GAIN, array(2, 3)),
        "small numbers": (0.001 * ROWS, GAIN, array(2, 3)),
        "a batch": (array(2, 4, 3), GAIN, array(2, 4, 3, seed=1)),
        "two axes in front": (array(2, 1, 4, 3, seed=2), GAIN, array(2, 1, 4, 3, seed=3)),
        "the same gradient for every feature": (ROWS, np.ones(3), np.full((2, 3), 5.0)),
        "zeros": (np.zeros((2, 3)), GAIN, array(2, 3)),
        "eps of 0.5": (ROWS, GAIN, array(2, 3), 0.5),
    },
    draw=_draw_backward,
    mistakes={
        "the root is taken as fixed: every number moves it, and through it the others.": (
            _by_x(lambda h, even, root: h / root)
        ),
        "that is the backward pass of layer norm: RMS norm leaves the mean in, forward and "
        "backward.": _of_layer_norm,
        "that is the chapter's backward pass of layer norm: RMS norm has no shift and no bias, and "
        "two gradients.": _of_the_chapter,
        "RMS norm subtracts no mean, so no mean of g * gain is subtracted either: that way belongs "
        "to layer norm.": (
            _by_x(lambda h, even, root: (h - mean(h) - even * mean(h * even)) / root)
        ),
        "the way through the root has the wrong sign: a larger root shrinks the output.": (
            _by_x(lambda h, even, root: (h + even * mean(h * even)) / root)
        ),
        "divide the gradient by x by the root: a larger vector is moved less.": (
            _by_x(lambda h, even, root: _two_terms(h, even, 1))
        ),
        "you multiply by the root; the gradient by x is divided by it.": (
            _by_x(lambda h, even, root: _two_terms(h, even, 1) * root)
        ),
        "you divide by the mean square; one root is enough.": (
            _by_x(lambda h, even, root: _two_terms(h, even, root) / root)
        ),
        "the second term is the mean of g * gain * even, times even: that factor is missing.": (
            _by_x(lambda h, even, root: (h - mean(h * even)) / root)
        ),
        "the second term is even times the mean of g * gain * even: inside the mean, even is "
        "missing.": _by_x(lambda h, even, root: (h - even * mean(h)) / root),
        "even is squared in the second term, outside the mean: one factor belongs inside, with "
        "g * gain.": _by_x(lambda h, even, root: (h - even**2 * mean(h)) / root),
        "only each number's own output is counted: it moves the root, and so all D outputs. Sum "
        "over them: the second term has a mean.": (
            _by_x(lambda h, even, root: (h - even**2 * h / h.shape[-1]) / root)
        ),
        "the second term is twice as large as it should be: the ½ of the root cancels the 2 of the "
        "square.": _by_x(lambda h, even, root: (h - 2 * even * mean(h * even)) / root),
        "the second term is half as large as it should be: the 2 of the square cancels the ½ of "
        "the root.": _by_x(lambda h, even, root: (h - even * mean(h * even) / 2) / root),
        "the two gradients are in the other order: first by x, then by the gain.": (
            lambda x, gain, g, eps=1e-5: _backward(x, gain, g, eps)[::-1]
        ),
        "nothing is averaged: every number of a vector moves the root, so the second term has a "
        "mean over the features.": _by_x(lambda h, even, root: (h - even**2 * h) / root),
        "the gain stands between g and the even vector: multiply g by it first.": (
            _by_x(before=lambda g, gain: g)
        ),
        "the gain is missing from the second term: the mean there is that of g * gain * even.": (
            _mixed(lambda g, h, even, root: (h - even * mean(g * even)) / root)
        ),
        "the gain is missing from the first term, which is g * gain.": (
            _mixed(lambda g, h, even, root: (g - even * mean(h * even)) / root)
        ),
        "the gain is there twice before the mean is taken: g * gain, once.": (
            _by_x(before=lambda g, gain: g * gain * gain)
        ),
        "the gain is there twice: it multiplies g, and not the result once more.": (
            _by_x(after=lambda gain: gain)
        ),
        "the gain differs from feature to feature, so it must be in before the mean is taken: "
        "g * gain first.": _by_x(before=lambda g, gain: g, after=lambda gain: gain),
        "the mean runs over the whole array; every vector has its own: axis=-1, keepdims=True.": (
            _by_x(lambda *parts: _two_terms(*parts, mean=np.mean))
        ),
        "the mean runs over axis 0, the batch or the positions; every vector has its own: axis=-1, "
        "keepdims=True.": (
            _by_x(lambda *parts: _two_terms(*parts, mean=lambda h: mean(h, axis=0)))
        ),
        NO_KEEPDIMS: _by_x(lambda *parts: _two_terms(*parts, mean=lambda h: h.mean(axis=-1))),
        "you subtract a sum over the features: it is a mean, a sum divided by D.": (
            _by_x(lambda *parts: _two_terms(*parts, mean=total))
        ),
        "in the second term stands x: it is the even vector, x divided by the root.": (
            _by_x(lambda h, even, root: _two_terms(h, even * root, root))
        ),
        "only the last term is divided by the root: put brackets around both.": (
            _by_x(lambda h, even, root: h - even * mean(h * even) / root)
        ),
        "the second term is a root too large: divide both terms by the root, and take the even "
        "vector, not x, inside the mean.": (
            _by_x(lambda h, even, root: h / root - even * mean(h * even))
        ),
        "the gradient by the gain has x in it; the gain multiplies the even vector.": (
            _by_gain(_in_front, lambda x, gain, g, even: g * x)
        ),
        "you divide by the mean square; its root is meant.": _by_root(np.add),
        "eps stands outside the root: add it to the mean square and take the root after.": (
            _by_root(lambda square, eps: np.sqrt(square) + eps)
        ),
        "two slips at once: the gain stands between g and the even vector; and the gradient by the "
        "gain is a sum over all axes but the last.": _no_gain_no_sum,
        "the gain serves all positions: sum its gradient over all axes but the last.": (
            _by_gain(lambda values: values)
        ),
        "the gain: axis=0 stands in front only where there is one axis more. Sum over every axis "
        "but the last, and over none of a single vector.": (
            _by_gain(lambda values: values.sum(axis=0))
        ),
        "the sum for the gain runs over the first axis only; a batch has more in front.": (
            _by_gain(lambda values: values.sum(axis=0) if values.ndim > 1 else values)
        ),
        "the sum for the gain runs over axes 0 and 1, which is right for a batch; there may be "
        "fewer axes in front, or more.": _by_gain(lambda values: values.sum(axis=(0, 1))),
        "every position pulls at the gain, and the pulls add up: a sum, not a mean.": (
            _by_gain(lambda values: values.mean(axis=tuple(range(values.ndim - 1))))
        ),
        "the gain has a number for each feature, and so does its gradient: sum over all axes but "
        "the last.": _by_gain(np.sum),
        "the gradient by the gain takes g itself, not g * gain: only what goes on to the even "
        "vector is multiplied by the gain.": (
            _by_gain(_in_front, lambda x, gain, g, even: g * gain * even)
        ),
        "the gradient by the gain is g times the even vector; the even vector is missing.": (
            _by_gain(_in_front, lambda x, gain, g, even: g)
        ),
        "the gradient by the gain is summed over the features: keep those, and sum over every axis "
        "in front.": _by_gain(lambda values: values.sum(axis=-1)),
        "eps is missing from the root: it matters where the numbers are small.": (
            lambda x, gain, g, eps=1e-5: _backward(x, gain, g, 0)
        ),
        "eps is fixed at 1e-5: use the argument.": (
            lambda x, gain, g, eps=1e-5: _backward(x, gain, g)
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "Go back through the lines: the gain, then the even vector. h = g * gain goes on.",
        "∂even_i/∂x_j = (δ_ij - even_i even_j / D) / root. Multiply by h_i, sum over i.",
        "(h - even * mean of (h * even)) / root; the mean over the last axis.",
        "For the gain: g * even, summed with axis=tuple(range(x.ndim - 1)).",
    ),
)

copied_norm = Exercise(
    name="copied_norm",
    kind="hunt",
    asks="Layer norm as in the paper, with eps where PyTorch has it.",
    reference=tantra.layer_norm,
    given=_copied,
    cases=CASES,
    draw=_draw,
    mistakes={
        "eps is at home now. The standard deviation still divides by D - 1: see what ddof "
        "means.": _sample,
        "the divisor is right now. Where does eps stand when the input is small?": _outside,
        "the root was lost: the variance plus eps needs one.": layer_norm.mistakes[NO_ROOT],
        "eps was lost: a vector of equal numbers gives 0/0.": layer_norm.mistakes[NO_EPS],
        "the divisor is D - 1 still, and eps is added to the variance without a root.": (
            lambda x, gain, bias, eps=1e-5: gain * (x - mean(x)) / (_var(x, ddof=1) + eps) + bias
        ),
        TWICE: _root_of_root(0),
        "a root is taken twice, and the divisor is D - 1 still: square the standard deviation "
        "first, and see what ddof means.": _root_of_root(1),
        "eps was lost, and the divisor is D - 1 still: see what ddof means.": (
            lambda x, gain, bias, eps=1e-5: gain * (x - mean(x)) / np.sqrt(_var(x, ddof=1)) + bias
        ),
        "eps is now under a root of its own; one root, over variance and eps together.": (
            lambda x, gain, bias, eps=1e-5: (
                gain * (x - mean(x)) / (np.sqrt(_var(x)) + np.sqrt(eps)) + bias
            )
        ),
        "eps belongs under the root as it is, not squared.": (
            layer_norm.mistakes["eps is squared: it is added to the variance as it is."]
        ),
        "eps is added twice now: once, to the variance, is enough.": (
            layer_norm.mistakes["eps is added twice: once, to the variance, is enough."]
        ),
        "eps is under the root now, and added after it as well; and the standard deviation divides "
        "by D - 1 still.": lambda x, gain, bias, eps=1e-5: (
            gain * (x - mean(x)) / (np.sqrt(_var(x, ddof=1) + eps) + eps) + bias
        ),
        "mean and variance now run over axis 0; each vector has its own: axis=-1, as it was.": (
            _axis(0)
        ),
        "that is layer norm of one vector: with more in front each has its own mean and variance, "
        "axis=-1 with keepdims=True, as it was.": _axis(None),
        "you also moved the bias: it was right where it stood, after the gain.": (
            layer_norm.mistakes[BIAS_FIRST]
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "There are two slips. One shows where D is small, one where the numbers are small.",
        "Compare with np.var, and look up what ddof=1 divides by.",
        "Divide by the root of (variance + eps), with the variance that divides by D.",
    ),
)

unseen_changes = Prediction(
    name="unseen_changes",
    kind="predict",
    asks="Which changes of x leave the output of layer norm the same, and which that of RMS norm.",
    answer=("abe", "a"),
    mistakes={
        "RMS norm does not subtract the mean, so it sees a shift.": ("abe", "abe"),
        "for layer norm e is a, then b: if it sees neither, it does not see both.": ("ab", "a"),
        "a sign is not a scale: -x gives the output with its sign flipped.": ("abce", "ac"),
        "in reverse order the output is reversed as well; with gain 1 it is not the same.": (
            ("abde", "ad")
        ),
        "layer norm subtracts the mean, and a number added to all goes with it.": ("a", "a"),
        "the first is right. RMS norm subtracts no mean, so it sees the 10 that b adds.": (
            ("abe", "ab")
        ),
        "the first is right. RMS norm cannot see the factor in e, but it sees the 10.": (
            ("abe", "ae")
        ),
        "the first is right. A sign is not a scale: RMS norm of -x is RMS norm of x with its sign "
        "flipped.": ("abe", "ac"),
        "the second is right. A sign is not a scale: with -x the output of layer norm flips its "
        "sign as well.": ("abce", "a"),
        "the second is right. In reverse order the output of layer norm is reversed as well.": (
            ("abde", "a")
        ),
        "e has two steps: 10 x, then + 10. Layer norm sees neither, RMS norm the second.": (
            ("ab", "ab")
        ),
        "the first is right. In reverse order the output of RMS norm is reversed as well: it is "
        "not the same.": ("abe", "ad"),
        "the first is right. c flips the sign and d the order of the output: neither leaves it the "
        "same.": ("abe", "acd"),
        "the letters are right: write two strings, not two lists.": (tuple("abe"), ("a",)),
        "c flips the sign of the output, and d reverses its order: neither leaves it the same.": (
            "abcde",
            "a",
        ),
        "c flips the sign of both outputs, and d reverses their order: neither leaves them the "
        "same.": ("abcde", "acd"),
        "the second is right. Layer norm divides by the standard deviation, which takes the factor "
        "10 out: it cannot see a, nor e.": ("b", "a"),
        "both norms divide by a size that grows with x: neither can see the factor in a; and e is "
        "a, then b.": ("b", ""),
        "in reverse order the output is reversed as well; and e is a, then b.": ("abd", "ad"),
        "e is a, then b: what sees neither does not see both. And RMS norm divides by a size that "
        "grows with x.": ("ab", ""),
        "neither c nor d leaves the output the same: c flips its sign, d its order. And RMS norm "
        "sees a shift.": ("abcde", "abcde"),
        "small letters, please.": ("ABE", "A"),
        "e shifts by 10 as b does: if layer norm cannot see e, it cannot see b.": ("ae", "a"),
        "e multiplies by 10 as a does: if layer norm cannot see e, it cannot see a.": ("be", "a"),
        "the two are in the other order: layer norm first.": ("a", "abe"),
        "dividing by the root of the mean square takes a factor out: RMS norm cannot see 10 x.": (
            ("abe", "")
        ),
    }
    | {
        f"the letters are right; in alphabetical order they are not {letters!r}.": (letters, "a")
        for letters in ("aeb", "bae", "bea", "eab", "eba")
    },
    hints=(
        "Try x = (1, 2, 6), whose mean is 3, on paper or with your layer_norm, eps=0.",
        "Layer norm takes out the mean and the standard deviation; RMS norm takes out one of them.",
    ),
)

half_deviation = Prediction(
    name="half_deviation",
    kind="ablate",
    asks="The standard deviation of an input whose output has the standard deviation one half.",
    answer=float(np.sqrt(1e-5 / 3)),
    rtol=3e-3,
    mistakes={
        "there the output has the standard deviation 1/√2 = 0.71: variance and eps are equal.": (
            float(np.sqrt(1e-5))
        ),
        "near √eps the output has the standard deviation 0.7: variance and eps are nearly equal "
        "there.": 0.003,
        "one half is the standard deviation of the output; which standard deviation of the input "
        "leads to it?": 0.5,
        "that holds for eps outside the root; inside it is compared with a variance.": 1e-5,
        "that is the variance; the standard deviation is its root.": 1e-5 / 3,
        "there s² is 3 eps, and the output has the standard deviation 0.87: invert the ratio.": (
            float(np.sqrt(3e-5))
        ),
        "0.0032 is the root of eps. There variance and eps are equal, and 1/√2 = 0.71 is left.": (
            0.0032
        ),
        "0.0016 is half the root of eps; the s² under the root counts as well.": 0.0016,
        "half the root of eps is close, but the s² under the root counts as well.": (
            float(np.sqrt(1e-5) / 2)
        ),
        "there s² is half of eps, and the output has the standard deviation 0.58: the one half is "
        "squared with the rest, s² / (s² + eps) = 1/4.": float(np.sqrt(1e-5 / 2)),
        "half of eps is no standard deviation: eps is added to a variance. Set s / √(s² + eps) to "
        "1/2.": 5e-6,
        "there s² is 4 eps, and the output has the standard deviation 0.89: 4 s² = s² + eps makes "
        "s² smaller than eps.": float(np.sqrt(4e-5)),
        "that is a third of √eps: 3 divides eps, so it stands under the root.": (
            float(np.sqrt(1e-5) / 3)
        ),
        "a standard deviation is never negative: take the positive root.": (
            -float(np.sqrt(1e-5 / 3))
        ),
        "0.0018 has two digits: give three.": 0.0018,
        "the third digit is cut off, not rounded.": 0.00182,
        "that is for eps squared under the root: it is added to the variance as it is.": (
            float(1e-5 / np.sqrt(3))
        ),
    },
    hints=(
        "A vector of standard deviation s leaves with the standard deviation s / √(s² + eps).",
        "Set it to 1/2 and square both sides: 4 s² = s² + eps.",
    ),
)

EXERCISES = [
    layer_norm,
    rms_norm,
    rms_norm_backward,
    copied_norm,
    unseen_changes,
    half_deviation,
]
