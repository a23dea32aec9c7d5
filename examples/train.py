"""Train a small model on the letters of this course, alone or as several processes.

    python examples/train.py
    torchrun --standalone --nproc-per-node 2 examples/train.py

Both print the same losses.  --save keeps the training in a file, and --resume goes on from one,
with as many processes as you like.
"""

import argparse

import torch

from tantra import GPT, AdamW, CharTokenizer, GPTConfig, batches, course_text, processes, train
from tantra.training import fastest_precision
from tantra.training.checkpoints import load, save


def main(words=None):
    """Train; the losses, one a step."""
    told = options().parse_args(words)
    with processes.together() as device:
        return run(told, device)


def options():
    """What may be said on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=16, help="rows of all processes together")
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--precision", default="float32", help="or bfloat16, or auto")
    parser.add_argument("--save", metavar="FILE")
    parser.add_argument("--resume", metavar="FILE")
    return parser


def run(told, device):
    """Train on device, which every process has one of."""
    text, generator = course_text(), torch.Generator().manual_seed(0)  # the same in every process
    tokenizer = CharTokenizer(text)
    config = GPTConfig(
        vocab_size=tokenizer.vocab_size,
        context_length=told.length,
        d_model=64,
        num_layers=2,
        num_heads=4,
    )
    model = GPT(config, generator=generator).to(device)
    optimizer = AdamW(model.parameters(), lr=0.003)
    start = load(told.resume, model, optimizer, data=generator)["step"] if told.resume else 0
    supply = batches(tokenizer.encode(text), told.batch, told.length, generator=generator)
    precision, losses = told.precision, []
    if precision == "auto":
        precision, why = fastest_precision(device)
        if processes.first():
            print(why, flush=True)
    for step, loss in train(
        model,
        processes.share(supply),
        optimizer,
        start=start,
        steps=told.steps,
        precision=precision,
    ):
        losses.append(loss)
        if processes.first():
            print(f"step {step}  loss {loss:.7f}", flush=True)
    if told.save and processes.first():
        save(told.save, model, optimizer, step=told.steps, data=generator)
    return losses


if __name__ == "__main__":
    main()
