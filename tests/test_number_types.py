"""Every formula written by hand is right for whole numbers and for half precision.

Whole numbers wrap in their own type (uint8 has no -1) and half precision ends early (300² is
infinite in float16); so the answers are those for the same numbers in float64 and in float32.
"""

import functools

import numpy as np
import pytest
import torch

import tantra
from tantra import rewrites, sampling
from tantra.training.muon import orthogonalise

SHAPES = {"x": (2, 5, 6), "q": (2, 5, 6), "k": (2, 7, 6), "v": (2, 7, 3)}
ANGLES = tantra.rotary_angles(5, 6)
TARGETS = np.array([[0, 1, 2, 3, 4], [5, 0, 1, 2, 3]])
SEEN = np.arange(6) < 3
RNG = np.random.default_rng(1)
MERGED = [RNG.integers(-4, 4, s) / 4 for s in ((2, 6, 6), (2, 6), (2, 6, 6), (6,))]
FORMULAS = {  # by name, and the arrays that it takes
    "softmax": (tantra.softmax, "x"),
    "log_softmax": (tantra.log_softmax, "x"),
    "layer_norm": (tantra.layer_norm, "x"),
    "rms_norm": (tantra.rms_norm, "x"),
    "gelu": (tantra.gelu, "x"),
    "gelu_exact": (tantra.gelu_exact, "x"),
    "silu": (tantra.silu, "x"),
    "rotate": (lambda x: tantra.rotate(x, ANGLES), "x"),
    "cross_entropy": (lambda x: tantra.cross_entropy(x, like(x, TARGETS)), "x"),
    "penalise": (lambda x: sampling.penalise_repetition(x, like(x, SEEN), penalty=2), "x"),
    "with_temperature": (lambda x: sampling.with_temperature(x, 0.7), "x"),
    "keep_top_k": (lambda x: sampling.keep_top_k(x, 3), "x"),
    "keep_top_p": (lambda x: sampling.keep_top_p(x, 0.8), "x"),
    "probabilities": (
        lambda x: sampling.next_token_probabilities(x, temperature=50.0, top_p=0.9),
        "x",
    ),
    "orthogonalise": (orthogonalise, "x"),
    "attention": (tantra.scaled_dot_product_attention, "qkv"),
    "attend_part": (rewrites.attend_part, "qkv"),
    "merged": (lambda x: rewrites.merged_attention(x, *(like(x, w) for w in MERGED)), "x"),
    "combine": (lambda x: rewrites.combine(x, x[..., :1]), "x"),
}
formulas = pytest.mark.parametrize("name", FORMULAS)


def like(x, array):
    """The array, of x's kind and, where both are floats, of its type."""
    array = torch.from_numpy(array) if isinstance(x, torch.Tensor) else array
    floats = isinstance(x, torch.Tensor) and x.is_floating_point() and array.is_floating_point()
    return array.to(x.dtype) if floats else array


def draw(names, most, dtype):
    rng = np.random.default_rng(0)
    least = 0 if dtype is np.uint8 else -most
    drawn = {name: rng.integers(least, most, shape) for name, shape in SHAPES.items()}
    return [drawn[name].astype(dtype) for name in names]


def check(results, expected):
    for one, other in zip(listed(results), listed(expected), strict=True):
        assert one.dtype == other.dtype
        one, other = (torch.as_tensor(x).double() for x in (one, other))
        assert other.isfinite().any()
        np.testing.assert_array_equal(one, other)


def listed(results):
    return results if isinstance(results, tuple) else [results]


@formulas
@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 255), (np.int8, 127), (np.int32, 99_999)])
def test_whole_numbers_are_computed_as_floats(name, dtype, most):
    formula, names = FORMULAS[name]
    given = draw(names, most, dtype)
    check(formula(*given), formula(*(x.astype(np.float64) for x in given)))
    given = [torch.from_numpy(x) for x in given]
    if name != "merged":  # whose other arguments are in float64
        check(formula(*given), formula(*(x.float() for x in given)))


@formulas
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(name, half):
    formula, names = FORMULAS[name]
    most = 300 if names == "x" else 120  # the products are too large then, the scores are not
    given = [torch.from_numpy(x).to(getattr(torch, half)) for x in draw(names, most, np.float32)]
    wide = listed(formula(*(x.float() for x in given)))
    check(formula(*given), tuple(x.to(given[0].dtype) for x in wide))
    if half == "float16":
        given = [x.numpy() for x in given]
        wide = listed(formula(*(x.astype(np.float32) for x in given)))
        check(formula(*given), tuple(x.astype(np.float16) for x in wide))


@formulas
def test_other_types_stay_as_they_are(name):
    formula, names = FORMULAS[name]
    for dtype in (np.float32, np.float64) if name != "merged" else (np.float64,):
        given = draw(names, 9, dtype)
        assert {x.dtype for x in listed(formula(*given))} == {np.dtype(dtype)}
        given = [torch.from_numpy(x) for x in given]
        assert {x.dtype for x in listed(formula(*given))} == {given[0].dtype}


@pytest.mark.parametrize("name", [n for n, (_, names) in FORMULAS.items() if names == "x"][:7])
def test_a_plain_list_will_do(name):
    formula, _ = FORMULAS[name]
    np.testing.assert_array_equal(formula([1, -2, 3]), formula(np.array([1.0, -2.0, 3.0])))


def test_names_and_gradients_come_through():
    x = torch.tensor([300.0, -300, 300, 10]).half().requires_grad_()
    tantra.rms_norm(x=x, gain=torch.ones(4).half()).sum().backward()
    assert x.grad.dtype == torch.float16
    y = x.detach().float().requires_grad_()
    tantra.rms_norm(y).sum().backward()
    torch.testing.assert_close(x.grad.float(), y.grad, rtol=2e-3, atol=1e-6)
    with pytest.raises(TypeError, match=r"softmax\(\) takes from 1 to 2 positional arguments"):
        tantra.softmax(np.zeros(2), -1, 3)
    with pytest.raises(TypeError, match=r"softmax\(\) missing 1 required positional argument: 'x'"):
        tantra.softmax()


def test_a_surprise_may_be_larger_than_half_precision_holds():
    logits = torch.tensor([[60_000.0, -60_000], [0, 0], [0, 0], [0, 0]])
    mean = tantra.cross_entropy(logits.half(), torch.tensor([1, 0, 0, 0]))
    assert mean == tantra.cross_entropy(logits, torch.tensor([1, 0, 0, 0])).half() == 30_000


def test_0_is_not_the_largest_of_numbers_without_a_sign():
    x = np.array([0, 3, 1], np.uint8)
    np.testing.assert_array_equal(sampling.keep_top_k(x, 2), [-np.inf, 3, 1])
    np.testing.assert_array_equal(sampling.keep_top_p(x, 0.9), [-np.inf, 3, 1])


def test_small_chances_of_half_precision_add_up(as_array):
    equal = as_array(np.zeros(5000, np.float16))  # a sum of 0.5 no longer grows by 1/5000
    kept = np.isfinite(np.asarray(sampling.keep_top_p(equal, 0.9)))
    assert kept.sum() == pytest.approx(4500, abs=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint32])
def test_distances_of_positions_do_not_wrap(dtype, as_array):
    near, far = np.array([1], dtype), np.array([0, 1, 100], dtype)
    exact = near.astype(float), far.astype(float)
    for function in (
        tantra.causal_mask,
        functools.partial(tantra.window_mask, window=2),
        functools.partial(tantra.alibi_bias, 2),
    ):
        found = np.asarray(function(as_array(near), as_array(far)))
        np.testing.assert_array_equal(found, np.asarray(function(*map(as_array, exact))))


@pytest.mark.parametrize("kind", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_targets_of_any_whole_type_are_places(kind):
    logits = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([1, 2, 3, 1])
    expected = tantra.cross_entropy(logits, targets)
    assert tantra.cross_entropy(logits, targets.to(kind)) == expected
    some = tantra.cross_entropy(logits[1:3], targets[1:3])
    assert tantra.cross_entropy(logits, targets.to(kind), ignore=1) == some
    few = targets.numpy().astype(str(kind).removeprefix("torch."))
    assert tantra.cross_entropy(logits.numpy(), few) == pytest.approx(expected.item())
