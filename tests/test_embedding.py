import pytest
import torch
from agreement import agree, draw
from torch import nn

from tantra import alibi_bias, rotary_angles, sinusoidal_positions
from tantra.embedding import (
    AlibiPositions,
    LearnedPositions,
    LearnedRotaryPositions,
    NoPositions,
    RotaryPositions,
    SinusoidalPositions,
    TokenEmbedding,
)


def test_token_embedding_is_torchs_and_draws_from_its_generator_only():
    before = torch.get_rng_state()
    one, other = (TokenEmbedding(9, 4, generator=torch.Generator().manual_seed(5)) for _ in "ab")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.weight, other.weight)
    assert one.weight.requires_grad
    theirs = nn.Embedding(9, 4)
    theirs.load_state_dict(one.state_dict(), strict=True)
    tokens = torch.tensor([[3, 0, 8]])
    assert torch.equal(one(tokens), theirs(tokens))
    with torch.device("meta"):
        assert TokenEmbedding(9, 4).weight.is_meta


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
        agree(look["bias"], alibi_bias(3, keys[past:], keys, slopes))
    agree(AlibiPositions(3, 5)(x, past)[1]["bias"], alibi_bias(3, keys[past:], keys))

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
    agree(look["bias"], alibi_bias(2, torch.tensor([7]), torch.tensor([5, 6, 7, 3, 4])))


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
