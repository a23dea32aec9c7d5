"""Begins the process of an answer, looks at the time that it takes, and ends it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tantra.check.deadline import OutOfTime
from tantra.check.engine import ENDLESS, WAITING
from tantra.classroom.sandbox.frames import Channel, Garbled
from tantra.classroom.sandbox.limits import Limits

PACKAGE = Path(__file__).parents[2]
ENDED = "its process ended by itself ({}): leave out what ends Python, such as os._exit"
STUFFED = "its folder holds more than {} bytes, so it was stopped"
GARBLED = "what came back is no answer ({})"
OPEN = {
    "files": "files: this system has no Landlock, so an answer can read and change the teacher's",
    "calls": "network, programs and processes: this system has no seccomp that we know",
}
MANY = 1000  # files of an answer's folder that are counted, and calls back to the judge


class Stopped(OutOfTime):
    """An answer that cannot go on, in words; as OutOfTime it ends a check."""


class Host:
    """The process that forks, and a folder for what its children write.

    ahead are names of what it makes ready before, so that no answer pays for it.
    """

    def __init__(self, *ahead):
        self.folder = tempfile.mkdtemp(prefix="tantra-")
        self.control, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "tantra.classroom.sandbox.zygote"]
        self.process = subprocess.Popen(
            [*command, str(theirs.fileno()), self.folder, *ahead],
            pass_fds=[theirs.fileno()],
            cwd=self.folder,
            env=_environment(self.folder),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self.channel, self.count = Channel(self.control), 0
        self.channel.receive()

    def fork(self, limits, processor):
        """A Process with these limits, in an empty folder; processor is its seconds."""
        self.count += 1
        folder = Path(self.folder, str(self.count))
        folder.mkdir()
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.control, [b"F"], [theirs.fileno()])
            kept = asdict(limits) | {
                "processor": 2 * processor
            }  # for its cells, then for its calls
            self.channel.send({"folder": str(folder), "limits": kept})
        number = self.channel.receive()[0]["process"]
        return Process(self, number, ours, folder, limits, processor)

    def end(self, number):
        """Kill a process; returns how it ended: its status, or -signal."""
        self.control.send(b"E")
        self.channel.send({"process": number})
        return self.channel.receive()[0]["status"]

    def open_to_answers(self):
        """What this system does not keep an answer from, in words."""
        process = self.fork(Limits(), 1.0)
        process.end()
        return [words for guard, words in OPEN.items() if not process.guards[guard]]

    def close(self):
        """End all that was begun, and remove what it wrote."""
        self.control.close()
        self.process.kill()
        self.process.wait()
        remove(self.folder)


class Process:
    """One answer's process."""

    def __init__(self, host, number, sock, folder, limits, processor):
        self.host, self.number, self.folder = host, number, folder
        self.limits, self.processor, self.stopped = limits, processor, None
        self.until = processor
        self.used, self.idle, self.looked = 0.0, 0.0, time.monotonic()
        self.channel = Channel(sock, self._look)
        self.guards, _ = self._guarded(self.channel.receive)  # what shuts it in

    def ask(self, message, buffers=(), answering=None):
        """The reply to a message; answering(message, buffers) serves what is asked meanwhile.

        Raises Stopped where there is none.
        """
        self.looked = time.monotonic()
        self._guarded(self.channel.send, message, buffers)
        for _ in range(MANY):
            reply, buffers = self._guarded(self.channel.receive)
            if "ask" not in reply or answering is None:
                self._look()
                return reply, buffers
            began = time.monotonic()
            answered = answering(reply, buffers)
            self.looked += time.monotonic() - began  # that time was the judge's
            self._guarded(self.channel.send, *answered)
        raise self.stop(GARBLED.format(f"it called {MANY} times"))

    def grant(self):
        """Let it compute as long again: what its cells took is not taken from its calls."""
        self.until = self.used + self.processor

    def stop(self, words):
        """End the process; returns the exception that says why, the first time that it is asked."""
        self.stopped = self.stopped or words
        self.end()
        return Stopped(self.stopped)

    def end(self):
        """Kill it, and remove its folder; returns how it ended."""
        if self.number is None:
            return None
        self.channel.close()
        number, self.number = self.number, None
        status = self.host.end(number)
        remove(self.folder)
        return status

    def _guarded(self, action, *args):
        if self.stopped:
            raise Stopped(self.stopped)
        try:
            return action(*args)
        except EOFError:
            raise self.stop(ENDED.format(_ending(self.end()))) from None
        except Garbled as error:
            raise self.stop(GARBLED.format(error)) from None

    def _look(self):
        """Raise Stopped if a limit is passed."""
        used, now = _processor_time(self.number), time.monotonic()
        if used - self.used < 0.01:
            self.idle += now - self.looked
        self.used, self.looked = used, now
        if used > self.until:
            raise self.stop(ENDLESS.format(self.processor))
        if self.idle > self.limits.idle and not _is_running(self.number):
            raise self.stop(WAITING.format(self.limits.idle))
        if _bytes_below(self.folder) > self.limits.folder:
            raise self.stop(STUFFED.format(self.limits.folder))


def remove(folder):
    """Remove a folder, whatever was made of it."""
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.exists(folder):  # too deep for Python, or closed by its maker
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, folder], capture_output=True)


def _environment(folder):
    """All that an answer knows of the machine's environment: no secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    fixed = {"PYTHONHASHSEED": "0", "MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, **one, **fixed, "HOME": folder, "PYTHONPATH": str(PACKAGE.parent)}


def _processor_time(number):
    """The seconds that a process has computed."""
    try:
        return time.clock_gettime((~number << 3) | 2)  # how Linux names the clock of a process
    except OSError:
        return 0.0


def _is_running(number):
    """Whether a process waits for the processor alone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"R"
    return False


def _bytes_below(folder):
    total = 0
    for count, (place, _, names) in enumerate(os.walk(folder)):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
        if count > MANY:
            return float("inf")
    return total


def _ending(status):
    """How a process ended, in words."""
    if status is not None and status < 0:
        return signal.Signals(-status).name
    return f"exit status {status}"
