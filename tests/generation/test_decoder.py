import copy
import io
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
    MultiHeadAttention,
    beam_search,
    decoder,
    generate,
    prepare_for_decoding,
    record,
    stream,
)
from tantra.generation import four_bits
from tantra.generation.eight_bits import FEW, Int8, Int8ByPairs, Int8Rows, by_rows
from tantra.generation.four_bits import Int4, as_grouped, by_groups
from tantra.generation.layers import BFloat16, Half, plain
from tantra.generation.one_product import OneProduct
from tantra.generation.prompts import pad_left
from tantra.generation.steps import next_logits
from tantra.metre.trained import trained_model
from tantra.metre.varna import VarnaTokenizer

KINDS = ["float32", "float16", "bfloat16", "int8", "int4"]
# of the largest logit, between a decoder and the model of rounded numbers, which are the same;
# what is multiplied is rounded to 14 bits in int8 (to 8 where there are instructions for bfloat16),
TWIN = {"float32": 2e-6, "float16": 2e-6, "bfloat16": 3e-2, "int8": 1e-3, "int4": 3e-2}
EXACT = ["float32", "float16", "int8"]
decoder_large = decoder.LARGE  # as it is without the fixture below
needs_bfloat16 = pytest.mark.skipif(
    not decoder.has_bfloat16(), reason="the processor does not multiply in bfloat16"
)
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def every_matrix_is_large(monkeypatch):
    monkeypatch.setattr(decoder, "LARGE", {"vnni": 0, "pairs": 0})


@pytest.fixture
def without_bfloat16(monkeypatch):
    monkeypatch.setattr(decoder, "has_bfloat16", lambda: False)


@pytest.fixture(params=["bfloat16", "vnni", "pairs"])
def processor(request, monkeypatch):
    """Every kind of processor: 8 bits are multiplied in another way on each."""
    if request.param != "bfloat16":
        monkeypatch.setattr(decoder, "has_bfloat16", lambda: False)
    if request.param == "pairs":
        monkeypatch.setattr(decoder, "has_vnni", lambda: False)


def off(kind):
    """How far a decoder may be from its twin on this processor."""
    return TWIN["bfloat16" if kind == "int8" and decoder.has_bfloat16() else kind]


def small(**kwargs):
    return grow(gpt(dtype=torch.float32, **kwargs))


def round_by_hand(weight, kind, last=False):
    """One number after another, as the docstrings say it."""
    if kind == "float32":
        return weight
    if kind == "bfloat16":
        return weight.bfloat16().float()
    if kind == "int4" and not last:
        return torch.tensor([four_bits_by_hand(row) for row in weight.tolist()])
    if kind == "float16":
        return torch.from_numpy(weight.numpy().astype("float16").astype("float32"))
    rows = []
    for row in weight.tolist():
        scale = max(map(abs, row)) / 127
        rows.append([round(x / scale) * scale if scale else 0.0 for x in row])
    return torch.tensor(rows)


def bfloat16(x):
    return torch.tensor(x).bfloat16().item()


def four_bits_by_hand(row):
    """32 numbers after another: 16 places from their smallest to their largest."""
    rounded = []
    for start in range(0, len(row), 32):
        group = row[start : start + 32]
        scale = bfloat16((max(group) - min(group)) / 15) or 1.0
        middle = bfloat16(min(group) + 8 * scale)
        places = [min(max(round((x - middle) / scale), -8), 7) for x in group]
        rounded += [place * scale + middle for place in places]
    return rounded


@torch.no_grad()
def rounded(model, kind):
    """A model like any other, with the matrices rounded by hand."""
    twin = copy.deepcopy(model)
    for part in list(twin.modules()):
        for name, layer in part.named_children():
            if isinstance(layer, nn.Linear):
                new = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None)
                new.weight.copy_(round_by_hand(layer.weight, kind, name == "unembedding"))
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
def test_a_decoder_is_the_model_of_rounded_matrices(kind, variant, generator, processor):
    model = small(**VARIANTS[variant])
    tokens = draw_tokens(generator, 2, 9)
    with torch.no_grad():
        wanted = rounded(model, kind)(tokens)
        ready = prepare_for_decoding(model, kind)
        agree(ready(tokens), wanted, off(kind))
        agree(one_by_one(ready, tokens), wanted, off(kind))


def test_float32_is_what_one_gets_without_asking(generator):
    model, tokens = small(), draw_tokens(generator, 1, 9)
    agree(one_by_one(prepare_for_decoding(model), tokens), model(tokens).detach(), 2e-6)


@pytest.mark.parametrize("kind", EXACT)
def test_generate_stream_and_beam_search_take_a_decoder(kind, without_bfloat16):
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


LIMITS = {
    "float32": 1e-5,
    "float16": 1e-3,
    "bfloat16": 1 / 50,
    "int8": 1 / 50,
    "int4": 1 / 4,
}  # as prepare says


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


eights = pytest.mark.parametrize("eight", [Int8, Int8ByPairs])


@eights
@pytest.mark.parametrize("shape", [(1, 48), (1, 1, 48), (2, 5, 48), (48,)])
def test_the_8_bit_layer_in_whole_numbers(shape, generator, eight):
    layer = nn.Linear(48, 70)
    x = draw(generator, *shape, dtype=torch.float32) * 3
    ours = eight(layer.weight.detach(), layer.bias.detach())(x)
    agree(
        ours, eight_bits_by_hand(x, layer.weight.detach(), layer.bias.detach()), 1e-4
    )  # an x at a half may be rounded the other way


@eights
def test_the_8_bit_layer_never_overflows_where_all_numbers_are_largest(eight):
    for sign in (1, -1):
        weight, x = torch.full((16, 3072), 0.5), torch.full((1, 3072), 4.0 * sign)
        agree(eight(weight, None)(x), x @ weight.T, 1e-5)


@pytest.mark.parametrize("shape", [(1, 48), (1, 1, 48), (FEW, 48), (3, 5, 48), (48,), (2, 44)])
@pytest.mark.parametrize("bias", [True, False])
def test_8_bits_in_bfloat16_are_their_matrix_by_x_rounded(shape, bias, generator):
    weight = draw(generator, 70, shape[-1], dtype=torch.float32)
    bias = draw(generator, 70, dtype=torch.float32) if bias else None
    x = draw(generator, *shape, dtype=torch.float32)
    whole, scale = by_rows(weight)
    products = (x.bfloat16().double() @ whole.double().T).bfloat16().double()
    wanted = products * scale.double() + (0 if bias is None else bias.double())
    agree(Int8Rows(weight, bias)(x), wanted.float(), 2**-8)


@pytest.mark.parametrize("rows", [four_bits.MANY - 1, four_bits.MANY])
def test_4_bits_of_many_rows_are_widened_at_once(rows, generator):
    weight, bias = draw(generator, 70, 48, dtype=torch.float32), torch.ones(70)
    x = draw(generator, rows, 48, dtype=torch.float32)
    layer, asked = Int4(weight, bias), []
    agree(layer.widened()[:70, :48].float(), as_grouped(weight), 2**-7)
    wanted = (x.bfloat16().double() @ as_grouped(weight).double().T).float() + bias
    widened = layer.widened
    layer.widened = lambda: asked.append(True) or widened()
    agree(layer(x), wanted, 2**-7)
    assert bool(asked) == (rows >= four_bits.MANY)


@pytest.mark.parametrize("rows", [1, FEW, FEW + 1])
@pytest.mark.parametrize("width", [48, 44])
def test_8_bits_of_few_rows_are_widened_on_the_way(rows, width, generator):
    layer = Int8Rows(draw(generator, 70, width, dtype=torch.float32), None)
    x = draw(generator, rows, width, dtype=torch.float32)
    with torch.profiler.profile() as seen:
        layer(x)
    on_the_way = any(event.name == "aten::_weight_int8pack_mm" for event in seen.events())
    assert on_the_way == (rows <= FEW and width == 48)  # 44: it would read past the end


@eights
def test_a_row_of_zeros_is_not_divided_by_zero(generator, eight):
    layer, met = eight(draw(generator, 70, 48, dtype=torch.float32), None), []
    product = layer.product
    layer.product = lambda rows: met.append(rows.clone()) or product(rows)
    assert torch.equal(layer(torch.zeros(2, 48)), torch.zeros(2, 70))
    assert met[0].isfinite().all()


@pytest.mark.parametrize("width", [32, 64, 48, 6])
def test_4_bits_in_groups_by_hand(width, generator):
    weight = draw(generator, 5, width, dtype=torch.float32)
    weight[2, :6] = 0.25
    weight[3] = 10 + weight[3] / 50  # far from 0, where bfloat16 puts the middle far off
    agree(as_grouped(weight), round_by_hand(weight, "int4"), 1e-6)


def test_a_group_reaches_from_0_to_15_and_none_is_off_by_much_more_than_half(generator):
    weight = draw(generator, 5, 64, dtype=torch.float32)
    weight[1, 32:] = 3.0
    groups, scale, _ = by_groups(weight.unflatten(1, (2, 32)))
    assert groups.dtype == torch.uint8
    assert groups.amin(-1)[0].tolist() == [0, 0]
    assert groups.amax(-1)[0].tolist() == [15, 15]
    assert scale[1, 1] == 1
    off = (as_grouped(weight) - weight).abs().unflatten(1, (2, 32)).amax(-1)
    assert (off <= 0.55 * scale).all()
    assert torch.equal(scale, scale.bfloat16().float())


@pytest.mark.parametrize("shape", [(1, 48), (2, 5, 64), (64,)])
@pytest.mark.parametrize("layer", [Int4, pytest.param(BFloat16, marks=needs_bfloat16)])
def test_layers_in_bfloat16_are_their_matrix_by_x_rounded(layer, shape, generator):
    weight, bias = (draw(generator, *n, dtype=torch.float32) for n in [(70, shape[-1]), (70,)])
    x = draw(generator, *shape, dtype=torch.float32)
    matrix = as_grouped(weight) if layer is Int4 else weight.bfloat16().float()
    wanted = (x.bfloat16().double() @ matrix.double().T).bfloat16().float() + bias
    agree(layer(weight, bias)(x), wanted, 2**-8)


@pytest.mark.parametrize("kind", [Half, Int8, Int8ByPairs])
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
    for kind in (Half, *[BFloat16] * decoder.has_bfloat16(), Int8, Int8ByPairs, Int8Rows, Int4):
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
    assert type(prepare_for_decoding(model, "int4").blocks[1].attention.maps) is Int4
    eights = Int8Rows, Int8, Int8ByPairs
    assert type(prepare_for_decoding(model, "int8").blocks[1].attention.output) in eights


def test_choices_ask_the_processor(generator, monkeypatch):
    weight = draw(generator, 8, 8, dtype=torch.float32)
    able = {}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert type(decoder._bfloat16(weight, None)) is nn.Linear
    assert type(decoder._int8(weight, None)) is Int8ByPairs
    able_too = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    for name in ("avx512_bf16", "amx_bf16") if able_too else ():
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda name=name: {name: True})
        assert type(decoder._bfloat16(weight, None)) is BFloat16
        assert type(decoder._int8(weight, None)) is Int8Rows
        with monkeypatch.context() as patch:
            patch.setattr(decoder, "LARGEST", 64)
            assert type(decoder._int8(weight, None)) is Int8ByPairs
            patch.setattr(decoder, "LARGEST", 65)
            assert type(decoder._int8(weight, None)) is Int8Rows
    for name in ("avx512_vnni", "avx_vnni", "amx_int8"):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda name=name: {name: True})
        assert type(decoder._int8(weight, None)) is Int8
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_int8": False})
    assert not decoder.has_vnni()


@kinds
@pytest.mark.parametrize("bias", [True, False])
def test_queries_keys_and_values_are_one_product(kind, bias, generator):
    model, tokens = small(bias=bias, num_kv_heads=2), draw_tokens(generator, 1, 5)
    ready = prepare_for_decoding(model, kind)
    for block in ready.blocks:
        assert type(block.attention) is OneProduct
        assert not hasattr(block.attention, "query")
    with record(ready, "*.k") as seen:
        ready(tokens)
    assert seen["blocks.0.attention.k"].shape == (1, 2, 5, 4)


@kinds
@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")  # torch's own packed matrices
def test_a_decoder_can_be_copied_and_stored(kind, generator, processor):
    ready, tokens = prepare_for_decoding(small(), kind), draw_tokens(generator, 2, 5)
    file = io.BytesIO()
    torch.save(ready, file)
    file.seek(0)
    for again in (copy.deepcopy(ready), torch.load(file, weights_only=False)):
        agree(again(tokens), ready(tokens), 1e-6)


ROWS = [[3, 1, 4], [5], [2, 7], [1, 1, 1, 1], [6, 2], [9], [8, 8, 8], [4, 4]]


@pytest.mark.parametrize("positions", ["rotary", "learned"])
@kinds
def test_eight_prompts_of_different_lengths_get_what_each_gets_alone(kind, positions):
    ready = prepare_for_decoding(small(positions=positions), kind)
    tokens, padding = pad_left(ROWS)
    together = next_logits(ready, tokens, ready.new_caches(4), padding)
    for row, logits in zip(ROWS, together, strict=True):
        alone = next_logits(ready, torch.tensor([row]), ready.new_caches(4))
        agree(logits[None], alone, off(kind))
    if kind in EXACT and not (kind == "int8" and decoder.has_bfloat16()):
        longer = generate(ready, ROWS, 8, temperature=0)
        assert longer == [generate(ready, row, 8, temperature=0) for row in ROWS]


def test_a_small_matrix_keeps_its_8_bits_in_float16(generator, monkeypatch, without_bfloat16):
    assert decoder_large == {"vnni": 2**20, "pairs": 2**21}
    model, tokens = small(), draw_tokens(generator, 2, 9)
    monkeypatch.setattr(decoder, "LARGE", {"vnni": 50 * 16, "pairs": 50 * 16})
    ready = prepare_for_decoding(model, "int8")
    assert type(ready.unembedding) is (Int8 if decoder.has_vnni() else Int8ByPairs)
    assert type(ready.blocks[0].attention.output) is Half
    agree(ready(tokens), rounded(model, "int8")(tokens).detach(), TWIN["int8"])


class Turned(MultiHeadAttention):
    def forward(self, *args, **look):
        return -super().forward(*args, **look)


def test_attentions_of_another_kind_stay_apart(generator):
    model, tokens = small(), draw_tokens(generator, 1, 5)
    model.blocks[0].attention.__class__ = Turned
    ready = prepare_for_decoding(model, "float16")
    kinds_of = [type(block.attention) for block in ready.blocks[:2]]
    assert kinds_of == [Turned, OneProduct]
    agree(ready(tokens), model(tokens).detach(), 1e-2)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


@kinds
def test_maps_of_another_kind_stay_apart(kind, generator):
    model, tokens = small(), draw_tokens(generator, 1, 5)
    model.blocks[0].attention.key = Doubled(16, 16)
    ready = prepare_for_decoding(model, kind)
    assert type(ready.blocks[0].attention) is MultiHeadAttention
    agree(ready(tokens), model(tokens).detach(), 0.5 if kind == "int4" else 0.1)


@kinds
def test_a_layer_of_another_kind_stays(kind, generator):
    model, tokens = small(), draw_tokens(generator, 1, 5)
    for block in model.blocks:
        block.feed_forward.down = Doubled(64, 16)
    ready = prepare_for_decoding(model, kind)
    assert type(ready.blocks[0].feed_forward.down) is Doubled
    agree(ready(tokens), model(tokens).detach(), 0.5 if kind == "int4" else 0.1)


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "int8"])
def test_where_torch_lacks_the_kernel_the_rounded_numbers_serve(kind, generator, monkeypatch):
    model, tokens = small(), draw_tokens(generator, 1, 5)
    fast, most = prepare_for_decoding(model, kind), off(kind)
    monkeypatch.setattr(decoder, "_fast", lambda: False)
    monkeypatch.setattr(decoder, "has_vnni", lambda: False)
    monkeypatch.setattr(decoder, "has_bfloat16", lambda: False)
    slow = prepare_for_decoding(model, kind)
    assert type(slow.unembedding) is nn.Linear
    agree(slow(tokens), rounded(model, kind)(tokens).detach(), 2e-6)
    agree(fast(tokens), slow(tokens), most)


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
    with pytest.raises(ValueError, match="weights is 'int3', which nobody knows; choose one of"):
        prepare_for_decoding(small(), "int3")


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
