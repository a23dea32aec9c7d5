import functools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw, forward_and_gradients
from hypothesis import given
from hypothesis import strategies as st

from tantra import (
    causal_mask,
    log_softmax,
    padding_mask,
    scaled_dot_product_attention,
    softmax,
    window_mask,
)
from tantra.attention import attention_scores

# masks


def test_causal_mask_compares_positions(as_array):
    mask = causal_mask(as_array(np.array([2, 3])), as_array(np.arange(5)))
    assert np.asarray(mask).tolist() == [[True] * 3 + [False] * 2, [True] * 4 + [False]]


def test_causal_mask_wants_positions():
    with pytest.raises(TypeError, match=r"queries are positions, such as arange\(5\), and not 4"):
        causal_mask(4, np.arange(4))
    with pytest.raises(TypeError, match=r"keys are positions, such as arange\(5\), and not 4"):
        causal_mask(np.arange(4), 4)
    for mask in (causal_mask, functools.partial(window_mask, window=2)):
        with pytest.raises(TypeError, match=r"keys are positions, such as arange\(5\), and not \["):
            mask(np.arange(2), [0, 1])


def test_padding_mask(as_array):
    mask = np.asarray(padding_mask(as_array(np.array([1, 4, 3])), 4))
    assert mask.shape == (3, 1, 1, 4)
    assert mask.sum(axis=-1).ravel().tolist() == [1, 4, 3]
    assert mask[2, 0, 0].tolist() == [True, True, True, False]


def test_padding_mask_wants_a_length_for_each_sequence():
    np.testing.assert_array_equal(padding_mask([1, 3], 3), padding_mask(np.array([1, 3]), 3))
    for lengths in (3, [[1, 3]]):
        with pytest.raises(ValueError, match=r"give one for each sequence, such as \[3, 5\]"):
            padding_mask(lengths, 3)


@pytest.mark.parametrize("wrong", [0, 5, -1])
def test_padding_mask_refuses_lengths_that_cannot_be(as_array, wrong):
    with pytest.raises(ValueError, match=rf"\[2, {wrong}\]; each must be from 1 to 4 keys"):
        padding_mask(as_array(np.array([2, wrong])), 4)


def arrays(generator, dtype=torch.float64):
    shapes = (2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 4)
    return [draw(generator, *shape, dtype=dtype) for shape in shapes]


# attention


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_torchs(masked, dtype, generator):
    mask = causal_mask(torch.arange(2, 7), torch.arange(7)) if masked else None
    qkv = arrays(generator, dtype)
    agree(
        forward_and_gradients(lambda *qkv: scaled_dot_product_attention(*qkv, mask)[0], *qkv),
        forward_and_gradients(
            lambda *qkv: F.scaled_dot_product_attention(*qkv, attn_mask=mask), *qkv
        ),
    )


def test_numpy_and_torch_agree(generator):
    qkv = arrays(generator)
    mask = causal_mask(np.arange(2, 7), np.arange(7))
    agree(
        scaled_dot_product_attention(*(x.numpy() for x in qkv), mask),
        scaled_dot_product_attention(*qkv, torch.from_numpy(mask)),
    )


def test_bias_is_added_to_the_scores_before_the_mask(generator):
    q, k, v = arrays(generator)
    bias, mask = draw(generator, 5, 7), causal_mask(torch.arange(2, 7), torch.arange(7))
    ours = scaled_dot_product_attention(q, k, v, mask, bias)[0]
    both = torch.where(mask, bias, -torch.inf)
    agree(ours, F.scaled_dot_product_attention(q, k, v, attn_mask=both))


@given(st.permutations(range(6)))
def test_moving_keys_with_their_values_changes_nothing(order):
    q, k, v = (draw(torch.Generator().manual_seed(i), 6, 4) for i in range(3))
    agree(
        scaled_dot_product_attention(q, k[order], v[order])[0],
        scaled_dot_product_attention(q, k, v)[0],
        1e-12,
    )


@given(st.permutations(range(6)))
def test_moving_queries_moves_their_answers(order):
    q, k, v = (draw(torch.Generator().manual_seed(i), 6, 4) for i in range(3))
    agree(
        scaled_dot_product_attention(q[order], k, v)[0],
        scaled_dot_product_attention(q, k, v)[0][order],
        1e-12,
    )


@given(st.integers(0, 5), st.floats(-100, 100))
def test_the_future_cannot_change_the_past(t, change):
    q, k, v = (draw(torch.Generator().manual_seed(i), 6, 4) for i in range(3))
    mask = causal_mask(torch.arange(6), torch.arange(6))
    before = scaled_dot_product_attention(q, k, v, mask)[0]
    k[t:], v[t:] = k[t:] + change, v[t:] * change
    assert torch.equal(scaled_dot_product_attention(q, k, v, mask)[0][:t], before[:t])


def test_masked_scores_are_minus_infinity(as_array, rng):
    q = as_array(rng.standard_normal((3, 4)))
    mask = as_array(np.tri(3, dtype=bool))
    scores = np.asarray(attention_scores(q, q, mask))
    assert (scores[~np.asarray(mask)] == -np.inf).all()
    assert np.isfinite(scores[np.asarray(mask)]).all()


@pytest.mark.parametrize("half", [np.float16, torch.bfloat16, np.float32, torch.float32])
def test_the_type_is_kept(half):
    x = np.linspace(-1, 1, 20).reshape(5, 4)
    x = torch.from_numpy(x).to(half) if isinstance(half, torch.dtype) else x.astype(half)
    bias = np.ones((5, 5))
    mask = torch.ones(5, 5, dtype=torch.bool) if isinstance(half, torch.dtype) else bias > 0
    results = [softmax(x), log_softmax(x), *scaled_dot_product_attention(x, x, x, mask, bias)]
    assert {r.dtype for r in results} == {x.dtype}
    assert {type(r) for r in results} == {type(x)}


def test_inputs_are_left_alone(as_array, rng):
    q, k, v = (as_array(rng.standard_normal((3, 4))) for _ in "qkv")
    before = [np.asarray(x).copy() for x in (q, k, v)]
    scaled_dot_product_attention(q, k, v, as_array(np.tri(3, dtype=bool)))
    for x, was in zip((q, k, v), before, strict=True):
        np.testing.assert_array_equal(x, was)


# what does not fit


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        (((4,), (5, 4), (5, 4)), "each needs an axis of positions and an axis of features"),
        (((3, 4), (5, 6), (5, 6)), r"k \(5, 6\).*: a query has 4 numbers and a key 6; "),
        (((3, 4), (5, 4), (6, 4)), "5 keys and 6 values; each key needs its own value"),
        (((2, 3, 4), (3, 5, 4), (3, 5, 4)), r"q \(2, 3, 4\).*axes before the last two must"),
        (((3, 4), (2, 5, 4), (3, 5, 4)), "axes before the last two must be equal, or 1"),
    ],
)
def test_shapes_that_do_not_fit(as_array, shapes, says):
    with pytest.raises(ValueError, match=says):
        scaled_dot_product_attention(*(as_array(np.zeros(shape)) for shape in shapes))


def attend(as_array, mask):
    q, k = as_array(np.zeros((2, 3, 4))), as_array(np.zeros((2, 5, 4)))
    return scaled_dot_product_attention(q, k, k, mask)


@pytest.mark.parametrize("kind", ["float64", "int64", "uint8"])
def test_a_mask_holds_true_and_false(as_array, kind):
    with pytest.raises(
        TypeError, match=rf"mask is .*{kind}, but must hold True .* write mask != 0"
    ):
        attend(as_array, as_array(np.ones((3, 5), kind)))


def test_numpy_and_torch_do_not_meet():
    says = "q is a Tensor, k is a ndarray, v is a Tensor; use one kind: torch.from_numpy"
    with pytest.raises(TypeError, match=says):
        scaled_dot_product_attention(torch.ones(2, 3), np.ones((2, 3)), torch.ones(2, 3))


def test_a_mask_is_of_the_same_kind_as_the_queries():
    with pytest.raises(TypeError, match="mask is a ndarray and q a Tensor; use one kind"):
        attend(torch.from_numpy, np.ones((3, 5), bool))
    with pytest.raises(TypeError, match="mask is a Tensor and q a ndarray; use one kind"):
        attend(np.asarray, torch.ones(3, 5, dtype=torch.bool))
    with pytest.raises(TypeError, match="mask is list, but must hold True"):
        attend(np.asarray, [[True] * 5] * 3)


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 5), (7, 2, 3, 5), (2,)])
def test_a_mask_has_a_row_a_query_and_a_column_a_key(as_array, shape):
    with pytest.raises(
        ValueError, match=r"not fit scores \(2, 3, 5\): .* 3 queries and 5 keys, or"
    ):
        attend(as_array, as_array(np.ones(shape, bool)))


@pytest.mark.parametrize("shape", [(3, 5), (1, 5), (3, 1), (5,), (2, 1, 5)])
def test_a_mask_may_leave_out_axes_or_have_them_one_long(as_array, shape):
    averages, weights = attend(as_array, as_array(np.ones(shape, bool)))
    assert tuple(averages.shape) == (2, 3, 4)
    np.testing.assert_allclose(weights, np.full((2, 3, 5), 0.2))


def test_every_query_may_look_somewhere(as_array):
    mask = np.ones((3, 5), bool)
    mask[1] = False
    with pytest.raises(ValueError, match="1 of the mask's 3 rows may look nowhere; let each query"):
        attend(as_array, as_array(mask))


def test_where_a_mask_cannot_be_read_a_row_that_looks_nowhere_is_nan():
    q, mask = torch.zeros(2, 3), torch.tensor([[True, True], [False, False]])
    attention = torch.compile(scaled_dot_product_attention, fullgraph=True, backend="eager")
    averages, weights = attention(q, q, q, mask)
    assert weights[1].isnan().all()
    assert averages[1].isnan().all()
    assert averages[0].isfinite().all()
    fused = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)
    assert torch.equal(fused[1], torch.zeros(3))  # torch's kernel says 0 instead


def test_runs_on_meta():
    q, mask = torch.zeros(2, 5, 4, device="meta"), torch.ones(5, 5, device="meta") > 0
    averages, weights = scaled_dot_product_attention(q, q, q, mask)
    assert averages.is_meta
    assert weights.shape == (2, 5, 5)
    assert padding_mask(torch.zeros(3, device="meta", dtype=torch.int64), 4).shape == (3, 1, 1, 4)
