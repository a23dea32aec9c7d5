"""Train the models that chapter 15 opens: tantra/metre/inside.safetensors and second.safetensors.

    python tools/train_inside.py                      inside, from seed 0, as it was made
    python tools/train_inside.py 1                    second, from seed 1, as it was made
    python tools/train_inside.py 1 500 /tmp/try.safetensors    fewer steps, into another file

As train_verse.py does, from the same lines, with other parts: a GELU, after which a linear probe
can read the number of syllables, as it could not after SwiGLU; GPT-2's narrow initial weights, from
which metre was learnt before grammar; and more rows in a batch.
"""

import sys

import train_verse
from tantra.metre.trained import CONFIGS, INSIDE, SECOND

FILES = INSIDE, SECOND  # by their seeds
STEPS, BATCH, WIDER = 3600, 32, 1


def main(seed=0, steps=STEPS, path=None):
    file = FILES[int(seed)]
    path = path or train_verse.FOLDER / file
    how = {"config": CONFIGS[file], "batch_size": BATCH, "wider": WIDER}
    train_verse.main(steps, path, seed=int(seed), **how)


if __name__ == "__main__":
    main(*sys.argv[1:])
