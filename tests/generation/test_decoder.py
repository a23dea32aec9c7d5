import copy
import math

import pytest
import torch
import torch.nn.functional as F
from agreement import agree, draw
from test_model import VARIANTS, draw_tokens, gpt, grow
from torch import nn

from tantra import (
    GPT,
    GPTConfig,
    beam_search,
    decoder,
    generate,
    prepare_for_decoding,
    record,
    stream,
)
from tantra.generation.decoder import Half, Int8, by_rows, plain
from tantra.metre.trained import trained_model
from tantra.metre.varna import VarnaTokenizer

KINDS = ["float32", "float16", "int8"]
# of the largest logit, between a decoder and the model of rounded numbers, which are the same
TWIN = {"float32": 2e-6, "float16": 2e-6, "int8": 1e-3}
decoder_large = decoder.LARGE  # as it is without the fixture below
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def every_matrix_is_large(monkeypatch):
    monkeypatch.setattr(decoder, "LARGE", 0)


def small(**kwargs):
    return grow(gpt(dtype=torch.float32, **kwargs))


def round_by_hand(weight, kind):
    """One number after another, as the docstrings say it."""
    if kind == "float32":
        return weight
    if kind == "float16":
        return torch.from_numpy(weight.numpy().astype("float16").astype("float32"))
    rows = []
    for row in weight.tolist():
        scale = max(map(abs, row)) / 127
        rows.append([round(x / scale) * scale if scale else 0.0 for x in row])
    return torch.tensor(rows)


@torch.no_grad()
def rounded(model, kind):
    """A model like any other, with the matrices rounded by hand."""
    twin = copy.deepcopy(model)
    for part in list(twin.modules()):
        for name, layer in part.named_children():
            if isinstance(layer, nn.Linear):
                new = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None)
                new.weight.copy_(round_by_hand(layer.weight, kind))
                if layer.bias is not None:
                    new.bias.copy_(layer.bias)
                setattr(part, name, new)
    return twin


@torch.no_grad()
def one_by_one(model, tokens):
    """The logits of each token, from a cache, one step a token; the first three at once."""
    caches = model.new_caches(tokens.shape[1])
    parts = [tokens[:, :3], *tokens[:, 3:].split(1, dim=1)]
    return torch.cat([model(part, caches) for part in parts], dim=1)


# against the model of the same numbers


@kinds
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_decoder_is_the_model_of_rounded_matrices(kind, variant, generator):
    model = small(**VARIANTS[variant])
    tokens = draw_tokens(generator, 2, 9)
    with torch.no_grad():
        wanted = rounded(model, kind)(tokens)
        ready = prepare_for_decoding(model, kind)
        agree(ready(tokens), wanted, TWIN[kind])
        agree(one_by_one(ready, tokens), wanted, TWIN[kind])


def test_float32_is_what_one_gets_without_asking(generator):
    model, tokens = small(), draw_tokens(generator, 1, 9)
    agree(one_by_one(prepare_for_decoding(model), tokens), model(tokens).detach(), 2e-6)


@kinds
def test_generate_stream_and_beam_search_take_a_decoder(kind):
    model = small(positions="rotary")
    ready, twin = prepare_for_decoding(model, kind), rounded(model, kind)
    for prompt in ([3, 1, 4], [[3, 1, 4], [5]]):
        wanted = generate(twin, prompt, 20, temperature=0)
        assert generate(ready, prompt, 20, temperature=0) == wanted
    assert [3, *stream(ready, [3], 8, temperature=0)] == generate(twin, [3], 8, temperature=0)
    assert beam_search(ready, [3, 1], 6, num_beams=3) == beam_search(twin, [3, 1], 6, num_beams=3)


@kinds
def test_probes_of_a_decoder_can_be_watched(kind, generator):
    ready, tokens = prepare_for_decoding(small(), kind), draw_tokens(generator, 1, 5)
    with record(ready, "*.weights") as seen:
        ready(tokens)
    agree(seen["blocks.0.attention.weights"].sum(-1), torch.ones(1, 4, 5))


# how far rounding moves the logits


def changes(model, tokens):
    """The largest change of a logit by kind, of the range of the logits."""
    with torch.no_grad():
        exact = model(tokens)
        span = (exact.max() - exact.min()).item()
        return {
            kind: (prepare_for_decoding(model, kind)(tokens) - exact).abs().max().item() / span
            for kind in KINDS
        }


LIMITS = {"float32": 1e-5, "float16": 1 / 1000, "int8": 1 / 50}  # as prepare says


def test_rounding_moves_the_logits_of_layers_as_wide_as_gpt2_small_so_far(generator):
    model = GPT(GPTConfig(num_layers=3, vocab_size=1000), generator=generator)
    moved = changes(model, draw_tokens(generator, 1, 24, vocab_size=1000))
    for kind, limit in LIMITS.items():
        assert moved[kind] <= limit
    assert 10 * moved["float32"] < moved["float16"] < moved["int8"] / 10


def test_rounding_moves_the_logits_of_a_trained_model_so_far():
    model, size = trained_model(), VarnaTokenizer().vocab_size
    tokens = torch.arange(4 * 40).reshape(4, 40) * 7 % size
    moved = changes(model, tokens)
    for kind, limit in LIMITS.items():
        assert moved[kind] <= limit
    assert moved["int8"] > 1e-3


# the layers


def test_the_largest_of_a_row_becomes_127_and_none_is_off_by_more_than_half(generator):
    weight = draw(generator, 5, 40, dtype=torch.float32)
    weight[2] = 0
    weight[3, 7] = -9
    whole, scale = by_rows(weight)
    assert whole.dtype == torch.int8
    assert whole.abs().amax(-1).tolist() == [127, 127, 0, 127, 127]
    assert whole[3, 7] == -127
    assert (scale > 0).all()
    assert ((whole * scale[:, None] - weight).abs() <= scale[:, None] * 0.5001).all()
    assert by_rows(torch.tensor([[-2.0, 1.0, 0.5]]))[0].tolist() == [[-127, 64, 32]]


def eight_bits_by_hand(x, weight, bias):
    """In float64: x as coarse + rest / 126, both whole numbers from -63 to 63."""
    whole, scale = by_rows(weight)
    rows = x.double().reshape(-1, x.shape[-1])
    unit = rows.abs().amax(-1, keepdim=True) / 63
    coarse = (rows / unit).round()
    rest = ((rows / unit - coarse) * 126).round()
    assert max(coarse.abs().max(), rest.abs().max()) <= 63
    out = (coarse + rest / 126) * unit @ (whole.double() * scale.double()[:, None]).T
    return (out + bias.double()).float().reshape(*x.shape[:-1], -1)


@pytest.mark.parametrize("shape", [(1, 48), (1, 1, 48), (2, 5, 48), (48,)])
def test_the_8_bit_layer_in_whole_numbers(shape, generator):
    layer = nn.Linear(48, 70)
    x = draw(generator, *shape, dtype=torch.float32) * 3
    ours = Int8(layer.weight.detach(), layer.bias.detach())(x)
    agree(ours, eight_bits_by_hand(x, layer.weight.detach(), layer.bias.detach()), 2e-5)


def test_the_8_bit_layer_never_overflows_where_all_numbers_are_largest():
    for sign in (1, -1):
        weight, x = torch.full((16, 3072), 0.5), torch.full((1, 3072), 4.0 * sign)
        agree(Int8(weight, None)(x), x @ weight.T, 1e-5)


@pytest.mark.parametrize("kind", [Half, Int8])
def test_a_row_gets_the_same_alone_and_among_others(kind, generator):
    layer = nn.Linear(48, 70)
    made = kind(layer.weight.detach(), layer.bias.detach())
    x = draw(generator, 6, 48, dtype=torch.float32)
    x[3] *= 1000
    x[4] = 0
    together = made(x)
    for row, out in zip(x, together, strict=True):
        agree(made(row[None])[0], out)
    agree(together[4], layer.bias.detach(), 1e-6)


def test_x_itself_is_not_changed(generator):
    x = draw(generator, 2, 3, 48, dtype=torch.float32)
    before = x.clone()
    for kind in (Half, Int8):
        kind(draw(generator, 5, 48, dtype=torch.float32), None)(x)
    assert torch.equal(x, before)


def test_nan_is_passed_on(generator):
    x = torch.full((1, 8), math.nan)
    assert Int8(draw(generator, 5, 8, dtype=torch.float32), None)(x).isnan().all()
    broken = small()
    broken.norm.bias.data[0] = math.inf
    with pytest.raises(ValueError, match=r"norm\.bias holds inf"):
        prepare_for_decoding(broken)


@pytest.mark.parametrize(
    ("shape", "transposed"), [((50, 8), True), ((8, 8), False), ((8, 50), False)]
)
def test_a_matrix_with_more_outputs_than_inputs_is_transposed(shape, transposed, generator):
    weight = draw(generator, *shape, dtype=torch.float32)
    layer = plain(weight, None)
    assert layer.weight.stride() == ((1, shape[0]) if transposed else (shape[1], 1))
    assert torch.equal(layer.weight, weight)
    x = draw(generator, 1, shape[1], dtype=torch.float32)
    agree(layer(x), F.linear(x, weight))


# the copy


@kinds
def test_the_model_stays_as_it_was(kind):
    model = small()
    before = {name: p.clone() for name, p in model.named_parameters()}
    ready = prepare_for_decoding(model, kind)
    assert model.training
    assert not ready.training
    assert all(p.requires_grad for p in model.parameters())
    assert not any(p.requires_grad for p in ready.parameters())
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name])
    same = ready.token_embedding.weight.data_ptr() == model.token_embedding.weight.data_ptr()
    assert same
    assert ready.config == model.config


@kinds
def test_a_decoder_does_not_learn(kind, generator):
    loss = prepare_for_decoding(small(), kind)(draw_tokens(generator, 1, 5)).sum()
    assert not loss.requires_grad


def test_the_layers_are_what_they_are_called():
    model = small()
    assert type(prepare_for_decoding(model, "float16").unembedding) is Half
    assert type(prepare_for_decoding(model, "int8").blocks[1].attention.output) is Int8


def test_a_small_matrix_keeps_its_8_bits_in_float16(generator, monkeypatch):
    assert decoder_large == 2**21
    model, tokens = small(), draw_tokens(generator, 2, 9)
    monkeypatch.setattr(decoder, "LARGE", 50 * 16)
    ready = prepare_for_decoding(model, "int8")
    assert type(ready.unembedding) is Int8
    assert type(ready.blocks[0].attention.query) is Half
    agree(ready(tokens), rounded(model, "int8")(tokens).detach(), TWIN["int8"])


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


@kinds
def test_a_layer_of_another_kind_stays(kind, generator):
    model, tokens = small(), draw_tokens(generator, 1, 5)
    for block in model.blocks:
        block.feed_forward.down = Doubled(64, 16)
    ready = prepare_for_decoding(model, kind)
    assert type(ready.blocks[0].feed_forward.down) is Doubled
    agree(ready(tokens), model(tokens).detach(), 0.1)


@pytest.mark.parametrize("kind", ["float16", "int8"])
def test_where_torch_lacks_the_kernel_the_rounded_numbers_serve(kind, generator, monkeypatch):
    model, tokens = small(), draw_tokens(generator, 1, 5)
    fast = prepare_for_decoding(model, kind)
    monkeypatch.setattr(decoder, "_fast", lambda: False)
    slow = prepare_for_decoding(model, kind)
    assert type(slow.unembedding) is nn.Linear
    agree(slow(tokens), rounded(model, kind)(tokens).detach(), 2e-6)
    agree(fast(tokens), slow(tokens), TWIN[kind])


def test_whether_torch_has_the_kernels(monkeypatch):
    assert decoder._fast()
    with monkeypatch.context() as patch:
        patch.setattr(torch.backends.quantized, "engine", "qnnpack")
        assert not decoder._fast()
    with monkeypatch.context() as patch:
        patch.setattr(decoder, "KERNELS", ("linear_of_next_year",))
        assert not decoder._fast()
    with monkeypatch.context() as patch:
        patch.delattr(torch, "quantize_per_channel")
        assert not decoder._fast()


# errors


def test_weights_of_no_known_kind():
    with pytest.raises(ValueError, match="weights is 'int4', which nobody knows; choose one of"):
        prepare_for_decoding(small(), "int4")


def test_a_model_that_is_not_float32_on_a_cpu():
    with pytest.raises(ValueError, match=r"weight is torch.float64 on cpu; .* model.float\(\)"):
        prepare_for_decoding(gpt())
    with pytest.raises(ValueError, match="on meta"):
        prepare_for_decoding(small().to("meta"))


@pytest.mark.parametrize("number", [math.nan, -math.inf])
@kinds
def test_numbers_that_are_not_finite(kind, number):
    model = small()
    model.blocks[0].feed_forward.up.weight.data[1, 2] = number
    with pytest.raises(ValueError, match=r"blocks\.0\.feed_forward\.up\.weight holds"):
        prepare_for_decoding(model, kind)


def test_numbers_too_large_for_float16():
    model = small()
    model.blocks[0].attention.query.weight.data[0, 0] = -70000
    with pytest.raises(ValueError, match=r"holds 70000\.0, and float16 holds only smaller"):
        prepare_for_decoding(model, "float16")
    prepare_for_decoding(model, "int8")
