import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import (
    agree,
    draw,
    forward_and_gradients,
    names_a_wrong_width,
    same_on_both,
    with_parameters,
)
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tantra import (
    LayerNorm,
    RMSNorm,
    layer_norm,
    rms_norm,
)


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


@given(st.floats(0.1, 1e6), st.floats(-1e3, 1e3))
def test_layer_norm_forgets_scale_and_shift(scale, shift):
    x = np.random.default_rng(0).standard_normal((3, 8))
    np.testing.assert_allclose(
        layer_norm(x * scale + shift, eps=0), layer_norm(x, eps=0), rtol=1e-6
    )
    np.testing.assert_allclose(rms_norm(x * scale, eps=0), rms_norm(x, eps=0), rtol=1e-9)


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


@pytest.mark.parametrize("function", [layer_norm, rms_norm])
def test_numpy_is_torch_and_the_type_is_kept(function, rng):
    same_on_both(function, rng.standard_normal((3, 5)))


@pytest.mark.parametrize("part", [LayerNorm(6), RMSNorm(6)])
def test_a_wrong_width_is_named(part):
    names_a_wrong_width(part, width=6)


@pytest.mark.parametrize("part", [LayerNorm, RMSNorm])
def test_sizes_are_counts(part):
    with pytest.raises(ValueError, match="d_model is 0; it must be at least 1"):
        part(0)
