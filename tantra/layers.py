"""The parts around attention, and the block that puts them together."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tantra import kernels
from tantra.arrays import check_count, check_width, in_floats, namespace
from tantra.probes import Probe


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

    eps stands inside the root.  Source: Zhang and Sennrich 2019, equation 4.
    """
    return _affine(x / ((x**2).mean(axis=-1, keepdims=True) + eps) ** 0.5, gain, None)


@in_floats("x")
def gelu(x):
    """A smooth ReLU: x times nearly the chance that a normal number is below x, by tanh.

    x (...)  ->  (...)

    GPT-2's form, at most 0.0005 from gelu_exact.  Source: Hendrycks and Gimpel 2016, section 2.
    """
    return 0.5 * x * (1 + namespace(x).tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@in_floats("x")
def gelu_exact(x):
    """A smooth ReLU: x times the chance that a normal number is below x.

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


def _affine(x, gain, bias):
    x = x if gain is None else x * gain
    return x if bias is None else x + bias


def linear(d_in, d_out, bias=True, generator=None):
    """A torch.nn.Linear, its first weights drawn from generator and from nowhere else."""
    device = torch.get_default_device()
    layer = nn.utils.skip_init(nn.Linear, d_in, d_out, bias=bias, device=device)
    for weights in layer.parameters():
        nn.init.uniform_(weights, -(d_in**-0.5), d_in**-0.5, generator=generator)
    return layer


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


class FeedForward(nn.Module):
    """Expand, GELU, compress: the same function at each position, alone.

    x (B, T, D)  ->  (B, T, D)

    d_model is D, d_ff the width in between; bias=False leaves out the offsets, and first weights
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


class SquaredReLU(FeedForward):
    """Expand, square what is positive, compress.

    x (B, T, D)  ->  (B, T, D)

    Source: So et al. 2021, section 4.
    """

    def forward(self, x):
        check_width(x, self.d_model, "this feed-forward")
        return self.down(F.relu(self.up(x)).square())


class SwiGLU(nn.Module):
    """Expand twice, one way opening the other like a gate, and compress.

    x (B, T, D)  ->  (B, T, D)

    d_model is D, d_ff the width in between; bias=False leaves out the offsets, and first weights
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


class Block(nn.Module):
    """Look at the other positions, then think alone; each adds to x, none replaces it.

    x (B, T, D)  ->  (B, T, D)

    Made of four parts, attention, feed_forward, and norm_1 and norm_2 before them; look is what
    its attention takes: mask, angles, cache and so on.
    """

    def __init__(self, attention, feed_forward, norm_1, norm_2):
        super().__init__()
        self.norm_1, self.attention = norm_1, attention
        self.norm_2, self.feed_forward = norm_2, feed_forward
        self.stream = Probe()  # (B, T, D)

    def forward(self, x, **look):
        x = x + self.attention(self.norm_1(x), **look)
        x = x + self.feed_forward(self.norm_2(x))
        return self.stream(x)


class PostNormBlock(Block):
    """The block of 2017: the norm stands on the stream, after each addition.

    x (B, T, D)  ->  (B, T, D)

    attention and norm_1, then feed_forward and norm_2.
    Source: Vaswani et al. 2017, section 3.1; Xiong et al. 2020 compare the two.
    """

    def forward(self, x, **look):
        x = self.norm_1(x + self.attention(x, **look))
        x = self.norm_2(x + self.feed_forward(x))
        return self.stream(x)
