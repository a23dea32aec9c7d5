import pytest
import torch
from agreement import draw
from torch.utils.flop_counter import FlopCounterMode

from tantra import AdamW
from tantra.training.muon import COEFFICIENTS, Muon, Optimizers, orthogonalise

SHAPES = [(3, 5), (5, 3), (4, 4), (1, 6), (2, 3, 5), (2, 5, 3)]


def by_svd(matrix, steps):
    """The same from the decomposition: the polynomial on the singular values alone."""
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    s = s / torch.linalg.vector_norm(s, dim=-1, keepdim=True)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return u @ torch.diag_embed(s) @ v


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("steps", [0, 1, 5])
def test_every_singular_value_goes_its_way_and_directions_stay(shape, steps, generator):
    matrix = draw(generator, *shape)
    torch.testing.assert_close(
        orthogonalise(matrix, steps), by_svd(matrix, steps), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("shape", [(16, 24), (24, 16), (3, 8, 16)])
def test_five_steps_bring_singular_values_near_one(shape, generator):
    s = torch.linalg.svdvals(orthogonalise(draw(generator, *shape)))
    assert s.min() > 0.68
    assert s.max() < 1.21


@pytest.mark.parametrize("shape", [(4, 9), (9, 4)])
def test_products_are_those_of_the_smaller_square(shape, generator):
    matrix = draw(generator, *shape)
    with FlopCounterMode(display=False) as counter:
        orthogonalise(matrix, 1)
    assert counter.get_total_flops() == 2 * (4 * 4 * 9 + 4 * 4 * 4 + 4 * 4 * 9)


def test_size_does_not_matter_and_nothing_stays_nothing(generator):
    matrix = draw(generator, 4, 6)
    torch.testing.assert_close(
        orthogonalise(1000 * matrix), orthogonalise(matrix), rtol=1e-5, atol=1e-6
    )
    assert not orthogonalise(torch.zeros(4, 6)).any()


def test_only_matrices_are_taken():
    with pytest.raises(ValueError, match=r"shape \(3,\); it needs rows and columns"):
        orthogonalise(torch.ones(3))
    with pytest.raises(ValueError, match=r"shape \(3,\), and Muon moves matrices"):
        Muon([torch.nn.Parameter(torch.ones(3))])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lr": -1.0}, "lr is -1.0"),
        ({"weight_decay": float("inf")}, "weight_decay is inf"),
        ({"rms": float("nan")}, "rms is nan"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"steps": 0}, "steps"),
    ],
)
def test_wrong_settings_are_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        Muon([torch.nn.Parameter(torch.ones(2, 3))], **wrong)


def pull(weights, generator):
    for weight in weights:
        weight.grad = draw(generator, *weight.shape, dtype=weight.dtype)


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
@pytest.mark.parametrize("momentum", [0.0, 0.95])
def test_steps_are_those_of_the_equation(weight_decay, momentum, generator):
    weights = [torch.nn.Parameter(draw(generator, *shape)) for shape in ((3, 5), (5, 3), (3, 5))]
    optimizer = Muon(weights, lr=0.1, momentum=momentum, weight_decay=weight_decay, rms=0.3)
    expected = [weight.detach().clone() for weight in weights]
    means = [torch.zeros_like(weight) for weight in weights]
    for _ in range(4):
        pull(weights, generator)
        optimizer.step()
        for i, weight in enumerate(weights):
            means[i] = momentum * means[i] + (1 - momentum) * weight.grad
            orthogonal = by_svd((1 - momentum) * weight.grad + momentum * means[i], 5)
            expected[i] = expected[i] * (1 - 0.1 * weight_decay) - 0.1 * 0.3 * 5**0.5 * orthogonal
    for weight, there in zip(weights, expected, strict=True):
        torch.testing.assert_close(weight.detach(), there, rtol=1e-4, atol=1e-5)


def test_torchs_own_is_as_close_as_bfloat16_allows(generator):
    ours = [torch.nn.Parameter(draw(generator, 24, 40, dtype=torch.float32)) for _ in range(2)]
    theirs = [torch.nn.Parameter(weight.detach().clone()) for weight in ours]
    mine = Muon(ours, lr=0.02, weight_decay=0.1)
    other = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(10):
        pull(ours, generator)
        for a, b in zip(ours, theirs, strict=True):
            b.grad = a.grad.clone()
        mine.step()
        other.step()
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() < 0.01
        assert (a - b).norm() < 0.02 * b.norm()


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_moves_by_a_float32_momentum(half, generator):
    gradients = [400 * draw(generator, 6, 4, dtype=torch.float32).to(half) for _ in range(6)]
    ours, exact = (torch.nn.Parameter(torch.zeros(6, 4, dtype=t)) for t in (half, torch.float32))
    mine, other = (Muon([weight], lr=0.02) for weight in (ours, exact))
    for step, gradient in enumerate(gradients):
        if step == 3:
            kept, mine = mine.state_dict(), Muon([ours], lr=0.02)
            mine.load_state_dict(kept)
        for weight, optimizer in ((ours, mine), (exact, other)):
            weight.grad = gradient.to(weight.dtype)
            optimizer.step()
    found, expected = (o.state[w]["momentum_buffer"] for o, w in ((mine, ours), (other, exact)))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(ours.float(), exact, rtol=0.02, atol=1e-3)


def test_a_weight_without_gradient_stays_and_the_closure_is_called(generator):
    still, moved = (torch.nn.Parameter(draw(generator, 2, 3)) for _ in range(2))
    before = still.detach().clone()
    optimizer = Muon([still, moved], lr=0.1)

    def closure():
        loss = moved.sum()
        loss.backward()
        return loss

    start = moved.sum().item()
    assert optimizer.step(closure).item() == start
    assert torch.equal(still.detach(), before)
    assert moved.sum().item() != start


def test_together_each_moves_its_own(generator):
    matrix, vector = torch.nn.Parameter(draw(generator, 2, 3)), torch.nn.Parameter(torch.ones(3))
    both = Optimizers(Muon([matrix]), AdamW([vector]))
    assert len(both.param_groups) == 2
    for group in both.param_groups:
        group["lr"] = 0.1
    before = matrix.detach().clone(), vector.detach().clone()
    (matrix.sum() + vector.sum()).backward()
    both.step()
    assert not torch.equal(matrix, before[0])
    torch.testing.assert_close(
        vector.detach(), before[1] * (1 - 0.1 * 0.01) - 0.1, rtol=1e-5, atol=0
    )
    both.zero_grad()
    assert matrix.grad is None
    assert vector.grad is None


def test_together_refuses_what_two_would_move():
    shared = torch.nn.Parameter(torch.ones(2, 3))
    with pytest.raises(ValueError, match="hold the same parameter"):
        Optimizers(Muon([shared]), AdamW([shared]))


def test_together_remembers_under_numbers_of_its_own(generator):
    def made():
        shapes = (2, 3), (3,), (2,)
        weights = [torch.nn.Parameter(draw(generator, *shape)) for shape in shapes]
        return weights, Optimizers(Muon(weights[:1]), AdamW([weights[1]]), AdamW([weights[2]]))

    weights, both = made()
    for weight in weights[:2]:  # the third has no gradient, so nothing is remembered of it
        weight.grad = draw(generator, *weight.shape)
    both.step()
    state = both.state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0], [1], [2]]
    assert sorted(state["state"]) == [0, 1]
    assert sorted(state["state"][0]) == ["momentum_buffer"]
    torch.testing.assert_close(state["state"][1]["exp_avg"], 0.1 * weights[1].grad)
    other = made()[1]
    other.load_state_dict(state)
    torch.testing.assert_close(other.state_dict(), state, rtol=0, atol=0)
    assert [len(one.state) for one in other.optimizers] == [1, 1, 0]
    with pytest.raises(ValueError, match="has 3 groups of parameters and these optimizers have 2"):
        Optimizers(*other.optimizers[:2]).load_state_dict(state)
