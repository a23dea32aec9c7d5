import pytest
import torch
from torch import nn

from tantra import GPT, GPTConfig, Probe, record

CONFIG = GPTConfig(vocab_size=11, context_length=6, d_model=8, num_layers=2, num_heads=2)


@pytest.fixture
def model(generator):
    return GPT(CONFIG, generator=generator)


TOKENS = torch.tensor([[1, 2, 3, 4]])


def hooks(model):
    return [hook for part in model.modules() for hook in part._forward_hooks]


def test_a_probe_changes_nothing():
    x = torch.ones(2)
    assert Probe()(x) is x
    assert list(Probe().parameters()) == []


def test_record_keeps_what_passes_by_name(model):
    with record(model) as seen:
        model(TOKENS)
    names = {
        f"blocks.{n}.attention.{what}"
        for n in (0, 1)
        for what in ["q", "k", "v", "scores", "weights"]
    }
    assert set(seen) == names | {"stream", "blocks.0.stream", "blocks.1.stream"}
    weights = seen["blocks.1.attention.weights"]
    assert weights.shape == (1, 2, 4, 4)
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2, 4))
    assert not any(x.requires_grad for x in seen.values())
    torch.testing.assert_close(
        model.unembedding(model.norm(seen["blocks.1.stream"])), model(TOKENS)
    )


def test_only_the_chosen_are_watched(model):
    with record(model, "blocks.0.*.weights", "stream") as seen:
        assert [n for n, p in model.named_modules() if isinstance(p, Probe) and p.watched] == [
            "stream",
            "blocks.0.attention.weights",
        ]
        model(TOKENS)
    assert set(seen) == {"stream", "blocks.0.attention.weights"}


def test_the_last_passage_is_kept(model):
    with record(model, "*.weights") as seen:
        model(TOKENS)
        model(TOKENS[:, :2])
    assert seen["blocks.0.attention.weights"].shape == (1, 2, 2, 2)


def test_nobody_listens_afterwards(model):
    with record(model):
        assert hooks(model)
    assert not hooks(model)
    with pytest.raises(KeyError), record(model):
        raise KeyError
    assert not hooks(model)


def test_recording_changes_no_answer(model):
    with record(model):
        watched = model(TOKENS)
    torch.testing.assert_close(watched, model(TOKENS), rtol=1e-6, atol=1e-6)


def test_no_such_probe(model):
    with pytest.raises(
        ValueError, match=r"no probe is called '\*\.wheights'; the model has \['stre"
    ):
        record(model, "*.wheights").__enter__()
    with pytest.raises(ValueError, match="no probe is called any name; the model has none"):
        record(nn.Linear(2, 2)).__enter__()


def test_a_compiled_model_cannot_be_recorded(model):
    compiled = torch.compile(model, backend="eager")
    with pytest.raises(ValueError, match="a compiled model skips its probes; record the model you"):
        record(compiled).__enter__()
