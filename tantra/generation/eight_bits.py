"""Layers of a decoder with a matrix in 8 bits: whole numbers, and a scale for each row."""

import math
import warnings

import torch
import torch.nn.functional as F
from torch import nn

from tantra import kernels
from tantra.generation.layers import constant

LEAST = torch.tensor(1e-30)  # so that a row of zeros can be divided
FEW = 8  # rows of x for which 8 bits are widened on the way, not before
STEP = 16  # numbers of a row that torch's product reads at once: past the end of any other row


class Int8Rows(nn.Module):
    """The layer with its matrix in 8 bits, and what it multiplies, and the product, in bfloat16.

    x (..., D)  ->  (..., F)

    For few rows torch widens each number where it is multiplied; for many, the whole matrix once,
    for oneDNN's product.  Whole numbers to 127 are exact in bfloat16.
    """

    def __init__(self, weight, bias):
        super().__init__()
        whole, scale = by_rows(weight)
        self.packed = kernels.Packed(whole, kernels.as_it_is, kernels.as_it_is)
        self.scale, self.bias = constant(scale), constant(bias)
        self.ones = torch.ones(len(scale), dtype=torch.bfloat16)

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1]).bfloat16()
        if len(rows) <= FEW and x.shape[-1] % STEP == 0:
            out = torch.ops.aten._weight_int8pack_mm(rows, self.packed.array, self.ones)
        else:
            out = F.linear(rows, self.packed.array.bfloat16())
        out = out.float()
        out = (
            out.mul_(self.scale) if self.bias is None else torch.addcmul(self.bias, out, self.scale)
        )
        return out.view(*x.shape[:-1], -1)


class Int8(nn.Module):
    """The layer with its matrix in 8 bits, and x in 14: two whole numbers of 7 bits for each.

    x (..., D)  ->  (..., F)

    The product of whole numbers is exact, and fastest with x in 7 bits, which is too coarse: an
    error of 2 % of a typical output was measured.  So x is cut into what 7 bits can say and, 126
    times enlarged, what they leave out.  Both meet the matrix in one reading.
    """

    def __init__(self, weight, bias):
        super().__init__()
        whole, self.scale = by_rows(weight)
        self.zeros = torch.zeros(len(whole), dtype=torch.int64)
        self.packed = kernels.Packed(whole, _pack_int8, _unpack_int8)
        self.bias = constant(bias)

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])  # (M, D)
        most = torch.linalg.vector_norm(rows, math.inf, -1, keepdim=True)
        unit = torch.add(LEAST, most, alpha=1 / 63)
        exact = rows / unit
        coarse = exact.round()  # from -63 to 63
        rest = exact.sub_(coarse).mul_(126)
        coarse, rest = self.product(torch.cat([coarse, rest])).chunk(2)  # each (M, F)
        out = coarse.add_(rest, alpha=1 / 126)
        out = out.mul_(unit) if self.bias is None else torch.addcmul(self.bias, out, unit)
        return out.view(*x.shape[:-1], -1)

    def product(self, rows):
        """Whole numbers (M, D) from -63 to 63, by the matrix: (M, F) in float32."""
        whole = rows.add_(64.5).to(torch.uint8)  # cut off, so rounded; 64 stands for 0
        how = 1.0, 0, torch.float32, "none", [], ""
        packed = self.packed.array, self.scale, self.zeros, None
        return torch.ops.onednn.qlinear_pointwise(whole, 1.0, 64, *packed, *how)


class Int8ByPairs(Int8):
    """Int8 on processors that cannot add up four products of whole numbers at once (no VNNI).

    x (..., D)  ->  (..., F)

    They add up pairs in 16 bits.  oneDNN, told to do so, took 4 to 13 times as long as with VNNI.
    """

    def __init__(self, weight, bias):
        nn.Module.__init__(self)
        whole, scale = by_rows(weight)
        zeros = torch.zeros(len(scale), dtype=torch.int64)
        with warnings.catch_warnings():  # torch means to remove this; _fast will say so
            warnings.simplefilter("ignore")
            packable = torch.quantize_per_channel(
                as_rounded(whole, scale), scale, zeros, 0, torch.qint8
            )
            self.packed = torch.ops.quantized.linear_prepack(packable, None)
        self.bias = constant(bias)

    def product(self, rows):
        product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
        return product(rows, 1.0, 64, self.packed)


def by_rows(weight):
    """The matrix as whole numbers from -127 to 127, and a scale for each row.

    weight (F, D)  ->  (F, D), (F,)

    The largest of a row becomes 127 or -127; whole · scale is off by half a scale at most.
    """
    scale = weight.abs().amax(-1) / 127
    scale = scale.where(scale > 0, 1)
    return (weight / scale[:, None]).round().to(torch.int8), scale


def as_rounded(whole, scale):
    """The matrix that by_rows leaves of it."""
    return whole * scale[:, None]


def _pack_int8(weight):
    return torch.ops.onednn.qlinear_prepack(weight, None)


def _unpack_int8(packed):
    return packed.to_dense().T.contiguous()
