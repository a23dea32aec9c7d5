import copy
import itertools

import pytest
import torch
from agreement import draw

from tantra import AdamW, optimizers

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}
SETTINGS = {
    "as given": {},
    "large steps": {"lr": 0.1, "weight_decay": 0.5},
    "no decay": {"lr": 0.01, "weight_decay": 0.0},
    "other means": {"lr": 0.01, "betas": (0.5, 0.7), "eps": 1e-3},
    "no means": {"lr": 0.01, "betas": (0.0, 0.0)},
    "no steps": {"lr": 0.0, "weight_decay": 0.3},
}


def weights(generator, dtype):
    return [torch.nn.Parameter(draw(generator, *s, dtype=dtype)) for s in ((3, 4), (5,), (), (0,))]


def pull(parameters, seed):
    """Gradients that differ from step to step and are sometimes 0, large, tiny or missing."""
    generator = torch.Generator().manual_seed(seed)
    for n, weight in enumerate(parameters):
        size = (1.0, 0.0, 1e6, 1e-9)[(seed + n) % 4]
        gradient = size * draw(generator, *weight.shape, dtype=weight.dtype)
        weight.grad = None if seed % 7 == n else gradient


def furthest(ours, theirs):
    return max((x - y).abs().max().item() for x, y in zip(ours, theirs, strict=True) if x.numel())


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "by kernel"])
def test_a_hundred_steps_are_torchs(setting, by_hand, dtype, generator):
    ours = weights(generator, dtype)
    theirs = copy.deepcopy(ours)
    mine = AdamW(ours, **SETTINGS[setting])
    mine.by_hand = by_hand
    other = torch.optim.AdamW(theirs, **SETTINGS[setting])
    for seed in range(100):
        pull(ours, seed)
        pull(theirs, seed)
        mine.step()
        other.step()
        assert furthest(ours, theirs) <= TOLERANCE[dtype], seed


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "by kernel"])
def test_the_way_that_is_asked_for_is_taken(by_hand, generator, monkeypatch):
    other = "_update_together" if by_hand else "_update"
    monkeypatch.setattr(optimizers, other, None)
    optimizer = AdamW(weights(generator, torch.float64))
    assert not optimizer.by_hand
    optimizer.by_hand = by_hand
    pull(optimizer.param_groups[0]["params"], 1)
    optimizer.step()


def test_the_signature_is_torchs():
    ours, theirs = (kind([torch.zeros(1)]).defaults for kind in (AdamW, torch.optim.AdamW))
    assert {k: theirs[k] for k in ours} == {**ours, "weight_decay": 0.01}
    assert ours["betas"] == (0.9, 0.999)


def test_the_first_step_is_lr_against_the_gradients_sign():
    weight = torch.nn.Parameter(torch.tensor([1.0, 1.0, 1.0], dtype=torch.float64))
    optimizer = AdamW([weight], lr=0.1, eps=1e-12, weight_decay=0.0)
    weight.grad = torch.tensor([1e-3, -1e3, 0.0], dtype=torch.float64)
    optimizer.step()
    torch.testing.assert_close(weight.data, torch.tensor([0.9, 1.1, 1.0], dtype=torch.float64))


def test_decay_does_not_pass_through_the_gradient():
    weight = torch.nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = AdamW([weight], lr=0.1, weight_decay=0.5)
    for _ in range(3):
        weight.grad = torch.zeros(1, dtype=torch.float64)
        optimizer.step()
    assert weight.item() == pytest.approx(2.0 * 0.95**3, rel=1e-14)


def test_groups_have_settings_of_their_own(generator):
    ours = weights(generator, torch.float64)
    theirs = copy.deepcopy(ours)
    optimizers = [
        kind([{"params": w[:1], "weight_decay": 0.3}, {"params": w[1:], "lr": 0.05}], lr=0.01)
        for kind, w in ((AdamW, ours), (torch.optim.AdamW, theirs))
    ]
    for seed in range(10):
        for optimizer, parameters in zip(optimizers, (ours, theirs), strict=True):
            optimizer.param_groups[1]["lr"] = 0.05 / (seed + 1)  # as a schedule does
            pull(parameters, seed)
            optimizer.step()
    assert furthest(ours, theirs) <= 1e-12


@pytest.mark.parametrize("kinds", list(itertools.product([AdamW, torch.optim.AdamW], repeat=2)))
def test_either_takes_up_where_the_other_stopped(kinds, generator):
    whole = weights(generator, torch.float64)
    parted = copy.deepcopy(whole)
    before, after = kinds
    straight, first = torch.optim.AdamW(whole), before(parted)
    for seed in range(20):
        if seed == 10:
            kept, first = first.state_dict(), after(parted)
            first.load_state_dict(copy.deepcopy(kept))
        for optimizer, parameters in ((straight, whole), (first, parted)):
            pull(parameters, seed)
            optimizer.step()
    assert furthest(whole, parted) <= 1e-12


def test_it_is_an_optimizer_of_torchs(generator):
    (weight, *_) = weights(generator, torch.float64)
    optimizer = AdamW([weight], lr=0.1)
    assert isinstance(optimizer, torch.optim.Optimizer)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (step + 1))

    def closure():
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    losses = []
    for _ in range(30):
        losses.append(optimizer.step(closure).item())
        schedule.step()
    assert losses[-1] < losses[0]
    assert not weight.grad.isnan().any()
    assert weight.requires_grad
    assert weight.is_leaf
    assert "AdamW" in repr(copy.deepcopy(optimizer))


def trained(kind, by_hand, half):
    """Weights in half precision, moved by gradients whose squares it could not hold."""
    weight = torch.nn.Parameter(torch.linspace(-2, 2, 9).to(half))
    optimizer = kind([weight], lr=0.05)
    optimizer.by_hand = by_hand
    for step in range(20):
        if step == 10:
            kept, optimizer = copy.deepcopy(optimizer.state_dict()), kind([weight], lr=0.05)
            optimizer.by_hand = by_hand
            optimizer.load_state_dict(kept)
        size = (1e-4, 500.0, 1.0)[step % 3]
        weight.grad = (size * torch.linspace(-1, 3, 9) * (-1) ** step).to(half)
        optimizer.step()
    return weight.detach(), optimizer.state[weight]


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "by kernel"])
@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_steps_in_float32(by_hand, half):
    """As float32 would, but that each step is rounded once: also after it was taken up again."""
    found, state = trained(AdamW, by_hand, half)
    assert found.dtype == half
    assert {state[name].dtype for name in ("exp_avg", "exp_avg_sq")} == {torch.float32}

    exact = torch.nn.Parameter(torch.linspace(-2, 2, 9).to(half).float())
    optimizer = torch.optim.AdamW([exact], lr=0.05)
    for step in range(20):
        size = (1e-4, 500.0, 1.0)[step % 3]
        exact.grad = (size * torch.linspace(-1, 3, 9) * (-1) ** step).to(half).float()
        optimizer.step()
        exact.data = exact.data.to(half).float()
    torch.testing.assert_close(found, exact.detach().to(half), rtol=1e-2, atol=1e-4)
    kept = optimizer.state[exact]
    torch.testing.assert_close(state["exp_avg_sq"], kept["exp_avg_sq"], rtol=1e-6, atol=0)


def test_gradients_are_left_as_they_were(generator):
    parameters = weights(generator, torch.float64)
    pull(parameters, 1)
    before = copy.deepcopy([p.grad for p in parameters])
    AdamW(parameters).step()
    for weight, gradient in zip(parameters, before, strict=True):
        assert weight.grad is gradient is None or torch.equal(weight.grad, gradient)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"lr": -1.0}, "lr is -1.0; it must be 0 or more, and finite"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr": float("inf")}, "lr is inf"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"eps": 0.0}, "eps is 0.0; it keeps √v off 0"),
        ({"betas": (0.9, 1.0)}, r"betas are \(0.9, 1.0\); give two numbers from 0 to below 1"),
        ({"betas": (-0.1, 0.9)}, "betas are"),
        ({"betas": (0.9,)}, "betas are"),
    ],
)
def test_settings_that_cannot_be_used(wrong, says):
    with pytest.raises(ValueError, match=says):
        AdamW([torch.zeros(1)], **wrong)
