"""GPT-2's weights: from its file into our parts, and back."""

import json

import numpy as np
import safetensors.torch
import torch

from tantra.files import short, write_whole
from tantra.gpt2 import file
from tantra.gpt2.file import KNOWN
from tantra.model import GPT
from tantra.norms import LayerNorm
from tantra.training.whole import inside
from tantra.training.whole import weights as named_weights

# What GPT-2's file calls the parts of a block, and ours that each one holds, side by side.
BLOCK = {
    "ln_1": ["norm_1"],
    "attn.c_attn": ["attention.query", "attention.key", "attention.value"],
    "attn.c_proj": ["attention.output"],
    "ln_2": ["norm_2"],
    "mlp.c_fc": ["feed_forward.up"],
    "mlp.c_proj": ["feed_forward.down"],
}
LAYOUT = {  # what a GPT of ours must be made of
    "positions": "learned",
    "norm": "layer",
    "norm_position": "pre",
    "feed_forward": "gelu",
    "attention": "plain",
    "bias": True,
}


def load(path, num_heads=None, dtype=None) -> GPT:
    """The GPT that a safetensors file in GPT-2's layout holds, of any size.

    path is the file, or a folder with model.safetensors, or with its shards and their index
    model.safetensors.index.json.  The tensors tell all sizes but one,
    num_heads: unless it is given, config.json beside the file says it, or heads are 64 wide, as
    in every GPT-2.  Numbers keep their type, unless dtype is given.  Raises ValueError, in one
    sentence, for a file that is damaged or does not fit.  Nothing in it is run.
    """
    path = file.find(path)
    try:
        settings, weights = file.settings(path), file.read(path)
        file.check_numbers(weights, dtype)
        config = file.config(weights, num_heads, settings)
        if config.tied:
            weights.pop("lm_head.weight", None)  # some files hold it all the same
        model = _empty_gpt(weights, config)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {short(error, 300)}") from None
    model.load_state_dict(from_gpt2(weights, config), assign=True)
    if config.tied:
        model.unembedding.weight = model.token_embedding.weight
    for norm in _norms(model):
        norm.eps = settings.get("layer_norm_epsilon", norm.eps)
    return model.to(dtype)


def save(path, model) -> None:
    """Write model into a safetensors file in GPT-2's layout, and config.json beside it.

    path is the file, or a folder, where it is model.safetensors.  Each of the two is written
    whole or not at all.  Raises ValueError, with nothing written, for a model that is no GPT-2.
    """
    model = inside(model)
    path, weights, c = file.find(path), to_gpt2(model), model.config
    file.check_numbers(weights)
    settings = file.settings(path) | {name: known[0] for name, known in KNOWN.items()}
    settings |= {theirs: getattr(c, ours) for theirs, ours in file.SIZES.items()}
    settings |= {"n_head": c.num_heads, "tie_word_embeddings": c.tied}
    settings |= {"layer_norm_epsilon": model.norm.eps, "architectures": ["GPT2LMHeadModel"]}
    settings |= {"dtype": str(weights["wte.weight"].dtype).removeprefix("torch.")}
    if c.vocab_size <= 50256:  # silence would mean that token 50256 begins and ends a text
        settings |= {"bos_token_id": None, "eos_token_id": None}
    text = json.dumps(settings, indent=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, safetensors.torch.save(weights, {"format": "pt"}))
    write_whole(path.with_name("config.json"), text.encode())


def arrays(model):
    """The weights of model as numpy_gpt2 takes them: NumPy arrays, by GPT-2's names.

    The table that scores tokens is stored by columns.  A single vector then meets it in the order
    of memory, and a token of GPT-2 small was measured to take a tenth less time.
    """
    weights = {
        name: (x if x.dtype is torch.float64 else x.float()).numpy(force=True)
        for name, x in to_gpt2(model).items()
    }
    scores = "wte.weight" if inside(model).config.tied else "lm_head.weight"
    return weights | {scores: np.asfortranarray(weights[scores])}


def to_gpt2(model):
    """The weights of model by GPT-2's names: query, key and value in one, matrices (in, out).

    Raises ValueError for a model with a part that GPT-2 does not have.
    """
    model = inside(model)
    c, ours = model.config, {name: x.detach() for name, x in named_weights(model).items()}
    for name, value in LAYOUT.items():
        if getattr(c, name) != value:
            raise ValueError(f"{name} is {getattr(c, name)!r}; GPT-2's layout has {value!r} only")
    if c.num_kv_heads not in (None, c.num_heads):
        raise ValueError(f"num_kv_heads is {c.num_kv_heads}; in GPT-2 each head has its own keys")
    if len({norm.eps for norm in _norms(model)}) > 1:
        raise ValueError("the norms have several eps; GPT-2's layout has one for all")
    _check_parts(c, ours)
    weights = {name: torch.cat([ours[part] for part in parts]) for name, parts in names(c).items()}
    return {name: _transposed(name, x).contiguous() for name, x in weights.items()}


def from_gpt2(weights, config):
    """The weights of a GPT of ours, by name; undoes to_gpt2."""
    ours = {}
    for name, parts in names(config).items():
        pieces = _transposed(name, weights[name]).chunk(len(parts))
        pieces = [x.clone(memory_format=torch.contiguous_format) for x in pieces]
        ours |= dict(zip(parts, pieces, strict=True))
    return ours | {"unembedding.weight": ours["token_embedding.weight"]} if config.tied else ours


def names(config):
    """Our names of what each tensor of a GPT-2 holds, by its name in the file."""
    parts = {
        f"h.{n}.{theirs}": [f"blocks.{n}.{part}" for part in ours]
        for n in range(config.num_layers)
        for theirs, ours in BLOCK.items()
    }
    table = {"wte.weight": ["token_embedding.weight"], "wpe.weight": ["positions.weight"]}
    for theirs, ours in (parts | {"ln_f": ["norm"]}).items():
        weight = "gain" if "ln_" in theirs else "weight"
        table[f"{theirs}.weight"] = [f"{part}.{weight}" for part in ours]
        table[f"{theirs}.bias"] = [f"{part}.bias" for part in ours]
    return table if config.tied else table | {"lm_head.weight": ["unembedding.weight"]}


def _check_parts(config, ours):
    """Raise ValueError unless ours are the weights of a GPT with this config, all and no others."""
    known = [part for parts in names(config).values() for part in parts]
    if missing := [name for name in known if name not in ours]:
        raise ValueError(
            f"the model has no {missing[0]} that can be read; give the model that "
            "prepare_for_decoding copied"
        )
    scores, embeds = ours.get("unembedding.weight"), ours["token_embedding.weight"]
    if config.tied and scores is not None and not torch.equal(scores, embeds):
        raise ValueError(
            "the config says that one table embeds tokens and scores them, and the model has two; "
            "tie them again: model.unembedding.weight = model.token_embedding.weight"
        )
    if extra := [name for name in ours if name not in [*known, "unembedding.weight"]]:
        raise ValueError(
            f"the model has {short(extra[0])}, for which GPT-2's layout has no place; keep it with "
            "checkpoints.save"
        )


def _transposed(name, x):
    """A block's matrix, stored (in, out) there and (out, in) here, transposed; else x."""
    return x.mT if name.startswith("h.") and x.ndim == 2 else x


def _norms(model):
    return [part for part in model.modules() if isinstance(part, LayerNorm)]


def _empty_gpt(weights, config):
    """A GPT of shapes without numbers; ValueError unless weights are all its tensors, and fit."""
    expected = names(config)
    if missing := [name for name in expected if name not in weights]:
        raise ValueError(f"it lacks {missing[0]}; get a whole file, in GPT-2's layout")
    if extra := [name for name in weights if name not in expected]:
        raise ValueError(
            f"it holds {short(extra[0])}, which a GPT-2 of {config.num_layers} layers has not; get "
            "a file of GPT-2 itself"
        )
    with torch.device("meta"):
        model = GPT(config)
    for name, x in to_gpt2(model).items():
        if weights[name].shape != x.shape:
            raise ValueError(
                f"{name} has shape {tuple(weights[name].shape)}, and beside the others needs "
                f"{tuple(x.shape)}; get another file"
            )
    return model
