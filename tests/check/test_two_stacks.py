"""The encoder and decoder of the reader's own parts is the library's, whoever wrote them."""

import numpy as np
import pytest
import torch
from test_assembly import define, keep_solutions

import tantra
from tantra.check import progress
from tantra.check.two_stacks import assemble_two
from tantra.two_sequences import EncoderDecoder, EncoderDecoderConfig

SIZES = {"vocab_size": 11, "context_length": 9, "d_model": 12, "num_layers": 2, "num_heads": 3}
KIND = {"norm_position": "pre", "feed_forward": "gelu"}
OTHERS = {
    "as in chapter 17": {},
    "swiglu, no biases": {"feed_forward": "swiglu", "bias": False},
    "a table for each, one encoder layer": {"source_vocab_size": 7, "encoder_layers": 1},
}
SOURCE = np.array([[3, 4, 5, 6, 3], [6, 5, 0, 0, 0]])
TARGET = np.array([[1, 7, 8, 9], [1, 3, 4, 5]])
LENGTHS = np.array([5, 2])
TORCHS = tuple(torch.from_numpy(x) for x in (SOURCE, TARGET, LENGTHS))


def made(**fields):
    generator = torch.Generator().manual_seed(0)
    model = EncoderDecoder(EncoderDecoderConfig(**SIZES | KIND | fields), generator=generator)
    for weights in model.parameters():  # larger, so that every part shows
        weights.data += 0.2 * torch.randn(weights.shape, generator=generator)
    return model.double()


@pytest.mark.parametrize("fields", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("passed", [False, True])
def test_it_is_the_librarys_model(fields, passed):
    if passed:
        keep_solutions()
    model = made(**fields)
    mine = assemble_two(model)
    for lengths in (True, False):
        asked = TORCHS if lengths else TORCHS[:2]
        expected = model(*asked)
        torch.testing.assert_close(mine(*asked), expected, rtol=1e-9, atol=1e-11)
        by_numpy = mine(*(x.numpy() for x in asked))
        np.testing.assert_allclose(by_numpy, expected.detach().numpy(), rtol=1e-9, atol=1e-11)
    assert bool(mine.own[np]) is passed
    assert ("yours" in repr(mine)) is passed


def test_its_gradients_are_the_librarys():
    keep_solutions()
    model = made()
    loss = tantra.cross_entropy(model(*TORCHS), TORCHS[1])
    expected = torch.autograd.grad(loss, list(model.parameters()))
    mine = tantra.cross_entropy(assemble_two(model)(*TORCHS), TORCHS[1])
    for ours, theirs in zip(
        torch.autograd.grad(mine, list(model.parameters())), expected, strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)


def test_a_part_left_out_is_the_librarys():
    keep_solutions()
    mine = assemble_two(made(), without=("softmax", "gelu"))
    assert not {"softmax", "gelu"} & set(mine.own[np])
    assert "layer_norm" in mine.own[np]


def test_the_readers_part_does_the_work(monkeypatch):
    """A wrong part of the reader's is seen in the logits of NumPy."""
    text = "def layer_norm(x, gain, bias, eps=1e-5):\n    return 0 * x + bias\n"
    wrong = define("import numpy as np\n\n\n" + text, "layer_norm", "<wrong>")
    monkeypatch.setitem(
        progress._in_memory, "layer_norm", {"function": "layer_norm", "source": text}
    )
    assert wrong(np.ones(3), 1.0, 2.0).tolist() == [2, 2, 2]
    model = made()
    mine = assemble_two(model)(SOURCE, TARGET, LENGTHS)
    assert abs(mine - model(*TORCHS).detach().numpy()).max() > 0.1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"norm_position": "post"}, "norm_position='post'; give one with norm_position='pre'"),
        ({"feed_forward": "relu"}, "feed_forward='relu'; give one with feed_forward='gelu' or"),
        ({"positions": "learned"}, "positions='learned'; give one with positions='sinusoidal'"),
    ],
)
def test_what_it_cannot_make(fields, said):
    with pytest.raises(ValueError, match=said):
        assemble_two(made(**fields))


def test_another_model_is_refused():
    with pytest.raises(TypeError, match="EncoderDecoder, not a Linear"):
        assemble_two(torch.nn.Linear(2, 2))
