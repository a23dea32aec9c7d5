"""Decoder: a copy of a model whose matrices lie ready for one row at a time.

A token alone meets every weight once, so it lasts as long as the weights take to be read: half the
bytes, about half the time.
"""

import copy
import math
import warnings

import torch
from torch import nn

from tantra.checks import one_of

FINER = torch.tensor([63.0, 63 * 126]).view(2, 1, 1)  # whole numbers in the largest of x


def prepare_for_decoding(model, weights="float32") -> nn.Module:
    """A copy of model for generate, stream and beam_search, which answers faster on a CPU.

    weights says to what its matrices are rounded: "float32" to nothing, "float16" to 11 bits,
    "int8" to 8 bits and one scale for each output (see by_rows).  Largest change of a logit, of
    the range of the logits: float32 1/100,000, float16 1/1000, int8 1/50.  Tests hold it to that
    at GPT-2 small's width and on a trained model; all of GPT-2 small with random weights gave 0,
    1/2900 and 1/78.

    What stays as it is (norms, biases, embeddings) is shared with the model: prepare again when
    the model has learned.  The copy itself does not learn.  Raises ValueError where weights is
    unknown, or the model's are not finite float32 numbers on a CPU.
    """
    build = one_of(LAYERS, "weights", weights)
    for name, parameter in model.named_parameters():
        _check(name, parameter, weights)
    shared = {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in model.parameters()}
    decoder = copy.deepcopy(model, shared)
    for part in list(decoder.modules()):
        for name, layer in part.named_children():
            if type(layer) is nn.Linear:
                setattr(part, name, build(layer.weight, layer.bias))
    return decoder.eval()


def plain(weight, bias):
    """The layer with this matrix in float32, laid out as one row of x reads it fastest.

    Measured on one core with AVX2: the matrix transposed in memory, so that each number of x meets
    numbers side by side, takes 0.6 to 0.75 of the time where there are more outputs than inputs, as
    long where there are as many, and 1.3 times as long where there are fewer.
    """
    if weight.shape[0] > weight.shape[1]:
        weight = weight.T.contiguous().T  # the same numbers by the same index, in another order
    layer = nn.utils.skip_init(nn.Linear, *weight.shape[::-1], bias=bias is not None)
    layer.weight, layer.bias = _constant(weight), _constant(bias)
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


class Int8(nn.Module):
    """The layer with its matrix in 8 bits, and x in 14: two whole numbers of 7 bits for each.

    x (..., D)  ->  (..., F)

    The product of whole numbers is exact, and fastest with x in 7 bits, which is too coarse: an
    error of 2 % of a typical output was measured.  So x is cut into what 7 bits can say and, 126
    times enlarged, what they leave out.  Both meet the matrix in one reading.
    """

    def __init__(self, weight, bias):
        super().__init__()
        whole, scale = by_rows(weight)
        zeros = torch.zeros(len(scale), dtype=torch.int64)
        with warnings.catch_warnings():  # torch means to remove this; _fast will say so
            warnings.simplefilter("ignore")
            packable = torch.quantize_per_channel(
                _as_rounded(whole, scale), scale, zeros, 0, torch.qint8
            )
            self.packed = torch.ops.quantized.linear_prepack(packable, None)
        self.bias = _constant(bias)

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])  # (M, D)
        most = torch.linalg.vector_norm(rows, math.inf, -1, keepdim=True).clamp_(min=1e-30)
        both = rows * (FINER / most)  # (2, M, D)
        coarse, rest = both
        coarse.round_()  # from -63 to 63
        rest.sub_(coarse, alpha=126)
        out = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            both.flatten(0, 1), 1.0, 64, self.packed
        )
        out = out.view(2, len(rows), -1).mul_(most / FINER).sum(0)  # (M, F)
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


def _half(weight, bias):
    return (Half if _fast() else plain)(weight.half().float(), bias)


def _int8(weight, bias):
    if _fast() and weight.numel() >= LARGE:
        return Int8(weight, bias)
    return (Half if _fast() else plain)(_as_rounded(*by_rows(weight)), bias)


# From so many numbers on, Int8 gains more by its fewer bytes than it loses by cutting x, 15 small
# operations; below, the same 8 bits lie in float16 (768 × 768: 0.11 ms, not 0.18).
LARGE = 2**21
LAYERS = {"float32": plain, "float16": _half, "int8": _int8}
MOST = {"float16": 65504.0}
KERNELS = "linear_dynamic_fp16", "linear_with_input_q_dq_qweight_dq_output_fp32"


def _fast():
    """Whether torch has the kernels here; without them the rounded numbers are kept in float32."""
    x86 = torch.backends.quantized.engine in ("x86", "fbgemm")
    there = all(hasattr(torch.ops.quantized, name) for name in KERNELS)
    return x86 and there and hasattr(torch, "quantize_per_channel")


def _as_rounded(whole, scale):
    return whole * scale[:, None]


def _constant(numbers):
    return None if numbers is None else nn.Parameter(numbers, requires_grad=False)


def _check(name, numbers, weights):
    if numbers.dtype != torch.float32 or not numbers.is_cpu:
        raise ValueError(
            f"{name} is {numbers.dtype} on {numbers.device}; a decoder is made from float32 on a "
            "CPU: model.float().cpu()"
        )
    most = numbers.abs().max().item() if numbers.numel() else 0.0
    if not most <= MOST.get(weights, torch.finfo(torch.float32).max):
        raise ValueError(f"{name} holds {most}, and {weights} holds only smaller, finite numbers")
