"""The numbers of the parts by hand, in fewer passes over memory than torch's kernels make."""

import math

import torch
import torch.nn.functional as F
from torch.utils.weak import WeakIdKeyDictionary

from tantra import positions
from tantra.arrays import like

C, A = math.sqrt(8 / math.pi), 0.044715  # gelu(x) = x · sigmoid(C (x + A x³))
SLOW_TANH = torch.backends.cpu.get_cpu_capability() == "AVX2"


def gelu(x):
    """What feed_forward.gelu returns for a tensor, forward and backward.

    On a CPU with AVX2 torch's kernel spends its time on tanh, which was measured to take 3.6 times
    as long as sigmoid; and tanh(z) is 2 sigmoid(2z) - 1.  Forward and back together took 0.5 to 0.7
    of the time (one core).  Other CPUs are left to torch's kernel, which with AVX-512 took 0.7 to
    1.1 of this one's time and keeps a tensor less; so are half precision, GPUs and compilers, and
    few numbers without gradients, as of one token (3072 of them took 15 µs against 70).
    """
    many = x.requires_grad or x.numel() > 2**16
    ours = SLOW_TANH and x.is_cpu and x.dtype.itemsize >= 4 and not torch.compiler.is_compiling()
    return _Gelu.apply(x) if ours and many else F.gelu(x, approximate="tanh")


class _Gelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        share = torch.addcmul(x.new_tensor(C), x, x, value=C * A).mul_(x).sigmoid_()
        ctx.save_for_backward(x, share)
        return x * share

    @staticmethod
    def backward(ctx, gradient):
        if torch.is_grad_enabled():  # as create_graph=True asks
            raise NotImplementedError(
                "kernels.gelu has no second derivative; where you need one, take feed_forward.gelu"
            )
        x, share = ctx.saved_tensors
        slope = torch.addcmul(x.new_tensor(C), x, x, value=3 * C * A)  # d/dx of C (x + A x³)
        slope.mul_(x)
        torch.ops.aten.sigmoid_backward(slope, share, grad_input=slope)  # in place: no more memory
        return slope.add_(share).mul_(gradient)


def rotate(x, angles):
    """What positions.rotate returns for a tensor x in halves, forward and backward.

    Two products with the whole of x in place of four with its halves; on the way back the same,
    rotated the other way.  Forward and back together took 0.55 to 0.75 of the time, a training
    step of 2 layers × 64 took 0.95 (one core, AVX2).
    """
    if torch.compiler.is_compiling():
        return positions.rotate(x, angles)
    positions.check_angles(x, angles)
    return _Rotate.apply(x, *_tables(torch.as_tensor(angles), x))


TABLES = WeakIdKeyDictionary()  # angles: what was made of them last, for whom


def _tables(angles, x):
    """cos twice, and -sin beside sin, in the type of x; made once for all that rotate so."""
    made_for = x.dtype, x.device, angles._version
    if TABLES.get(angles, (None,))[0] != made_for:
        cos, sin = like(angles.cos(), x), like(angles.sin(), x)
        tables = torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)
        TABLES[angles] = made_for, tables
    return TABLES[angles][1]


class _Rotate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, cos, sin):
        ctx.save_for_backward(cos, sin)
        return _rotated(x, cos, sin)

    @staticmethod
    def backward(ctx, gradient):
        cos, sin = ctx.saved_tensors
        return _rotated(gradient, cos, -sin), None, None


def _rotated(x, cos, sin):
    return (x * cos).addcmul_(x.roll(x.shape[-1] // 2, dims=-1), sin)


class Packed:
    """A matrix in a layout of torch's own, which no copy and no file can hold: they pack it anew.

    pack makes that array of a weight, and unpack the weight of it.
    """

    def __init__(self, weight, pack, unpack):
        self.array, self.pack, self.unpack = pack(weight), pack, unpack

    def __reduce__(self):
        return Packed, (self.unpack(self.array), self.pack, self.unpack)


def as_it_is(x):
    """x itself."""
    return x
