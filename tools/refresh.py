"""Run notebooks and store what they print, the same bytes each time.

    python tools/refresh.py                               every notebook, solution and exercise
    python tools/refresh.py notebooks/02_softmax.ipynb    one of them
    python tools/refresh.py --check                       store nothing, say what would change
    python tools/refresh.py --jobs 2                      two notebooks at a time
    python tools/refresh.py --force                       without a copy of what they showed

A notebook is written whole or, when a cell fails, not at all.  Outputs that no tool wrote, such as
those of your own longer run, are first kept as NAME.mine-1.ipynb (tools/aside.py).  --check
compares everything but the bytes of pictures, which differ with the fonts of a machine; their alt
texts are compared.

A cell that took more than 5 s of processor time, on whatever machine this is, is named: give it the
tag slow, and say above it how long it takes.  tools/lint.py holds the one to the other.
"""

import argparse
import asyncio
import difflib
import json
import re
import subprocess
import sys
from pathlib import Path

import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.reader import NotJSONError

from aside import store
from course import (
    PICTURE,
    all_paths,
    kernel_environment,
    read,
    short,
    stored_form,
    without_outputs,
)

SLOW = 5  # seconds of processor time
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class CellError(Exception):
    """A cell did not run to its end."""


async def run(notebook, folder, strict=None, allow_errors=False, timeout=300):
    """Run every cell of notebook as if it lay in folder, and keep the outputs in it.

    Raises CellError, naming the cell.
    """
    current, before = "start", 0.0

    def remember(cell, cell_index):
        nonlocal current, before
        current, before = cell.id, processor_time(client)

    def name_slow(cell, cell_index, execute_reply):
        seconds = processor_time(client) - before
        if seconds > SLOW and "slow" not in cell.metadata.get("tags", ()):
            print(f"cell {cell.id} took {seconds:.0f} s of processor time: tag it slow", flush=True)

    client = NotebookClient(
        without_outputs(notebook),
        timeout=timeout,
        startup_timeout=600,
        kernel_name="python3",
        allow_errors=allow_errors,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=remember,
        on_cell_executed=name_slow,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        environment = kernel_environment(folder, strict)
        await client.async_execute(env=environment, stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as problem:
        raise CellError(f"cell {current}: {COLOUR.sub('', str(problem)).strip()}") from None
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":  # without the frames, which name paths
                output.traceback = [f"{output.ename}: {output.evalue}"]
    return notebook


def processor_time(client):
    """The seconds that a client's kernel, and the processes that it has begun, have worked."""
    try:
        kernel = psutil.Process(client.km.provisioner.pid)
        every = [p.cpu_times() for p in (kernel, *kernel.children(recursive=True))]
    except psutil.NoSuchProcess:  # one has ended in the meantime
        return 0.0
    return sum(time.user + time.system for time in every)


async def refreshed(path, timeout):
    """The text that the notebook at path would be stored as if it ran now."""
    return stored_form(await run(read(path), path.parent, timeout=timeout))


def comparable(text):
    """text of a stored notebook with the bytes of its pictures left out."""
    return PICTURE.sub("data:image/png;base64,PICTURE", text)


def difference(stored, fresh):
    """Where two stored notebooks differ, cell by cell, a few lines of each; "" where nowhere."""
    stored, fresh = comparable(stored), comparable(fresh)
    if stored == fresh:
        return ""
    before, after = (json.loads(text)["cells"] for text in (stored, fresh))
    ids = [[cell.get("id") for cell in cells] for cells in (before, after)]
    if ids[0] != ids[1]:
        return changed_lines("the cells", *ids)
    said = [
        changed_lines(
            f"cell {old['id']}", *(json.dumps(c, indent=1).splitlines() for c in (old, new))
        )
        for old, new in zip(before, after, strict=True)
        if old != new
    ]
    return "\n".join(said) or "the form of the file"


def changed_lines(title, before, after):
    """title and the lines that differ between before and after, at most 12."""
    lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    lines = [line for line in lines if not line.startswith("@@")]
    more = [f"... and {len(lines) - 12} lines more"] if len(lines) > 12 else []
    return "\n".join([title, *(f"  {line[:200]}" for line in lines[:12]), *more])


async def refresh(path, check, timeout, force=False):
    """Store what the notebook at path prints, or compare it; the problem in words, or ""."""
    try:
        fresh = await refreshed(path, timeout)
    except CellError as problem:
        return str(problem)
    stored = path.read_text(encoding="utf-8")
    if check:
        return difference(stored, fresh)
    if fresh != stored:
        store(path, fresh, force)
    return ""


async def each(paths, jobs, work):
    """Await work(path) for every path, at most jobs at a time, and print each verdict; ok?"""
    turn = asyncio.Semaphore(jobs)

    async def one(path):
        async with turn:
            try:
                problem = await work(path)
            except (OSError, NotJSONError) as unreadable:
                problem = str(unreadable)
        print(f"{'FAILED' if problem else 'ok'}  {short(path)}", flush=True)
        if problem:
            print("  " + problem.replace("\n", "\n  "), flush=True)
        return not problem

    return all(await asyncio.gather(*map(one, paths)))


def main(arguments=None):
    """Run the command line; 0 when all is well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, metavar="NB")
    parser.add_argument("--check", action="store_true", help="store nothing, report differences")
    parser.add_argument("--force", action="store_true", help="keep no copy of other outputs")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at a time")
    parser.add_argument("--timeout", type=int, default=300, help="seconds a cell may take")
    options = parser.parse_args(arguments)
    paths = options.paths or all_paths()
    check, timeout, force = options.check, options.timeout, options.force
    fine = asyncio.run(each(paths, options.jobs, lambda path: refresh(path, check, timeout, force)))
    if not fine and options.check:
        print("What is stored is not what the notebooks print: run make refresh, read the diff.")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
