"""The Transformer, one idea to a file, in the order the notebooks meet them.

    arrays       the one place that knows NumPy from torch
    probes       look inside a running model
    attention    softmax, masks, scaled dot-product attention
    positions    sinusoidal, rotary and ALiBi positions, as tables
    kernels      the parts' slowest numbers, in fewer passes over memory
    layers       layer norm, GELU, feed-forward, the block
    heads        several attentions side by side
    cache        the keys and values already computed
    embedding    tokens and positions as parts of a model
    model        GPTConfig and GPT
    files        written whole or not at all, read with suspicion
    byte_pairs   join the two tokens that most often stand side by side
    vocabulary   what byte-pair tokens are made from, checked, and in files
    tokenizer    from text to tokens and back: characters, byte pairs
    data         from a long row of tokens to batches
    processes    several of them train one model
    training     cross-entropy, clipping, schedules, the loop
    optimizers   AdamW
    muon         Muon, and several optimizers as one
    recipes      what the speedrun kept, as one function
    checkpoints  a training kept in one file and taken up again
    prompts      what a model goes on from
    sampling     from scores to chances: temperature, top-k, top-p
    generation   token by token, from the cache
    decoder      a copy of a model that decodes faster
    beam         several beginnings at once
    chunks       attention over long sequences, a chunk at a time
    circuits     the same attention by other weights
    rewrites     attention in other forms, with the same output
    numpy_gpt    GPT-2's forward pass in NumPy alone
    gpt2         GPT-2's weights into our parts, and back
    gpt2_file    what stands in GPT-2's files

    verses, check, metre, plot   at the side: none of the above imports them

Letters for axes, everywhere in this library:

    B  batch          T  queries (positions being computed)     D  d_model
    H  heads          S  keys (positions looked at)             K  d_head
    V  vocabulary     F  d_ff
"""

import functools
import importlib

from tantra.attention import (
    causal_mask,
    log_softmax,
    padding_mask,
    scaled_dot_product_attention,
    softmax,
    window_mask,
)
from tantra.beam import beam_search
from tantra.cache import KVCache
from tantra.chunks import chunked_attention
from tantra.data import batches, course_text
from tantra.decoder import prepare
from tantra.generation import generate, stream
from tantra.heads import MultiHeadAttention, merge_heads, split_heads
from tantra.layers import (
    Block,
    FeedForward,
    LayerNorm,
    PostNormBlock,
    RMSNorm,
    SwiGLU,
    gelu,
    gelu_exact,
    layer_norm,
    rms_norm,
    silu,
)
from tantra.model import GPT, GPTConfig
from tantra.numpy_gpt import numpy_gpt2
from tantra.optimizers import AdamW
from tantra.positions import (
    alibi_bias,
    neighbours_to_halves,
    rotary_angles,
    rotate,
    sinusoidal_positions,
)
from tantra.probes import Probe, record
from tantra.tokenizer import BytePairTokenizer, CharTokenizer
from tantra.training import (
    clip_gradients,
    cross_entropy,
    evaluate,
    train,
    warmup_cosine,
    warmup_inverse_sqrt,
)

__all__ = [
    "GPT", "AdamW", "Block", "BytePairTokenizer", "CharTokenizer", "FeedForward", "GPTConfig",
    "KVCache", "LayerNorm", "MultiHeadAttention", "PostNormBlock", "Probe", "RMSNorm", "SwiGLU",
    "alibi_bias", "batches", "beam_search", "causal_mask", "chunked_attention",
    "clip_gradients", "course_text", "cross_entropy", "evaluate", "gelu", "gelu_exact",
    "generate", "layer_norm", "log_softmax", "merge_heads", "neighbours_to_halves",
    "numpy_gpt2", "padding_mask", "prepare", "record", "rms_norm", "rotary_angles", "rotate",
    "scaled_dot_product_attention", "silu", "sinusoidal_positions", "softmax", "split_heads",
    "stream", "train", "warmup_cosine", "warmup_inverse_sqrt", "window_mask",
]  # fmt: skip

# Loaded when first asked for, as all files are, so that the library alone needs neither matplotlib
# nor IPython.
_LAZY = {
    "progress": "tantra.check.progress:progress",
    "verse": "tantra.verses:verse",
}


def __getattr__(name):
    if name == "__version__":
        return _version()
    if name not in _LAZY and name not in _files():
        raise AttributeError(f"module 'tantra' has no attribute {name!r}")
    module, _, attribute = _LAZY.get(name, f"tantra.{name}").partition(":")
    module = importlib.import_module(module)
    return getattr(module, attribute) if attribute else module


def __dir__():
    return sorted({*__all__, *_LAZY, *_files(), "__version__"})


@functools.cache
def _files():
    """The names of tantra's files and folders."""
    import pkgutil

    return frozenset(file.name for file in pkgutil.iter_modules(__path__))


def _version():
    from importlib import metadata

    try:
        return metadata.version("transformer-tantra")
    except metadata.PackageNotFoundError:  # a copy that nobody installed
        return "unknown"
