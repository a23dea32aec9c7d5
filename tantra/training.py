"""Training: guess the next token, measure the surprise, take a small step against its growth."""

import math

import torch

from tantra import processes
from tantra.arrays import (
    as_int64,
    check_count,
    in_floats,
    is_half,
    is_whole,
    namespace,
    one_of,
    readable,
)
from tantra.attention import log_softmax


@in_floats("logits")
def cross_entropy(logits, targets, ignore=None, smoothing=0.0):
    """The mean surprise at the true tokens, -log p(target), in nats.

    logits (..., T, V)   targets (..., T)  ->  ()

    Targets equal to ignore do not count.  smoothing spreads that share of each target evenly over
    all V tokens; a logit of -inf, which costs nothing where its target is 0, then costs inf.
    Raises TypeError or ValueError where targets are not tokens that the logits score.
    Source: Szegedy et al. 2015, section 7 (smoothing).

    >>> fair = torch.zeros(2, 8)  # log 8 for every one of eight equal chances
    >>> cross_entropy(fair, torch.tensor([3, 5]))
    tensor(2.0794)
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is {smoothing}; it is a share: from 0 to below 1")
    if tuple(targets.shape) != tuple(logits.shape[:-1]):
        raise ValueError(
            f"targets {tuple(targets.shape)} do not fit logits {tuple(logits.shape)}: all axes of "
            "the logits but the last must be those of the targets"
        )
    targets = _whole(targets)
    vocab_size = logits.shape[-1]
    logits, targets = logits.reshape(-1, vocab_size), targets.reshape(-1)
    if ignore is not None:
        logits, targets = logits[targets != ignore], targets[targets != ignore]
    _check_targets(targets, vocab_size, ignore)
    log_p = log_softmax(logits)
    rows = namespace(logits).arange(len(targets), device=targets.device)
    surprise = -log_p[rows, targets]
    if smoothing:
        surprise = (1 - smoothing) * surprise - smoothing * log_p.mean(axis=-1)
    return surprise.mean()


def _whole(targets):
    """Targets of any whole type in int64: torch would take uint8 for a mask."""
    kind = str(targets.dtype).removeprefix("torch.")
    if not is_whole(targets) or kind == "bool":
        raise TypeError(f"targets are {kind}; give tokens: whole numbers, such as int64")
    return as_int64(targets)


def _check_targets(targets, vocab_size, ignore):
    if len(targets) == 0:
        raise ValueError(f"no target is left to learn from (ignored: {ignore}); give at least one")
    if readable(targets) and (wrong := targets[(targets < 0) | (targets >= vocab_size)]).shape[0]:
        raise ValueError(
            f"target {int(wrong[0])} is outside the vocabulary: use 0 to {vocab_size - 1}, and "
            "ignore=... for a number that marks places without a target"
        )


def clip_gradients(parameters, most):
    """The norm of all gradients together; where it is above most, they are scaled down to it.

    parameters without a gradient are passed over.  Raises ValueError where none has one, or
    where the norm is not finite; no gradient is changed then.
    Source: Pascanu et al. 2013, algorithm 1.
    """
    if not most > 0:
        raise ValueError(f"most is {most}; it is the largest norm to allow, so give more than 0")
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        raise ValueError("no parameter has a gradient; call loss.backward() first")
    device = gradients[0].device
    norms = [_norm(gradient).to(device) for gradient in gradients]
    norm = torch.linalg.vector_norm(torch.stack(norms)).item()
    if not math.isfinite(norm):
        raise ValueError(
            f"the norm of the gradients is {norm}: one of them is not finite, or too large to "
            "square; nothing was changed"
        )
    if norm > most:
        for gradient in gradients:
            gradient.mul_(most / norm)
    return norm


def _norm(x):
    return torch.linalg.vector_norm(x, dtype=torch.float32 if is_half(x) else None)


def warmup_cosine(step, *, peak, warmup, total, floor=0.0):
    """The learning rate: up in a line to peak over warmup steps, then down a cosine to floor.

    step counts from 0, and step 0 has peak / warmup: litgpt and Hugging Face's library begin with a
    step at rate 0 and are one step later.  From step total on the rate stays at floor.
    Source: Loshchilov and Hutter 2016, equation 5 (the cosine).

    >>> [round(warmup_cosine(step, peak=1.0, warmup=2, total=6), 2) for step in range(7)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15, 0.0]
    """
    check_count(least=0, step=step, warmup=warmup)
    check_count(total=total)
    if warmup > total:
        raise ValueError(f"warmup ({warmup}) is longer than total ({total}); it is a part of it")
    if not 0 <= floor <= peak < math.inf:
        raise ValueError(f"peak {peak}, floor {floor}: want 0 <= floor <= peak, both finite")
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / (total - warmup) if step < total else 1.0
    return floor + (peak - floor) * (1 + math.cos(math.pi * done)) / 2


def warmup_inverse_sqrt(step, *, d_model, warmup):
    """The learning rate of 2017: up in a line over warmup steps, then down as 1/√step.

    step counts from 0, where the paper counts from 1.  The highest rate, at step warmup - 1, is
    1 / √(d_model · warmup).  Source: Vaswani et al. 2017, equation 3.
    """
    check_count(least=0, step=step)
    check_count(d_model=d_model, warmup=warmup)
    return d_model**-0.5 * min((step + 1) ** -0.5, (step + 1) * warmup**-1.5)


PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


def train(
    model,
    batches,
    optimizer,
    *,
    steps,
    start=0,
    schedule=None,
    clip=1.0,
    loss=cross_entropy,
    precision="float32",
):
    """Take the steps from start to steps - 1, one a batch; yield (step, loss) after each.

    A generator, so the notebook owns the loop: it may print, draw, sample, save or stop between
    two steps.  Of model moves what the optimizer holds.  schedule(step), if given, is the learning
    rate of every group; clip is the largest norm of the gradients, None for any.  Raises ValueError
    where batches end early or the loss is not finite: the weights are then those of the step
    before.

    loss(logits, targets) is what goes down: the mean over all targets.  One that ignores some is
    given as partial(loss, ignore=...), with ignore the number that marks them, so that batches can
    be weighed by the targets that count.

    precision="bfloat16" multiplies in half the width, while weights, norms, the loss and the
    optimizer keep float32 (Micikevicius et al. 2017, section 3.1).  It is for GPUs and for CPUs
    with instructions for it (avx512_bf16, amx_bf16, bf16): others were measured 60 times slower.
    Together with other processes (see processes), all take the step of all their batches' rows.
    """
    check_count(least=0, steps=steps, start=start)
    if clip is not None and not clip > 0:
        raise ValueError(f"clip is {clip}; give the largest norm to allow, or None")
    if not hasattr(optimizer, "param_groups"):
        raise TypeError(
            f"optimizer is {optimizer!r}; give one, such as AdamW(model.parameters(), lr=1e-3)"
        )
    learned = {id(p) for p in _held(optimizer)}
    if not learned & {id(p) for p in model.parameters()}:
        raise ValueError(
            "the optimizer holds none of the model's parameters; make it from model.parameters()"
        )
    half = one_of(PRECISIONS, "precision", precision)
    if half and (other := {p.dtype for p in model.parameters()} - {torch.float32}):
        raise ValueError(
            f"precision is {precision!r} and the model has weights in {other.pop()}; small steps "
            "would be lost in them: keep them in float32, by model.float()"
        )
    return _steps(model, iter(batches), optimizer, range(start, steps), schedule, clip, loss, half)


def _steps(model, batches, optimizer, steps, schedule, clip, loss, half):
    device = next(model.parameters()).device
    processes.same_weights(model)
    for step in steps:
        inputs, targets = _batch(batches, step, steps)
        model.train()
        if schedule is not None:
            for group in optimizer.param_groups:
                group["lr"] = schedule(step)
        with torch.autocast(device.type, half, enabled=half is not None):
            logits = model(inputs.to(device))
        error = _weighed(loss, logits.float() if half else logits, targets.to(device))
        value = processes.mean(error).item()
        if not math.isfinite(value):
            raise ValueError(
                f"the loss at step {step} is {value}; the weights are still those of the "
                "step before: try a lower learning rate, a longer warm-up, or clipping"
            )
        optimizer.zero_grad()
        error.backward()
        processes.average_gradients(_held(optimizer))
        if clip is not None:
            clip_gradients(_held(optimizer), clip)
        optimizer.step()
        yield step, value


def _held(optimizer):
    """The parameters that the optimizer moves."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def _weighed(loss, logits, targets):
    """The loss here, so weighed that its mean over all processes is the mean over all targets."""
    number = _counted(loss, targets)
    weight = processes.weight(number, targets.device)
    return loss(logits, targets) * weight if number or weight else 0 * logits.sum()


def _counted(loss, targets):
    """How many targets the loss is the mean of."""
    ignore = getattr(loss, "keywords", {}).get("ignore")
    return targets.numel() if ignore is None else int((targets != ignore).sum())


def _batch(batches, step, steps):
    for batch in batches:
        return batch
    raise ValueError(
        f"batches ended before step {step} of {steps.stop}; give one for each step, or an endless "
        "row: data.batches(...), or itertools.repeat(batch) for one batch over and over"
    )


@torch.no_grad()
def evaluate(model, batches, *, steps, loss=cross_entropy):
    """The mean loss of model over all targets of this many batches, one for each of steps.

    Nothing is learned from them.  loss is as train takes it.
    """
    check_count(steps=steps)
    device = next(model.parameters()).device
    batches, was_training, errors, counted = iter(batches), model.training, [], 0
    model.eval()
    for step in range(steps):
        inputs, targets = _batch(batches, step, range(steps))
        if number := _counted(loss, targets):
            error = loss(model(inputs.to(device)), targets.to(device)).item()
            errors.append(number * error)
            counted += number
    model.train(was_training)
    if not counted:
        raise ValueError(f"no target of the {steps} batches counts; give at least one")
    return math.fsum(errors) / counted
