import itertools

import pytest
import torch
from agreement import agree, draw

import tantra
from tantra.feed_forward import SquaredReLU
from tantra.heads import HeadNorm
from tantra.training.muon import Muon, Optimizers
from tantra.training.recipes import IDEAS, WARMUP, recipe, speedrun_recipe

CONFIG = tantra.GPTConfig(vocab_size=11, context_length=9, d_model=12, num_layers=2, num_heads=3)


def made(*ideas, steps=100, lr=0.01, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return recipe(CONFIG, ideas, steps=steps, lr=lr, generator=generator)


def test_without_ideas_it_is_gpt_2_with_adamw():
    plain = made()
    ours = tantra.GPT(CONFIG, generator=torch.Generator().manual_seed(0))
    assert plain.model.config == CONFIG
    assert plain.model.state_dict().keys() == ours.state_dict().keys()
    assert isinstance(plain.optimizer, tantra.AdamW)
    assert [plain.schedule(step) for step in (WARMUP, 50, 99)] == [0.01] * 3


@pytest.mark.parametrize("idea", IDEAS)
def test_each_idea_changes_one_thing(idea):
    plain, other = made().model, made(idea).model
    names = plain.state_dict().keys() ^ other.state_dict().keys()
    zeros = [name for name, weight in other.named_parameters() if not weight.any()]
    changed = {
        "RMS norm": other.config.norm == "rms",
        "rotary positions": other.config.positions == "rotary",
        "squared ReLU": isinstance(other.blocks[1].feed_forward, SquaredReLU),
        "normalised queries and keys": {"query.linear", "key.linear"}
        <= {".".join(name.split(".")[-3:-1]) for name in names},
        "zero output projections": "blocks.1.attention.output.weight" in zeros
        and "blocks.0.feed_forward.down.weight" in zeros,
        "Muon": isinstance(made(idea).optimizer, Optimizers),
        "linear decay": made(idea).schedule(50) != made().schedule(50),
    }
    assert [name for name, yes in changed.items() if yes] == [idea]


@pytest.mark.parametrize("idea", IDEAS)
def test_the_config_says_what_the_model_is(idea, tmp_path, generator):
    """So that what is saved and loaded by it gives the same logits, or is refused."""
    model = made(idea).model
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * draw(generator, *weight.shape, dtype=torch.float32)
    tokens = torch.randint(11, (2, 9), generator=generator)
    other = tantra.GPT(model.config, generator=generator)
    tantra.checkpoints.save(tmp_path / "kept", model)
    tantra.checkpoints.load(tmp_path / "kept", other)
    agree(other(tokens), model(tokens))
    if model.config == CONFIG:
        tantra.gpt2.save(tmp_path, model)
        agree(tantra.gpt2.load(tmp_path)(tokens), model(tokens), 1e-5)
    else:
        with pytest.raises(ValueError, match="GPT-2's layout has"):
            tantra.gpt2.save(tmp_path, model)
        with pytest.raises(ValueError, match="nothing was changed"):
            tantra.checkpoints.load(tmp_path / "kept", tantra.GPT(CONFIG))


def test_the_rate_rises_and_falls_in_a_line():
    schedule = made("linear decay").schedule
    assert schedule(0) == pytest.approx(0.01 / WARMUP)
    assert schedule(50) == pytest.approx(0.005)
    assert schedule(99) == pytest.approx(0.0001)
    assert schedule(100) == schedule(1000) == 0


def test_muon_has_the_matrices_of_the_blocks_and_adamw_all_else():
    one = made(*IDEAS)
    muon, adamw = one.optimizer.optimizers
    assert isinstance(muon, Muon)
    held = [id(p) for group in one.optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in one.model.parameters())
    matrices = [p for p in one.model.blocks.parameters() if p.ndim == 2]
    assert sum(len(group["params"]) for group in muon.param_groups) == len(matrices) == 12
    assert any(p is one.model.token_embedding.weight for p in adamw.param_groups[0]["params"])


def test_with_zero_output_projections_a_block_starts_as_nothing(generator):
    block = made("zero output projections").model.blocks[0]
    x = draw(generator, 2, 5, 12, dtype=torch.float32)
    agree(block(x, causal=True), x)


@pytest.mark.parametrize("ideas", [(), tuple(IDEAS)])
def test_the_first_loss_is_that_of_guessing(ideas, generator):
    tokens, targets = torch.randint(11, (2, 20, 9), generator=generator)
    loss = tantra.cross_entropy(made(*ideas).model(tokens), targets)
    assert loss.item() == pytest.approx(torch.tensor(11.0).log().item(), abs=0.1)


def test_the_winner_learns_and_decodes_as_it_was_trained(generator):
    tokens = torch.randint(11, (4, 10), generator=generator)
    batch = tokens[:, :-1], tokens[:, 1:]
    won = speedrun_recipe(CONFIG, steps=60, lr=0.02, generator=torch.Generator().manual_seed(0))
    steps = tantra.train(
        won.model, itertools.repeat(batch), won.optimizer, steps=60, schedule=won.schedule
    )
    losses = [loss for _, loss in steps]
    assert losses[-1] < 0.7 * losses[0]
    whole, caches = won.model.double(), won.model.new_caches(9)
    with torch.no_grad():
        rows = [whole(tokens[:, i : i + 1], caches) for i in range(9)]
        agree(torch.cat(rows, dim=1), whole(tokens[:, :9]), 1e-10)


def test_new_parts_start_as_small_as_gpt_2s():
    up = made("squared ReLU").model.blocks[0].feed_forward.up
    assert up.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not up.bias.any()


def test_squared_relu_squares_what_is_positive(generator):
    part = SquaredReLU(3, 5, generator=generator).double()
    x = draw(generator, 2, 4, 3)
    up = x @ part.up.weight.T + part.up.bias
    expected = (up.clamp(min=0) ** 2) @ part.down.weight.T + part.down.bias
    agree(part(x), expected)
    with pytest.raises(ValueError, match="this feed-forward"):
        part(x[..., :2])


def test_head_norm_scales_each_head_alone(generator):
    x = draw(generator, 2, 5, 12)
    heads = HeadNorm(4)(x).unflatten(-1, (3, 4))
    expected = tantra.rms_norm(x.unflatten(-1, (3, 4)))
    agree(heads, expected)
    with pytest.raises(ValueError, match="12"):
        HeadNorm(5)(x)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="idea"):
        made("momentum")
    with pytest.raises(ValueError, match="steps"):
        made(steps=0)
