"""The model of the reader's own parts: whose part is whose, and that the whole is the library's."""

import functools
import linecache
import re
from collections import Counter
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

import tantra
from tantra.check import progress
from tantra.check.assembly import assemble
from tantra.check.exercises import registry
from tantra.check.parts import WORK, PartFailed, work

SOLUTIONS = sorted((Path(__file__).parents[2] / "solutions").glob("*.ipynb"))
SIZES = {"vocab_size": 13, "context_length": 9, "d_model": 12, "num_layers": 3, "num_heads": 4}
TOKENS = np.random.default_rng(0).integers(13, size=(2, 7))
KINDS_OF_TOKENS = TOKENS, torch.from_numpy(TOKENS)

SWIGLU = {"feed_forward": "swiglu"}
VERSE = {"positions": "learned+rotary", "bias": False, "num_heads": 3} | SWIGLU
KINDS = {"GPT-2": {}, "without biases": {"bias": False}, "of chapter 14": VERSE}
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
    """Plant a text among the passes, right or wrong."""
    source = "import numpy as np\nimport tantra\n\n" + text
    progress._in_memory[name] = {"function": name, "source": source}


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


def cells(model):
    """What the table says of each part: in NumPy, and in torch."""
    rows = (re.split("  +", line) for line in repr(model).splitlines()[1:])
    return {row[0]: tuple(row[1:3]) for row in rows if row[0] in WORK}


def test_the_table_says_how_often_each_part_is_called(gpt):
    keep_solutions()
    assert cells(assemble(gpt)) == {
        "softmax": ("yours, 3 calls", "library, see below"),
        "log_softmax": ("yours, 1 call", "library, see below"),
        "causal_mask": ("yours, 3 calls", "yours, 3 calls"),
        "scaled_dot_product_attention": ("yours, 3 calls", "library, see below"),
        "split_heads": ("yours, 9 calls", "yours, 9 calls"),
        "layer_norm": ("yours, 7 calls", "yours, 7 calls"),
        "gelu": ("yours, 3 calls", "library, see below"),
        "feed_forward": ("yours, 3 calls", "yours, 3 calls"),
        "pre_norm_block": ("yours, 3 calls", "yours, 3 calls"),
        "language_model": ("yours, 1 call", "yours, 1 call"),
    }


def test_the_calls_of_the_table_are_those_of_one_loss(gpt):
    keep_solutions()
    model, calls = assemble(gpt), Counter()
    for name, part in model.own[np].items():
        model.own[np][name] = lambda *args, n=name, p=part: (calls.update([n]), p(*args))[1]
    model.loss(TOKENS)
    through = {"softmax", "gelu"}  # called by your own attention and feed-forward
    assert set(calls) == model.own[np].keys() - through
    assert all(model.sides[np].calls[name] == count for name, count in calls.items())
    assert model.sides[np].calls["gelu"] == calls["feed_forward"]


def test_the_table_says_why_a_part_is_the_librarys(gpt):
    keep_solutions()
    told = repr(assemble(gpt, without=["softmax"]))
    assert cells(assemble(gpt, without=["softmax"]))["softmax"] == ("library, left out",) * 2
    assert "gelu in torch is the library's: yours raises RuntimeError at return 0.5 * x * " in told
    assert "NumPy's functions keep no gradient" in told
    assert set(cells(assemble(gpt, without=list(WORK))).values()) == {("library, left out",) * 2}


NONSENSE = {
    "softmax": "def softmax(x):\n    return (x == x) / x.shape[-1]\n",
    "log_softmax": "def log_softmax(x):\n    return 0 * x\n",
    "causal_mask": "def causal_mask(a, b):\n    return a[:, None] > -1 - b[None, :]\n",
    "scaled_dot_product_attention": (
        "def scaled_dot_product_attention(q, k, v, mask=None):\n    return 0 * q, 0 * (q @ k.mT)\n"
    ),
    "split_heads": (
        "def split_heads(x, n):\n"
        "    return x.reshape(*x.shape[:-1], x.shape[-1] // n, n).swapaxes(-1, -2)"
        ".swapaxes(-2, -3)\n"
    ),
    "rotate": "def rotate(x, angles):\n    return x\n",
    "layer_norm": "def layer_norm(x, gain, bias):\n    return x\n",
    "gelu": "def gelu(x):\n    return 0 * x\n",
    "feed_forward": "def feed_forward(x, w_1, b_1, w_2, b_2):\n    return 0 * x\n",
    "swiglu": "def swiglu(x, gate, up, down):\n    return 0 * x\n",
    "pre_norm_block": "def pre_norm_block(x, attention, feed_forward, n_1, n_2):\n    return x\n",
    "language_model": (
        "def language_model(tokens, table, positions, blocks, norm):\n"
        "    return table[tokens] @ table.T\n"
    ),
}


@kinds
@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_in_a_part_of_yours_shows_or_the_part_is_not_called_yours(name, kind):
    gpt = made(**KINDS[kind])
    if name not in work(gpt.config):
        return
    keep_solutions()
    right = assemble(gpt)
    keep(name, NONSENSE[name])
    wrong = assemble(gpt)
    moved = [outputs(wrong, tokens) != outputs(right, tokens) for tokens in KINDS_OF_TOKENS]
    assert moved == ["yours" in cell for cell in cells(wrong)[name]]
    assert moved == [True, False]  # on torch nonsense is refused


def outputs(model, tokens):
    """Logits and loss, rounded."""
    with torch.no_grad():
        both = [model.loss(tokens), *model(tokens).ravel()]
    return [round(float(number), 3) for number in both]


OWN_SOFTMAX = """
def scaled_dot_product_attention(q, k, v, mask=None):
    scores = np.where(mask, q @ k.mT / q.shape[-1] ** 0.5, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True) @ v, e
"""


def test_a_part_that_nothing_calls_is_not_said_to_be_at_work(gpt):
    keep("softmax", NONSENSE["softmax"])
    keep("scaled_dot_product_attention", OWN_SOFTMAX)
    model = assemble(gpt)
    assert cells(model)["softmax"][0] == "passed, not called"
    np.testing.assert_allclose(model(TOKENS), library(gpt), rtol=1e-10, atol=1e-12)


WAYS = {
    "by name": ("from tantra import softmax", "softmax(scores)"),
    "by its axis": ("from tantra.attention import softmax", "softmax(scores, axis=-1)"),
    "by the module": ("import tantra", "tantra.softmax(scores)"),
    "by another module": ("import tantra.attention as a", "a.softmax(x=scores)"),
    "inside": ("", "__import__('tantra').attention.softmax(scores)"),
}


@pytest.mark.parametrize("way", WAYS)
def test_however_a_part_names_the_librarys_softmax_it_gets_yours(gpt, way):
    line, call = WAYS[way]
    text = f"{line}\ndef scaled_dot_product_attention(q, k, v, mask=None):\n"
    text += "    scores = np.where(mask, q @ k.mT / q.shape[-1] ** 0.5, -np.inf)\n"
    keep("scaled_dot_product_attention", f"{text}    return {call} @ v, scores\n")
    keep("softmax", solutions()["softmax"])
    model = assemble(gpt)
    assert cells(model)["softmax"][0] == "yours, 3 calls"
    np.testing.assert_allclose(model(TOKENS), library(gpt), rtol=1e-10, atol=1e-12)


def test_what_your_part_cannot_take_goes_to_the_librarys(gpt):
    text = "def scaled_dot_product_attention(q, k, v, mask=None):\n"
    text += "    scores = np.where(mask, q @ k.mT / q.shape[-1] ** 0.5, -np.inf)\n"
    text += "    return tantra.softmax(scores.mT, axis=-2).mT @ v, scores\n"
    keep("scaled_dot_product_attention", text)
    keep("softmax", solutions()["softmax"])
    model = assemble(gpt)
    assert cells(model)["softmax"][0] == "passed, not called"
    np.testing.assert_allclose(model(TOKENS), library(gpt), rtol=1e-10, atol=1e-12)


def test_a_part_of_its_own_kind_stays_the_librarys(gpt):
    keep("softmax", "def softmax(x):\n    return np.exp(tantra.log_softmax(x))\n")
    keep("log_softmax", "def log_softmax(x):\n    return np.log(tantra.softmax(x))\n")
    model = assemble(gpt)  # neither goes round and round
    assert cells(model)["softmax"][0] == "yours, 4 calls"
    assert np.isfinite(model.loss(TOKENS))


def test_functions_handed_in_are_no_passes(gpt):
    function = define("def gelu(x):\n    return 0 * x\n", "gelu", "<handed>")
    model = assemble(gpt, parts={"gelu": function})
    assert cells(model)["gelu"] == ("given, 3 calls", "library, see below")
    assert np.abs(model(TOKENS) - library(gpt)).max() > 1e-3
    assert not progress.passed()
    keep("gelu", solutions()["gelu"])
    assert cells(assemble(gpt, parts={"gelu": function}))["gelu"][0] == "yours, 3 calls"
    with pytest.raises(ValueError, match=r"'gulu'.*gelu"):
        assemble(gpt, parts={"gulu": function})


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
    keep("layer_norm", SAMPLE_NORM)
    model = assemble(gpt)
    assert cells(model)["layer_norm"] == ("yours, 7 calls", "library, see below")
    assert "with yours, the logits differ by up to " in repr(model)
    assert "(torch's var divides by D - 1, NumPy's by D)" in repr(model)
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
    assert "The model does not run on your parts: your softmax fails inside" in repr(model)
    assert cells(model)["softmax"][0] == "yours, see below"
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
    progress.keep("gelu", lambda x: np.tanh(x))
    model = assemble(gpt)
    assert cells(model)["gelu"] == ("library, see below",) * 2
    note = "gelu was passed, but no later notebook can run it (a lambda, which has no text of its "
    assert repr(model).count(note) == 1


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
    assert set(WORK) <= set(registry())
