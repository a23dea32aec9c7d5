"""Layers of a decoder with a matrix in float32, or in half of its bits."""

import torch
from torch import nn

from tantra import kernels


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


def constant(numbers):
    """The numbers as a parameter that does not learn; None stays None."""
    return None if numbers is None else nn.Parameter(numbers, requires_grad=False)


def _pack_bfloat16(weight):
    return torch.ops.mkldnn._reorder_linear_weight(weight, 1)
