"""The model of the reader's own parts: whose part is whose, and that the whole is the library's."""

import functools
import linecache
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

import tantra
from tantra.check import assembly, progress
from tantra.check.assembly import WORK, PartFailed, assemble, work

SOLUTIONS = sorted((Path(__file__).parents[2] / "solutions").glob("*.ipynb"))
SIZES = {"vocab_size": 13, "context_length": 9, "d_model": 12, "num_layers": 3, "num_heads": 4}
TOKENS = np.random.default_rng(0).integers(13, size=(2, 7))

SWIGLU = {"feed_forward": "swiglu"}
VERSE = {"positions": "learned+rotary", "bias": False, "num_heads": 3} | SWIGLU
KINDS = {"GPT-2": {}, "without offsets": {"bias": False}, "of chapter 14": VERSE}
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def gpt():
    return made()


def made(**kind):
    generator = torch.Generator().manual_seed(0)
    model = tantra.GPT(tantra.GPTConfig(**SIZES | kind), generator=generator).double()
    for weights in model.parameters():  # larger weights, so that every part shows in the logits
        weights.data += 0.2 * torch.randn(weights.shape, generator=generator, dtype=weights.dtype)
    return model


def define(text, name, filename):
    """The function of this name that text defines, in a way that its text can be found again."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    space = {"__name__": "notebook"}
    exec(compile(text, filename, "exec"), space)
    return space[name]


def keep(name, text):
    progress.keep(name, define("import numpy as np\nimport tantra\n\n" + text, name, f"<{name}>"))


@functools.cache
def solutions():
    """Every part as the solutions write it: the texts that define them, by name."""
    found = {}
    for path in SOLUTIONS:
        cells = nbformat.read(path, as_version=4).cells
        setup = next(cell.source for cell in cells if cell.id == "setup")
        tasks = [cell.source for cell in cells if "task" in cell.metadata.get("tags", [])]
        for name in WORK:
            for task in tasks:
                if f"def {name}(" in task:
                    found[name] = f"{setup}\n\n\n{task}\n"
    return found


def keep_solutions():
    for name, text in solutions().items():
        progress.keep(name, define(text, name, f"<{name}>"))


def library(gpt, tokens=TOKENS):
    return gpt(torch.from_numpy(tokens)).detach().numpy()


@kinds
def test_with_nothing_passed_every_part_is_the_librarys(kind):
    gpt = made(**KINDS[kind])
    model = assemble(gpt)
    np.testing.assert_allclose(model(TOKENS), library(gpt), rtol=1e-10, atol=1e-12, strict=True)
    assert "yours" not in repr(model)
    told = [line.split()[0] for line in repr(model).splitlines()[1:]]
    assert told == list(work(gpt.config))


def test_a_model_needs_some_of_the_parts():
    assert WORK.keys() - work(made().config) == {"rotate", "swiglu"}
    assert WORK.keys() - work(made(**VERSE).config) == {"gelu", "feed_forward"}


@kinds
def test_the_solutions_make_the_librarys_model(kind):
    keep_solutions()
    gpt = made(**KINDS[kind])
    model = assemble(gpt)
    assert set(model.own[np]) == set(work(gpt.config))
    np.testing.assert_allclose(model(TOKENS), library(gpt), rtol=1e-10, atol=1e-12, strict=True)
    ours = model(torch.from_numpy(TOKENS)).detach().numpy()
    np.testing.assert_allclose(ours, library(gpt), rtol=1e-10, atol=1e-12, strict=True)


def test_whose_part_is_whose(gpt):
    keep_solutions()
    model = assemble(gpt)
    assert "layer_norm                    yours     yours" in repr(model)
    assert "gelu                          yours     library" in repr(model)  # it says np.tanh


@pytest.mark.parametrize("name", WORK)
def test_each_solution_is_used_where_it_stands_alone(gpt, name):
    keep_solutions()
    if name not in work(gpt.config):
        gpt = made(**VERSE)
    model = assemble(gpt, without=WORK.keys() - {name})
    assert set(model.own[np]) == {name}
    calls = []
    part = model.own[np][name]
    model.own[np][name] = lambda *args: calls.append(name) or part(*args)
    model.loss(TOKENS)
    model.generate(TOKENS[0], 1, np.random.default_rng(0))
    assert calls


def test_it_trains_and_generates(gpt):
    keep_solutions()
    model = assemble(gpt)
    tokens = torch.from_numpy(TOKENS)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model.loss(tokens)
    before.backward()
    assert all(weights.grad is not None for weights in gpt.parameters())
    optimizer.step()
    assert model.loss(tokens) < before
    np.testing.assert_allclose(model.loss(TOKENS), model.loss(tokens).item(), rtol=1e-12)

    written = model.generate(TOKENS[0], 5, np.random.default_rng(0))
    assert written.shape == (12,)
    np.testing.assert_array_equal(written[:7], TOKENS[0])


def test_generation_draws_from_the_last_position(gpt):
    model = assemble(gpt)
    long = np.arange(11)  # more than the context
    shares = tantra.softmax(library(gpt, long[None, -9:])[0, -1])
    drawn = model.generate(long, 1, np.random.default_rng(3))[-1]
    assert drawn == np.random.default_rng(3).choice(13, p=shares)


def test_gradients_on_torch_are_the_librarys(gpt):
    keep_solutions()
    model, tokens = assemble(gpt), torch.from_numpy(TOKENS)
    ours = torch.autograd.grad(model(tokens).square().sum(), list(gpt.parameters()))
    theirs = torch.autograd.grad(gpt(tokens).square().sum(), list(gpt.parameters()))
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


SAMPLE_NORM = """
def layer_norm(x, gain, bias):
    centred = x - x.mean(axis=-1, keepdims=True)
    return gain * centred / (x.var(axis=-1, keepdims=True) + 1e-5) ** 0.5 + bias
"""


def test_a_part_that_is_wrong_on_torch_is_yours_in_numpy_only(gpt):
    keep("layer_norm", SAMPLE_NORM)  # NumPy's var divides by n, torch's by n - 1
    model = assemble(gpt)
    assert "layer_norm                    yours     library" in repr(model)
    np.testing.assert_allclose(model(TOKENS), library(gpt), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(model(torch.from_numpy(TOKENS)), gpt(torch.from_numpy(TOKENS)))


@pytest.mark.parametrize(
    ("name", "text"),
    {
        "rotate": "def rotate(x, angles):\n    return tantra.rotate(x, np.asarray(angles) / 2)\n",
        "swiglu": "def swiglu(x, gate, up, down):\n    return tantra.silu(x @ gate) @ down\n",
    }.items(),
)
def test_a_part_that_is_wrong_in_the_model_of_verse_is_not_used_on_torch(name, text):
    keep(name, text)
    model = assemble(made(**VERSE))
    assert name in model.own[np]
    assert name not in model.own[torch]


def test_a_part_without_gradient_is_not_used_on_torch(gpt):
    keep("gelu", "def gelu(x):\n    return tantra.gelu(getattr(x, 'data', x)) + 0 * x\n")
    model = assemble(gpt)
    assert "gelu" not in model.own[torch]


FAILING = """
def softmax(x):
    if x.ndim > 3:
        raise ValueError("too many axes")
    return tantra.softmax(x)
"""


def test_a_part_that_fails_in_the_model_is_named_with_the_fix(gpt):
    keep("softmax", FAILING)
    keep("pre_norm_block", BLOCK)  # the part around it is not blamed
    model = assemble(gpt)
    wanted = (
        r"your softmax fails inside the model, on arrays \(2, 4, 7, 7\): ValueError: too many axes"
        r".*exercises/02_softmax.ipynb.*check.softmax.*without=\['softmax'\]"
    )
    with pytest.raises(PartFailed, match=wanted):
        model(TOKENS)
    np.testing.assert_allclose(
        assemble(gpt, without=["softmax"])(TOKENS), library(gpt), rtol=1e-10, atol=1e-12
    )


BLOCK = """
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    x = x + attention(norm_1(x))
    return x + feed_forward(norm_2(x))
"""


def test_a_part_whose_text_was_not_kept_is_the_librarys_and_says_so(gpt):
    progress.keep("gelu", np.tanh)
    model = assemble(gpt)
    assert "gelu" not in model.own[np]
    note = "gelu was passed, but its text was not kept: give it a def of its own"
    assert repr(model).endswith(note)


def test_one_name_to_leave_out_needs_no_list(gpt):
    keep_solutions()
    assert set(assemble(gpt, without="softmax").own[np]) == work(gpt.config).keys() - {"softmax"}


def test_more_tokens_than_the_context_are_refused(gpt):
    with pytest.raises(ValueError, match="11 tokens, but the model sees 9: give the last 9"):
        assemble(gpt)(np.arange(11)[None])


def test_an_unknown_name_to_leave_out_is_refused(gpt):
    with pytest.raises(ValueError, match=r"'sofmax'.*softmax"):
        assemble(gpt, without=["sofmax"])


@pytest.mark.parametrize(
    "change",
    [{"tied": False}, {"positions": "sinusoidal"}, {"norm": "rms"}, {"bias": True} | SWIGLU],
)
def test_another_kind_of_model_is_refused_with_the_fix(change):
    other = tantra.GPT(tantra.GPTConfig(**SIZES, **change))
    field = next(iter(change))
    with pytest.raises(ValueError, match=f"{field}=.*give one with {field}="):
        assemble(other)


def test_every_part_is_an_exercise():
    exercises = {name for name in WORK if assembly.chapter_of(name)}
    assert exercises == set(WORK)
