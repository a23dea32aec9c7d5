"""The precision that a processor is made for, with processors that are made up."""

import runpy
import warnings
from pathlib import Path

import pytest
import torch

from tantra import GPT, AdamW, GPTConfig, train
from tantra.training import fastest_precision
from tantra.training.precisions import bfloat16_instructions

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "train.py"
ZEN_2 = {"avx2": True, "avx512_bf16": False, "amx_bf16": False}
ICE_LAKE = {"avx2": True, "avx512_f": True, "avx512_vnni": True, "avx512_bf16": False}
SAPPHIRE_RAPIDS = {"avx512_f": True, "avx512_bf16": True, "amx_bf16": True}
GRAVITON_3 = {"neon": True, "bf16": True, "sve_max_length": 256}


@pytest.fixture
def processor(monkeypatch):
    """Makes torch believe in a processor."""

    def fake(abilities):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: abilities, raising=False)

    return fake


@pytest.mark.parametrize(
    ("abilities", "line"),
    [
        (SAPPHIRE_RAPIDS, "bfloat16, for which this processor has amx_bf16, avx512_bf16"),
        (GRAVITON_3, "bfloat16, for which this processor has bf16"),
        (ZEN_2, "float32, since torch finds no instructions for bfloat16 here"),
        (ICE_LAKE, "float32, since torch finds no instructions for bfloat16 here"),
        ({}, "float32, since torch finds no instructions for bfloat16 here"),
    ],
)
def test_the_processor_decides_and_one_line_says_why(abilities, line, processor):
    processor(abilities)
    assert fastest_precision() == (line.partition(",")[0], f"precision: {line}")


def test_float32_where_nobody_can_tell(processor, monkeypatch):
    processor(SAPPHIRE_RAPIDS)
    assert fastest_precision("meta")[0] == "float32"
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert bfloat16_instructions() == ()
    assert fastest_precision()[0] == "float32"


def test_a_gpu_is_asked_itself(processor, monkeypatch):
    processor(ZEN_2)
    for able in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda able=able, **_: able)
        assert fastest_precision("cuda")[0] == ("bfloat16" if able else "float32")
        assert fastest_precision("cpu")[0] == "float32"


def trained(precision):
    """The losses of two steps."""
    sizes = {"vocab_size": 7, "context_length": 4, "d_model": 8, "num_layers": 1, "num_heads": 2}
    model = GPT(GPTConfig(**sizes), generator=torch.Generator().manual_seed(0))
    batch = torch.tensor([[0, 1, 2, 3]]), torch.tensor([[1, 2, 3, 4]])
    optimizer = AdamW(model.parameters())
    return [loss for _, loss in train(model, [batch] * 2, optimizer, steps=2, precision=precision)]


def test_bfloat16_is_never_slow_in_silence(processor):
    processor(ZEN_2)
    with pytest.warns(UserWarning, match="no instructions .* 12 to 60 times as long; give") as said:
        losses = trained("bfloat16")
    (warning,) = said
    assert "\n" not in str(warning.message)
    assert warning.filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained("float32")
        processor(SAPPHIRE_RAPIDS)
        assert trained("bfloat16") == losses


def test_the_example_says_what_it_chose(processor, capsys):
    main, words = runpy.run_path(str(EXAMPLE))["main"], ["--steps", "2", "--length", "8"]
    for abilities, precision in ((SAPPHIRE_RAPIDS, "bfloat16"), (ZEN_2, "float32")):
        processor(abilities)
        losses = main([*words, "--precision", "auto"])
        line, *_ = capsys.readouterr().out.splitlines()
        assert line == fastest_precision()[1]
        processor(SAPPHIRE_RAPIDS)
        assert losses == main([*words, "--precision", precision])
        assert "precision" not in capsys.readouterr().out
