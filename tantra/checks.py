"""Whether numbers, names and widths are what they must be, and if not, why, in words."""

import math

import numpy as np

from tantra.arrays import namespace


def check_width(x, width, what):
    """Raise ValueError unless the last axis of x is width long; what names who asks."""
    if x.ndim == 0 or x.shape[-1] != width:
        raise ValueError(
            f"x has shape {tuple(x.shape)}, and {what} was made for width {width}: "
            f"the last axis of x must be {width} long"
        )


def check_kinds(**named):
    """Raise TypeError unless the named arrays are all of NumPy, or all of torch."""
    if len({namespace(x) for x in named.values()}) > 1:
        found = ", ".join(f"{name} is a {type(x).__name__}" for name, x in named.items())
        raise TypeError(f"{found}; use one kind: torch.from_numpy(...), or x.numpy()")


def check_number(**numbers):
    """Raise TypeError or ValueError unless every number is a finite one."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float | np.number):
            raise TypeError(f"{name} is {number!r}; give a number")
        if not math.isfinite(number):
            raise ValueError(f"{name} is {number}; give a finite number")


def check_count(least=1, **numbers):
    """Raise TypeError or ValueError unless every number is a whole one, at least least."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            raise TypeError(f"{name} is {number!r}; it counts something, so give a whole number")
        if number < least:
            raise ValueError(f"{name} is {number}; it must be at least {least}")


def check_divides(**pair):
    """Raise ValueError unless the second named number divides the first."""
    (name, number), (other, divisor) = pair.items()
    if number % divisor:
        raise ValueError(
            f"{name} ({number}) must be a multiple of {other} ({divisor}); the nearest that fits "
            f"is {max(1, round(number / divisor)) * divisor}"
        )


def check_known(whose, what, given, known):
    """Raise TypeError for the first name given that is not among the known ones.

    >>> check_known("cake", "layer", ["chocolat"], ["cream", "chocolate"])
    Traceback (most recent call last):
    TypeError: cake has no layer 'chocolat'; it has cream, chocolate
    """
    if unknown := [name for name in given if name not in known]:
        raise TypeError(f"{whose} has no {what} {unknown[0]!r}; it has {', '.join(known)}")


def one_of(table, what, name):
    """The entry of table called name; ValueError with the known names if there is none."""
    if name not in table:
        known = ", ".join(repr(key) for key in table)
        raise ValueError(f"{what} is {name!r}, which nobody knows; choose one of {known}")
    return table[name]
