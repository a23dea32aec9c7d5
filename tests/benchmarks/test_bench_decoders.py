"""Peers that decode read the same weights and say the same, on a GPT-2 of two narrow layers."""

import sys

import numpy as np
import pytest
import torch

import tantra
from benchmarks import decoders, llama, peers
from benchmarks.compare import Row, Skipped
from benchmarks.peers import Size
from benchmarks.pico import pico_logits
from tantra import gpt2

SIZE = Size(layers=2, width=64, heads=2, length=48, vocab=97)
PROMPT = [5, 1, 96, 0, 3]


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return peers.ours(SIZE).eval()


def test_picogpts_way_is_the_same_function(model):
    weights = {name: array.astype(np.float64) for name, array in gpt2.arrays(model).items()}
    expected = tantra.numpy_gpt2(np.array(PROMPT), weights, SIZE.heads)
    np.testing.assert_allclose(pico_logits(PROMPT, weights, SIZE.heads), expected, atol=1e-12)
    assert pico_logits(PROMPT, gpt2.arrays(model), SIZE.heads).dtype == np.float32


def test_the_names_of_llama_cpp(model):
    names = {llama.llama_name(name) for name in gpt2.arrays(model)}
    assert len(names) == len(gpt2.arrays(model))
    assert {"token_embd.weight", "position_embd.weight", "output_norm.bias"} <= names
    assert {"blk.0.attn_qkv.weight", "blk.1.ffn_down.bias", "blk.1.attn_norm.weight"} <= names


@pytest.mark.parametrize("kind", list(decoders.CLOSE))
def test_llama_cpp_gives_the_same_logits(model, kind):
    pytest.importorskip("llama_cpp", reason="make bench measures it where it is installed")
    with llama.llama_cpp(gpt2.arrays(model), SIZE.heads, kind) as peer:
        decoders.check_close(model, peer, torch.tensor([PROMPT]), decoders.CLOSE[kind])
        with pytest.raises(ValueError, match="of their range: not our model"):
            decoders.check_close(model, peer, torch.tensor([PROMPT]), 1e-12)
        read, step = peer.ways(PROMPT)
        for way in (step, step, read, step):
            way()
            assert peer.held == len(PROMPT)
        if kind == "F32":
            ours = tantra.generate(model, torch.tensor([PROMPT]), 7, temperature=0)
            assert peer.greedy(PROMPT, 7) == ours[0, len(PROMPT) :].tolist()


def test_without_llama_cpp_its_rows_say_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    monkeypatch.setattr(decoders, "SIZE", SIZE)
    monkeypatch.setattr(decoders, "PROMPTS", (5,))
    first, *others = decoders.rows({}, 0)
    assert isinstance(first, Row)
    assert first.peer == "picoGPT's way"
    assert [row.peer for row in others] == [
        f"llama.cpp, {kind}" for kind in decoders.KINDS.values()
    ]
    for row in others:
        assert isinstance(row, Skipped)
        assert "pip install llama-cpp-python gguf" in row.reason
