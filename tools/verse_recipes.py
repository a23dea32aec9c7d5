"""Which changes to chapter 14's model help, in the same number of steps, on several seeds?

    python tools/verse_recipes.py               what is not yet in tantra/metre/recipes.json
    python tools/verse_recipes.py --steps 6500 --seeds 1    longer, and fewer seeds

Each row adds one change to the row before it; the last two take something away from the chapter's
own model.  A run of 1,200 steps takes half a minute.  Of each the file keeps the mean loss of the
first steps, by which a test makes it again, the mean loss of the last hundred, and what a thousand
lines, drawn at temperature 0.8, were judged to be.
"""

import argparse
import json
import statistics
from pathlib import Path

import torch

from tantra import GPT, AdamW, GPTConfig
from tantra.files import read_json, write_whole
from tantra.metre import corpus
from tantra.training.loop import train
from tantra.training.loss import cross_entropy
from tantra.training.schedules import warmup_cosine
from train_verse import NO_TARGET, compose, shares, tokenizer

FILE = Path(__file__).parent.parent / "tantra/metre/recipes.json"
SIZES = {"vocab_size": tokenizer.vocab_size, "context_length": 64, "d_model": 64}
SIZES |= {"num_layers": 2, "num_heads": 4}
SWIGLU = {"feed_forward": "swiglu", "expansion": 2.625}
OWN = {**SWIGLU, "larger": True, "positions": "learned+rotary", "bias": False}
RECIPES = {
    "plain": {},
    "and SwiGLU": SWIGLU,
    "and larger initial weights": {**SWIGLU, "larger": True},
    "and rotary": {**SWIGLU, "larger": True, "positions": "learned+rotary"},
    "and no biases: this model": OWN,
    "this model, learned alone": {**OWN, "positions": "learned"},
    "this model, rotary alone": {**OWN, "positions": "rotary"},
}
FIRST, LAST = 20, 100  # steps whose losses are kept, in the mean


def main(words=None):
    """Make the runs that the file does not hold, one after another."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=1200)
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    told = options.parse_args(words)
    torch.set_num_threads(1)
    lines = corpus(60_000)
    for seed in range(told.seeds):
        for name in told.recipes:
            runs = read_json(FILE) if FILE.exists() else []
            if not any(
                (r["recipe"], r["seed"], r["steps"]) == (name, seed, told.steps) for r in runs
            ):
                runs.append(run(name, seed, told.steps, lines))
                write_whole(FILE, as_text(runs))
                print(runs[-1], flush=True)


def run(name, seed, steps, lines):
    """What became of one model."""
    model = new_model(name, seed)
    losses = list(losses_of(model, seed, steps, lines))
    found = {"recipe": name, "seed": seed, "steps": steps}
    found["first loss"] = round(statistics.mean(losses[:FIRST]), 4)
    found["last loss"] = round(statistics.mean(losses[-LAST:]), 4)
    return found | shares(compose(model))


def new_model(name, seed):
    """The model of a recipe, not yet trained."""
    changes = dict(RECIPES[name])
    larger = changes.pop("larger", False)
    model = GPT(GPTConfig(**SIZES, **changes), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for weight in model.parameters():
            weight *= (768 / 64) ** 0.5 if larger and weight.ndim > 1 else 1
    return model


def losses_of(model, seed, steps, lines, total=None):
    """Train as chapter 14 does; the loss of each step."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = AdamW(groups, betas=(0.9, 0.98))

    def rate(step):
        return warmup_cosine(step, peak=1e-2, warmup=100, total=total or steps)

    def error(logits, targets):
        return cross_entropy(logits, targets, ignore=NO_TARGET)

    batches = line_batches(lines, torch.Generator().manual_seed(seed))
    for _, loss in train(model, batches, optimizer, steps=steps, schedule=rate, loss=error):
        yield loss


def line_batches(lines, generator, batch_size=16):
    """Endless (inputs, targets), each (B, T): whole lines, drawn at random, as in chapter 14."""
    rows = [torch.tensor(tokenizer.encode(f"\n{text}\n")) for text in lines]
    table = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=NO_TARGET)
    while True:
        rows = table[torch.randint(len(table), (batch_size,), generator=generator)]
        rows = rows[:, : (rows != NO_TARGET).sum(dim=1).max()]
        yield rows[:, :-1].clamp(min=0), rows[:, 1:]


def as_text(runs):
    """The file: a run a line, in the order of steps, recipes and seeds."""
    names = list(RECIPES)
    runs = sorted(runs, key=lambda run: (run["steps"], names.index(run["recipe"]), run["seed"]))
    return ("[\n" + ",\n".join(map(json.dumps, runs)) + "\n]\n").encode()


if __name__ == "__main__":
    main()
