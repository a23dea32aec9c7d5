"""GPT-2: its file into our parts and back, and its forward pass in NumPy alone."""

from tantra.gpt2.weights import BLOCK, LAYOUT, arrays, from_gpt2, load, names, save, to_gpt2

__all__ = ["BLOCK", "LAYOUT", "arrays", "from_gpt2", "load", "names", "save", "to_gpt2"]
