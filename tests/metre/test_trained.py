"""The model that ships with the course: its file, and what it writes."""

from importlib.resources import files

import pytest
import torch

from tantra import generate
from tantra.metre import VarnaTokenizer, judge
from tantra.metre.trained import CONFIGS, INSIDE, load_trained, trained_model, trained_numbers

TOKENIZER = VarnaTokenizer()


@pytest.fixture(scope="module")
def lines():
    torch.manual_seed(0)
    how = {"temperature": 0.8, "stop": (0,), "generator": torch.Generator().manual_seed(5)}
    rows = generate(trained_model(), [[TOKENIZER.line_end]] * 200, 60, **how)
    return [TOKENIZER.decode(row).strip("\n") for row in rows]


def test_what_it_writes_is_mostly_verse(lines):
    """The file says what share; 200 other lines agree, as far as 200 can."""
    judged = [judge(line) for line in lines]
    for name, slack in ("metre", 0.06), ("words", 0.02), ("sandhi", 0.06), ("grammar", 0.12):
        share = sum(getattr(one, name) for one in judged) / len(judged)
        assert share == pytest.approx(trained_numbers()[name], abs=slack), name
    assert trained_numbers()["metre"] > 0.9
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("file", CONFIGS)
def test_each_file_is_small_and_whole(file):
    assert files("tantra.metre").joinpath(file).stat().st_size < 500_000
    model, numbers = trained_model(file), trained_numbers(file)
    assert model.config == CONFIGS[file]
    assert not model.training
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {"seed", "lines", "steps", "temperature", "metre", "verse"} <= set(numbers)


def test_the_model_that_chapter_15_opens_counts_before_it_knows_grammar():
    numbers = trained_numbers(INSIDE)
    assert numbers["metre"] > 0.85
    assert numbers["grammar"] < 0.3


def test_loading_draws_no_global_random_numbers():
    before = torch.get_rng_state()
    trained_model()
    assert torch.equal(torch.get_rng_state(), before)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "other.safetensors").write_bytes(b"not a model")
    with pytest.raises(ValueError, match=r"other\.safetensors: it is cut off, damaged"):
        load_trained(tmp_path / "other.safetensors")
