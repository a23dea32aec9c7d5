"""Whatever device a model is on: nothing is made on the CPU beside it, and nothing is float64."""

import pytest
import torch
from agreement import agree
from elsewhere import DEVICE, elsewhere

import tantra
from tantra.config import PARTS
from tantra.training.muon import Muon

TOKENS = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
PROMPTS = [[1, 2, 3], [5]]
every_part = pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in PARTS.items() for name in names]
)


def gpt(**parts):
    sizes = {"vocab_size": 11, "context_length": 8, "d_model": 12, "num_layers": 2, "num_heads": 3}
    config = tantra.GPTConfig(**sizes | parts)
    return tantra.GPT(config, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def there():
    with elsewhere():
        yield DEVICE


@every_part
def test_each_part_stays_where_its_input_is(kind, name, there):
    model, padding = gpt(**{kind: name}), torch.tensor([1, 0])
    logits = gpt(**{kind: name}).to(there)(TOKENS.to(there), padding=padding.to(there))
    assert logits.device == there
    agree(logits.cpu(), model(TOKENS, padding=padding))


@every_part
def test_tokens_are_found_there(kind, name, there):
    found = [
        (
            tantra.generate(model, PROMPTS, 4, temperature=0, repetition_penalty=1.2),
            tantra.generate(
                model, PROMPTS, 4, top_k=9, top_p=0.9, generator=torch.Generator().manual_seed(1)
            ),
            tantra.beam_search(model, PROMPTS, 4, num_beams=3, stop=(9,)),
        )
        for model in (gpt(**{kind: name}), gpt(**{kind: name}).to(there))
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("positions", ["alibi", "rotary"])
def test_prompts_longer_than_the_context_slide_there(positions, there):
    tokens = torch.arange(11)[None]
    here, away = (gpt(positions=positions, num_kv_heads=1) for _ in range(2))
    found = tantra.generate(away.to(there), tokens.to(there), 3, temperature=0)
    assert found.device == there
    assert torch.equal(found.cpu(), tantra.generate(here, tokens, 3, temperature=0))


def by_hand(parameters):
    optimizer = tantra.AdamW(parameters)
    optimizer.by_hand = True
    return optimizer


@pytest.mark.parametrize("optimizer", [tantra.AdamW, by_hand, Muon])
def test_a_model_learns_there(optimizer, there):
    losses = []
    for model in (gpt(positions="rotary"), gpt(positions="rotary").to(there)):
        device = next(model.parameters()).device
        inputs, targets = TOKENS[:, :-1].to(device), TOKENS[:, 1:].to(device)
        step = optimizer([p for p in model.parameters() if p.ndim == 2])
        for _ in range(3):
            loss = tantra.cross_entropy(model(inputs), targets, ignore=3, smoothing=0.1)
            model.zero_grad()
            loss.backward()
            losses += [loss.item(), tantra.clip_gradients(model.parameters(), 0.5)]
            step.step()
        losses.append(tantra.evaluate(model, [(TOKENS[:, :-1], TOKENS[:, 1:])], steps=1))
    assert losses[:7] == pytest.approx(losses[7:], rel=1e-4)
    assert losses[6] < losses[0]


def test_chunks_stay_there(there):
    q, k, v = torch.randn(3, 2, 6, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(6, 6, dtype=torch.bool)
    found = tantra.chunked_attention(
        *(x.to(there) for x in (q, k, v, mask)), causal=True, window=3, chunk=2
    )
    agree(found.cpu(), tantra.chunked_attention(q, k, v, causal=True, window=3), 1e-6)


def test_the_stand_in_refuses_what_a_gpu_would(there):
    x = torch.ones(2, 3).to(there)
    assert (x + 1).device == there
    assert (x * torch.tensor(2.0)).cpu().tolist() == [[2.0] * 3] * 2
    with pytest.raises(RuntimeError, match="on the CPU and others on"):
        x + torch.ones(3)
    with pytest.raises(TypeError, match="holds no float64"):
        x.double()
    with pytest.raises(TypeError, match="holds no float64"):
        torch.zeros(3, dtype=torch.float64, device=there)
