"""Ours beside two other ways to decode: picoGPT's, which is short, and llama.cpp's, which is fast.

All read the same random weights of GPT-2 small's size, and give nearly the same logits before they
are measured.  llama.cpp is C++, in the package llama-cpp-python, and reads a file that the package
gguf writes; where one of the two is missing, its rows say so.
"""

import numpy as np
import torch

import tantra
from benchmarks import decoding, peers
from benchmarks.ceilings import reading
from benchmarks.compare import Skipped, compare, interleave
from benchmarks.decoding import SIZE, weight_bytes
from benchmarks.llama import llama_cpp
from benchmarks.pico import pico_logits
from tantra import gpt2

PART = "decoders"
PROMPTS = 32, 512
PICO = "picoGPT's way"
KINDS = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int8": "Q8_0", "int4": "Q4_1"}
CLOSE = {"F32": 1e-3, "F16": 2e-3, "BF16": 1 / 50, "Q8_0": 1 / 50, "Q4_1": 1 / 4}  # of the range
NEEDS = "pip install llama-cpp-python gguf compiles it, given a C++ compiler"


def rows(ceilings, budget):
    """A token and a prompt: ours beside picoGPT's way, then each kind of weights beside theirs."""
    model = peers.ours(SIZE).eval()
    weights = gpt2.arrays(model)
    yield _pico(model, weights, budget / 8)
    for kind, theirs in KINDS.items():
        try:
            with llama_cpp(weights, SIZE.heads, theirs) as llama:
                yield from _beside(model, kind, llama, theirs, budget / 6)
        except ImportError:
            ours, peer = _names(kind, theirs)
            yield Skipped(PART, "GPT-2 small", ours, peer, f"not installed: {NEEDS}")


def _pico(model, weights, budget):
    """A token after others: ours from its cache, picoGPT's way from all of them."""
    prompt = _prompt(PROMPTS[0])
    tokens = [*prompt[0].tolist(), int(prompt[0, -1])]
    _, step = decoding._ours(tantra.prepare_for_decoding(model), prompt)
    actions = {
        "ours, float32": step,
        PICO: lambda: pico_logits(tokens, weights, SIZE.heads)[-1].argmax(),
    }
    case = f"GPT-2 small, one token after {PROMPTS[0]}"
    return compare(interleave(actions, budget), "ours, float32", PICO, part=PART, case=case)


def _beside(model, kind, llama, theirs, budget):
    """The rows of one kind of weights: one token after each prompt, and each prompt."""
    check_close(model, llama, _prompt(PROMPTS[0]), CLOSE[theirs])
    decoder = tantra.prepare_for_decoding(model, kind)
    ours, peer = _names(kind, theirs)
    work = int(weight_bytes(kind))
    bound = {"work": work, "ceiling": reading(work, budget / 8)}
    for length in PROMPTS:
        prompt = _prompt(length)
        our_read, our_step = decoding._ours(decoder, prompt)
        read_prompt, step = llama.ways(prompt[0].tolist())
        case = f"GPT-2 small, one token after {length}"
        seconds = interleave({ours: our_step, peer: step}, budget / 2 / len(PROMPTS))
        yield compare(seconds, ours, peer, part=PART, case=case, **bound)
        case = f"GPT-2 small, a prompt of {length}"
        seconds = interleave({ours: our_read, peer: read_prompt}, budget / 2 / len(PROMPTS))
        yield compare(seconds, ours, peer, part=PART, case=case)


def _names(kind, theirs):
    return f"ours, {kind}", f"llama.cpp, {theirs}"


def _prompt(length):
    return torch.randint(SIZE.vocab, (1, length), generator=torch.Generator().manual_seed(0))


def check_close(model, llama, tokens, share):
    """Raise ValueError unless llama.cpp's last logits are near a model's, for tokens (1, T)."""
    with torch.no_grad():
        ours = model(tokens)[0, -1].numpy()
    theirs = llama.logits(tokens[0].tolist())
    if (off := np.abs(ours - theirs).max() / np.ptp(ours)) > share:
        raise ValueError(f"llama.cpp's logits are off by {off:.2g} of their range: not our model")
