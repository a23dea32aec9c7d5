"""Layers of a decoder: a matrix in few bits, and everything else in float32."""

import math
import warnings

import torch
from torch import nn

from tantra import kernels

LEAST = torch.tensor(1e-30)  # so that a row of zeros can be divided
GROUP = 32  # numbers of a row that share a scale in 4 bits


def plain(weight, bias):
    """The layer with this matrix in float32, laid out as one row of x reads it fastest.

    Measured on one core with AVX2: the matrix transposed in memory, so that each number of x meets
    numbers side by side, takes 0.6 to 0.75 of the time where there are more outputs than inputs, as
    long where there are as many, and 1.3 times as long where there are fewer.
    """
    if weight.shape[0] > weight.shape[1]:
        weight = weight.T.contiguous().T  # the same numbers by the same index, in another order
    layer = nn.utils.skip_init(nn.Linear, *weight.shape[::-1], bias=bias is not None)
    layer.weight, layer.bias = constant(weight), constant(bias)
    return layer


class Half(nn.Module):
    """The layer with its matrix in float16 and everything else in float32.

    x (..., D)  ->  (..., F)
    """

    def __init__(self, weight, bias):
        super().__init__()
        self.packed = torch.ops.quantized.linear_prepack_fp16(weight, bias)

    def forward(self, x):
        return torch.ops.quantized.linear_dynamic_fp16(x, self.packed)


class BFloat16(nn.Module):
    """The layer with its matrix, what it multiplies, and the product in bfloat16.

    x (..., D)  ->  (..., F)

    The processor multiplies pairs and adds them up in float32; torch rounds each sum once more.
    """

    def __init__(self, weight, bias):
        super().__init__()
        self.packed = kernels.Packed(weight.bfloat16(), _pack_bfloat16, torch.Tensor.to_dense)
        self.bias = constant(bias)

    def forward(self, x):
        product = torch.ops.mkldnn._linear_pointwise
        out = product(x.bfloat16(), self.packed.array, None, "none", [], "").float()
        return out if self.bias is None else out.add_(self.bias)


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


class Int4(nn.Module):
    """The layer with its matrix in 4 bits, in groups; what it multiplies and gives in bfloat16.

    x (..., D)  ->  (..., F)
    """

    def __init__(self, weight, bias):
        super().__init__()
        self.width, self.more = weight.shape[0], -weight.shape[1] % GROUP
        weight = with_last_again(weight, -self.width % 64, self.more)
        whole, scale, middle = by_groups(weight.unflatten(1, (-1, GROUP)))
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(whole.flatten(1).int(), 1)
        self.packed = kernels.Packed(packed, kernels.as_it_is, kernels.as_it_is)
        self.scales = torch.stack([scale.T, middle.T], -1).bfloat16()  # (D / GROUP, F, 2)
        self.bias = constant(bias)

    def forward(self, x):
        rows = nn.functional.pad(x.reshape(-1, x.shape[-1]).bfloat16(), (0, self.more))
        product = torch.ops.aten._weight_int4pack_mm_for_cpu
        out = product(rows, self.packed.array, GROUP, self.scales)[:, : self.width].float()
        out = out if self.bias is None else out.add_(self.bias)
        return out.view(*x.shape[:-1], -1)


def by_rows(weight):
    """The matrix as whole numbers from -127 to 127, and a scale for each row.

    weight (F, D)  ->  (F, D), (F,)

    The largest of a row becomes 127 or -127; whole · scale is off by half a scale at most.
    """
    scale = weight.abs().amax(-1) / 127
    scale = scale.where(scale > 0, 1)
    return (weight / scale[:, None]).round().to(torch.int8), scale


def by_groups(groups):
    """Whole numbers from 0 to 15, and for each group a scale and a middle.

    groups (F, S, K)  ->  (F, S, K), (F, S), (F, S)

    (whole - 8) · scale + middle is off by about half a scale at most: 15 scales lead from a group's
    smallest to its largest.  Scale and middle are rounded to bfloat16.
    """
    low, high = groups.aminmax(dim=-1)
    scale = ((high - low) / 15).bfloat16().float()
    scale = scale.where(scale > 0, 1)
    middle = (low + 8 * scale).bfloat16().float()
    whole = ((groups - middle[..., None]) / scale[..., None]).round().add_(8).clamp_(0, 15)
    return whole.to(torch.uint8), scale, middle


def as_grouped(weight):
    """The matrix that by_groups leaves of it, in groups of 32.

    weight (F, D)  ->  (F, D)
    """
    groups = with_last_again(weight, 0, -weight.shape[1] % GROUP).unflatten(1, (-1, GROUP))
    whole, scale, middle = by_groups(groups)
    rounded = (whole - 8.0) * scale[..., None] + middle[..., None]
    return rounded.flatten(1)[:, : weight.shape[1]].contiguous()


def with_last_again(weight, rows, columns):
    """The matrix with its last row and its last column repeated so many times."""
    return nn.functional.pad(weight[None], (0, columns, 0, rows), mode="replicate")[0]


def as_rounded(whole, scale):
    """The matrix that by_rows leaves of it."""
    return whole * scale[:, None]


def constant(numbers):
    """The numbers as a parameter that does not learn; None stays None."""
    return None if numbers is None else nn.Parameter(numbers, requires_grad=False)


def _pack_bfloat16(weight):
    return torch.ops.mkldnn._reorder_linear_weight(weight, 1)


def _pack_int8(weight):
    return torch.ops.onednn.qlinear_prepack(weight, None)


def _unpack_int8(packed):
    return packed.to_dense().T.contiguous()
