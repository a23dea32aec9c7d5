"""The exercises of chapter 07, the feed-forward network."""

import math

import numpy as np
import torch
import torch.nn.functional as F

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import arrays, gradients

AXES_IN_FRONT = ((), (5,), (2, 5), (2, 4, 5))


def _draw(*shapes):
    """Draws x (..., 3), and arrays of these shapes."""

    def draw(rng):
        x = rng.standard_normal((*AXES_IN_FRONT[rng.integers(4)], 3))
        return x, *(rng.standard_normal(shape) for shape in shapes)

    return draw


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


SLOPE = math.sqrt(2 / math.pi)


def _tanh_form(slope=SLOPE, cubic=0.044715, power=3, half=0.5, one=1):
    """GELU by tanh with other constants."""
    return lambda x: half * x * (one + np.tanh(slope * (x + cubic * x**power)))


def _of_one_number(x):
    """Fails for an array, as the functions of math do."""
    return 0.5 * x * (1 + math.tanh(SLOPE * (x + 0.044715 * x**3)))


def _row_by_row(x):
    """Fails where a row is not one number, or where there are none."""
    return np.array([_of_one_number(x[i]) for i in range(len(x))])


def _tanh_by_exp(x):
    """Not a number far out, where both powers are inf or their sum is."""
    z = SLOPE * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)))


def _tanh_by_one_exp(x):
    """Not a number far to the right."""
    power = np.exp(2 * SLOPE * (x + 0.044715 * x**3))
    return 0.5 * x * (1 + (power - 1) / (power + 1))


def _relu(x):
    return np.maximum(x, 0)


gelu = Exercise(
    name="gelu",
    kind="implement",
    asks="GELU by tanh: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).",
    reference=lambda x: tantra.gelu(x),
    library=tantra.gelu,
    cases={
        "five numbers": (np.array([-2.0, -0.5, 0.0, 1.0, 3.0]),),
        "two rows": arrays((2, 3)),
        "far out": (np.array([-100.0, -10.0, 10.0, 100.0]),),
        "one number": (np.float64(0.5),),
    },
    draw=lambda rng: (2 * rng.standard_normal((*AXES_IN_FRONT[rng.integers(4)], 7)),),
    mistakes={
        "that is the exact form, by erf. It differs by up to 0.0005: here the tanh form is asked "
        "for.": tantra.gelu_exact,
        "one number works, and an array does not: math.tanh, like all of math, takes one number; "
        "np.tanh takes both.": _of_one_number,
        "far out the powers of e are inf, and inf / inf is nan: np.tanh knows the way.": (
            _tanh_by_exp
        ),
        "far to the right the power of e is inf, and inf / inf is nan: np.tanh knows the way.": (
            _tanh_by_one_exp
        ),
        "a digit or two of 0.044715 are missing; yours is 0.0447.": _tanh_form(cubic=0.0447),
        "√(2/π) is 0.79788456..., and yours is 0.8: math.sqrt(2 / math.pi) has all the digits.": (
            _tanh_form(slope=0.8)
        ),
        "the tanh is subtracted: 1 + tanh runs from 0 to 2, and should rise with x.": (
            lambda x: 0.5 * x * (1 - np.tanh(SLOPE * (x + 0.044715 * x**3)))
        ),
        "that is a sigmoid where ½ (1 + tanh) should be: a tanh of z is a sigmoid of 2z.": (
            lambda x: x * _sigmoid(SLOPE * (x + 0.044715 * x**3))
        ),
        "a 0 is missing: the constant is 0.044715, not 0.44715.": _tanh_form(cubic=0.44715),
        "a 4 is missing: the constant is 0.044715, not 0.04715.": _tanh_form(cubic=0.04715),
        "take the root of 2/π.": _tanh_form(slope=2 / math.pi),
        "the fraction under the root is upside down: 2/π, not π/2.": (
            _tanh_form(slope=math.sqrt(math.pi / 2))
        ),
        "the factor √(2/π) inside the tanh is missing.": _tanh_form(slope=1),
        "that is √(2π); inside the tanh stands √(2/π), 2 divided by π.": (
            _tanh_form(slope=math.sqrt(2 * math.pi))
        ),
        "the term with x³ is missing.": _tanh_form(cubic=0),
        "x squared would lose the sign: the small term has x³.": _tanh_form(power=2),
        "the half is missing: far to the right GELU is x, not 2x.": _tanh_form(half=1),
        "the 1 is missing: 1 + tanh runs from 0 to 2, tanh from -1 to 1.": _tanh_form(one=0),
        "the factor x is missing: that is the probability alone, which GELU multiplies by x.": (
            lambda x: 0.5 * (1 + np.tanh(SLOPE * (x + 0.044715 * x**3)))
        ),
        "x σ(1.702 x) is a rougher approximation, up to 0.02 off.": (
            lambda x: x * _sigmoid(1.702 * x)
        ),
        "a loop over the first axis takes rows where there are two axes, and one number has none: "
        "np.tanh takes any shape at once.": _row_by_row,
        "arrays are right; one number has no axis to loop over: np.tanh takes both as they come.": (
            lambda x: np.array([tantra.gelu(part) for part in x])
        ),
        "the tanh is missing around √(2/π) (x + 0.044715 x³).": (
            lambda x: 0.5 * x * (1 + SLOPE * (x + 0.044715 * x**3))
        ),
        "the term with x³ is added, not subtracted.": _tanh_form(cubic=-0.044715),
        "the half multiplies the tanh as well: ½ x (1 + tanh ...), not x (½ + tanh ...).": (
            _tanh_form(half=1, one=0.5)
        ),
        "that is ReLU: GELU rounds its corner off.": _relu,
        "that is SiLU, x times the sigmoid; here it is x times ½ (1 + tanh ...).": (
            lambda x: x * _sigmoid(x)
        ),
        "the factor √(2/π) multiplies both terms: put brackets around x + 0.044715 x³.": (
            lambda x: 0.5 * x * (1 + np.tanh(SLOPE * x + 0.044715 * x**3))
        ),
        "the factor √(2/π) multiplies both terms, not the one with x³ alone.": (
            lambda x: 0.5 * x * (1 + np.tanh(x + SLOPE * 0.044715 * x**3))
        ),
        "only x is cubed: 0.044715 * x**3, with no brackets around 0.044715 x.": (
            lambda x: 0.5 * x * (1 + np.tanh(SLOPE * (x + (0.044715 * x) ** 3)))
        ),
        "the root is over 2/π alone; yours takes x in, and a negative number has no root.": (
            lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / math.pi * (x + 0.044715 * x**3))))
        ),
        "the root is over the whole fraction: √(2/π), not √2/π.": (
            _tanh_form(slope=math.sqrt(2) / math.pi)
        ),
        "½ x multiplies the whole sum: put brackets around 1 + tanh.": (
            lambda x: 0.5 * x + np.tanh(SLOPE * (x + 0.044715 * x**3))
        ),
    },
    rtol=1e-8,
    atol=1e-10,
    hints=(
        "Start inside: x + 0.044715 * x**3, then the factor, then np.tanh.",
        "Far to the right the tanh is 1, so ½ x (1 + 1) = x.",
        "0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * inner)), with inner from the first hint.",
    ),
)


def _given_feed_forward(x, w_1, b_1, w_2, b_2):
    hidden = x @ w_1
    return tantra.gelu(hidden @ w_2 + b_2)


feed_forward = Exercise(
    name="feed_forward",
    kind="hunt",
    asks="Expand with a bias, GELU, compress with a bias.",
    reference=lambda x, w_1, b_1, w_2, b_2: tantra.gelu(x @ w_1 + b_1) @ w_2 + b_2,
    library=tantra.FeedForward,
    given=_given_feed_forward,
    cases={
        "one word": arrays((2,), (2, 3), (3,), (3, 2), (2,)),
        "a sequence": arrays((4, 2), (2, 5), (5,), (5, 2), (2,), seed=1),
        "the word 0": (np.zeros(2), *arrays((2, 3), (3,), (3, 2), (2,), seed=2)),
        "two axes in front": arrays((2, 4, 1, 3), (3, 5), (5,), (5, 3), (3,), seed=3),
    },
    draw=_draw((3, 7), (7,), (7, 3), (3,)),
    mistakes={
        "the nonlinearity is in its place. The first map still has no bias: add b_1, "
        "before GELU.": (lambda x, w_1, b_1, w_2, b_2: tantra.gelu(x @ w_1) @ w_2 + b_2),
        "b_1 is there. GELU still comes last: it belongs between the two matrices.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.gelu((x @ w_1 + b_1) @ w_2 + b_2)
        ),
        "GELU is now there twice: once, between the two matrices.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.gelu(tantra.gelu(x @ w_1 + b_1) @ w_2 + b_2)
        ),
        "GELU comes before the bias: b_1 decides where a hidden feature bends, so add it first.": (
            lambda x, w_1, b_1, w_2, b_2: (tantra.gelu(x @ w_1) + b_1) @ w_2 + b_2
        ),
        "GELU is now there twice, and b_1 is still missing: add b_1, and keep the first GELU.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.gelu(tantra.gelu(x @ w_1) @ w_2 + b_2)
        ),
        "GELU still comes after both matrices: it belongs between them, after b_1.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.gelu((x @ w_1 + b_1) @ w_2) + b_2
        ),
        "you moved b_2 out of GELU; move GELU itself, between the matrices, and add b_1.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.gelu(x @ w_1 @ w_2) + b_2
        ),
        "GELU is gone, and b_1 is still missing: add it after the first matrix, then GELU.": (
            lambda x, w_1, b_1, w_2, b_2: x @ w_1 @ w_2 + b_2
        ),
        "GELU is gone, and two linear maps are one: put it between the two matrices.": (
            lambda x, w_1, b_1, w_2, b_2: (x @ w_1 + b_1) @ w_2 + b_2
        ),
        "GELU comes first of all now, and b_1 is missing: the order is matrix, b_1, GELU.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.gelu(x) @ w_1 @ w_2 + b_2
        ),
        "GELU comes first of all now; it belongs after the first matrix and its bias.": (
            lambda x, w_1, b_1, w_2, b_2: (tantra.gelu(x) @ w_1 + b_1) @ w_2 + b_2
        ),
        "the second bias got lost: add b_2 at the end.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.gelu(x @ w_1 + b_1) @ w_2
        ),
        "that is ReLU between the matrices; the nonlinearity here is GELU.": (
            lambda x, w_1, b_1, w_2, b_2: _relu(x @ w_1 + b_1) @ w_2 + b_2
        ),
        "that is the exact GELU; the one that is given is by tanh.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.gelu_exact(x @ w_1 + b_1) @ w_2 + b_2
        ),
        "adding x is the block's work (chapter 08): return the network's own answer.": (
            lambda x, w_1, b_1, w_2, b_2: x + tantra.gelu(x @ w_1 + b_1) @ w_2 + b_2
        ),
        "GELU stands behind both matrices now: once, behind the first and its bias.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.gelu(tantra.gelu(x @ w_1 + b_1) @ w_2) + b_2
        ),
        "that nonlinearity is SiLU; here it is GELU.": (
            lambda x, w_1, b_1, w_2, b_2: tantra.silu(x @ w_1 + b_1) @ w_2 + b_2
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "Five arrays are handed in. Which of them does the sketch never use?",
        "Multiply the sketch's two matrices out: with nothing between them they are one.",
        "hidden = tantra.gelu(x @ w_1 + b_1); then a second map, with its bias and no GELU.",
    ),
)


def _gated(gate=tantra.silu, join=np.multiply):
    """SwiGLU with another gate, or joined in another way."""
    return lambda x, w_gate, w_up, w_down: join(gate(x @ w_gate), x @ w_up) @ w_down


swiglu = Exercise(
    name="swiglu",
    kind="implement",
    asks="Expand twice, SiLU of the one opening the other, and compress; no biases.",
    reference=lambda x, w_gate, w_up, w_down: _gated()(x, w_gate, w_up, w_down),
    library=tantra.SwiGLU,
    cases={
        "one word": arrays((2,), (2, 3), (2, 3), (3, 2)),
        "a sequence": arrays((4, 2), (2, 5), (2, 5), (5, 2), seed=1),
        "two axes in front": arrays((2, 4, 1, 3), (3, 5), (3, 5), (5, 3), seed=2),
        "far out": (400 * arrays((4, 2))[0], *arrays((2, 5), (2, 5), (5, 2), seed=3)),
    },
    draw=_draw((3, 7), (3, 7), (7, 3)),
    mistakes={
        "the two expansions have changed places: SiLU belongs on the gate.": (
            lambda x, w_gate, w_up, w_down: ((x @ w_gate) * tantra.silu(x @ w_up)) @ w_down
        ),
        "only the gate has a nonlinearity: leave x @ w_up as it is.": (
            lambda x, w_gate, w_up, w_down: (
                (tantra.silu(x @ w_gate) * tantra.silu(x @ w_up)) @ w_down
            )
        ),
        "SiLU stands on the product; put it on the gate, then multiply.": (
            lambda x, w_gate, w_up, w_down: tantra.silu((x @ w_gate) * (x @ w_up)) @ w_down
        ),
        "that gate is a plain sigmoid (GLU): SiLU is the sigmoid times its own input.": (
            _gated(_sigmoid)
        ),
        "the gate has no nonlinearity at all: put SiLU on it.": _gated(lambda z: z),
        "that gate is GELU (GEGLU): here it is SiLU.": _gated(tantra.gelu),
        "that gate is the exact GELU (GEGLU): here it is SiLU.": (_gated(tantra.gelu_exact)),
        "that gate is ReLU (ReGLU): here it is SiLU.": _gated(_relu),
        "you add the two expansions: multiply them, feature by feature.": _gated(join=np.add),
        "the other expansion is missing: SiLU of the gate multiplies x @ w_up.": (
            lambda x, w_gate, w_up, w_down: tantra.silu(x @ w_gate) @ w_down
        ),
        "the gate is missing: that is a plain network with w_up alone.": (
            lambda x, w_gate, w_up, w_down: tantra.silu(x @ w_up) @ w_down
        ),
        "SiLU comes first; it belongs on what w_gate makes of x: silu(x @ w_gate).": (
            lambda x, w_gate, w_up, w_down: ((tantra.silu(x) @ w_gate) * (x @ w_up)) @ w_down
        ),
        "SiLU comes last; it belongs on the gate alone, before the two are multiplied.": (
            lambda x, w_gate, w_up, w_down: tantra.silu(((x @ w_gate) * (x @ w_up)) @ w_down)
        ),
        "SiLU comes twice, on the gate and at the end: it belongs on the gate alone.": (
            lambda x, w_gate, w_up, w_down: tantra.silu(_gated()(x, w_gate, w_up, w_down))
        ),
        "w_up multiplies x, as w_gate does: SiLU of the gate times x @ w_up.": (
            lambda x, w_gate, w_up, w_down: (tantra.silu(x @ w_gate) * w_up) @ w_down
        ),
        "the sigmoid is 1 / (1 + e^-z); the minus is missing. tantra.silu is given.": (
            _gated(lambda z: z / (1 + np.exp(z)))
        ),
        "that gate is a softmax, in which the features compete: here each has its own SiLU.": (
            _gated(tantra.softmax)
        ),
        "that gate is a tanh: here it is SiLU, z times its own sigmoid.": _gated(np.tanh),
        "compress at the end: multiply by w_down.": (
            lambda x, w_gate, w_up, w_down: tantra.silu(x @ w_gate) * (x @ w_up)
        ),
        "the gate opens itself: SiLU of x @ w_gate multiplies x @ w_up.": (
            lambda x, w_gate, w_up, w_down: (tantra.silu(x @ w_gate) * (x @ w_gate)) @ w_down
        ),
        "far out e to the power z is inf, and inf / inf is nan: tantra.silu is given.": (
            _gated(lambda z: z * np.exp(z) / (1 + np.exp(z)))
        ),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "Two products with x, both of shape (..., F).",
        "silu of the first, times the second, number by number (*, not @).",
        "That product has shape (..., F); @ w_down brings it back to (..., D).",
    ),
)


def _cdf(x):
    return 0.5 * (1 + torch.erf(torch.tensor(x) / math.sqrt(2)).numpy())


def _density(x):
    return np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def _slope(x):
    return _cdf(x) + x * _density(x)


def _tanh_slope(x):
    return gradients(lambda x: F.gelu(x, approximate="tanh"), np.ones_like(x), x)[0]


def _draw_gelu_backward(rng):
    x = 2 * rng.standard_normal((*AXES_IN_FRONT[rng.integers(4)], 7))
    return x, rng.standard_normal(x.shape)


gelu_backward = Exercise(
    name="gelu_backward",
    kind="derive",
    asks="The gradient by x, from x and the gradient g by GELU(x) = x Φ(x).",
    reference=lambda x, g: gradients(F.gelu, g, x)[0],
    cases={
        "five numbers": (np.array([-2.0, -0.5, 0.0, 1.0, 3.0]), np.ones(5)),
        "two rows": arrays((2, 3), (2, 3)),
        "far out": (np.array([-40.0, -8.0, 8.0, 40.0]), np.array([1.0, -2.0, 0.5, 3.0])),
    },
    draw=_draw_gelu_backward,
    mistakes={
        "Φ(x) depends on x too: the second half of the product rule is missing.": (
            lambda x, g: g * _cdf(x)
        ),
        "the first half of the product rule is missing: the derivative of x is 1, times Φ(x).": (
            lambda x, g: g * x * _density(x)
        ),
        "in the second half the factor x is missing: x φ(x).": (
            lambda x, g: g * (_cdf(x) + _density(x))
        ),
        "the sign of the second half is flipped: Φ(x) + x φ(x).": (
            lambda x, g: g * (_cdf(x) - x * _density(x))
        ),
        "multiply by g: the chain rule.": lambda x, g: _slope(x),
        "g multiplies the whole slope: put brackets around Φ(x) + x φ(x).": (
            lambda x, g: g * _cdf(x) + x * _density(x)
        ),
        "g multiplies the second term only: put brackets around Φ(x) + x φ(x).": (
            lambda x, g: _cdf(x) + x * _density(x) * g
        ),
        "the x stands at the wrong half: 1 · Φ(x), and x · φ(x).": (
            lambda x, g: g * (x * _cdf(x) + _density(x))
        ),
        "multiply by g, don't add it: the chain rule.": (lambda x, g: _slope(x) + g),
        "you multiply Φ and φ; the product rule adds two terms, Φ(x) + x φ(x).": (
            lambda x, g: g * _cdf(x) * _density(x)
        ),
        "the derivative of Φ is φ, normal_density; yours is Φ again.": (
            lambda x, g: g * (1 + x) * _cdf(x)
        ),
        "the derivative of Φ is φ itself, not φ's own derivative -x φ(x).": (
            lambda x, g: g * (_cdf(x) - x**2 * _density(x))
        ),
        "that is the slope of ReLU: 0 or 1.": lambda x, g: g * (x > 0),
        "that is the slope of the tanh form; here it is the exact one.": (
            lambda x, g: g * _tanh_slope(x)
        ),
        "the slope is taken at g; it stands at x, and g multiplies it.": lambda x, g: g * _slope(g),
        "x and g have changed places: the slope at x, times g.": lambda x, g: x * _slope(g),
        "only the slope at g is left: take it at x, and multiply by g.": lambda x, g: _slope(g),
        "x multiplies the whole slope: it belongs to the second half alone, x φ(x).": (
            lambda x, g: g * x * _slope(x)
        ),
        "the product of the two derivatives: the product rule adds two terms.": (
            lambda x, g: g * _density(x)
        ),
        "every number of x has its own gradient: do not sum them.": (
            lambda x, g: (g * _slope(x)).sum()
        ),
        "g meets the slope number by number: *, not @.": lambda x, g: g @ _slope(x),
        "you multiply Φ(x) and x φ(x); the product rule adds them.": (
            lambda x, g: g * _cdf(x) * x * _density(x)
        ),
        "x² is one x too many: the second half is x φ(x).": (
            lambda x, g: g * (_cdf(x) + x**2 * _density(x))
        ),
        "that is GELU itself, times g: take its derivative.": lambda x, g: g * x * _cdf(x),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "GELU is a product, x times Φ(x): (uv)' = u'v + uv'.",
        "The derivative of Φ is φ, which is given as normal_density.",
        "The slope is Φ(x) + x φ(x). What does the chain rule do with g?",
    ),
)


crossing = Prediction(
    name="crossing",
    kind="predict",
    asks="The T at which attention costs as many operations as the feed-forward network, D = 512.",
    answer=1024,
    mistakes={
        "that is 4D: count all six products of attention, the four matrices and both the scores "
        "and the averages.": 2048,
        "that is 3D, or the crossing of GPT-2 small: here D is 512. A product (T, D) @ (D, D) "
        "costs 2TD², so four cost 8TD²; the feed-forward network's two cost 16TD².": 1536,
        "that is D. There the scores and averages cost half as much as attention's matrices; "
        "together they are still below the feed-forward network.": 512,
        "that is D/2: set the two sums equal again, and divide both by 4TD.": 256,
        "that is 6D: the four matrices belong to attention's side; and all products are counted in "
        "the same way, 2TDF for (T, D) @ (D, F).": 3072,
        "that is 8D: the scores alone reach the feed-forward network there. Count the averages and "
        "the four matrices as well.": 4096,
        "that is 2.5 D: attention has four matrices of 2TD² each, the one of the output too.": 1280,
        "at 1025 attention costs more already: where do the two cost the same?": 1025,
        "at 0 nothing costs anything. The feed-forward network has two matrices: 16TD².": 0,
        "768 is the width of GPT-2 small; here D is 512.": 768,
        "that counts in units of D: T is a number of positions.": 2,
        "the number of features is not asked for, but the number of positions T.": (512, 2048),
    },
    hints=(
        "A product (T, D) @ (D, F) costs 2TDF operations.",
        "Attention: four matrices, 8TD²; scores, 2T²D; averages, 2T²D.",
        "8TD² + 4T²D = 16TD². Divide by 4TD.",
    ),
)

hidden_ranks = Prediction(
    name="hidden_ranks",
    kind="ablate",
    asks="The rank of 24 hidden features of 100 words of width 6: after GELU, and without it.",
    answer=(24, 6),
    mistakes={
        "the other order: first after GELU, then without.": (6, 24),
        "the first is right. Without GELU the 24 are mixtures of 6 numbers: no more than 6 are "
        "independent.": (24, 24),
        "the second is right. GELU is applied to each of the 24 on its own, and so they are no "
        "longer mixtures of the 6.": (6, 6),
        "a rank is at most the smaller side of the array, here 24 features.": (100, 6),
        "a rank is at most the smaller side; and a linear map of 6 numbers has at most rank 6.": (
            100,
            24,
        ),
        "the second is at most 6: without GELU all 24 are mixtures of 6 numbers.": (24, 100),
        "100 rows, but only 24 columns: no rank is above 24, nor above 6 without GELU.": (100, 100),
        "the second is right. GELU shrinks the negative numbers, and each row has others: no "
        "feature is lost.": (12, 6),
        "the second is right. A rank is at most the smaller side, 24; the 6 are not added.": (
            30,
            6,
        ),
        "the first is right. With a bias it would be 7; here there is none.": (24, 7),
    },
    hints=(
        "x @ w_1 is an array of 100 rows and 24 columns, a product through the width 6.",
        "np.linalg.matrix_rank(tantra.gelu(x @ w_1)) is the first number.",
        "The second is np.linalg.matrix_rank(x @ w_1): it cannot be above 6.",
    ),
)

EXERCISES = [gelu, feed_forward, swiglu, gelu_backward, crossing, hidden_ranks]
