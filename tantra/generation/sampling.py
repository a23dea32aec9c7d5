"""Sampling: from the scores of all tokens to the probabilities with which one is drawn."""

import math

import numpy as np
import torch

from tantra.arrays import in_floats, namespace
from tantra.checks import check_count, check_number
from tantra.softmax import softmax


@in_floats("logits")
def penalise_repetition(logits, seen, penalty):
    """logits, lowered where seen is True: divided by penalty above 0, multiplied by it below.

    logits (..., V)   seen (..., V)   penalty = 2  ->  (..., V)

    Source: Keskar et al. 2019, section 4.1, who divide always; a negative score would rise.
    """
    lowered = namespace(logits).where(logits > 0, logits / penalty, logits * penalty)
    return namespace(logits).where(seen, lowered, logits)


@in_floats("logits")
def with_temperature(logits, temperature):
    """logits less their largest, divided by temperature: below 1 sharper, above 1 flatter.

    logits (..., V)   temperature = 2  ->  (..., V)

    Temperature 0 is the limit: 0 for the largest score, the first of equals, and -inf for others.
    """
    xp = namespace(logits)
    if temperature == 0:
        return keep_top_k(logits - xp.amax(logits, axis=-1, keepdims=True), 1)
    least = float(xp.finfo(logits.dtype).tiny)  # 0 / least is still 0
    return (logits - xp.amax(logits, axis=-1, keepdims=True)) / max(temperature, least)


@in_floats("logits")
def keep_top_k(logits, top_k):
    """The top_k largest logits as they are, and -inf for all others.

    logits (..., V)   top_k = 3  ->  (..., V)

    Of equal ones the earlier token is kept, so that exactly top_k are; minGPT, nanoGPT and Hugging
    Face's library keep all that are equal to the last one.  Source: Fan et al. 2018.

    >>> keep_top_k(np.array([2.0, 3.0, 1.0, 2.0]), 2)
    array([  2.,   3., -inf, -inf])
    """
    return _keep(logits, _falling(logits, min(top_k, logits.shape[-1]))[..., -1:], top_k)


@in_floats("logits")
def keep_top_p(logits, top_p):
    """The fewest logits whose probabilities together reach top_p, largest first; -inf for others.

    logits (..., V)   top_p = 1  ->  (..., V)

    Of equal ones the earlier token is kept.  Source: Holtzman et al. 2019, section 3.1.

    >>> keep_top_p(np.log([0.2, 0.5, 0.1, 0.2]), 0.6).round(1)
    array([-1.6, -0.7, -inf, -inf])
    """
    if top_p == 1:  # all, however small: their sum may round to 1 too early
        return logits
    xp = namespace(logits)
    falling = _falling(logits, logits.shape[-1])
    probabilities = softmax(falling)
    before = probabilities.cumsum(-1) - probabilities  # what the larger ones have together
    count = (before < top_p).sum(-1)[..., None]
    take = torch.take_along_dim if xp is torch else np.take_along_axis
    return _keep(logits, take(falling, count - 1, -1), count)


@in_floats("logits")
def next_token_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    """The probability of each token to be drawn: sharpened or flattened, cut, and normalised.

    logits (..., V)  ->  (..., V)
    """
    logits = with_temperature(logits, temperature)
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    if top_p is not None:
        logits = keep_top_p(logits, top_p)
    return softmax(logits)


def check_sampling(temperature=1.0, top_k=None, top_p=None, repetition_penalty=1.0):
    """Raise TypeError or ValueError unless one can sample so."""
    check_number(temperature=temperature, repetition_penalty=repetition_penalty)
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}; use 0 for the likeliest token, or above")
    if repetition_penalty <= 0:
        raise ValueError(
            f"repetition_penalty is {repetition_penalty}; use 1 for none, or above to repeat less"
        )
    if top_k is not None:
        check_count(top_k=top_k)
    if top_p is not None:
        check_number(top_p=top_p)
        if not 0 < top_p <= 1:
            raise ValueError(f"top_p is {top_p}; it is a probability, above 0 and at most 1")


def _falling(x, count):
    """The count largest numbers along the last axis, the largest first."""
    return x.topk(count).values if namespace(x) is torch else -np.sort(-x, axis=-1)[..., :count]


def _keep(logits, least, count):
    """The count largest logits, the last of which is least; of equal ones the earlier token."""
    above, equal = logits > least, logits == least
    left = count - above.sum(-1)[..., None]
    kept = above | (equal & (equal.cumsum(-1) <= left))
    return namespace(logits).where(kept, logits, -math.inf)
