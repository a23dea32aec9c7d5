"""Muon: for a matrix of weights, a step that is about as long in every direction."""

import math

import torch

from tantra.arrays import as_floats, in_floats
from tantra.checks import check_count
from tantra.training.optimizers import Optimizer

COEFFICIENTS = 3.4445, -4.7750, 2.0315  # Jordan et al. 2024


@in_floats("matrix")
def orthogonalise(matrix, steps=5, coefficients=COEFFICIENTS, eps=1e-7):
    """Nearly U Vᵀ, where matrix = U S Vᵀ: the same directions, all about equally long.

    matrix (..., F, D)  ->  (..., F, D)

    Newton–Schulz: X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X changes every singular value s of X to
    a s + b s³ + c s⁵ and leaves U and V alone.  With these coefficients five steps bring values
    from 0.002 to 1 between 0.68 and 1.21, by products of matrices alone.
    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
    """
    check_count(least=0, steps=steps)
    if matrix.ndim < 2:
        raise ValueError(f"matrix has shape {tuple(matrix.shape)}; it needs rows and columns")
    a, b, c = coefficients
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix  # X Xᵀ is then the smaller of the two squares
    x = x / ((x**2).sum(axis=(-2, -1), keepdims=True) ** 0.5 + eps)  # no value above 1
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.mT if tall else x


class Muon(Optimizer):
    """Matrices step along their momentum, made orthogonal; others are refused.

        m ← β m + (1 - β) g      w ← w - lr · decay · w - lr · rms · √(larger side) · O

    where O = orthogonalise((1 - β) g + β m), whose entries have a root mean square of about
    1/√(larger side): each weight moves by about lr · rms, so that with rms = 0.2 one lr suits
    AdamW beside it (Liu et al. 2025).  torch.optim.Muon does the same, in bfloat16.
    Source: Jordan et al. 2024.
    """

    def __init__(self, parameters, lr=1e-3, momentum=0.95, weight_decay=0.0, rms=0.2, steps=5):
        for name, number in {"lr": lr, "weight_decay": weight_decay, "rms": rms}.items():
            if not 0 <= number < math.inf:
                raise ValueError(f"{name} is {number}; it must be 0 or more, and finite")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum}; give a number from 0 to below 1")
        check_count(steps=steps)
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(parameters, defaults | {"rms": rms, "steps": steps})
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.ndim != 2:
                    raise ValueError(
                        f"a parameter has shape {tuple(weight.shape)}, and Muon moves matrices; "
                        "give the others to AdamW"
                    )

    @torch.no_grad()
    def step(self, closure=None):
        """Move every matrix that has a gradient; return the closure's loss, if one is given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            for same in _by_shape(weights):
                self._move(same, **group)
        return loss

    def _move(self, weights, *, lr, momentum, weight_decay, rms, steps, **_):
        """Matrices of one shape, all in one product."""
        ahead = []
        for weight in weights:
            state = self.state[weight]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(as_floats(weight))
            gradient = as_floats(weight.grad)
            state["momentum_buffer"].lerp_(gradient, 1 - momentum)
            ahead.append(gradient.lerp(state["momentum_buffer"], momentum))
        size = lr * rms * max(weights[0].shape) ** 0.5
        for weight, step in zip(weights, orthogonalise(torch.stack(ahead), steps), strict=True):
            weight.mul_(1 - lr * weight_decay).sub_(step, alpha=size)


def _by_shape(weights):
    groups = {}
    for weight in weights:
        groups.setdefault((weight.shape, weight.dtype, weight.device), []).append(weight)
    return groups.values()


class Optimizers:
    """Several optimizers as one, each with parameters of its own.

    Raises ValueError where two hold the same parameter: it would be moved twice.
    """

    def __init__(self, *optimizers):
        self.optimizers = optimizers
        held = [id(p) for group in self.param_groups for p in group["params"]]
        if len(set(held)) < len(held):
            raise ValueError("two optimizers hold the same parameter; give each to one of them")

    @property
    def param_groups(self):
        """Those of all optimizers: a learning rate written here is theirs."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def zero_grad(self, set_to_none=True):
        """Forget all gradients, or set them to 0."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none)

    def step(self):
        """Let each take its step."""
        for optimizer in self.optimizers:
            optimizer.step()

    def state_dict(self):
        """What all of them remember, their parameters numbered through."""
        state, groups, first = {}, [], 0
        for optimizer in self.optimizers:
            own = optimizer.state_dict()
            state |= {first + number: held for number, held in own["state"].items()}
            for group in own["param_groups"]:
                groups.append(group | {"params": [first + n for n in group["params"]]})
            first += sum(len(group["params"]) for group in own["param_groups"])
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, saved):
        """Give each its own part of what state_dict returned."""
        groups, first = list(saved["param_groups"]), 0
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"the state has {len(groups)} groups of parameters and these optimizers have "
                f"{len(self.param_groups)}; make them as they were when it was saved"
            )
        for optimizer in self.optimizers:
            number = len(optimizer.param_groups)
            own, groups = groups[:number], groups[number:]
            count = sum(len(group["params"]) for group in own)
            mine = range(first, first + count)
            optimizer.load_state_dict(
                {
                    "state": {n - first: x for n, x in saved["state"].items() if n in mine},
                    "param_groups": [
                        group | {"params": [n - first for n in group["params"]]} for group in own
                    ],
                }
            )
            first += count
