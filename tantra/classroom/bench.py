"""The process of a judge, as the class sees it: asked of a file, it says one thing after another.

A judge that dies or falls silent costs the task at hand, which becomes an error; the next is judged
by another one.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tantra.classroom.judge.host import remove
from tantra.classroom.records import Verdict

PACKAGE = Path(__file__).parents[1]
SILENCE = 900.0  # seconds in which a judge must say something
WINDOWS = (
    "this system cannot shut an answer in: on Windows, run the same command in WSL, its "
    "Linux (learn.microsoft.com/windows/wsl)"
)
DIED = "the judge did not come back from this answer: look at it by hand"


class Bench:
    """A judge's process, begun when there is something to judge."""

    def __init__(self, silence=SILENCE):
        if not hasattr(os, "fork"):
            raise ValueError(WINDOWS)
        self.process, self.silence, self.heard = None, silence, b""
        self.room, self.guard, self.closed = None, threading.Lock(), False

    def judged(self, asked, page, before):
        """What there is to say of one file: dicts with "odd", "open", "verdict".

        before are the verdicts that are there already.
        """
        done, told = {verdict.task for verdict in before}, False
        while True:
            at = None
            for said in self._said(asked | {"done": sorted(done)}):
                at = said.get("begins", at)
                if "done" in said:
                    return
                if "verdict" in said:
                    said = {"verdict": Verdict.from_json(json.dumps(said["verdict"]))}
                    done.add(said["verdict"].task)
                    at = None
                elif "odd" in said and told:
                    continue
                told = told or "odd" in said
                yield said
            for task in self._lost(page, done, at):
                done.add(task.name)
                words = f"✗ {task.name}\n  {DIED}"
                yield {"verdict": Verdict(task=task.name, number=task.number, status="error",
                                          words=words, of=task.points)}  # fmt: skip
            if done >= {place.task.name for place in page.places}:
                return

    def _lost(self, page, done, at):
        """The tasks that a judge who died leaves behind: the one at hand; all, before the first."""
        tasks = [place.task for place in page.places if place.task.name not in done]
        return [task for task in tasks if at in (None, task.name)]

    def _said(self, asked):
        """What the judge says, until it dies."""
        process = self._process()
        try:
            process.stdin.write((json.dumps(asked) + "\n").encode())
            process.stdin.flush()
        except OSError:
            self._end()
            return
        while line := self._line(process):
            yield json.loads(line)
        self._end()

    def _line(self, process):
        """The next line; nothing where the judge has died or fallen silent."""
        while b"\n" not in self.heard:
            ready, _, _ = select.select([process.stdout], [], [], self.silence)
            if not ready or not (more := os.read(process.stdout.fileno(), 2**16)):
                return b""
            self.heard += more
        line, _, self.heard = self.heard.partition(b"\n")
        return line

    def _process(self):
        with self.guard:
            if self.closed:
                raise KeyboardInterrupt
            if self.process is None:
                self.room = tempfile.mkdtemp(prefix="tantra-")
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "tantra.classroom.judge"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    env=_environment(self.room),
                )
            return self.process

    def close(self):
        """End the judge, and with it all that it began."""
        with self.guard:
            self.closed = True
        self._end()

    def _end(self):
        process, self.process, self.heard = self.process, None, b""
        if process is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
            process.kill()
            process.wait()
            process.stdout.close()
            remove(self.room)


def _environment(room):
    fixed = {
        "TMPDIR": room,
        "TANTRA_PROGRESS": "memory",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
    }
    strict = {name: value for name, value in os.environ.items() if name != "TANTRA_STRICT"}
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    return strict | fixed | {"PYTHONPATH": path}
