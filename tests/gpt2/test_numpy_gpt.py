"""What test_gpt2 does not ask of the pass in NumPy: the type of its weights."""

import numpy as np
import pytest

from tantra import GPT, GPTConfig, gpt2, numpy_gpt2


def test_weights_are_wide_enough_to_be_squared_and_summed():
    model = GPT(GPTConfig(vocab_size=7, context_length=5, d_model=4, num_layers=1, num_heads=2))
    weights = gpt2.arrays(model)
    for kind in (np.float32, np.float64):
        cast = {name: x.astype(kind) for name, x in weights.items()}
        assert numpy_gpt2(np.array([1, 2]), cast, 2).dtype == kind
    for kind in (np.float16, np.int64):
        cast = {name: x.astype(kind) for name, x in weights.items()}
        with pytest.raises(
            TypeError, match=f"weights are {np.dtype(kind)}; give float32 or float64"
        ):
            numpy_gpt2(np.array([1, 2]), cast, 2)
