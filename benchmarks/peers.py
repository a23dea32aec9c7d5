"""Models of one size from four packages: each a function from tokens to logits, and its weights."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

import tantra


@dataclass(frozen=True)
class Size:
    """What all four are told."""

    layers: int
    width: int
    heads: int
    length: int
    batch: int = 1
    vocab: int = 65

    def __str__(self):
        return f"{self.layers} layers × {self.width}, length {self.length}, batch {self.batch}"

    def flops(self):
        """Multiplications and additions of one training step: forward once, backward twice.

        Every weight that multiplies meets every token, and every query half of the keys.
        """
        weights = 12 * self.layers * self.width**2 + self.vocab * self.width
        seen = self.layers * self.width * self.length  # scores and averages: 2 · length / 2
        return 3 * 2 * (weights + seen) * self.batch * self.length


def ours(size):
    """tantra.GPT."""
    return tantra.GPT(
        tantra.GPTConfig(
            vocab_size=size.vocab,
            context_length=size.length,
            d_model=size.width,
            num_layers=size.layers,
            num_heads=size.heads,
        )
    )


def hugging_face(size):
    """transformers' GPT-2, without dropout."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=size.vocab,
            n_positions=size.length,
            n_embd=size.width,
            n_layer=size.layers,
            n_head=size.heads,
            resid_pdrop=0,
            embd_pdrop=0,
            attn_pdrop=0,
            bos_token_id=None,
            eos_token_id=None,
        )
    )


class TorchGPT(nn.Module):
    """torch.nn.TransformerEncoder (norms first, causal) between embeddings and a head."""

    def __init__(self, size):
        super().__init__()
        self.tokens = nn.Embedding(size.vocab, size.width)
        self.positions = nn.Embedding(size.length, size.width)
        layer = nn.TransformerEncoderLayer(
            size.width,
            size.heads,
            4 * size.width,
            dropout=0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        norm = nn.LayerNorm(size.width)
        self.blocks = nn.TransformerEncoder(layer, size.layers, norm, enable_nested_tensor=False)
        self.head = nn.Linear(size.width, size.vocab, bias=False)
        mask = nn.Transformer.generate_square_subsequent_mask(size.length)
        self.register_buffer("mask", mask)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions.weight
        return self.head(self.blocks(x, mask=self.mask, is_causal=True))


def x_transformers(size):
    """x-transformers' decoder, with its fused attention."""
    from x_transformers import Decoder, TransformerWrapper

    return TransformerWrapper(
        num_tokens=size.vocab,
        max_seq_len=size.length,
        attn_layers=Decoder(
            dim=size.width,
            depth=size.layers,
            heads=size.heads,
            attn_dim_head=size.width // size.heads,
            attn_flash=True,
        ),
    )


PEERS = {
    "transformers": hugging_face,
    "torch.nn": TorchGPT,
    "x-transformers": x_transformers,
}


def step(model, inputs, targets):
    """A training step as most would write it, with torch's own parts, as a function."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def take():
        out = model(inputs)
        loss = F.cross_entropy(getattr(out, "logits", out).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return take
