"""Ours against torch.nn.Transformer by copied weights, and what a reader of two sequences needs."""

import copy
import itertools

import pytest
import torch
from agreement import agree, draw, forward_and_gradients
from elsewhere import DEVICE, elsewhere
from encoder import renamed
from torch import nn

from tantra import beam_search, generate, prepare_for_decoding, stream, train
from tantra.config import PARTS
from tantra.generation.beam import beams
from tantra.training.checkpoints import load, save
from tantra.training.optimizers import AdamW
from tantra.two_sequences import EncoderDecoder, EncoderDecoderConfig

SMALL = {"vocab_size": 11, "context_length": 12, "d_model": 8, "num_layers": 2, "num_heads": 2}
BEGIN, END = 1, 2
SOURCE = [[3, 4, 5, 6, 7], [8, 9, 10, 3, 0]]
LENGTHS = torch.tensor([5, 4])


def small(seed=0, **fields):
    generator = torch.Generator().manual_seed(seed)
    model = EncoderDecoder(EncoderDecoderConfig(**SMALL | fields), generator=generator).double()
    for weights in model.parameters():
        weights.data += 0.3 * draw(generator, *weights.shape)
    return model


# against torch


def torchs(pre, generator):
    """torch's two stacks, without the last norms where the paper has none."""
    how = {"dropout": 0.0, "batch_first": True, "norm_first": pre, "dtype": torch.float64}
    last = (lambda: nn.LayerNorm(8, dtype=torch.float64)) if pre else (lambda: None)
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 32, **how), 2, norm=last(), enable_nested_tensor=False
    )
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 32, **how), 2, norm=last())
    both = nn.Transformer(
        8, 2, custom_encoder=encoder, custom_decoder=decoder, batch_first=True, dropout=0.0
    )
    for weights in both.parameters():
        nn.init.normal_(weights, std=0.5, generator=generator)
    return both


def ours_of(theirs, pre):
    """Our weights by name from torch's."""
    weights = {}
    for i, layer in enumerate(theirs.encoder.layers):
        weights |= renamed(layer.state_dict(), f"encoder.{i}.")
    for i, layer in enumerate(theirs.decoder.layers):
        state = layer.state_dict()
        other = {
            name.replace("multihead_attn", "self_attn"): x
            for name, x in state.items()
            if "self_attn" not in name
        }
        cross = renamed(other, "").items()
        own = renamed(state, f"decoder.{i}.") | {
            f"decoder.{i}.cross_{name}": x for name, x in cross if name.startswith("attention")
        }
        for kind, to in {"weight": "gain", "bias": "bias"}.items():
            own[f"decoder.{i}.norm_3.{to}"] = state[f"norm3.{kind}"]
        weights |= own
    for name, norm in {"encoder_norm": theirs.encoder.norm, "norm": theirs.decoder.norm}.items():
        if pre:
            weights |= {f"{name}.gain": norm.weight, f"{name}.bias": norm.bias}
    return weights


class Stacks(nn.Module):
    """Our two stacks alone, of vectors, as torch.nn.Transformer has them."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, y, mask):
        model = self.model
        for block in model.encoder:
            x = block(x, mask=mask)
        memory = model.encoder_norm(x)
        for block in model.decoder:
            y = block(y, memory, mask)
        return model.norm(y)


@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_prepared_it_says_the_same(norm_position):
    model = small(norm_position=norm_position).float()
    source, target = torch.tensor(SOURCE), torch.tensor([[BEGIN, 4, 5], [BEGIN, 9, 2]])
    with torch.no_grad():
        wanted = model(source, target, LENGTHS)
        agree(prepare_for_decoding(model)(source, target, LENGTHS), wanted, 1e-5)


def test_each_stack_of_pre_norm_ends_in_a_norm():
    model = small(norm_position="pre")
    for norm in (model.encoder_norm, model.norm):
        norm.gain.data.zero_()  # what a norm gives is then its bias, whatever it gets
    memory, mask = model.encode(torch.tensor(SOURCE), LENGTHS)
    assert torch.equal(memory, model.encoder_norm.bias.expand_as(memory))
    logits = model.decode(torch.tensor([[BEGIN, 4], [BEGIN, 9]]), memory, mask)
    agree(logits, model.unembedding(model.norm.bias).expand_as(logits))


@pytest.mark.parametrize("pre", [True, False])
def test_both_stacks_are_torchs_by_copied_weights(pre, generator):
    theirs = torchs(pre, generator)
    model = small(norm_position="pre" if pre else "post")
    missing, unexpected = model.load_state_dict(ours_of(theirs, pre), strict=False)
    assert not unexpected
    assert all("embedding" in name for name in missing)
    x, y = draw(generator, 3, 6, 8), draw(generator, 3, 5, 8)
    padded = torch.arange(6) >= torch.tensor([6, 4, 1])[:, None]  # theirs is True at padding
    future = torch.ones(5, 5, dtype=torch.bool).triu(1)  # and True where one may not look

    def their_forward(x, y):
        return theirs(
            x,
            y,
            tgt_mask=future,
            src_key_padding_mask=padded,
            memory_key_padding_mask=padded,
        )

    ours = Stacks(model)
    result = forward_and_gradients(lambda x, y: ours(x, y, ~padded[:, None, None]), x, y)
    agree(result, forward_and_gradients(their_forward, x, y))


TABLE_3 = {  # millions of parameters: the base model, and the rows C that change a size
    65: {},
    36: {"num_layers": 2},
    50: {"num_layers": 4},
    80: {"num_layers": 8},
    28: {"d_model": 256, "expansion": 8},
    168: {"d_model": 1024, "expansion": 2},
    53: {"expansion": 2},
    90: {"expansion": 8},
}


def parameters(**fields):
    with torch.device("meta"):
        model = EncoderDecoder(EncoderDecoderConfig(**fields))
    return sum(p.numel() for p in model.parameters())


def test_the_base_model_has_the_parameters_of_table_3():
    assert parameters() == 44_138_496 + 512 * 37_000  # 63.1 million: "about 37000" tokens
    for millions, fields in TABLE_3.items():  # one vocabulary fits all rows: a little more of them
        found = parameters(vocab_size=40_800, **fields) / 1e6
        assert found == pytest.approx(millions, abs=0.6), fields


# who sees what


def test_a_padded_batch_is_each_line_alone():
    model, target = small(), torch.tensor([[BEGIN, 3, 4], [BEGIN, 5, 6]])
    source = torch.tensor(SOURCE)
    together = model(source, target, LENGTHS)
    for i, length in enumerate(LENGTHS):
        agree(together[i : i + 1], model(source[i : i + 1, :length], target[i : i + 1]))
    other = source.clone()
    other[1, 4] = 9  # what stands in padding moves nothing
    assert torch.equal(together, model(other, target, LENGTHS))


def test_the_future_moves_nothing_and_each_word_of_the_source_all():
    model, source = small(), torch.tensor(SOURCE[:1])
    target = torch.tensor([[BEGIN, 3, 4, 5]])
    logits = model(source, target)
    later = target.clone()
    later[0, 2] = 9
    assert torch.equal(model(source, later)[:, :2], logits[:, :2])
    for place in range(5):
        changed = source.clone()
        changed[0, place] = 10
        assert ((model(changed, target) - logits).abs().amax(-1) > 1e-6).all()


VARIANTS = {
    "2017": {},
    "pre": {"norm_position": "pre", "feed_forward": "gelu", "tied": False},
    "own tables": {"source_vocab_size": 13, "encoder_layers": 1, "positions": "learned"},
    "rotary": {"positions": "rotary", "norm_position": "pre", "norm": "rms", "num_kv_heads": 1},
    "alibi": {"positions": "alibi", "bias": False},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_cached_is_uncached_for_every_split(variant):
    model, source = small(**VARIANTS[variant]), torch.tensor(SOURCE)
    target = torch.tensor([[BEGIN, 3, 4, 5, 6], [BEGIN, 7, 8, 9, 10]])
    with torch.no_grad():
        memory, mask = model.encode(source, LENGTHS)
        whole = model.decode(target, memory, mask)
        for cuts in itertools.product([False, True], repeat=4):
            ends = [i + 1 for i, cut in enumerate(cuts) if cut] + [5]
            caches, start, parts = model.new_caches(5), 0, []
            for end in ends:
                parts.append(model.decode(target[:, start:end], memory, mask, caches))
                start = end
            agree(torch.cat(parts, 1), whole)
        assert all(len(cache.memory) == source.shape[-1] for cache in caches)


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_an_encoder_decoder_is_made_of(variant):
    model = small(**VARIANTS[variant])
    assert model(torch.tensor(SOURCE), torch.tensor([[BEGIN, 3], [BEGIN, 4]])).shape == (2, 2, 11)
    config = model.config
    assert (model.unembedding.weight is model.target_embedding.weight) == config.tied
    shared = config.source_vocab_size is None
    assert (model.source_embedding is model.target_embedding) == shared
    assert len(model.encoder) == (config.encoder_layers or 2)


def test_the_sum_of_the_paper_goes_into_both_stacks():
    from tantra import sinusoidal_positions

    model, tokens = small(), torch.tensor([[3, 4, 5]])
    x, look = model._embedded(model.target_embedding, tokens)
    waves = torch.from_numpy(sinusoidal_positions(3, 8))
    agree(x[0], model.target_embedding.weight[tokens[0]] * 8**0.5 + waves)
    assert look == {}


# generation


def by_hand(model, source, lengths, num_tokens):
    """Greedy, without any cache, all of it again at each step."""
    rows = [[BEGIN] for _ in source]
    for _ in range(num_tokens):
        logits = model(torch.tensor(source), torch.tensor(rows), lengths)[:, -1]
        rows = [[*row, int(best)] for row, best in zip(rows, logits.argmax(-1), strict=True)]
    return rows


@pytest.mark.parametrize("variant", VARIANTS)
def test_generate_is_the_greedy_loop_by_hand(variant):
    model = small(**VARIANTS[variant])
    given = model.given(torch.tensor(SOURCE), LENGTHS)
    expected = by_hand(model, SOURCE, LENGTHS, 6)
    assert generate(given, [[BEGIN], [BEGIN]], 6, temperature=0) == expected
    steps = zip(*stream(given, [[BEGIN]] * 2, 6, temperature=0), strict=True)
    assert [[BEGIN, *step] for step in steps] == expected


def test_prompts_of_two_lengths_are_as_each_alone():
    model = small()
    both = generate(
        model.given(torch.tensor(SOURCE), LENGTHS), [[BEGIN], [BEGIN, 3, 4]], 4, temperature=0
    )
    for i, prompt in enumerate([[BEGIN], [BEGIN, 3, 4]]):
        alone = model.given(torch.tensor([SOURCE[i][: LENGTHS[i]]]))
        assert both[i] == generate(alone, prompt, 4, temperature=0)


def test_padding_in_front_of_a_prompt_is_not_looked_at():
    model, source = small(), torch.tensor(SOURCE[:1])
    memory, mask = model.encode(source)
    padded = model.decode(torch.tensor([[9, 9, BEGIN, 3]]), memory, mask, padding=torch.tensor([2]))
    agree(padded[:, 2:], model.decode(torch.tensor([[BEGIN, 3]]), memory, mask))


def test_rows_can_be_left_out_and_taken_twice():
    model, source = small(), torch.tensor(SOURCE)
    prompt, next_token = torch.tensor([[BEGIN, 3], [BEGIN, 4]]), torch.tensor([[5], [5]])
    with torch.no_grad():
        memory, _ = model.encode(source)
        caches = model.new_caches()
        model.decode(prompt, memory, None, caches)
        for cache in caches:
            cache.select([1, 1])
        found = model.decode(next_token, memory, None, caches)
        expected = model.decode(torch.tensor([[BEGIN, 4, 5]] * 2), memory[[1, 1]])[:, -1:]
    agree(found, expected)


def test_a_wide_beam_finds_the_best_of_all():
    model = small(vocab_size=4, source_vocab_size=11)
    model.unembedding.weight.data *= 2
    source = torch.tensor(SOURCE)
    found = beam_search(
        model.given(source, LENGTHS), [[BEGIN]] * 2, 3, num_beams=16, length_penalty=0.0, stop=[END]
    )
    for i, row in enumerate(found):
        given = model.given(source[i : i + 1, : LENGTHS[i]])
        best = max(every(model, given, 3), key=lambda one: one[0])
        ((score, added), *_) = beams(
            given, [BEGIN], 3, num_beams=16, length_penalty=0.0, stop=[END]
        )
        assert row == [BEGIN, *added] == [BEGIN, *best[1]]
        assert score == pytest.approx(best[0], abs=1e-10)


def every(model, given, num_tokens):
    """Each continuation, up to END or this long, with its log-probability from one look."""
    for n in range(1, num_tokens + 1):
        for added in itertools.product(range(4), repeat=n):
            if END in added[:-1] or (n < num_tokens and added[-1] != END):
                continue
            with torch.no_grad():
                logits = model.decode(
                    torch.tensor([[BEGIN, *added[:-1]]]), given.memory, given.mask
                )
            logs = logits.log_softmax(-1)[0]
            yield sum(logs[i, token].item() for i, token in enumerate(added)), list(added)


def test_the_memory_is_computed_once(monkeypatch):
    model, calls = small(), []
    for block in model.decoder:
        block.cross_attention.key.register_forward_hook(lambda *_: calls.append("key"))
    model.encoder[0].register_forward_hook(lambda *_: calls.append("encoder"))
    generate(model.given(torch.tensor(SOURCE)), [[BEGIN]] * 2, 6, temperature=0)
    assert sorted(calls) == ["encoder", "key", "key"]


# training and files


def test_it_learns_to_copy_with_train_and_is_kept(generator, tmp_path):
    model = EncoderDecoder(
        EncoderDecoderConfig(**SMALL | {"d_model": 16, "norm_position": "pre"}), generator=generator
    )

    def pairs():
        while True:
            source = torch.randint(3, 11, (16, 4), generator=generator)
            begin, end = torch.full((16, 1), BEGIN), torch.full((16, 1), END)
            target = torch.cat([begin, source, end], 1)
            yield (source, target[:, :-1]), target[:, 1:]

    losses = [
        loss for _, loss in train(model, pairs(), AdamW(model.parameters(), lr=1e-2), steps=150)
    ]
    assert losses[-1] < 0.3 < 1 < losses[0]
    save(tmp_path / "copy.safetensors", model)
    other = EncoderDecoder(model.config)
    load(tmp_path / "copy.safetensors", other)
    source, target = torch.tensor(SOURCE), torch.tensor([[BEGIN, 3], [BEGIN, 4]])
    assert torch.equal(other(source, target), model(source, target))


def test_scores_start_as_large_as_the_streams_numbers():
    config = EncoderDecoderConfig(
        **SMALL | {"vocab_size": 500, "d_model": 64, "source_vocab_size": 400}
    )
    model = EncoderDecoder(config, generator=torch.Generator().manual_seed(0))
    for table in (model.source_embedding, model.target_embedding):
        assert table.weight.std().item() == pytest.approx(1 / 8, rel=0.05)
    tokens = torch.arange(300).reshape(30, 10)
    assert 0.7 < model(tokens, tokens).std().item() < 1.5


def test_one_table_stays_one_when_a_model_is_moved_or_copied():
    with torch.device("meta"):
        model = EncoderDecoder(EncoderDecoderConfig(**SMALL))
    for moved in (model.to_empty(device="cpu"), copy.deepcopy(small()).float()):
        assert moved.unembedding.weight is moved.target_embedding.weight
        assert moved.source_embedding is moved.target_embedding


def test_on_another_device_all_is_done_there():
    batch = [torch.tensor(SOURCE), torch.tensor([[BEGIN, 3, 4], [BEGIN, 5, 6]]), LENGTHS]
    here, there = small().float(), small().float()
    with elsewhere():
        away = [x.to(DEVICE) for x in batch]
        logits = there.to(DEVICE)(*away)
        assert logits.device == DEVICE
        agree(logits.cpu(), here(*batch))
        ways = [m.given(x[0], x[2]) for m, x in ((here, batch), (there, away))]
        written = [generate(given, [[BEGIN]] * 2, 6, temperature=0) for given in ways]
        assert written[0] == written[1]
        beamed = [beam_search(given, [[BEGIN]] * 2, 6, num_beams=2) for given in ways]
        assert beamed[0] == beamed[1]


def test_the_same_generator_makes_the_same_model():
    one, two = small(3), small(3)
    assert all(map(torch.equal, one.parameters(), two.parameters()))


def test_every_part_of_the_library_has_a_place():
    for name in PARTS["positions"]:
        logits = small(positions=name)(torch.tensor(SOURCE), torch.tensor([[BEGIN]] * 2))
        assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("do", "error", "says"),
    [
        (lambda m: EncoderDecoder({}), TypeError, "config is a dict; give an EncoderDecoderConfig"),
        (lambda m: EncoderDecoderConfig(layers=2), TypeError, "EncoderDecoderConfig has no field"),
        (lambda m: EncoderDecoderConfig(encoder_layers=0), ValueError, "encoder_layers is 0"),
        (lambda m: m.encode(torch.tensor([[11]])), ValueError, "token 11 is outside"),
        (lambda m: m.encode(torch.zeros(1, 13, dtype=torch.long)), ValueError, "context_length"),
        (lambda m: m(*[torch.tensor([[3]])] * 2, torch.tensor([2])), ValueError, "lengths are"),
        (
            lambda m: generate(m.given(torch.tensor(SOURCE)), [[BEGIN]], 2),
            ValueError,
            "1 prompts for 2 sources",
        ),
        (
            lambda m: generate(m.given(torch.tensor(SOURCE)), [[BEGIN]] * 2, 20),
            ValueError,
            "context_length",
        ),
    ],
)
def test_bad_input_is_told(do, error, says):
    with pytest.raises(error, match=says):
        do(small())
