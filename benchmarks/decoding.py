"""Tokens one by one, greedily, with a cache: GPT-2 small's size, random weights, one sequence.

Each token reads every weight once, so that the bytes read in a second are the floor.
"""

import inspect
from functools import partial

import torch

import tantra
from benchmarks import peers
from benchmarks.compare import Skipped, compare, interleave
from benchmarks.peers import Size
from tantra import gpt2

ROOM = "decoding"
SIZE = Size(layers=12, width=768, heads=12, length=1024, vocab=50257)
PROMPTS = (32, 512)
NEW = 64
PEER = "transformers"
WEIGHTS = {"float32": (4, 1.3), "float16": (2, 3.2), "int8": (1, 4.0)}  # bytes of each, aim
NUMPY, NUMPY_AIM = "NumPy alone", 1.1


def rows(floors, budget):
    """Ours by kind of weights, and NumPy alone, against transformers' generate with its cache."""
    model = peers.ours(SIZE).eval()
    peer = peers.hugging_face(SIZE).eval()
    for length in PROMPTS:
        prompt = torch.randint(SIZE.vocab, (1, length), generator=torch.Generator().manual_seed(0))
        case = f"GPT-2 small, prompt {length}, {NEW} new tokens"
        ways, missing = _ways(model, prompt)
        for name, reason in missing.items():
            yield Skipped(ROOM, case, name, PEER, reason)
        yield from _compared(ways, _hugging_face(peer, prompt), case, floors, budget / len(PROMPTS))


def _compared(ways, peer, case, floors, budget):
    seconds = interleave({name: way for name, (way, _, _) in ways.items()} | {PEER: peer}, budget)
    numbers = sum(p.numel() for p in peers.ours(SIZE).parameters())
    for name, (_, width, aim) in ways.items():
        yield compare(
            seconds,
            name,
            PEER,
            room=ROOM,
            case=case,
            work=numbers * width * NEW,
            peer_work=numbers * 4 * NEW,
            floor=floors["read"],
            aim=aim,
        )


def _ways(model, prompt):
    """{name: (action, bytes of a weight, aim)}, and {name: why it is missing}."""
    ways, missing = {}, {}
    takes_weights = "weights" in inspect.signature(tantra.stream).parameters
    for kind, (width, aim) in WEIGHTS.items():
        name, how = f"ours, {kind}", {"weights": kind} if takes_weights else {}
        if kind != "float32" and not takes_weights:
            missing[name] = "generate has no weights= yet"
        else:
            ways[name] = partial(_generate, model, prompt, **how), width, aim
    ways[NUMPY] = _numpy(model, prompt), 4, NUMPY_AIM
    return ways, missing


def _generate(model, prompt, **how):
    return tantra.generate(model, prompt, NEW, temperature=0, **how)


def _numpy(model, prompt):
    """The same in NumPy alone."""
    weights, first = gpt2.arrays(model), prompt.numpy()

    def action():
        cache, tokens = {}, first
        for _ in range(NEW):
            logits = tantra.numpy_gpt2(tokens, weights, SIZE.heads, cache, last=True)
            tokens = logits[:, -1].argmax(-1)[:, None]

    return action


def _hugging_face(model, prompt):
    """generate as transformers gives it, told to end neither sooner nor later."""
    how = {"max_new_tokens": NEW, "min_new_tokens": NEW, "do_sample": False, "use_cache": True}
    mask = torch.ones_like(prompt)
    return lambda: model.generate(prompt, attention_mask=mask, pad_token_id=0, **how)
