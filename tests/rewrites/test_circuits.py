import numpy as np
import pytest
import torch
from agreement import agree, draw
from hypothesis import given
from hypothesis import strategies as st

from tantra import (
    MultiHeadAttention,
    causal_mask,
    rewrites,
    rotary_angles,
)

seeds = st.integers(0, 99)


def causal(T, S):
    return causal_mask(torch.arange(S - T, S), torch.arange(S))


def attention(num_heads, groups=None, d_head=4, seed=0):
    """A MultiHeadAttention whose biases are as large as its weights."""
    generator = torch.Generator().manual_seed(seed)
    made = MultiHeadAttention(num_heads * d_head, num_heads, groups, generator=generator).double()
    with torch.no_grad():
        for weights in made.parameters():
            weights.copy_(draw(generator, *weights.shape) / 2)
    return made


def outputs(num_heads, groups, rewrite, seed=0, **look):
    """What an attention makes of x before and after its weights are rewritten."""
    before = attention(num_heads, groups, seed=seed)
    after = attention(num_heads, groups, seed=seed + 1)
    old = {name: value.clone() for name, value in before.state_dict().items()}
    after.load_state_dict(rewrite(before.state_dict()), strict=True)
    for name, value in before.state_dict().items():
        assert torch.equal(value, old[name]), "the old weights were changed"
    x = draw(torch.Generator().manual_seed(seed), 2, 5, num_heads * 4)
    with torch.no_grad():
        return after(x, **look), before(x, **look)


def in_numpy(rewrite):
    """rewrite, by way of NumPy and back."""

    def rewritten(weights):
        done = rewrite({name: value.numpy() for name, value in weights.items()})
        assert all(isinstance(value, np.ndarray) for value in done.values())
        return {name: torch.from_numpy(value) for name, value in done.items()}

    return rewritten


groupings = st.sampled_from([(1, 1), (2, 2), (4, 2), (4, 1), (6, 3), (3, 3)])


kinds = st.sampled_from([lambda rewrite: rewrite, in_numpy])


@given(grouping=groupings, kind=kinds, causal=st.booleans(), seed=seeds, data=st.data())
def test_heads_may_be_permuted(grouping, kind, causal, seed, data):
    num_heads, groups = grouping
    shared = num_heads // groups
    order = [
        group * shared + head
        for group in data.draw(st.permutations(range(groups)))
        for head in data.draw(st.permutations(range(shared)))
    ]
    rewrite = kind(lambda weights: rewrites.permute_heads(weights, order))
    agree(*outputs(num_heads, groups, rewrite, seed, causal=causal))


def test_permuted_heads_stand_in_their_order():
    weights = attention(3).state_dict()
    new = rewrites.permute_heads(weights, [2, 0, 1])
    assert torch.equal(new["query.weight"][:4], weights["query.weight"][8:])
    assert torch.equal(new["value.bias"][4:8], weights["value.bias"][:4])
    assert torch.equal(new["output.weight"][:, :4], weights["output.weight"][:, 8:])


def test_orders_that_cannot_be():
    weights = attention(4, 2).state_dict()
    with pytest.raises(ValueError, match=r"order is \[0, 2, 1, 3\], but from 0 on each 2 heads"):
        rewrites.permute_heads(weights, [0, 2, 1, 3])
    for order in ([0, 0, 1, 2], [1, 2, 3, 4], []):
        with pytest.raises(ValueError, match="it must name each head from 0 on, once"):
            rewrites.permute_heads(weights, order)
    with pytest.raises(ValueError, match=r"d_model \(16\) must be a multiple of num_heads \(3\)"):
        rewrites.permute_heads(weights, [0, 1, 2])


@given(grouping=groupings, kind=kinds, causal=st.booleans(), seed=seeds)
def test_the_key_offset_may_go(grouping, kind, causal, seed):
    rewrite = kind(rewrites.drop_key_bias)
    assert (rewrite(attention(2).state_dict())["key.bias"] == 0).all()
    agree(*outputs(*grouping, rewrite, seed, causal=causal))


def test_under_rotary_positions_the_key_offset_counts():
    angles = rotary_angles(5, 4)
    ours, theirs = outputs(2, 2, rewrites.drop_key_bias, angles=torch.from_numpy(angles))
    assert (ours - theirs).abs().max() > 0.1


@given(grouping=groupings, kind=kinds, causal=st.booleans(), seed=seeds)
def test_the_value_offset_may_join_the_output_offset(grouping, kind, causal, seed):
    rewrite = kind(lambda weights: rewrites.fold_value_bias(weights, grouping[0]))
    assert (rewrite(attention(*grouping).state_dict())["value.bias"] == 0).all()
    agree(*outputs(*grouping, rewrite, seed, causal=causal))


@given(grouping=groupings, kind=kinds, seed=seeds)
def test_the_scale_may_join_the_queries(grouping, kind, seed):
    num_heads, _ = grouping

    def rewrite(weights):
        new = rewrites.fold_scale(weights, num_heads)
        again = {name: 2 * new[name] for name in ("query.weight", "query.bias")}
        return {**new, **again}  # MultiHeadAttention divides by the root of 4 once more

    agree(*outputs(*grouping, kind(rewrite), seed))


@given(grouping=groupings, kind=kinds, causal=st.booleans(), seed=seeds)
def test_queries_and_keys_may_change_their_basis_together(grouping, kind, causal, seed):
    num_heads, groups = grouping
    rotations = draw(torch.Generator().manual_seed(seed), groups, 4, 4) + 3 * torch.eye(4)

    def rewrite(weights):
        numpy = isinstance(weights["query.weight"], np.ndarray)
        own = rotations.numpy() if numpy else rotations
        return rewrites.rotate_queries_and_keys(weights, num_heads, own)

    ours, theirs = outputs(num_heads, groups, kind(rewrite), seed, causal=causal)
    agree(ours, theirs, 1e-9)


def test_queries_are_multiplied_by_the_rotation():
    made, rotation = attention(1), draw(torch.Generator().manual_seed(1), 1, 4, 4)
    new = rewrites.rotate_queries_and_keys(made.state_dict(), 1, rotation)
    x = draw(torch.Generator().manual_seed(2), 5, 4)
    agree(x @ new["query.weight"].T + new["query.bias"], (made.query(x) @ rotation[0]).detach())


def test_a_rotation_that_does_not_fit():
    weights = attention(4, 2).state_dict()
    with pytest.raises(
        ValueError, match=r"rotations \(4, 4, 4\) do not fit: .* 2 key heads, 4 by 4"
    ):
        rewrites.rotate_queries_and_keys(weights, 4, torch.ones(4, 4, 4))


@pytest.mark.parametrize("groups", [1, 3])
def test_fused_projections_give_all_three(groups, as_array):
    made = attention(3, groups)
    weights = {name: as_array(value.numpy()) for name, value in made.state_dict().items()}
    matrix, bias = rewrites.fuse_projections(weights)
    x = draw(torch.Generator().manual_seed(1), 2, 5, 12)
    fused = as_array(x.numpy()) @ matrix.mT + bias
    with torch.no_grad():
        agree(fused, torch.cat([part(x) for part in (made.query, made.key, made.value)], -1))


@given(grouping=groupings, kind=st.sampled_from(["torch", "numpy"]), seed=seeds)
def test_merged_circuits_add_the_same_to_the_stream(grouping, kind, seed):
    made = attention(*grouping, seed=seed)
    x, mask = draw(torch.Generator().manual_seed(seed), 2, 5, 4 * grouping[0]), causal(5, 5)
    weights = made.state_dict()
    with torch.no_grad():
        expected, unmasked = made(x, causal=True), made(x)
    if kind == "numpy":
        x, mask = x.numpy(), mask.numpy()
        weights = {name: value.numpy() for name, value in weights.items()}
    merged = rewrites.merge_circuits(weights, grouping[0])
    agree(rewrites.merged_attention(x, **merged, mask=mask), expected, 1e-11)
    agree(rewrites.merged_attention(x, **merged), unmasked, 1e-11)


def test_merged_circuits_are_products_of_a_heads_matrices():
    weights = attention(2).state_dict()
    merged = rewrites.merge_circuits(weights, 2)
    w_q, w_k, w_v = (weights[f"{name}.weight"][4:] for name in ("query", "key", "value"))
    agree(merged["qk"][1], w_q.T @ w_k / 2)
    agree(merged["ov"][1], w_v.T @ weights["output.weight"][:, 4:].T)
