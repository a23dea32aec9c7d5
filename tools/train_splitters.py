"""Train the models that chapter 17 compares, and store what each reaches, a row for each training.

    python tools/train_splitters.py             all of ROWS that are not in the file yet
    python tools/train_splitters.py again       all of them anew

tantra/metre/splitters.tsv has a row for each: the writer, how it was trained, its scores on 200
lines of known words and on 200 with one word each that no training line had, the mean loss of its
first 50 steps, its parameters, and the millions of operations of a line, forward.
"""

import csv
import functools
import sys
from importlib.resources import files
from itertools import islice

import torch
from torch.utils.flop_counter import FlopCounterMode

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
PEAK, BATCH, LINES, FIRST = 3e-3, 32, 200, 50
SIZES = {"vocab_size": len(SOUNDS), "d_model": 64, "num_heads": 4, "feed_forward": "gelu"}
SCORES = ("exact", "valid", "errors", "bleu")
SIZE = ("loss", "parameters", "operations")
COLUMNS = ("writer", "steps", "seed", *SCORES, *(f"new_{name}" for name in SCORES), *SIZE)


class TwoStacks:
    """An encoder and a decoder; blind, the decoder sees a memory of zeros."""

    def __init__(self, seed, norm_position="pre", num_layers=2, blind=False):
        kind = {"norm_position": norm_position, "num_layers": num_layers}
        config = EncoderDecoderConfig(context_length=64, **kind, **SIZES)
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
    "decoder alone, not widened": OneStack,
}


def learn(writer, steps, seed, words, until=None):
    """The losses of a training as chapter 17 does it, of all its steps or of those until one."""
    rate = functools.partial(warmup_cosine, peak=PEAK, warmup=min(100, steps // 5), total=steps)
    loss = functools.partial(cross_entropy, ignore=PAD, smoothing=0.1)
    optimizer = AdamW(writer.model.parameters(), lr=PEAK, betas=(0.9, 0.98), weight_decay=0.01)
    supply, last = writer.batches(words, seed), steps if until is None else until
    trained = train(writer.model, supply, optimizer, steps=last, schedule=rate, loss=loss)
    return [value for _, value in trained]


def size(writer, words):
    """The parameters of its model, and the millions of operations of a line of a batch, forward."""
    inputs, _ = next(writer.batches(words, 0))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        writer.model(*inputs) if isinstance(inputs, tuple) else writer.model(inputs)
    operations = counter.get_total_flops() / BATCH / 1e6
    return sum(p.numel() for p in writer.model.parameters()), round(operations, 1)


def measured(writer, lines=LINES):
    """Its scores on lines of known words, and on those with a new one."""
    seen, unseen = pools()
    found = []
    for drawn in (pairs(seen, 10_000), pairs(seen, 20_000, also=unseen)):
        asked = list(islice(drawn, lines))
        found.extend(split_scores(writer.answers(asked), asked, {*seen, *unseen}).values())
    return found


def row(name, steps, seed, lines=LINES):
    """What is stored of one training, in the order of COLUMNS."""
    writer, words = WRITERS[name](seed), pools()[0]
    first = learn(writer, steps, seed, words)[:FIRST]
    numbers = *measured(writer, lines), sum(first) / len(first)
    return [name, steps, seed, *(f"{number:.4f}" for number in numbers), *size(writer, words)]


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
    *((name, SHORT, seed) for name in ("encoder and decoder", "decoder alone") for seed in (1, 2)),
    *(("decoder alone, sinusoidal", SHORT, seed) for seed in (1, 2)),
    *(
        (name, SHORT, seed)
        for name in ("decoder alone, not widened", "no memory")
        for seed in range(3)
    ),
]


def stored(file=FILE):
    """The rows of a file, each a dictionary."""
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines(), delimiter="\t"))


def fill(file, columns, rows, row, again=""):
    """Write to the file what row makes of each of the rows that is not there yet."""
    if again or not file.is_file():
        file.write_text("\t".join(columns) + "\n", encoding="utf-8")
    have = [list(one.values()) for one in stored(file)]
    for one in rows:
        if [*map(str, one)] not in [done[: len(one)] for done in have]:
            text = "\t".join(map(str, row(*one))) + "\n"
            with file.open("a", encoding="utf-8") as end:  # each is kept as soon as it is there
                end.write(text)


if __name__ == "__main__":
    torch.set_num_threads(1)
    fill(FILE, COLUMNS, ROWS, row, *sys.argv[1:])
