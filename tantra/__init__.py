"""The Transformer, one idea to a file.  Each file stands on those before it, on none after it.

    what all use   arrays, checks, files, probes, initial
    the parts      softmax, attention, cache, positions, kernels, heads, norms, feed_forward, block
    the model      embedding, config, model
    text           course, byte_pairs, vocabulary, tokenizer
    training       processes, loss, precisions, schedules, loop, data, optimizers, muon, whole
    training       fitting, checkpoints, averaging, recipes
    generation     prompts, sampling, steps, beam
    generation     layers, eight_bits, four_bits, one_product, straight, decoder
    rewrites       forms, chunks, circuits
    gpt2           numpy_gpt, file, weights
    two_sequences  blocks, given, model, bleu
    at the side    ceilings, plot, verses, metre, maps, check, classroom

Letters for axes, everywhere in this library:

    B  batch          T  queries (positions being computed)     D  d_model
    H  heads          S  keys (positions looked at)             K  d_head
    V  vocabulary     F  d_ff
"""

import functools
import importlib

from tantra.attention import (
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
    window_mask,
)
from tantra.block import Block, PostNormBlock
from tantra.cache import KVCache
from tantra.config import GPTConfig
from tantra.feed_forward import FeedForward, SwiGLU, gelu, gelu_exact, silu
from tantra.generation import generate, stream
from tantra.generation.beam import beam_search
from tantra.generation.decoder import prepare_for_decoding
from tantra.heads import MultiHeadAttention, merge_heads, split_heads
from tantra.model import GPT
from tantra.norms import LayerNorm, RMSNorm, layer_norm, rms_norm
from tantra.positions import (
    alibi_bias,
    neighbours_to_halves,
    rotary_angles,
    rotate,
    sinusoidal_positions,
)
from tantra.probes import Probe, record
from tantra.rewrites import chunked_attention
from tantra.softmax import log_softmax, softmax  # from now on tantra.softmax is the function
from tantra.text import BytePairTokenizer, CharTokenizer, course_text
from tantra.training import (
    clip_gradients,
    cross_entropy,
    evaluate,
    train,
    warmup_cosine,
    warmup_inverse_sqrt,
)
from tantra.training.data import batches
from tantra.training.optimizers import AdamW

__all__ = [
    "GPT", "AdamW", "Block", "BytePairTokenizer", "CharTokenizer", "FeedForward", "GPTConfig",
    "KVCache", "LayerNorm", "MultiHeadAttention", "PostNormBlock", "Probe", "RMSNorm", "SwiGLU",
    "alibi_bias", "batches", "beam_search", "causal_mask", "chunked_attention",
    "clip_gradients", "course_text", "cross_entropy", "evaluate", "gelu", "gelu_exact",
    "generate", "layer_norm", "log_softmax", "merge_heads", "neighbours_to_halves",
    "numpy_gpt2", "padding_mask", "prepare_for_decoding", "record", "rms_norm", "rotary_angles",
    "rotate", "scaled_dot_product_attention", "silu", "sinusoidal_positions", "softmax",
    "split_heads", "stream", "train", "warmup_cosine", "warmup_inverse_sqrt", "window_mask",
]  # fmt: skip

# Loaded when first asked for, as all files are, so that the library alone needs neither matplotlib
# nor IPython nor safetensors.
_LAZY = {
    "draw_map": "tantra.maps:draw_map",
    "numpy_gpt2": "tantra.gpt2.numpy_gpt:numpy_gpt2",
    "progress": "tantra.check.progress:progress",
    "verse": "tantra.verses:verse",
}
_ROOMS = {  # whose files can also be had as tantra.checkpoints and so on
    "text": ["byte_pairs", "vocabulary", "tokenizer"],
    "training": ["processes", "data", "optimizers", "muon", "checkpoints", "recipes"],
    "generation": ["prompts", "sampling", "beam", "decoder"],
    "rewrites": ["chunks", "circuits"],
    "gpt2": ["numpy_gpt"],
}
_HOMES = {file: f"tantra.{room}.{file}" for room, files in _ROOMS.items() for file in files}
_HOMES["gpt2_file"] = "tantra.gpt2.file"


def __getattr__(name):
    if name == "__version__":
        return _version()
    if name not in _LAZY and name not in _files():
        raise AttributeError(f"module 'tantra' has no attribute {name!r}")
    place = _LAZY.get(name) or _HOMES.get(name) or f"tantra.{name}"
    module, _, attribute = place.partition(":")
    module = importlib.import_module(module)
    return getattr(module, attribute) if attribute else module


def __dir__():
    return sorted({*__all__, *_LAZY, *_files(), "__version__"})


@functools.cache
def _files():
    """The names of tantra's files and rooms, and of files in the rooms that are had here too."""
    import pkgutil

    return frozenset(_HOMES).union(file.name for file in pkgutil.iter_modules(__path__))


def _version():
    from importlib import metadata

    try:
        return metadata.version("transformer-tantra")
    except metadata.PackageNotFoundError:  # a copy that nobody installed
        return "unknown"
