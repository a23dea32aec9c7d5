import pytest
import torch
from torch import nn

from tantra.initial import linear


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
