import pytest
import torch
from agreement import agree, draw, forward_and_gradients
from encoder import encoder_layer, renamed

from tantra import (
    Block,
    FeedForward,
    LayerNorm,
    MultiHeadAttention,
    PostNormBlock,
    record,
)


def copied_block(theirs, block):
    """Our block with the weights of torch's encoder layer."""
    ours = block(MultiHeadAttention(8, 2), FeedForward(8, 12), LayerNorm(8), LayerNorm(8))
    ours.to(theirs.linear1.weight.dtype).load_state_dict(renamed(theirs.state_dict()), strict=True)
    return ours


@pytest.mark.parametrize(("block", "norm_first"), [(Block, True), (PostNormBlock, False)])
def test_blocks_are_torchs_by_copied_weights(block, norm_first, dtype, generator):
    theirs = encoder_layer(norm_first, dtype, generator)
    ours = copied_block(theirs, block)
    x = draw(generator, 2, 5, 8, dtype=dtype)
    future = torch.ones(5, 5, dtype=torch.bool).triu(1)
    names = dict(ours.named_parameters())
    out, (gradient, *weights) = forward_and_gradients(
        lambda x: ours(x, causal=True), x, wrt=list(names.values())
    )
    expected, (their_gradient, *their_weights) = forward_and_gradients(
        lambda x: theirs(x, src_mask=future), x, wrt=list(theirs.parameters())
    )
    agree(out, expected)
    agree(gradient, their_gradient)
    by_name = dict(zip(dict(theirs.named_parameters()), their_weights, strict=True))
    by_our_name = renamed(by_name)
    largest = max(g.abs().max() for g in their_weights)
    for name, ours_gradient in zip(names, weights, strict=True):
        difference = (ours_gradient - by_our_name[name]).abs().max()
        assert difference <= (1e-12 if dtype is torch.float64 else 1e-6) * largest, name


def test_a_blocks_stream_can_be_watched(generator):
    block = Block(MultiHeadAttention(8, 2), FeedForward(8, 12), LayerNorm(8), LayerNorm(8))
    x = draw(generator, 2, 5, 8, dtype=torch.float32)
    with record(block, "stream") as seen:
        out = block(x)
    assert torch.equal(seen["stream"], out)
    with pytest.raises(TypeError, match="casual"):
        block(x, casual=True)
