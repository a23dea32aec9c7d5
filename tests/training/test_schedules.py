import math

import numpy as np
import pytest
import torch

from tantra import (
    warmup_cosine,
    warmup_inverse_sqrt,
)


def rates(schedule, steps, **settings):
    return [schedule(step, **settings) for step in range(steps)]


def test_the_cosine_goes_up_in_a_line_and_down_to_the_floor():
    found = rates(warmup_cosine, 130, peak=3.0, warmup=10, total=110, floor=1.0)
    np.testing.assert_allclose(found[:10], 3.0 * np.arange(1, 11) / 10)
    assert max(found) == found[10] == 3.0
    assert (np.diff(found[10:110]) < 0).all()
    assert found[60] == pytest.approx(2.0)  # half way down
    assert found[109] > 1.0
    assert found[110:] == [1.0] * 20


def test_the_cosine_is_torchs():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=2.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40, eta_min=0.5)
    for step in range(41):
        ours = warmup_cosine(step, peak=2.0, warmup=0, total=40, floor=0.5)
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        theirs.step()


def test_the_schedule_of_2017():
    """Equation 3, with the step counted from 1 as it is there."""
    found = rates(warmup_inverse_sqrt, 9000, d_model=512, warmup=4000)
    n = np.arange(1, 9001)
    np.testing.assert_allclose(found, 512**-0.5 * np.minimum(n**-0.5, n * 4000**-1.5), rtol=1e-14)
    assert int(np.argmax(found)) == 3999
    assert max(found) == pytest.approx(0.00069877, rel=1e-5)
    np.testing.assert_allclose(found[4000 * 2 - 1], found[3999] / 2**0.5)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"step": -1}, "step is -1; it must be at least 0"),
        ({"step": 1.5}, "step is 1.5; it counts something"),
        ({"warmup": 30}, r"warmup \(30\) is longer than total \(20\)"),
        ({"peak": -1.0}, "peak -1.0, floor 0.0: want 0 <= floor <= peak"),
        ({"floor": 2.0}, "peak 1.0, floor 2.0"),
        ({"peak": math.inf}, "peak inf"),
        ({"total": 0, "warmup": 0}, "total is 0"),
    ],
)
def test_cosines_that_cannot_be(wrong, says):
    with pytest.raises((ValueError, TypeError), match=says):
        warmup_cosine(**{"step": 3, "peak": 1.0, "warmup": 5, "total": 20} | wrong)


def test_a_warm_up_may_be_nothing_or_all():
    assert warmup_cosine(0, peak=1.0, warmup=0, total=5) == 1.0
    assert warmup_cosine(4, peak=1.0, warmup=5, total=5) == 1.0
    assert warmup_cosine(5, peak=1.0, warmup=5, total=5) == 0.0
    with pytest.raises(ValueError, match="warmup is 0"):
        warmup_inverse_sqrt(3, d_model=8, warmup=0)
