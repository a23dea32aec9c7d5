import torch
from torch import nn

from tantra.embedding import TokenEmbedding


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
