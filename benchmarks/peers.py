"""Models of one size, each a function from tokens to logits: ours, packages', and nanoGPT's way."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

import tantra


@dataclass(frozen=True)
class Size:
    """What all are told."""

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


def ours(size, **parts):
    """tantra.GPT, of its own parts unless parts names others."""
    return tantra.GPT(
        tantra.GPTConfig(
            vocab_size=size.vocab,
            context_length=size.length,
            d_model=size.width,
            num_layers=size.layers,
            num_heads=size.heads,
            **parts,
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


class NanoGPT(nn.Module):
    """nanoGPT's way, in our words: one product for q, k and v, exact GELU, a tied head."""

    def __init__(self, size):
        super().__init__()
        self.tokens = nn.Embedding(size.vocab, size.width)
        self.positions = nn.Embedding(size.length, size.width)
        self.blocks = nn.Sequential(*(_NanoBlock(size) for _ in range(size.layers)))
        self.norm = nn.LayerNorm(size.width)
        self.head = nn.Linear(size.width, size.vocab, bias=False)
        self.head.weight = self.tokens.weight
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.normal_(weight, std=0.02)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))


class _NanoBlock(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.heads = size.heads
        self.norm_1, self.norm_2 = nn.LayerNorm(size.width), nn.LayerNorm(size.width)
        self.three = nn.Linear(size.width, 3 * size.width)
        self.output = nn.Linear(size.width, size.width)
        self.up = nn.Linear(size.width, 4 * size.width)
        self.down = nn.Linear(4 * size.width, size.width)

    def forward(self, x):
        three = self.three(self.norm_1(x)).split(x.shape[-1], dim=-1)
        q, k, v = (one.unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in three)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(seen.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


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
    "nanoGPT's way": NanoGPT,
    "x-transformers": x_transformers,
}


def step(model, inputs, targets):
    """A training step as most would write it, with torch's own parts, as a function."""
    optimizer = _optimizer(model)

    def take():
        out = model(inputs)
        loss = F.cross_entropy(getattr(out, "logits", out).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return take


def _optimizer(model):
    """torch's AdamW; nanoGPT has the fused one, whose matrices decay and whose vectors do not."""
    if not isinstance(model, NanoGPT):
        return torch.optim.AdamW(model.parameters(), lr=1e-4)
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), fused=True)
