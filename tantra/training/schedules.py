"""Schedules: the learning rate of each step."""

import math

from tantra.checks import check_count


def warmup_cosine(step, *, peak, warmup, total, floor=0.0) -> float:
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


def warmup_inverse_sqrt(step, *, d_model, warmup) -> float:
    """The learning rate of 2017: up in a line over warmup steps, then down as 1/√step.

    step counts from 0, where the paper counts from 1.  The highest rate, at step warmup - 1, is
    1 / √(d_model · warmup).  Source: Vaswani et al. 2017, equation 3.
    """
    check_count(least=0, step=step)
    check_count(d_model=d_model, warmup=warmup)
    return d_model**-0.5 * min((step + 1) ** -0.5, (step + 1) * warmup**-1.5)
