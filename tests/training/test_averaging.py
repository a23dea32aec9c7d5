import copy

import pytest
import torch
from agreement import agree, draw

from tantra import GPT, GPTConfig
from tantra.training.averaging import average_checkpoints
from tantra.training.checkpoints import save

SMALL = {"vocab_size": 7, "context_length": 5, "d_model": 8, "num_layers": 1, "num_heads": 2}


def models(number, generator):
    made = [GPT(GPTConfig(**SMALL), generator=generator).double() for _ in range(number)]
    for model in made:
        for weights in model.parameters():
            weights.data += draw(generator, *weights.shape)
    return made


def test_the_mean_of_each_weight_and_of_a_tied_table_once(generator, tmp_path):
    three = models(3, generator)
    for i, model in enumerate(three):
        save(tmp_path / f"{i}.safetensors", model)
    mean = copy.deepcopy(three[0])
    average_checkpoints([tmp_path / f"{i}.safetensors" for i in range(3)], mean)
    for name, weights in mean.named_parameters():
        agree(weights, sum(dict(m.named_parameters())[name] for m in three) / 3)
    assert mean.unembedding.weight is mean.token_embedding.weight


def test_bad_files_change_nothing(generator, tmp_path):
    model, other = models(2, generator)
    save(tmp_path / "one.safetensors", other)
    (tmp_path / "two.safetensors").write_text("never a checkpoint")
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match="no checkpoint to average"):
        average_checkpoints([], model)
    with pytest.raises(ValueError, match=r"two\.safetensors"):
        average_checkpoints([tmp_path / "one.safetensors", tmp_path / "two.safetensors"], model)
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())
