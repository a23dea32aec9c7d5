import copy
import functools
import inspect
import math
from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch
from agreement import agree, draw
from hypothesis import given, settings
from hypothesis import strategies as st
from test_model import gpt
from torch import nn

from tantra import beam_search, generate, stream
from tantra.generation.prompts import pad_left
from tantra.generation.sampling import next_token_probabilities, penalise_repetition
from tantra.generation.steps import caches_for, next_logits
from tantra.positions import AlibiPositions

KINDS = ["learned", "sinusoidal", "rotary", "learned+rotary", "alibi", "none"]
SLIDING = ["rotary", "alibi", "none"]
kinds = pytest.mark.parametrize("positions", KINDS)
prompts = st.lists(st.lists(st.integers(0, 49), min_size=1, max_size=8), min_size=1, max_size=4)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def lively(**kwargs):
    """A small model with large weights, which does not say the same again and again."""
    return copy.deepcopy(_lively(**kwargs))


@cache
def _lively(**kwargs):
    model, generator = gpt(**kwargs), seeded(1)
    for weights in model.parameters():
        if weights.ndim > 1:
            weights.data += draw(generator, *weights.shape) / 2
    return model


def recomputed(model, row, num_tokens, seed=None, **sampling):
    """One prompt continued the slow way: all of it again for each token, and the last row."""
    row, generator = list(row), None if seed is None else seeded(seed)
    penalty = sampling.pop("repetition_penalty", 1.0)
    for _ in range(num_tokens):
        logits = whole(model, torch.tensor([row]))[:, -1]
        seen = torch.zeros_like(logits, dtype=torch.bool)
        seen[0, row] = True
        logits = penalise_repetition(logits, seen, penalty)
        if seed is None:
            row.append(logits.argmax(-1).item())
        else:
            probabilities = next_token_probabilities(logits, **sampling)
            row.append(torch.multinomial(probabilities, 1, generator=generator).item())
    return row


@torch.no_grad()
def whole(model, tokens):
    """The logits of all tokens at once, of which each sees the newest context_length only."""
    numbers = torch.arange(tokens.shape[1])
    distance = numbers[:, None] - numbers
    mask = (distance >= 0) & (distance < model.config.context_length)
    alibi = AlibiPositions(model.config.num_heads, len(numbers))
    positions = alibi if model.config.positions == "alibi" else model.positions
    x, look = positions(model.token_embedding(tokens))
    for block in model.blocks:
        x = block(x, mask=mask, **look)
    return model.unembedding(model.norm(x))


# against recomputing everything


@kinds
@settings(max_examples=8)
@given(prompts, st.integers(1, 5))
def test_greedy_is_recomputing_everything(positions, rows, num_tokens):
    model = lively(positions=positions, num_kv_heads=2)
    expected = [recomputed(model, row, num_tokens) for row in rows]
    assert generate(model, rows, num_tokens, temperature=0) == expected


@kinds
@settings(max_examples=8)
@given(prompts, st.integers(1, 5), st.integers(0, 99))
def test_each_row_with_its_generator_is_what_it_is_alone(positions, rows, num_tokens, seed):
    model = lively(positions=positions)
    how = {"temperature": 0.8, "top_k": 9, "top_p": 0.9, "repetition_penalty": 1.2}
    seeds = range(seed, seed + len(rows))
    together = generate(model, rows, num_tokens, **how, generator=[seeded(s) for s in seeds])
    alone = [
        generate(model, row, num_tokens, **how, generator=seeded(s))
        for row, s in zip(rows, seeds, strict=True)
    ]
    slow = [
        recomputed(model, row, num_tokens, s, **how) for row, s in zip(rows, seeds, strict=True)
    ]
    assert together == alone == slow


@kinds
@settings(max_examples=12)
@given(prompts)
def test_logits_of_several_are_those_of_each(positions, rows):
    model = lively(positions=positions)
    tokens, padding = pad_left(rows)
    longest = max(map(len, rows))
    both = next_logits(model, tokens, model.new_caches(longest), padding)
    for row, logits in zip(rows, both, strict=True):
        agree(logits[None], model(torch.tensor([row]))[:, -1].detach(), 1e-12)


# sliding past context_length


@pytest.mark.parametrize("positions", SLIDING)
@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_past_context_length_each_token_sees_the_newest(positions, norm_position, generator):
    model = lively(positions=positions, norm_position=norm_position)
    tokens = torch.randint(50, (2, 40), generator=generator)
    caches, expected = model.new_caches(sliding=True), whole(model, tokens)
    first = next_logits(model, tokens[:, :30], caches)
    agree(first, expected[:, 29])
    buffers = [cache.k for cache in caches]
    for n in range(30, 40):
        agree(next_logits(model, tokens[:, n : n + 1], caches), expected[:, n])
    assert all(cache.k is buffer for cache, buffer in zip(caches, buffers, strict=True))
    assert {tuple(buffer.shape) for buffer in buffers} == {(2, 4, 12, 4)}


@pytest.mark.parametrize("positions", SLIDING)
def test_sliding_rows_of_all_lengths_are_what_they_are_alone(positions, generator):
    model = lively(positions=positions)
    rows = [torch.randint(50, (n,), generator=generator).tolist() for n in (1, 30, 11, 13)]
    expected = [recomputed(model, row, 15) for row in rows]
    assert generate(model, rows, 15, temperature=0) == expected


@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_numbered_positions_end_in_words(positions):
    model = lively(positions=positions)
    assert len(generate(model, [1] * 9, 4)) == 13  # nothing is asked after the last token
    refuse_to_work(model)
    says = (
        rf"a prompt of 9 tokens and 5 more need 13 positions, and {positions} positions end at "
        r"context_length \(12\): together they may be at most 13"
    )
    with pytest.raises(ValueError, match=says):
        generate(model, [[3], [1] * 9], 5)


def refuse_to_work(model):
    def refuse(*args):
        raise AssertionError("work was done")

    model.register_forward_pre_hook(refuse)


# the forms of prompts, stopping, streaming


def test_forms_come_back():
    model = lively()
    rows = [[1, 2, 3], [4, 5, 6]]
    expected = generate(model, rows, 4, temperature=0)
    both = generate(model, torch.tensor(rows), 4, temperature=0)
    assert both.tolist() == expected
    one = generate(model, torch.tensor(rows[0], dtype=torch.int32), 4, temperature=0)
    assert one.dtype == torch.int32
    assert one.tolist() == expected[0]
    assert generate(model, tuple(rows[1]), 4, temperature=0) == expected[1]
    for tokens, told in ((np.array(rows), expected), (np.array(rows[0], np.uint8), expected[0])):
        found = generate(model, tokens, 4, temperature=0)
        assert isinstance(found, np.ndarray)
        assert found.tolist() == told
    assert rows == [[1, 2, 3], [4, 5, 6]]


def test_a_row_ends_with_the_first_token_of_stop():
    model, rows = lively(), [[1, 2, 3], [4]]
    free = generate(model, rows, 9, temperature=0)
    stop = free[0][5], 49
    assert stop[0] not in free[0][3:5]
    assert stop[0] not in free[1][1:]
    stopped = generate(model, rows, 9, temperature=0, stop=stop)
    assert stopped == [free[0][:6], free[1]]
    assert generate(model, rows[0], 9, temperature=0, stop={stop[0]}) == free[0][:6]
    steps = list(stream(model, rows, 9, temperature=0, stop=[stop[0]]))
    assert [step[0] for step in steps] == [*free[0][3:6], *[None] * 6]
    assert [step[1] for step in steps] == free[1][1:]
    tensor = generate(model, torch.tensor([[1, 2, 3]] * 2), 9, temperature=0, stop=stop)
    assert tensor.tolist() == [free[0][:6]] * 2


def test_nothing_is_computed_when_all_have_stopped():
    model, calls = lively(), []
    model.register_forward_hook(lambda *_: calls.append(1))
    first = generate(model, [1, 2], 1, temperature=0)[-1]
    calls.clear()
    assert generate(model, [1, 2], 9, temperature=0, stop=[first]) == [1, 2, first]
    assert len(calls) == 1


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]]])
def test_streaming_is_generating(tokens):
    model, how = lively(), {"top_p": 0.9, "stop": range(5)}
    streamed = list(stream(model, tokens, 8, **how, generator=seeded()))
    whole = generate(model, tokens, 8, **how, generator=seeded())
    if tokens == [1, 2]:
        assert whole == tokens + streamed
    else:
        for n, (row, prompt) in enumerate(zip(whole, tokens, strict=True)):
            assert row == prompt + [step[n] for step in streamed if step[n] is not None]


def test_a_stream_computes_when_asked():
    model, calls = lively(), []
    model.register_forward_hook(lambda *_: calls.append(1))
    steps = stream(model, [1, 2], 8)
    assert not calls
    assert len(list(islice(steps, 3))) == len(calls) == 3


# what it leaves alone


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_modes_and_seeds_stay_as_they_were(training, mode):
    model = lively().train(training)
    state = torch.get_rng_state()
    with mode():
        steps = stream(model, [1, 2], 3, generator=seeded())
        tokens = [next(steps)]
        assert torch.is_grad_enabled() == (mode is torch.enable_grad)
        tokens += steps
    assert tokens == list(stream(model, [1, 2], 3, generator=seeded()))
    assert model.training is training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(weights.grad is None for weights in model.parameters())


def test_work_per_token_does_not_grow():
    model, shapes = lively(), []
    for part in (model.unembedding, model.blocks[0].attention.query):
        part.register_forward_hook(lambda part, args, out: shapes.append(tuple(out.shape)))
    generate(model, [[1, 2, 3, 4], [5, 6]], 4)
    assert shapes == [(2, 4, 16), (2, 1, 50)] + 3 * [(2, 1, 16), (2, 1, 50)]


def test_a_cache_is_as_long_as_it_must_be():
    model = lively(positions="rotary")
    assert caches_for(model, 4, 5)[0].length == 8
    assert not caches_for(model, 4, 9)[0].sliding
    assert caches_for(model, 4, 10)[0].sliding


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_half_width_models_draw_in_float32(kind):
    model = gpt(dtype=kind)
    logits = next_logits(model, torch.tensor([[1, 2]]), model.new_caches())
    assert logits.dtype == torch.float32
    assert len(generate(model, [1, 2], 5, generator=seeded())) == 7


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_cannot_be_shared_out_are_told(bad):
    model = lively()
    model.unembedding = Fixed(torch.zeros(50))
    model.unembedding.logits[3] = bad
    if bad == -math.inf:  # one that cannot come is no fault; nothing that can is
        assert 3 not in generate(model, [1, 2], 9, generator=seeded())
        model.unembedding.logits[:] = bad
    for search in (generate, functools.partial(beam_search, num_beams=2)):
        with pytest.raises(ValueError, match="the model's scores are nan or infinite; look for"):
            search(model, [1, 2], 3)


# drawn as often as they should be


class Fixed(nn.Module):
    """In place of the last layer: the same scores whatever was read."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, x):
        return self.logits.expand(*x.shape[:-1], -1)


def chi_square(counts, probabilities):
    """The probability, if tokens come with these probabilities, of counts at least so far off."""
    expected = probabilities * counts.sum()
    assert (counts[expected == 0] == 0).all()
    off = ((counts - expected) ** 2 / expected)[expected > 0]
    degrees = torch.tensor((len(off) - 1) / 2, dtype=torch.float64)
    return torch.special.gammaincc(degrees, off.sum() / 2).item()


@pytest.mark.parametrize(
    "how",
    [{}, {"temperature": 0.5}, {"temperature": 2.0, "top_k": 6}, {"top_p": 0.7}],
    ids=lambda how: "-".join(how) or "plain",
)
def test_tokens_come_as_often_as_their_chances_say(how, generator):
    model = lively(vocab_size=10)
    model.unembedding = Fixed(draw(generator, 10))
    probabilities = next_token_probabilities(model.unembedding.logits, **how)
    drawn = generate(model, torch.zeros(3000, 1, dtype=torch.int64), 2, generator=generator, **how)
    for column in (1, 2):
        counts = drawn[:, column].bincount(minlength=10)
        assert chi_square(counts, probabilities) > 1e-4
        other = next_token_probabilities(model.unembedding.logits, how.get("temperature", 1) * 1.3)
        assert chi_square(counts, other) < 1e-6  # the test would see another temperature
    pairs = drawn[:, 1] * 10 + drawn[:, 2]
    both = (probabilities[:, None] * probabilities).flatten()
    assert chi_square(pairs.bincount(minlength=100), both) > 1e-4  # one draw knows not the other


def test_rows_of_one_generator_are_drawn_apart():
    drawn = generate(lively(), torch.zeros(50, 1, dtype=torch.int64), 4, generator=seeded())
    assert len({tuple(row) for row in drawn.tolist()}) > 25


def test_repetition_control_repeats_less():
    model = lively()
    model.unembedding = Fixed(torch.linspace(1, 2, 50, dtype=torch.float64))
    assert generate(model, [3], 4, temperature=0) == [3, 49, 49, 49, 49]
    assert generate(model, [3], 4, temperature=0, repetition_penalty=1.5) == [3, 49, 48, 47, 46]
    assert generate(model, [3, 49], 2, temperature=0, repetition_penalty=1.5) == [3, 49, 48, 47]


# bad input


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        ({"tokens": []}, ValueError, "a prompt is empty; give at least one token"),
        ({"tokens": [50]}, ValueError, "token 50 is outside the vocabulary: use 0 to 49"),
        ({"num_tokens": 0}, ValueError, "num_tokens is 0; it must be at least 1"),
        ({"num_tokens": 2.0}, TypeError, r"num_tokens is 2\.0; it counts something"),
        ({"temperature": -1}, ValueError, "temperature is -1; use 0 for the likeliest"),
        ({"top_k": 0}, ValueError, "top_k is 0; it must be at least 1"),
        ({"top_p": 0.0}, ValueError, "top_p is 0.0; it is a probability"),
        ({"repetition_penalty": -1.0}, ValueError, "repetition_penalty is -1.0; use 1 for none"),
        ({"stop": 3}, TypeError, r"stop is 3; give a collection of token ids, such as \(3,\)"),
        ({"stop": "ab"}, TypeError, "stop is 'ab'; give a collection of token ids"),
        ({"stop": [50]}, ValueError, "stop 50 is outside the vocabulary: use 0 to 49"),
        ({"generator": 3}, TypeError, "generator is 3; give a torch.Generator"),
        ({"generator": [seeded()] * 2}, ValueError, "2 generators for 1 prompts; give one for"),
    ],
)
def test_bad_input_is_refused_before_any_work(bad, error, says):
    model = gpt()
    refuse_to_work(model)
    given = {"tokens": [1, 2], "num_tokens": 3} | bad
    for function in (generate, stream):
        with pytest.raises(error, match=says):
            function(model, **given)


def test_help_shows_what_both_take():
    shown = inspect.signature(generate)
    assert shown == inspect.signature(stream)
    assert {"temperature", "top_k", "top_p", "stop", "generator"} <= set(shown.parameters)


def test_an_unknown_argument_is_named():
    says = "generate has no argument 'temprature'; it has temperature, top_k, top_p"
    with pytest.raises(TypeError, match=says):
        generate(gpt(), [1], 3, temprature=0.5)
