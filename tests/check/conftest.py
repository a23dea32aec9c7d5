"""Every test keeps its passes in this process, and in practice mode."""

import numpy as np
import pytest

from tantra.check import Exercise, Prediction, progress


@pytest.fixture(autouse=True)
def _practice(monkeypatch):
    monkeypatch.setenv("TANTRA_PROGRESS", "memory")
    monkeypatch.delenv("TANTRA_STRICT", raising=False)
    monkeypatch.setattr(progress, "_in_memory", {})


def center(x):
    return x - x.mean(axis=-1, keepdims=True)


@pytest.fixture
def exercise():
    """Subtract each row's mean: small, with two axes and three mistakes."""
    return Exercise(
        name="center",
        kind="hunt",
        asks="Subtract each row's mean.",
        reference=center,
        given=lambda x: x - x.mean(),
        cases={
            "one row": (np.array([[1.0, 2.0, 6.0]]),),
            "two rows": (np.array([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]]),),
        },
        draw=lambda rng: (rng.standard_normal((2, 3)),),
        mistakes={
            "that is the mean of each column": lambda x: x - x.mean(axis=0),
            "that is the mean itself": lambda x: x.mean(axis=-1, keepdims=True),
            "three rows by chance: keepdims is missing": lambda x: x - x.mean(axis=-1),
        },
        hints=("take the mean", "of each row"),
    )


@pytest.fixture
def prediction():
    return Prediction(
        name="shape",
        kind="predict",
        asks="What is the shape?",
        answer=(2, 5, 7),
        mistakes={"the last two are swapped": (2, 7, 5)},
        hints=("count the rows",),
    )
