"""Train the model that chapter 15 opens: tantra/metre/inside.safetensors.

    python tools/train_inside.py                      as it was made
    python tools/train_inside.py 500 /tmp/try.safetensors 1    fewer steps, another file and seed

As train_verse.py does, from the same lines, with other parts: a GELU, after which a linear probe
can read the number of syllables, as it could not after SwiGLU; GPT-2's narrow first weights, from
which metre was learnt before grammar; and more rows in a batch.
"""

import sys

import train_verse
from tantra.metre.trained import CONFIGS, INSIDE

STEPS, SEED, BATCH, WIDER = 3600, 0, 32, 1


def main(steps=STEPS, path=train_verse.FOLDER / INSIDE, seed=SEED):
    config = CONFIGS[INSIDE]
    train_verse.main(steps, path, seed=int(seed), config=config, batch_size=BATCH, wider=WIDER)


if __name__ == "__main__":
    main(*sys.argv[1:])
