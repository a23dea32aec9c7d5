"""The exercises, one module a chapter, each holding `EXERCISES = [Exercise(...), ...]`.

A chapter's module is found when it exists and bears the chapter's name; nothing is registered by
hand.  Modules are imported when the first exercise is asked for.
"""

import functools
import importlib
import keyword
import pkgutil
import sys

CHAPTERS = (
    "begin",
    "query_key_value",
    "softmax",
    "attention",
    "heads",
    "positions",
    "layer_norm",
    "feed_forward",
    "residual",
    "transformer",
    "training",
    "generation",
    "rewrites",
    "gpt2",
    "verse",
    "inside",
    "speed",
    "two_sequences",
)


@functools.cache
def chapters():
    """Every chapter that has exercises, in course order: {"softmax": (Exercise, ...), ...}."""
    written = {module.name for module in pkgutil.iter_modules(__path__)}
    if strangers := sorted(written - set(CHAPTERS)):
        raise ValueError(f"{strangers[0]}.py is no chapter: CHAPTERS lists them")
    found = [chapter for chapter in CHAPTERS if chapter in written]
    return {
        chapter: tuple(importlib.import_module(f"{__name__}.{chapter}").EXERCISES)
        for chapter in found
    }


@functools.cache
def registry():
    """Every exercise by its name, in course order."""
    found = {}
    for chapter, exercises in chapters().items():
        for exercise in exercises:
            _refuse(exercise.name, chapter, taken=found)
            found[exercise.name] = exercise
    return found


def chapter_of(name):
    """The chapter an exercise belongs to, or None."""
    for chapter, exercises in chapters().items():
        if any(exercise.name == name for exercise in exercises):
            return chapter
    return None


def _refuse(name, chapter, taken):
    """Raise ValueError where check.<name> could not be reached, or would be two things."""
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise ValueError(f"{chapter}.py: check.{name} cannot be written in Python; rename it")
    if name in taken:
        raise ValueError(f"{chapter}.py: two exercises are called {name!r}; rename one")
    package = sys.modules["tantra.check"]
    if name in package.FILES or name in package.__all__:
        raise ValueError(f"{chapter}.py: check.{name} is already a part of the check; rename it")
