"""Ours beside two other ways to decode: picoGPT's, which is short, and llama.cpp's, which is fast.

All read the same random weights of GPT-2 small's size, and give the same logits before they are
measured.  llama.cpp is C++, in the package llama-cpp-python, and reads a file that the package gguf
writes; where one of the two is missing, its rows say so.
"""

import numpy as np
import torch

import tantra
from benchmarks import peers
from benchmarks.ceilings import reading
from benchmarks.compare import Skipped, compare, interleave
from benchmarks.decoding import SIZE
from benchmarks.llama import llama_cpp
from benchmarks.pico import pico_gpt
from tantra import gpt2

PART = "decoders"
PROMPT, NEW, NEW_PICO = 32, 64, 8
PICO = "picoGPT's way"
KINDS = {"float32": ("F32", 4), "float16": ("F16", 2), "int8": ("Q8_0", 1)}  # theirs, bytes of each
NEEDS = "pip install llama-cpp-python gguf compiles it, given a C++ compiler"
CLOSE = {"F32": 1 / 1000, "F16": 1 / 500, "Q8_0": 1 / 30}  # of the range of the logits


def rows(ceilings, budget):
    """Ours with a cache against picoGPT's way, then each kind of weights against llama.cpp's."""
    model = peers.ours(SIZE).eval()
    tokens = torch.randint(SIZE.vocab, (1, PROMPT), generator=torch.Generator().manual_seed(0))
    yield _pico(model, tokens, budget / 4)
    weights = gpt2.arrays(model)
    for kind, (theirs, width) in KINDS.items():
        case = f"GPT-2 small, prompt {PROMPT}, {NEW} new tokens"
        peer, ours = f"llama.cpp, {theirs}", f"ours, {kind}"
        try:
            with llama_cpp(weights, SIZE.heads, theirs) as llama:
                decoder = tantra.prepare_for_decoding(model, kind)
                check_close(decoder, llama, tokens, CLOSE[theirs])
                actions = {ours: _generate(decoder, tokens, NEW)}
                actions[peer] = lambda llama=llama: llama.greedy(tokens[0].tolist(), NEW)
                seconds = interleave(actions, budget / 4)
        except ImportError:
            yield Skipped(PART, case, ours, peer, f"not installed: {NEEDS}")
            continue
        read = width * sum(p.numel() for p in model.parameters())
        row = {
            "part": PART,
            "case": case,
            "work": read * NEW,
            "ceiling": reading(read, budget / 40),
        }
        yield compare(seconds, ours, peer, **row)


def _pico(model, tokens, budget):
    """Ours in float32 against picoGPT's way, a few tokens."""
    weights, decoder = gpt2.arrays(model), tantra.prepare_for_decoding(model)
    actions = {
        "ours, float32": _generate(decoder, tokens, NEW_PICO),
        PICO: lambda: pico_gpt(tokens[0].tolist(), weights, SIZE.heads, NEW_PICO),
    }
    case = f"GPT-2 small, prompt {PROMPT}, {NEW_PICO} new tokens"
    return compare(interleave(actions, budget), "ours, float32", PICO, part=PART, case=case)


def _generate(decoder, tokens, new):
    return lambda: tantra.generate(decoder, tokens, new, temperature=0)


def check_close(decoder, llama, tokens, share):
    """Raise ValueError unless both give nearly the same logits for the last of tokens (1, T)."""
    with torch.no_grad():
        ours = decoder(tokens)[0, -1].numpy()
    theirs = llama.logits(tokens[0].tolist())
    if (off := np.abs(ours - theirs).max()) > share * np.ptp(ours):
        raise ValueError(f"llama.cpp's logits are up to {off:.2g} off: not the same work")
