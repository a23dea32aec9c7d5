"""Checkpoints: a training kept in one file, whole or not at all, and taken up again.

The file is safetensors: arrays by name, and a JSON text with the model's config, the optimizer's
settings and numbers such as the step.  Reading it runs no code of its own, and a digest of all
that it says shows damage.
"""

import hashlib
import json
import math
from pathlib import Path

import safetensors.torch
import torch

from tantra.config import GPTConfig
from tantra.files import MOST, short, unfit, write_whole
from tantra.model import GPT
from tantra.training.fitting import check_same, config_of, fitting, forms_of, settings_of, under
from tantra.training.whole import check_whole, inside, weights


def save(path, model, optimizer=None, **numbers) -> None:
    """Keep model, optimizer and numbers at path, where the file is all of the old or of the new.

    A number may be anything that JSON holds, or a torch.Generator, whose state is kept.  Raises
    TypeError or ValueError, with nothing written, for what cannot be kept.  Of a model that was
    compiled, or spread over devices, the model inside is kept.
    """
    model = inside(model)
    try:
        check_whole(model)
    except ValueError as error:
        raise ValueError(f"{error}; nothing was written") from None
    generators = {name: x for name, x in numbers.items() if isinstance(x, torch.Generator)}
    about = {
        "config": config_of(model),
        "optimizer": None if optimizer is None else settings_of(optimizer),
        "numbers": {name: x for name, x in numbers.items() if name not in generators},
    }
    try:
        text = json.dumps(about, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"JSON cannot hold these numbers: {error}; nothing was written") from None
    arrays = {f"model.{name}": x for name, x in weights(model).items()}
    for number, state in (optimizer.state_dict()["state"] if optimizer else {}).items():
        arrays |= {f"optimizer.{number}.{name}": x for name, x in state.items()}
    if odd := [name for name, x in arrays.items() if not isinstance(x, torch.Tensor)]:
        raise TypeError(f"{odd[0]} is no tensor, and only tensors are kept; nothing was written")
    arrays |= {f"generator.{name}": g.get_state() for name, g in generators.items()}
    arrays = {name: _plain(x) for name, x in arrays.items()}
    if wrong := _not_finite(arrays):
        raise ValueError(f"{wrong} holds nan or inf; nothing was written")
    write_whole(path, safetensors.torch.save(arrays, _metadata(text, arrays)))


def load(path, model, optimizer=None, **generators) -> dict:
    """The numbers kept at path, once the rest of it is put into model, optimizer and generators.

    Raises ValueError, in one sentence, for a file that is damaged or does not fit.  All of it is
    checked before anything is changed.  model may be compiled, or have been when it was saved.
    """
    model = inside(model)
    try:
        check_whole(model)
        about, arrays = _read(Path(path), _most(model))
        kept, settings, state = fitting(about, arrays, model, optimizer, generators)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; nothing was changed") from None
    with torch.no_grad():
        for name, x in weights(model).items():
            x.copy_(kept[name])
    if optimizer is not None:
        optimizer.load_state_dict({"state": state, "param_groups": settings})
    for name, generator in generators.items():
        generator.set_state(arrays[f"generator.{name}"])
    return about["numbers"]


def model(path) -> GPT:
    """The GPT kept at path, of the config that is kept with it, in the type of its weights.

    Raises ValueError, in one sentence, for a file that is damaged, or that keeps another model
    than a GPT of parts in PARTS: such a one is made first, and given to load.  The file says how
    large the model is, so it may be of any size.
    """
    try:
        about, arrays = _read(Path(path), math.inf)
        kept = under("model.", arrays)
        config = _gpt_config(about["config"], kept)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    made = _made(config, kept, torch.Generator())  # no global seed is touched
    made.load_state_dict(kept, strict=False)  # of a table with two names, one is kept
    return made


def _gpt_config(fields, kept):
    """The config of a GPT that has just the kept weights; ValueError if there is none."""
    try:
        if not fields:
            raise ValueError("it is empty")
        config = GPTConfig(**fields)
        if config.num_layers > len(kept):
            raise ValueError(f"it has {config.num_layers} layers, for {len(kept)} arrays")
        with torch.device("meta"):  # no memory is taken for a size that may be wrong
            forms = forms_of(weights(_made(config, kept)))
    except Exception as error:  # whatever a part says of sizes that it cannot have
        raise ValueError(
            f"its config is no GPT's: {short(error, 200)}; make the model (a part of your own is "
            "one more entry of PARTS), and fill it: checkpoints.load(path, model)"
        ) from None
    check_same("weights", forms_of(kept), forms)
    return config


def _made(config, kept, generator=None):
    """A new GPT, in the type of the kept weights."""
    kinds = (x.dtype for x in kept.values() if x.is_floating_point())
    return GPT(config, generator=generator).to(next(kinds, torch.float32))


def _plain(x):
    """A copy of x that shares its memory with nothing, in the order of its places."""
    return x.detach().cpu().clone(memory_format=torch.contiguous_format)


def _most(model):
    """The most bytes that may be a file of model: itself in any type, and its optimizer's state."""
    return MOST + 16 * sum(x.nbytes for x in weights(model).values())


def _not_finite(arrays):
    """The name of the first array with nan or inf in it, if there is one."""
    return next((name for name, x in arrays.items() if not x.isfinite().all()), None)


def _metadata(text, arrays):
    digest = hashlib.sha256(text.encode())
    for name, x in sorted(arrays.items()):
        digest.update(f"\n{name} {x.dtype} {tuple(x.shape)}\n".encode())
        digest.update(x.reshape(-1).view(torch.uint8).numpy())
    return {"about": text, "digest": digest.hexdigest()}


def _read(path, most):
    """The JSON part and the arrays of a file, if it is just as save wrote it."""
    if why := unfit(path, most):
        raise ValueError(f"it {why}")
    content = path.read_bytes()
    try:
        arrays = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = header["__metadata__"]
        about = json.loads(metadata["about"])
        kinds = {name: type(x) for name, x in about.items() if name != "optimizer"}
        known = kinds == {"config": dict, "numbers": dict} and "optimizer" in about
        digest, wrong = _metadata(metadata["about"], arrays), _not_finite(arrays)
    except Exception:  # a file can be wrong in more ways than its readers have names for
        raise ValueError("it is cut off, damaged, or was never a checkpoint") from None
    if not known or metadata != digest:
        raise ValueError("its digest does not fit its content: it was damaged or changed")
    if wrong:
        raise ValueError(f"{short(wrong)} holds nan or inf")
    return about, arrays
