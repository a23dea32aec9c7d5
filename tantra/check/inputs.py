"""Small arrays for the shown cases of exercises, and the gradients that PyTorch finds for them."""

import numpy as np
import torch

FRONTS = ((), (2,), (2, 3))  # none, one or two axes in front


def array(*shape, seed=0):
    """Normal numbers with one decimal, in NumPy float64, of this shape."""
    return np.random.default_rng(seed).standard_normal(shape).round(1)


def arrays(*shapes, seed=0):
    """One array for each shape, all from one seed and all different."""
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal(shape).round(1) for shape in shapes)


def behind(rng, *shapes, fronts=FRONTS):
    """A normal array of each shape, all behind the same axes: one of these fronts."""
    front = fronts[rng.integers(len(fronts))]
    return tuple(rng.standard_normal((*front, *shape)) for shape in shapes)


def gradients(function, g, *inputs):
    """PyTorch's gradients of the sum of function(*inputs) * g: one NumPy array for each input.

    `function` gets float64 tensors and may return a tuple, for which `g` is a tuple as well.
    (Handing g to `backward` itself would import sympy, which takes seconds.)
    """
    tensors = [torch.tensor(np.asarray(x, dtype=float), requires_grad=True) for x in inputs]
    with torch.enable_grad():
        results = function(*tensors)
        results, g = (results, g) if isinstance(results, tuple) else ((results,), (g,))
        pairs = zip(results, g, strict=True)
        total = sum((result * torch.as_tensor(each)).sum() for result, each in pairs)
        return tuple(x.numpy() for x in torch.autograd.grad(total, tensors))
