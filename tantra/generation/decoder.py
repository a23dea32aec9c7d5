"""Decoder: a copy of a model whose matrices lie ready for one row at a time.

A token alone meets every weight once, so it lasts as long as the weights take to be read: half the
bytes, about half the time.
"""

import copy

import torch
from torch import nn

from tantra.block import Block
from tantra.checks import one_of
from tantra.generation.eight_bits import Int8, Int8ByPairs, Int8Rows, as_rounded, by_rows
from tantra.generation.four_bits import Int4, as_grouped
from tantra.generation.layers import BFloat16, Half, plain
from tantra.generation.one_product import in_one_product
from tantra.generation.straight import straightened


def prepare_for_decoding(model, weights="float32") -> nn.Module:
    """A copy of model for generate, stream and beam_search, which answers faster on a CPU.

    weights says to what its matrices are rounded: "float32" to nothing, "float16" to 11 bits,
    "bfloat16" to 8 bits, "int8" to 8 bits and one scale for each output (see by_rows), "int4" to
    4 bits in groups (see by_groups) and those of the last layer, unembedding, to int8.  Largest
    change of a logit, of the range of the logits: float32 1/100,000, float16 1/1000, bfloat16
    1/50, int8 1/50, int4 1/4.  Tests hold it to that at GPT-2 small's width and on a trained model.

    "bfloat16" rounds what is multiplied and each product too, where the processor has
    instructions for it (AVX-512 BF16 or AMX); without them it gains nothing.  "int8" rounds both
    so on these processors, but for the last layer, and "int4" wherever it is fast.

    What stays as it is (norms, biases, embeddings) is shared with the model: prepare again when
    the model has learned.  The copy itself does not learn; checkpoints.save refuses it where
    matrices are packed or put together.  A GPT of the usual parts takes a token after others
    straight (see StraightGPT); probes and hooks are heard all the same.  Raises ValueError where
    weights is unknown, or the model's are not finite float32 numbers on a CPU.
    """
    build = one_of(LAYERS, "weights", weights)
    for name, parameter in model.named_parameters():
        _check(name, parameter, weights)
    shared = {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in model.parameters()}
    decoder = copy.deepcopy(model, shared)
    for part in list(decoder.modules()):
        if isinstance(part, Block):
            part.attention = in_one_product(part.attention)
        for name, layer in part.named_children():
            if type(layer) is nn.Linear:
                make = LAYERS[LAST.get(weights, weights)] if name == "unembedding" else build
                setattr(part, name, make(layer.weight, layer.bias))
    return straightened(decoder).eval()


def _half(weight, bias):
    return (Half if _fast() else plain)(weight.half().float(), bias)


def _bfloat16(weight, bias):
    return (BFloat16 if has_bfloat16() else plain)(weight.bfloat16().float(), bias)


def _int8(weight, bias):
    if has_bfloat16() and weight.numel() < LARGEST:
        return Int8Rows(weight, bias)
    if has_vnni() and weight.numel() >= LARGE["vnni"]:
        return Int8(weight, bias)
    if _fast() and weight.numel() >= LARGE["pairs"]:
        return Int8ByPairs(weight, bias)
    return (Half if _fast() else plain)(as_rounded(*by_rows(weight)), bias)


def _int4(weight, bias):
    if hasattr(torch.ops.aten, "_weight_int4pack_mm_for_cpu"):
        return Int4(weight, bias)
    return plain(as_grouped(weight), bias)


def has_bfloat16():
    """Whether the processor multiplies in bfloat16, and torch has the product."""
    there = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    able = there and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return able and _has("avx512_bf16", "amx_bf16")


def has_vnni():
    """Whether the processor adds up four products of whole numbers at once, and torch asks it."""
    there = hasattr(torch.ops.onednn, "qlinear_pointwise")
    return there and _has("avx512_vnni", "avx_vnni", "amx_int8")


def _has(*instructions):
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in instructions)


# From so many numbers on, such as the layer that scores, oneDNN's own layouts are the faster ones.
LARGEST = 2**24
# From so many numbers on, 8 bits gain more by their fewer bytes than they lose by cutting x; below,
# the same 8 bits lie in float16 (768 × 768, Int8: 0.08 ms, not 0.16; Int8ByPairs: 0.11, not 0.18).
LARGE = {"vnni": 2**20, "pairs": 2**21}
LAYERS = {"float32": plain, "float16": _half, "bfloat16": _bfloat16, "int8": _int8, "int4": _int4}
LAST = {"int4": "int8"}  # of the layer that scores
MOST = {"float16": 65504.0}
KERNELS = "linear_dynamic_fp16", "linear_with_input_q_dq_qweight_dq_output_fp32"


def _fast():
    """Whether torch has the kernels here; without them the rounded numbers are kept in float32."""
    x86 = torch.backends.quantized.engine in ("x86", "fbgemm")
    there = all(hasattr(torch.ops.quantized, name) for name in KERNELS)
    return x86 and there and hasattr(torch, "quantize_per_channel")


def _check(name, numbers, weights):
    if numbers.dtype != torch.float32 or not numbers.is_cpu:
        raise ValueError(
            f"{name} is {numbers.dtype} on {numbers.device}; a decoder is made from float32 on a "
            "CPU: model.float().cpu()"
        )
    most = numbers.abs().max().item() if numbers.numel() else 0.0
    if not most <= MOST.get(weights, torch.finfo(torch.float32).max):
        raise ValueError(f"{name} holds {most}, and {weights} holds only smaller, finite numbers")
