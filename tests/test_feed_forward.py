import numpy as np
import pytest
import torch.nn.functional as F
from agreement import (
    agree,
    draw,
    forward_and_gradients,
    names_a_wrong_width,
    same_on_both,
    with_parameters,
)
from torch import nn

from tantra import (
    FeedForward,
    SwiGLU,
    gelu,
    gelu_exact,
    silu,
)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (gelu, lambda x: F.gelu(x, approximate="tanh")),
        (gelu_exact, F.gelu),
        (silu, F.silu),
    ],
    ids=["gelu", "gelu_exact", "silu"],
)
def test_activations_are_torchs(ours, theirs, dtype, generator):
    x = draw(generator, 200, dtype=dtype) * 3
    agree(forward_and_gradients(ours, x), forward_and_gradients(theirs, x))


@pytest.mark.parametrize("function", [gelu, gelu_exact, silu])
def test_numpy_is_torch_and_the_type_is_kept(function, rng):
    same_on_both(function, rng.standard_normal((3, 5)))


def test_tanh_gelu_is_near_the_exact_one():
    x = np.linspace(-8, 8, 100_001)
    assert 0.0004 < abs(gelu(x) - gelu_exact(x)).max() < 0.0005


def test_silu_does_not_overflow(as_array):
    x = np.asarray(silu(as_array(np.array([-1e4, -700.0, 0.0, 1e4]))))
    np.testing.assert_allclose(x, [0, -700 * np.exp(-700), 0, 1e4], rtol=1e-12)


def test_feed_forward_is_torchs_by_copied_weights(dtype, generator):
    theirs = nn.Sequential(nn.Linear(6, 10), nn.GELU(approximate="tanh"), nn.Linear(10, 6)).to(
        dtype
    )
    ours = FeedForward(6, 10).to(dtype)
    names = {"0": "up", "2": "down"}
    weights = {f"{names[k[0]]}{k[1:]}": v for k, v in theirs.state_dict().items()}
    ours.load_state_dict(weights, strict=True)
    x = draw(generator, 2, 5, 6, dtype=dtype)
    agree(with_parameters(ours, x), with_parameters(theirs, x))
    agree(ours(x), ours.down(gelu(ours.up(x))))


@pytest.mark.parametrize("bias", [True, False])
def test_swiglu_is_equation_6(dtype, generator, bias):
    ours = SwiGLU(6, 10, bias).to(dtype)
    gate, up, down = ours.gate, ours.up, ours.down
    x = draw(generator, 2, 5, 6, dtype=dtype)

    def theirs(x):
        opened = F.silu(F.linear(x, gate.weight, gate.bias))
        return F.linear(opened * F.linear(x, up.weight, up.bias), down.weight, down.bias)

    agree(with_parameters(ours, x), forward_and_gradients(theirs, x, wrt=list(ours.parameters())))
    agree(ours(x), down(silu(gate(x)) * up(x)))
    assert (gate.bias is not None) == bias


@pytest.mark.parametrize("part", [FeedForward, SwiGLU])
def test_each_position_is_worked_on_alone(part, generator):
    feed_forward = part(6, 10, generator=generator).double()
    x = draw(generator, 2, 5, 6)
    agree(feed_forward(x)[:, 3], feed_forward(x[:, 3]))


@pytest.mark.parametrize("part", [FeedForward(6, 10), SwiGLU(6, 10)])
def test_a_wrong_width_is_named(part):
    names_a_wrong_width(part, width=6)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: FeedForward(6, 0), "d_ff is 0; it must be at least 1"),
        (lambda: SwiGLU(0, 6), "d_model is 0; it must be at least 1"),
    ],
)
def test_sizes_are_counts(make, says):
    with pytest.raises(ValueError, match=says):
        make()
