"""Training: guess the next token, measure the surprise, take a small step against its growth."""

from tantra.training.loop import clip_gradients, evaluate, train
from tantra.training.loss import cross_entropy
from tantra.training.precisions import PRECISIONS, fastest_precision
from tantra.training.schedules import warmup_cosine, warmup_inverse_sqrt

__all__ = [
    "PRECISIONS", "clip_gradients", "cross_entropy", "evaluate", "fastest_precision", "train",
    "warmup_cosine", "warmup_inverse_sqrt",
]  # fmt: skip
