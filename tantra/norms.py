"""Norms: each vector made equally large, so that no layer drowns another."""

import torch
import torch.nn.functional as F
from torch import nn

from tantra.arrays import in_floats
from tantra.checks import check_count, check_width


@in_floats("x")
def layer_norm(x, gain=None, bias=None, eps=1e-5):
    """Each vector shifted to mean 0 and scaled to variance 1; then times gain, plus bias.

    x (..., D)   gain (D,)   bias (D,)  ->  (..., D)

    The variance divides by D, not D - 1, and eps stands inside the root.
    Source: Ba et al. 2016, equation 4.

    >>> layer_norm(np.array([1.0, 3.0]), eps=0)
    array([-1.,  1.])
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return _affine(centred / (variance + eps) ** 0.5, gain, bias)


@in_floats("x")
def rms_norm(x, gain=None, eps=1e-5):
    """Each vector scaled to mean square 1, without shifting it; then times gain.

    x (..., D)   gain (D,)  ->  (..., D)

    eps stands inside the root.  Source: Zhang and Sennrich 2019.
    """
    return _affine(x / ((x**2).mean(axis=-1, keepdims=True) + eps) ** 0.5, gain, None)


def _affine(x, gain, bias):
    x = x if gain is None else x * gain
    return x if bias is None else x + bias


class LayerNorm(nn.Module):
    """layer_norm, with a gain and a bias to learn; the bias can be left out.

    x (B, T, D)  ->  (B, T, D)

    d_model is D; eps stands inside the root.
    """

    def __init__(self, d_model, bias=True, eps=1e-5):
        super().__init__()
        check_count(d_model=d_model)
        self.d_model, self.eps = d_model, eps
        self.gain = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model)) if bias else None

    def forward(self, x):
        check_width(x, self.d_model, "this norm")
        return F.layer_norm(x, (self.d_model,), self.gain, self.bias, self.eps)  # in one kernel


class RMSNorm(nn.Module):
    """rms_norm, with a gain to learn.

    x (B, T, D)  ->  (B, T, D)

    d_model is D; eps stands inside the root.
    """

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        check_count(d_model=d_model)
        self.d_model, self.eps = d_model, eps
        self.gain = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        check_width(x, self.d_model, "this norm")
        return F.rms_norm(x, (self.d_model,), self.gain, self.eps)
