"""What all tests share."""

import numpy as np
import pytest
import torch
from hypothesis import Phase, settings

# The same examples in every run, so that one commit has one verdict.
settings.register_profile("course", max_examples=40, deadline=None, derandomize=True, database=None)
# Where one failure is enough, it need not be made small.
FIND_ONLY = [Phase.explicit, Phase.generate]
settings.register_profile("planted", settings.get_profile("course"), phases=FIND_ONLY)
settings.load_profile("course")


@pytest.fixture(params=["numpy", "torch"])
def as_array(request):
    """From a NumPy array to the kind of array under test."""
    return np.asarray if request.param == "numpy" else torch.from_numpy


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    """The two types in which we are compared with torch."""
    return getattr(torch, request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)
