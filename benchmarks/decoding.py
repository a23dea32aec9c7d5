"""Tokens one by one, greedily, with a cache: GPT-2 small's size, random weights, one sequence.

Each token reads every weight once, so that the bytes read in a second are the ceiling.
"""

import torch

import tantra
from benchmarks import peers
from benchmarks.compare import compare, interleave
from benchmarks.peers import Size
from tantra import gpt2

PART = "decoding"
SIZE = Size(layers=12, width=768, heads=12, length=1024, vocab=50257)
PROMPTS = (32, 512)
NEW = 64
PEER = "transformers"
WEIGHTS = {"float32": (4, 1.3), "float16": (2, 3.2), "int8": (1, 4.0)}  # bytes of each, aim
NUMPY, NUMPY_AIM = "NumPy alone", 1.1


def rows(ceilings, budget):
    """Ours by kind of weights, and NumPy alone, against transformers' generate with its cache."""
    model = peers.ours(SIZE).eval()
    peer = peers.hugging_face(SIZE).eval()
    decoders = {kind: tantra.prepare_for_decoding(model, kind) for kind in WEIGHTS}
    numbers = sum(p.numel() for p in model.parameters())
    ways = {f"ours, {kind}": about for kind, about in WEIGHTS.items()} | {NUMPY: (4, NUMPY_AIM)}
    for length in PROMPTS:
        prompt = torch.randint(SIZE.vocab, (1, length), generator=torch.Generator().manual_seed(0))
        actions = {f"ours, {kind}": _ours(decoder, prompt) for kind, decoder in decoders.items()}
        actions |= {NUMPY: _numpy(model, prompt), PEER: _hugging_face(peer, prompt)}
        seconds = interleave(actions, budget / len(PROMPTS))
        for name, (width, aim) in ways.items():
            yield _row(seconds, name, length, numbers, width, aim, ceilings)


def _row(seconds, name, length, numbers, width, aim, ceilings):
    """The row of one way, whose every weight takes width bytes."""
    return compare(
        seconds,
        name,
        PEER,
        part=PART,
        case=f"GPT-2 small, prompt {length}, {NEW} new tokens",
        work=numbers * width * NEW,
        peer_work=numbers * 4 * NEW,
        ceiling=ceilings["read"],
        aim=aim,
    )


def _ours(decoder, prompt):
    return lambda: tantra.generate(decoder, prompt, NEW, temperature=0)


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
