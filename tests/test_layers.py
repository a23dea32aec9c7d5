import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw, forward_and_gradients
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tantra import (
    FeedForward,
    LayerNorm,
    RMSNorm,
    SwiGLU,
    gelu,
    gelu_exact,
    layer_norm,
    rms_norm,
    silu,
)
from tantra.layers import linear


def with_parameters(module, *inputs):
    return forward_and_gradients(module, *inputs, wrt=list(module.parameters()))


# functions


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_layer_norm_is_torchs(dtype, generator, eps):
    x, gain, bias = (draw(generator, *shape, dtype=dtype) for shape in [(3, 4, 8), (8,), (8,)])
    agree(
        forward_and_gradients(lambda *a: layer_norm(*a, eps=eps), x, gain, bias),
        forward_and_gradients(lambda x, g, b: F.layer_norm(x, (8,), g, b, eps), x, gain, bias),
        1e-11 if dtype is torch.float64 else 3e-6,
    )
    agree(layer_norm(x), F.layer_norm(x, (8,)))
    agree(layer_norm(x, gain), F.layer_norm(x, (8,), gain))


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_rms_norm_is_torchs(dtype, generator, eps):
    x, gain = draw(generator, 3, 4, 8, dtype=dtype), draw(generator, 8, dtype=dtype)
    agree(
        forward_and_gradients(lambda *a: rms_norm(*a, eps=eps), x, gain),
        forward_and_gradients(lambda x, g: F.rms_norm(x, (8,), g, eps), x, gain),
    )
    agree(rms_norm(x), F.rms_norm(x, (8,), eps=1e-5))


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


@pytest.mark.parametrize("function", [layer_norm, rms_norm, gelu, gelu_exact, silu])
def test_numpy_is_torch_and_the_type_is_kept(function, rng):
    x = rng.standard_normal((3, 5))
    agree(function(x), function(torch.from_numpy(x)))
    for kind in (np.float16, np.float32):
        assert function(x.astype(kind)).dtype == kind
    for kind in (torch.bfloat16, torch.float32):
        assert function(torch.from_numpy(x).to(kind)).dtype == kind


def test_tanh_gelu_is_near_the_exact_one():
    x = np.linspace(-8, 8, 100_001)
    assert 0.0004 < abs(gelu(x) - gelu_exact(x)).max() < 0.0005


def test_silu_does_not_overflow(as_array):
    x = np.asarray(silu(as_array(np.array([-1e4, -700.0, 0.0, 1e4]))))
    np.testing.assert_allclose(x, [0, -700 * np.exp(-700), 0, 1e4], rtol=1e-12)


@given(st.floats(0.1, 1e6), st.floats(-1e3, 1e3))
def test_layer_norm_forgets_scale_and_shift(scale, shift):
    x = np.random.default_rng(0).standard_normal((3, 8))
    np.testing.assert_allclose(
        layer_norm(x * scale + shift, eps=0), layer_norm(x, eps=0), rtol=1e-6
    )
    np.testing.assert_allclose(rms_norm(x * scale, eps=0), rms_norm(x, eps=0), rtol=1e-9)


# modules


def test_layer_norm_module_is_torchs_by_copied_weights(dtype, generator):
    theirs = nn.LayerNorm(8).to(dtype)
    weights = {"gain": draw(generator, 8), "bias": draw(generator, 8)}
    theirs.load_state_dict({"weight": weights["gain"], "bias": weights["bias"]}, strict=True)
    ours = LayerNorm(8).to(dtype)
    ours.load_state_dict(weights, strict=True)
    x = draw(generator, 2, 5, 8, dtype=dtype)
    agree(with_parameters(ours, x), with_parameters(theirs, x))
    agree(ours(x), layer_norm(x, ours.gain, ours.bias))


def test_rms_norm_module_is_torchs_by_copied_weights(dtype, generator):
    gain = draw(generator, 8)
    theirs, ours = nn.RMSNorm(8, eps=1e-5).to(dtype), RMSNorm(8).to(dtype)
    theirs.load_state_dict({"weight": gain}, strict=True)
    ours.load_state_dict({"gain": gain}, strict=True)
    x = draw(generator, 2, 5, 8, dtype=dtype)
    agree(with_parameters(ours, x), with_parameters(theirs, x))
    agree(ours(x), rms_norm(x, ours.gain))


def test_norms_start_as_no_change_and_take_their_eps(generator):
    x = draw(generator, 2, 8, dtype=torch.float32)
    agree(LayerNorm(8, eps=0.5)(x), layer_norm(x, eps=0.5))
    agree(RMSNorm(8, eps=0.5)(x), rms_norm(x, eps=0.5))
    assert dict(LayerNorm(8, bias=False).named_parameters()).keys() == {"gain"}


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


@pytest.mark.parametrize("part", [LayerNorm(6), RMSNorm(6), FeedForward(6, 10), SwiGLU(6, 10)])
def test_a_wrong_width_is_named(part):
    with pytest.raises(
        ValueError, match=r"x has shape \(2, 5\), and this .* made for width 6: the"
    ):
        part(torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"x has shape \(\), and"):
        part(torch.tensor(0.0))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LayerNorm(0), "d_model is 0; it must be at least 1"),
        (lambda: RMSNorm(0), "d_model is 0; it must be at least 1"),
        (lambda: FeedForward(6, 0), "d_ff is 0; it must be at least 1"),
        (lambda: SwiGLU(0, 6), "d_model is 0; it must be at least 1"),
    ],
)
def test_sizes_are_counts(make, says):
    with pytest.raises(ValueError, match=says):
        make()


# first weights


def test_linear_draws_from_its_generator_only():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, other = (linear(4, 3, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.weight, other.weight)
    assert not torch.equal(one.weight, linear(4, 3).weight)


def test_linear_starts_as_torchs_does(generator):
    ours = linear(400, 300, generator=generator)
    theirs = nn.Linear(400, 300)
    for name in ("weight", "bias"):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert one.shape == other.shape
        assert one.std().item() == pytest.approx(other.std().item(), rel=0.15)
        assert one.abs().max().item() == pytest.approx(400**-0.5, rel=0.02)
    assert linear(4, 3, bias=False).bias is None


def test_linear_follows_the_device_asked_for():
    with torch.device("meta"):
        assert linear(4, 3).weight.is_meta
    assert not linear(4, 3).weight.is_meta
