import pytest
import torch
from agreement import agree, draw
from hypothesis import given
from hypothesis import strategies as st

from tantra import KVCache, MultiHeadAttention, rotary_angles
from tantra.cache import held_positions


def step(generator, length, batch=2):
    return [draw(generator, batch, 3, length, width) for width in (4, 5)]


@pytest.mark.parametrize("length", [None, 7, 9])
def test_append_returns_all_so_far(length, generator):
    cache, steps = KVCache(length), [step(generator, n) for n in (4, 1, 2)]
    assert len(cache) == 0
    for n, (k, v) in enumerate(steps, 1):
        keys, values = cache.append(k, v)
        agree(keys, torch.cat([k for k, _ in steps[:n]], dim=-2))
        agree(values, torch.cat([v for _, v in steps[:n]], dim=-2))
        assert len(cache) == keys.shape[-2]


def test_a_fixed_cache_is_written_in_place(generator):
    cache = KVCache(6)
    cache.append(*step(generator, 2))
    buffers = cache.k, cache.v
    assert [buffer.shape for buffer in buffers] == [(2, 3, 6, 4), (2, 3, 6, 5)]
    cache.append(*step(generator, 3))
    assert cache.k is buffers[0]
    assert cache.v is buffers[1]


def test_a_fixed_cache_does_not_overflow(generator):
    cache = KVCache(6)
    cache.append(*step(generator, 4))
    with pytest.raises(
        ValueError, match=r"room for 6 positions, and 4 \+ 3 were given; make it lon"
    ):
        cache.append(*step(generator, 3))
    assert len(cache) == 4
    assert cache.append(*step(generator, 2))[0].shape[-2] == 6


def test_a_sliding_cache_remembers_the_newest_and_copies_nothing(generator):
    cache, steps = KVCache(5, sliding=True), [step(generator, n) for n in (3, 1, 1, 1, 1, 1, 1)]
    every = [torch.cat(parts, dim=-2) for parts in zip(*steps, strict=True)]
    buffers = []
    for n, (k, v) in enumerate(steps):
        assert cache.after(k.shape[-2]) == min(3 + n, 5)
        found = cache.append(k, v)
        buffers.append(cache.k)
        assert cache.k is buffers[0]
        assert (cache.seen, len(cache)) == (3 + n, min(3 + n, 5))
        held = held_positions(3 + n, 5)
        assert sorted(held.tolist()) == list(range(3 + n))[-5:]
        for ours, all_of_them in zip(found, every, strict=True):
            agree(ours, all_of_them[..., held, :])


def test_a_full_sliding_cache_takes_one_at_a_time(generator):
    cache = KVCache(5, sliding=True)
    cache.append(*step(generator, 4))
    says = r"room for 5 positions, and 4 \+ 2 were given; give one position at a time"
    with pytest.raises(ValueError, match=says):
        cache.append(*step(generator, 2))
    cache.append(*step(generator, 1))
    with pytest.raises(ValueError, match=r"5 \+ 2 were given; give one"):
        cache.append(*step(generator, 2))
    assert len(cache) == 5


def test_a_sliding_cache_has_a_length():
    with pytest.raises(ValueError, match="a sliding cache has no length; say how many"):
        KVCache(sliding=True)


@pytest.mark.parametrize("length", [None, 9])
def test_rows_can_be_selected(length, generator):
    cache, (k, v), more = KVCache(length), step(generator, 4, batch=3), step(generator, 2, batch=4)
    cache.append(k, v)
    cache.select([2, 0, 2, 1])
    keys, values = cache.append(*more)
    agree(keys, torch.cat([k[[2, 0, 2, 1]], more[0]], dim=-2))
    agree(values, torch.cat([v[[2, 0, 2, 1]], more[1]], dim=-2))


@pytest.mark.parametrize("length", [None, 9])
def test_a_cache_belongs_to_one_batch(length, generator):
    cache = KVCache(length)
    cache.append(*step(generator, 4))
    with pytest.raises(ValueError, match=r"new keys \(1, 3, 1, 4\) do not fit .*: take new caches"):
        cache.append(*step(generator, 1, batch=1))


def test_gradients_pass_through_a_growing_cache_only(generator):
    k, v = step(generator, 4)
    k.requires_grad_()
    growing = KVCache()
    growing.append(k, v)
    keys, _ = growing.append(*step(generator, 1))
    keys.sum().backward()
    assert torch.equal(k.grad, torch.ones_like(k))
    with pytest.raises(
        ValueError, match=r"written in place.*use torch\.no_grad\(\), or KVCache\(\)"
    ):
        KVCache(5).append(k, v)
    with pytest.raises(ValueError, match="written in place"):
        KVCache(5).append(v, k)
    with torch.no_grad():
        KVCache(5).append(k, v)


@pytest.mark.parametrize(("length", "error"), [(0, ValueError), (2.5, TypeError)])
def test_length_is_a_count(length, error):
    with pytest.raises(error, match=f"length is {length}"):
        KVCache(length)


@pytest.mark.parametrize("num_kv_heads", [4, 2])
@given(st.lists(st.integers(1, 8), min_size=1, max_size=8), st.booleans())
def test_every_split_gives_what_the_whole_gives(num_kv_heads, lengths, fixed):
    generator, total = torch.Generator().manual_seed(0), sum(lengths)
    attention = MultiHeadAttention(16, 4, num_kv_heads, generator=generator).double()
    x, angles = draw(generator, 2, total, 16), rotary_angles(total, 4)
    cache, parts, past = KVCache(total if fixed else None), [], 0
    with torch.no_grad():
        for part in x.split(lengths, dim=1):
            now = angles[past : past + part.shape[1]]
            parts.append(attention(part, angles=now, causal=True, cache=cache))
            past += part.shape[1]
        agree(torch.cat(parts, dim=1), attention(x, angles=angles, causal=True))
