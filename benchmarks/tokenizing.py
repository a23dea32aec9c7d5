"""Byte pairs beside Hugging Face's tokenizers, on one thread: training, and text to tokens.

Both have learnt the same merges, and the tokens are compared before anything is measured.
"""

import functools
import json
import os

from benchmarks.compare import compare, interleave
from benchmarks.grading import ROOT
from tantra import BytePairTokenizer

PART = "tokenizing"
SIZES = {"400 kB": 400_000, "5 MB": 5_000_000}
VOCABULARY = 5000
OURS, PEER = "ours", "tokenizers"
NEW, LINES, STREAM = "ours, made new", "ours, line by line", "ours, encode_iterable"
THEIR_LINES, BATCH = "tokenizers, line by line", "tokenizers, a batch of lines"
WHOLE_AIM, AIM = 1.0, 0.5  # ahead of it for a whole text, within twice its time for the others


def rows(ceilings, budget):
    """Training, a whole text, its lines, and its lines as a stream, for each size."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    ours = BytePairTokenizer.train(text(SIZES["400 kB"]), VOCABULARY)
    theirs = hugging_face(ours)
    for name, size in SIZES.items():
        yield from _encoding(ours, theirs, name, text(size), budget / len(SIZES) * 0.6)
        yield _training(name, text(size), budget / len(SIZES) * 0.4)


def _encoding(ours, theirs, name, whole, budget):
    """The rows of one text, whose words both have met before, unless ours is made new."""
    lines = whole.splitlines(keepends=True)
    actions = {
        OURS: lambda: ours.encode(whole),
        NEW: lambda: BytePairTokenizer(ours.merges).encode(whole),
        PEER: lambda: theirs.encode(whole).ids,
        LINES: lambda: [ours.encode(line) for line in lines],
        THEIR_LINES: lambda: [theirs.encode(line).ids for line in lines],
        BATCH: lambda: [found.ids for found in theirs.encode_batch_fast(lines)],
        STREAM: lambda: list(ours.encode_iterable(lines)),
    }
    check_equal(actions)
    seconds = interleave(actions, budget)
    row = {"part": PART, "case": f"{name} of text, {len(lines)} lines"}
    yield compare(seconds, OURS, PEER, aim=WHOLE_AIM, **row)
    yield compare(seconds, NEW, PEER, aim=WHOLE_AIM, **row)
    yield compare(seconds, LINES, THEIR_LINES, aim=AIM, **row)
    yield compare(seconds, LINES, BATCH, aim=AIM, **row)
    yield compare(seconds, STREAM, BATCH, **row)


def check_equal(actions):
    """Raise ValueError unless ours and theirs say the same of the whole and of each line."""
    found = {name: action() for name, action in actions.items()}
    for one, other in ((OURS, PEER), (OURS, STREAM), (LINES, THEIR_LINES), (LINES, BATCH)):
        if found[one] != found[other]:
            raise ValueError(f"{other} makes other tokens than {one}: not the same work")


def _training(name, whole, budget):
    """Merges learnt from one text."""
    actions = {
        OURS: lambda: BytePairTokenizer.train(whole, VOCABULARY),
        PEER: lambda: trained(whole, VOCABULARY),
    }
    case = f"training on {name}, {VOCABULARY} tokens"
    return compare(interleave(actions, budget), OURS, PEER, part=PART, case=case, aim=AIM)


@functools.cache
def text(size):
    """So many bytes of the course: its chapters, then its code, and so on from the beginning."""
    pages = sorted(ROOT.glob("notebooks/*.ipynb")) + sorted(ROOT.glob("solutions/*.ipynb"))
    cells = [cell for page in pages for cell in json.loads(page.read_text("utf-8"))["cells"]]
    parts = ["".join(cell["source"]) for cell in cells]
    code = [path for folder in ("tantra", "tests", "tools") for path in _code(folder)]
    content = "\n\n".join(parts + [path.read_text("utf-8") for path in code]).encode()
    return (content * (size // len(content) + 1))[:size].decode("utf-8", "ignore")


def _code(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def hugging_face(tokenizer):
    """The tokenizers package's own, with the same merges."""
    from tokenizers import Tokenizer, models
    from tokenizers.pre_tokenizers import ByteLevel

    from tantra.text.vocabulary import numbered, to_name

    names = [tuple(map(to_name, pair)) for pair in tokenizer.merges]
    theirs = Tokenizer(models.BPE(numbered(tokenizer.merges, []), names))
    theirs.pre_tokenizer = ByteLevel(add_prefix_space=False)
    return theirs


def trained(whole, vocab_size):
    """What the tokenizers package learns."""
    from tokenizers import Tokenizer, models, trainers
    from tokenizers.pre_tokenizers import ByteLevel

    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = ByteLevel(add_prefix_space=False)
    alphabet = ByteLevel.alphabet()
    how = {"vocab_size": vocab_size, "initial_alphabet": alphabet, "show_progress": False}
    theirs.train_from_iterator([whole], trainers.BpeTrainer(**how))
    return theirs
