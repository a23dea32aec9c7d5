"""How many bits a number has where a step multiplies: what the processor is made for."""

import warnings

import torch

from tantra.checks import one_of

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}
INSTRUCTIONS = "amx_bf16", "avx512_bf16", "sve_bf16", "bf16"  # for products in bfloat16


def fastest_precision(device="cpu"):
    """The precision in which device multiplies fastest, and a line that says so, and why.

    bfloat16 where it has instructions for it, else float32; so too where torch cannot tell.  In
    bfloat16 a step of a small model may still be slower: to narrow each number, and to widen it
    again, can take longer than the products save.  With amx_bf16, 6 layers × 384 took two thirds of
    float32's time, 4 × 128 took 1.1 to 1.3 of it (one core).
    """
    found = bfloat16_instructions(device)
    if found:
        return "bfloat16", f"precision: bfloat16, for which this processor has {', '.join(found)}"
    return "float32", "precision: float32, since torch finds no instructions for bfloat16 here"


def bfloat16_instructions(device="cpu"):
    """The names of the device's instructions for products in bfloat16, as a tuple."""
    kind = torch.device(device).type
    if kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return ("tensor cores",)
    has = (
        getattr(torch.cpu, "get_capabilities", dict)() if kind == "cpu" else {}
    )  # not in old torch
    return tuple(name for name in INSTRUCTIONS if has.get(name))


def check_precision(precision, model):
    """The type to multiply in, None for the weights' own.

    Raises ValueError where it is unknown or the weights are too narrow; warns where the processor
    is not made for it.
    """
    half = one_of(PRECISIONS, "precision", precision)
    if not half:
        return half
    if other := {p.dtype for p in model.parameters()} - {torch.float32}:
        raise ValueError(
            f"precision is {precision!r} and the model has weights in {other.pop()}; small steps "
            "would be lost in them: keep them in float32, by model.float()"
        )
    device = next(model.parameters()).device
    if device.type == "cpu" and not bfloat16_instructions():
        warnings.warn(
            f"precision is {precision!r}, for which torch finds no instructions in this processor: "
            "steps were measured to take 12 to 60 times as long; give precision='float32'",
            stacklevel=3,
        )
    return half
