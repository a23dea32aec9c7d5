"""What stands in GPT-2's files, read with suspicion: tensors by name, and config.json."""

import re
from pathlib import Path

import safetensors
import torch

from tantra.config import GPTConfig
from tantra.files import read_json, short, unfit
from tantra.gpt2.numpy_gpt import num_layers

KNOWN = {  # what config.json may say so that the model is one of ours; first what silence means
    "model_type": ["gpt2"],
    "activation_function": ["gelu_new", "gelu_pytorch_tanh"],
    "scale_attn_weights": [True],
    "scale_attn_by_inverse_layer_idx": [False],
    "add_cross_attention": [False],
    "tie_word_embeddings": [True, False],
}
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
NO_PICKLE = "reading one can run any program: get model.safetensors of the same model"
SIZES = {
    "vocab_size": "vocab_size",
    "n_positions": "context_length",
    "n_embd": "d_model",
    "n_layer": "num_layers",
    "n_inner": "d_ff",
}
FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
MASK = re.compile(r"h\.[0-9]+\.attn\.(masked_)?bias")  # who may look where: no weights


def find(path):
    """The safetensors file that path means: itself, or model.safetensors in this folder."""
    path = Path(path)
    if path.suffix in PICKLES:
        raise ValueError(f"{path} is a pickle by its name, and {NO_PICKLE}")
    return path if path.suffix == ".safetensors" else path / "model.safetensors"


def read(path):
    """The tensors of a file by GPT-2's names, which are those of OpenAI's own file.

    Where it is not there and its index is, as model.safetensors.index.json, the shards that the
    index names are read.  Raises ValueError for a file that is damaged, or no safetensors file.
    Nothing in it is run.
    """
    index = path.with_name(f"{path.name}.index.json")
    tensors = _of_shards(index) if index.exists() and not path.exists() else _tensors(path)
    weights = {}
    for name, x in tensors.items():
        name = name.removeprefix("transformer.")
        if name in weights:
            raise ValueError(f"it holds {short(name)} twice, with and without 'transformer.'")
        if not MASK.fullmatch(name):
            weights[name] = x
    return weights


def _of_shards(index):
    """The tensors of all shards that an index names, each as the index says."""
    said = read_json(index)
    places = said.get("weight_map") if isinstance(said, dict) else None
    if not isinstance(places, dict) or not places or {*map(type, places.values())} != {str}:
        raise ValueError(f"{index.name} has no weight_map from tensors to files; get it again")
    tensors = {}
    for shard in sorted(set(places.values())):
        if not re.fullmatch(r"[\w.-]+\.safetensors", shard):
            raise ValueError(f"{index.name} names {short(shard)}, which is no shard beside it")
        try:
            found = _tensors(index.with_name(shard))
        except ValueError as error:
            raise ValueError(f"of its shards, {shard}: {error}") from None
        named = {name for name, place in places.items() if place == shard}
        if odd := sorted(found.keys() ^ named):
            raise ValueError(
                f"{short(odd[0])} is {'in' if odd[0] in found else 'not in'} {shard}, and "
                f"{index.name} says otherwise; get all shards of one model"
            )
        tensors |= found
    return tensors


def _tensors(path):
    """The tensors of one file, by its own names."""
    if why := unfit(path):
        raise ValueError(f"it {why}")
    try:
        with safetensors.safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, RuntimeError) as error:
        with path.open("rb") as file:
            start = file.read(3)
        if _pickled(start):
            raise ValueError(f"it is a pickle inside, and {NO_PICKLE}") from None
        raise ValueError(f"it is no whole safetensors file: {short(error)}; get it again") from None


def _pickled(start):
    """Whether three bytes begin a zip, or a pickle: 128, the protocol, and an instruction.

    The length of a header can begin with 128 too; its third byte is small, an instruction's not.
    """
    told = start[:1] == b"\x80" and start[1:2] <= b"\x05" and start[2:] >= b"("
    return start[:2] == b"PK" or told


def settings(path):
    """What config.json beside the file says, if it is there; ValueError for no GPT-2 of ours."""
    path = path.with_name("config.json")
    said = read_json(path) if path.exists() else {}
    if not isinstance(said, dict):
        raise ValueError("config.json holds no settings by name")
    for name, known in KNOWN.items():
        if said.get(name, known[0]) not in known:
            raise ValueError(
                f"config.json says {name} is {short(said[name])}; a GPT of ours has {known[0]!r}"
            )
    if (heads := said.get("n_head")) is not None and type(heads) is not int:
        raise ValueError(f"config.json says n_head is {short(heads)}; it counts heads: write 12")
    eps = said.get("layer_norm_epsilon", 1e-5)
    if not isinstance(eps, float) or not 0 < eps < 1:
        raise ValueError(f"config.json says layer_norm_epsilon is {short(eps)}; write 1e-05")
    return said


def config(weights, num_heads, settings):
    """The config of the GPT whose weights these are, by their shapes and by config.json."""
    vocab_size, d_model = _sides(weights, "wte.weight")
    num_heads = settings.get("n_head") if num_heads is None else num_heads
    if num_heads is None and d_model % 64:
        raise ValueError(f"nothing tells how many heads share the width, {d_model}; give num_heads")
    tied = settings.get("tie_word_embeddings", _same_tables(weights))
    if tied and not _same_tables(weights):
        raise ValueError("lm_head.weight is not wte.weight, though config.json says they are tied")
    found = GPTConfig(
        vocab_size=vocab_size,
        context_length=_sides(weights, "wpe.weight")[0],
        d_model=d_model,
        num_layers=num_layers(weights),
        num_heads=d_model // 64 if num_heads is None else num_heads,
        expansion=_sides(weights, "h.0.mlp.c_fc.weight")[1] / d_model,
        tied=tied,
    )
    for theirs, ours in SIZES.items():
        if settings.get(theirs) not in (None, (size := getattr(found, ours))):
            raise ValueError(
                f"config.json says {theirs} is {short(settings[theirs])}, and the tensors have "
                f"{size}; take both from one model"
            )
    return found


def _same_tables(weights):
    """Whether the table that scores tokens, if there is one, is the table that embeds them."""
    embed = weights["wte.weight"]
    score = weights.get("lm_head.weight", embed)
    return score.dtype is embed.dtype and torch.equal(score, embed)


def _sides(weights, name):
    """The two lengths of a matrix."""
    if name not in weights:
        raise ValueError(f"it lacks {name}; get a whole file, in GPT-2's layout")
    shape = tuple(weights[name].shape)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"{name} has shape {shape}, and should be a matrix; get another file")
    return shape


def check_numbers(weights, dtype=None):
    """Raise ValueError unless all numbers are finite floats, of one type where none is given."""
    first, kind = next(((name, x.dtype) for name, x in weights.items()), (None, None))
    for name, x in weights.items():
        if x.dtype not in FLOATS:
            raise ValueError(f"{short(name)} holds {x.dtype}; GPT-2's weights are {FLOATS}")
        if x.dtype is not kind and dtype is None:
            raise ValueError(
                f"{short(first)} holds {kind} and {short(name)} {x.dtype}; say one in dtype="
            )
        if not x.isfinite().all():
            raise ValueError(f"{short(name)} holds nan or inf: it was damaged, or badly trained")
