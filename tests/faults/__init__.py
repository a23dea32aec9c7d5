"""The faults to plant and where they must be noticed, a room of the library to a file."""

from faults import (
    check,
    generation,
    gpt2,
    maps,
    metre,
    parts,
    plot,
    reports,
    rewrites,
    text,
    training,
    two_sequences,
)

ROOMS = (
    parts,
    generation,
    rewrites,
    text,
    training,
    gpt2,
    two_sequences,
    metre,
    maps,
    plot,
    check,
    reports,
)
TESTS = {file: tests for room in ROOMS for file, tests in room.TESTS.items()}
FAULTS = {file: pairs for room in ROOMS for file, pairs in room.FAULTS.items()}
