"""Generation: ask how probable each next token is, draw one, add it at the end, ask again."""

from tantra.generation.steps import caches_for, check_stop, draw, generate, next_logits, stream

__all__ = ["caches_for", "check_stop", "draw", "generate", "next_logits", "stream"]
