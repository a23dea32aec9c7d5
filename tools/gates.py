"""Run the gates, which together prove every page.

    python tools/gates.py                  all of them, two at a time (make test)
    python tools/gates.py lint library     those two
    python tools/gates.py --list           what each one proves

A failing gate shows what it printed, and the others still run. Once the course is installed no
gate needs the network but conda-pip; where Linux allows, the others run cut off from it.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

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
    mend: str = ""  # what mends it, where a command does


GATES = (
    Gate(
        "style",
        "ruff finds nothing to mend and nothing to format",
        (("-m", "ruff", "check", "."), ("-m", "ruff", "format", "--check", ".")),
        mend="python -m ruff check --fix . && python -m ruff format .",
    ),
    Gate("lint", "stored notebooks keep the course's rules", (("tools/lint.py",),)),
    Gate(
        "exercises",
        "the stored exercises are those that the solutions make, and not written yet",
        (("tools/exercises.py", "--check"),),
        mend="make exercises",
    ),
    Gate(
        "pages",
        "each cell prints on two threads what is stored from one (nbval, strict), and no changed "
        "output goes unseen",
        (("tools/spoil.py", "notebooks"),),
        threads=2,
    ),
    Gate(
        "deeper",
        "each section of Deeper gives what is stored when run right after the line alone",
        (("tools/deeper.py",),),
    ),
    Gate(
        "library",
        "the parts, verses, checks and tools pass their tests and doctests, without a warning",
        ((*PYTEST, "--doctest-modules", "tantra"), (*PYTEST, "tests")),
    ),
    Gate(
        "tasks",
        "so do the cells of solutions and exercises",
        (("tools/spoil.py", "solutions", "exercises"),),
        threads=2,
    ),
    Gate(
        "site",
        "the site builds without a warning, each link in it leads somewhere, no solution is found",
        (("tools/website.py",),),
    ),
    Gate(
        "conda-pip",
        "environment.yml's pip section, in an empty environment, runs a notebook",
        (("tools/conda_pip.py",),),
        network=True,
    ),
)


def variables(gate):
    """The environment variables that a gate runs with."""
    here = {name: value for name, value in os.environ.items() if name != "TANTRA_STRICT"}
    return {
        **here,
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": str(gate.threads),
        "OMP_WAIT_POLICY": "PASSIVE",  # idle threads sleep: another gate needs the core
        "PYTHONUNBUFFERED": "1",
        "TANTRA_PROGRESS": "memory",
    }


def run(gate, prefix):
    """Run one gate: whether it passed, all that it printed, and its seconds."""
    started = time.monotonic()
    printed, passed = "", True
    for command in gate.commands:
        done = subprocess.run(
            [*([] if gate.network else prefix), sys.executable, *command],
            cwd=ROOT,
            env=variables(gate),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        printed += done.stdout
        passed = passed and done.returncode == 0
    return passed, printed.strip(), time.monotonic() - started


def report(gate, passed, printed, seconds):
    """Print one line on a gate that ended, below all its output where it failed."""
    if passed:
        last = (printed.splitlines() or [""])[-1].strip("= ")
        print(f"{gate.name:10} passed {seconds:6.1f} s   {last}", flush=True)
    else:
        mend = f"   may be mended by: {gate.mend}" if gate.mend else ""
        print(f"\n{printed}\n{gate.name:10} FAILED {seconds:6.1f} s{mend}\n", flush=True)


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
    return prove(chosen(names))


def prove(gates):
    """Run these gates, two at a time, and say how each one ended; 0 when all pass."""
    started = time.monotonic()
    prefix = offline.prefix()
    print("The network is", "cut off." if prefix else "not cut off: this machine cannot do that.")
    # matplotlib reads the machine's fonts once, and says so in the output of whoever comes first
    subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], capture_output=True)
    failed = []
    with ThreadPoolExecutor(2) as pool:
        running = {pool.submit(run, gate, prefix): gate for gate in gates}
        for future in as_completed(running):
            passed, printed, seconds = future.result()
            report(running[future], passed, printed, seconds)
            if not passed:
                failed.append(running[future].name)
    total, well = time.monotonic() - started, len(gates) - len(failed)
    print(f"{well} of {len(gates)} gates passed in {total:.0f} s", end="")
    print(f"; failed: {', '.join(failed)}" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
