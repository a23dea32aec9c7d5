"""Train the models that chapter 17 compares, and store what each reaches, a row for each training.

    python tools/train_splitters.py             all of ROWS that are not in the file yet
    python tools/train_splitters.py again       all of them anew

tantra/metre/splitters.tsv has a row for each: the writer, how it was trained, and its scores on
200 lines of known words and on 200 with one word each that no training line had.
"""

import csv
import functools
import sys
from importlib.resources import files
from itertools import islice

import torch

import tantra
from tantra import GPT, AdamW, GPTConfig, cross_entropy, generate, train, warmup_cosine
from tantra.metre.splitting import (
    BEGIN,
    END,
    NUMBER,
    PAD,
    SOUNDS,
    batches,
    pairs,
    pools,
    split_scores,
    tensors,
    tokens,
    words_of,
)
from tantra.two_sequences import EncoderDecoder, EncoderDecoderConfig

FILE = files(tantra).joinpath("metre", "splitters.tsv")
SHORT, DEFAULT = 300, 1000
PEAK, BATCH, LINES = 3e-3, 32, 200
SIZES = {"vocab_size": len(SOUNDS), "d_model": 64, "num_heads": 4, "feed_forward": "gelu"}
SCORES = ("exact", "valid", "errors", "bleu")
COLUMNS = ("writer", "steps", "seed", *SCORES, *(f"new_{name}" for name in SCORES))


class TwoStacks:
    """An encoder and a decoder; blind, the decoder sees a memory of zeros."""

    def __init__(self, seed, norm_position="pre", blind=False):
        config = EncoderDecoderConfig(
            context_length=64, num_layers=2, norm_position=norm_position, **SIZES
        )
        self.model = EncoderDecoder(config, generator=torch.Generator().manual_seed(seed))
        self.blind = blind
        if blind:
            self.model.encoder_norm.register_forward_hook(lambda *args: 0 * args[-1])

    def batches(self, words, seed):
        return batches(words, BATCH, seed)

    def answers(self, lines):
        source, lengths, _ = tensors(lines)
        given = self.model.given(source, lengths)
        written = generate(given, [[BEGIN]] * len(lines), 60, temperature=0, stop=[END])
        return [words_of(row) for row in written]


class OneStack:
    """A decoder alone, with the source in front of the target, of about as many parameters."""

    def __init__(self, seed, positions="rotary", wider=1.0):
        config = GPTConfig(context_length=128, num_layers=5, positions=positions, **SIZES)
        self.model = GPT(config, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            for weights in self.model.parameters():
                weights *= wider if weights.ndim > 1 else 1

    def batches(self, words, seed):
        drawn = pairs(words, seed)
        while True:
            lines = list(islice(drawn, BATCH))
            rows = [[NUMBER[sound] for sound in source] + tokens(line) for source, line in lines]
            longest = max(map(len, rows))
            row = torch.tensor([one + [PAD] * (longest - len(one)) for one in rows])
            written = (row == BEGIN).cumsum(-1) > 0
            yield row[:, :-1], torch.where(written[:, :-1], row[:, 1:], PAD)

    def answers(self, lines):
        prompts = [[NUMBER[sound] for sound in source] + [BEGIN] for source, _ in lines]
        written = generate(self.model, prompts, 60, temperature=0, stop=[END])
        return [words_of(row[len(p) :]) for row, p in zip(written, prompts, strict=True)]


WRITERS = {
    "encoder and decoder": TwoStacks,
    "no memory": functools.partial(TwoStacks, blind=True),
    "decoder alone": functools.partial(OneStack, wider=3.5),
    "decoder alone, sinusoidal": functools.partial(OneStack, positions="sinusoidal", wider=3.5),
    "post-norm": functools.partial(TwoStacks, norm_position="post"),
}


def learn(writer, steps, seed, words, warmup=None):
    """Train the model of a writer, as chapter 17 does."""
    warmup = min(100, steps // 5) if warmup is None else warmup
    rate = functools.partial(warmup_cosine, peak=PEAK, warmup=warmup, total=steps)
    loss = functools.partial(cross_entropy, ignore=PAD, smoothing=0.1)
    optimizer = AdamW(writer.model.parameters(), lr=PEAK, betas=(0.9, 0.98), weight_decay=0.01)
    supply = writer.batches(words, seed)
    for _ in train(writer.model, supply, optimizer, steps=steps, schedule=rate, loss=loss):
        pass


def measured(writer, lines=LINES):
    """Its scores on lines of known words, and on those with a new one."""
    seen, unseen = pools()
    found = []
    for drawn in (pairs(seen, 10_000), pairs(seen, 20_000, also=unseen)):
        asked = list(islice(drawn, lines))
        found.extend(split_scores(writer.answers(asked), asked, {*seen, *unseen}).values())
    return found


def row(name, steps, seed, lines=LINES):
    kind, _, how = name.partition(": ")
    writer = WRITERS[kind](seed)
    learn(writer, steps, seed, pools()[0], warmup=0 if how == "no warm-up" else None)
    return [name, steps, seed, *(f"{score:.4f}" for score in measured(writer, lines))]


ROWS = [
    ("encoder and decoder", SHORT, 0),
    ("decoder alone", SHORT, 0),
    ("decoder alone, sinusoidal", SHORT, 0),
    ("encoder and decoder", DEFAULT, 0),
    ("decoder alone", DEFAULT, 0),
    ("encoder and decoder", DEFAULT, 1),
    ("no memory", DEFAULT, 0),
    ("encoder and decoder", DEFAULT, 2),
    ("decoder alone", DEFAULT, 1),
    ("decoder alone", DEFAULT, 2),
    ("no memory", DEFAULT, 1),
    ("no memory", DEFAULT, 2),
]


def stored():
    """The rows of the file, each a dictionary."""
    return list(csv.DictReader(FILE.read_text().splitlines(), delimiter="\t"))


def main(again=""):
    if again or not FILE.is_file():
        FILE.write_text("\t".join(COLUMNS) + "\n")
    have = {(one["writer"], int(one["steps"]), int(one["seed"])) for one in stored()}
    for one in ROWS:
        if one not in have:
            text = "\t".join(map(str, row(*one))) + "\n"
            with FILE.open("a") as file:  # each is kept as soon as it is there
                file.write(text)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
