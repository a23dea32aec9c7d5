"""Optimizers: from the gradient to the next step of the weights."""

import math

import torch


class AdamW(torch.optim.Optimizer):
    """Steps of about lr for every weight, however large its gradient; and weights that decay.

    Each weight w with gradient g keeps two running means, m of g and v of g²:

        m ← β₁ m + (1 - β₁) g      v ← β₂ v + (1 - β₂) g²
        w ← w - lr · decay · w - lr · m̂ / (√v̂ + eps)

    where m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) at step t undo that both start at 0.  Equal to
    torch.optim.AdamW, and under the same names, so that either loads the other's state_dict.
    Source: Loshchilov and Hutter 2017, algorithm 2, with the decay times lr as in torch.
    """

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
            for weight in group["params"]:
                if weight.grad is not None:
                    _update(weight, self.state[weight], **group)
        return loss


def _update(weight, state, *, lr, betas, eps, weight_decay, **_):
    if not state:
        state["step"] = torch.tensor(0.0)
        state["exp_avg"] = torch.zeros_like(weight)
        state["exp_avg_sq"] = torch.zeros_like(weight)
    state["step"] += 1
    t, m, v = int(state["step"]), state["exp_avg"], state["exp_avg_sq"]
    m.mul_(betas[0]).add_((1 - betas[0]) * weight.grad)
    v.mul_(betas[1]).add_((1 - betas[1]) * weight.grad**2)
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    weight.mul_(1 - lr * weight_decay)
    weight.sub_(lr * m_hat / (v_hat.sqrt() + eps))
