import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw, forward_and_gradients
from hypothesis import given
from hypothesis import strategies as st

from tantra import cross_entropy
from tantra.training.loss import by_hand


def both(logits, targets, **options):
    """Loss and gradient, ours and torch's."""
    theirs = {"ignore_index": options.get("ignore", -100)}
    theirs["label_smoothing"] = options.get("smoothing", 0.0)
    pairs = []
    for loss in (
        lambda x: cross_entropy(x, targets, **options),
        lambda x: F.cross_entropy(x.flatten(0, -2), targets.flatten(), **theirs),
    ):
        x = logits.clone().requires_grad_()
        value = loss(x)
        pairs.append((value.detach(), torch.autograd.grad(value, x)[0]))
    return pairs


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    vocab_size=st.integers(1, 9),
    ignore=st.sampled_from([None, -100, 0, 3]),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
    seed=st.integers(0, 2**31),
)
def test_cross_entropy_is_torchs(shape, vocab_size, ignore, smoothing, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 5 * draw(generator, *shape, vocab_size)
    targets = torch.randint(vocab_size, shape, generator=generator)
    if ignore is not None:
        targets[torch.rand(shape, generator=generator) < 0.3] = ignore
        if (targets == ignore).all():
            return
    ours, theirs = both(logits, targets, smoothing=smoothing, **_given(ignore))
    agree(ours[0], theirs[0])
    torch.testing.assert_close(ours[1], theirs[1], rtol=1e-12, atol=1e-15)


def _given(ignore):
    return {} if ignore is None else {"ignore": ignore}


def test_torchs_kernel_returns_what_the_loss_by_hand_does(dtype, generator):
    logits = 3 * draw(generator, 6, 9, dtype=dtype)
    targets = torch.tensor([0, 3, 8, 8, 1, 2])
    ours = forward_and_gradients(lambda x: cross_entropy(x, targets), logits)
    agree(ours, forward_and_gradients(lambda x: by_hand(x, targets), logits))


def test_cross_entropy_in_float32(generator):
    logits = draw(generator, 4, 6, 50, dtype=torch.float32)
    targets = torch.randint(50, (4, 6), generator=generator)
    ours, theirs = both(logits, targets, smoothing=0.1)
    agree(ours[0], theirs[0])
    agree(ours[1], theirs[1])


def test_half_precision_is_rounded_once(generator):
    for _ in range(20):
        logits = 5 * draw(generator, 30, 9, dtype=torch.float16)
        targets = torch.randint(9, (30,), generator=generator)
        expected = cross_entropy(logits.float(), targets).half()
        assert torch.equal(cross_entropy(logits, targets), expected)


def test_cross_entropy_of_arrays_is_that_of_tensors(rng):
    logits, targets = rng.standard_normal((3, 4, 7)), rng.integers(0, 7, (3, 4))
    targets[0, 1] = -1
    for options in ({"ignore": -1}, {"ignore": -1, "smoothing": 0.2}):
        ours = cross_entropy(logits, targets, **options)
        theirs = cross_entropy(torch.tensor(logits), torch.tensor(targets), **options)
        assert float(ours) == pytest.approx(float(theirs), rel=1e-14)


def test_the_gradient_is_the_guess_minus_the_truth(generator):
    logits, targets = draw(generator, 5, 7), torch.tensor([0, 6, 2, 2, 5])
    (_, gradient), _ = both(logits, targets)
    agree(gradient, (logits.softmax(-1) - F.one_hot(targets, 7)) / 5)


def test_a_fair_guess_costs_the_logarithm_of_the_choices():
    assert float(cross_entropy(np.zeros((3, 8)), np.arange(3))) == pytest.approx(math.log(8))


def test_huge_logits_and_closed_ones_stay_finite():
    logits = torch.tensor([[1000.0, 0.0, -1000.0], [0.0, 5.0, -torch.inf]], dtype=torch.float64)
    for targets in ([0, 1], [2, 0]):
        ours, theirs = both(logits, torch.tensor(targets))
        agree(ours[0], theirs[0])
        agree(ours[1], theirs[1])


def test_what_cannot_happen_and_does_costs_inf():
    logits = torch.tensor([[0.0, 5.0, -torch.inf]], dtype=torch.float64)
    for options, target in (({}, 2), ({"smoothing": 0.1}, 0)):
        (value, gradient), (theirs, expected) = both(logits, torch.tensor([target]), **options)
        assert value == theirs == torch.inf
        agree(gradient, expected)


def test_a_smoothed_target_of_zero_costs_nothing():
    """The other way to write the loss, the sum of -q log p, gives 0 * -inf = nan here."""
    logits = torch.tensor([[0.0, 2.0, -torch.inf]], dtype=torch.float64)
    by_sum = -(F.one_hot(torch.tensor([1]), 3) * logits.log_softmax(-1)).sum()
    assert by_sum.isnan()
    assert cross_entropy(logits, torch.tensor([1])).isfinite()


def test_ignored_places_have_no_say_whatever_they_hold():
    logits = torch.tensor([[0.0, 2.0], [torch.nan, torch.inf]], dtype=torch.float64)
    logits.requires_grad_()
    value = cross_entropy(logits, torch.tensor([1, -7]), ignore=-7)
    value.backward()
    assert value.item() == pytest.approx(math.log1p(math.exp(-2)))
    assert torch.equal(logits.grad[1], torch.zeros(2, dtype=torch.float64))


@pytest.mark.parametrize(
    ("logits", "targets", "options", "error", "says"),
    [
        ((2, 3, 5), [[0, 1]], {}, ValueError, r"targets \(1, 2\) do not fit logits \(2, 3, 5\)"),
        ((2, 5), [0, 5], {}, ValueError, "target 5 is outside the vocabulary: use 0 to 4, and ig"),
        ((2, 5), [0, -100], {}, ValueError, "target -100 is outside"),
        ((2, 5), [0, -1], {"ignore": -100}, ValueError, "target -1 is outside"),
        ((2, 5), [3, 3], {"ignore": 3}, ValueError, r"no target is left .* \(ignored: 3\)"),
        ((0, 5), [], {}, ValueError, "no target is left"),
        ((2, 5), [0.0, 1.0], {}, TypeError, "targets are float32; give tokens"),
        ((2, 5), [True, False], {}, TypeError, "targets are bool"),
        ((2, 5), [0, 1], {"smoothing": 1.0}, ValueError, "smoothing is 1.0; it is a fraction"),
        ((2, 5), [0, 1], {"smoothing": -0.1}, ValueError, "smoothing is -0.1"),
    ],
)
def test_targets_that_do_not_fit(logits, targets, options, error, says):
    targets = torch.tensor(targets) if targets else torch.zeros(0, dtype=torch.int64)
    with pytest.raises(error, match=says):
        cross_entropy(torch.zeros(logits), targets, **options)


def test_cross_entropy_on_meta_and_while_compiling():
    meta = cross_entropy(torch.zeros(2, 3, 5, device="meta"), torch.zeros(2, 3).long().to("meta"))
    assert meta.shape == ()
    compiled = torch.compile(cross_entropy, backend="eager", fullgraph=True)
    logits, targets = torch.randn(4, 5, dtype=torch.float64), torch.tensor([0, 1, 4, 2])
    agree(compiled(logits, targets), cross_entropy(logits, targets))
