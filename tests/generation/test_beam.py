import copy
import itertools
import math
from functools import cache

import pytest
import torch
from agreement import draw
from hypothesis import given, settings
from hypothesis import strategies as st
from test_model import gpt
from torch import nn

from tantra import GPTConfig, beam_search, generate
from tantra.generation.beam import beams
from tantra.generation.steps import next_logits

PROMPT = [4, 1]


@cache
def lively(positions="learned", vocab_size=5):
    model, generator = gpt(vocab_size=vocab_size, positions=positions), seeded(1)
    for weights in model.parameters():
        if weights.ndim > 1:
            weights.data += draw(generator, *weights.shape) / 2
    return model


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def likelihood(model, prompt, added):
    """The sum of log-probabilities of the tokens added, from one look at everything."""
    with torch.no_grad():
        logs = model(torch.tensor([prompt + added])).log_softmax(-1)[0]
    places = range(len(prompt) - 1, len(prompt) + len(added) - 1)
    return sum(logs[place, token].item() for place, token in zip(places, added, strict=True))


def every_continuation(vocab_size, num_tokens, stop):
    """All that end with their first token of stop, or are num_tokens long."""
    for n in range(1, num_tokens + 1):
        for added in itertools.product(range(vocab_size), repeat=n):
            early = any(token in stop for token in added[:-1])
            if not early and (n == num_tokens or added[-1] in stop):
                yield list(added)


def exhaustive(model, num_tokens, penalty, stop):
    """Every continuation with its score, the best first."""
    scored = [
        (likelihood(model, PROMPT, added) / len(added) ** penalty, added)
        for added in every_continuation(model.config.vocab_size, num_tokens, stop)
    ]
    return sorted(scored, key=lambda one: -one[0])


def agree_with(found, expected):
    assert [added for _, added in found] == [added for _, added in expected]
    for (ours, _), (theirs, _) in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-10)


@pytest.mark.parametrize("stop", [(), (3,), (0, 3)])
@pytest.mark.parametrize("penalty", [1.0, 0.0, 0.6, 3.0, -1.0])
def test_a_wide_beam_is_the_exhaustive_search(penalty, stop):
    model = lively()
    found = beams(model, PROMPT, 3, num_beams=25, length_penalty=penalty, stop=stop)
    agree_with(found, exhaustive(model, 3, penalty, stop)[:25])
    best = beam_search(model, PROMPT, 3, num_beams=25, length_penalty=penalty, stop=stop)
    assert best == PROMPT + found[0][1]


def test_there_are_no_more_than_all():
    for penalty in (0.0, 1.0):
        found = beams(lively(), PROMPT, 2, num_beams=100, length_penalty=penalty, stop=[3])
        agree_with(found, exhaustive(lively(), 2, penalty, [3]))
        assert len(found) == 1 + 4 * 5


class Table(nn.Module):
    """A model whose next token depends on the last one alone."""

    can_slide = True

    def __init__(self, probabilities):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(probabilities, dtype=torch.float64).log())
        self.config = GPTConfig(vocab_size=len(probabilities), context_length=9)

    def new_caches(self, length=None, *, sliding=False):
        return []

    def forward(self, tokens, caches=None, padding=None, last=False):
        return self.logits[tokens[:, -1:] if last else tokens]


def test_a_late_reward_is_waited_for():
    row = [0.4, 0.16, 0.15, 0.15, 0.14]
    model = Table([row, [0.01, 0.96, 0.01, 0.01, 0.01], row, row, row])
    ((score, found),) = beams(model, [0], 6, num_beams=1, stop=[0])
    assert found == [1] * 6  # though after one token, ending scored better than going on
    assert score == pytest.approx((math.log(0.16) + 5 * math.log(0.96)) / 6)
    assert math.log(0.4) > math.log(0.16) / 2


def test_what_cannot_follow_is_not_found():
    model = Table([[0.0, 0.5, 0.5], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    found = [added for _, added in beams(model, [0], 3, num_beams=9)]
    assert sorted(found) == [[1, 2, 0], [2, 0, 1], [2, 0, 2]]


def test_sums_are_float64_whatever_the_model():
    model = copy.deepcopy(lively()).float()
    logits = next_logits(model, torch.tensor([PROMPT]), model.new_caches())
    expected = logits[0].double().log_softmax(-1).sort(descending=True).values.tolist()
    found = [score for score, _ in beams(model, PROMPT, 1, num_beams=5)]
    assert found == pytest.approx(expected, abs=1e-14)


def slow_beams(model, num_tokens, num_beams, penalty, stop):
    """Beam search on plain lists, each score looked up anew."""
    alive, ended = [[]], []
    for n in range(1, num_tokens + 1):
        longer = [[*one, token] for one in alive for token in range(model.config.vocab_size)]
        ended += [one for one in longer if n == num_tokens or one[-1] in stop]
        others = [one for one in longer if one not in ended]
        alive = sorted(others, key=lambda one: -likelihood(model, PROMPT, one))[:num_beams]
    scored = [(likelihood(model, PROMPT, one) / len(one) ** penalty, one) for one in ended]
    return sorted(scored, key=lambda one: -one[0])[:num_beams]


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 3), st.sampled_from([0.0, 0.5, 1.0, 2.0, -0.5]))
def test_beams_on_random_tables_are_the_slow_ones(seed, num_beams, penalty):
    model = Table((2 * draw(seeded(seed), 5, 5)).softmax(-1).tolist())
    found = beams(model, PROMPT, 5, num_beams=num_beams, length_penalty=penalty, stop=[0])
    slow = slow_beams(model, 5, num_beams, penalty, [0])
    for (ours, added), (theirs, _) in zip(found, slow, strict=True):  # equal steps, other orders
        assert ours == pytest.approx(theirs, abs=1e-10)
        assert ours == pytest.approx(likelihood(model, PROMPT, added) / len(added) ** penalty)


@pytest.mark.parametrize("positions", ["learned", "rotary", "alibi"])
@pytest.mark.parametrize("stop", [(), (3,)])
@pytest.mark.parametrize("num_beams", [1, 2, 4])
def test_narrow_beams_are_the_slow_ones(num_beams, stop, positions):
    model = lively(positions)
    for penalty in (0.0, 1.0):
        found = beams(model, PROMPT, 4, num_beams=num_beams, length_penalty=penalty, stop=stop)
        agree_with(found, slow_beams(model, 4, num_beams, penalty, stop))


def test_one_beam_is_greedy():
    model = lively(vocab_size=30)
    expected = generate(model, PROMPT, 10, temperature=0)
    assert beam_search(model, PROMPT, 10, num_beams=1) == expected


def test_beams_find_what_greedy_misses():
    model, better = lively(vocab_size=30), 0
    for first in range(20):
        greedy = generate(model, [first], 6, temperature=0)[1:]
        ((score, found), *_) = beams(model, [first], 6, num_beams=8, length_penalty=0)
        assert score == pytest.approx(likelihood(model, [first], found), abs=1e-10)
        gain = score - likelihood(model, [first], greedy)
        assert gain > -1e-10
        better += gain > 1e-6
    assert better >= 4


def test_forms_and_several_prompts():
    model = lively()
    alone = [beam_search(model, row, 4, num_beams=3, stop=[3]) for row in ([4, 1], [2])]
    assert beam_search(model, [[4, 1], [2]], 4, num_beams=3, stop=[3]) == alone
    tensor = beam_search(model, torch.tensor([[4, 1]]), 4, num_beams=3, stop=[3])
    assert tensor.tolist() == alone[:1]


def test_the_search_ends_when_nothing_can_overtake():
    model, calls = lively(), []
    hook = model.register_forward_hook(lambda *_: calls.append(1))
    everything = range(5)
    assert len(beams(model, PROMPT, 6, num_beams=2, stop=everything)[0][1]) == 1
    assert len(calls) == 1
    calls.clear()
    beams(model, PROMPT, 8, num_beams=1, length_penalty=0, stop=range(4))
    assert len(calls) < 8
    hook.remove()


def test_beams_slide_and_have_the_lengths_asked_for():
    model = lively("rotary")
    found = beams(model, PROMPT, 20, num_beams=3)
    assert [len(added) for _, added in found] == [20] * 3
    assert all(math.isfinite(score) for score, _ in found)
    with pytest.raises(ValueError, match=r"a prompt of 2 tokens and 20 more need 21 positions"):
        beams(lively(), PROMPT, 20, num_beams=3)


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        ({"num_beams": 0}, ValueError, "num_beams is 0; it must be at least 1"),
        ({"num_tokens": 0}, ValueError, "num_tokens is 0; it must be at least 1"),
        ({"length_penalty": math.nan}, ValueError, "length_penalty is nan; give a finite number"),
        ({"tokens": [5]}, ValueError, "token 5 is outside the vocabulary: use 0 to 4"),
        ({"stop": [5]}, ValueError, "stop 5 is outside the vocabulary: use 0 to 4"),
        ({"tokens": [[1], []]}, ValueError, "a prompt is empty; give at least one token"),
        ({"tokens": [[1], [2] * 12]}, ValueError, "a prompt of 12 tokens and 3 more need 14"),
    ],
)
def test_bad_input_is_refused_before_any_work(bad, error, says):
    model = gpt(vocab_size=5)
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    given = {"tokens": [1, 2], "num_tokens": 3, "num_beams": 2} | bad
    with pytest.raises(error, match=says):
        beam_search(model, **given)
    assert not calls
