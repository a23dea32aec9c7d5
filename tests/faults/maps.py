"""Faults to plant in the files of tantra/maps/, and the tests that must notice them."""

TESTS = {
    "maps/__init__.py": ["maps/test_maps.py"],
    "maps/drawing.py": ["maps/test_maps.py", "maps/test_whole.py"],
    "maps/parts.py": ["maps/test_maps.py"],
    "maps/whole.py": ["maps/test_whole.py"],
}

FAULTS = {
    "maps/__init__.py": [
        ("lit if name in self.chapter.lit else quiet", "lit"),
        ("lit if name in self.chapter.lit else quiet", "quiet if name in PARTS else lit"),
        ("if one in shapes", ""),
        ("in: {self.chapter.takes}", "in: {self.chapter.gives}"),
        ("str(chapter)[:100]", "chapter"),
        ("{self._words()} {self.flow}", "{self._words()}"),
    ],
    "maps/drawing.py": [
        ("part.width * look.filled", "part.width"),
        ("label = look.label or part.label", "label = part.label"),
        ("' font-weight=\"bold\"' if look.strong", "' font-weight=\"bold\"' if not look.strong"),
        ("[*parts, *below] if", "parts if"),
        ("part.y + part.height + 4 for", "part.y for"),
        ("in table.parts.items()", "in ONE_STACK.parts.items()"),
    ],
    "maps/parts.py": [
        ('"average", "attention", 300,', '"average", "attention", 290,'),
        ('"softmax", 228, 314, 64', '"softmax", 228, 314, 54'),
        ("(389, 63), (389, 539)", "(389, 63), (380, 539)"),
        ("(9, 21), (9, 497)", "(0, 21), (0, 497)"),
        ("(198, 147), (198, 221)", "(198, 147), (190, 221)"),
        ('"memory (S, D)", "two_sequences", 28, 134', '"memory (S, D)", "two_sequences", 28, 160'),
        ('"the gradient")', '"the gradient, which goes back through every part of the model")'),
    ],
    "maps/whole.py": [
        ("dashed=not done", "dashed=not full"),
        ("strong=full", "strong=done > 0"),
        ("full = total > 0 and done == total", "full = done == total"),
        ('" ✓" if full', '" ✓" if done'),
        ("if part.counts else", "if True else"),
        ("notes = [(*place, counts[name])", "notes = [(*place, name)"),
        ("24 + column * step", "24 + row * step"),
    ],
}  # fmt: skip
