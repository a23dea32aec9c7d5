import math

import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw, forward_and_gradients

from tantra import feed_forward, kernels, positions, rotary_angles
from tantra.arrays import like


@pytest.fixture(params=[True, False], ids=["slow tanh", "quick tanh"])
def tanh(request, monkeypatch):
    """A processor on which torch's tanh is slow, and one on which it is not."""
    monkeypatch.setattr(kernels, "SLOW_TANH", request.param)
    return "slow" if request.param else "quick"


@pytest.mark.parametrize("shape", [(200,), (2, 3, 50), (0, 4)])
def test_gelu_is_the_one_by_hand(shape, dtype, generator, tanh):
    x = draw(generator, *shape, dtype=dtype) * 3
    if x.numel():
        agree(forward_and_gradients(kernels.gelu, x), forward_and_gradients(feed_forward.gelu, x))
    assert kernels.gelu(x).shape == x.shape


def test_few_numbers_and_a_quick_tanh_are_left_to_torch(generator, tanh):
    ours, torchs = "aten::sigmoid_", "aten::gelu"
    many, few = draw(generator, 2**16 + 1), draw(generator, 2**16)
    for x, kernel in ((many, ours), (few, torchs), (few.clone().requires_grad_(), ours)):
        kernel = kernel if tanh == "slow" else torchs
        with torch.profiler.profile() as watched:
            y = kernels.gelu(x)
        assert {event.key for event in watched.key_averages()} & {ours, torchs} == {kernel}
        agree(y, feed_forward.gelu(x))


def test_gelu_is_torchs(dtype, generator, tanh):
    x = draw(generator, 3, 70, dtype=dtype) * 3
    theirs = forward_and_gradients(lambda x: F.gelu(x, approximate="tanh"), x)
    agree(forward_and_gradients(kernels.gelu, x), theirs)


def test_the_gradient_of_gelu_is_its_slope(generator, tanh):
    x = draw(generator, 40).requires_grad_()
    assert torch.autograd.gradcheck(kernels.gelu, x)


def test_gelu_far_from_zero(dtype, tanh):
    x = torch.tensor([-math.inf, -1e4, -40.0, 40.0, 1e4, math.inf], dtype=dtype)
    x.requires_grad_()
    y = kernels.gelu(x)
    torch.testing.assert_close(y[1:].detach(), x[1:].detach().clamp(min=0))
    y[1:5].sum().backward()
    torch.testing.assert_close(x.grad[1:5], torch.tensor([0, 0, 1, 1], dtype=dtype))


def test_gelu_takes_what_is_not_contiguous(generator, tanh):
    x = draw(generator, 6, 7).mT
    agree(forward_and_gradients(kernels.gelu, x), forward_and_gradients(feed_forward.gelu, x))
    x.requires_grad_()
    weighing = torch.ones(()).double().expand(7, 6)
    (ours,) = torch.autograd.grad(kernels.gelu(x), x, weighing)
    (theirs,) = torch.autograd.grad(feed_forward.gelu(x), x, weighing)
    agree(ours, theirs)


def test_gelu_changes_no_input(generator, tanh):
    x = draw(generator, 9).requires_grad_()
    before = x.detach().clone()
    y = kernels.gelu(x)
    weighing = torch.ones_like(y)
    torch.autograd.grad(y, x, weighing)
    assert torch.equal(x, before)
    assert torch.equal(weighing, torch.ones_like(y))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_left_to_torch(kind, generator, tanh):
    x = draw(generator, 50, dtype=kind).requires_grad_()
    y = kernels.gelu(x)
    assert y.dtype == kind
    assert torch.equal(y, F.gelu(x, approximate="tanh"))


def test_a_second_gradient_is_refused_in_words(generator, monkeypatch):
    monkeypatch.setattr(kernels, "SLOW_TANH", True)
    x = draw(generator, 5).requires_grad_()
    with pytest.raises(NotImplementedError, match=r"no second .* take feed_forward\.gelu"):
        torch.autograd.grad(kernels.gelu(x).sum(), x, create_graph=True)


def test_a_compiler_sees_torchs_gelu(generator, tanh):
    seen = []

    def look(graph, inputs):
        seen.extend(node.target for node in graph.graph.nodes)
        return graph

    torch.compiler.reset()
    compiled = torch.compile(kernels.gelu, fullgraph=True, backend=look)
    x = draw(generator, 5).requires_grad_()
    agree(compiled(x), feed_forward.gelu(x))
    assert F.gelu in seen


def test_other_devices_are_left_to_torch(tanh):
    x = torch.empty(3, 4, device="meta", requires_grad=True)
    assert kernels.gelu(x).shape == (3, 4)
    assert kernels.gelu(x).grad_fn.name() == "GeluBackward0"
    assert kernels.gelu(torch.tensor(0.5)).shape == ()


@pytest.mark.parametrize("shape", [(3, 4), (2, 5, 6), (2, 3, 5, 8), (1, 2)])
def test_rotate_is_the_one_by_hand(shape, dtype, generator):
    x, angles = draw(generator, *shape, dtype=dtype), rotary_angles(*shape[-2:]) + 1
    ours = forward_and_gradients(lambda x: kernels.rotate(x, angles), x)
    agree(ours, forward_and_gradients(lambda x: positions.rotate(x, angles), x))
    agree(kernels.rotate(x, torch.from_numpy(angles)), positions.rotate(x, angles))


def test_rotate_takes_nothing():
    assert kernels.rotate(torch.zeros(0, 3, 4), rotary_angles(3, 4)).shape == (0, 3, 4)


def test_rotate_takes_heads_as_they_lie(generator):
    x = draw(generator, 2, 5, 24).requires_grad_()
    angles, weighing = rotary_angles(5, 8), draw(generator, 2, 3, 5, 8)
    for rotate in (kernels.rotate, positions.rotate):
        heads = x.reshape(2, 5, 3, 8).swapaxes(1, 2)
        x.grad = None
        (rotate(heads, angles) * weighing).sum().backward()
        if rotate is kernels.rotate:
            ours = x.grad.clone()
    agree(ours, x.grad)


def test_the_gradients_of_rotate_are_its_slopes(generator):
    x, angles = draw(generator, 3, 4).requires_grad_(), rotary_angles(3, 4)
    assert torch.autograd.gradcheck(lambda x: kernels.rotate(x, angles), x)
    assert torch.autograd.gradgradcheck(lambda x: kernels.rotate(x, angles), x)


def test_rotate_changes_no_input_and_refuses_what_does_not_fit(generator):
    x = draw(generator, 3, 4)
    before = x.clone()
    kernels.rotate(x, rotary_angles(3, 4))
    assert torch.equal(x, before)
    with pytest.raises(ValueError, match=r"x \(3, 4\) does not fit angles \(2, 2\)"):
        kernels.rotate(x, rotary_angles(2, 4))
    with pytest.raises(TypeError, match=r"angles are torch.bfloat16, too coarse"):
        kernels.rotate(x, torch.zeros(3, 2).bfloat16())


def test_the_tables_of_angles_are_made_once_and_anew_where_angles_change(generator, monkeypatch):
    x, angles, made = draw(generator, 2, 3, 4), torch.from_numpy(rotary_angles(3, 4)), []
    monkeypatch.setattr(kernels, "like", lambda *of: made.append(1) or like(*of))
    agree(kernels.rotate(x, angles), kernels.rotate(x, angles))
    assert len(made) == 2  # a cosine and a sine
    assert kernels.rotate(x.float(), angles).dtype == torch.float32
    angles *= 2
    agree(kernels.rotate(x, angles), positions.rotate(x, angles))
    assert len(made) == 6
    count = len(kernels.TABLES)
    del angles
    assert len(kernels.TABLES) < count


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_rotate_in_half_the_width(kind, generator):
    x = draw(generator, 4, 6).to(kind)
    y = kernels.rotate(x, rotary_angles(4, 6))
    assert y.dtype == kind
    torch.testing.assert_close(
        y.double(), positions.rotate(x.double(), rotary_angles(4, 6)), rtol=0.02, atol=0.02
    )


def test_rotate_on_meta():
    assert kernels.rotate(torch.zeros(2, 3, 4, device="meta"), rotary_angles(3, 4)).is_meta


def test_rotate_is_exact_far_away(generator):
    x, angles = draw(generator, 3, 4), rotary_angles(3, 4) + 1_000_000
    near = kernels.rotate(x.float(), angles).double()
    torch.testing.assert_close(near, positions.rotate(x, angles), rtol=1e-6, atol=1e-6)
