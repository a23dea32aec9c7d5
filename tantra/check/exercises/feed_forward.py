"""The exercises of chapter 07, the feed-forward network."""

import math

import numpy as np
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


def _exact_of_one_number(x):
    """As the chapter has it."""
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


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
        "that is the exact form, by math.erf, which takes one number: write the form by tanh, with "
        "np.tanh, which takes any array.": _exact_of_one_number,
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


def _word_by_word(x, w_gate, w_up, w_down):
    """Fails where there is no axis to loop over: for one word."""
    return np.array([_gated()(word, w_gate, w_up, w_down) for word in x])


def _number_by_number(x, w_gate, w_up, w_down):
    """As the chapter has it: for one word."""
    gate = np.array([z / (1 + math.exp(-z)) for z in x @ w_gate])
    return (gate * (x @ w_up)) @ w_down


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
        "two by two": arrays(*[(2, 2)] * 4, seed=4),  # where a product out of order fits too
    },
    draw=_draw((3, 7), (3, 7), (7, 3)),
    mistakes={
        "the two expansions have changed places: SiLU belongs on the gate.": (
            lambda x, w_gate, w_up, w_down: ((x @ w_gate) * tantra.silu(x @ w_up)) @ w_down
        ),
        "one word is right; where there are more the loop meets rows, and math.exp takes one "
        "number: tantra.silu takes any array.": _number_by_number,
        "* and @ have the same rank, and the left one comes first: put brackets around x @ w_up.": (
            lambda x, w_gate, w_up, w_down: tantra.silu(x @ w_gate) * x @ w_up @ w_down
        ),
        "w_down comes before the two are multiplied: put brackets around gate * (x @ w_up).": (
            lambda x, w_gate, w_up, w_down: tantra.silu(x @ w_gate) * (x @ w_up @ w_down)
        ),
        "the gate meets the other feature by feature: *, not @.": _gated(join=np.matmul),
        "sequences are right; one word has no axis to loop over: @ takes x as it comes.": (
            _word_by_word
        ),
        "the gate is there twice: SiLU of x @ w_gate already holds the factor x @ w_gate.": (
            _gated(lambda z: z * tantra.silu(z))
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


def _inner(x):
    """What the tanh is taken of."""
    return SLOPE * (x + 0.044715 * x**3)


def _inner_slope(x, slope=SLOPE, three=3, power=2, cubic=0.044715):
    return slope * (1 + three * cubic * x**power)


def _tanh_slope(first=0.5, one=1, second=0.5, sign=1, of_tanh=lambda t: 1 - t**2, **inner):
    """The slope of GELU by tanh with one thing in it different."""

    def slope(x):
        tanh = np.tanh(_inner(x))
        return first * (one + tanh) + sign * second * x * of_tanh(tanh) * _inner_slope(x, **inner)

    return slope


def _halves(join):
    """The gradient made of g, x, tanh, and the slope of the inner function."""
    return lambda x, g: join(g, x, np.tanh(_inner(x)), _inner_slope(x))


def _with(slope):
    return lambda x, g: g * slope(x)


_right_slope = _tanh_slope()


def _draw_gelu_backward(rng):
    x = 2 * rng.standard_normal((*AXES_IN_FRONT[rng.integers(4)], 7))
    return x, rng.standard_normal(x.shape)


gelu_backward = Exercise(
    name="gelu_backward",
    kind="derive",
    asks="The gradient by x, from x and the gradient g by GELU by tanh, ½ x (1 + tanh(u)).",
    reference=lambda x, g: gradients(lambda x: F.gelu(x, approximate="tanh"), g, x)[0],
    cases={
        "five numbers": (np.array([-2.0, -0.5, 0.0, 1.0, 3.0]), np.ones(5)),
        "two rows": arrays((2, 3), (2, 3)),
        "far out": (np.array([-40.0, -8.0, 8.0, 40.0]), np.array([1.0, -2.0, 0.5, 3.0])),
    },
    draw=_draw_gelu_backward,
    mistakes={
        "tanh(u) depends on x too: the second half of the product rule is missing.": (
            _with(_tanh_slope(second=0))
        ),
        "the first half of the product rule is missing: the derivative of ½ x is ½, times "
        "1 + tanh(u).": _with(_tanh_slope(first=0)),
        "in the second half the factor x is missing: ½ x (1 - tanh²) u'.": _halves(
            lambda g, x, tanh, inner: g * (0.5 * (1 + tanh) + 0.5 * (1 - tanh**2) * inner)
        ),
        "u depends on x: the chain rule asks for u' = √(2/π) (1 + 3 · 0.044715 x²) as well.": (
            _halves(lambda g, x, tanh, inner: g * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2)))
        ),
        "u' is not all there: x³ has a derivative too, u' = √(2/π) (1 + 3 · 0.044715 x²).": (
            _with(_tanh_slope(cubic=0))
        ),
        "u' is not all there: the factor √(2/π) is missing.": _with(_tanh_slope(slope=1)),
        "u' is not all there: x has the derivative 1, u' = √(2/π) (1 + 3 · 0.044715 x²).": _halves(
            lambda g, x, tanh, inner: (
                g * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * (inner - SLOPE))
            )
        ),
        "√(2/π) multiplies both terms of u': put brackets around 1 + 3 · 0.044715 x².": _halves(
            lambda g, x, tanh, inner: (
                g * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * (SLOPE + 0.134145 * x**2))
            )
        ),
        "tanh²(u) is the square of tanh(u), not the tanh of u².": _halves(
            lambda g, x, tanh, inner: (
                g * (0.5 * (1 + tanh) + 0.5 * x * (1 - np.tanh(_inner(x) ** 2)) * inner)
            )
        ),
        "the derivative of x³ is 3x²: the 3 is missing.": _with(_tanh_slope(three=1)),
        "the derivative of x³ is 3x², not 3x.": _with(_tanh_slope(power=1)),
        "the derivative of x³ is 3x², not 3x³.": _with(_tanh_slope(power=3)),
        "the derivative of x³ is 3x², and x³ itself still stands in u'.": (
            _with(_tanh_slope(three=1, power=3))
        ),
        "u stands where its derivative u' should: √(2/π) (1 + 3 · 0.044715 x²).": _halves(
            lambda g, x, tanh, inner: g * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * _inner(x))
        ),
        "the derivative of tanh is 1 - tanh²; the square is missing.": (
            _with(_tanh_slope(of_tanh=lambda tanh: 1 - tanh))
        ),
        "the derivative of tanh is 1 - tanh²; yours is tanh itself.": (
            _with(_tanh_slope(of_tanh=lambda tanh: tanh))
        ),
        "the derivative of tanh is 1 - tanh², with a minus.": (
            _with(_tanh_slope(of_tanh=lambda tanh: 1 + tanh**2))
        ),
        "the derivative of tanh is 1 - tanh²; tanh (1 - tanh) belongs to the sigmoid.": (
            _with(_tanh_slope(of_tanh=lambda tanh: tanh * (1 - tanh)))
        ),
        "the derivative of tanh is 1 - tanh²: the 1 is missing.": (
            _with(_tanh_slope(of_tanh=lambda tanh: -(tanh**2)))
        ),
        "1 - tanh² holds the tanh of u, and yours holds u.": _halves(
            lambda g, x, tanh, inner: (
                g * (0.5 * (1 + tanh) + 0.5 * x * (1 - _inner(x) ** 2) * inner)
            )
        ),
        "the sign of the second half is wrong: the two halves are added.": (
            _with(_tanh_slope(sign=-1))
        ),
        "the ½ is missing from the second half: ½ x (1 - tanh²) u'.": _with(_tanh_slope(second=1)),
        "the ½ is missing from the first half: ½ (1 + tanh).": _with(_tanh_slope(first=1)),
        "the ½ is missing from both halves.": _with(_tanh_slope(first=1, second=1)),
        "the 1 is missing from the first half: ½ (1 + tanh).": _with(_tanh_slope(one=0)),
        "multiply by g: the chain rule.": lambda x, g: _right_slope(x),
        "multiply by g, don't add it: the chain rule.": lambda x, g: _right_slope(x) + g,
        "g multiplies the whole slope: put brackets around both halves.": _halves(
            lambda g, x, tanh, inner: g * 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * inner
        ),
        "g multiplies the second half only: put brackets around both halves.": _halves(
            lambda g, x, tanh, inner: 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * inner * g
        ),
        "the slope is taken at g; it stands at x, and g multiplies it.": (
            lambda x, g: g * _right_slope(g)
        ),
        "x and g have changed places: the slope at x, times g.": lambda x, g: x * _right_slope(g),
        "only the slope at g is left: take it at x, and multiply by g.": (
            lambda x, g: _right_slope(g)
        ),
        "x multiplies the whole slope: it belongs to the second half alone.": (
            lambda x, g: g * x * _right_slope(x)
        ),
        "the product rule adds two terms; you multiply the two derivatives.": (
            _halves(lambda g, x, tanh, inner: g * 0.5 * (1 - tanh**2) * inner)
        ),
        "that is the slope of the exact form, Φ(x) + x φ(x); here it is the form by tanh.": (
            lambda x, g: gradients(F.gelu, g, x)[0]
        ),
        "that is the slope of ReLU: 0 or 1.": lambda x, g: g * (x > 0),
        "that is the slope of SiLU; here it is GELU by tanh.": (
            lambda x, g: gradients(F.silu, g, x)[0]
        ),
        "that is GELU itself, times g: take its derivative.": lambda x, g: g * tantra.gelu(x),
        "every number of x has its own gradient: do not sum them.": (
            lambda x, g: (g * _right_slope(x)).sum()
        ),
        "g meets the slope number by number: *, not @.": lambda x, g: g @ _right_slope(x),
    },
    rtol=1e-9,
    atol=1e-11,
    hints=(
        "GELU is a product, ½ x times 1 + tanh(u): (ab)' = a'b + ab'.",
        "By the chain rule tanh(u) has the derivative (1 - tanh²(u)) u'.",
        "u' = √(2/π) (1 + 3 · 0.044715 x²). What does the chain rule do with g?",
    ),
)


crossing = Prediction(
    name="crossing",
    kind="predict",
    asks="The T at which grouped attention costs as many operations as the feed-forward network.",
    answer=1408,
    mistakes={
        "that holds for 8 heads of keys and of values; with 2 their matrices are a quarter as "
        "large, and attention's four matrices cost 5TD².": 1024,
        "the matrix of the output is missing: attention has four, 2 + 2 + ½ + ½ times TD².": 1664,
        "only the matrices of keys and of values shrink: all 8 heads of queries ask, so scores and "
        "averages cost 2T²D each, as ever.": 5632,
        "the matrices of keys and of values both shrink: 2 + 2 + ½ + ½ times TD².": 1216,
        "the matrices of queries and of the output stay (D, D): 2TD² each.": 1792,
        "the matrix of the queries stays (D, D): all 8 heads ask.": 1600,
        "that counts the scores and leaves the averages out: 2T²D each.": 2816,
        "that is 4D, where scores and averages alone reach the feed-forward network: attention's "
        "four matrices count as well.": 2048,
        "2 of 8 heads is a quarter, not a half.": 1280,
        "keys and values have a matrix each, a quarter as large as that of the queries: ½ + ½ "
        "times TD².": 1472,
        "the matrices of keys and of values are missing: 2 + 2 + ½ + ½ times TD².": 1536,
        "scores and averages cost 2T²D each, 4T²D together, not 8T²D.": 704,
        "the feed-forward network has two matrices: 16TD².": 384,
        "that is 8D: scores and averages cost 2T²D each, and attention's four matrices count as "
        "well.": 4096,
        "at 1409 attention costs more already: where do the two cost the same?": 1409,
        "at 0 nothing costs anything. The feed-forward network has two matrices: 16TD².": 0,
        "that is D: there attention costs 9TD², and the feed-forward network 16TD².": 512,
        "that counts in units of D: T is a number of positions.": 2.75,
        "the number of features is not asked for, but the number of positions T.": (512, 2048),
    },
    hints=(
        "Attention's matrices: queries and output (512, 512), keys and values (512, 128).",
        "They cost (2 + 2 + ½ + ½) TD² = 5TD²; scores and averages 2T²D each.",
        "5TD² + 4T²D = 16TD². Divide by TD.",
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
