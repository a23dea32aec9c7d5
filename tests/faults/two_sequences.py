"""Faults to plant in the files of tantra/two_sequences/, and the tests that must notice them."""

ENCODER_DECODER = ["two_sequences/test_encoder_decoder.py"]
TESTS = {
    "two_sequences/blocks.py": ENCODER_DECODER,
    "two_sequences/given.py": ENCODER_DECODER,
    "two_sequences/model.py": ENCODER_DECODER,
    "two_sequences/bleu.py": ["two_sequences/test_bleu.py"],
}

FAULTS = {
    "two_sequences/blocks.py": [
        ("self.norm_1(x), causal=True", "self.norm_1(x), causal=False"),
        ("self.norm_2(x), memory, memory_mask,", "self.norm_2(x), memory, None,"),
        ("self.norm_2(x), memory, memory_mask,", "x, memory, memory_mask,"),
        ("self.cross_attention(x, memory, memory_mask,", "self.cross_attention(x, memory, None,"),
        ("self.norm_3(x + self.feed_forward(x))", "x + self.feed_forward(self.norm_3(x))"),
        ("x + self.attention(x, causal=True", "x + self.attention(x, causal=False"),
    ],
    "two_sequences/given.py": [
        ("for cache in self:", "for cache in self[:1]:"),
        ("for cache in self:", "for cache in self[1:]:"),
        ("if first and len(tokens)", "if False and len(tokens)"),
        ("model.encode(source, lengths)", "model.encode(source)"),
        ("self.mask[number : number + 1]", "self.mask[:1]"),
        ("self.memory[number : number + 1]", "self.memory[:1]"),
    ],
    "two_sequences/model.py": [
        ("weights.data /= config.d_model**0.5", "pass"),
        ("x * self.config.d_model**0.5, look", "x, look"),
        ("x = block(x, mask=mask, **look)", "x = block(x, **look)"),
        ("return self.encoder_norm(x), mask", "return x, mask"),
        ("self.unembedding(self.norm(x))", "self.unembedding(x)"),
        ("self.unembedding.weight = self.target_embedding.weight\n        for", "...\n        for"),
        ("if tied:  # torch", "if False:  # torch"),
        ("caches[0].own.seen if caches", "0 if caches"),
        ("if padding is not None:\n            look", "if False:\n            look"),
        ("config.encoder_layers or config.num_layers", "config.num_layers"),
        ("if config.source_vocab_size is not None:", "if False:"),
        ("check_tokens(source, table.num_embeddings)", "pass"),
        ("check_past(0, source, self.config.context_length)", "pass"),
    ],
    "two_sequences/bleu.py": [
        ("(ours & theirs).total()", "sum(n for run, n in ours.items() if run in theirs)"),
        ("math.exp(1 - wanted / guessed)", "guessed / wanted"),
        ("guessed >= wanted", "guessed <= wanted"),
        ("range(len(tokens) - length + 1)", "range(len(tokens) - length)"),
        ("sum(map(math.log, precisions)) / n", "sum(map(math.log, precisions))"),
        ("if not all(precisions):\n        return 0.0", "if False:\n        return 0.0"),
    ],
}  # fmt: skip
