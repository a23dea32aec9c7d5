"""Optimizers: from the gradient to the next step of the weights."""

import math

import torch
from torch.optim.adamw import adamw

from tantra.arrays import as_floats, is_half


class Optimizer(torch.optim.Optimizer):
    """torch's, but for weights in half precision: what it remembers of them is in float32."""

    def load_state_dict(self, state_dict):
        """Go on from what another's state_dict returned."""
        super().load_state_dict(state_dict)  # which rounds to the type of the weights
        numbers = [n for group in state_dict["param_groups"] for n in group["params"]]
        weights = [weight for group in self.param_groups for weight in group["params"]]
        for number, weight in zip(numbers, weights, strict=True):
            for name, x in state_dict["state"].get(number, {}).items() if is_half(weight) else ():
                self.state[weight][name] = as_floats(x).to(weight.device, copy=True)


class AdamW(Optimizer):
    """Steps of about lr for every weight, however large its gradient; and weights that decay.

    Each weight w with gradient g keeps two running means, m of g and v of g²:

        m ← β₁ m + (1 - β₁) g      v ← β₂ v + (1 - β₂) g²
        w ← w - lr · decay · w - lr · m̂ / (√v̂ + eps)

    where m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) at step t undo that both start at 0.  parameters
    are weights, or groups of them; betas are β₁ and β₂, and weight_decay is decay.

    Equal to torch.optim.AdamW, and under the same names, so that either loads the other's
    state_dict; but weights in half precision take their step in float32.  Torch's kernels take the
    step, in fewer passes over memory, unless by_hand is set to True.
    Source: Loshchilov and Hutter 2017, algorithm 2, with the decay times lr as in torch.
    """

    by_hand = False  # True: the step is taken by _update, which reads as above

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        for name, number in {"lr": lr, "weight_decay": weight_decay}.items():
            if not 0 <= number < math.inf:
                raise ValueError(f"{name} is {number}; it must be 0 or more, and finite")
        if not 0 < eps < math.inf:
            raise ValueError(f"eps is {eps}; it keeps √v off 0, so it must be above 0")
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are {betas}; give two numbers from 0 to below 1")
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        """Move every weight that has a gradient; return the closure's loss, if one is given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            states = [self._state_of(weight) for weight in weights]
            update = _update_each if self.by_hand else _update_together
            moved = [_in_floats(weight) for weight in weights]
            update(moved, states, **group)
            for weight, new in zip(weights, moved, strict=True):
                if new is not weight:
                    weight.copy_(new)
        return loss

    def _state_of(self, weight):
        state = self.state[weight]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"] = torch.zeros_like(as_floats(weight))
            state["exp_avg_sq"] = torch.zeros_like(as_floats(weight))
        return state


def _in_floats(weight):
    """The weight and its gradient; of half precision, a copy in float32."""
    if not is_half(weight):
        return weight
    copy = weight.float()
    copy.grad = weight.grad.float()
    return copy


def _update_each(weights, states, **group):
    for weight, state in zip(weights, states, strict=True):
        _update(weight, state, **group)


def _update(weight, state, *, lr, betas, eps, weight_decay, **_):
    state["step"] += 1
    t, m, v = int(state["step"]), state["exp_avg"], state["exp_avg_sq"]
    m.mul_(betas[0]).add_((1 - betas[0]) * weight.grad)
    v.mul_(betas[1]).add_((1 - betas[1]) * weight.grad**2)
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    weight.mul_(1 - lr * weight_decay)
    weight.sub_(lr * m_hat / (v_hat.sqrt() + eps))


def _update_together(weights, states, *, lr, betas, eps, weight_decay, **_):
    """What _update does to each weight, from torch's kernels.

    On a CPU the fused one: 10.8 million weights took 12 ms, with torch's own choice 76, by hand
    258 (one core).
    """
    means, squares, steps = (
        [state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step")
    )
    adamw(
        weights,
        [weight.grad for weight in weights],
        means,
        squares,
        [],
        steps,
        fused=all(weight.is_cpu for weight in weights) or None,
        amsgrad=False,
        beta1=betas[0],
        beta2=betas[1],
        lr=lr,
        weight_decay=weight_decay,
        eps=eps,
        maximize=False,
    )
