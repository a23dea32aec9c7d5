"""A training step: forward, loss, backward, clipping, AdamW.  Ours is training.train itself."""

import inspect
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
AIMS = {"transformers": 1.25, "torch.nn": 1.25, "x-transformers": None}
HALF_AIM = 2.2
PATIENCE = 20  # seconds that one step in bfloat16 may take


def rows(ceilings, budget):
    """Our step in float32 against each peer's, and in bfloat16 against transformers' float32."""
    for size in SIZES:
        yield from _float32(size, ceilings, budget / len(SIZES) * 0.7)
        yield _bfloat16(size, ceilings, budget / len(SIZES) * 0.3)


def _float32(size, ceilings, budget):
    actions, missing = {"ours, float32": _ours(size)}, {}
    for name, build in peers.PEERS.items():
        try:
            actions[name] = peers.step(build(size), *_batch(size))
        except ImportError:
            missing[name] = "not installed: the bench extra of pyproject.toml brings it"
    seconds = interleave(actions, budget)
    for name, aim in AIMS.items():
        if name in missing:
            yield Skipped(PART, str(size), "ours, float32", name, missing[name])
            continue
        yield compare(
            seconds,
            "ours, float32",
            name,
            part=PART,
            case=str(size),
            work=size.flops(),
            ceiling=ceilings["float32"],
            aim=aim,
        )


def _bfloat16(size, ceilings, budget):
    ours, peer = "ours, bfloat16", "transformers"
    if "precision" not in inspect.signature(tantra.train).parameters:
        return Skipped(PART, str(size), ours, peer, "training.train has no precision yet")
    if (seconds := size.flops() / ceilings["bfloat16"].most) > PATIENCE:
        reason = f"a step would take {seconds:.0f} s: this machine makes {ceilings['bfloat16']}"
        return Skipped(PART, str(size), ours, peer, reason)
    actions = {
        ours: _ours(size, precision="bfloat16"),
        peer: peers.step(peers.hugging_face(size), *_batch(size)),
    }
    started = time.perf_counter()
    actions[ours]()
    least = 1 if time.perf_counter() - started > budget / 3 else 3
    return compare(
        interleave(actions, budget, least=least),
        ours,
        peer,
        part=PART,
        case=str(size),
        work=size.flops(),
        ceiling=ceilings["bfloat16"],
        peer_ceiling=ceilings["float32"],
        aim=HALF_AIM,
    )


def _ours(size, **how):
    """One step of training.train at each call."""
    model = peers.ours(size)
    optimizer = tantra.AdamW(model.parameters(), lr=1e-4)
    forever = itertools.repeat(_batch(size))
    steps = tantra.train(model, forever, optimizer, steps=10**6, **how)
    return lambda: next(steps)


def _batch(size):
    generator = torch.Generator().manual_seed(0)
    shape = size.batch, size.length + 1
    tokens = torch.randint(size.vocab, shape, generator=generator)
    return tokens[:, :-1], tokens[:, 1:]
