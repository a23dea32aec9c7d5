"""What the tests mean by equal: the same shape, the same type, and every number as near."""

import numpy as np
import pytest
import torch

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}  # of the largest number there


def agree(ours, theirs, tolerance=None):
    """Assert that two arrays, or two tuples of arrays, are equal but for rounding."""
    if isinstance(ours, tuple | list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            agree(one, other, tolerance)
        return
    ours, theirs = _tensor(ours), _tensor(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert torch.isfinite(theirs).all()
    tolerance = TOLERANCE[ours.dtype] if tolerance is None else tolerance
    difference = (ours - theirs).abs().max().item()
    largest = max(theirs.abs().max().item(), 1e-300)
    assert difference <= tolerance * largest, f"{difference:.3g} off, of {largest:.3g}"


def forward_and_gradients(function, *inputs, wrt=()):
    """The outputs of function, and the gradients of one fixed weighing of them by every tensor
    among inputs, and by those in wrt."""
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    outputs = function(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    generator = torch.Generator().manual_seed(1)
    weighed = sum((draw(generator, *o.shape, dtype=o.dtype) * o).sum() for o in outputs)
    return outputs, torch.autograd.grad(weighed, [*inputs, *wrt], retain_graph=True)


def with_parameters(module, *inputs):
    """What forward_and_gradients returns of a module, the gradients of its parameters too."""
    return forward_and_gradients(module, *inputs, wrt=list(module.parameters()))


def draw(generator, *shape, dtype=torch.float64):
    """Normal numbers of this shape, the same for both types."""
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def same_on_both(function, x):
    """Assert that a function gives the same of NumPy's x and of torch's, in the type of each."""
    agree(function(x), function(torch.from_numpy(x)))
    for kind in (np.float16, np.float32):
        assert function(x.astype(kind)).dtype == kind
    for kind in (torch.bfloat16, torch.float32):
        assert function(torch.from_numpy(x).to(kind)).dtype == kind


def names_a_wrong_width(part, width):
    """Assert that a part made for this width refuses others, and an x that has none, in words."""
    says = rf"x has shape \(2, {width - 1}\), and this .* made for width {width}: the"
    with pytest.raises(ValueError, match=says):
        part(torch.zeros(2, width - 1))
    with pytest.raises(ValueError, match=r"x has shape \(\), and"):
        part(torch.tensor(0.0))


def _tensor(x):
    return torch.from_numpy(np.asarray(x)) if not isinstance(x, torch.Tensor) else x.detach()
