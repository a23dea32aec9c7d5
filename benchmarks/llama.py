"""llama.cpp as a peer: our weights in a file of its kind, and its decoding by its C functions."""

import contextlib
import ctypes
import functools
import gc
import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks import machine
from tantra.gpt2.numpy_gpt import num_layers

NAMES = {  # of a block: GPT-2's and llama.cpp's
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}


@contextlib.contextmanager
def llama_cpp(weights, heads, kind):
    """A LlamaCpp on weights by GPT-2's names, rounded to kind; ImportError without the packages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.gguf")
        write_gguf(path, weights, heads, kind)
        llama = LlamaCpp(path, len(weights["wpe.weight"]))
        try:
            yield llama
        finally:
            llama.close()
            gc.collect()


def write_gguf(path, weights, heads, kind):
    """Write weights by GPT-2's names into a file for llama.cpp, its matrices as kind.

    Q4_1 has 4 bits, and a scale and a lowest value for 32 of them, but 8 bits in the last layer.
    """
    import gguf

    writer = gguf.GGUFWriter(path, "gpt2")
    context, width = weights["wpe.weight"].shape
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(num_layers(weights))
    writer.add_feed_forward_length(weights["h.0.mlp.c_fc.bias"].size)
    writer.add_head_count(heads)
    writer.add_layer_norm_eps(1e-5)
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(len(weights["wte.weight"]))
    for name, array in weights.items():
        narrow = array.ndim == 2 and name != "wpe.weight"
        last = "Q8_0" if kind == "Q4_1" else kind
        kind_here = last if name == "wte.weight" else kind
        kept = gguf.GGMLQuantizationType[kind_here if narrow else "F32"]
        turned = array.T if name.startswith("h.") else array  # (out, in)
        data = gguf.quants.quantize(np.ascontiguousarray(turned, np.float32), kept)
        writer.add_tensor(llama_name(name), data, raw_dtype=kept)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama_name(name):
    """What llama.cpp calls h.0.attn.c_attn.weight: blk.0.attn_qkv.weight."""
    whole = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
    if not name.startswith("h."):
        part, kind = name.split(".")
        return f"{whole[part]}.{kind}"
    _, number, part = name.split(".", 2)
    part, _, kind = part.rpartition(".")
    return f"blk.{number}.{NAMES[part]}.{kind}"


@functools.cache
def library():
    """llama.cpp's functions, once for all models; it says nothing."""
    import llama_cpp

    llama_cpp.tantra_silence = llama_cpp.llama_log_callback(lambda *_: None)  # it must live on
    llama_cpp.llama_log_set(llama_cpp.tantra_silence, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    return llama_cpp


class LlamaCpp:
    """A model in llama.cpp, on as many threads as torch has, everything else at its defaults.

    But for its products of 8 and 4 bits with AMX: version 0.3.36 of the package ended there, with a
    segmentation fault on several tokens at once in Q8_0, without torch too.
    """

    def __init__(self, path, context):
        self.lib = lib = library()
        what = lib.llama_model_default_params()
        what.use_extra_bufts = "amx" not in machine.describe()["instruction sets"]
        self.model = lib.llama_model_load_from_file(str(path).encode(), what)
        how = lib.llama_context_default_params()
        how.n_ctx, how.n_threads = context, torch.get_num_threads()
        how.n_threads_batch = how.n_threads
        self.context = lib.llama_init_from_model(self.model, how)
        self.vocab_size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self.model))

    def greedy(self, prompt, new):
        """So many new tokens after prompt, each the likeliest."""
        given, found = prompt, []
        self.forget()
        for _ in range(new):
            found.append(int(self.feed(given).argmax()))
            given = found[-1:]
        return found

    def logits(self, tokens):
        """The logits after tokens."""
        self.forget()
        return self.feed(tokens).copy()

    def ways(self, prompt):
        """Read the prompt; and the token after it, which the cache forgets again."""

        def read():
            self.forget()
            self.feed(prompt)

        def step():
            if self.held < len(prompt):
                read()
            self.feed(prompt[-1:])
            memory = self.lib.llama_get_memory(self.context)
            self.lib.llama_memory_seq_rm(memory, 0, len(prompt), -1)
            self.held = len(prompt)

        self.forget()
        return read, step

    def forget(self):
        """Empty the cache."""
        self.lib.llama_memory_clear(self.lib.llama_get_memory(self.context), False)
        self.held = 0

    def feed(self, tokens):
        """The logits after some more tokens; they are gone with the next call."""
        array = (self.lib.llama_token * len(tokens))(*tokens)
        if self.lib.llama_decode(self.context, self.lib.llama_batch_get_one(array, len(tokens))):
            raise RuntimeError(f"llama.cpp could not read {len(tokens)} tokens")
        self.held += len(tokens)
        logits = self.lib.llama_get_logits_ith(self.context, -1)
        return np.ctypeslib.as_array(logits, (self.vocab_size,))

    def close(self):
        """Give the memory back."""
        self.lib.llama_free(self.context)
        self.lib.llama_model_free(self.model)
