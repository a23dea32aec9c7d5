"""The loss: how much the true tokens surprise."""

import torch
import torch.nn.functional as F

from tantra.arrays import as_int64, in_floats, is_whole, namespace, readable
from tantra.softmax import log_softmax


@in_floats("logits")
def cross_entropy(logits, targets, ignore=None, smoothing=0.0):
    """The mean surprise at the true tokens, -log p(target), in nats.

    logits (..., T, V)   targets (..., T)  ->  ()

    Targets equal to ignore do not count.  smoothing spreads that fraction of each target evenly
    over all V tokens; a logit of -inf, which costs nothing where its target is 0, then costs inf.
    Raises TypeError or ValueError where targets are not tokens that the logits score.
    Source: Szegedy et al. 2015, section 7 (smoothing).

    >>> fair = torch.zeros(2, 8)  # log 8 for every one of eight equal probabilities
    >>> cross_entropy(fair, torch.tensor([3, 5]))
    tensor(2.0794)
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is {smoothing}; it is a fraction: from 0 to below 1")
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
    if namespace(logits) is torch and not smoothing:
        return F.cross_entropy(logits, targets)  # by_hand in fewer passes over memory
    return by_hand(logits, targets, smoothing)


def by_hand(logits, targets, smoothing=0.0):
    """The loss of a list of targets, as it is defined.

    logits (T, V)   targets (T,)  ->  ()
    """
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
    if readable(targets) and not 0 <= targets.min() <= targets.max() < vocab_size:
        wrong = targets[(targets < 0) | (targets >= vocab_size)]
        raise ValueError(
            f"target {int(wrong[0])} is outside the vocabulary: use 0 to {vocab_size - 1}, and "
            "ignore=... for a number that marks places without a target"
        )
