import math

import numpy as np
import pytest
import torch
from agreement import agree, draw
from hypothesis import given
from hypothesis import strategies as st
from transformers.generation.logits_process import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from tantra.generation.sampling import (
    check_sampling,
    keep_top_k,
    keep_top_p,
    next_token_probabilities,
    penalise_repetition,
    with_temperature,
)

VOCAB = 23
scores = st.lists(st.sampled_from([-3.0, -1.0, 0.0, 0.5, 2.0]), min_size=1, max_size=9)


def same(ours, theirs):
    """Equal, and -inf at the same places."""
    assert torch.equal(ours == -torch.inf, theirs == -torch.inf)
    agree(ours.where(ours > -torch.inf, 0.0), theirs.where(theirs > -torch.inf, 0.0), 1e-12)


# against Hugging Face, which keeps all of several equal scores: normal numbers have none


@pytest.mark.parametrize("top_k", [1, 2, 7, 22, 23, 100])
def test_top_k_is_hugging_faces(top_k, generator):
    logits = draw(generator, 5, VOCAB)
    same(keep_top_k(logits, top_k), TopKLogitsWarper(top_k)(None, logits))


@pytest.mark.parametrize("top_p", [1e-9, 0.1, 0.5, 0.9, 0.999])
def test_top_p_is_hugging_faces(top_p, generator):
    logits = 2 * draw(generator, 50, VOCAB)
    same(keep_top_p(logits, top_p), TopPLogitsWarper(top_p)(None, logits))


@pytest.mark.parametrize("penalty", [0.5, 1.0, 1.2, 3.0])
def test_repetition_penalty_is_hugging_faces(penalty, generator):
    logits, tokens = draw(generator, 5, VOCAB), torch.randint(VOCAB, (5, 6), generator=generator)
    seen = torch.zeros(5, VOCAB, dtype=torch.bool).scatter(1, tokens, True)
    theirs = RepetitionPenaltyLogitsProcessor(penalty)(tokens, logits.clone())
    agree(penalise_repetition(logits, seen, penalty), theirs)


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, None, None), (0.3, None, None), (2.0, 5, None), (0.7, None, 0.8), (1.5, 9, 0.6)],
)
def test_chances_are_hugging_faces(temperature, top_k, top_p, dtype, generator):
    logits = draw(generator, 20, VOCAB, dtype=dtype)
    theirs = TemperatureLogitsWarper(temperature)(None, logits)
    theirs = TopKLogitsWarper(top_k)(None, theirs) if top_k else theirs
    theirs = TopPLogitsWarper(top_p)(None, theirs) if top_p else theirs
    agree(next_token_probabilities(logits, temperature, top_k, top_p), theirs.softmax(-1))


# what must hold


@given(scores, st.integers(1, 12))
def test_top_k_keeps_exactly_k_the_largest_first_and_of_equals_the_earlier(row, top_k):
    kept = np.isfinite(keep_top_k(np.array(row), top_k))
    order = sorted(range(len(row)), key=lambda i: (-row[i], i))
    assert sorted(order[:top_k]) == np.flatnonzero(kept).tolist()


@given(scores, st.floats(0.01, 1.0))
def test_top_p_keeps_the_fewest_that_reach_it(row, top_p):
    logits = np.array(row)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    order = sorted(range(len(row)), key=lambda i: (-row[i], i))
    reached = np.cumsum(probabilities[order])
    if top_p < 1 and abs(reached - top_p).min() < 1e-9:
        return  # rounding decides
    fewest = next((n for n, total in enumerate(reached, 1) if total >= top_p), len(row))
    kept = np.isfinite(keep_top_p(logits, top_p))
    assert np.flatnonzero(kept).tolist() == sorted(order[:fewest])


def test_top_p_1_keeps_the_smallest_chance():
    logits = torch.cat([torch.zeros(1000), torch.full((9,), -60.0)])  # float32: 1 + e⁻⁶⁰ is 1
    assert torch.equal(keep_top_p(logits, 1), logits)
    assert keep_top_p(logits, 1 - 1e-6).isinf().sum() >= 9


@given(scores, st.sampled_from([0.0, 1e-320, 1e-60, 1e-6]))
def test_hardly_any_temperature_takes_the_first_of_the_largest(row, temperature):
    logits = torch.tensor(row, dtype=torch.float32)
    probabilities = next_token_probabilities(logits, temperature)
    if temperature == 0:
        assert probabilities.tolist() == [float(i == logits.argmax()) for i in range(len(row))]
    else:
        likeliest = (logits == logits.max()).float()
        agree(probabilities, likeliest / likeliest.sum())


def test_small_temperatures_are_taken_at_their_word():
    logits = torch.tensor([1e-6, 0.0], dtype=torch.float64)
    expected = torch.tensor([math.e, 1.0], dtype=torch.float64) / (math.e + 1)
    agree(next_token_probabilities(logits, 1e-6), expected, 1e-9)


def test_temperature_by_hand(as_array):
    logits = as_array(np.log(np.array([[1.0, 2.0, 4.0]])))
    for temperature, parts in [(1, [1, 2, 4]), (0.5, [1, 4, 16]), (2, [1, 2**0.5, 2])]:
        expected = np.array([parts]) / sum(parts)
        agree(next_token_probabilities(logits, temperature), as_array(expected))
        agree(with_temperature(logits, temperature) * temperature, as_array(
            np.log(np.array([[0.25, 0.5, 1.0]]))))  # fmt: skip


def test_numpy_and_torch_are_one(generator):
    logits, seen = draw(generator, 3, 4, VOCAB), draw(generator, 3, 4, VOCAB) > 0
    for function, args in [
        (penalise_repetition, (1.3,)),
        (with_temperature, (0.7,)),
        (keep_top_k, (4,)),
        (keep_top_p, (0.7,)),
        (next_token_probabilities, (0.7, 9, 0.8)),
    ]:
        extra = (seen,) if function is penalise_repetition else ()
        ours = function(logits, *extra, *args)
        numpy = function(logits.numpy(), *(e.numpy() for e in extra), *args)
        assert type(numpy) is np.ndarray
        same(ours, torch.from_numpy(numpy))


def test_what_was_cut_stays_cut():
    logits = np.array([1.0, -math.inf, 0.0, -math.inf])
    assert np.flatnonzero(np.isfinite(keep_top_k(logits, 3))).tolist() == [0, 2]
    assert np.flatnonzero(np.isfinite(keep_top_p(logits, 0.99))).tolist() == [0, 2]
    assert next_token_probabilities(logits, 0.5, 3, 0.99)[[1, 3]].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        ({"temperature": -0.1}, ValueError, "temperature is -0.1; use 0 for the likeliest token"),
        ({"temperature": math.nan}, ValueError, "temperature is nan; give a finite number"),
        ({"temperature": math.inf}, ValueError, "temperature is inf; give a finite number"),
        ({"temperature": "1"}, TypeError, "temperature is '1'; give a number"),
        ({"temperature": True}, TypeError, "temperature is True; give a number"),
        ({"top_k": 0}, ValueError, "top_k is 0; it must be at least 1"),
        ({"top_k": 1.5}, TypeError, r"top_k is 1\.5; it counts something"),
        ({"top_p": 0}, ValueError, "top_p is 0; it is a probability, above 0 and at most 1"),
        ({"top_p": 1.1}, ValueError, r"top_p is 1\.1; it is a probability, above 0 and at most 1"),
        ({"top_p": math.nan}, ValueError, "top_p is nan; give a finite number"),
        ({"repetition_penalty": 0}, ValueError, "repetition_penalty is 0; use 1 for none"),
        ({"repetition_penalty": math.inf}, ValueError, "repetition_penalty is inf; give a fin"),
    ],
)
def test_sampling_that_cannot_be(bad, error, says):
    with pytest.raises(error, match=says):
        check_sampling(**bad)


def test_sampling_that_can_be():
    check_sampling(temperature=0, top_k=1, top_p=1, repetition_penalty=0.5)
    check_sampling(temperature=np.float32(0.5), top_k=np.int64(3), top_p=np.float64(0.1))
