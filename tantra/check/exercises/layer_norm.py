"""The exercises of chapter 06, layer norm and RMS norm."""

import numpy as np
import torch
import torch.nn.functional as F

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array


def _mean(x):
    return x.mean(axis=-1, keepdims=True)


def _var(x, **named):
    return x.var(axis=-1, keepdims=True, **named)


def _rms(x):
    return np.sqrt(_mean(x**2) + 1e-5)


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
    "all numbers equal": (np.full((2, 3), 5.0), GAIN, BIAS),
    "eps of 0.5": (ROWS, GAIN, BIAS, 0.5),
}


def _draw(rng):
    size = 10.0 ** rng.uniform(-3, 2)
    x = size * (rng.standard_normal((2, 5, 7)) + 1)
    return x, rng.standard_normal(7), rng.standard_normal(7)


def _axis(axis):
    """Layer norm with its statistics over the wrong axes."""

    def wrong(x, gain, bias, eps=1e-5):
        axes = axis if x.ndim > 1 else -1
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
        return gain * (x - mean) / np.sqrt(var + eps) + bias

    return wrong


def _bare_means(x, gain, bias, eps=1e-5):
    """Layer norm without keepdims; only a single vector survives it."""
    return gain * (x - x.mean(axis=-1)) / np.sqrt(x.var(axis=-1) + eps) + bias


def _root_of_root(ddof):
    """Eps added to the standard deviation, and the root taken of that."""

    def wrong(x, gain, bias, eps=1e-5):
        return gain * (x - _mean(x)) / np.sqrt(np.sqrt(_var(x, ddof=ddof)) + eps) + bias

    return wrong


def _copied(x, gain, bias, eps=1e-5):
    return gain * (x - _mean(x)) / (np.sqrt(_var(x, ddof=1)) + eps) + bias


def _sample(x, gain, bias, eps=1e-5):
    return gain * (x - _mean(x)) / np.sqrt(_var(x, ddof=1) + eps) + bias


def _outside(x, gain, bias, eps=1e-5):
    return gain * (x - _mean(x)) / (np.sqrt(_var(x)) + eps) + bias


SAMPLE = (
    "the spread divides by D - 1; the D numbers are all there is, so take their plain mean square "
    "(in NumPy ddof=0)."
)
OUTSIDE = (
    "eps stands outside the root: add it to the variance and take the root after. "
    "It shows where the input is small."
)
TWICE = "a root is taken twice: the standard deviation is already the root of the variance."
NO_ROOT = "you divide by the variance; its root is the spread."
NO_BIAS = "the bias is missing: add it after the gain."
BIAS_FIRST = "the bias is added before the gain; multiply first, then add."
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
        "two slips at once: the spread divides by D - 1, and eps stands outside the root.": _copied,
        NO_ROOT: lambda x, gain, bias, eps=1e-5: gain * (x - _mean(x)) / (_var(x) + eps) + bias,
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
        "without keepdims=True the means have lost an axis and do not line up with x: it keeps one "
        "of length 1.": _bare_means,
        "the mean runs over the whole array; each vector has its own: axis=-1 with "
        "keepdims=True.": lambda x, gain, bias, eps=1e-5: (
            gain * (x - x.mean()) / np.sqrt(_var(x) + eps) + bias
        ),
        "the numbers are centred, but the spread is not: square the centred numbers, not x.": (
            lambda x, gain, bias, eps=1e-5: (
                gain * (x - _mean(x)) / np.sqrt(_mean(x**2) + eps) + bias
            )
        ),
        "you divide by the root of the sum of the squares; the variance is their mean.": (
            lambda x, gain, bias, eps=1e-5: (
                gain
                * (x - _mean(x))
                / np.sqrt(((x - _mean(x)) ** 2).sum(axis=-1, keepdims=True) + eps)
                + bias
            )
        ),
        TWICE: _root_of_root(0),
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
    hints=(
        "First subtract the mean of each vector: x.mean(axis=-1, keepdims=True).",
        "The variance is the mean of the squares of what is left; add eps, then take the root.",
        "gain * centred / ((centred**2).mean(axis=-1, keepdims=True) + eps) ** 0.5 + bias",
    ),
)

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
        "zeros": (np.zeros((2, 3)), GAIN),
        "eps of 0.5": (ROWS, GAIN, 0.5),
    },
    draw=lambda rng: _draw(rng)[:2],
    mistakes={
        "that is layer norm: leave the mean in.": tantra.layer_norm,
        "x.var subtracts the mean before it squares; take the plain mean of the squares.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt(_var(x) + eps)
        ),
        "you divide by the length of the vector, the root of the sum; take the mean of the "
        "squares.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt((x**2).sum(axis=-1, keepdims=True) + eps)
        ),
        "you divide by the mean square; take its root.": (
            lambda x, gain, eps=1e-5: gain * x / (_mean(x**2) + eps)
        ),
        "eps stands outside the root: add it to the mean square, then take the root.": (
            lambda x, gain, eps=1e-5: gain * x / (np.sqrt(_mean(x**2)) + eps)
        ),
        "the mean square runs over the whole array; each vector has its own: axis=-1 with "
        "keepdims=True.": lambda x, gain, eps=1e-5: gain * x / np.sqrt((x**2).mean() + eps),
        "the mean square runs over axis 0, the batch or the positions; each vector has its own: "
        "axis=-1 with keepdims=True.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt((x**2).mean(axis=0, keepdims=True) + eps)
        ),
        "without keepdims=True the mean squares have lost an axis and do not line up with x: it "
        "keeps one of length 1.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt((x**2).mean(axis=-1) + eps)
        ),
        "that is the square of the mean: square first, then take the mean.": (
            lambda x, gain, eps=1e-5: gain * x / np.sqrt(_mean(x) ** 2 + eps)
        ),
        "the root mean square is right; what it divides is x itself, not x less its mean.": (
            lambda x, gain, eps=1e-5: gain * (x - _mean(x)) / np.sqrt(_mean(x**2) + eps)
        ),
        "x.std subtracts the mean before it squares, and eps stands outside the root: take the "
        "plain mean of the squares, add eps, then the root.": (
            lambda x, gain, eps=1e-5: gain * x / (np.sqrt(_var(x)) + eps)
        ),
        "the gain is missing.": lambda x, gain, eps=1e-5: tantra.rms_norm(x, None, eps),
        "eps is missing: for a vector of zeros that is 0/0.": (
            lambda x, gain, eps=1e-5: tantra.rms_norm(x, gain, 0)
        ),
        "eps is fixed at 1e-5: use the argument.": (
            lambda x, gain, eps=1e-5: tantra.rms_norm(x, gain)
        ),
    },
    hints=(
        "Root, mean, square: in the code they stand from the inside out, the square first.",
        "The mean of x**2 along the last axis, with keepdims=True, has shape (..., 1).",
        "gain * x / ((x**2).mean(axis=-1, keepdims=True) + eps) ** 0.5",
    ),
)


def _autograd(x, gain, g):
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, gain, np.zeros_like(gain))]
    y = F.layer_norm(leaves[0], gain.shape, leaves[1], leaves[2])
    return tuple(d.numpy() for d in torch.autograd.grad(y, leaves, torch.tensor(g)))


def _backward(x, gain, g, *, h=None, mean=1, turn=1, divide=True, even=None, eps=1e-5):
    """The backward pass, with parts of it that can be left out or changed."""
    spread = np.sqrt(_var(x) + eps)
    right = (x - _mean(x)) / spread
    h = g * gain if h is None else h
    d_x = h - mean * _mean(h) - turn * right * _mean(h * right)
    front = tuple(range(x.ndim - 1))
    d_gain = (g * (right if even is None else even)).sum(axis=front)
    return d_x / spread if divide else d_x, d_gain, g.sum(axis=front)


def _whole_means(x, gain, g):
    spread = np.sqrt(_var(x) + 1e-5)
    even, h = (x - _mean(x)) / spread, g * gain
    d_x = (h - h.mean() - even * (h * even).mean()) / spread
    return d_x, *_backward(x, gain, g)[1:]


def _unsummed(x, gain, g):
    even = (x - _mean(x)) / np.sqrt(_var(x) + 1e-5)
    return _backward(x, gain, g)[0], g * even, g


def _over_features(x, gain, g):
    even = (x - _mean(x)) / np.sqrt(_var(x) + 1e-5)
    return _backward(x, gain, g)[0], (g * even).sum(axis=-1), g.sum(axis=-1)


def _sums(x, gain, g):
    spread = np.sqrt(_var(x) + 1e-5)
    even, h = (x - _mean(x)) / spread, g * gain
    d_x = h - x.shape[-1] * (_mean(h) + even * _mean(h * even))
    return d_x / spread, *_backward(x, gain, g)[1:]


def _centred(x, gain, g):
    spread = np.sqrt(_var(x) + 1e-5)
    centred, h = x - _mean(x), g * gain
    d_x = h - _mean(h) - centred * _mean(h * centred)
    return d_x / spread, *_backward(x, gain, g)[1:]


def _unbracketed(x, gain, g):
    spread = np.sqrt(_var(x) + 1e-5)
    even, h = (x - _mean(x)) / spread, g * gain
    return h - _mean(h) - even * _mean(h * even) / spread, *_backward(x, gain, g)[1:]


def _sample_backward(x, gain, g):
    spread = np.sqrt(_var(x, ddof=1) + 1e-5)
    even, h, front = (x - _mean(x)) / spread, g * gain, tuple(range(x.ndim - 1))
    d_x = (h - _mean(h) - even * _mean(h * even)) / spread
    return d_x, (g * even).sum(axis=front), g.sum(axis=front)


def _gain_last(x, gain, g):
    return gain * _backward(x, gain, g, h=g)[0], *_backward(x, gain, g)[1:]


def _one_axis(x, gain, g):
    even = (x - _mean(x)) / np.sqrt(_var(x) + 1e-5)
    if x.ndim == 1:
        return _backward(x, gain, g)
    return _backward(x, gain, g)[0], (g * even).sum(axis=0), g.sum(axis=0)


layer_norm_backward = Exercise(
    name="layer_norm_backward",
    kind="derive",
    asks="The gradients by x, gain and bias, from the gradient g by the output of layer norm.",
    reference=_autograd,
    results=("by x", "by gain", "by bias"),
    cases={
        "one vector": (PAPER, EVEN_GAIN, np.array([1.0, 0.0, 0.0, 0.0])),
        "two rows": (ROWS, GAIN, array(2, 3)),
        "small numbers": (0.001 * ROWS, GAIN, array(2, 3)),
        "a batch": (array(2, 4, 3), GAIN, array(2, 4, 3, seed=1)),
        "the same gradient for every feature": (ROWS, np.ones(3), np.full((2, 3), 5.0)),
    },
    draw=lambda rng: (*_draw(rng)[:2], rng.standard_normal((2, 5, 7))),
    mistakes={
        "mean and spread are taken as fixed: every number moves them, and through them the "
        "others.": lambda x, gain, g: _backward(x, gain, g, mean=0, turn=0),
        "the way through the mean is missing: subtract the mean of g · gain over the features.": (
            lambda x, gain, g: _backward(x, gain, g, mean=0)
        ),
        "the way through the spread is missing: a third term, even times the mean of h * even.": (
            lambda x, gain, g: _backward(x, gain, g, turn=0)
        ),
        "the way through the spread has the wrong sign: a larger spread shrinks the output.": (
            lambda x, gain, g: _backward(x, gain, g, turn=-1)
        ),
        "divide the gradient by x by the spread: a larger vector is moved less.": (
            lambda x, gain, g: _backward(x, gain, g, divide=False)
        ),
        "the gain stands between g and the even vector: multiply g by it first.": (
            lambda x, gain, g: _backward(x, gain, g, h=g)
        ),
        "the gradient by the gain has x in it; the gain multiplies the even vector.": (
            lambda x, gain, g: _backward(x, gain, g, even=x)
        ),
        "gain and bias serve all positions: sum their gradients over all axes but the last.": (
            _unsummed
        ),
        "the sums for gain and bias run over the first axis only; a batch has more in front.": (
            _one_axis
        ),
        "the means run over the whole array; every vector has its own: axis=-1, keepdims=True.": (
            _whole_means
        ),
        "the gradients by gain and by bias have changed places: the order is x, gain, bias.": (
            lambda x, gain, g: tuple(_backward(x, gain, g)[i] for i in (0, 2, 1))
        ),
        "the gradients by gain and bias take g itself, not g * gain: only what goes on to the even "
        "vector is multiplied by the gain.": (
            lambda x, gain, g: (_backward(x, gain, g)[0], *_backward(x, gain, g * gain)[1:])
        ),
        "the gradients by gain and bias are summed over the features: keep those, and sum over "
        "every axis in front.": _over_features,
        "you subtract sums over the features: both are means, a sum divided by D.": _sums,
        "in the third term stands the centred vector: it is the even one, divided by the spread.": (
            _centred
        ),
        "only the last term is divided by the spread: put brackets around all three.": _unbracketed,
        "the spread divides by D - 1; the layer norm to undo divides by D.": _sample_backward,
        "the gain differs from feature to feature, so it must be in before the means are taken: "
        "h = g * gain first.": _gain_last,
        "eps is missing from the spread: it matters where the numbers are small.": (
            lambda x, gain, g: _backward(x, gain, g, eps=0)
        ),
    },
    hints=(
        "Go back through the lines: bias, gain, then the even vector. h = g * gain goes on.",
        "∂even_i/∂x_j = (δ_ij - 1/D - even_i even_j / D) / spread. Multiply by h_i, sum over i.",
        "(h - mean of h - even * mean of (h * even)) / spread; both means over the last axis.",
        "For gain and bias: (g * even) and g, each summed with axis=tuple(range(x.ndim - 1)).",
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
        "eps is at home now. The spread still divides by D - 1: see what ddof means.": _sample,
        "the divisor is right now. Where does eps stand when the input is small?": _outside,
        "the root was lost: the variance plus eps needs one.": layer_norm.mistakes[NO_ROOT],
        "eps was lost: a vector of equal numbers gives 0/0.": layer_norm.mistakes[NO_EPS],
        "the divisor is D - 1 still, and eps is added to the variance without a root.": (
            lambda x, gain, bias, eps=1e-5: gain * (x - _mean(x)) / (_var(x, ddof=1) + eps) + bias
        ),
        TWICE: _root_of_root(0),
        "a root is taken twice, and the divisor is D - 1 still: square the standard deviation "
        "first, and see what ddof means.": _root_of_root(1),
        "eps was lost, and the divisor is D - 1 still: see what ddof means.": (
            lambda x, gain, bias, eps=1e-5: gain * (x - _mean(x)) / np.sqrt(_var(x, ddof=1)) + bias
        ),
        "eps is now under a root of its own; one root, over variance and eps together.": (
            lambda x, gain, bias, eps=1e-5: (
                gain * (x - _mean(x)) / (np.sqrt(_var(x)) + np.sqrt(eps)) + bias
            )
        ),
        "you also moved the bias: it was right where it stood, after the gain.": (
            layer_norm.mistakes[BIAS_FIRST]
        ),
    },
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
        "a sign is not a scale: -x gives the output with its sign turned.": ("abce", "ac"),
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
        "turned.": ("abe", "ac"),
        "the second is right. A sign is not a scale: with -x the output of layer norm turns its "
        "sign as well.": ("abce", "a"),
        "the second is right. In reverse order the output of layer norm is reversed as well.": (
            ("abde", "a")
        ),
        "e has two steps: 10 x, then + 10. Layer norm sees neither, RMS norm the second.": (
            ("ab", "ab")
        ),
        "c turns the sign of the output, and d reverses its order: neither leaves it the same.": (
            "abcde",
            "a",
        ),
        "small letters, please.": ("ABE", "A"),
        "the two are in the other order: layer norm first.": ("a", "abe"),
        "dividing by the root of the mean square takes a factor out: RMS norm cannot see 10 x.": (
            ("abe", "")
        ),
    },
    hints=(
        "Try x = (1, 2, 6), whose mean is 3, on paper or with tantra.layer_norm(x, eps=0).",
        "Layer norm takes out the mean and the spread; RMS norm takes out one of them.",
    ),
)

half_deviation = Prediction(
    name="half_deviation",
    kind="ablate",
    asks="The standard deviation of an input whose output has the standard deviation one half.",
    answer=float(np.sqrt(1e-5 / 3)),
    rtol=3e-3,
    mistakes={
        "there the output has the deviation 1/√2 = 0.71: variance and eps are equal.": (
            float(np.sqrt(1e-5))
        ),
        "near √eps the output has the deviation 0.7: variance and eps are nearly equal there.": (
            0.003
        ),
        "that is one digit short: three are asked for.": 0.0018,
        "one half is the deviation of the output; which deviation of the input leads to it?": 0.5,
        "that holds for eps outside the root; inside it is compared with a variance.": 1e-5,
        "that is the variance; the deviation is its root.": 1e-5 / 3,
        "there s² is 3 eps, and the output has the deviation 0.87: turn the ratio.": (
            float(np.sqrt(3e-5))
        ),
        "half the root of eps is close, but the s² under the root counts as well.": (
            float(np.sqrt(1e-5) / 2)
        ),
    },
    hints=(
        "A vector of deviation s leaves with the deviation s / √(s² + eps).",
        "Set it to 1/2 and square both sides: 4 s² = s² + eps.",
    ),
)

EXERCISES = [
    layer_norm,
    rms_norm,
    layer_norm_backward,
    copied_norm,
    unseen_changes,
    half_deviation,
]
