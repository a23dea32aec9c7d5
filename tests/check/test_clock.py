"""Right answers on a slow machine: what is not the attempt's own is neither counted nor broken."""

import json
import subprocess
import sys

import pytest

from tantra.check import Exercise
from tantra.check.exercises import registry

EXERCISES = [task for task in registry().values() if isinstance(task, Exercise)]

JUDGE_ALL = """
import json, sys
from dataclasses import replace
from tantra.check import Exercise
from tantra.check.exercises import registry

said = {}
for task in registry().values():
    if isinstance(task, Exercise):
        before = set(sys.modules)
        verdict = task.judge(task.reference, 1, trusted=True)
        heavy = {"sympy", "torch._dynamo"} & (set(sys.modules) - before)
        said[task.name] = [verdict.status, sorted(heavy)]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def judged():
    """What a fresh process says of every reference, and which large packages each one imports."""
    done = subprocess.run([sys.executable, "-c", JUDGE_ALL], capture_output=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [task.name for task in EXERCISES])
def test_a_reference_passes_in_a_fresh_process_and_imports_nothing_large(judged, name):
    assert judged[name] == ["passed", []]


SLOW_IMPORT = """
import pathlib, sys, time
import numpy as np
from tantra.check.exercises import registry

folder = pathlib.Path(sys.argv[1])
folder.joinpath("slow_to_import.py").write_text(
    "import time\\nend = time.thread_time() + 1\\nwhile time.thread_time() < end: pass\\nDONE = 1"
)
sys.path.insert(0, str(folder))
task = registry()["log_softmax_backward"]
object.__setattr__(task, "seconds", 0.5)

def right(log_p, g):
    from slow_to_import import DONE
    return (g - np.exp(log_p) * g.sum(axis=-1, keepdims=True)) * DONE

def endless(log_p, g):
    while True:
        pass

print(*(task.judge(answer, 1).status for answer in (right, endless, right)))
"""


def test_a_right_answer_with_a_slow_import_passes_and_the_kernel_stays_whole(tmp_path):
    command = [sys.executable, "-c", SLOW_IMPORT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["passed", "failed", "passed"]
