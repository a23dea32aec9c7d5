"""Text: from characters to tokens, and back."""

from tantra.text.course import course_text
from tantra.text.tokenizer import BytePairTokenizer, CharTokenizer

__all__ = ["BytePairTokenizer", "CharTokenizer", "course_text"]
