"""Train the small model that ships with the course: tantra/metre/model.safetensors.

    python tools/train_verse.py                       as it was made
    python tools/train_verse.py 500 /tmp/try.safetensors    fewer steps, into another file

One line to a row: the end of a line, which is also its beginning, then its sounds, then the end.
"""

import sys
import time
from pathlib import Path

import torch

from tantra import GPT, generate
from tantra.metre import VarnaTokenizer, corpus, judge
from tantra.metre.trained import CONFIG, FILE, load_trained
from tantra.training.checkpoints import save
from tantra.training.loop import train
from tantra.training.loss import cross_entropy
from tantra.training.schedules import warmup_cosine

FOLDER = Path(__file__).parent.parent / "tantra" / "metre"
STEPS, SEED, LINES = 12_000, 0, 60_000
BATCH, POOL = 16, 16  # rows in a batch; batches among which rows of one length are put together
PEAK, WARMUP, DECAY, BETAS = 6e-3, 100, 0.1, (0.9, 0.98)
WIDER = 4  # matrices of the blocks start so much wider than GPT-2's: words are learnt sooner
NO_TARGET = -1
SAMPLES, TEMPERATURE = 1000, 0.8
tokenizer = VarnaTokenizer()


def main(
    steps=STEPS, path=FOLDER / FILE, *, seed=SEED, config=CONFIG, batch_size=BATCH, wider=WIDER
):
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    model = GPT(config, generator=generator)
    with torch.no_grad():
        for weight in model.blocks.parameters():
            weight *= wider if weight.ndim > 1 else 1
    begun = time.process_time()
    for step, error in learn(model, corpus(LINES, SEED), int(steps), generator, batch_size):
        if (step + 1) % 500 == 0:
            seconds = time.process_time() - begun
            print(f"{step + 1} steps, loss {error:.3f}, {seconds:.0f} s of CPU", flush=True)
    numbers = {"seed": seed, "lines": LINES, "steps": int(steps), "temperature": TEMPERATURE}
    written = compose(model.half().float())  # as it will be when it is read back
    save(path, model.half(), **numbers, **shares(written))
    print(*written[:5], *load_trained(Path(path), config)[1].items(), sep="\n")


def learn(model, lines, steps, generator, batch_size=BATCH):
    """Take the steps; yield (step, loss) after each."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK, betas=BETAS, fused=True)

    def rate(step):
        return warmup_cosine(step, peak=PEAK, warmup=WARMUP, total=steps)

    def error(logits, targets):
        return cross_entropy(logits, targets, ignore=NO_TARGET)

    rows = batches(lines, generator, batch_size)
    return train(model, rows, optimizer, steps=steps, schedule=rate, loss=error)


def batches(lines, generator, batch_size=BATCH):
    """Inputs and targets without end; rows of nearly one length go together, to pad few."""
    rows = [torch.tensor(tokenizer.encode(f"\n{line}\n")) for line in lines]
    table = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=NO_TARGET)
    lengths = torch.tensor([len(row) for row in rows])
    while True:
        drawn = torch.randint(len(table), (batch_size * POOL,), generator=generator)
        by_length = drawn[lengths[drawn].argsort(stable=True)].split(batch_size)
        for i in torch.randperm(POOL, generator=generator).tolist():
            batch = table[by_length[i], : lengths[by_length[i]].max()]
            yield batch[:, :-1].clamp(min=0), batch[:, 1:]


def compose(model, count=None):
    """Lines that the model writes."""
    end = tokenizer.line_end
    most = CONFIG.context_length
    generator = torch.Generator().manual_seed(SEED)
    how = {"temperature": TEMPERATURE, "stop": (end,), "generator": generator}
    written = generate(model.eval(), [[end]] * (count or SAMPLES), most, **how)
    return [tokenizer.decode(row).strip("\n") for row in written]


def shares(lines):
    """The share of the lines, from 0 to 1, that each judgement finds right."""
    judged = [judge(line) for line in lines]
    names = "metre", "caesura", "words", "sandhi", "grammar", "verse"
    return {name: round(sum(getattr(j, name) for j in judged) / len(judged), 3) for name in names}


if __name__ == "__main__":
    main(*sys.argv[1:])
