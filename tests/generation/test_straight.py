import copy
import pickle
import weakref
from functools import partial

import numpy as np
import pytest
import torch
from agreement import agree
from test_model import VARIANTS, draw_tokens, gpt, grow
from torch import nn
from torch.nn.modules import module

from tantra import (
    GPT,
    Block,
    FeedForward,
    KVCache,
    LayerNorm,
    MultiHeadAttention,
    PostNormBlock,
    generate,
    prepare_for_decoding,
    record,
)
from tantra.generation.straight import StraightGPT
from tantra.probes import Probe

KINDS = ["float32", "float16", "int8", "int4"]
STRAIGHT = [name for name, how in VARIANTS.items() if how.get("attention") != "qk_norm"]


def decoder(kind="float32", **how):
    return prepare_for_decoding(grow(gpt(dtype=torch.float32, **how)), kind)


@torch.no_grad()
def one_by_one(model, tokens, caches=None):
    """The logits of each token, one step a token; the first three at once."""
    caches = model.new_caches(tokens.shape[1]) if caches is None else caches
    parts = [tokens[:, :3], *tokens[:, 3:].split(1, dim=1)]
    return torch.cat([model(part, caches) for part in parts], dim=1)


def by_hand(model, tokens, caches=None):
    """The same without the short way, which nobody takes while somebody listens."""
    with record(model, "blocks.0.attention.q"):
        return one_by_one(model, tokens, caches)


@pytest.fixture
def straight_only(monkeypatch):
    """No block may be entered for one position."""

    def forbid(kind):
        forward = kind.forward

        def guarded(self, x, **look):
            assert x.shape[-2] > 1, "a block was entered for one position"
            return forward(self, x, **look)

        monkeypatch.setattr(kind, "forward", guarded)

    forbid(Block)
    forbid(PostNormBlock)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("variant", STRAIGHT)
def test_the_straight_way_is_what_the_blocks_compute(variant, kind, rows, generator):
    ready, tokens = decoder(kind, **VARIANTS[variant]), draw_tokens(generator, rows, 9)
    assert type(ready) is StraightGPT
    agree(one_by_one(ready, tokens), by_hand(ready, tokens), 1e-6 if kind == "float32" else 2e-2)


@pytest.mark.parametrize("variant", STRAIGHT)
def test_it_enters_no_block(variant, generator, straight_only):
    ready, tokens = decoder(**VARIANTS[variant]), draw_tokens(generator, 1, 9)
    one_by_one(ready, tokens)
    with pytest.raises(AssertionError, match="was entered"):
        by_hand(ready, tokens)


def test_the_prompt_and_what_has_no_cache_go_through_the_blocks(generator):
    ready, tokens = decoder(), draw_tokens(generator, 1, 1)
    agree(ready(tokens), ready(tokens, ready.new_caches()), 1e-6)


@pytest.mark.parametrize("caches", [KVCache, lambda: KVCache(5, sliding=True)])
def test_caches_that_grow_and_caches_that_slide(caches, generator):
    ready, tokens = decoder(positions="rotary"), draw_tokens(generator, 1, 9)
    ours, theirs = ([caches() for _ in ready.blocks] for _ in range(2))
    agree(one_by_one(ready, tokens, ours), by_hand(ready, tokens, theirs), 1e-6)
    assert [cache.seen for cache in ours] == [9, 9]


def test_prompts_of_different_lengths_keep_their_padding(straight_only):
    ready, rows = decoder(), [[3, 1, 4], [5], [2, 7]]
    together = generate(ready, rows, 6, temperature=0)
    assert together == [generate(ready, row, 6, temperature=0) for row in rows]


BAD = [
    ([[1]], {}, TypeError, "tokens are a list"),
    (np.array([[1]]), {}, TypeError, "tokens are a ndarray"),
    (torch.tensor([[50]]), {}, ValueError, "token 50 is outside the vocabulary"),
    (torch.tensor([[1.0]]), {}, TypeError, "float32"),
    (torch.tensor([[1]]), {"padding": torch.tensor([0, 0])}, ValueError, "does not fit tokens"),
    (torch.tensor([[1], [1]]), {}, ValueError, "do not fit the remembered"),
]


@pytest.mark.parametrize(("tokens", "how", "kind", "message"), BAD)
def test_bad_input_gets_the_error_that_it_gets_from_the_blocks(tokens, how, kind, message):
    ready = decoder()
    caches = ready.new_caches()
    ready(torch.tensor([[3, 1, 4]]), caches)
    with pytest.raises(kind, match=message):
        ready(tokens, caches, **how)
    with record(ready), pytest.raises(kind, match=message):
        ready(tokens, caches, **how)


def test_it_ends_where_the_positions_end_and_needs_a_cache_for_each_block(generator):
    ready, tokens = decoder(), draw_tokens(generator, 1, 13)
    with pytest.raises(ValueError, match="12 past and 1 new tokens are more than context_length"):
        one_by_one(ready, tokens)
    with pytest.raises(ValueError, match="1 caches for 2 blocks"):
        ready(tokens[:, :1], ready.new_caches()[:1])


def test_a_mask_that_does_not_fit_leaves_the_caches_as_they_were(generator):
    """As with padding behind a window that slides: a mask has more keys than the cache."""
    ready, tokens = decoder(positions="rotary"), draw_tokens(generator, 2, 9)
    caches = [KVCache(5, sliding=True) for _ in ready.blocks]
    padding = torch.tensor([1, 0])
    with torch.no_grad():
        ready(tokens[:, :3], caches, padding=padding)
        for i in (3, 4):
            ready(tokens[:, i : i + 1], caches, padding=padding)
        with pytest.raises(ValueError, match=r"mask .* does not fit scores"):
            ready(tokens[:, 5:6], caches, padding=padding)
    assert [cache.seen for cache in caches] == [5, 5]


def test_an_empty_batch(generator):
    ready, tokens = decoder(), draw_tokens(generator, 2, 5)
    assert one_by_one(ready, tokens[:0]).shape == (0, 5, 50)


def test_what_enters_the_first_block_is_heard(generator):
    ready, tokens = decoder(), draw_tokens(generator, 1, 5)
    with record(ready, "stream") as seen:
        one_by_one(ready, tokens)
    assert seen["stream"].shape == (1, 1, 16)


# whoever listens is heard

PARTS = sorted(name for name, _ in decoder().blocks.named_modules() if name)
UNHEARD = ".scores", ".weights"  # a value passes these only while a forward hook is there
HOOKS = [("register_forward_hook", name) for name in PARTS]
HOOKS += [("register_forward_pre_hook", name) for name in PARTS if not name.endswith(UNHEARD)]


@pytest.mark.parametrize(("listen", "name"), HOOKS)
def test_a_hook_on_any_part_is_called_for_each_token(listen, name, generator):
    ready, tokens, heard = decoder(), draw_tokens(generator, 1, 6), []
    exact = one_by_one(ready, tokens)
    hook = getattr(ready.blocks.get_submodule(name), listen)(lambda *_: heard.append(name))
    agree(one_by_one(ready, tokens), exact, 1e-6)
    assert len(heard) == 4  # the prompt's three tokens at once, then three alone
    hook.remove()
    one_by_one(ready, tokens)
    assert len(heard) == 4


@pytest.mark.parametrize("kind", ["forward_hook", "forward_pre_hook"])
def test_who_listens_to_every_module_hears_every_block(kind, generator):
    ready, heard = decoder(), []
    hook = getattr(module, f"register_module_{kind}")(lambda part, *_: heard.append(type(part)))
    try:
        one_by_one(ready, draw_tokens(generator, 1, 5))
    finally:
        hook.remove()
    assert heard.count(Block) == 2 * 3


@pytest.mark.parametrize("name", ["0", "0.feed_forward", "0.norm_1", "1.attention.maps"])
@pytest.mark.parametrize("kind", ["full_backward_hook", "full_backward_pre_hook"])
def test_who_listens_to_gradients_hears_them(name, kind, generator):
    ready, tokens, heard = decoder(), draw_tokens(generator, 1, 5), []
    ready.requires_grad_(True)
    part = ready.blocks.get_submodule(name)
    getattr(part, f"register_{kind}")(lambda *_: heard.append(name))
    caches = ready.new_caches()
    ready(tokens[:, :3], caches)
    ready(tokens[:, 3:4], caches).sum().backward()
    assert len(heard) == 2  # the prompt's keys have a share in it


def test_a_block_that_was_compiled_in_place_is_used(generator):
    torch.compiler.reset()
    ready, tokens, compiled = decoder(), draw_tokens(generator, 1, 5), []
    exact = one_by_one(ready, tokens)
    ready.blocks[1].compile(backend=lambda graph, _: compiled.append(graph) or graph.forward)
    caches = ready.new_caches()
    with torch.no_grad():
        ready(tokens[:, :3], caches)
        before = len(compiled)
        agree(ready(tokens[:, 3:4], caches), exact[:, 3:4], 1e-6)
    assert len(compiled) > before


# what was exchanged counts


class Halved(Block):
    def forward(self, x, **look):
        return x + (super().forward(x, **look) - x) / 2


def another(generator, *shape):
    return nn.Parameter(torch.randn(*shape, generator=generator), requires_grad=False)


def a_layer(ready, generator):
    ready.blocks[1].feed_forward.up = nn.Linear(16, 64).requires_grad_(False)


def a_weight(ready, generator):
    ready.blocks[0].attention.output.weight = another(generator, 16, 16)


def a_gain(ready, generator):
    ready.blocks[0].norm_2.gain = another(generator, 16)


def a_block(ready, generator):
    ready.blocks[0] = ready.blocks[1]


def fewer_blocks(ready, generator):
    ready.blocks = ready.blocks[:1]


def one_block_less(ready, generator):
    del ready.blocks[1]


def a_forward(ready, generator):
    ready.blocks[1].feed_forward.forward = lambda x: 2 * x


def a_probe(ready, generator):
    ready.blocks[0].stream = nn.Hardtanh()


def numbers(ready, generator):
    ready.blocks[0].norm_1.gain.mul_(3)


def a_state(ready, generator):
    state = {name: torch.rand_like(x) for name, x in ready.state_dict().items()}
    ready.load_state_dict(state, assign=True)


def a_kind(ready, generator):
    ready.blocks[0].__class__ = Halved


def a_kind_of_block(ready, generator):
    block = ready.blocks[0]
    parts = block.attention, block.feed_forward, block.norm_1, block.norm_2
    ready.blocks[0] = Halved(*parts)


def an_attention(ready, generator):
    ready.blocks[0].attention = MultiHeadAttention(16, 4).requires_grad_(False)


def an_epsilon(ready, generator):
    ready.blocks[0].norm_1.eps = 1.0


EXCHANGES = [
    a_layer, a_weight, a_gain, a_block, fewer_blocks, one_block_less, a_forward, a_probe, numbers,
    a_state, a_kind, a_kind_of_block, an_attention, an_epsilon,
]  # fmt: skip


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_what_was_exchanged_counts(exchange, generator):
    ready, tokens = decoder(), draw_tokens(generator, 1, 6)
    before = one_by_one(ready, tokens)
    exchange(ready, generator)
    after = one_by_one(ready, tokens)
    assert (after - before).abs().max() > 1e-3
    agree(after, by_hand(ready, tokens), 1e-5)
    agree(one_by_one(copy.deepcopy(ready), tokens), after, 1e-5)
    agree(one_by_one(copy.copy(ready), tokens), after, 1e-5)


def test_a_part_of_the_same_kinds_goes_straight_and_the_old_one_is_forgotten(
    generator, straight_only
):
    ready, tokens = decoder(), draw_tokens(generator, 1, 6)
    one_by_one(ready, tokens)
    old = weakref.ref(ready.blocks[1].feed_forward)
    ready.blocks[1].feed_forward = FeedForward(16, 32).requires_grad_(False)
    agree(one_by_one(ready, tokens), ready(tokens), 1e-5)
    assert old() is None


def test_a_part_is_copied_with_whom_it_knows(generator):
    ready, tokens = decoder(), draw_tokens(generator, 1, 5)
    ready.blocks[0].register_forward_hook(partial(lambda model, *_: None, ready))
    one_by_one(ready, tokens)
    copy.deepcopy(ready.blocks[0])


def test_a_decoder_of_a_decoder_goes_straight(generator, straight_only):
    ready, tokens = decoder(), draw_tokens(generator, 1, 5)
    agree(one_by_one(prepare_for_decoding(ready), tokens), one_by_one(ready, tokens), 1e-6)


def test_a_copy_has_a_way_of_its_own(generator, straight_only):
    ready, tokens = decoder(), draw_tokens(generator, 1, 6)
    before = one_by_one(ready, tokens)
    again, stored = copy.deepcopy(ready), pickle.loads(pickle.dumps(ready))
    for x in ready.blocks.parameters():
        x.zero_()
    agree(one_by_one(again, tokens), before, 1e-6)
    agree(one_by_one(stored, tokens), before, 1e-6)
    assert (one_by_one(ready, tokens) - before).abs().max() > 1e-3


def test_it_may_be_cast(generator, straight_only):
    ready, tokens = decoder().double(), draw_tokens(generator, 1, 6)
    exact = ready(tokens)
    assert exact.dtype == torch.float64
    agree(one_by_one(ready, tokens), exact, 1e-12)


@pytest.mark.parametrize("variant", STRAIGHT)
def test_a_step_is_cast_as_the_blocks_cast_it(variant, generator):
    ready, tokens = decoder(**VARIANTS[variant]), draw_tokens(generator, 1, 9)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(one_by_one(ready, tokens), by_hand(ready, tokens))


def test_a_step_compiles_whole_and_through_the_blocks(generator, monkeypatch):
    torch.compiler.reset()
    monkeypatch.setattr(StraightGPT, "_leads", None)  # nobody asks
    ready, tokens = decoder(positions="rotary"), draw_tokens(generator, 2, 4)
    compiled = torch.compile(ready, fullgraph=True, backend="eager")
    with torch.no_grad():
        caches = ready.new_caches(12)
        parts = [compiled(part, caches) for part in tokens.split([2, 1, 1], dim=1)]
        agree(torch.cat(parts, dim=1), ready(tokens), 1e-6)


# other kinds of parts go as they always did


class Doubling(GPT):
    def forward(self, *args, **how):
        return 2 * super().forward(*args, **how)


class Turning(Probe):
    def forward(self, x):
        return -x


def other_block(model):
    model.blocks[0].__class__ = Halved


def other_model(model):
    model.__class__ = Doubling


def other_stream(model):
    model.blocks[1].stream = Turning()


def other_weights(model):
    model.blocks[1].attention.q = Turning()


@pytest.mark.parametrize("change", [other_block, other_model, other_stream, other_weights])
def test_a_model_with_parts_of_another_kind_stays_what_it_is(change, generator):
    model, tokens = grow(gpt(dtype=torch.float32)), draw_tokens(generator, 1, 6)
    plain = one_by_one(model, tokens)
    change(model)
    ready = prepare_for_decoding(model)
    assert (type(ready) is StraightGPT) == (type(model) is GPT)
    agree(one_by_one(ready, tokens), one_by_one(model, tokens), 1e-5)
    assert (one_by_one(ready, tokens) - plain).abs().max() > 1e-3


class Folding(FeedForward):
    def forward(self, x):
        batch, time, width = x.shape
        return super().forward(x.reshape(batch * time, width)).reshape(x.shape)


class Shifted(LayerNorm):
    def forward(self, x):
        return super().forward(x) + x.mean(dim=(1, 2), keepdim=True)


def test_norms_and_feed_forwards_of_another_kind_get_what_they_always_got(generator):
    model, tokens = grow(gpt(dtype=torch.float32)), draw_tokens(generator, 1, 6)
    model.blocks[0].feed_forward.__class__ = Folding
    model.blocks[1].norm_1.__class__ = Shifted
    agree(one_by_one(prepare_for_decoding(model), tokens), one_by_one(model, tokens), 1e-5)


@pytest.mark.parametrize(("rows", "product"), [(1, "aten::addmv"), (2, "aten::addmm")])
def test_one_row_alone_is_multiplied_as_a_vector(rows, product, generator):
    ready, tokens = decoder(), draw_tokens(generator, rows, 4)
    caches = ready.new_caches(4)
    with torch.no_grad():
        ready(tokens[:, :3], caches)
        with torch.profiler.profile() as seen:
            ready(tokens[:, 3:], caches)
    names = [event.name for event in seen.events()]
    assert names.count(product) == 2 * 4
