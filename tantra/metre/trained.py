"""The small models that ship with the course: they write half-verses, sound by sound.

tools/train_verse.py made model.safetensors from a seed, tools/train_inside.py the other two.  The
weights are kept as float16, which halves the file; the numbers kept beside them are the seed, the
steps and what a thousand lines of the model, drawn at temperature 0.8, were judged to be.
"""

from dataclasses import replace
from importlib.resources import as_file, files

import torch

from tantra.config import GPTConfig
from tantra.metre.varna import VarnaTokenizer
from tantra.model import GPT
from tantra.training.checkpoints import load

FILE = "model.safetensors"
CONFIG = GPTConfig(
    vocab_size=VarnaTokenizer().vocab_size,
    context_length=64,  # the longest line has 53 sounds, gaps and ends
    d_model=64,
    num_layers=4,
    num_heads=4,
    norm="rms",
    feed_forward="swiglu",
    expansion=8 / 3,  # three matrices, together as large as two with 4
    bias=False,
)
INSIDE, SECOND = "inside.safetensors", "second.safetensors"  # two seeds, which chapter 15 opens
GELU = replace(CONFIG, feed_forward="gelu", expansion=4)
CONFIGS = {FILE: CONFIG, INSIDE: GELU, SECOND: GELU}


def trained_model(file=FILE):
    """The trained GPT, in float32; its row for line_end begins a line.

    file is FILE, the model of chapter 14, or INSIDE or SECOND, those of chapter 15.
    """
    return load_trained(files(__package__).joinpath(file), CONFIGS[file])[0]


def trained_numbers(file=FILE):
    """What the file says of its training: a dictionary."""
    return load_trained(files(__package__).joinpath(file), CONFIGS[file])[1]


def load_trained(path, config=CONFIG):
    """The model of this config kept at path, and the numbers kept with it."""
    model = GPT(config, generator=torch.Generator()).half()
    with as_file(path) as file:
        numbers = load(file, model)
    return model.float().eval(), numbers
