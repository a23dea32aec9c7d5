"""The feed-forward: expand, apply a nonlinearity, compress, at each position alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tantra import kernels
from tantra.arrays import in_floats, namespace
from tantra.checks import check_count, check_width
from tantra.initial import linear


@in_floats("x")
def gelu(x):
    """A smooth ReLU: x times nearly the probability that a normal number is below x, by tanh.

    x (...)  ->  (...)

    GPT-2's form, at most 0.0005 from gelu_exact.  Source: Hendrycks and Gimpel 2016, section 2.
    """
    return 0.5 * x * (1 + namespace(x).tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@in_floats("x")
def gelu_exact(x):
    """A smooth ReLU: x times the probability that a normal number is below x.

    x (...)  ->  (...)

    Source: Hendrycks and Gimpel 2016, section 2.
    """
    if namespace(x) is torch:
        return 0.5 * x * (1 + torch.erf(x * math.sqrt(0.5)))
    erf = torch.erf(torch.from_numpy(np.asarray(x * math.sqrt(0.5)))).numpy()  # NumPy has none
    return 0.5 * x * (1 + erf)


@in_floats("x")
def silu(x):
    """x times its own sigmoid, also called swish.

    x (...)  ->  (...)

    Source: Hendrycks and Gimpel 2016, section 2; Ramachandran et al. 2017.
    """
    e = namespace(x).exp(-abs(x))  # at most 1: no overflow
    return x * namespace(x).where(x >= 0, 1, e) / (1 + e)


class FeedForward(nn.Module):
    """Expand, GELU, compress: the same function at each position, alone.

    x (B, T, D)  ->  (B, T, D)

    d_model is D, d_ff the width in between; bias=False leaves out the biases, and initial weights
    are drawn from generator.  Source: Vaswani et al. 2017, equation 2, with GELU for its ReLU as
    in GPT-2.
    """

    last_layer = "down"  # what it gives is added to the stream, so GPT starts it smaller

    def __init__(self, d_model, d_ff, bias=True, *, generator=None):
        super().__init__()
        check_count(d_model=d_model, d_ff=d_ff)
        self.d_model = d_model
        self.up = linear(d_model, d_ff, bias, generator)
        self.down = linear(d_ff, d_model, bias, generator)

    def forward(self, x):
        check_width(x, self.d_model, "this feed-forward")
        return self.down(kernels.gelu(self.up(x)))


class ExactFeedForward(FeedForward):
    """Expand, GELU without its approximation by tanh, compress: as in BERT.

    x (B, T, D)  ->  (B, T, D)
    """

    def forward(self, x):
        check_width(x, self.d_model, "this feed-forward")
        return self.down(F.gelu(self.up(x)))


class ReLUFeedForward(FeedForward):
    """Expand, keep what is positive, compress: as in 2017.

    x (B, T, D)  ->  (B, T, D)

    Source: Vaswani et al. 2017, equation 2.
    """

    def forward(self, x):
        check_width(x, self.d_model, "this feed-forward")
        return self.down(F.relu(self.up(x)))


class SquaredReLU(FeedForward):
    """Expand, square what is positive, compress.

    x (B, T, D)  ->  (B, T, D)

    Source: So et al. 2021.
    """

    def forward(self, x):
        check_width(x, self.d_model, "this feed-forward")
        return self.down(F.relu(self.up(x)).square())


class SwiGLU(nn.Module):
    """Expand twice, one way opening the other like a gate, and compress.

    x (B, T, D)  ->  (B, T, D)

    d_model is D, d_ff the width in between; bias=False leaves out the biases, and initial weights
    are drawn from generator.  Source: Shazeer 2020, equation 6.
    """

    last_layer = "down"

    def __init__(self, d_model, d_ff, bias=True, *, generator=None):
        super().__init__()
        check_count(d_model=d_model, d_ff=d_ff)
        self.d_model = d_model
        self.gate = linear(d_model, d_ff, bias, generator)
        self.up = linear(d_model, d_ff, bias, generator)
        self.down = linear(d_ff, d_model, bias, generator)

    def forward(self, x):
        check_width(x, self.d_model, "this feed-forward")
        return self.down(F.silu(self.gate(x)) * self.up(x))
