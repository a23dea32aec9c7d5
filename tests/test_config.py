import copy
import dataclasses
import inspect
import pickle
import re

import pytest
import torch

from tantra import (
    GPTConfig,
)
from tantra.config import PARTS, build

SMALL = {"vocab_size": 50, "context_length": 12, "d_model": 16, "num_layers": 2, "num_heads": 4}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in PARTS.items() for name in names]
)
def test_each_part_draws_from_the_generator_only(kind, name):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    parts = [
        build(GPTConfig(**SMALL | {kind: name}), kind, torch.Generator().manual_seed(0))
        for _ in range(2)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    first, second = (part.state_dict() for part in parts)
    assert all(torch.equal(first[weight], second[weight]) for weight in first)


@pytest.mark.parametrize("slopes", ["paper", "released"])
def test_the_slopes_are_those_of_the_name(slopes):
    name = {"paper": "alibi", "released": "alibi_released"}[slopes]
    config = GPTConfig(**SMALL | {"d_model": 12, "num_heads": 3}, positions=name)
    assert build(config, "positions").slopes == slopes


@pytest.mark.parametrize("kind", PARTS)
def test_an_unknown_name_is_answered_with_the_known_ones(kind):
    known = re.escape(", ".join(map(repr, PARTS[kind])))
    with pytest.raises(
        ValueError, match=f"{kind} is 'best', which nobody knows; choose .* {known}"
    ):
        GPTConfig(**{kind: "best"})


def test_derived_sizes():
    config = GPTConfig(d_model=96, num_heads=4, expansion=8 / 3)
    assert config.d_head == 24
    assert config.d_ff == 256
    assert build(GPTConfig(d_model=48, expansion=2), "feed_forward").up.weight.shape == (96, 48)


def test_a_config_is_frozen_and_can_be_copied():
    config = GPTConfig(**SMALL)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.d_model = 5
    assert dataclasses.replace(config, num_layers=3).num_layers == 3
    assert copy.deepcopy(config) == pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"n_heads": 4}, TypeError, "GPTConfig has no field 'n_heads'; it has vocab_size, cont"),
        ({"d_model": 10, "num_heads": 4}, ValueError, r"d_model \(10\) must be .* num_heads \(4\)"),
        ({"num_heads": 4, "num_kv_heads": 3}, ValueError, r"\(4\) must be .* num_kv_heads \(3\)"),
        ({"num_kv_heads": 0}, ValueError, "num_kv_heads is 0; it must be at least 1"),
        ({"vocab_size": 0}, ValueError, "vocab_size is 0; it must be at least 1"),
        ({"context_length": -1}, ValueError, "context_length is -1; it must be at least 1"),
        ({"num_layers": 2.0}, TypeError, r"num_layers is 2\.0; it counts something"),
        ({"d_model": "64"}, TypeError, "d_model is '64'; it counts something"),
        ({"expansion": 0}, ValueError, "d_ff is 0; it must be at least 1"),
        ({"expansion": "4"}, TypeError, "expansion is '4'; give a number"),
        ({"bias": "no"}, TypeError, "bias is 'no'; give True or False"),
        ({"tied": None}, TypeError, "tied is None; give True or False"),
        ({"rotary_base": 0}, ValueError, "rotary_base is 0; it must be above 0, such as 10,000"),
        ({"rotary_base": "1e4"}, TypeError, "rotary_base is '1e4'; give a number"),
        (
            {"positions": "rotary"},
            ValueError,
            "d_head is 1, and features are rotated in pairs; use 2",
        ),
    ],
)
def test_a_config_that_cannot_be(fields, error, says):
    with pytest.raises(error, match=says):
        GPTConfig(**SMALL | {"d_model": 12, "num_heads": 12} | fields)


def test_completion_and_help_show_the_fields():
    shown = inspect.signature(GPTConfig)
    assert list(shown.parameters) == [field.name for field in dataclasses.fields(GPTConfig)]
    assert shown.parameters["d_model"].default == 768
    assert {x.kind for x in shown.parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
