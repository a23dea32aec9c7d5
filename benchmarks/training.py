"""A training step: forward, loss, backward, clipping, AdamW.  Ours is training.train itself."""

import itertools
import time

import torch

import tantra
from benchmarks import peers
from benchmarks.compare import Skipped, compare, interleave
from benchmarks.peers import Size

PART = "training"
SIZES = (
    Size(layers=4, width=128, heads=4, length=64, batch=12),
    Size(layers=6, width=384, heads=6, length=256, batch=4),
)
OURS, EXACT, NANO = "ours, float32", "ours with exact GELU, float32", "nanoGPT's way"
PAIRS = {  # (ours, peer): the ratio hoped for
    (OURS, NANO): 1.0,
    (EXACT, NANO): 1.0,  # the same function of the weights
    (OURS, "transformers"): 1.25,
    (OURS, "torch.nn"): 1.25,
    (OURS, "x-transformers"): None,
}
HALF, HALF_AIMS = "ours, bfloat16", {"transformers": 2.2, OURS: None}
PATIENCE = 20  # seconds that one step in bfloat16 may take


def rows(ceilings, budget):
    """Our step in float32 against each peer's, and in bfloat16 against two in float32."""
    for size in SIZES:
        yield from _float32(size, ceilings, budget / len(SIZES) * 0.7)
        yield from _bfloat16(size, ceilings, budget / len(SIZES) * 0.3)


def _float32(size, ceilings, budget):
    actions, missing = {OURS: _ours(size), EXACT: _ours(size, feed_forward="gelu_exact")}, {}
    for name, build in peers.PEERS.items():
        try:
            actions[name] = peers.step(build(size), *_batch(size))
        except ImportError:
            missing[name] = "not installed: the bench extra of pyproject.toml brings it"
    seconds = interleave(actions, budget)
    for (ours, name), aim in PAIRS.items():
        if name in missing:
            yield Skipped(PART, str(size), ours, name, missing[name])
            continue
        yield compare(
            seconds,
            ours,
            name,
            part=PART,
            case=str(size),
            work=size.flops(),
            ceiling=ceilings["float32"],
            aim=aim,
        )


def _bfloat16(size, ceilings, budget):
    if (seconds := size.flops() / ceilings["bfloat16"].most) > PATIENCE:
        reason = f"a step would take {seconds:.0f} s: this machine makes {ceilings['bfloat16']}"
        yield from (Skipped(PART, str(size), HALF, peer, reason) for peer in HALF_AIMS)
        return
    actions = {
        HALF: _ours(size, precision="bfloat16"),
        OURS: _ours(size),
        "transformers": peers.step(peers.hugging_face(size), *_batch(size)),
    }
    started = time.perf_counter()
    actions[HALF]()
    least = 1 if time.perf_counter() - started > budget / 3 else 3
    seconds = interleave(actions, budget, least=least)
    for peer, aim in HALF_AIMS.items():
        yield compare(
            seconds,
            HALF,
            peer,
            part=PART,
            case=str(size),
            work=size.flops(),
            ceiling=ceilings["bfloat16"],
            peer_ceiling=ceilings["float32"],
            aim=aim,
        )


def _ours(size, precision="float32", **parts):
    """One step of training.train at each call."""
    model = peers.ours(size, **parts)
    optimizer = tantra.AdamW(model.parameters(), lr=1e-4)
    forever = itertools.repeat(_batch(size))
    steps = tantra.train(model, forever, optimizer, steps=10**6, precision=precision)
    return lambda: next(steps)


def _batch(size):
    generator = torch.Generator().manual_seed(0)
    shape = size.batch, size.length + 1
    tokens = torch.randint(size.vocab, shape, generator=generator)
    return tokens[:, :-1], tokens[:, 1:]
