"""The shape line of every docstring is true, on NumPy and on torch; so is every example.

A shape line looks like    q (..., T, K)   k (..., S, K)   num_heads = H  ->  (..., T, S)
"""

import doctest
import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest
import torch
from torch import nn

import tantra
from tantra import embedding, feed_forward, gpt2, heads, positions, two_sequences
from tantra.generation import decoder, eight_bits, four_bits, layers, one_product

SIZES = {"B": 2, "T": 5, "S": 7, "D": 6, "H": 3, "K": 4, "V": 11, "F": 13}  # no two alike
LEADING = (2, 3)  # what ... stands for
ARRAY = re.compile(r"(\w+) \(([^)]*)\)")
NUMBER = re.compile(r"(\w+) = ([\w·]+)")
AXIS = r"(?:\.\.\.|[BTSDHKVF\d](?:·[BTSDHKVF\d])*(?:/2)?)"
AXES = rf"\((?:{AXIS}(?:, {AXIS})*,?)?\)"
LINE = re.compile(
    rf"(?:\w+ (?:{AXES}|= [\w·]+)   )*\w+ (?:{AXES}|= [\w·]+)  ->  {AXES}(?:, {AXES})*"
)

LEFT_OUT = {
    "classroom": "of notebooks and marks",
    "check": "of readers' functions; tests/check compares assembled models with GPTs",
    "metre": "of words",
    "plot": "of pictures, which have no axes of numbers",
    "verses": "of words",
}
MODULES = [
    importlib.import_module(file.name)
    for file in pkgutil.walk_packages(tantra.__path__, "tantra.")
    if file.name.split(".")[1] not in LEFT_OUT
]


def small_gpt():
    return tantra.GPT(
        tantra.GPTConfig(vocab_size=11, context_length=9, d_model=6, num_layers=2, num_heads=3)
    )


def small_encoder_decoder(norm_position):
    sizes = {"vocab_size": 11, "context_length": 9, "d_model": 6, "num_layers": 2, "num_heads": 3}
    config = two_sequences.EncoderDecoderConfig(**sizes, norm_position=norm_position)
    return two_sequences.EncoderDecoder(config)


OF_TENSORS = "by_rows", "by_groups", "as_grouped"
KIND = dict.fromkeys(OF_TENSORS, torch.from_numpy) | {"numpy_gpt2": np.asarray}  # one kind alone
BESIDES = {"numpy_gpt2": lambda: {"weights": gpt2.arrays(small_gpt())}}  # what no line can tell
IN_FLOAT32 = {"Half", "Int8", "Int8ByPairs", "Int8Rows", "BFloat16", "Int4"}
BUILDERS = {
    "Probe": lambda: tantra.Probe(),
    "LayerNorm": lambda: tantra.LayerNorm(6),
    "RMSNorm": lambda: tantra.RMSNorm(6),
    "FeedForward": lambda: tantra.FeedForward(6, 13),
    "SquaredReLU": lambda: feed_forward.SquaredReLU(6, 13),
    "HeadNorm": lambda: heads.HeadNorm(2),
    "ReLUFeedForward": lambda: feed_forward.ReLUFeedForward(6, 13),
    "ExactFeedForward": lambda: feed_forward.ExactFeedForward(6, 13),
    "NormedAttention": lambda: heads.NormedAttention(6, 3),
    "SwiGLU": lambda: tantra.SwiGLU(6, 13),
    "MultiHeadAttention": lambda: tantra.MultiHeadAttention(6, 3),
    "Block": lambda: tantra.Block(*parts()),
    "PostNormBlock": lambda: tantra.PostNormBlock(*parts()),
    "TokenEmbedding": lambda: embedding.TokenEmbedding(11, 6),
    "LearnedPositions": lambda: positions.LearnedPositions(9, 6),
    "SinusoidalPositions": lambda: positions.SinusoidalPositions(9, 6),
    "RotaryPositions": lambda: positions.RotaryPositions(2),
    "LearnedRotaryPositions": lambda: positions.LearnedRotaryPositions(9, 6, 2),
    "AlibiPositions": lambda: positions.AlibiPositions(3, 9),
    "NoPositions": lambda: positions.NoPositions(),
    "OneProduct": lambda: one_product.OneProduct(tantra.MultiHeadAttention(6, 3)),
    "Half": lambda: layers.Half(torch.randn(13, 6), None),
    "BFloat16": lambda: layers.BFloat16(torch.randn(13, 6), None),
    "Int8Rows": lambda: eight_bits.Int8Rows(torch.randn(13, 6), None),
    "Int8": lambda: eight_bits.Int8(torch.randn(13, 6), None),
    "Int8ByPairs": lambda: eight_bits.Int8ByPairs(torch.randn(13, 6), None),
    "Int4": lambda: four_bits.Int4(torch.randn(13, 6), None),
    "GPT": small_gpt,
    "StraightGPT": lambda: tantra.prepare_for_decoding(small_gpt()),
    "DecoderBlock": lambda: small_encoder_decoder("pre").decoder[0],
    "PostNormDecoderBlock": lambda: small_encoder_decoder("post").decoder[0],
    "EncoderDecoder": lambda: small_encoder_decoder("post"),
}


def parts():
    attention, feed_forward = tantra.MultiHeadAttention(6, 3), tantra.FeedForward(6, 13)
    return attention, feed_forward, tantra.LayerNorm(6), tantra.LayerNorm(6)


def length(axis):
    product, _, divisor = axis.partition("/")
    factors = [SIZES.get(factor) or int(factor) for factor in product.split("·")]
    return int(np.prod(factors)) // int(divisor or 1)


def shape(axes):
    names = [name.strip() for name in axes.split(",") if name.strip()]
    sizes = [LEADING if name == "..." else (length(name),) for name in names]
    return tuple(n for group in sizes for n in group)


def shape_lines(thing):
    return [line for line in (inspect.getdoc(thing) or "").splitlines() if "  ->  " in line]


def defined(module, kind):
    return [
        thing
        for name, thing in vars(module).items()
        if kind(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
    ]


FUNCTIONS = [f for module in MODULES for f in defined(module, inspect.isfunction)]
CLASSES = [c for module in MODULES for c in defined(module, inspect.isclass)]
SHAPED = [f for f in FUNCTIONS if shape_lines(f)]
PARTS = [c for c in CLASSES if issubclass(c, nn.Module)]


def draw(name, axes, rng):
    """An argument by this name: positions and lengths are whole numbers, a mask says yes and no."""
    if name in ("queries", "keys"):
        return np.arange(*shape(axes))
    if name == "lengths":
        return rng.integers(1, 8, shape(axes))
    if name in ("tokens", "targets", "source", "target"):
        return rng.integers(0, 11, shape(axes))
    values = rng.standard_normal(shape(axes))
    return (values > 0) | (np.arange(values.shape[-1]) == 0) if name in ("mask", "seen") else values


def claimed(line):
    inputs, outputs = line.split("->")
    return inputs, [shape(axes) for axes in re.findall(r"\(([^)]*)\)", outputs)]


def found(result):
    result = result if isinstance(result, tuple) else (result,)
    return [tuple(x.shape) for x in result if hasattr(x, "shape")]


@pytest.mark.parametrize("function", SHAPED, ids=lambda f: f.__name__)
def test_shape_line_of_a_function(function, as_array, rng):
    (line,) = shape_lines(function)
    inputs, expected = claimed(line)
    as_array = KIND.get(function.__name__, as_array)
    arrays = {name: as_array(draw(name, axes, rng)) for name, axes in ARRAY.findall(inputs)}
    numbers = {name: length(axis) for name, axis in NUMBER.findall(inputs)}
    result = function(**arrays, **numbers, **BESIDES.get(function.__name__, dict)())
    assert found(result) == expected
    if arrays:
        kind = torch.Tensor if as_array is torch.from_numpy else np.ndarray | np.generic
        results = result if isinstance(result, tuple) else (result,)
        assert all(isinstance(x, kind) for x in results)


@pytest.mark.parametrize("part", PARTS, ids=lambda c: c.__name__)
def test_shape_line_of_a_part(part, rng):
    (line,) = shape_lines(part)
    inputs, expected = claimed(line)
    if part.__name__ in IN_FLOAT32 and not decoder._fast():
        pytest.skip("torch has no such kernels here")
    if part.__name__ == "BFloat16" and not decoder.has_bfloat16():
        pytest.skip("the processor does not multiply in bfloat16")
    arrays = [torch.from_numpy(draw(name, axes, rng)) for name, axes in ARRAY.findall(inputs)]
    assert part.__name__ in BUILDERS, f"say in BUILDERS how a small {part.__name__} is made"
    model = BUILDERS[part.__name__]()
    if part.__name__ in IN_FLOAT32:
        arrays = [x.float() for x in arrays]
    else:
        model.double()
    assert found(model(*arrays)) == expected


@pytest.mark.parametrize("thing", SHAPED + PARTS, ids=lambda f: f.__name__)
def test_shape_lines_keep_to_the_grammar(thing):
    assert LINE.fullmatch(shape_lines(thing)[0])


def test_functions_of_arrays_have_a_shape_line():
    public = {f.__name__ for f in FUNCTIONS if f.__name__ in tantra.__all__}
    of_no_arrays = {"record", "generate", "stream", "beam_search", "prepare_for_decoding"}
    of_no_arrays |= {"batches", "course_text", "clip_gradients", "evaluate", "train"}
    of_no_arrays |= {"warmup_cosine", "warmup_inverse_sqrt"}
    assert public - {f.__name__ for f in SHAPED} == of_no_arrays


@pytest.mark.parametrize("thing", FUNCTIONS + CLASSES, ids=lambda f: f.__name__)
def test_everything_public_says_what_it_is(thing):
    first = inspect.getdoc(thing).split("\n\n")[0]
    assert first.rstrip().endswith(".")


def examples(module):
    return doctest.testmod(module, extraglobs={"np": np, "torch": torch})


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_examples_are_true(module):
    assert examples(module).failed == 0


def test_there_are_examples():
    assert sum(examples(module).attempted for module in MODULES) >= 7
