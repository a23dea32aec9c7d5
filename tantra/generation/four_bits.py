"""The layer of a decoder with a matrix in 4 bits, in groups that share a scale and a middle."""

import torch
import torch.nn.functional as F
from torch import nn

from tantra import kernels
from tantra.generation.layers import constant

GROUP = 32  # numbers of a row that share a scale and a middle
MANY = 96  # rows of x from which the matrix is widened before it is multiplied


class Int4(nn.Module):
    """The layer with its matrix in 4 bits, in groups; what it multiplies and gives in bfloat16.

    x (..., D)  ->  (..., F)

    Torch's product widens the numbers for each few rows of x anew, in a layout of its own.  For
    many rows the matrix, kept a second time, two numbers to a byte, is widened once.
    """

    def __init__(self, weight, bias):
        super().__init__()
        self.width, self.more = weight.shape[0], -weight.shape[1] % GROUP
        weight = with_last_again(weight, -self.width % 64, self.more)
        whole, scale, middle = by_groups(weight.unflatten(1, (-1, GROUP)))
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(whole.flatten(1).int(), 1)
        self.packed = kernels.Packed(packed, kernels.as_it_is, kernels.as_it_is)
        self.scales = torch.stack([scale.T, middle.T], -1).bfloat16()  # (D / GROUP, F, 2)
        low, high = whole.chunk(2, dim=-1)  # the halves of each group
        self.pairs = low | high << 4  # (F, D / GROUP, GROUP / 2)
        self.bias = constant(bias)

    def forward(self, x):
        rows = F.pad(x.reshape(-1, x.shape[-1]).bfloat16(), (0, self.more))
        if len(rows) < MANY:
            product = torch.ops.aten._weight_int4pack_mm_for_cpu
            out = product(rows, self.packed.array, GROUP, self.scales)
        else:
            out = F.linear(rows, self.widened())
        out = out[:, : self.width].float()
        out = out if self.bias is None else out.add_(self.bias)
        return out.view(*x.shape[:-1], -1)

    def widened(self):
        """The matrix in bfloat16, rounded once more."""
        scale, middle = (each.T[..., None] for each in self.scales.unbind(-1))
        whole = torch.cat([self.pairs & 15, self.pairs >> 4], dim=-1).bfloat16()
        return whole.sub_(8).mul_(scale).add_(middle).flatten(1)


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
