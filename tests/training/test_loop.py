import functools
import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw
from torch import nn

from tantra import (
    GPT,
    AdamW,
    CharTokenizer,
    GPTConfig,
    batches,
    clip_gradients,
    course_text,
    cross_entropy,
    evaluate,
    train,
    warmup_cosine,
)


def with_gradients(*gradients):
    weights = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.clone()
    return weights


# clipping


@pytest.mark.parametrize("most", [1e-3, 1.0, 1e3])
def test_clipping_is_torchs(most, dtype, generator):
    gradients = [draw(generator, *shape, dtype=dtype) for shape in ((3, 4), (5,), ())]
    ours, theirs = with_gradients(*gradients), with_gradients(*gradients)
    norm = clip_gradients(ours, most)
    expected = nn.utils.clip_grad_norm_(theirs, most)
    assert norm == pytest.approx(expected.item(), rel=1e-6)
    for mine, other in zip(ours, theirs, strict=True):
        # torch divides by the norm + 1e-6, so as never to divide by 0
        exact = other.grad * ((norm + 1e-6) / norm if norm > most else 1.0)
        agree(mine.grad, exact, 1e-6 if dtype is torch.float32 else 1e-12)
    if norm > most:
        after = torch.cat([w.grad.flatten() for w in ours]).norm().item()
        assert after == pytest.approx(most, rel=1e-6)


def test_small_gradients_are_left_alone(generator):
    gradients = [draw(generator, 3, 4), draw(generator, 5)]
    norm = torch.cat([g.flatten() for g in gradients]).norm().item()
    for most in (norm * (1 + 1e-12), 2 * norm, math.inf):
        weights = with_gradients(*gradients)
        clip_gradients(weights, most)
        for weight, gradient in zip(weights, gradients, strict=True):
            assert torch.equal(weight.grad, gradient)
    weights = with_gradients(torch.zeros(3))
    assert clip_gradients(weights, 1.0) == 0.0
    assert torch.equal(weights[0].grad, torch.zeros(3))


def test_clipping_keeps_the_direction_and_passes_over_what_has_no_gradient(generator):
    weights = [*with_gradients(gradient := draw(generator, 6)), nn.Parameter(torch.zeros(2))]
    clip_gradients(iter(weights), 0.1)  # as model.parameters() comes: to be read once
    agree(weights[0].grad / weights[0].grad.norm(), gradient / gradient.norm())
    assert weights[1].grad is None


@pytest.mark.parametrize("bad", [torch.inf, -torch.inf, torch.nan])
def test_gradients_that_are_not_finite_are_named_and_kept(bad):
    weights = with_gradients(torch.tensor([1.0, bad]), torch.tensor([500.0]))
    with pytest.raises(ValueError, match=r"norm of the gradients is (inf|nan): one of them is not"):
        clip_gradients(weights, 1.0)
    assert weights[1].grad.item() == 500.0


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_the_norm_of_half_precision_is_taken_in_float32(half):
    weights = with_gradients(torch.full((3,), 300.0).to(half), torch.tensor([4.0]))
    exact = math.sqrt(3 * weights[0].grad[0].item() ** 2 + 16)
    assert clip_gradients(weights, 1.0) == pytest.approx(exact, rel=1e-6)
    assert weights[0].grad.dtype == half
    assert weights[0].grad[0].item() == pytest.approx(300 / exact, rel=1e-2)


def test_nothing_to_clip():
    with pytest.raises(ValueError, match=r"no parameter has a gradient; call loss.backward\(\) fi"):
        clip_gradients(nn.Linear(2, 3).parameters(), 1.0)
    for most in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"most is {most}"):
            clip_gradients(with_gradients(torch.ones(1)), most)


class Guess(nn.Module):
    """The same logits for every token: what the loop needs to know of a model."""

    def __init__(self, vocab_size=5):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(vocab_size, dtype=torch.float64))

    def forward(self, tokens):
        return self.logits.expand(*tokens.shape, -1)


def gpt(generator, **kwargs):
    sizes = {"vocab_size": 11, "context_length": 12, "d_model": 16, "num_layers": 2, "num_heads": 2}
    return GPT(GPTConfig(**sizes | kwargs), generator=generator)


ONE = torch.tensor([[0, 1, 1]]), torch.tensor([[1, 1, 3]])


# the loop


def test_train_is_the_loop_one_would_write(generator):
    ours, theirs = Guess(), Guess()
    supply = [(torch.randint(5, (2, 3)), torch.randint(5, (2, 3))) for _ in range(6)]
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.5)
    expected = []
    for step, (inputs, targets) in enumerate(supply):
        optimizer.param_groups[0]["lr"] = 0.5 / (step + 1)
        loss = F.cross_entropy(theirs(inputs).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.2)
        optimizer.step()
        expected.append(loss.item())
    steps = train(
        ours,
        supply,
        torch.optim.SGD(ours.parameters(), lr=9.0),
        steps=6,
        schedule=lambda step: 0.5 / (step + 1),
        clip=0.2,
    )
    found = list(steps)
    assert [step for step, _ in found] == [*range(6)]
    np.testing.assert_allclose([loss for _, loss in found], expected, rtol=1e-5)
    torch.testing.assert_close(ours.logits, theirs.logits, rtol=1e-5, atol=1e-6)


def test_nothing_happens_until_a_step_is_asked_for():
    model = Guess()
    steps = train(model, [ONE] * 3, AdamW(model.parameters()), steps=3)
    assert (model.logits == 0).all()
    next(steps)
    after_one = model.logits.clone()
    assert (after_one != 0).any()
    next(steps)
    assert not torch.equal(model.logits, after_one)


def test_no_more_batches_are_drawn_than_steps_taken():
    model, supply = Guess(), itertools.repeat(ONE, 5)
    assert len(list(train(model, supply, AdamW(model.parameters()), steps=3))) == 3
    assert len(list(supply)) == 2


def test_steps_may_start_late_and_may_be_none():
    model = Guess()
    optimizer = AdamW(model.parameters())
    seen = []
    found = train(
        model,
        itertools.repeat(ONE),
        optimizer,
        steps=7,
        start=4,
        schedule=lambda step: seen.append(step) or 0.1,
    )
    assert [step for step, _ in found] == seen == [4, 5, 6]
    assert list(train(model, [], optimizer, steps=0)) == []
    assert list(train(model, [], optimizer, steps=4, start=4)) == []


def test_a_model_learns_the_text_of_the_course(generator):
    text = course_text()
    tokenizer = CharTokenizer(text)
    model = gpt(generator, vocab_size=tokenizer.vocab_size, context_length=16, d_model=32)
    supply = batches(tokenizer.encode(text), 16, 16, generator=generator)
    rate = functools.partial(warmup_cosine, peak=1e-2, warmup=10, total=120)
    losses = [
        loss
        for _, loss in train(model, supply, AdamW(model.parameters()), steps=120, schedule=rate)
    ]
    assert losses[0] == pytest.approx(math.log(tokenizer.vocab_size), abs=0.1)
    assert losses[-1] < 3.4
    assert evaluate(model, supply, steps=5) == pytest.approx(losses[-1], abs=0.3)


def test_another_loss_may_go_down(generator):
    model = gpt(generator)
    inputs = torch.randint(11, (2, 6), generator=generator)
    targets = torch.randint(11, (2, 6), generator=generator)
    targets[:, :3] = -100
    loss = functools.partial(cross_entropy, ignore=-100)
    (_, first), *_ = train(
        model, itertools.repeat((inputs, targets)), AdamW(model.parameters()), steps=2, loss=loss
    )
    assert first == pytest.approx(math.log(11), abs=0.3)


def test_gradients_are_clipped_unless_told_not_to():
    for clip, largest in ((1e-3, 1e-3), (None, 0.5)):
        model = Guess()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        list(train(model, [ONE], optimizer, steps=1, clip=clip))
        assert model.logits.norm().item() == pytest.approx(largest, rel=0.3)


def test_of_a_model_only_what_the_optimizer_holds_is_clipped_and_moves(generator):
    """As if all else were frozen, whose gradients would pile up from step to step."""

    def run(freeze):
        model = gpt(torch.Generator().manual_seed(0))
        part = list(model.blocks[1].feed_forward.parameters())
        for weight in model.parameters() if freeze else ():
            weight.requires_grad_(any(weight is other for other in part))
        optimizer = torch.optim.SGD(part, lr=0.5)
        steps = train(model, itertools.repeat(ONE), optimizer, steps=6, clip=0.1)
        return [loss for _, loss in steps], model

    whole, model = run(False)
    frozen, other = run(True)
    np.testing.assert_allclose(whole, frozen, rtol=1e-6)
    for one, same in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, same, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("supply", [[ONE] * 2, iter([ONE] * 2), (x for x in [ONE] * 2)])
def test_batches_that_end_early(supply):
    model = Guess()
    steps = train(model, supply, AdamW(model.parameters()), steps=4)
    assert [next(steps)[0], next(steps)[0]] == [0, 1]
    before = model.logits.clone()
    with pytest.raises(ValueError, match=r"batches ended before step 2 of 4; give one for each st"):
        next(steps)
    assert torch.equal(model.logits, before)
    with pytest.raises(ValueError, match="batches ended before step 1 of 3"):
        evaluate(model, [ONE], steps=3)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_named_with_its_step(bad):
    model = Guess()

    def loss(logits, targets):
        return cross_entropy(logits, targets) * (bad if (model.logits != 0).any() else 1.0)

    steps = train(model, itertools.repeat(ONE), AdamW(model.parameters()), steps=4, loss=loss)
    next(steps)
    before = model.logits.clone()
    with pytest.raises(ValueError, match=f"the loss at step 1 is {bad}; the weights are still th"):
        next(steps)
    assert torch.equal(model.logits, before)
    assert model.logits.grad is not None


def test_what_train_is_given_is_checked_before_any_step():
    model, other = Guess(), Guess()
    with pytest.raises(ValueError, match="the optimizer holds none of the model's parameters"):
        train(model, [ONE], AdamW(other.parameters()), steps=1)
    optimizer = AdamW(model.parameters())
    with pytest.raises(ValueError, match="steps is -1"):
        train(model, [ONE], optimizer, steps=-1)
    with pytest.raises(TypeError, match=r"start is 0\.5"):
        train(model, [ONE], optimizer, steps=1, start=0.5)
    with pytest.raises(ValueError, match="clip is 0"):
        train(model, [ONE], optimizer, steps=1, clip=0)
    with pytest.raises(TypeError):
        train(model, None, optimizer, steps=1)
    with pytest.raises(TypeError, match=r"optimizer is None; give one, such as AdamW\(model.para"):
        train(model, [ONE], None, steps=1)


def test_training_mode_is_set_at_every_step():
    model = Guess()
    steps = train(model, [ONE] * 3, AdamW(model.parameters()), steps=3)
    for _ in steps:
        assert model.training
        model.eval()  # as a notebook does to look at a sample


def test_evaluating_changes_nothing(generator):
    def loss(logits, targets):
        assert not logits.requires_grad
        return cross_entropy(logits, targets)

    model = gpt(generator)
    supply = batches(torch.randint(11, (90,), generator=generator), 3, 8, generator=generator)
    kept = list(itertools.islice(supply, 4))
    for training in (True, False):
        model.train(training)
        found = evaluate(model, kept, steps=4, loss=loss)
        assert model.training is training
    assert all(weight.grad is None for weight in model.parameters())
    with torch.no_grad():
        expected = np.mean([cross_entropy(model(x), y).item() for x, y in kept])
    assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match="steps is 0"):
        evaluate(model, kept, steps=0)


def test_the_mean_of_batches_is_that_of_their_targets(generator):
    """However they are batched: each target that is not ignored counts once."""
    model, loss = gpt(generator), functools.partial(cross_entropy, ignore=-100)
    inputs = torch.randint(11, (4, 6), generator=generator)
    targets = torch.randint(11, (4, 6), generator=generator)
    targets[0, 1:], targets[1], targets[3, :2] = -100, -100, -100
    whole = evaluate(model, [(inputs, targets)], steps=1, loss=loss)
    rows = list(zip(inputs.split(1), targets.split(1), strict=True))  # one has no target at all
    assert evaluate(model, rows, steps=4, loss=loss) == pytest.approx(whole, rel=1e-6)
    uneven = [(inputs[:1], targets[2:3]), (inputs[1:], targets[1:].clamp(min=0))]
    each = [cross_entropy(model(x), y).item() for x, y in uneven]
    assert evaluate(model, uneven, steps=2) == pytest.approx((each[0] + 3 * each[1]) / 4)
    with pytest.raises(ValueError, match="no target of the 2 batches counts; give at least one"):
        evaluate(model, [rows[1]] * 2, steps=2, loss=loss)
    with pytest.raises(ValueError, match="no target is left to learn from"):
        list(train(model, [rows[1]], AdamW(model.parameters()), steps=1, loss=loss))


IGNORING = functools.partial(cross_entropy, ignore=-100)


def large_batches(generator, ignored):
    """Batches of six rows, and each in three unequal parts, one of which may count no target."""
    whole = [torch.randint(11, (2, 6, 5), generator=generator) for _ in range(4)]
    for _, targets in whole if ignored else ():
        targets[0], targets[1:4, 2:], targets[5, 0] = -100, -100, -100
    rows = slice(0, 1), slice(1, 4), slice(4, 6)
    return whole, [(x[part], y[part]) for x, y in whole for part in rows]


@pytest.mark.parametrize("clip", [None, 0.1, 100.0])
@pytest.mark.parametrize("ignored", [False, True])
def test_small_batches_add_up_to_the_large_one(ignored, clip, generator):
    whole, parts = large_batches(generator, ignored)
    start, found = gpt(generator).double().state_dict(), []
    for supply, accumulate in ((whole, 1), (parts, 3)):
        model = gpt(generator).double()
        model.load_state_dict(start)
        optimizer = torch.optim.SGD(model.parameters(), lr=9.0, momentum=0.9)
        settings = {"steps": 4, "clip": clip, "loss": IGNORING if ignored else cross_entropy}
        settings |= {"schedule": lambda step: 0.3 / (step + 1), "accumulate": accumulate}
        steps = list(train(model, supply, optimizer, **settings))
        found.append((steps, [(p.detach(), p.grad) for p in model.parameters()]))
    (expected, theirs), (steps, ours) = found
    assert [step for step, _ in steps] == [0, 1, 2, 3]
    np.testing.assert_allclose(steps, expected, rtol=1e-12)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(theirs[0][0], start["token_embedding.weight"], atol=1e-3)


def test_a_step_holds_one_batch_at_a_time_and_draws_as_many_as_told(generator):
    model, held = Guess(), []

    def loss(logits, targets):
        held.append(model.logits.grad is None)
        return cross_entropy(logits, targets)

    supply = itertools.repeat(ONE, 9)
    steps = train(model, supply, AdamW(model.parameters()), steps=2, loss=loss, accumulate=3)
    next(steps)
    assert held == [True, False, False]  # gradients of a batch are there before the next one
    assert len(list(itertools.islice(supply, 4))) == 4
    before = model.logits.clone()
    with pytest.raises(
        ValueError, match=r"ended before step 1 of 2; give 3 for each step, or an e"
    ):
        next(steps)
    assert torch.equal(model.logits, before)


def test_what_cannot_be_accumulated(generator):
    model = Guess()
    optimizer = AdamW(model.parameters())
    for number, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match=f"accumulate is {number}"):
            train(model, [ONE], optimizer, steps=1, accumulate=number)
    nothing = ONE[0], torch.full((1, 3), -100)
    with pytest.raises(ValueError, match="no target is left to learn from"):
        list(train(model, [nothing] * 2, optimizer, steps=1, loss=IGNORING, accumulate=2))
    bad = iter([1.0, math.nan])
    loss = lambda logits, targets: cross_entropy(logits, targets) * next(bad)  # noqa: E731
    with pytest.raises(ValueError, match="the loss at step 0 is nan; the weights are still those"):
        list(train(model, [ONE] * 2, optimizer, steps=1, loss=loss, accumulate=2))
    assert (model.logits == 0).all()


@pytest.fixture
def made_for_bfloat16(monkeypatch):
    """A processor that is, whichever runs the test."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)


def curve(precision, **parts):
    """The losses of one training on the text of the course, from one seed."""
    generator, text = torch.Generator().manual_seed(0), course_text()
    tokenizer = CharTokenizer(text)
    model = gpt(generator, vocab_size=tokenizer.vocab_size, context_length=16, d_model=32, **parts)
    supply = batches(tokenizer.encode(text), 8, 16, generator=generator)
    optimizer = AdamW(model.parameters(), lr=0.003)
    steps = train(model, supply, optimizer, steps=60, precision=precision)
    return [loss for _, loss in steps], model


@pytest.mark.parametrize("parts", [{}, {"positions": "rotary", "norm": "rms"}], ids=str)
def test_half_the_width_gives_nearly_the_same_losses(parts, made_for_bfloat16):
    whole, _ = curve("float32", **parts)
    half, model = curve("bfloat16", **parts)
    assert whole[-1] < 0.9 * whole[0]
    assert whole != half
    np.testing.assert_allclose(half, whole, rtol=0.02)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_half_the_width_sums_the_loss_in_whole_numbers(made_for_bfloat16):
    seen = []

    def loss(logits, targets):
        seen.append((logits.dtype, torch.is_autocast_enabled("cpu")))
        return cross_entropy(logits, targets)

    model = gpt(torch.Generator().manual_seed(0))
    optimizer = AdamW(model.parameters())
    list(train(model, [ONE], optimizer, steps=1, loss=loss, precision="bfloat16"))
    assert seen == [(torch.float32, False)]


def test_precisions_that_cannot_be():
    model = Guess()
    optimizer = AdamW(model.parameters())
    with pytest.raises(ValueError, match=r"precision is 'fp8', which nobody knows; .* 'float32'"):
        train(model, [ONE], optimizer, steps=1, precision="fp8")
    with pytest.raises(ValueError, match=r"weights in torch.float64; .* by model.float\(\)"):
        train(model, [ONE], optimizer, steps=1, precision="bfloat16")


def test_no_global_seed_is_touched(generator):
    model = gpt(generator)
    supply = batches(torch.randint(11, (90,), generator=generator), 3, 8, generator=generator)
    state = torch.get_rng_state()
    list(train(model, supply, AdamW(model.parameters()), steps=2))
    assert torch.equal(torch.get_rng_state(), state)
