"""Whether what a checkpoint keeps fits what is to be filled; nothing is changed to find out."""

import copy
import dataclasses
import inspect
import json

import torch

from tantra.files import short
from tantra.training.muon import Optimizers
from tantra.training.whole import weights


def fitting(about, arrays, model, optimizer, generators):
    """The weights, and the optimizer's settings and state; ValueError unless all of it fits."""
    kept, settings, state = under("model.", arrays), None, None
    config = about["config"] and _defaults(model) | about["config"]
    check_same("config", config, json.loads(json.dumps(config_of(model))))
    check_same("weights", forms_of(kept), forms_of(weights(model)))
    if optimizer is not None:
        settings = _fitting_settings(about["optimizer"], optimizer)
        state = _fitting_state(under("optimizer.", arrays), optimizer)
    for name, generator in generators.items():
        try:
            torch.Generator(generator.device).set_state(arrays[f"generator.{name}"])
        except (KeyError, RuntimeError, TypeError):
            raise ValueError(f"it keeps no state of a generator {name!r}") from None
    return kept, settings, state


def config_of(model):
    """The fields of the model's config by name; none, where it has no config."""
    config = getattr(model, "config", None)
    return dataclasses.asdict(config) if dataclasses.is_dataclass(config) else {}


def settings_of(optimizer):
    """The optimizer's kind, and the settings of each group of parameters."""
    if not hasattr(optimizer, "state_dict"):
        raise TypeError(
            f"{type(optimizer).__name__} has no state_dict that says what it remembers; give a "
            "torch.optim.Optimizer, or save the model alone; nothing was written"
        )
    kind = " and ".join(dict.fromkeys(kind.__name__ for kind in _kinds(optimizer)))
    return {"kind": kind, "groups": optimizer.state_dict()["param_groups"]}


def under(prefix, arrays):
    """The arrays whose names begin with prefix, by the rest of their names."""
    return {n.removeprefix(prefix): x for n, x in arrays.items() if n.startswith(prefix)}


def forms_of(arrays):
    """The shape and the type of each array."""
    return {name: (tuple(x.shape), x.dtype) for name, x in arrays.items()}


def check_same(what, kept, ours):
    """Raise ValueError where the two differ, with the name and both values."""
    for name in {**kept, **ours}:
        if name not in kept or name not in ours or kept[name] != ours[name]:
            there, here = (short(x[name], 60) if name in x else "missing" for x in (kept, ours))
            raise ValueError(f"of its {what}, {short(name, 60)} is {there} and should be {here}")


def _defaults(model):
    """The fields of the model's config, of which some may be younger than a file."""
    config = getattr(model, "config", None)
    known = dataclasses.fields(config) if dataclasses.is_dataclass(config) else ()
    return {
        field.name: field.default for field in known if field.default is not dataclasses.MISSING
    }


def _kinds(optimizer):
    """The class that each group of parameters belongs to."""
    parts = optimizer.optimizers if isinstance(optimizer, Optimizers) else (optimizer,)
    return [type(part) for part in parts for _ in part.param_groups]


def _fitting_settings(kept, optimizer):
    """The settings of all groups, for load_state_dict, once the optimizer's class allows them."""
    ours, settings = settings_of(optimizer), []
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
        if found := under(f"{number}.", kept):  # none before the first step
            state[number] = found
            forms |= {f"{number}.{name}": form for name, form in forms_of(own).items()}
    check_same("optimizer", forms_of(kept), forms)
    return state
