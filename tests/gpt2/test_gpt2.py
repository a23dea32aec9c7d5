import ast
import json
import logging
import os
import pickle
import random
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers
from agreement import agree
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import tantra
from tantra import GPT, GPTConfig, gpt2, numpy_gpt, numpy_gpt2

SIZES = {"vocab_size": 17, "n_positions": 10, "n_embd": 12, "n_layer": 2, "n_head": 3}
SIZES |= {"bos_token_id": None, "eos_token_id": None}
VARIANTS = {
    "small": {},
    "one head": {"n_head": 1, "n_layer": 3},
    "own width": {"n_inner": 20},
    "epsilon": {"layer_norm_epsilon": 0.01},
    "untied": {"tie_word_embeddings": False},
    "other words for the same gelu": {"activation_function": "gelu_pytorch_tanh"},
}
variants = pytest.mark.parametrize("variant", VARIANTS)
NO_WORDS = {"local_files_only": True}


@pytest.fixture(autouse=True, scope="module")
def no_bars():
    transformers.utils.logging.disable_progress_bar()
    yield
    transformers.utils.logging.enable_progress_bar()


def hugging_face(seed=0, **kwargs):
    """A random GPT-2 of theirs, its weights large enough for all parts to show in the logits."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**SIZES | kwargs)).eval()
        for weights in model.parameters():
            weights.data += 0.2 * torch.randn_like(weights)
    return model


@pytest.fixture
def folder(tmp_path):
    """A folder with a small GPT-2 as Hugging Face writes it."""
    hugging_face().save_pretrained(tmp_path)
    return tmp_path


def read(path):
    return safetensors.torch.load_file(path / "model.safetensors")


def rewrite(folder, change):
    """The folder, its tensors changed by a function, with a config.json that says heads alone."""
    tensors = read(folder)
    changed = change(tensors)
    tensors = tensors if changed is None else changed
    safetensors.torch.save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text('{"n_head": 3}')
    return folder


def say(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return folder


def logits(model, tokens):
    with torch.no_grad():
        out = model(tokens)
    return getattr(out, "logits", out)


def draw_tokens(*shape, seed=0, vocab_size=17):
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(seed))


def same(one, other):
    """Whether two files hold the same tensors, to the last bit."""
    assert list(one) == list(other)
    return all(
        a.dtype == b.dtype
        and a.shape == b.shape
        and torch.equal(a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8))
        for a, b in zip(one.values(), other.values(), strict=True)
    )


# the same logits as theirs


@variants
def test_our_gpt_and_numpy_give_their_logits(variant, tmp_path):
    theirs = hugging_face(**VARIANTS[variant])
    theirs.save_pretrained(tmp_path)
    tokens = draw_tokens(3, 10)
    expected = logits(theirs, tokens)
    ours = gpt2.load(tmp_path)
    assert (logits(ours, tokens) - expected).abs().max() <= 1e-5
    eps = theirs.config.layer_norm_epsilon
    plain = numpy_gpt2(tokens.numpy(), gpt2.arrays(ours), theirs.config.n_head, eps=eps)
    assert plain.dtype == np.float32
    assert np.abs(plain - expected.numpy()).max() <= 1e-5
    assert ours.config.num_layers == theirs.config.n_layer
    assert ours.config.tied == theirs.config.tie_word_embeddings
    assert (ours.unembedding.weight is ours.token_embedding.weight) == ours.config.tied


@variants
def test_in_float64_they_agree_to_rounding(variant, tmp_path):
    theirs = hugging_face(**VARIANTS[variant]).double()
    theirs.save_pretrained(tmp_path)
    ours = gpt2.load(tmp_path)
    tokens = draw_tokens(2, 7)
    agree(logits(ours, tokens), logits(theirs, tokens), 1e-12)
    eps = theirs.config.layer_norm_epsilon
    plain = numpy_gpt2(tokens.numpy(), gpt2.arrays(ours), theirs.config.n_head, eps=eps)
    agree(plain, logits(theirs, tokens), 1e-12)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_width_files(kind, tmp_path):
    theirs = hugging_face().to(kind)
    theirs.save_pretrained(tmp_path)
    ours, tokens = gpt2.load(tmp_path), draw_tokens(2, 7)
    assert {p.dtype for p in ours.parameters()} == {kind}
    wide = gpt2.load(tmp_path, dtype=torch.float32)
    assert {p.dtype for p in wide.parameters()} == {torch.float32}
    expected = logits(theirs.float(), tokens)
    assert (logits(wide, tokens) - expected).abs().max() <= 1e-5
    plain = numpy_gpt2(tokens.numpy(), gpt2.arrays(ours), 3)
    assert plain.dtype == np.float32
    assert np.abs(plain - expected.numpy()).max() <= 1e-5


def test_step_by_step_as_hugging_face_generates(folder):
    theirs = hugging_face()
    prompt = draw_tokens(2, 3)
    expected = theirs.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=7,
        do_sample=False,
        pad_token_id=0,
    )
    ours, w, cache = gpt2.load(folder), gpt2.arrays(gpt2.load(folder)), {}
    caches = ours.new_caches(10)
    tokens, plain, past = prompt, prompt.numpy(), None
    for step in range(7):
        with torch.no_grad():
            out = theirs(tokens, past_key_values=past, use_cache=True)
            past, theirs_now = out.past_key_values, out.logits[:, -1]
            ours_now = ours(tokens, caches)[:, -1]
        numpy_now = numpy_gpt2(plain, w, 3, cache, last=True)
        assert numpy_now.shape == (2, 1, 17)
        assert (ours_now - theirs_now).abs().max() <= 1e-5
        assert np.abs(numpy_now[:, -1] - theirs_now.numpy()).max() <= 1e-5
        tokens, plain = ours_now.argmax(-1, keepdim=True), numpy_now.argmax(-1)
        assert torch.equal(tokens[:, 0], expected[:, 3 + step])
        assert np.array_equal(plain[:, 0], expected[:, 3 + step].numpy())


# NumPy alone


def small_weights(seed=0, **kwargs):
    config = {"vocab_size": 17, "context_length": 10, "d_model": 12, "num_layers": 2}
    config = GPTConfig(**config | {"num_heads": 3} | kwargs)
    model = GPT(config, generator=torch.Generator().manual_seed(seed)).double()
    for weights in model.parameters():
        weights.data *= 5
    return gpt2.arrays(model)


WEIGHTS = small_weights()


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=6).filter(lambda n: sum(n) <= 10),
    st.sampled_from([(), (2,), (2, 3)]),
)
def test_numpy_cached_is_uncached_for_every_split(lengths, batch):
    w, cache = WEIGHTS, {}
    tokens = np.random.default_rng(0).integers(17, size=(*batch, sum(lengths)))
    whole = numpy_gpt2(tokens, w, 3)
    assert whole.shape == (*tokens.shape, 17)
    ends = np.cumsum(lengths)
    parts = np.split(tokens, ends[:-1], axis=-1)
    agree(np.concatenate([numpy_gpt2(p, w, 3, cache) for p in parts], axis=-2), whole, 1e-12)
    assert cache["past"] == sum(lengths)
    agree(numpy_gpt2(tokens, w, 3, last=True), whole[..., -1:, :], 1e-12)


def test_the_cache_is_written_in_place():
    w, cache = small_weights(), {}
    numpy_gpt2(np.array([1, 2]), w, 3, cache)
    buffers = list(cache["buffers"])
    assert [buffer.shape for buffer in buffers] == [(2, 3, 10, 4)] * 2
    numpy_gpt2(np.array([3]), w, 3, cache)
    assert all(a is b for a, b in zip(buffers, cache["buffers"], strict=True))


def test_a_refused_call_leaves_the_cache_as_it_was():
    w, cache = small_weights(), {}
    first = numpy_gpt2(np.array([1, 2, 3]), w, 3, dict(cache))
    numpy_gpt2(np.array([1, 2]), w, 3, cache)
    for wrong, says in ((17, "from 17"), ([0] * 9, "2 past and 9 new"), ([[1], [2]], "the cache")):
        with pytest.raises(ValueError, match=says):
            numpy_gpt2(np.array(wrong, ndmin=1), w, 3, cache)
    agree(numpy_gpt2(np.array([3]), w, 3, cache), first[-1:], 1e-12)


def test_it_changes_neither_tokens_nor_weights():
    w, tokens = small_weights(), np.array([[1, 2, 3]])
    before = {name: x.copy() for name, x in w.items()}
    numpy_gpt2(tokens, w, 3, {})
    assert np.array_equal(tokens, [[1, 2, 3]])
    assert all(np.array_equal(w[name], x) for name, x in before.items())


def test_very_large_scores_are_shared_out():
    w = small_weights()
    w["h.0.attn.c_attn.weight"] = w["h.0.attn.c_attn.weight"] * 1e4
    assert np.isfinite(numpy_gpt2(np.arange(10), w, 3)).all()


def test_numpy_alone():
    """The file imports NumPy and nothing else of ours, and its pass is about 40 lines long."""
    path = Path(numpy_gpt.__file__)
    tree = ast.parse(path.read_text("utf-8"))
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert {alias.name for n in found for alias in n.names} == {"math", "numpy"}
    rule = "import sys; sys.modules['torch'] = None; import runpy; runpy.run_path(sys.argv[1])"
    subprocess.run([sys.executable, "-c", rule, str(path)], check=True)
    code = [
        f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name not in ("_check", "_seen")
    ]
    lines = sum(f.end_lineno - f.body[1 if ast.get_docstring(f) else 0].lineno + 2 for f in code)
    assert lines <= 45


@pytest.mark.parametrize(
    ("tokens", "num_heads", "error", "says"),
    [
        (
            torch.tensor([1]),
            3,
            TypeError,
            r"tokens are torch\.int64; give a NumPy",
        ),
        ([1, 2], 3, TypeError, "tokens are <class 'list'>; give a NumPy array of whole"),
        (np.array([1.0]), 3, TypeError, "tokens are float64; give"),
        (np.zeros((2, 0), int), 3, ValueError, r"have shape \(2, 0\); give at least one"),
        (np.array(3), 3, TypeError, "give a NumPy array"),
        (np.array([3, 17]), 3, ValueError, "tokens go from 3 to 17: 0 to 16"),
        (np.array([-1, 3]), 3, ValueError, "tokens go from -1 to 3: 0 to 16"),
        (np.array([1]), 5, ValueError, "5 heads do not divide the width, 12"),
        (np.array([1]), 0, ValueError, "0 heads do not divide the width, 12"),
        (np.zeros(11, int), 3, ValueError, "0 past and 11 new tokens are more than the 10 positi"),
    ],
)
def test_what_numpy_gpt2_refuses(tokens, num_heads, error, says):
    with pytest.raises(error, match=says):
        numpy_gpt2(tokens, WEIGHTS, num_heads)


def test_weights_and_caches_that_cannot_be():
    w = small_weights()
    with pytest.raises(ValueError, match=r"weights lack 'wte.weight'; gpt2.arrays\(model\) makes"):
        numpy_gpt2(np.array([1]), {"transformer.wte.weight": w["wte.weight"]}, 3)
    cache = {}
    numpy_gpt2(np.array([[1], [2]]), w, 3, cache)
    for tokens, heads in ((np.array([[1]]), 3), (np.array([1]), 3), (np.array([[1], [2]]), 4)):
        with pytest.raises(ValueError, match="cache belongs to other tokens or heads; begin with"):
            numpy_gpt2(tokens, w, heads, cache)


# there and back


@pytest.mark.parametrize("variant", list(VARIANTS)[:-1])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_file_goes_through_our_parts_and_back(variant, kind, tmp_path):
    theirs = hugging_face(**VARIANTS[variant]).to(kind)
    theirs.save_pretrained(tmp_path / "theirs")
    gpt2.save(tmp_path / "ours", gpt2.load(tmp_path / "theirs"))
    before = {n.removeprefix("transformer."): x for n, x in read(tmp_path / "theirs").items()}
    assert same(dict(sorted(before.items())), dict(sorted(read(tmp_path / "ours").items())))
    again = gpt2.load(tmp_path / "ours")
    assert again.norm.eps == again.blocks[1].norm_2.eps == theirs.config.layer_norm_epsilon
    back = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "ours", **NO_WORDS).eval()
    tokens = draw_tokens(2, 10)
    assert torch.equal(logits(back, tokens), logits(theirs, tokens))
    assert back.config.n_inner in (None, 48, 20)


def test_a_model_of_ours_opens_at_hugging_face(tmp_path, caplog):
    sizes = {"vocab_size": 17, "context_length": 10, "d_model": 12, "num_layers": 2}
    config = GPTConfig(**sizes, num_heads=2, expansion=1.5, tied=False)
    ours = GPT(config, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for weights in ours.parameters():
            weights *= 5
    gpt2.save(tmp_path / "new" / "folder", ours)
    with caplog.at_level(logging.WARNING):
        theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "new/folder", **NO_WORDS)
    assert not caplog.records
    tokens = draw_tokens(2, 10)
    assert (logits(theirs.eval(), tokens) - logits(ours, tokens)).abs().max() <= 1e-5
    assert (theirs.config.n_head, theirs.config.n_inner) == (2, 18)
    assert theirs.config.eos_token_id is None


def test_what_config_json_said_besides_stays(folder):
    model = gpt2.load(say(folder, resid_pdrop=0.25))
    gpt2.save(folder, model)
    settings = json.loads((folder / "config.json").read_text())
    assert (settings["resid_pdrop"], settings["dtype"]) == (0.25, "float32")
    assert settings["architectures"] == ["GPT2LMHeadModel"]


def test_a_loaded_model_stands_alone(folder):
    """It trains, and shares no memory with the file, nor do its queries, keys and values."""
    model, tokens = gpt2.load(folder), draw_tokens(2, 10)
    before = read(folder)
    model(tokens).logsumexp(-1).sum().backward()
    attention = model.blocks[0].attention
    for part in (attention.query, attention.key, attention.value):
        assert part.weight.is_contiguous()
        assert part.weight.grad is not None
        assert part.weight.untyped_storage().nbytes() == 12 * 12 * 4
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
    assert same(read(folder), before)
    assert not any(p.is_meta for p in model.parameters())


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_arrays_are_wide_and_scored_by_columns(kind):
    for tied in (True, False):
        config = GPTConfig(
            vocab_size=17, context_length=10, d_model=12, num_layers=1, num_heads=3, tied=tied
        )
        w = gpt2.arrays(GPT(config).to(kind))
        wide = np.float64 if kind is torch.float64 else np.float32
        assert {x.dtype for x in w.values()} == {np.dtype(wide)}
        assert w["wte.weight" if tied else "lm_head.weight"].flags.f_contiguous
        assert w["h.0.attn.c_attn.weight"].flags.c_contiguous


def test_the_124_million_map_key_by_key():
    with torch.device("meta"):
        ours = GPT(GPTConfig())
        theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config())
    expected = {
        name.removeprefix("transformer."): tuple(x.shape)
        for name, x in theirs.state_dict().items()
        if name != "lm_head.weight"  # it is wte.weight
    }
    weights = gpt2.to_gpt2(ours)
    assert {name: tuple(x.shape) for name, x in weights.items()} == expected
    assert sum(x.numel() for x in weights.values()) == 124_439_808
    assert len(weights) == 2 + 12 * 12 + 2
    back = gpt2.from_gpt2(weights, ours.config)
    assert {n: x.shape for n, x in back.items()} == {
        n: x.shape for n, x in ours.state_dict().items()
    }
    named = [part for parts in gpt2.names(ours.config).values() for part in parts]
    assert len(named) == len(set(named)) == len(back) - 1


# what may stand in a file


def test_names_with_and_without_prefix_and_buffers_of_masks(folder):
    def as_openai(tensors):
        tensors = {name.removeprefix("transformer."): x for name, x in tensors.items()}
        for n in range(2):
            tensors[f"h.{n}.attn.bias"] = torch.ones(1, 1, 10, 10).tril().to(torch.uint8)
            tensors[f"h.{n}.attn.masked_bias"] = torch.tensor(-1e4)
        return tensors

    tokens, before = draw_tokens(2, 10), gpt2.load(folder)
    after = gpt2.load(rewrite(folder, as_openai))
    assert torch.equal(logits(after, tokens), logits(before, tokens))


def test_a_second_copy_of_the_tied_table(folder):
    def twice(tensors):
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()

    model = gpt2.load(rewrite(folder, twice))
    assert model.config.tied
    assert model.unembedding.weight is model.token_embedding.weight
    assert not gpt2.load(say(folder, tie_word_embeddings=False)).config.tied


def test_two_different_tables_are_not_tied(folder):
    def apart(tensors):
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"] + 1

    assert not gpt2.load(rewrite(folder, apart)).config.tied
    with pytest.raises(
        ValueError, match=r"lm_head\.weight is not wte\.weight, though config\.json"
    ):
        gpt2.load(say(folder, tie_word_embeddings=True))


def test_heads_are_given_or_said_or_64_wide(tmp_path, folder):
    assert gpt2.load(folder).config.num_heads == 3
    assert gpt2.load(folder, num_heads=6).config.num_heads == 6
    (folder / "config.json").unlink()
    assert gpt2.load(folder / "model.safetensors", num_heads=2).config.num_heads == 2
    with pytest.raises(
        ValueError, match="nothing tells how many heads share the width, 12; give n"
    ):
        gpt2.load(folder)
    with pytest.raises(ValueError, match=r"d_model \(12\) must be a multiple of num_heads \(5\)"):
        gpt2.load(folder, num_heads=5)
    wide = GPT(GPTConfig(vocab_size=5, context_length=3, d_model=128, num_layers=1, num_heads=4))
    gpt2.save(tmp_path / "wide", wide)
    (tmp_path / "wide" / "config.json").unlink()
    assert gpt2.load(tmp_path / "wide").config.num_heads == 2


# what is refused


def without(name):
    return lambda tensors: {n: x for n, x in tensors.items() if n != f"transformer.{name}"}


def instead(name, new):
    return lambda tensors: tensors | {f"transformer.{name}": new}


WRONG = {
    "no wte": (without("wte.weight"), r"it lacks wte\.weight; get a whole file, in GPT-2's lay"),
    "no wpe": (without("wpe.weight"), r"it lacks wpe\.weight; get a whole file"),
    "no norm": (without("h.1.ln_2.bias"), r"it lacks h\.1\.ln_2\.bias; get a whole file"),
    "no last norm": (without("ln_f.weight"), r"it lacks ln_f\.weight; get a whole"),
    "no layers": (
        lambda t: {n: x for n, x in t.items() if ".h." not in n},
        r"it lacks h\.0\.mlp\.c_fc\.weight",
    ),
    "a gap": (
        lambda t: {n.replace(".h.1.", ".h.7."): x for n, x in t.items()},
        r"it lacks h\.1\.ln_1\.weight",
    ),
    "many empty layers": (
        lambda t: t | {f"h.{n}.x": torch.zeros(1) for n in range(9, 300)},
        r"it lacks h\.2\.ln_1\.weight",
    ),
    "a stranger": (
        instead("h.1.attn.rotary", torch.zeros(2)),
        r"it holds 'h\.1\.attn\.rotary', which a GPT-2 of 2 layers has not; get",
    ),
    "almost a mask": (
        instead("h.0.attn.bias.more", torch.zeros(2)),
        r"it holds 'h\.0\.attn\.bias\.more', which",
    ),
    "a stranger with a long name": (
        lambda t: t | {"x\n" * 500: torch.zeros(2)},
        r"it holds 'x\\nx.{70,80}\.\.\., which",
    ),
    "twice": (
        lambda t: t | {"wte.weight": torch.zeros(17, 12)},
        r"it holds 'wte\.weight' twice, with and without 'transformer\.'",
    ),
    "turned": (
        instead("h.0.mlp.c_fc.weight", torch.zeros(48, 12)),
        r"h\.0\.ln_1|h\.0\.mlp\.c_fc\.(weight|bias) has shape \(48,?.*\), and beside the others n",
    ),
    "narrow": (
        instead("h.1.attn.c_attn.bias", torch.zeros(12)),
        r"h\.1\.attn\.c_attn\.bias has shape \(12,\), and beside the others needs \(36,\); get an",
    ),
    "other width": (
        instead("wpe.weight", torch.zeros(10, 13)),
        r"wpe\.weight has shape \(10, 13\), and beside the others needs \(10, 12\)",
    ),
    "a row": (
        instead("wte.weight", torch.zeros(17)),
        r"wte\.weight has shape \(17,\), and should be a matrix",
    ),
    "empty": (
        instead("wpe.weight", torch.zeros(0, 12)),
        r"wpe\.weight has shape \(0, 12\), and should be a matrix",
    ),
    "whole numbers": (
        instead("ln_f.bias", torch.zeros(12, dtype=torch.int64)),
        r"'ln_f\.bias' holds torch\.int64; GPT-2's weights are",
    ),
    "eighths": (
        instead("ln_f.bias", torch.zeros(12).to(torch.float8_e4m3fn)),
        r"'ln_f\.bias' holds torch\.float8_e4m3fn; GPT-2's weights are",
    ),
    "two kinds": (
        instead("ln_f.bias", torch.zeros(12).half()),
        r"holds torch\.float32 and 'ln_f\.bias' torch\.float16; say one in dtype=",
    ),
    "nan": (
        instead("h.0.ln_1.bias", torch.full((12,), torch.nan)),
        r"'h\.0\.ln_1\.bias' holds nan or inf: it was damaged",
    ),
    "another model": (
        lambda t: {"model.embed_tokens.weight": torch.zeros(3, 4)},
        r"it lacks wte\.weight",
    ),
    "nothing": (lambda t: {}, r"it lacks wte\.weight"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_that_is_no_gpt2_is_refused_by_name(wrong, folder):
    change, says = WRONG[wrong]
    with pytest.raises(ValueError, match=says) as refusal:
        gpt2.load(rewrite(folder, change))
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith(f"{folder / 'model.safetensors'}: ")
    assert len(str(refusal.value)) < 300 + len(str(folder))


def test_kinds_may_differ_where_one_is_named(folder):
    mixed = rewrite(folder, instead("ln_f.bias", torch.ones(12).half()))
    assert gpt2.load(mixed, dtype=torch.float32).norm.bias.dtype is torch.float32


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"activation_function": "relu"}, "says activation_function is 'relu'; .* has 'gelu_new'"),
        ({"scale_attn_weights": False}, "says scale_attn_weights is False; a GPT of ours has True"),
        ({"scale_attn_by_inverse_layer_idx": True}, "inverse_layer_idx is True; .* has False"),
        ({"add_cross_attention": True}, "add_cross_attention is True"),
        ({"model_type": "llama"}, "model_type is 'llama'; a GPT of ours has 'gpt2'"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings is 'yes'"),
        ({"tie_word_embeddings": False}, r"it lacks lm_head\.weight"),
        ({"n_layer": 3}, "says n_layer is 3, and the tensors have 2; take both from one model"),
        ({"n_embd": 24}, "says n_embd is 24, and the tensors have 12"),
        ({"n_positions": 1024}, "says n_positions is 1024, and the tensors have 10"),
        ({"vocab_size": 50257}, "says vocab_size is 50257, and the tensors have 17"),
        ({"n_inner": 24}, "says n_inner is 24, and the tensors have 48"),
        ({"n_head": 5}, r"d_model \(12\) must be a multiple of num_heads \(5\)"),
        ({"n_head": 0}, "num_heads is 0; it must be at least 1"),
        ({"n_head": "3"}, "says n_head is '3'; it counts heads: write 12"),
        ({"n_head": [3] * 999}, "says n_head is .*; it counts heads: write 12"),
        ({"layer_norm_epsilon": "small"}, "layer_norm_epsilon is 'small'; write 1e-05"),
        ({"layer_norm_epsilon": -1e-5}, "layer_norm_epsilon is -1e-05; write 1e-05"),
        ({"layer_norm_epsilon": float("nan")}, "layer_norm_epsilon is nan; write 1e-05"),
        ({"layer_norm_epsilon": True}, "layer_norm_epsilon is True; write 1e-05"),
    ],
)
def test_settings_that_cannot_be_ours(settings, says, folder):
    with pytest.raises(ValueError, match=says) as refusal:
        gpt2.load(say(folder, **settings))
    assert "\n" not in str(refusal.value)


def test_what_is_long_is_not_quoted_whole(folder):
    for settings in ({"n_head": "3" * 10**5}, {"n_head": 10**4000}, {"n_layer": "3" * 10**5}):
        before = (folder / "config.json").read_text()
        with pytest.raises((TypeError, ValueError)) as error:
            gpt2.load(say(folder, **settings))
        assert len(str(error.value)) < 400 + len(str(folder))
        (folder / "config.json").write_text(before)


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 10_000, '{"n_head": 3', "\ud800"])
def test_a_damaged_config_json(text, folder):
    (folder / "config.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"config\.json") as refusal:
        gpt2.load(folder)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("ending", [".bin", ".pt", ".pth", ".pkl", ".ckpt"])
def test_a_pickle_is_refused_by_its_name(ending, tmp_path):
    with pytest.raises(ValueError, match=r"is a pickle by its name, and reading one can run any"):
        gpt2.load(tmp_path / f"pytorch_model{ending}")
    with pytest.raises(ValueError, match="is a pickle by its name"):
        gpt2.save(tmp_path / f"model{ending}", GPT(GPTConfig(d_model=64, num_heads=1)).to("meta"))


class Hostile:
    """What a pickle can do to whoever reads it: here, only leave a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_under_another_name_is_not_run(zipped, tmp_path):
    file, trace = tmp_path / "model.safetensors", tmp_path / "trace"
    torch.save(Hostile(trace), file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"it is a pickle inside, and reading one can run any"):
        gpt2.load(tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize("length", [0x80, 0x280, 0x680, 0x280680])
def test_a_file_cut_off_whose_first_byte_is_a_pickles(length, tmp_path):
    header = b'{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'
    whole = length.to_bytes(8, "little") + header.ljust(length) + bytes(8)
    file = tmp_path / "model.safetensors"
    file.write_bytes(whole[: len(header)])
    with pytest.raises(ValueError, match="it is no whole safetensors file") as refusal:
        gpt2.load(tmp_path)
    assert "pickle" not in str(refusal.value)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("held", [[], 1, [1, 2], {"w": b"1"}])
def test_a_pickle_of_every_protocol_with_a_first_byte_is_told(protocol, held, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(pickle.dumps(held, protocol))
    with pytest.raises(ValueError, match="it is a pickle inside"):
        gpt2.load(tmp_path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        gpt2.load(tmp_path)


def damaged(content, random):
    """A file cut off, lengthened, or with some of its bytes changed."""
    content, how = bytearray(content), random.randrange(4)
    if how == 0:
        return content[: random.randrange(len(content))]
    if how == 1:
        return content + random.randbytes(random.randrange(1, 9))
    reach = len(content) if how == 2 else 2000  # the header is at the front
    for _ in range(random.randrange(1, 4)):
        content[random.randrange(reach)] = random.randrange(256)
    return content


def test_damaged_files_are_refused_or_are_whole(folder):
    """Of 300 damaged files each is refused in one sentence, or has all its tensors and shapes."""
    hugging_face(n_layer=1).save_pretrained(folder)
    file, chance, said = folder / "model.safetensors", random.Random(0), []
    content = file.read_bytes()
    for _ in range(300):
        file.write_bytes(damaged(content, chance))
        try:
            model = gpt2.load(folder)
        except ValueError as error:
            said.append(str(error))
        else:
            assert model(draw_tokens(1, 10)).shape == (1, 10, 17)
    assert 180 < len(said) < 300
    assert not any("\n" in sentence for sentence in said)
    assert max(map(len, said)) < 400 + len(str(folder))


# what is not written


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"positions": "rotary"}, "positions is 'rotary'; GPT-2's layout has 'learned' only"),
        ({"norm": "rms"}, "norm is 'rms'; GPT-2's layout has 'layer' only"),
        ({"norm_position": "post"}, "norm_position is 'post'; GPT-2's layout has 'pre' only"),
        ({"feed_forward": "swiglu"}, "feed_forward is 'swiglu'; GPT-2's layout has 'gelu' only"),
        ({"bias": False}, "bias is False; GPT-2's layout has True only"),
        ({"num_kv_heads": 1}, "num_kv_heads is 1; in GPT-2 each head has its own keys"),
    ],
)
def test_a_model_that_is_no_gpt2_is_not_written(changes, says, folder):
    sizes = {"vocab_size": 17, "context_length": 10, "d_model": 12, "num_layers": 1}
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match=says):
        gpt2.save(folder, GPT(GPTConfig(**sizes, num_heads=3, **changes)))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_nothing_is_written_of_a_spoilt_model(folder):
    model = gpt2.load(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    model.blocks[1].norm_1.eps = 0.1
    with pytest.raises(ValueError, match="the norms have several eps"):
        gpt2.save(folder, model)
    model = gpt2.load(folder)
    model.norm.bias.data[3] = torch.inf
    with pytest.raises(ValueError, match=r"'ln_f\.bias' holds nan or inf"):
        gpt2.save(folder, model)
    say(folder, activation_function="relu")
    before[folder / "config.json"] = (folder / "config.json").read_bytes()
    model.norm.bias.data[3] = 0
    with pytest.raises(ValueError, match="activation_function is 'relu'"):
        gpt2.save(folder, model)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_write_that_fails_leaves_the_old_file(folder, monkeypatch):
    model = gpt2.load(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    model.norm.bias.data += 1
    monkeypatch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        gpt2.save(folder, model)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


# shards, and what is not the model itself


def in_shards(folder, change=None):
    """The folder, its tensors in three shards with an index, as large models are given away."""
    tensors, names = read(folder), {}
    for number, place in enumerate(np.array_split(sorted(tensors), 3), 1):
        shard = f"model-{number:05}-of-00003.safetensors"
        safetensors.torch.save_file({name: tensors[name] for name in place}, folder / shard)
        names |= {str(name): shard for name in place}
    (folder / "model.safetensors").unlink()
    index = {"metadata": {"total_size": 1}, "weight_map": names}
    index = index if change is None else change(index, names) or index
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_shards_are_read_as_one_file(folder):
    expected = logits(gpt2.load(folder), draw_tokens(2, 10))
    model = gpt2.load(in_shards(folder))
    assert torch.equal(logits(model, draw_tokens(2, 10)), expected)
    model.norm.bias.data += 1
    gpt2.save(folder, model)  # one file beside them, which is now the model
    assert torch.equal(gpt2.load(folder).norm.bias, model.norm.bias)


def test_hugging_faces_own_shards(folder):
    theirs = hugging_face()
    theirs.save_pretrained(folder / "many", max_shard_size="2KB")
    assert len(list((folder / "many").glob("model-*.safetensors"))) > 1
    tokens = draw_tokens(2, 10)
    assert (logits(gpt2.load(folder / "many"), tokens) - logits(theirs, tokens)).abs().max() <= 1e-5


FIRST, SECOND = (f"model-0000{n}-of-00003.safetensors" for n in (1, 2))
WRONG_INDEX = {
    "no map": (lambda index, names: {"metadata": {}}, "has no weight_map from tensors to files"),
    "a list": (lambda index, names: [1], "has no weight_map"),
    "numbers": (lambda index, names: {"weight_map": {"wte.weight": 1}}, "has no weight_map"),
    "empty": (lambda index, names: {"weight_map": {}}, "has no weight_map"),
    "another folder": (
        lambda index, names: names.update({"wte.weight": "../x.safetensors"}),
        "names '../x.safetensors', which is no shard beside it",
    ),
    "a pickle": (lambda index, names: names.update(x="x.bin"), "names 'x.bin', which is no shard"),
    "a tensor elsewhere": (
        lambda index, names: names.update({"transformer.h.0.attn.c_attn.bias": SECOND}),
        f"'transformer.h.0.attn.c_attn.bias' is in {FIRST}, and model.safetensors.index.json says",
    ),
    "a tensor too many": (
        lambda index, names: names.update(extra=FIRST),
        f"'extra' is not in {FIRST}, and",
    ),
    "a tensor unsaid": (
        lambda index, names: names.pop("transformer.wpe.weight") and None,
        "'transformer.wpe.weight' is in model-00003-of-00003.safetensors, and",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_INDEX)
def test_an_index_that_does_not_fit_its_shards(wrong, folder):
    change, says = WRONG_INDEX[wrong]
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        gpt2.load(in_shards(folder, change))
    assert str(error.value).startswith(str(folder))


def test_each_shard_is_checked(folder):
    shard = in_shards(folder) / SECOND
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    with pytest.raises(ValueError, match=f"of its shards, {SECOND}: it is no whole safetensors fi"):
        gpt2.load(folder)
    shard.unlink()
    with pytest.raises(FileNotFoundError, match=SECOND):
        gpt2.load(folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_what_is_no_file_is_not_read(folder):
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(ValueError, match="it is a folder, a device or a pipe"):
        gpt2.load(folder)


@pytest.mark.parametrize("around", [nn.DataParallel, partial(torch.compile, backend="eager")])
def test_the_model_inside_is_saved(around, folder, tmp_path):
    model = gpt2.load(folder)
    gpt2.save(tmp_path / "plain", model)
    gpt2.save(tmp_path / "inside", around(model))
    assert same(read(tmp_path / "inside"), read(tmp_path / "plain"))
    assert not any(x.requires_grad for x in gpt2.to_gpt2(model).values())
    assert gpt2.arrays(around(model)).keys() == gpt2.arrays(model).keys()


@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16", "int8", "int4"])
def test_a_prepared_decoder_is_not_saved(kind, folder, tmp_path):
    model = gpt2.load(folder)
    decoder = tantra.prepare_for_decoding(model, kind)
    with pytest.raises(
        ValueError, match=r"no blocks\.0\.\S+ that can be .*that prepare_for_decoding"
    ):
        gpt2.save(tmp_path / "new", decoder)
    assert not (tmp_path / "new").exists()


def test_a_weight_without_a_place_is_not_dropped(folder, tmp_path):
    model = gpt2.load(folder)
    model.blocks[0].attention.adapter = nn.Linear(12, 2)
    with pytest.raises(ValueError, match=r"has 'blocks\.0\.attention\.adapter\.weight', for which"):
        gpt2.save(tmp_path / "new", model)
    assert not (tmp_path / "new").exists()


def test_a_table_of_its_own_is_not_dropped(folder, tmp_path):
    config = gpt2.load(folder).config
    with torch.device("meta"):
        torn = GPT(config)
    torn.to_empty(device="cpu")
    torn.unembedding.weight = nn.Parameter(torn.unembedding.weight.detach().clone())
    torn.load_state_dict(gpt2.load(folder).state_dict())
    gpt2.save(tmp_path / "new", torn)  # the two tables are equal
    torn.unembedding.weight.data += 0.1
    before = {path: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    with pytest.raises(ValueError, match=r"the model has two; tie them again: model.unembedding"):
        gpt2.save(tmp_path / "new", torn)
    assert {path: path.read_bytes() for path in (tmp_path / "new").iterdir()} == before


def test_it_is_exported():
    assert tantra.numpy_gpt2 is numpy_gpt.numpy_gpt2
