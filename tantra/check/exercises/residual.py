"""The exercises of chapter 08, the residual stream."""

import math

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, gradients
from tantra.check.slips import given
from tantra.check.watch import peak_bytes

AXES_IN_FRONT = ((), (4,), (2, 4))


def _rounded(seed):
    """A function that draws rounded numbers, others at each call."""
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.standard_normal(shape).round(1)


def _with_parts(attempt, x, mix, w_attention, w_feed_forward, gains):
    """attempt(x, attention, feed_forward, norm_1, norm_2), the parts made from these numbers."""

    def attention(x):
        return mix @ x @ w_attention

    def feed_forward(x):
        return tantra.gelu(x @ w_feed_forward[0]) @ w_feed_forward[1]

    def norm_1(x):
        return tantra.layer_norm(x, gains[0])

    def norm_2(x):
        return tantra.layer_norm(x, gains[1])

    return attempt(x, attention, feed_forward, norm_1, norm_2)


def _parts(normal, batch, T, D, F):
    """x, and numbers for an attention, a feed-forward network and the gains of two norms."""
    up, down = normal(D, F), normal(F, D)
    return normal(*batch, T, D), normal(T, T), normal(D, D), (up, down), normal(2, D)


CASES = {
    "two positions": _parts(_rounded(0), (), 2, 3, 4),
    "a batch": _parts(_rounded(1), (3,), 2, 4, 5),
    "a silent attention": (
        array(2, 3),
        np.zeros((2, 2)),
        np.zeros((3, 3)),
        (array(3, 4, seed=1), array(4, 3, seed=2)),
        np.array([[1.0, 2.0, 0.5], [0.5, 1.0, -1.0]]),
    ),
    "two axes in front": _parts(_rounded(2), (2, 1), 3, 4, 2),
}


def _draw(rng):
    batch = ((), (2,), (2, 4))[rng.integers(3)]
    return _parts(lambda *shape: rng.standard_normal(shape), batch, 3, 5, 7)


def _pre(x, part, norm):
    return x + part(norm(x))


def _post(x, part, norm):
    return norm(x + part(x))


def _bare(x, part, norm):
    return x + part(x)


def _replacing(x, part, norm):
    return part(norm(x))


def _of_the_normalised(x, part, norm):
    return _bare(norm(x), part, norm)


def _beside(x, part, norm):
    return norm(x) + part(x)


def _outside(x, part, norm):
    return x + norm(part(x))


def _twice(x, part, norm):
    return norm(x + part(norm(x)))


def _in_place(x, part, norm):
    x += part(norm(x))
    return x


def _missing(x, part, norm):
    return x


def _block(first, second=None):
    """A block of two halves, each made of the stream, a part and its norm; as a rule alike."""
    return lambda x, attention, feed_forward, norm_1, norm_2: (second or first)(
        first(x, attention, norm_1), feed_forward, norm_2
    )


def _side_by_side(x, attention, feed_forward, norm_1, norm_2):
    return x + attention(norm_1(x)) + feed_forward(norm_2(x))


def _from_the_start(x, attention, feed_forward, norm_1, norm_2):
    return x + feed_forward(norm_2(x + attention(norm_1(x))))


PRE, POST = _block(_pre), _block(_post)

FORGOTTEN = "the additions are missing: each part replaces the stream instead of adding to it."
IN_PLACE = "+= changes the caller's array. Write x = x + ..., which makes a new one."
FIRST_REPLACES = "the first addition is missing: the attention's answer replaces the stream."
SECOND_REPLACES = "the second addition is missing: the network's answer replaces the stream."
BARE = "nothing is normalised: norm_1 and norm_2 must each be used once."
ONE_NORM = "both halves use norm_1; each has a norm with a gain of its own."
SWAPPED = "the norms are swapped: norm_1 belongs to the attention."
WRONG_ORDER = "look first, then think: the attention comes before the feed-forward network."

pre_norm_block = Exercise(
    name="pre_norm_block",
    kind="implement",
    asks="A block that adds to x what each part makes of the normalised x.",
    reference=PRE,
    library=tantra.Block,
    call=_with_parts,
    cases=CASES,
    draw=_draw,
    rtol=1e-9,
    atol=1e-11,
    mistakes={
        FORGOTTEN: _block(_replacing),
        BARE: _block(_bare),
        "the attention reads the bare x; it should read norm_1(x).": _block(_bare, _pre),
        "the first addition starts from norm_1(x): only the attention should read that.": (
            _block(_of_the_normalised, _pre)
        ),
        "the norms stand on x and not inside the calls: attention(norm_1(x)) is added to the bare "
        "x, and so in the second half.": _block(_beside),
        "the norms are used twice each, on what the parts read and on the sums: here the sums stay "
        "as they are.": _block(_twice),
        "the first half is post-norm: norm_1 belongs inside the call of attention.": _block(
            _post, _pre
        ),
        "the second half is post-norm: norm_2 belongs inside the call of feed_forward.": (
            _block(_pre, _post)
        ),
        "you add to the normalised x: the stream itself must pass by the norm untouched.": (
            _block(_of_the_normalised)
        ),
        IN_PLACE: _block(_in_place),
        "the first += changes the caller's array. Write x = x + ... there.": _block(
            _in_place, _pre
        ),
        FIRST_REPLACES: _block(_replacing, _pre),
        SECOND_REPLACES: _block(_pre, _replacing),
        "the feed-forward network reads the bare x; it should read norm_2(x).": (
            _block(_pre, _bare)
        ),
        "the second addition starts from norm_2(x): only the network should read that.": (
            _block(_pre, _of_the_normalised)
        ),
        "one norm too many: the stream leaves a pre-norm block as the additions left it.": (
            _block(_pre, _twice)
        ),
        "that is the first half; the feed-forward network comes next.": _block(_pre, _missing),
        "the norms stand after the additions: that is post-norm.": POST,
        "the feed-forward network reads the old x; it should read what the attention left.": (
            _side_by_side
        ),
        "x is counted twice: what the attention left has it already.": (
            lambda x, attention, feed_forward, norm_1, norm_2: (
                x + PRE(x, attention, feed_forward, norm_1, norm_2)
            )
        ),
        "the feed-forward network reads norm_1(x) again; it should read norm_2 of what the "
        "attention left.": lambda x, attention, feed_forward, norm_1, norm_2: (
            x + attention(norm_1(x)) + feed_forward(norm_1(x))
        ),
        "your feed-forward network goes first, with norm_2: the attention should, with norm_1, and "
        "the network reads what it left.": given(PRE, 0, 2, 1, 4, 3),
        "the network reads what the attention added; it should read the stream, with x in it.": (
            lambda x, attention, feed_forward, norm_1, norm_2: (
                x + attention(norm_1(x)) + feed_forward(norm_2(attention(norm_1(x))))
            )
        ),
        "what the attention added is lost: the second addition starts from the first x.": (
            _from_the_start
        ),
        "the norms stand on what the parts return; they belong on what the parts read.": _block(
            _outside
        ),
        ONE_NORM: given(PRE, 0, 1, 2, 3, 3),
        SWAPPED: given(PRE, 0, 1, 2, 4, 3),
        WRONG_ORDER: given(PRE, 0, 2, 1, 3, 4),
    },
    hints=(
        "Two lines of the same form, one for each part.",
        "A part reads norm(x), and its answer is added to x, not to norm(x).",
        "The first line is x = x + attention(norm_1(x)).",
    ),
)


def _with_parts_and_alpha(attempt, x, mix, w_attention, w_feed_forward, gains, alpha):
    """attempt(x, attention, feed_forward, norm_1, norm_2, alpha)."""
    return _with_parts(
        lambda *parts: attempt(*parts, alpha), x, mix, w_attention, w_feed_forward, gains
    )


WEIGHED_CASES = {
    name: (*case, alpha)
    for (name, case), alpha in zip(CASES.items(), (2.0, 1.5, 3.0, 2.5), strict=True)
}


def _deep(first, second=None):
    """A block of two halves, each made of the stream, a part, its norm and alpha."""
    return lambda x, attention, feed_forward, norm_1, norm_2, alpha: (second or first)(
        first(x, attention, norm_1, alpha), feed_forward, norm_2, alpha
    )


def _ending(last):
    """A block that ends in norm_2(last(x, first sum, what norm_1 made of it, network, alpha))."""

    def block(x, attention, feed_forward, norm_1, norm_2, alpha):
        total = alpha * x + attention(x)
        return norm_2(last(x, total, norm_1(total), feed_forward, alpha))

    return block


def _weighed(x, part, norm, alpha):
    return norm(alpha * x + part(x))


def _unweighed(x, part, norm, alpha):
    return norm(x + part(x))


def _weighed_pre(x, part, norm, alpha):
    return alpha * x + part(norm(x))


def _weighed_bare(x, part, norm, alpha):
    return alpha * x + part(x)


def _weighed_outside(x, part, norm, alpha):
    return alpha * x + norm(part(x))


def _weighed_in_place(x, part, norm, alpha):
    added = part(x)
    x *= alpha
    x += added
    return norm(x)


def _alone(x, part, norm, alpha):
    return norm(part(x))


post_norm_block = Exercise(
    name="post_norm_block",
    kind="implement",
    asks="A post-norm block that weighs x: each half is norm(alpha x + part(x)).",
    reference=_deep(_weighed),
    call=_with_parts_and_alpha,
    cases=WEIGHED_CASES,
    draw=lambda rng: (*_draw(rng), rng.uniform(1.5, 3)),
    rtol=1e-9,
    atol=1e-11,
    mistakes={
        "alpha stands nowhere: it multiplies x in both sums.": _deep(_unweighed),
        "alpha is missing in the second sum: it multiplies what norm_1 made as well.": (
            _deep(_weighed, _unweighed)
        ),
        "alpha is missing in the first sum: it multiplies the first x as well.": (
            _deep(_unweighed, _weighed)
        ),
        "alpha multiplies what the parts return; it belongs on x.": _deep(
            lambda x, part, norm, alpha: norm(x + alpha * part(x))
        ),
        "alpha multiplies the whole sum, and the norm takes that away again: alpha x + part(x).": (
            _deep(lambda x, part, norm, alpha: norm(alpha * (x + part(x))))
        ),
        "alpha stands on what the norm returns: it multiplies x inside the sum.": _deep(
            lambda x, part, norm, alpha: alpha * norm(x + part(x))
        ),
        "the parts read alpha x: they read x as it is, and only the sum has alpha x.": _deep(
            lambda x, part, norm, alpha: norm(alpha * x + part(alpha * x))
        ),
        "the norms stand on x alone, before the additions: each stands on the sum, "
        "norm_1(alpha * x + attention(x)).": _deep(
            lambda x, part, norm, alpha: norm(alpha * x) + part(x)
        ),
        "the parts read the normalised x and are added to it: here they read x, and the sum is "
        "normalised.": _deep(
            lambda x, part, norm, alpha: alpha * norm(x) + part(norm(x)),
        ),
        "the norms are used twice each, on what the parts read and on the sums: here the parts "
        "read x as it is.": _deep(lambda x, part, norm, alpha: norm(alpha * x + part(norm(x)))),
        "the second half is pre-norm: norm_2 stands on its sum, not inside the call.": (
            _deep(_weighed, _weighed_pre)
        ),
        "the first half is pre-norm: norm_1 stands on its sum, not inside the call.": (
            _deep(_weighed_pre, _weighed)
        ),
        "that is the first half; the feed-forward network comes next.": (
            _deep(_weighed, lambda x, part, norm, alpha: x)
        ),
        "that is pre-norm: here a part reads x itself, and the norm stands after the sum.": (
            _deep(_weighed_pre)
        ),
        BARE: _deep(_weighed_bare),
        "the sum is missing: normalise alpha * x + attention(x), not attention(x) alone.": (
            _deep(_alone)
        ),
        SECOND_REPLACES: _deep(_weighed, _alone),
        "the first sum is not normalised: norm_1 stands before the feed-forward network.": (
            _deep(_weighed_bare, _weighed)
        ),
        "the second half is not normalised: its sum goes through norm_2.": (
            _deep(_weighed, _weighed_bare)
        ),
        "you normalise what a part returns and add it then; add first, normalise the sum.": (
            _deep(_weighed_outside)
        ),
        "in the first half you normalise what the attention returns: add first, then norm_1.": (
            _deep(_weighed_outside, _weighed)
        ),
        "in the second half you normalise what the network returns: add first, then norm_2.": (
            _deep(_weighed, _weighed_outside)
        ),
        "+= and *= change the caller's array. Write alpha * x + ..., which makes a new one.": (
            _deep(_weighed_in_place, _weighed)
        ),
        "the feed-forward network reads the old x; it should read what norm_1 made.": _ending(
            lambda x, total, y, feed_forward, alpha: alpha * y + feed_forward(x)
        ),
        "the network reads the sum before norm_1: it should read what norm_1 made.": _ending(
            lambda x, total, y, feed_forward, alpha: alpha * y + feed_forward(total)
        ),
        "the second half starts from the first x: it should read, and add to, what norm_1 made.": (
            _ending(lambda x, total, y, feed_forward, alpha: alpha * x + feed_forward(y))
        ),
        "the second addition starts from the sum before norm_1: it adds to what norm_1 made, which "
        "the network reads.": _ending(
            lambda x, total, y, feed_forward, alpha: alpha * total + feed_forward(y)
        ),
        "the first x is added once more in the second half: what norm_1 made has it already.": (
            _ending(lambda x, total, y, feed_forward, alpha: x + alpha * y + feed_forward(y))
        ),
        "both norms stand at the end; norm_1 belongs right after the first addition.": (
            lambda x, attention, feed_forward, norm_1, norm_2, alpha: norm_2(
                norm_1(_deep(_weighed_bare)(x, attention, feed_forward, norm_1, norm_2, alpha))
            )
        ),
        ONE_NORM: given(_deep(_weighed), 0, 1, 2, 3, 3, 5),
        SWAPPED: given(_deep(_weighed), 0, 1, 2, 4, 3, 5),
        WRONG_ORDER: given(_deep(_weighed), 0, 2, 1, 3, 4, 5),
        "your feed-forward network goes first, with norm_2: the attention should, with norm_1, and "
        "the network reads what that made.": given(_deep(_weighed), 0, 2, 1, 4, 3, 5),
    },
    hints=(
        "With alpha = 1 it is the formula of Vaswani et al. 2017: LayerNorm(x + Sublayer(x)).",
        "The result of the first half is the x of the second, which alpha multiplies as well.",
        "The first line is x = norm_1(alpha * x + attention(x)).",
    ),
)


def _residual_reference(x, w_up, w_down, g):
    def branch(x):
        return x + torch.tanh(x @ x.new_tensor(w_up)) @ x.new_tensor(w_down)

    return gradients(branch, g, x)[0]


def _branch(x, w_up, w_down, g, slope=lambda z: 1 - np.tanh(z) ** 2):
    """The gradient that comes back through the branch."""
    return ((g @ w_down.T) * slope(x @ w_up)) @ w_up.T


def _with_slope(slope):
    return lambda x, w_up, w_down, g: g + _branch(x, w_up, w_down, g, slope)


def _slope_of_the_answer(x, w_up, w_down, g):
    """The slope taken behind w_down, as where one matrix stands inside the tanh."""
    answer = np.tanh(x @ w_up) @ w_down
    return g + (g * (1 - answer**2)) @ w_down.T @ w_up.T


def _by_jacobian(x, w_up, w_down, g):
    slope = 1 - np.tanh(x @ w_up) ** 2
    jacobian = np.eye(x.shape[-1]) + (w_up * slope[..., None, :]) @ w_down
    return (jacobian @ g[..., None])[..., 0]


def _builds_a_jacobian(attempt):
    """Whether one vector of width D takes as much memory as a matrix (D, D)."""
    rng, D = np.random.default_rng(0), 200
    args = tuple(rng.standard_normal(shape) for shape in ((D,), (D, 2), (2, D), (D,)))
    return peak_bytes(lambda: attempt(*args)) >= 8 * D * D


def _draw_residual_backward(rng):
    x = rng.standard_normal((*AXES_IN_FRONT[rng.integers(3)], 5))
    return x, rng.standard_normal((5, 3)), rng.standard_normal((3, 5)), rng.standard_normal(x.shape)


A_JACOBIAN = (
    "a Jacobian of y by x is built, a matrix (D, D) for each vector: send g back instead, first "
    "through w_down, then through tanh, then through w_up."
)

residual_backward = Exercise(
    name="residual_backward",
    kind="derive",
    asks="The gradient by x, from the gradient g by y = x + tanh(x w_up) w_down.",
    reference=_residual_reference,
    cases={
        "one vector": (
            np.array([0.5, -1.0]),
            array(2, 3),
            array(3, 2, seed=1),
            np.array([1.0, 0.0]),
        ),
        "two rows": (
            array(2, 3),
            array(3, 4, seed=1),
            array(4, 3, seed=2),
            array(2, 3, seed=3),
        ),
        "a silent branch": (array(2, 3), array(3, 4, seed=1), np.zeros((4, 3)), array(2, 3)),
        "two axes in front": (
            array(2, 1, 3),
            array(3, 4, seed=1),
            array(4, 3, seed=2),
            array(2, 1, 3, seed=3),
        ),
    },
    draw=_draw_residual_backward,
    rules={A_JACOBIAN: _builds_a_jacobian},
    rtol=1e-9,
    atol=1e-11,
    mistakes={
        "that is the branch alone: the addition also hands g straight back.": _branch,
        "that is the straight way alone: x also acts through the branch.": (
            lambda x, w_up, w_down, g: g + 0 * x
        ),
        "the two ways add up; you multiply them.": (
            lambda x, w_up, w_down, g: g * _branch(x, w_up, w_down, g)
        ),
        "what goes straight on is the gradient g; x itself is no gradient.": (
            lambda x, w_up, w_down, g: x + _branch(x, w_up, w_down, g)
        ),
        "tanh is taken twice: with h = tanh(x w_up), the derivative is 1 - h².": (
            _with_slope(lambda z: 1 - np.tanh(np.tanh(z)) ** 2)
        ),
        "the derivative of tanh stands behind w_down; it belongs between the two matrices, at "
        "tanh(x w_up).": _slope_of_the_answer,
        "the derivative of tanh is taken at x w_up w_down; tanh stands before w_down, at x w_up.": (
            lambda x, w_up, w_down, g: (
                g + (g * (1 - np.tanh(x @ w_up @ w_down) ** 2)) @ w_down.T @ w_up.T
            )
        ),
        "g goes forwards through the matrices, w_up first; back it goes through w_down.T first, "
        "then through w_up.T.": (
            lambda x, w_up, w_down, g: g + ((g @ w_up) * (1 - np.tanh(x @ w_up) ** 2)) @ w_down
        ),
        "the derivative is 1 - h² with h = tanh(x w_up); your h is x w_up without the tanh.": (
            _with_slope(lambda z: 1 - z**2)
        ),
        "the 1 is missing: the derivative of tanh is 1 - tanh².": (
            _with_slope(lambda z: np.tanh(z) ** 2)
        ),
        "that is the derivative of a sigmoid, h (1 - h); the one of tanh is 1 - h².": (
            _with_slope(lambda z: np.tanh(z) * (1 - np.tanh(z)))
        ),
        A_JACOBIAN: _by_jacobian,
        "g must go back through w_down before it meets the derivative of tanh.": (
            lambda x, w_up, w_down, g: g + (1 - np.tanh(x @ w_up) ** 2) @ w_up.T
        ),
        "I is the identity matrix, which hands g back; you add the number 1.": (
            lambda x, w_up, w_down, g: 1 + _branch(x, w_up, w_down, g)
        ),
        "the nonlinearity is missing: the derivative of tanh is 1 - tanh².": (
            _with_slope(lambda z: 1)
        ),
        "you multiply by tanh; its derivative is 1 - tanh².": (_with_slope(np.tanh)),
        "the derivative of tanh is 1 - tanh², with a minus.": (
            _with_slope(lambda z: 1 + np.tanh(z) ** 2)
        ),
        "two slips at once: the addition also hands g straight back; and 1 - tanh is not yet the "
        "derivative, square the tanh.": (
            lambda *args: _branch(*args, slope=lambda z: 1 - np.tanh(z))
        ),
        "that is the layer itself, with g in place of x: a gradient goes back, through w_down.T "
        "first, and meets the derivative of tanh.": (
            lambda x, w_up, w_down, g: g + np.tanh(g @ w_up) @ w_down
        ),
        "the derivative is taken behind w_down, and no matrix is passed: back through w_down, then "
        "tanh, then w_up.": (
            lambda x, w_up, w_down, g: g + g * (1 - (np.tanh(x @ w_up) @ w_down) ** 2)
        ),
        "g is in the branch already: add g to what comes back through it, and multiply nothing.": (
            lambda x, w_up, w_down, g: g * (1 + _branch(x, w_up, w_down, g))
        ),
        "g is missing from the branch: g @ w_down.T, where yours has the sums of w_down's rows.": (
            lambda x, w_up, w_down, g: g + _branch(x, w_up, w_down, np.ones_like(g))
        ),
        "(1 - h)² is not 1 - h²: square the tanh, and take that from 1.": (
            _with_slope(lambda z: (1 - np.tanh(z)) ** 2)
        ),
        "1 - tanh is not yet the derivative: square the tanh.": (
            _with_slope(lambda z: 1 - np.tanh(z))
        ),
        "the branch is subtracted, or its derivative is tanh² - 1: the two ways are added, and the "
        "derivative is 1 - tanh².": (lambda x, w_up, w_down, g: g - _branch(x, w_up, w_down, g)),
        "the derivative of tanh is taken at x; it stands where tanh is, at x w_up.": (
            lambda x, w_up, w_down, g: g + ((g @ w_down.T) @ w_up.T) * (1 - np.tanh(x) ** 2)
        ),
    },
    hints=(
        "y is a sum of two terms in which x stands. Each sends a gradient back; add them.",
        "The first term is x itself: its gradient is g. The second: go back through w_down, then "
        "tanh, then w_up.",
        "Back through a matrix: g @ w.T. Back through tanh: times 1 - tanh².",
        "h = np.tanh(x @ w_up); g + ((g @ w_down.T) * (1 - h**2)) @ w_up.T",
    ),
)


def _given_leaking(x, attention, feed_forward, norm_1, norm_2):
    x += attention(norm_1(x))
    x = norm_2(x)
    return x + feed_forward(x)


leaking_block = Exercise(
    name="leaking_block",
    kind="hunt",
    asks="A pre-norm block: the stream passes every norm by, and the caller keeps their x.",
    reference=PRE,
    given=_given_leaking,
    library=tantra.Block,
    call=_with_parts,
    cases=CASES,
    draw=_draw,
    rtol=1e-9,
    atol=1e-11,
    mistakes={
        "the caller's x is safe now. What does the second addition start from?": (
            _block(_pre, _of_the_normalised)
        ),
        "the stream is whole now. But what does += do to the x of the caller?": _block(_in_place),
        "the stream is whole now. But the first += still writes into the x of the caller.": (
            _block(_in_place, _pre)
        ),
        "now the first half starts from the normalised x as well: the other way round.": (
            _block(_of_the_normalised)
        ),
        "the norm of the second half was dropped; it belongs inside the call of feed_forward.": (
            _block(_pre, _bare)
        ),
        "the first addition is lost: the second must start from what the first left.": (
            _from_the_start
        ),
        "the norm of the first half was dropped; it was right inside the call of attention.": (
            _block(_bare, _pre)
        ),
        "norm_2 stands on what the network returns; it belongs on what the network reads.": (
            _block(_pre, _outside)
        ),
        "the second addition starts from norm_2(x), and the network reads the bare x: the other "
        "way round.": _block(_pre, _beside),
        "both additions are gone: each part's answer replaces the stream.": _block(_replacing),
        "norm_2 stands on the sum now; only the network should read norm_2(x).": (
            _block(_pre, _post)
        ),
        FIRST_REPLACES: _block(_replacing, _pre),
        "that is post-norm, a block too, but this one was to be pre-norm.": POST,
        "both halves now use norm_1; norm_2 was right.": given(PRE, 0, 1, 2, 3, 3),
        "the second addition is gone: the network's answer replaces the stream.": (
            _block(_pre, _replacing)
        ),
        "the network now reads the old x; it should read what the attention left.": _side_by_side,
    },
    hints=(
        "There are two slips, one in each half. Print x before and after a call.",
        "x += y on an array writes into it; x = x + y makes a new one.",
        "After x = norm_2(x) the old stream is gone. Let only the network see the normalised x.",
    ),
)

stream_spread = Prediction(
    name="stream_spread",
    kind="predict",
    asks="The standard deviation of the stream after 12 blocks, unscaled and scaled.",
    answer=(5.0, math.sqrt(2)),
    rtol=5e-3,
    mistakes={
        "standard deviations do not add up; variances do, where the terms are independent.": (
            25.0,
            1 + math.sqrt(24),
        ),
        "those are the variances; the standard deviation is the root.": (25.0, 2.0),
        "the second is the variance still; take its root too.": (5.0, 2.0),
        "the first is the variance still; take its root too.": (25.0, math.sqrt(2)),
        "those are variances, and x_0, which has variance 1 as well, is left out.": (24.0, 1.0),
        "the second leaves out x_0, which has variance 1 as well.": (5.0, 1.0),
        "the order is reversed: first without the factor.": (math.sqrt(2), 5.0),
        "a block adds twice, so 12 blocks make 24 additions.": (math.sqrt(13), math.sqrt(1.5)),
        "x_0 is part of the stream: it has variance 1 as well.": (math.sqrt(24), 1.0),
        "1.02 is the whole stream times 1/√24, or has variances divided by 24²: each addition is "
        "scaled, x_0 is not, and a factor of 1/√24 divides a variance by 24.": (
            5.0,
            math.sqrt(1 + 1 / 24),
        ),
        "the second is the standard deviation of x_0 plus that of one scaled addition: there are "
        "24 additions, and variances add up, not standard deviations.": (
            5.0,
            1 + 1 / math.sqrt(24),
        ),
        "an addition does not double the stream: variances add up, 1 for x_0 and 1 for each.": (
            2.0**12,
            1.0,
        ),
        "a factor of 1/√24 divides a variance by 24; you divide by √24.": (
            5.0,
            math.sqrt(1 + math.sqrt(24)),
        ),
        "the second is right. In the first a block adds twice, so 12 blocks make 24 additions.": (
            math.sqrt(13),
            math.sqrt(2),
        ),
        "the second is right. In the first x_0, which has variance 1 as well, is left out.": (
            math.sqrt(24),
            math.sqrt(2),
        ),
        "12 additions of scale 1/√24 would be half of it: every block adds twice.": (
            5.0,
            math.sqrt(1.5),
        ),
    },
    hints=(
        "Variances of independent terms add up. How many terms are there, with x_0?",
        "Scaled by 1/√24, a term of variance 1 has the variance 1/24.",
    ),
)

paths_left = Prediction(
    name="paths_left",
    kind="ablate",
    asks="How many paths are left with three of ten branches silenced, and with three removed "
    "from a stack without additions.",
    answer=(128, 0),
    mistakes={
        "that is before anything is silenced.": (1024, 0),
        "the number doubles with every branch; it does not grow by one.": (7, 0),
        "every silenced branch halves the number of paths; it does not take away one.": (1021, 0),
        "that is one branch silenced: each of the three halves the number.": (512, 0),
        "that is two branches silenced: each of the three halves the number.": (256, 0),
        "lost are all paths through at least one of the three, not only 2³.": (1016, 0),
        "the stack without additions multiplies ten factors, and three of them are 0.": (128, 1024),
        "those are the paths that are lost.": (896, 0),
        "the number doubles with every branch; it does not grow by two.": (14, 0),
        "with additions the stream passes by a silenced branch: not every path is cut.": (0, 0),
        "the way past every branch is a path too.": (127, 0),
        "a silenced branch answers 0: without an addition nothing comes through.": (128, 1),
        "without additions there is one path through all ten layers, and it is cut.": (128, 128),
        "those are the paths through the three branches; count those through the other seven.": (
            (8, 0)
        ),
        "the order is reversed: first the stack with additions.": (0, 128),
    },
    hints=(
        "With f(x) = x a branch doubles the stream: x + f(x) = 2 x. With f(x) = 0 it leaves it.",
        "Start from x = 1 and go through ten layers, three of them silenced. What comes out?",
    ),
)

EXERCISES = [
    pre_norm_block,
    post_norm_block,
    residual_backward,
    leaking_block,
    stream_spread,
    paths_left,
]
