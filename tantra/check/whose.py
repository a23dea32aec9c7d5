"""Which parts of an assembled model are the reader's, and why others are not.

A part that calls tantra's softmax or gelu gets the reader's.  On torch, a part is taken only if a
small model with it has the library's logits, loss and gradients.
"""

import contextlib
import functools
import inspect
import io
import re
import traceback
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np
import torch

import tantra
from tantra.check import progress
from tantra.check.parts import WORK, PartFailed, arrays, complete, logits, loss, named
from tantra.check.source import brief


class Side:
    """Which parts are the reader's for one kind of arrays, why others are not, and the calls.

    calls counts them in one pass with its loss, in a small model with as many blocks.
    """

    def __init__(self, kind, makers, trial):
        self.own, self.why, calls = {}, {}, Counter()
        for name in filter(makers.__contains__, WORK):
            try:
                part = makers[name](_stand_ins(name, self.own))
            except LookupError as reason:
                self.why[name] = str(reason)
                continue
            own = self.own | {name: named(name, part, calls)}
            if kind is torch and (problem := trial.problem(own)):
                self.why[name] = f"{name} in torch is the library's: {problem}{_divisor(name)}"
            else:
                self.own = own
        self.calls, self.fails = trial.counted(kind, self.own, calls)


class Trial:
    """A small model of the same kind, in which parts are tried."""

    def __init__(self, config):
        sizes = {"vocab_size": 11, "context_length": 7, "d_model": 4 * config.num_heads}
        self.config = replace(config, expansion=2, **sizes)
        generator = torch.Generator().manual_seed(0)
        with torch.device("cpu"):
            self.gpt = tantra.GPT(self.config, generator=generator).double()
            for weights in self.gpt.parameters():  # larger weights: every part shows
                shape, dtype = weights.shape, weights.dtype
                weights.data += 0.2 * torch.randn(shape, generator=generator, dtype=dtype)
            self.tokens = torch.randint(11, (2, 5), generator=generator)
        self.expected = self.gradients({})

    def run(self, kind, own):
        """Logits and loss with these parts, of NumPy arrays or of torch tensors."""
        tokens = self.tokens.numpy() if kind is np else self.tokens
        part = complete(own)
        with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
            out = logits(tokens, arrays(self.gpt, tokens), self.config, part)
            return out, loss(out[..., :-1, :], tokens, part)

    def counted(self, kind, own, calls):
        """The calls that the parts count in one pass, and what stopped it, in words, or None."""
        calls.clear()
        fails = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.run(kind, own)
            except Exception as error:
                fails = f"The model does not run on your parts: {brief(error, 400)}"
        return Counter(calls), fails

    def gradients(self, own):
        """Logits, loss and the gradients by all weights, on torch."""
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("error")
            out, value = self.run(torch, own)
            weights = list(self.gpt.parameters())
            found = torch.autograd.grad(value, weights, allow_unused=True)
        return {"logits": [out], "loss": [value], "gradients": found}

    def problem(self, own):
        """Why these parts will not do on torch, in words; None where all is the library's."""
        try:
            found = self.gradients(own)
        except Exception as error:
            return _raised(error.__cause__ if isinstance(error, PartFailed) else error)
        for what, expected in self.expected.items():
            for ours, theirs in zip(found[what], expected, strict=True):
                if ours is None or ours.shape != theirs.shape:
                    return f"with yours, the {what} are not all there"
                if not torch.allclose(ours.double(), theirs, rtol=1e-9, atol=1e-12):
                    apart = (ours - theirs).abs().max().item()
                    return f"with yours, the {what} differ by up to {apart:.1g}"
        return None


def _raised(error):
    """The error, and the reader's line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next((f.line for f in reversed(frames) if f.filename.startswith("<your ")), "")
    where = f" at {brief(line, 80)}" if line else ""
    reason = "NumPy's functions keep no gradient" if "np." in line else brief(error, 100)
    return f"yours raises {type(error).__name__}{where}: {reason}"


def _divisor(name):
    """The usual reason why a mean of squares is not the same on torch, where the text has it."""
    text = str(progress.passed().get(name, {}).get("source"))
    found = re.search(r"\.(var|std)\(", text)
    return f" (torch's {found[1]} divides by D - 1, NumPy's by D)" if found else ""


def _stand_ins(name, own):
    """What a part gets in the place of tantra's functions: the parts above it, whosever."""
    part, above = complete(own), list(WORK)[: list(WORK).index(name)]
    library = {each: getattr(tantra, each) for each in above if each in tantra.__all__}
    return {each: _called_as(theirs, getattr(part, each)) for each, theirs in library.items()}


def _called_as(library, part):
    """part, for a text that calls it as the library's; what it cannot take goes to the library's.

    An argument that is the library's default, such as axis=-1, is left out.
    """
    known = inspect.signature(library)

    @functools.wraps(library)
    def call(*args, **options):
        given = known.bind(*args, **options).arguments
        told = {name: value for name, value in given.items() if not _is_default(known, name, value)}
        if list(told) == list(known.parameters)[: len(told)] and _takes(part, told.values()):
            return part(*told.values())
        return library(*args, **options)

    return library if part is library else call


def _is_default(signature, name, value):
    default = signature.parameters[name].default
    return isinstance(value, int | float | str | None) and value == default


def _takes(function, values):
    try:
        inspect.signature(function).bind(*values)
    except (TypeError, ValueError):
        return False
    return True
