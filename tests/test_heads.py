import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw, forward_and_gradients
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tantra import (
    KVCache,
    MultiHeadAttention,
    alibi_bias,
    causal_mask,
    merge_heads,
    padding_mask,
    record,
    rotary_angles,
    rotate,
    scaled_dot_product_attention,
    split_heads,
)


def attention(*args, dtype=torch.float64, seed=0, **kwargs):
    """A MultiHeadAttention with weights of its own."""
    return MultiHeadAttention(*args, generator=torch.Generator().manual_seed(seed), **kwargs).to(
        dtype
    )


# splitting


def test_each_head_is_a_slice_of_the_features(as_array, rng):
    x = rng.standard_normal((2, 5, 12))
    heads = np.asarray(split_heads(as_array(x), 3))
    assert heads.shape == (2, 3, 5, 4)
    for h in range(3):
        np.testing.assert_array_equal(heads[:, h], x[..., 4 * h : 4 * h + 4])
    np.testing.assert_array_equal(merge_heads(as_array(heads)), x)


def test_what_cannot_be_split(as_array):
    with pytest.raises(ValueError, match=r"width \(10\) must be a multiple of num_heads \(4\); "):
        split_heads(as_array(np.zeros((5, 10))), 4)
    with pytest.raises(ValueError, match=r"x has shape \(10,\); heads need positions and features"):
        split_heads(as_array(np.zeros(10)), 2)
    with pytest.raises(ValueError, match="num_heads is 0"):
        split_heads(as_array(np.zeros((5, 10))), 0)
    with pytest.raises(
        ValueError, match=r"shape \(5, 10\); expected heads, positions and features"
    ):
        merge_heads(as_array(np.zeros((5, 10))))


def test_an_empty_axis_can_be_split_and_merged(as_array):
    heads = split_heads(as_array(np.zeros((0, 5, 6))), 2)
    assert tuple(heads.shape) == (0, 2, 5, 3)
    assert tuple(merge_heads(heads).shape) == (0, 5, 6)


# against torch


def copied(theirs, bias):
    """Our attention with the weights of torch's."""
    ours = MultiHeadAttention(8, 2, bias=bias).to(theirs.in_proj_weight.dtype)
    weights = dict(
        zip(
            ("query.weight", "key.weight", "value.weight"),
            theirs.in_proj_weight.chunk(3),
            strict=True,
        )
    )
    weights["output.weight"] = theirs.out_proj.weight
    if bias:
        weights |= dict(
            zip(("query.bias", "key.bias", "value.bias"), theirs.in_proj_bias.chunk(3), strict=True)
        )
        weights["output.bias"] = theirs.out_proj.bias
    ours.load_state_dict(weights, strict=True)
    return ours


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("how", ["open", "causal", "masked", "context"])
def test_multi_head_attention_is_torchs_by_copied_weights(how, bias, dtype, generator):
    theirs = nn.MultiheadAttention(8, 2, bias=bias, batch_first=True).to(dtype)
    for weights in theirs.parameters():
        nn.init.normal_(weights, std=8**-0.5, generator=generator)
    ours = copied(theirs, bias)
    x, context = draw(generator, 3, 5, 8, dtype=dtype), draw(generator, 3, 7, 8, dtype=dtype)
    mask = draw(generator, 5, 5) > 0
    mask |= torch.eye(5, dtype=torch.bool)
    past = causal_mask(torch.arange(5), torch.arange(5))
    our_look = {"causal": {"causal": True}, "masked": {"mask": mask}}.get(how, {})
    their_mask = {"causal": ~past, "masked": ~mask}.get(how)
    other = [context] if how == "context" else []

    def their_forward(x, *context):
        y = context[0] if context else x
        return theirs(x, y, y, attn_mask=their_mask, need_weights=False)[0]

    ours_out = forward_and_gradients(
        lambda x, *c: ours(x, *c, **our_look), x, *other, wrt=list(ours.parameters())
    )
    theirs_out = forward_and_gradients(their_forward, x, *other, wrt=list(theirs.parameters()))
    agree(ours_out[0], theirs_out[0])
    ours_grads = dict(
        zip(dict(ours.named_parameters()), ours_out[1][1 + len(other) :], strict=True)
    )
    theirs_grads = dict(
        zip(dict(theirs.named_parameters()), theirs_out[1][1 + len(other) :], strict=True)
    )
    agree(ours_out[1][: 1 + len(other)], theirs_out[1][: 1 + len(other)])
    for kind in ("weight", "bias") if bias else ("weight",):
        together = [ours_grads[f"{part}.{kind}"] for part in ("query", "key", "value")]
        agree(torch.cat(together), theirs_grads[f"in_proj_{kind}"])
        agree(ours_grads[f"output.{kind}"], theirs_grads[f"out_proj.{kind}"])


# fast unless someone watches

LOOKS = {
    "open": dict,
    "causal": lambda: {"causal": True},
    "masked": lambda: {"mask": torch.eye(5, dtype=torch.bool).roll(2, 0)},
    "causal and padded": lambda: {"mask": padding_mask(torch.tensor([2, 5, 4]), 5), "causal": True},
    "rotary": lambda: {"angles": rotary_angles(5, 4), "causal": True},
    "alibi": lambda: {"attn_bias": alibi_bias(4, torch.arange(5), torch.arange(5)), "causal": True},
    "biased": lambda: {"attn_bias": alibi_bias(4, torch.arange(5), torch.arange(5)) / 3},
    "biased and padded": lambda: {
        "mask": padding_mask(torch.tensor([2, 5, 4]), 5),
        "attn_bias": alibi_bias(4, torch.arange(5), torch.arange(5)),
    },
}


@pytest.mark.parametrize("num_kv_heads", [4, 2, 1])
@pytest.mark.parametrize("look", LOOKS)
def test_watched_and_unwatched_are_equal(look, num_kv_heads, dtype, generator):
    ours = attention(16, 4, num_kv_heads, dtype=dtype)
    x, look = draw(generator, 3, 5, 16, dtype=dtype), LOOKS[look]()

    def run():
        return forward_and_gradients(lambda x: ours(x, **look), x, wrt=list(ours.parameters()))

    fast = run()
    with record(ours) as seen:
        slow = run()
    assert seen["weights"].shape == (3, 4, 5, 5)
    # a key's bias has no gradient, but for rounding: compare it with the others' size
    largest = max(g.abs().max() for g in fast[1])
    agree(slow[0], fast[0])
    for one, other in zip(slow[1], fast[1], strict=True):
        assert (one - other).abs().max() <= (1e-12 if dtype is torch.float64 else 1e-6) * largest


@pytest.mark.parametrize("watched", ["*.nothing", "weights", "scores", "q"])
def test_only_who_listens_pays(watched, monkeypatch):
    calls = []
    fused = F.scaled_dot_product_attention
    monkeypatch.setattr(
        F, "scaled_dot_product_attention", lambda *a, **k: calls.append(1) or fused(*a, **k)
    )
    ours, x = attention(8, 2), torch.zeros(1, 3, 8, dtype=torch.float64)
    if watched == "*.nothing":
        ours(x)
    else:
        with record(ours, watched) as seen:
            ours(x)
        assert list(seen) == [watched]
    assert len(calls) == (0 if watched in ("weights", "scores") else 1)


def test_probes_see_what_attention_is_made_of(generator):
    ours = attention(12, 3)
    x, angles = draw(generator, 2, 5, 12), rotary_angles(5, 4)
    with record(ours) as seen:
        out = ours(x, angles=angles, causal=True)
    q, k, v = (split_heads(part(x), 3) for part in (ours.query, ours.key, ours.value))
    agree(seen["q"], rotate(q, angles))
    agree(seen["k"], rotate(k, angles))
    agree(seen["v"], v)
    mask = causal_mask(torch.arange(5), torch.arange(5))
    averages, weights = scaled_dot_product_attention(seen["q"], seen["k"], seen["v"], mask)
    agree(seen["weights"], weights)
    agree(torch.where(mask, seen["scores"], 0), torch.where(mask, seen["q"] @ seen["k"].mT / 2, 0))
    assert (seen["scores"][:, :, ~mask] == -torch.inf).all()
    agree(out, ours.output(merge_heads(averages)))


def test_what_a_hook_returns_takes_the_weights_place(generator):
    ours, x = attention(8, 2), draw(generator, 1, 3, 8)

    def without_head_1(probe, args, weights):
        return weights * torch.tensor([1.0, 0.0]).reshape(2, 1, 1).double()

    hook = ours.weights.register_forward_hook(without_head_1)
    changed = ours(x)
    hook.remove()
    ours.output.weight.data[:, 4:] = 0
    agree(changed, ours(x))


# grouped heads


def test_a_key_head_answers_neighbouring_heads(dtype, generator):
    ours = attention(16, 4, 2, dtype=dtype)
    plain = attention(16, 4, dtype=dtype)
    weights = ours.state_dict()
    for name in ("key.weight", "key.bias", "value.weight", "value.bias"):
        heads = weights[name].reshape(2, 4, -1).repeat_interleave(2, 0)
        weights[name] = heads.reshape(plain.state_dict()[name].shape)
    plain.load_state_dict(weights, strict=True)
    x = draw(generator, 3, 5, 16, dtype=dtype)
    agree(ours(x, causal=True), plain(x, causal=True))


def test_as_many_groups_as_heads_are_plain_heads(generator):
    grouped, plain = attention(16, 4, 4), attention(16, 4)
    plain.load_state_dict(grouped.state_dict(), strict=True)
    x = draw(generator, 3, 5, 16)
    assert torch.equal(grouped(x), plain(x))


def test_grouped_heads_have_fewer_keys():
    ours = attention(16, 4, 2)
    assert ours.key.weight.shape == ours.value.weight.shape == (8, 16)
    cache = KVCache()
    ours(torch.zeros(3, 5, 16, dtype=torch.float64), cache=cache)
    assert cache.k.shape == (3, 2, 5, 4)


# properties


@given(st.permutations(range(5)))
def test_attention_alone_cannot_tell_order(order):
    ours, x = attention(8, 2), draw(torch.Generator().manual_seed(0), 2, 5, 8)
    agree(ours(x[:, order]), ours(x)[:, order], 1e-12)


@given(st.integers(1, 4), st.floats(-100, 100))
def test_the_future_cannot_change_the_past(t, change):
    ours, x = attention(8, 2), draw(torch.Generator().manual_seed(0), 2, 5, 8)
    before = ours(x, causal=True)
    x[:, t:] += change
    agree(ours(x, causal=True)[:, :t], before[:, :t], 1e-12)


def test_padding_does_not_matter(generator):
    ours, x = attention(8, 2), draw(generator, 2, 5, 8)
    mask = padding_mask(torch.tensor([5, 3]), 5)
    padded = ours(x, mask=mask)
    agree(padded[1, :3], ours(x[1:, :3])[0])
    agree(padded[0], ours(x[:1])[0])


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("look", LOOKS)
def test_the_type_is_kept(look, kind, generator):
    ours, x = attention(16, 4, dtype=kind), draw(generator, 3, 5, 16, dtype=kind)
    fast = ours(x, **LOOKS[look]())
    with record(ours, "weights") as seen:
        slow = ours(x, **LOOKS[look]())
    assert fast.dtype == slow.dtype == seen["weights"].dtype == kind
    assert (fast - slow).abs().max() < 0.02


def test_one_sequence_without_a_batch(generator):
    ours, x = attention(8, 2), draw(generator, 2, 5, 8)
    agree(ours(x[0], causal=True), ours(x, causal=True)[0])


def test_runs_on_meta():
    with torch.device("meta"):
        ours, x = MultiHeadAttention(8, 2), torch.zeros(2, 5, 8)
        out = ours(x, mask=torch.ones(5, 5) > 0)
    assert out.is_meta
    assert out.shape == (2, 5, 8)


# what does not fit


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        (
            (10, 3),
            r"d_model \(10\) must be a multiple of num_heads \(3\); the nearest that fits is 9",
        ),
        ((12, 4, 3), r"num_heads \(4\) must be a multiple of num_kv_heads \(3\)"),
        ((12, 4, 8), r"num_heads \(4\) must be a multiple of num_kv_heads \(8\)"),
        ((12, 0), "num_heads is 0; it must be at least 1"),
        ((12, 4, 0), "num_kv_heads is 0; it must be at least 1"),
    ],
)
def test_heads_that_do_not_fit(sizes, says):
    with pytest.raises(ValueError, match=says):
        MultiHeadAttention(*sizes)


def test_inputs_that_do_not_fit():
    ours, x = attention(8, 2), torch.zeros(2, 5, 8, dtype=torch.float64)
    with pytest.raises(
        ValueError, match=r"x has shape \(2, 5, 6\), and this attention was made for"
    ):
        ours(x[..., :6])
    with pytest.raises(
        ValueError, match=r"x has shape \(8,\); attention needs an axis of positions"
    ):
        ours(x[0, 0])
    with pytest.raises(ValueError, match="the context of this attention was made for width 8"):
        ours(x, x[..., :6])
    with pytest.raises(ValueError, match=r"x \(2, 5, 8\) and context \(1, 5, 8\): the axes before"):
        ours(x, x[:1])
    with pytest.raises(TypeError, match=r"mask is torch\.float32, but must hold True"):
        ours(x, mask=torch.zeros(5, 5))
    with pytest.raises(ValueError, match=r"mask \(4, 5\) does not fit scores \(2, 2, 5, 5\): "):
        ours(x, mask=torch.ones(4, 5, dtype=torch.bool))
    with pytest.raises(ValueError, match="5 of the mask's 5 rows may look nowhere"):
        ours(x, mask=torch.zeros(5, 5, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"x \(2, 2, 5, 4\) does not fit angles \(3, 2\)"):
        ours(x, angles=rotary_angles(3, 4))


def test_a_mask_and_causal_together_must_leave_something():
    ours, x = attention(8, 2), torch.zeros(2, 5, 8, dtype=torch.float64)
    later = torch.ones(5, 5, dtype=torch.bool).triu(1) | (torch.arange(5) == 4)
    with pytest.raises(ValueError, match="4 of the mask's 5 rows may look nowhere"):
        ours(x, mask=later, causal=True)


def test_what_does_not_fit_leaves_the_cache_alone():
    ours, cache = attention(8, 2), KVCache()
    x = torch.zeros(2, 5, 8, dtype=torch.float64)
    ours(x, cache=cache)
    for wrong in (
        {"mask": torch.ones(5, 5, dtype=torch.bool)},
        {"mask": torch.zeros(5, 10, dtype=torch.bool)},
        {"angles": rotary_angles(3, 4)},
    ):
        with pytest.raises(ValueError, match=r"does not fit|may look nowhere"):
            ours(x, cache=cache, **wrong)
        assert len(cache) == 5
    ours(x, cache=cache, mask=torch.ones(5, 10, dtype=torch.bool))


@pytest.mark.parametrize(
    "extra", [{"causal": True}, {"cache": KVCache()}, {"angles": rotary_angles(5, 4)}]
)
def test_context_has_positions_of_its_own(extra):
    ours, x = attention(8, 2), torch.zeros(2, 5, 8, dtype=torch.float64)
    with pytest.raises(ValueError, match="context has positions of its own: angles, cache and"):
        ours(x, x, **extra)
