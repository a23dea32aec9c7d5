"""The loop: a batch, its loss, its gradients made no longer than allowed, and a step."""

import itertools
import math
from collections.abc import Iterator

import torch

from tantra.arrays import is_half
from tantra.checks import check_count
from tantra.training import processes
from tantra.training.loss import cross_entropy
from tantra.training.precisions import check_precision


def clip_gradients(parameters, most) -> float:
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
    accumulate=1,
) -> Iterator[tuple[int, float]]:
    """Take the steps from start to steps - 1, one a batch; yield (step, loss) after each.

    A generator, so the notebook owns the loop: it may print, draw, sample, save or stop between
    two steps.  Of model moves what the optimizer holds.  schedule(step), if given, is the learning
    rate of every group; clip is the largest norm of the gradients, None for any.  Raises ValueError
    where batches end early or the loss is not finite: the weights are then those of the step
    before.

    A batch is (inputs, targets); inputs is what model takes, a tensor or a tuple of them.
    loss(logits, targets) is what goes down: the mean over all targets.  One that ignores some is
    given as partial(loss, ignore=...), with ignore the number that marks them, so that batches can
    be weighed by the targets that count.

    A step may take several batches, accumulate of them, one after the other: its loss and its
    gradients are those of the one large batch that they make, in the memory of one of them.

    precision="bfloat16" multiplies in half the width, while weights, norms, the loss and the
    optimizer keep float32 (Micikevicius et al. 2017, section 3.1).  It is for GPUs and for CPUs
    with instructions for it, as fastest_precision says; on others it warns, being slow.
    Together with other processes (see processes), all take the step of all their batches' rows.
    """
    check_count(least=0, steps=steps, start=start)
    check_count(accumulate=accumulate)
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
    half = check_precision(precision, model)
    steps, batches = range(start, steps), iter(batches)
    return _steps(model, batches, optimizer, steps, schedule, clip, loss, half, accumulate)


def _steps(model, batches, optimizer, steps, schedule, clip, loss, half, accumulate):
    device = next(model.parameters()).device
    processes.same_weights(model)
    for step in steps:
        parts = _batches(batches, step, steps, accumulate)
        model.train()
        if schedule is not None:
            for group in optimizer.param_groups:
                group["lr"] = schedule(step)
        optimizer.zero_grad()
        total = 0.0
        for part in _weighed(parts, loss, device):
            error = _error(model, *part, loss, half)
            error.backward()
            total += error.detach()
        value = processes.mean(total).item()
        if not math.isfinite(value):
            raise ValueError(
                f"the loss at step {step} is {value}; the weights are still those of the "
                "step before: try a lower learning rate, a longer warm-up, or clipping"
            )
        processes.average_gradients(_held(optimizer))
        if clip is not None:
            clip_gradients(_held(optimizer), clip)
        optimizer.step()
        yield step, value


def _held(optimizer):
    """The parameters that the optimizer moves."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def _error(model, inputs, targets, weight, loss, half):
    """weight times the loss of a batch."""
    device = next(model.parameters()).device
    with torch.autocast(device.type, half, enabled=half is not None):
        logits = _logits(model, inputs, device)
    logits = logits.float() if half else logits
    return loss(logits, targets.to(device)) * weight if weight else 0 * logits.sum()


def _logits(model, inputs, device):
    """What model makes of inputs: one tensor, or several where it takes several."""
    several = inputs if isinstance(inputs, tuple | list) else (inputs,)
    return model(*(x.to(device) for x in several))


def _weighed(batches, loss, device):
    """Each batch with the weight of its loss: all together give the mean over all targets."""
    counted = [_counted(loss, targets) for _, targets in batches]
    weights = processes.weights(counted, device)
    return [(*batch, weight) for batch, weight in zip(batches, weights, strict=True)]


def _counted(loss, targets):
    """How many targets the loss is the mean of."""
    ignore = getattr(loss, "keywords", {}).get("ignore")
    return targets.numel() if ignore is None else int((targets != ignore).sum())


def _batches(batches, step, steps, number=1):
    """The next batches, as many as number."""
    found = list(itertools.islice(batches, number))
    if len(found) < number:
        each = "one" if number == 1 else number
        raise ValueError(
            f"batches ended before step {step} of {steps.stop}; give {each} for each step, or an "
            "endless row: data.batches(...), or itertools.repeat(batch) for one over and over"
        )
    return found


@torch.no_grad()
def evaluate(model, batches, *, steps, loss=cross_entropy) -> float:
    """The mean loss of model over all targets of this many batches, one for each of steps.

    Nothing is learned from them.  loss is as train takes it.
    """
    check_count(steps=steps)
    device = next(model.parameters()).device
    batches, was_training, errors, counted = iter(batches), model.training, [], 0
    model.eval()
    for step in range(steps):
        ((inputs, targets),) = _batches(batches, step, range(steps))
        if number := _counted(loss, targets):
            error = loss(_logits(model, inputs, device), targets.to(device)).item()
            errors.append(number * error)
            counted += number
    model.train(was_training)
    if not counted:
        raise ValueError(f"no target of the {steps} batches counts; give at least one")
    return math.fsum(errors) / counted
