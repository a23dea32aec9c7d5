import copy
import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw
from encoder import encoder_layer, renamed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tantra import (
    GPT,
    Block,
    FeedForward,
    GPTConfig,
    PostNormBlock,
    RMSNorm,
    alibi_bias,
    record,
    rotary_angles,
)
from tantra.config import PARTS, build

SMALL = {"vocab_size": 50, "context_length": 12, "d_model": 16, "num_layers": 2, "num_heads": 4}


VARIANTS = {
    "gpt-2": {},
    "sinusoidal": {"positions": "sinusoidal", "tied": False, "feed_forward": "gelu_exact"},
    "rotary": {
        "positions": "rotary",
        "rotary_base": 500.0,
        "norm": "rms",
        "feed_forward": "swiglu",
        "bias": False,
    },
    "learned+rotary": {"positions": "learned+rotary", "feed_forward": "swiglu", "bias": False},
    "alibi": {"positions": "alibi", "num_kv_heads": 2, "attention": "qk_norm"},
    "none": {"positions": "none", "num_kv_heads": 1, "feed_forward": "squared_relu"},
    "post-norm": {"norm_position": "post", "positions": "alibi_released"},
    "2017": {"norm_position": "post", "positions": "sinusoidal", "feed_forward": "relu"},
}


variants = pytest.mark.parametrize("variant", VARIANTS)


def test_every_part_is_in_a_variant():
    configs = [GPTConfig(**SMALL | variant) for variant in VARIANTS.values()]
    for kind, names in PARTS.items():
        unseen = set(names) - {getattr(config, kind) for config in configs}
        assert not unseen, f"give a row of VARIANTS, above, {kind!r}: one of {sorted(unseen)}"


def gpt(seed=0, dtype=torch.float64, **kwargs):
    config = GPTConfig(**SMALL | kwargs)
    return GPT(config, generator=torch.Generator().manual_seed(seed)).to(dtype)


def draw_tokens(generator, *shape, vocab_size=50):
    return torch.randint(vocab_size, shape, generator=generator)


def grow(model, seed=0):
    """Larger weights, so that what every part does can be seen in the logits."""
    generator = torch.Generator().manual_seed(seed)
    for weights in model.parameters():
        weights.data += 0.2 * draw(generator, *weights.shape, dtype=weights.dtype)
    return model


# the model


def test_gpt_is_torchs_parts_by_copied_weights(dtype, generator):
    layers = [encoder_layer(True, dtype, generator) for _ in range(2)]
    tokens, positions = nn.Embedding(50, 8, dtype=dtype), nn.Embedding(12, 8, dtype=dtype)
    norm = nn.LayerNorm(8, dtype=dtype)
    theirs = nn.ModuleList([tokens, positions, norm, *layers])

    def forward(ids):
        x = tokens(ids) + positions(torch.arange(ids.shape[-1]))
        for layer in layers:
            x = layer(x, src_mask=torch.ones(len(x[0]), len(x[0]), dtype=torch.bool).triu(1))
        return norm(x) @ tokens.weight.T

    ours = gpt(dtype=dtype, d_model=8, num_heads=2, expansion=1.5)
    weights = {
        "token_embedding.weight": tokens.weight,
        "unembedding.weight": tokens.weight,
        "positions.weight": positions.weight,
        "norm.gain": norm.weight,
        "norm.bias": norm.bias,
    }
    for n, layer in enumerate(layers):
        weights |= renamed(layer.state_dict(), f"blocks.{n}.")
    ours.load_state_dict(weights, strict=True)
    ids = draw_tokens(generator, 3, 7)
    out, expected = ours(ids), forward(ids)
    agree(out, expected)
    weighing = draw(generator, *out.shape, dtype=dtype)
    (out * weighing).sum().backward()
    (expected * weighing).sum().backward()
    agree(ours.token_embedding.weight.grad, tokens.weight.grad)
    agree(ours.positions.weight.grad, positions.weight.grad)
    assert len(list(ours.parameters())) == len(list(theirs.parameters())) + 2 * 4  # q, k, v apart


def test_gpt2_small_has_124_439_808_parameters():
    with torch.device("meta"):
        model = GPT(GPTConfig())
    assert sum(weights.numel() for weights in model.parameters()) == 124_439_808
    assert all(weights.is_meta for weights in model.parameters())
    assert "blocks.11.attention.query.weight" in model.state_dict()


@variants
def test_the_future_cannot_change_the_past(variant, generator):
    model = grow(gpt(**VARIANTS[variant]))
    tokens = draw_tokens(generator, 2, 8)
    changed = tokens.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 50
    before, after = model(tokens), model(changed)
    agree(after[:, :5], before[:, :5], 1e-12)
    assert (after[:, 5:] - before[:, 5:]).abs().amax(-1).min() > 1e-4


@pytest.mark.parametrize("positions", PARTS["positions"])
def test_only_positions_tell_the_order_of_the_past(positions, generator):
    model = grow(gpt(positions=positions, num_layers=1))
    tokens = draw_tokens(generator, 2, 6)
    shuffled = tokens[:, [2, 0, 4, 1, 3, 5]]
    difference = (model(tokens) - model(shuffled))[:, -1].abs().amax(-1)
    assert (difference < 1e-12).all() if positions == "none" else (difference > 1e-4).all()


@variants
@settings(max_examples=15)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5).filter(lambda n: sum(n) <= 12),
    st.booleans(),
)
def test_cached_is_uncached_for_every_split(variant, lengths, fixed):
    model = grow(gpt(**VARIANTS[variant]))
    tokens = draw_tokens(torch.Generator().manual_seed(0), 2, sum(lengths))
    caches = model.new_caches(12 if fixed else None)
    with torch.no_grad():
        parts = [model(part, caches) for part in tokens.split(lengths, dim=1)]
        agree(torch.cat(parts, dim=1), model(tokens), 1e-12)
    assert {len(cache) for cache in caches} == {sum(lengths)}


@variants
@pytest.mark.parametrize("fixed", [True, False])
def test_padding_in_front_changes_nothing(variant, fixed, generator):
    model = grow(gpt(**VARIANTS[variant]))
    tokens, padding = draw_tokens(generator, 3, 9), torch.tensor([2, 0, 5])
    caches = model.new_caches(12 if fixed else None)
    with torch.no_grad():
        parts = [model(part, caches, padding=padding) for part in tokens.split([4, 3, 1, 1], dim=1)]
        together = torch.cat(parts, dim=1)
        agree(model(tokens, padding=padding), together, 1e-12)
        for row, logits, pads in zip(tokens, together, padding, strict=True):
            agree(logits[pads:], model(row[pads:]), 1e-12)


@variants
def test_the_last_scores_alone(variant, generator):
    model, tokens, widths = gpt(**VARIANTS[variant]), draw_tokens(generator, 2, 5), []
    model.unembedding.register_forward_hook(lambda part, args, out: widths.append(out.shape[-2]))
    agree(model(tokens, last=True), model(tokens)[:, -1:])
    agree(model(tokens[0], last=True), model(tokens[0])[-1:])
    assert widths == [1, 5, 1, 5]


@pytest.mark.parametrize("positions", ["rotary", "alibi", "none"])
def test_a_padded_row_slides_too(positions, generator):
    model, tokens = grow(gpt(positions=positions)), draw_tokens(generator, 2, 20)
    both, alone = model.new_caches(sliding=True), model.new_caches(sliding=True)
    with torch.no_grad():
        for first, end in [(0, 6), *((n, n + 1) for n in range(6, 20))]:
            now = model(tokens[:, first:end], both, padding=torch.tensor([0, 8]))
            if first >= 8:
                agree(now[1:], model(tokens[1:, first:end], alone), 1e-12)
    assert [cache.seen for cache in both] == [20, 20]


def test_numbered_positions_cannot_slide():
    for positions in ("learned", "sinusoidal", "learned+rotary"):
        says = rf"{re.escape(positions)} positions are numbered and end at context_length \(12\)"
        with pytest.raises(ValueError, match=says):
            gpt(positions=positions).new_caches(sliding=True)
    caches = gpt(positions="rotary").new_caches(sliding=True)
    assert [(cache.length, cache.sliding) for cache in caches] == [(12, True)] * 2


@pytest.mark.parametrize("padding", [1, torch.tensor([1]), torch.tensor([[1, 0]]), [1, 0]])
def test_padding_is_a_number_for_each_row(padding):
    with pytest.raises(ValueError, match=r"padding .* does not fit tokens \(2, 3\); give a tensor"):
        gpt()(torch.zeros(2, 3, dtype=torch.int64), padding=padding)
    with pytest.raises(ValueError, match=r"does not fit tokens \(3,\); give a tensor of one"):
        gpt()(torch.zeros(3, dtype=torch.int64), padding=torch.tensor([1, 0, 0]))


@variants
def test_every_weight_gets_a_gradient(variant, generator):
    model = grow(gpt(**VARIANTS[variant]))
    model(draw_tokens(generator, 3, 12)).logsumexp(-1).sum().backward()
    for name, weights in model.named_parameters():
        assert weights.grad is not None, name
        if not name.endswith("key.bias"):  # the same for all keys: softmax cannot see it
            assert weights.grad.abs().max() > 1e-9, name


@variants
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64])
def test_the_type_is_kept(variant, kind, generator):
    model, tokens = gpt(dtype=kind, **VARIANTS[variant]), draw_tokens(generator, 2, 8)
    logits = model(tokens)
    assert logits.dtype == kind
    exact = gpt(dtype=torch.float64, **VARIANTS[variant])(tokens)
    assert (logits - exact).abs().max() < (0.02 if kind is torch.bfloat16 else 1e-5)


@variants
def test_compiles_whole(variant, generator):
    torch.compiler.reset()
    model, tokens = gpt(**VARIANTS[variant]), draw_tokens(generator, 2, 8)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    agree(compiled(tokens), model(tokens))


def test_a_cached_step_compiles_whole(generator):
    torch.compiler.reset()
    model, tokens = gpt(positions="rotary"), draw_tokens(generator, 2, 4)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    with torch.no_grad():
        caches = model.new_caches(12)
        parts = [compiled(part, caches) for part in tokens.split([2, 1, 1], dim=1)]
        agree(torch.cat(parts, dim=1), model(tokens))


@variants
def test_runs_on_meta(variant):
    model = gpt(**VARIANTS[variant]).to("meta")
    logits = model(torch.zeros(2, 8, dtype=torch.int64, device="meta"))
    assert logits.is_meta
    assert logits.shape == (2, 8, 50)


@variants
def test_watched_and_unwatched_are_equal(variant, generator):
    model, tokens = grow(gpt(**VARIANTS[variant])), draw_tokens(generator, 2, 8)
    with record(model) as seen:
        watched = model(tokens)
    agree(watched, model(tokens))
    for n in range(2):
        weights = seen[f"blocks.{n}.attention.weights"]
        agree(weights.sum(-1), torch.ones(2, 4, 8, dtype=torch.float64))


def test_copies_and_saved_weights(generator):
    model, tokens = gpt(positions="rotary"), draw_tokens(generator, 2, 8)
    twin = copy.deepcopy(model)
    assert twin.unembedding.weight is twin.token_embedding.weight
    agree(twin(tokens), model(tokens))
    other = gpt(seed=1, positions="rotary")
    other.load_state_dict(model.state_dict(), strict=True)
    agree(other(tokens), model(tokens))


def test_one_table_stays_one_on_the_way_from_meta():
    for tied in (True, False):
        with torch.device("meta"):
            model = GPT(GPTConfig(**SMALL, tied=tied))
        model.to_empty(device="cpu")
        assert (model.unembedding.weight is model.token_embedding.weight) is tied
    apart = gpt()
    apart.unembedding.weight = nn.Parameter(apart.unembedding.weight.detach().clone())
    assert apart.half().unembedding.weight is not apart.token_embedding.weight


# initial weights


@variants
@pytest.mark.parametrize(("d_model", "vocab_size"), [(32, 50), (128, 65), (128, 5000), (384, 65)])
def test_first_loss_is_ln_v(variant, d_model, vocab_size, generator):
    sizes = {"d_model": d_model, "vocab_size": vocab_size, "context_length": 64}
    model = gpt(dtype=torch.float32, **VARIANTS[variant] | sizes)
    tokens = draw_tokens(generator, 16, 65, vocab_size=vocab_size)
    with torch.no_grad():
        logits = model(tokens[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).item()
    assert loss == pytest.approx(math.log(vocab_size), abs=0.1)


def test_first_loss_of_gpt2_small_is_ln_v(generator):
    model = GPT(GPTConfig(context_length=32), generator=generator)
    tokens = draw_tokens(generator, 4, 33, vocab_size=50257)
    with torch.no_grad():
        logits = model(tokens[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).item()
    assert loss == pytest.approx(math.log(50257), abs=0.1)


def test_initial_weights_come_from_the_generator_only():
    before = torch.get_rng_state()
    one, same, other = gpt(0), gpt(0), gpt(1)
    assert torch.equal(torch.get_rng_state(), before)
    for name, weights in one.state_dict().items():
        assert torch.equal(same.state_dict()[name], weights)
        if weights.ndim > 1:
            assert not torch.equal(other.state_dict()[name], weights)


def test_initial_weights_are_gpt2s():
    model = gpt(d_model=64, num_layers=8, vocab_size=500, context_length=200, bias=True)
    for name, weights in model.named_parameters():
        std = 0.02 / 4 if name.endswith(("output.weight", "down.weight")) else 0.02  # 4 = √(2·8)
        if weights.ndim > 1:
            assert weights.std().item() == pytest.approx(std, rel=0.1), name
        else:
            assert (weights == (1.0 if name.endswith("gain") else 0.0)).all(), name


def test_a_part_says_which_layer_comes_last(monkeypatch):
    class Mine(FeedForward):
        last_layer = "up"

    for name, scaled in ((FeedForward, "down"), (Mine, "up")):
        monkeypatch.setitem(
            PARTS["feed_forward"], "mine", lambda c, g, n=name: n(c.d_model, c.d_ff)
        )
        model = gpt(feed_forward="mine", d_model=64, num_layers=8)
        for layer in ("up", "down"):
            std = getattr(model.blocks[0].feed_forward, layer).weight.std().item()
            assert std == pytest.approx(0.02 / 4 if layer == scaled else 0.02, rel=0.1)


def test_slopes_of_alibi_are_the_papers_unless_the_released_are_named():
    x, places = torch.zeros(1, 3, 18, dtype=torch.float64), torch.arange(3)
    for name, slopes in (("alibi", "paper"), ("alibi_released", "released")):
        _, look = gpt(d_model=18, num_heads=6, positions=name).positions(x)
        agree(look["attn_bias"], alibi_bias(6, places, places, slopes))


def test_the_base_of_rotary_positions_is_the_configs(generator):
    tokens = draw_tokens(generator, 1, 8)
    for positions in ("rotary", "learned+rotary"):
        one, other = (grow(gpt(positions=positions, rotary_base=base)) for base in (1e4, 500.0))
        assert (one(tokens) - other(tokens)).abs().max() > 1e-4
        for model in (one, other):
            found = model.positions(torch.zeros(1, 3, 16), past=2)[1]["angles"]
            expected = rotary_angles(5, 4, model.config.rotary_base)[2:]
            torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-14, atol=0)


def test_the_last_gain_of_a_wide_model_starts_lower():
    assert gpt(d_model=384).norm.gain.unique().tolist() == [0.5]
    assert gpt(d_model=160, norm_position="post").norm.gain.unique().tolist() == [0.5]
    assert gpt(d_model=384).blocks[0].norm_1.gain.unique().tolist() == [1.0]


# the config


def test_names_choose_the_parts():
    model = gpt(norm="rms", feed_forward="swiglu", norm_position="post", num_kv_heads=2)
    block = model.blocks[1]
    assert type(block) is PostNormBlock
    assert type(block.norm_1) is type(model.norm) is RMSNorm
    assert type(block.feed_forward).__name__ == "SwiGLU"
    assert block.attention.num_kv_heads == 2
    assert type(gpt().blocks[0]) is Block


def test_a_part_of_your_own(monkeypatch):
    monkeypatch.setitem(PARTS["norm"], "none", lambda config, generator: nn.Identity())
    monkeypatch.setitem(PARTS["norm_position"], "mine", PARTS["norm_position"]["pre"])
    model = gpt(norm="none", norm_position="mine")
    assert (gpt(norm_position="mine", d_model=512).norm.gain == 1).all()
    assert type(model.blocks[0].norm_1) is nn.Identity
    assert type(build(model.config, "norm")) is nn.Identity
    assert model(torch.tensor([[1, 2]])).shape == (1, 2, 50)


def test_bias_and_ties_can_be_left_out():
    names = dict(gpt(bias=False).named_parameters())
    assert not [name for name in names if "bias" in name]
    assert "unembedding.weight" not in names
    untied = gpt(tied=False)
    assert "unembedding.weight" in dict(untied.named_parameters())
    assert untied.unembedding.bias is None
    assert untied.unembedding.weight is not untied.token_embedding.weight


def test_a_model_is_made_from_a_config():
    with pytest.raises(TypeError, match=r"config is a dict; give a GPTConfig\(\.\.\.\)"):
        GPT(SMALL)


# tokens


@pytest.mark.parametrize(
    ("tokens", "error", "says"),
    [
        (torch.tensor([[1, 50]]), ValueError, "token 50 is outside the vocabulary: use 0 to 49"),
        (torch.tensor([[-1, 3]]), ValueError, "token -1 is outside the vocabulary: use 0 to 49"),
        (
            torch.zeros(1, 13, dtype=torch.int64),
            ValueError,
            r"0 past and 13 new .* \(12\); give few",
        ),
        (torch.zeros(2, 0, dtype=torch.int64), ValueError, r"tokens have shape \(2, 0\); give at"),
        (torch.tensor(3), ValueError, r"tokens have shape \(\); give at least one token"),
        (torch.zeros(1, 3), TypeError, r"tokens are torch\.float32; give a torch tensor of whole"),
        (torch.zeros(1, 3) > 0, TypeError, r"tokens are torch\.bool; give a torch tensor of whole"),
        (np.zeros((1, 2), int), TypeError, "tokens are a ndarray; give a torch tensor of whole"),
        ([[1, 2]], TypeError, "tokens are a list; give a torch tensor of whole numbers"),
    ],
)
def test_tokens_that_cannot_be(tokens, error, says):
    with pytest.raises(error, match=says):
        gpt()(tokens)


def test_new_caches_are_one_for_each_block():
    caches = gpt().new_caches(9)
    assert [cache.length for cache in caches] == [9, 9]
    assert caches[0] is not caches[1]
    assert gpt().new_caches()[0].length is None


def test_caches_must_fit_the_model():
    model, caches = gpt(), gpt(num_layers=3).new_caches()
    with pytest.raises(ValueError, match=r"3 caches for 2 blocks; new_caches\(\) makes them"):
        model(torch.tensor([[1]]), caches)
    caches = model.new_caches()
    model(torch.zeros(1, 10, dtype=torch.int64), caches)
    with pytest.raises(ValueError, match=r"10 past and 3 new tokens are more than .* \(12\)"):
        model(torch.zeros(1, 3, dtype=torch.int64), caches)
    assert len(caches[0]) == 10


def test_int32_tokens_and_one_sequence_without_a_batch(generator):
    model, tokens = gpt(), draw_tokens(generator, 2, 5)
    agree(model(tokens.int()), model(tokens))
    agree(model(tokens[0]), model(tokens)[0])
