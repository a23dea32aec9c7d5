"""Causal attention over N positions: by hand, in chunks, and with torch's fused kernel.

By hand holds N² scores; the other two never do.
"""

import torch
import torch.nn.functional as F

import tantra
from benchmarks.compare import Skipped, compare, interleave
from benchmarks.memory import peak

PART = "attention"
LENGTHS = tuple(2**n for n in range(7, 14))
HEADS, WIDTH = 2, 64
PAIRS = (("in chunks", "by hand"), ("torch's fused", "by hand"), ("in chunks", "torch's fused"))
AIMS = {("in chunks", "by hand", 8192): 4.0}


def rows(ceilings, budget):
    """Each way against by hand at each length: time forward and back, and peak memory."""
    for length in LENGTHS:
        case = f"{HEADS} heads × {WIDTH}, N = {length}"
        inputs = [torch.randn(1, HEADS, length, WIDTH, requires_grad=True) for _ in range(3)]
        actions = {name: _both_ways(way, inputs) for name, way in WAYS.items()}
        seconds = interleave(actions, budget / len(LENGTHS))
        bytes_held = {name: peak(action) for name, action in actions.items()}
        for ours, peer in PAIRS:
            if ours not in actions:
                yield Skipped(PART, case, ours, peer, "there are no chunks yet")
                continue
            yield compare(
                seconds,
                ours,
                peer,
                part=PART,
                case=case,
                work=_flops(length),
                ceiling=ceilings["float32"],
                aim=AIMS.get((ours, peer, length)),
                bytes=bytes_held[ours],
                peer_bytes=bytes_held[peer],
            )


def _by_hand(q, k, v):
    places = torch.arange(q.shape[-2])
    return tantra.scaled_dot_product_attention(q, k, v, tantra.causal_mask(places, places))[0]


def _fused(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


WAYS = {"by hand": _by_hand, "torch's fused": _fused}
try:
    from tantra.rewrites.chunks import chunked_attention

    WAYS["in chunks"] = lambda q, k, v: chunked_attention(q, k, v, causal=True)
except ImportError:
    pass


def _both_ways(way, inputs):
    """Forward, and back to the gradients of all inputs."""
    weighing = torch.ones_like(inputs[2])

    def action():
        torch.autograd.grad(way(*inputs), inputs, weighing)

    return action


def _flops(length):
    """Multiplications and additions that causal attention needs: 2 products forward, 4 back."""
    pairs = length * (length + 1) // 2
    return 2 * 6 * HEADS * WIDTH * pairs
