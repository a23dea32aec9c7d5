import math

import numpy as np
import pytest
import torch
from agreement import agree, draw, forward_and_gradients
from hypothesis import given
from hypothesis import strategies as st

from tantra import (
    alibi_bias,
    neighbours_to_halves,
    rotary_angles,
    rotate,
    sinusoidal_positions,
)
from tantra.embedding import TokenEmbedding
from tantra.positions import (
    AlibiPositions,
    LearnedPositions,
    LearnedRotaryPositions,
    NoPositions,
    RotaryPositions,
    SinusoidalPositions,
)

layouts = pytest.mark.parametrize("pairs", ["halves", "neighbours"])


# sinusoids


@pytest.mark.parametrize("width", [6, 7])
def test_sinusoids_number_by_number(width):
    table = sinusoidal_positions(5, width, base=100.0)
    assert table.shape == (5, width)
    assert table.dtype == np.float64
    for t in range(5):
        for column in range(width):
            angle = t / 100.0 ** (2 * (column // 2) / width)
            wave = math.cos(angle) if column % 2 else math.sin(angle)
            assert table[t, column] == pytest.approx(wave, abs=1e-15)


def test_default_base_is_the_papers():
    np.testing.assert_allclose(sinusoidal_positions(2, 4)[1, 2], math.sin(0.01), rtol=1e-15)


def test_every_position_has_its_own_row():
    table = sinusoidal_positions(512, 16)
    assert len(np.unique(table.round(9), axis=0)) == 512


def test_inner_product_of_sinusoids_depends_on_distance_only():
    table = sinusoidal_positions(20, 8)
    products = table @ table.T
    for distance in range(20):
        along = np.diagonal(products, distance)
        np.testing.assert_allclose(along, along[0], rtol=1e-12)


# rotary


@layouts
def test_rotate_multiplies_each_pair_as_a_complex_number(as_array, pairs, rng):
    x, angles = rng.standard_normal((2, 5, 6)), rotary_angles(5, 6)
    rotated = np.asarray(rotate(as_array(x), as_array(angles), pairs))
    first, second = (
        (slice(3), slice(3, None)) if pairs == "halves" else (slice(0, None, 2), slice(1, None, 2))
    )
    expected = (x[..., first] + 1j * x[..., second]) * np.exp(1j * angles)
    np.testing.assert_allclose(rotated[..., first], expected.real, rtol=1e-12)
    np.testing.assert_allclose(rotated[..., second], expected.imag, rtol=1e-12)


@layouts
@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_scores_depend_on_distance_only(pairs, i, j, shift):
    q, k = np.random.default_rng(0).standard_normal((2, 1, 8))
    angles = rotary_angles(1001, 8)

    def score(i, j):
        return (rotate(q, angles[[i]], pairs) @ rotate(k, angles[[j]], pairs).T).item()

    assert score(i + shift, j + shift) == pytest.approx(score(i, j), abs=1e-10)


@layouts
def test_lengths_are_kept(pairs, rng):
    x = rng.standard_normal((7, 4))
    rotated = rotate(x, rotary_angles(7, 4), pairs)
    np.testing.assert_allclose((rotated**2).sum(-1), (x**2).sum(-1), rtol=1e-12)
    np.testing.assert_array_equal(rotated[0], x[0])


@given(st.integers(1, 8))
def test_the_way_between_the_layouts(half):
    x, angles = np.random.default_rng(0).standard_normal((5, 2 * half)), rotary_angles(5, 2 * half)
    order = neighbours_to_halves(2 * half)
    np.testing.assert_allclose(
        rotate(x, angles, "neighbours")[..., order], rotate(x[..., order], angles, "halves")
    )
    back = np.argsort(order)
    np.testing.assert_allclose(
        rotate(x, angles, "halves")[..., back], rotate(x[..., back], angles, "neighbours")
    )


@layouts
def test_gradient_of_a_rotation_rotates_back(pairs, generator):
    x, angles = draw(generator, 5, 6), torch.from_numpy(rotary_angles(5, 6))
    _, (gradient,) = forward_and_gradients(lambda x: rotate(x, angles, pairs), x)
    weighing = draw(torch.Generator().manual_seed(1), 5, 6)
    agree(gradient, rotate(weighing, -angles, pairs))


def test_the_base_and_the_wavelengths():
    angles = rotary_angles(3, 4, base=100.0)
    np.testing.assert_allclose(angles, [[0, 0], [1, 0.1], [2, 0.2]], rtol=1e-15)
    assert rotary_angles(0, 4).shape == (0, 2)


def test_a_million_positions_on_the_angles_keep_float64_digits():
    """A float32 angle of a million radians is off by hundredths; its cosine must come first."""
    angles = 1e6 + rotary_angles(50, 8)
    x = torch.ones(50, 8)
    exact = rotate(np.ones((50, 8)), angles)
    torch.testing.assert_close(rotate(x, torch.from_numpy(angles)).numpy(), exact.astype("float32"))


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_far_positions_survive_a_coarse_type(half):
    angles = rotary_angles(4096, 64)
    x = torch.ones(4096, 64, dtype=half)
    rotated = rotate(x, angles)
    assert rotated.dtype == half
    exact = rotate(np.ones((4096, 64)), angles)
    assert abs(rotated.double().numpy() - exact).max() < 0.02


def test_coarse_angles_are_refused():
    angles = torch.from_numpy(rotary_angles(5, 4)).bfloat16()
    with pytest.raises(TypeError, match=r"angles are torch\.bfloat16, .*; keep them float64"):
        rotate(torch.zeros(5, 4), angles)


def test_angles_of_either_kind_rotate_arrays_of_either_kind(rng):
    x, angles = rng.standard_normal((5, 4)).astype(np.float32), rotary_angles(5, 4)
    expected = rotate(x, angles)
    assert expected.dtype == np.float32
    for rotated in (rotate(x, torch.from_numpy(angles)), rotate(torch.from_numpy(x), angles)):
        agree(rotated, expected)


@pytest.mark.parametrize("make", [rotary_angles, lambda _, d: neighbours_to_halves(d)])
def test_odd_heads_are_refused(make):
    with pytest.raises(ValueError, match="d_head is 7, and features are rotated in pairs; use 8"):
        make(5, 7)


def test_layouts_have_names():
    with pytest.raises(
        ValueError, match=r"pairs is 'half', .* choose one of 'halves', 'neighbours'"
    ):
        rotate(np.zeros((5, 4)), rotary_angles(5, 4), pairs="half")


@pytest.mark.parametrize("shape", [(4, 4), (5, 2), (4,), (5, 8)])
def test_x_must_fit_its_angles(as_array, shape):
    with pytest.raises(ValueError, match=r"does not fit angles \(5, 2\): x needs 5 pos.* 4 feat"):
        rotate(as_array(np.zeros(shape)), as_array(rotary_angles(5, 4)))


@pytest.mark.parametrize("table", [sinusoidal_positions, rotary_angles])
@pytest.mark.parametrize("base", [0, -10.0, math.inf, "10"])
def test_bases_are_above_0(table, base):
    with pytest.raises((TypeError, ValueError), match=f"base is '?{base}"):
        table(5, 4, base)


@pytest.mark.parametrize("table", [sinusoidal_positions, rotary_angles])
def test_sizes_of_tables_are_counts(table):
    with pytest.raises(ValueError, match="length is -1; it must be at least 0"):
        table(-1, 4)
    with pytest.raises(TypeError, match=r"length is 2\.5; it counts"):
        table(2.5, 4)
    with pytest.raises(ValueError, match="is 0; it must be at least 1"):
        table(5, 0)


# ALiBi


def test_alibi_number_by_number(as_array):
    bias = np.asarray(alibi_bias(4, as_array(np.array([2, 5])), as_array(np.arange(3))))
    assert bias.shape == (4, 2, 3)
    assert bias.dtype == np.float64
    for h, slope in enumerate([1 / 4, 1 / 16, 1 / 64, 1 / 256]):
        np.testing.assert_allclose(
            bias[h], [[-2 * slope, -slope, 0], [-5 * slope, -4 * slope, -3 * slope]]
        )


def test_alibi_slopes_of_eight_heads_are_the_papers():
    bias = alibi_bias(8, np.array([1]), np.array([0]))
    np.testing.assert_allclose(-bias[:, 0, 0], [2.0**-h for h in range(1, 9)])
    with pytest.raises(ValueError, match="num_heads is 0"):
        alibi_bias(0, np.arange(2), np.arange(2))


def authors_slopes(n):
    """As the authors' code has it: ofirpress/attention_with_linear_biases, get_slopes."""
    if math.log2(n).is_integer():
        start = 2 ** (-(2 ** -(math.log2(n) - 3)))
        return [start * start**i for i in range(n)]
    closest = 2 ** math.floor(math.log2(n))
    return authors_slopes(closest) + authors_slopes(2 * closest)[0::2][: n - closest]


@pytest.mark.parametrize("num_heads", [*range(1, 21), 71])
def test_released_slopes_are_the_authors(num_heads):
    places = np.array([1]), np.array([0])
    released = -alibi_bias(num_heads, *places, slopes="released")[:, 0, 0]
    np.testing.assert_allclose(released, authors_slopes(num_heads), rtol=1e-12)
    papers = -alibi_bias(num_heads, *places)[:, 0, 0]
    np.testing.assert_allclose(papers, 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads))
    assert np.allclose(papers, released) == math.log2(num_heads).is_integer()


def test_alibi_wants_positions_and_known_slopes():
    with pytest.raises(TypeError, match=r"queries are positions, such as arange\(5\), and not \["):
        alibi_bias(2, [0, 1], np.arange(2))
    with pytest.raises(ValueError, match=r"slopes is 'bloom', .* of 'paper', 'released'"):
        alibi_bias(2, np.arange(2), np.arange(2), slopes="bloom")


def test_alibi_of_float_positions_keeps_their_type(as_array):
    places = as_array(np.arange(4, dtype=np.float32))
    agree(
        alibi_bias(3, places, places), alibi_bias(3, np.arange(4), np.arange(4)).astype("f"), 1e-6
    )


def test_alibi_is_the_same_in_both_directions():
    bias = alibi_bias(2, np.arange(4), np.arange(4))
    np.testing.assert_array_equal(bias, bias.mT)


# as parts of a model


@pytest.mark.parametrize("past", [0, 2])
def test_what_is_added_and_what_attention_must_know(past, generator):
    x = draw(generator, 2, 3, 6)
    at = slice(past, past + 3)

    learned = LearnedPositions(5, 6, generator=generator).double()
    y, look = learned(x, past)
    agree(y, x + learned.weight[at])
    assert look == {}

    y, look = SinusoidalPositions(5, 6)(x, past)
    agree(y * 6**0.5, x * 6**0.5 + torch.from_numpy(sinusoidal_positions(5, 6))[at])
    assert look == {}

    y, look = RotaryPositions(4)(x, past)
    assert torch.equal(y, x)
    agree(look["angles"], rotary_angles(5, 4)[at])

    both = LearnedRotaryPositions(5, 6, 4, generator=generator).double()
    y, look = both(x, past)
    agree(y, x + both.weight[at])
    agree(look["angles"], rotary_angles(5, 4)[at])
    assert [name for name, _ in both.named_parameters()] == ["weight"]

    for slopes in ("paper", "released"):
        y, look = AlibiPositions(3, 5, slopes)(x, past)
        assert torch.equal(y, x)
        keys = torch.arange(past + 3)
        agree(look["attn_bias"], alibi_bias(3, keys[past:], keys, slopes))
    agree(AlibiPositions(3, 5)(x, past)[1]["attn_bias"], alibi_bias(3, keys[past:], keys))

    y, look = NoPositions()(x, past)
    assert torch.equal(y, x)
    assert look == {}


def test_padding_moves_where_the_numbers_begin(generator):
    x, padding = draw(generator, 3, 4, 6), torch.tensor([2, 0, 1])
    for positions in (
        LearnedPositions(9, 6, generator=generator).double(),
        SinusoidalPositions(9, 6),
        LearnedRotaryPositions(9, 6, 2, generator=generator).double(),
    ):
        y, _ = positions(x, 1, padding)
        for row, pads in enumerate(padding):
            alone, _ = positions(x[row : row + 1, max(pads - 1, 0) :], max(1 - pads, 0))
            agree(y[row : row + 1, max(pads - 1, 0) :], alone)


def test_distances_have_no_end(generator):
    x = draw(generator, 2, 1, 6)
    agree(RotaryPositions(6)(x, 100_000)[1]["angles"], rotary_angles(100_001, 6)[-1:])
    _, look = AlibiPositions(2, 5)(x, past=7)  # keys stand where a sliding cache of 5 has them
    agree(look["attn_bias"], alibi_bias(2, torch.tensor([7]), torch.tensor([5, 6, 7, 3, 4])))


def test_angles_and_waves_keep_their_precision_when_a_model_is_cast():
    x = torch.zeros(1, 4096, 64, dtype=torch.bfloat16)
    _, look = RotaryPositions(64).bfloat16()(x)
    agree(look["angles"], rotary_angles(4096, 64))
    waves = SinusoidalPositions(4096, 64).bfloat16().float()(x.float())[0][0]
    agree(waves * 8, torch.from_numpy(sinusoidal_positions(4096, 64)).float())


def test_learned_positions_start_small(generator):
    assert LearnedPositions(500, 64, generator=generator).weight.std().item() == pytest.approx(
        0.02, rel=0.02
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: TokenEmbedding(0, 4),
        lambda: LearnedPositions(0, 4),
        lambda: AlibiPositions(0, 4),
        lambda: AlibiPositions(4, 0),
        lambda: SinusoidalPositions(4, 0),
    ],
)
def test_sizes_are_counts(make):
    with pytest.raises(ValueError, match="is 0; it must be at least 1"):
        make()


@pytest.mark.parametrize("positions", [LearnedPositions(5, 6), SinusoidalPositions(5, 6)])
def test_past_the_table_is_refused_in_words(positions):
    positions(torch.zeros(2, 2, 6), past=3)
    says = "position 5 is asked for, and the table ends at 4: give a shorter sequence, or make"
    with pytest.raises(ValueError, match=says):
        positions(torch.zeros(2, 3, 6), past=3)
