"""Do the tests have teeth?  Plant one fault at a time in a copy of the library; a test must fail.

    python tests/planted_faults.py             all of them
    python tests/planted_faults.py attention   those in files whose path holds this word
    python tests/planted_faults.py feed_forward.py:square and of these, those whose lines hold that

Prints what was caught, what survived, and the score; exits 1 if anything survives.  Each fault is
a line of the library as it is and as it might have been: most are slips that were really made,
here or in well-known code.  To add one, add a pair in tests/faults, a file to each room.
"""

import contextlib
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from faults import FAULTS, TESTS

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
GPT2 = "transformers.models.gpt2.modeling_gpt2"
SECONDS = 300  # a fault that makes the tests run longer than this has been noticed
SLOW = ("compile", "split", "gpt2_small", "first_loss")  # tests with this in their name


class SlowLast:
    """A pytest plugin: the quick tests first, since most faults fall at the first glance."""

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: any(word in item.name for word in SLOW))


def faults():
    """Every planted fault: (file, the line as it is, the line as it might have been)."""
    return [(file, *pair) for file, pairs in FAULTS.items() for pair in pairs]


def chosen(word):
    """The faults that a word of the command line means: of a file, or file:text of a line."""
    part, _, text = word.partition(":")
    return [fault for fault in faults() if part in fault[0] and any(text in s for s in fault[1:])]


def planted(file, old, new):
    """The text of a file with the fault in it; ValueError if the line is not there."""
    text = (ROOT / "tantra" / file).read_text("utf-8")
    if old not in text or old == new:
        room = Path(file).parent.name or "parts"
        raise ValueError(f"tantra/{file} no longer has {old!r}: mend it in tests/faults/{room}.py")
    return text.replace(old, new, 1)


def run_tests(file, old=None, new=None):
    """The exit status of the file's tests, in a copy of the project where the fault is planted."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("tantra", "tests", "examples", "exercises", "solutions"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if old is not None:
            (copy / "tantra" / file).write_text(planted(file, old, new), "utf-8")
        os.chdir(copy)
        sys.path.insert(0, str(copy))
        os.environ["PYTHONPATH"] = str(copy)  # for processes that the tests start
        import pytest

        quick = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider"]
        hypothesis = ["-p", "_hypothesis_pytestplugin", "--hypothesis-profile=planted"]
        chosen = [f"tests/{name}" for name in TESTS[file]]
        return int(pytest.main([*quick, *hypothesis, *chosen], plugins=[SlowLast()]))


def start(job):
    """Run the tests of one fault in a forked process, which has torch loaded already."""
    pid = os.fork()
    if pid:
        return pid
    os.setpgid(0, 0)
    status = 3
    with contextlib.suppress(BaseException):
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        status = run_tests(*job)
    os._exit(status)


def run_all(jobs):
    """Yield each job with the exit status of its tests, AT_ONCE at a time."""
    waiting, running = list(jobs), {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            job = waiting.pop(0)
            running[start(job)] = job, time.monotonic()
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            job, _ = running.pop(pid)
            yield job, os.waitstatus_to_exitcode(status)
        for late in [p for p, (_, begun) in running.items() if time.monotonic() - begun > SECONDS]:
            os.killpg(late, signal.SIGKILL)
        time.sleep(0.02)


def gone(jobs):
    """A sentence for each fault that can no longer be planted."""
    for job in jobs:
        try:
            planted(*job)
        except ValueError as error:
            yield str(error)


def main(word=""):
    jobs = chosen(word)
    if sentences := list(gone(jobs)) or ([] if jobs else [f"no planted fault is called {word!r}"]):
        sys.exit("\n".join(sentences))
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # some plugins take seconds to load
    for slow_to_load in ("hypothesis.extra.numpy", "pytest", "torch._dynamo", GPT2):
        importlib.import_module(slow_to_load)  # once, for all of them
    begun, survived = time.monotonic(), []
    for (file,), status in run_all([(file,) for file in dict.fromkeys(job[0] for job in jobs)]):
        if status != 0:
            sys.exit(f"the tests of {file} fail as it is (status {status}); mend that first")
    for (file, old, new), status in run_all(jobs):
        caught = status in (1, 2) or status < 0  # below 0: the process itself came down
        survived += [] if caught else [(file, old, new)]
        print(f"{'caught  ' if caught else 'SURVIVED'} {file}: {old!r} -> {new!r}", flush=True)
    minutes = (time.monotonic() - begun) / 60
    print(f"\n{len(jobs) - len(survived)} of {len(jobs)} planted faults caught ({minutes:.0f} min)")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
