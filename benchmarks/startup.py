"""What `import tantra` costs beside `import torch`, each in a new Python."""

import subprocess
import sys

from benchmarks.compare import compare, interleave

PART = "startup"


def rows(ceilings, budget):
    """import tantra against import torch: at least 1 / 1.1 is the aim."""
    actions = {name: _import(name) for name in ("tantra", "torch")}
    seconds = interleave(actions, budget)
    yield compare(seconds, "tantra", "torch", part=PART, case="import", aim=1 / 1.1)


def _import(name):
    return lambda: subprocess.run([sys.executable, "-c", f"import {name}"], check=True)
