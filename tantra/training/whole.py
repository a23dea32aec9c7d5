"""The weights of a model, whole: what a file must hold so that nothing learned is lost."""

import torch

from tantra.kernels import Packed
from tantra.model import GPT

REGISTERED = "_parameters", "_buffers", "_modules"
SPREAD = torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel


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
        if getattr(part, "put_together", False):
            raise ValueError(
                f"{name} has its queries, keys and values in one matrix, which no model could "
                "read; take the model that prepare_for_decoding copied"
            )
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
            if isinstance(y, torch.ScriptObject | Packed) or (learns and id(y) not in seen):
                return True
    return False
