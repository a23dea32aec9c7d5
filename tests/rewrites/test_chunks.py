import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw, forward_and_gradients
from hypothesis import example, given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tantra import (
    causal_mask,
    chunked_attention,
    padding_mask,
    scaled_dot_product_attention,
    window_mask,
)
from tantra.rewrites.chunks import _Meetings


def arrays(T=5, S=7, K=4, D=6, axes=(2, 3), dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = (T, K), (S, K), (S, D)
    return [draw(generator, *axes, *shape, dtype=dtype) for shape in shapes]


def one_mask(T, S, causal=False, window=None, mask=None):
    """All that may look, as one (T, S) mask, from loops; None where all may."""
    open_to = torch.ones(T, S, dtype=torch.bool) if mask is None else mask.clone()
    for t in range(T):
        for s in range(S):
            place = S - T + t
            if (causal and s > place) or (window is not None and abs(s - place) >= window):
                open_to[..., t, s] = False
    return open_to


def by_hand(q, k, v, **look):
    mask = one_mask(q.shape[-2], k.shape[-2], **look)
    return scaled_dot_product_attention(q, k, v, mask)[0]


# against attention by hand, and torch's


@given(
    T=st.integers(1, 9),
    longer=st.integers(0, 5),
    K=st.integers(1, 4),
    chunk=st.integers(1, 12),
    causal=st.booleans(),
    window=st.none() | st.integers(1, 10),
    masked=st.booleans(),
)
@example(T=8, longer=0, K=2, chunk=4, causal=False, window=3, masked=False)  # too late a key
def test_chunks_change_nothing(T, longer, K, chunk, causal, window, masked):
    S = T + longer
    q, k, v = arrays(T, S, K)
    look = {"causal": causal, "window": window}
    if masked:
        own = torch.arange(S) == torch.arange(longer, S)[:, None]
        look["mask"] = own | (draw(torch.Generator().manual_seed(1), T, S) > 0)
    ours = forward_and_gradients(lambda *x: chunked_attention(*x, chunk=chunk, **look), q, k, v)
    theirs = forward_and_gradients(lambda *x: by_hand(*x, **look), q, k, v)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("T", [5, 1, 8])
def test_without_masks_queries_may_be_fewer_or_more(T, dtype):
    qkv = arrays(T, 6, dtype=dtype)
    ours = forward_and_gradients(lambda *x: chunked_attention(*x, chunk=4), *qkv)
    agree(ours, forward_and_gradients(F.scaled_dot_product_attention, *qkv))


def test_at_its_own_chunk_size(dtype):
    qkv = arrays(600, 600, 8, 8, axes=(2,), dtype=dtype)
    ours = forward_and_gradients(lambda *x: chunked_attention(*x, causal=True), *qkv)
    theirs = forward_and_gradients(
        lambda *x: F.scaled_dot_product_attention(*x, is_causal=True), *qkv
    )
    agree(ours, theirs, {torch.float64: 1e-12, torch.float32: 5e-6}[dtype])


@pytest.mark.parametrize("look", [{}, {"causal": True}, {"causal": True, "window": 2}])
def test_gradients_are_those_of_small_steps(look):
    qkv = [x.requires_grad_() for x in arrays(4, 5, 3, 2, axes=(2,))]
    assert torch.autograd.gradcheck(lambda *x: chunked_attention(*x, chunk=2, **look), qkv)


def test_a_second_derivative_is_refused_and_not_wrong():
    q, k, v = (x.requires_grad_() for x in arrays())
    with pytest.raises(NotImplementedError, match="has no second derivative; where you need"):
        torch.autograd.grad(chunked_attention(q, k, v).sum(), q, create_graph=True)


def test_numpy_gives_what_torch_gives():
    q, k, v = arrays()
    mask = padding_mask(torch.tensor([3, 7]), 7)
    ours = chunked_attention(q.numpy(), k.numpy(), v.numpy(), mask.numpy(), window=6, chunk=2)
    assert isinstance(ours, np.ndarray)
    agree(ours, chunked_attention(q, k, v, mask, window=6, chunk=2))
    frozen = q.numpy().copy()
    frozen.setflags(write=False)
    agree(chunked_attention(frozen, frozen, frozen), chunked_attention(q, q, q))


def test_axes_in_front_meet_as_they_do_by_hand():
    q, k, v = arrays()
    k, v = k[:1, :1].clone(), v[:, :1].clone()
    ours = forward_and_gradients(lambda *x: chunked_attention(*x, chunk=3), q, k, v)
    agree(ours, forward_and_gradients(by_hand, q, k, v))


@pytest.mark.parametrize("shape", [(2, 1, 1, 7), (5, 1), (7,), (3, 5, 7)])
def test_a_mask_may_have_short_axes(shape):
    q, k, v = arrays()
    mask = draw(torch.Generator().manual_seed(2), *shape) > -1
    mask[..., 0] = True
    ours = chunked_attention(q, k, v, mask, chunk=2)
    agree(ours, scaled_dot_product_attention(q, k, v, mask)[0])


def test_large_scores_do_not_overflow():
    q, k, v = arrays(dtype=torch.float32)
    ours = chunked_attention(1000 * q, k, v, chunk=2)
    agree(ours, F.scaled_dot_product_attention(1000 * q, k, v), 1e-3)
    far_below = chunked_attention(torch.full((1, 1), 3e19), torch.tensor([[-3e18]]), v[0, 0, :1])
    agree(far_below, v[0, 0, :1])


@pytest.mark.parametrize("spoilt", [math.nan, math.inf])
def test_what_is_no_number_stays_none(spoilt):
    q, k, v = arrays()
    k[..., 2, :] = spoilt
    assert chunked_attention(q, k, v, chunk=2).isnan().any()


# half precision


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype):
    qkv = [x.requires_grad_() for x in arrays(64, 64, 16, 16, dtype=dtype)]
    exact = [x.detach().double().requires_grad_() for x in qkv]
    g = draw(torch.Generator().manual_seed(3), 2, 3, 64, 16, dtype=dtype)
    ours, truth = chunked_attention(*qkv, chunk=3), by_hand(*exact)
    assert ours.dtype == dtype
    rounding = torch.finfo(dtype).eps
    agree(ours.double(), truth, rounding)
    ours = torch.autograd.grad(ours, qkv, g)
    for one, other in zip(ours, torch.autograd.grad(truth, exact, g.double()), strict=True):
        assert one.dtype == dtype
        agree(one.double(), other, 2 * rounding)


def test_autocast_rounds_no_score():
    qkv = arrays(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours = chunked_attention(*qkv)
    agree(ours, F.scaled_dot_product_attention(*qkv))


# memory and work


class Watch(TorchDispatchMode):
    """The numbers in the largest array that any operation returns, and how many products."""

    largest, products = 0, 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        sizes = [x.numel() for x in tree_leaves(result) if isinstance(x, torch.Tensor)]
        self.largest = max(self.largest, *sizes) if sizes else self.largest
        self.products += operation is torch.ops.aten.bmm.default
        return result


def watched(length, **look):
    qkv = [x.requires_grad_() for x in arrays(length, length, 4, 4, axes=(1,))]
    with Watch() as watch:
        chunked_attention(*qkv, chunk=16, **look).sum().backward()
    return watch


@pytest.mark.parametrize("look", [{}, {"causal": True}, {"causal": True, "window": 40}])
def test_no_array_grows_with_the_square_of_the_length(look):
    assert watched(128, **look).largest == 128 * 4
    assert watched(192, **look).largest == 192 * 4


def test_closed_chunks_cost_nothing():
    """Two products a pair of chunks forward, five back; 8 × 8 pairs."""
    assert watched(128).products == 7 * 64
    assert watched(128, causal=True).products == 7 * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8)
    assert watched(128, causal=True, window=1).products == 7 * 8
    assert watched(128, causal=True, window=17).products == 7 * (1 + 7 * 2)
    assert watched(128, window=1).products == 7 * 8


@given(
    T=st.integers(1, 9),
    longer=st.integers(0, 9),
    causal=st.booleans(),
    window=st.none() | st.integers(1, 12),
    chunk=st.integers(1, 6),
)
def test_every_open_pair_is_met_once_and_chunks_are_small(T, longer, causal, window, chunk):
    S = T + longer
    met = torch.zeros(T, S, dtype=torch.int)
    for rows, keys in _Meetings(T, S, None, causal, window, chunk):
        met[rows, keys] += 1
        part = one_mask(T, S, causal, window)[rows, keys]
        assert part.any()
        assert max(part.shape) <= chunk
    assert met.max() == 1
    assert (met[one_mask(T, S, causal, window)] == 1).all()


def test_nothing_is_computed_on_meta():
    qkv = [torch.empty(2, 5, 4, device="meta") for _ in range(3)]
    assert chunked_attention(*qkv, causal=True).shape == (2, 5, 4)


# windows


def test_a_window_leaves_the_last_keys(as_array):
    both = causal_mask(as_array(np.arange(6)), as_array(np.arange(6))) & window_mask(
        as_array(np.arange(6)), as_array(np.arange(6)), 3
    )
    assert both.sum(axis=-1).tolist() == [1, 2, 3, 3, 3, 3]
    assert both[5].tolist() == [False, False, False, True, True, True]
    with pytest.raises(ValueError, match="window is 0; it must be at least 1"):
        window_mask(np.arange(3), np.arange(3), 0)


# what is refused


def test_what_does_not_fit():
    q, k, v = arrays()
    with pytest.raises(ValueError, match="to be compared they must be equally long"):
        chunked_attention(q[..., :3], k, v)
    with pytest.raises(ValueError, match="chunk is 0; it must be at least 1"):
        chunked_attention(q, k, v, chunk=0)
    with pytest.raises(TypeError, match=r"chunk is 2\.5; it counts something"):
        chunked_attention(q, k, v, chunk=2.5)
    with pytest.raises(ValueError, match="window is 0"):
        chunked_attention(q, k, v, window=0)
    for look in ({"causal": True}, {"window": 2}):
        with pytest.raises(ValueError, match="7 queries and 5 keys: under causal or window"):
            chunked_attention(k, q, v[..., :5, :], **look)
    with pytest.raises(ValueError, match="there are no keys"):
        chunked_attention(q, k[..., :0, :], v[..., :0, :])
    with pytest.raises(TypeError, match=r"q is torch.float64, k torch.float32, v torch.float64"):
        chunked_attention(q, k.float(), v)
    with pytest.raises(TypeError, match="floating-point"):
        chunked_attention(*(x.long() for x in (q, k, v)))
    with pytest.raises(TypeError, match="mask != 0"):
        chunked_attention(q, k, v, torch.ones(5, 7))


def test_a_query_that_may_look_nowhere_is_refused():
    q, k, v = arrays(5, 5)
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[3] = False
    with pytest.raises(ValueError, match="1 of the mask's 5 rows may look nowhere"):
        chunked_attention(q, k, v, mask)
    late = padding_mask(torch.tensor([4]), 5).flip(-1)  # filled up in front
    with pytest.raises(ValueError, match="6 of 30 queries may look nowhere, as mask, causal"):
        chunked_attention(q, k, v, late, causal=True)
