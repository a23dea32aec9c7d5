import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw
from hypothesis import given
from hypothesis import strategies as st

from tantra import (
    causal_mask,
    rewrites,
    scaled_dot_product_attention,
)

sizes = st.integers(1, 5)


seeds = st.integers(0, 99)


def arrays(T=5, S=7, K=4, D=6, axes=(2, 3), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [draw(generator, *axes, *shape) for shape in ((T, K), (S, K), (S, D))]


def causal(T, S):
    return causal_mask(torch.arange(S - T, S), torch.arange(S))


@given(T=sizes, longer=sizes, K=sizes, seed=seeds)
def test_the_last_row_is_the_last_row(T, longer, K, seed):
    q, k, v = arrays(T, T + longer, K, seed=seed)
    whole = scaled_dot_product_attention(q, k, v, causal(T, T + longer))[0]
    agree(rewrites.last_row(q, k, v), whole[..., -1:, :])


@given(T=sizes, K=sizes, seed=seeds)
def test_row_by_row_is_causal_attention(T, K, seed):
    q, k, v = arrays(T, T, K, seed=seed)
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    agree(rewrites.row_by_row(q, k, v), expected)
    ours = rewrites.row_by_row(*(x.numpy() for x in (q, k, v)))
    assert isinstance(ours, np.ndarray)
    agree(ours, expected)


@given(T=sizes, parts=st.lists(sizes, min_size=1, max_size=4), K=sizes, seed=seeds)
def test_parts_combine_to_the_whole(T, parts, K, seed):
    q, k, v = arrays(T, sum(parts), K, seed=seed)
    whole = rewrites.attend_part(q, k, v)
    agree(whole[0], F.scaled_dot_product_attention(q, k, v))
    agree(whole[1], torch.logsumexp(q @ k.mT / math.sqrt(K), -1, keepdim=True))
    found = [
        rewrites.attend_part(q, *part)
        for part in zip(k.split(parts, -2), v.split(parts, -2), strict=True)
    ]
    agree(rewrites.combine(*map(torch.stack, zip(*found, strict=True))), whole)


def test_a_part_that_a_query_may_not_see_counts_for_nothing(as_array):
    q, k, v = (as_array(x.numpy()) for x in arrays(4, 4))
    mask = as_array(causal(4, 4).numpy())
    first = rewrites.attend_part(q, k[..., :2, :], v[..., :2, :], mask[:, :2])
    second = rewrites.attend_part(q, k[..., 2:, :], v[..., 2:, :], mask[:, 2:])
    assert (second[0][..., :2, :] == 0).all()
    assert (second[1][..., :2, :] == -math.inf).all()
    xp = torch if isinstance(q, torch.Tensor) else np
    averages, _ = rewrites.combine(*(xp.stack(pair) for pair in zip(first, second, strict=True)))
    agree(averages, scaled_dot_product_attention(q, k, v, mask)[0])


def test_parts_with_large_scores_do_not_overflow():
    q, k, v = arrays()
    parts = [rewrites.attend_part(1000 * q, k[..., c, :], v[..., c, :]) for c in ([0, 1], [2, 3])]
    averages, log_sums = rewrites.combine(*map(torch.stack, zip(*parts, strict=True)))
    scores = 1000 * q @ k[..., :4, :].mT / 2
    agree(log_sums, torch.logsumexp(scores, -1, keepdim=True))
    agree(averages, F.scaled_dot_product_attention(1000 * q, k[..., :4, :], v[..., :4, :]), 1e-10)


@given(groups=sizes, shared=sizes, T=sizes, S=sizes, seed=seeds)
def test_stacked_groups_are_repeated_keys(groups, shared, T, S, seed):
    q, _, _ = arrays(T, S, axes=(2, groups * shared), seed=seed)
    _, k, v = arrays(T, S, axes=(2, groups), seed=seed + 1)
    expected = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    agree(rewrites.stack_groups(q, k, v), expected)


def test_groups_that_do_not_divide_the_heads():
    q, k, v = arrays(axes=(3,))
    with pytest.raises(ValueError, match=r"num_heads \(3\) must be a multiple of num_kv_heads"):
        rewrites.stack_groups(q, k[:2], v[:2])


def test_all_rewrites_can_be_had_here():
    assert len(rewrites.__all__) >= 12
    for name in rewrites.__all__:
        assert callable(getattr(rewrites, name))
