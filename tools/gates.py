"""Run the gates, which together prove every page.

    python tools/gates.py                  all of them (make test)
    python tools/gates.py lint library     those two
    python tools/gates.py --list           what each one proves

A failing gate shows what it printed, and the others still run. Once the course is installed no
gate needs the network but conda-pip; where Linux allows, the others run cut off from it.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field

import offline
from course import ROOT

PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Gate:
    name: str
    proves: str
    commands: tuple  # of arguments to Python
    threads: int = 1
    network: bool = False
    variables: dict = field(default_factory=dict)


GATES = (
    Gate(
        "style",
        "ruff finds nothing to mend and nothing to format",
        (("-m", "ruff", "check", "."), ("-m", "ruff", "format", "--check", ".")),
    ),
    Gate("lint", "stored notebooks keep the course's rules", (("tools/lint.py",),)),
    Gate(
        "library",
        "the parts, verses, checks and tools pass their tests and doctests, without a warning",
        ((*PYTEST, "--doctest-modules", "tantra", "tests"),),
    ),
    Gate(
        "exercises",
        "the stored exercises are those that the solutions make",
        (("tools/exercises.py", "--check"),),
    ),
    Gate(
        "unsolved",
        "each unsolved task says that it is not written yet, and nothing else fails",
        (("tools/exercises.py", "--unsolved"),),
    ),
    Gate(
        "pages",
        "each cell prints what is stored (nbval, strict), and no changed output goes unseen",
        (("tools/spoil.py",),),
    ),
    Gate(
        "threads",
        "on two threads, too, the same texts come out",
        (("tools/refresh.py", "--check"),),
        threads=2,
    ),
    Gate(
        "conda-pip",
        "environment.yml's pip section, in an empty environment, runs a notebook",
        (("tools/conda_pip.py",),),
        network=True,
    ),
)


def run(gate, prefix):
    """Run one gate: whether it passed, and all that it printed."""
    variables = {
        **os.environ,
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": str(gate.threads),
        "PYTHONUNBUFFERED": "1",
        "TANTRA_PROGRESS": "memory",
    }
    variables.pop("TANTRA_STRICT", None)
    printed = ""
    for command in gate.commands:
        words = [*([] if gate.network else prefix), sys.executable, *command]
        done = subprocess.run(
            words,
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        printed += done.stdout
        if done.returncode:
            return False, printed
    return True, printed


def report(gate, prefix):
    """Run one gate and print one line on it, below all its output where it failed."""
    if sys.stdout.isatty():
        print(gate.name, end="\r", flush=True)
    started = time.monotonic()
    passed, printed = run(gate, prefix)
    line = f"{gate.name:10} {'passed' if passed else 'FAILED'} {time.monotonic() - started:6.1f} s"
    if passed:
        last = (printed.strip().splitlines() or [""])[-1].strip("= ")
        print(f"{line}   {last}", flush=True)
    else:
        print(f"\n{printed.strip()}\n{line}\n", flush=True)
    return passed


def chosen(names):
    """The gates with these names, all of them where none is named."""
    known = {gate.name: gate for gate in GATES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"No gate named {', '.join(unknown)}; there are {', '.join(known)}.")
    return [known[name] for name in names] if names else GATES


def main(names):
    """Run the gates; 0 when all pass."""
    if names == ["--list"]:
        for gate in GATES:
            print(f"{gate.name:10} {gate.proves}")
        return 0
    gates = chosen(names)
    started = time.monotonic()
    prefix = offline.prefix()
    print("The network is", "cut off." if prefix else "not cut off: this machine has no unshare.")
    # matplotlib reads the machine's fonts once, and says so in the output of whoever comes first
    subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], capture_output=True)
    failed = [gate.name for gate in gates if not report(gate, prefix)]
    seconds = time.monotonic() - started
    passed = len(gates) - len(failed)
    print(f"{passed} of {len(gates)} gates passed in {seconds:.0f} s", end="")
    print(f"; failed: {', '.join(failed)}" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
