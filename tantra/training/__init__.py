"""Training: guess the next token, measure the surprise, take a small step against its growth."""

from tantra.training.loop import PRECISIONS, clip_gradients, evaluate, train
from tantra.training.loss import cross_entropy
from tantra.training.schedules import warmup_cosine, warmup_inverse_sqrt

__all__ = [
    "PRECISIONS", "clip_gradients", "cross_entropy", "evaluate", "train", "warmup_cosine",
    "warmup_inverse_sqrt",
]  # fmt: skip
