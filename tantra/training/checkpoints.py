"""Checkpoints: a training kept in one file, whole or not at all, and taken up again.

The file is safetensors: arrays by name, and a JSON text with the model's config, the optimizer's
settings and numbers such as the step.  Reading it runs no code of its own, and a digest of all
that it says shows damage.
"""

import copy
import dataclasses
import hashlib
import inspect
import json
import math
from pathlib import Path

import safetensors.torch
import torch

from tantra.config import GPTConfig
from tantra.files import MOST, short, unfit, write_whole
from tantra.model import GPT
from tantra.training.muon import Optimizers

REGISTERED = "_parameters", "_buffers", "_modules"
SPREAD = torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel


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
        "config": _config(model),
        "optimizer": None if optimizer is None else _settings(optimizer),
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
        kept, settings, state = _fitting(about, arrays, model, optimizer, generators)
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
        kept = _under("model.", arrays)
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
            forms = _forms(weights(_made(config, kept)))
    except Exception as error:  # whatever a part says of sizes that it cannot have
        raise ValueError(
            f"its config is no GPT's: {short(error, 200)}; make the model (a part of your own is "
            "one more entry of PARTS), and fill it: checkpoints.load(path, model)"
        ) from None
    _check_same("weights", _forms(kept), forms)
    return config


def _made(config, kept, generator=None):
    """A new GPT, in the type of the kept weights."""
    kinds = (x.dtype for x in kept.values() if x.is_floating_point())
    return GPT(config, generator=generator).to(next(kinds, torch.float32))


def inside(model):
    """The model itself, without what compiles it or spreads it over devices."""
    while isinstance(model, SPREAD) or hasattr(model, "_orig_mod"):
        model = model.module if isinstance(model, SPREAD) else model._orig_mod
    return model


def weights(model):
    """The arrays of a model by name; one that has two names, as in tied models, by its first."""
    named, seen = {}, set()
    for name, x in model.state_dict(keep_vars=True).items():
        if id(x) not in seen:
            seen.add(id(x))
            named[name.replace("_orig_mod.", "")] = x  # of a part that was compiled alone
    return named


def check_whole(model):
    """Raise ValueError where weights(model) would not be all that the model has learned."""
    seen = {id(x) for x in model.state_dict(keep_vars=True).values()}
    for name, part in model.named_modules():
        for attribute, thing in vars(part).items():
            if attribute not in REGISTERED and _has_others(thing, seen):
                raise ValueError(
                    f"{name or 'the model'} has weights in {attribute}, which its state_dict does "
                    "not name; take the model that prepare_for_decoding copied, or register them"
                )
    tied = isinstance(model, GPT) and model.config.tied
    if tied and model.unembedding.weight is not model.token_embedding.weight:
        raise ValueError(
            "the config says that one table embeds tokens and scores them, and the model has two; "
            "take the model that prepare_for_decoding copied, or tie them again: "
            "model.unembedding.weight = model.token_embedding.weight"
        )


def _has_others(thing, seen):
    """Whether thing has weights that are none of those seen: packed ones, or in a plain list."""
    things = [*thing.values()] if isinstance(thing, dict) else thing
    for x in things if isinstance(things, list | tuple) else [things]:
        for y in x.parameters() if isinstance(x, torch.nn.Module) else [x]:
            learns = isinstance(y, torch.Tensor) and y.requires_grad
            if isinstance(y, torch.ScriptObject) or (learns and id(y) not in seen):
                return True
    return False


def _plain(x):
    """A copy of x that shares its memory with nothing, in the order of its places."""
    return x.detach().cpu().clone(memory_format=torch.contiguous_format)


def _most(model):
    """The most bytes that may be a file of model: itself in any type, and its optimizer's state."""
    return MOST + 16 * sum(x.nbytes for x in weights(model).values())


def _config(model):
    config = getattr(model, "config", None)
    return dataclasses.asdict(config) if dataclasses.is_dataclass(config) else {}


def _defaults(model):
    """The fields of the model's config, of which some may be younger than a file."""
    config = getattr(model, "config", None)
    known = dataclasses.fields(config) if dataclasses.is_dataclass(config) else ()
    return {
        field.name: field.default for field in known if field.default is not dataclasses.MISSING
    }


def _settings(optimizer):
    if not hasattr(optimizer, "state_dict"):
        raise TypeError(
            f"{type(optimizer).__name__} has no state_dict that says what it remembers; give a "
            "torch.optim.Optimizer, or save the model alone; nothing was written"
        )
    kind = " and ".join(dict.fromkeys(kind.__name__ for kind in _kinds(optimizer)))
    return {"kind": kind, "groups": optimizer.state_dict()["param_groups"]}


def _kinds(optimizer):
    """The class that each group of parameters belongs to."""
    parts = optimizer.optimizers if isinstance(optimizer, Optimizers) else (optimizer,)
    return [type(part) for part in parts for _ in part.param_groups]


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


def _fitting(about, arrays, model, optimizer, generators):
    """The weights, and the optimizer's settings and state; ValueError unless all of it fits."""
    kept, settings, state = _under("model.", arrays), None, None
    config = about["config"] and _defaults(model) | about["config"]
    _check_same("config", config, json.loads(json.dumps(_config(model))))
    _check_same("weights", _forms(kept), _forms(weights(model)))
    if optimizer is not None:
        settings = _fitting_settings(about["optimizer"], optimizer)
        state = _fitting_state(_under("optimizer.", arrays), optimizer)
    for name, generator in generators.items():
        try:
            torch.Generator(generator.device).set_state(arrays[f"generator.{name}"])
        except (KeyError, RuntimeError, TypeError):
            raise ValueError(f"it keeps no state of a generator {name!r}") from None
    return kept, settings, state


def _under(prefix, arrays):
    return {n.removeprefix(prefix): x for n, x in arrays.items() if n.startswith(prefix)}


def _forms(arrays):
    return {name: (tuple(x.shape), x.dtype) for name, x in arrays.items()}


def _check_same(what, kept, ours):
    for name in {**kept, **ours}:
        if name not in kept or name not in ours or kept[name] != ours[name]:
            there, here = (short(x[name], 60) if name in x else "missing" for x in (kept, ours))
            raise ValueError(f"of its {what}, {short(name, 60)} is {there} and should be {here}")


def _fitting_settings(kept, optimizer):
    """The settings of all groups, for load_state_dict, once the optimizer's class allows them."""
    ours, settings = _settings(optimizer), []
    try:
        if kept["kind"] != ours["kind"]:
            raise ValueError(f"its kind is {kept['kind']}")
        for kind, there, here in zip(
            _kinds(optimizer), kept["groups"], ours["groups"], strict=True
        ):
            if there["params"] != here["params"]:
                raise ValueError("its groups hold other weights")
            known = inspect.signature(kind).parameters
            given = {name: there[name] for name in here if name in known and name != "params"}
            given = {n: tuple(x) if isinstance(x, list) else x for n, x in given.items()}
            kind([torch.zeros(1, 1)], **given)  # Muon takes matrices only
            settings.append(here | given)
    except Exception as error:  # whatever the class says of settings that it cannot use
        raise ValueError(f"its optimizer does not fit {ours['kind']}: {short(error)}") from None
    return settings


def _fitting_state(kept, optimizer):
    """The state of each weight, for load_state_dict, if the optimizer's own has the same form."""
    trial = copy.deepcopy(optimizer)
    for weight in (weight for group in trial.param_groups for weight in group["params"]):
        weight.grad = torch.zeros_like(weight)
    trial.step()
    state, forms = {}, {}
    for number, own in trial.state_dict()["state"].items():
        if found := _under(f"{number}.", kept):  # none before the first step
            state[number] = found
            forms |= {f"{number}.{name}": form for name, form in _forms(own).items()}
    _check_same("optimizer", _forms(kept), forms)
    return state
