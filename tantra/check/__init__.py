"""Checks for the exercises: they run your function and say in words what is wrong.

    from tantra import check
    check.softmax(my_softmax)       # the verdict; nothing is raised
    check.softmax.hint()            # one more step each time
    check.softmax.picture()         # input, target and yours, side by side

Reading order: `difference` (what is wrong, in words), `outcome` (one run of an attempt), `deadline`
(stopping endless loops), `task`, `engine` and `prediction` (exercises and their verdicts), `show`,
`picture` and `panels`, `progress` (what has been passed, kept in a file), `source`, `texts` and
`values` (your functions as text), `variants` and `variations` (other numbers for each of a class),
`report` (the table beside the drawing that fills in),
`assembly`, `parts`, `whose` and `instead` (a GPT of your own parts), `inputs` (small arrays and
PyTorch's gradients), `slips` (what many mistakes are made of), `watch` (the way an answer took),
and `exercises/`, where each is data.
With TANTRA_STRICT=1 a check that does not pass raises CheckFailed.
"""

import difflib
import importlib
import pkgutil

from tantra.check.engine import Exercise
from tantra.check.prediction import Prediction
from tantra.check.task import CheckFailed, Verdict

__all__ = ["CheckFailed", "Exercise", "Prediction", "Verdict", "variant"]

FILES = frozenset(module.name for module in pkgutil.iter_modules(__path__))


def variant(seed):
    """From here on, ask with the numbers of this seed, or, for None, with those of the course.

    A class's pages call it, each with its student's seed; not every exercise has variants.
    """
    _drawn["seed"] = seed


_drawn = {"seed": None}


def __getattr__(name):
    """The exercise of that name: check.softmax."""
    if name in FILES:
        return importlib.import_module(f"{__name__}.{name}")
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tantra.check.exercises import registry

    exercises = registry()
    if name in exercises:
        return importlib.import_module(f"{__name__}.variants").exercise(name, _drawn["seed"])
    near = difflib.get_close_matches(name, exercises, n=3, cutoff=0.5)
    advice = f"did you mean {' or '.join(near)}?" if near else "dir(check) lists them"
    raise AttributeError(f"there is no exercise called {name!r}: {advice}")


def __dir__():
    from tantra.check.exercises import registry

    return [*__all__, *registry()]
