"""The speedrun: which ideas lower the held-out loss, in the same processor time?

    python tools/speedrun.py --keep mine.json     the whole ladder: about a quarter of an hour
    python tools/speedrun.py --keep mine.json --steps 40 --seeds 1    a try
    python tools/speedrun.py --keep mine.json --text FILE             on a text of your own

One idea after another is added to what was kept so far.  A rung gets as many steps as take the
processor time of --steps plain ones, by the cost of its step, measured in turns with the plain
step.  An idea is kept where the mean over the seeds is lower than without it.  So the seeds choose;
then fresh ones judge each idea beside the recipe it was added to.  Runs that the file of --keep
already holds are not made again; the table is written beside it.  The file that is kept
unless another is named is the course's own race, which is complete: it only writes the table anew.
"""

import argparse
import hashlib
import json
import math
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))  # for benchmarks

from benchmarks import machine
from tantra import CharTokenizer, GPTConfig, batches, evaluate, train
from tantra.files import read_json, read_text, write_whole
from tantra.metre import corpus
from tantra.training.recipes import IDEAS, recipe

SIZES = {"context_length": 64, "d_model": 128, "num_layers": 4, "num_heads": 4}
BATCH, LENGTH, HELD_OUT, JUDGED = 12, 64, 0.05, 60  # JUDGED batches of the held-out text
TUNING_SEED = 100
ROUNDS = 25  # steps by which a cost is measured
ROOT = Path(__file__).parent.parent
KEEP, TABLE = ROOT / "tantra/training/speedrun.json", ROOT / "benchmarks/speedrun.md"
# The learning rates tried, with a seed of their own, where an idea changes what suits.
RATES = {
    "plain": (1e-3, 2e-3, 4e-3, 8e-3),
    "linear decay": (4e-3, 8e-3),
    "Muon": (4e-3, 8e-3),
}


def main(words=None):
    """Climb the ladder and write the table; what went wrong, if anything did."""
    told = options().parse_args(words)
    torch.set_num_threads(1)
    try:
        text = read_text(told.text) if told.text else "\n".join(corpus(60_000))
        runs = Runs(text, told.steps, told.keep)
    except (OSError, ValueError) as error:
        return str(error)
    ladder = climb(runs, range(told.seeds))
    judge(runs, ladder, range(told.seeds, told.seeds + told.fresh))
    machines = runs.kept.get("machines") or [machine.describe()]
    runs.keep(ladder=ladder, machines=machines)
    place = TABLE if told.keep == KEEP else told.keep.with_suffix(".md")
    write_whole(place, page(runs, told).encode())
    print(table(ladder))
    return None


def options():
    """What may be said on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=200, help="plain steps whose time all get")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fresh", type=int, default=4, help="seeds that judge what others chose")
    parser.add_argument("--text", type=Path, help="a text; generated half-verses, unless given")
    parser.add_argument("--keep", type=Path, default=KEEP)
    return parser


class Runs:
    """Trainings on one text, each made once and kept in a file."""

    def __init__(self, text, steps, path):
        tokenizer = CharTokenizer(text)
        tokens = torch.tensor(tokenizer.encode(text))
        cut = int(len(tokens) * (1 - HELD_OUT))
        self.train, self.held_out = tokens[:cut], tokens[cut:]
        self.config = GPTConfig(vocab_size=tokenizer.vocab_size, **SIZES)
        self.steps, self.path = steps, path
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.kept = read_json(path) if path.exists() else {"text": digest, "runs": {}}
        if self.kept.get("text") != digest:
            raise ValueError(
                f"{path} keeps the runs on another text; give --keep a file of their own to these"
            )

    def keep(self, **more):
        """Write down all that is known."""
        self.kept |= more
        write_whole(self.path, (json.dumps(self.kept, indent=1) + "\n").encode())

    def remember(self, key, compute):
        """What is kept under this key, computed if it is not there."""
        key, runs = " | ".join(map(str, key)), self.kept["runs"]
        if key not in runs:
            runs[key] = compute()
            self.keep()
            print(key, runs[key], flush=True)
        return runs[key]

    def start(self, ideas, lr, steps, seed):
        """A training about to begin: its model, and its steps as a generator."""
        generator = torch.Generator().manual_seed(seed)
        made = recipe(self.config, ideas, steps=steps, lr=lr, generator=generator)
        supply = batches(self.train, BATCH, LENGTH, generator=generator)
        how = {"steps": steps, "schedule": made.schedule}
        return made.model, train(made.model, supply, made.optimizer, **how)

    def cost(self, ideas):
        """The processor time of a step, in plain steps."""
        return self.remember(("cost", *ideas), lambda: self._cost(ideas)) if ideas else 1.0

    def _cost(self, ideas):
        pair = [self.start(which, 1e-3, ROUNDS + 2, 0)[1] for which in ((), ideas)]
        ratios = []
        for _ in range(ROUNDS + 2):
            plain, ours = (_seconds(steps) for steps in pair)
            ratios.append(ours / plain)
        return round(statistics.median(ratios[2:]), 3)  # the first two are slow to start

    def steps_for(self, ideas):
        """How many steps take the time of the plain ones."""
        return round(self.steps / self.cost(ideas))

    def loss(self, ideas, lr, seed):
        """The held-out loss after training for as long as the plain steps take."""
        steps = self.steps_for(ideas)
        return self.remember(
            ("loss", *ideas, lr, steps, seed), lambda: self._loss(ideas, lr, steps, seed)
        )

    def _loss(self, ideas, lr, steps, seed):
        model, training = self.start(ideas, lr, steps, seed)
        for _ in training:
            pass
        judged = batches(self.held_out, BATCH, LENGTH, generator=torch.Generator().manual_seed(0))
        return round(evaluate(model, judged, steps=JUDGED), 4)


def _seconds(steps):
    before = time.process_time()
    next(steps)
    return time.process_time() - before


def climb(runs, seeds):
    """Every rung, the plain one first."""
    ideas, lr, ladder = (), best_rate(runs, (), RATES["plain"]), []
    least = math.inf
    for idea in ("plain", *IDEAS):
        tried = (*ideas, idea) if idea in IDEAS else ()
        rate = best_rate(runs, tried, RATES[idea]) if idea in RATES else lr
        losses = [runs.loss(tried, rate, seed) for seed in seeds]
        wins = statistics.mean(losses) < least
        if wins:
            ideas, lr, least = tried, rate, statistics.mean(losses)
        rung = {"idea": idea, "rate": rate, "cost": runs.cost(tried)}
        rung |= {"steps": runs.steps_for(tried), "losses": losses, "kept": wins}
        ladder.append(rung)
    return ladder


def judge(runs, ladder, seeds):
    """Add to every rung the losses of fresh seeds, and the recipe that it is to be compared with.

    What others than the choosing seeds say of an idea is free of the luck by which it was chosen.
    """
    ideas, base = (), "plain"
    for rung in ladder:
        tried = () if rung["idea"] == "plain" else (*ideas, rung["idea"])
        rung["fresh"] = [runs.loss(tried, rung["rate"], seed) for seed in seeds]
        rung["against"] = base
        if rung["kept"]:
            ideas, base = tried, rung["idea"]


def verdict(rung, ladder):
    """Whether the fresh losses lie all below or all above those of what the idea was added to."""
    base = next(one for one in ladder if one["idea"] == rung["against"])
    if max(rung["fresh"]) < min(base["fresh"]):
        return "lower"
    return "higher" if min(rung["fresh"]) > max(base["fresh"]) else "not shown"


def best_rate(runs, ideas, rates):
    """The learning rate with the lowest loss."""
    return min(rates, key=lambda lr: runs.loss(ideas, lr, TUNING_SEED))


def table(ladder):
    """The ladder in Markdown."""
    lines = ["| idea | rate | cost of a step | steps | seeds that chose | | fresh seeds | mean | |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for rung in ladder:
        chose, fresh = (
            ", ".join(f"{loss:.3f}" for loss in rung[which]) for which in ("losses", "fresh")
        )
        found = verdict(rung, ladder) if rung["idea"] != "plain" else ""
        lines.append(
            f"| {rung['idea']} | {rung['rate']:g} | {rung['cost']:.2f} | {rung['steps']} | "
            f"{chose} | {'kept' if rung['kept'] else 'not kept'} | {fresh} | "
            f"**{statistics.mean(rung['fresh']):.3f}** | {found} |"
        )
    return "\n".join(lines)


def page(runs, told):
    """The table, and what one must know to read it."""
    ladder = runs.kept["ladder"]
    means = [statistics.mean(rung["fresh"]) for rung in ladder if rung["kept"]]
    text = "a text of the reader's" if told.text else "60,000 generated half-verses, as letters"
    machines = "\n\n".join(
        "*" + "; ".join(f"{name}: {words}" for name, words in one.items()) + ".*"
        for one in runs.kept["machines"]
    )
    return f"""# The speedrun

Written by `python tools/speedrun.py`, which says how. {SIZES["num_layers"]} layers ×
{SIZES["d_model"]}, length {LENGTH}, batch {BATCH}; {text}, of which the last {HELD_OUT:.0%} are
held out. Every rung had the processor time of {told.steps} plain steps. Plain is AdamW, GELU, layer
norm, learned positions and a constant rate after a warm-up, at the best of {len(RATES["plain"])}
rates; linear decay and Muon chose between two, by a seed of their own; all else kept the rate it
found. Validation losses in nats a letter.

{told.seeds} seeds chose: an idea was kept where their mean was lower. {told.fresh} fresh seeds
judged it beside what it was added to: *lower* or *higher* where all of them lie below or above all
of those without it, else *not shown*.

{table(ladder)}

From plain to the last rung kept, by the fresh seeds: **{means[0] - means[-1]:.3f} nats**.

{machines}
"""


if __name__ == "__main__":
    sys.exit(main())
