"""The process that has imported NumPy, torch and tantra, and forks one for each task.

    python -m tantra.classroom.sandbox.zygote SOCKET FOLDER [torch]

On the socket it reads a letter and a frame: F to fork, with the new process's own socket beside it,
and E to end one; it answers with its number, and with how it ended.
"""

import contextlib
import os
import signal
import socket
import sys
import sysconfig
from pathlib import Path

from tantra.classroom.sandbox import landlock, limits, seccomp
from tantra.classroom.sandbox.frames import Channel

PACKAGE = Path(__file__).parents[2]
HIDDEN = {"check", "classroom"}  # they hold right answers
SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime")
DEVICES = ("/dev/urandom", "/dev/random", "/dev/zero")


def main(number, folder, *ahead):
    """Serve the judge at the other end of the socket, until it goes."""
    limits.die_with_parent()
    answer = _prepared(ahead)
    limits.give_up_privileges()
    kept = landlock.restrict([*readable(), *SYSTEM, *DEVICES], [folder, "/dev/null"])
    control = socket.socket(fileno=int(number))
    channel = Channel(control)
    channel.send({"files": kept})
    while True:
        letter, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not letter:
            return
        message, _ = channel.receive()
        if letter == b"E":
            channel.send({"status": _end(message["process"])})
        elif process := os.fork():
            os.close(descriptors[0])
            channel.send({"process": process})
        else:
            control.close()
            _become(socket.socket(fileno=descriptors[0]), message, answer)


def readable():
    """The folders and files that an answer may read: Python, its packages, tantra but its checks.

    Of a folder of packages each is named, for what lies below an allowed one cannot be hidden.
    """
    for place in map(Path, sys.path):
        if place.is_dir() and (place != PACKAGE.parent or place.name.endswith("-packages")):
            yield from (each for each in place.iterdir() if each.name != PACKAGE.name)
    libraries = Path(sysconfig.get_path("stdlib"))
    yield from (each for each in libraries.iterdir() if not each.name.endswith("-packages"))
    yield from (each for each in PACKAGE.iterdir() if each.name not in HIDDEN)


def _prepared(ahead):
    """Import all that an answer may need; returns what makes an Answer of a channel."""
    import torch

    from tantra.check.misfit import explained
    from tantra.classroom.sandbox import surroundings
    from tantra.classroom.sandbox.answer import Answer

    torch.set_num_threads(1)
    if "torch" in ahead:
        torch.optim.Adam([torch.zeros(1)])  # the first optimizer imports for seconds
    surroundings.settle()
    return lambda channel: Answer(channel, explained)


def _end(process):
    """Kill a process with all that it began; returns how it ended: its status, or -signal."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(process, signal.SIGKILL)
    with contextlib.suppress(OSError):
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return 0


def _become(sock, message, answer):
    """Be the process of an answer: shut in, without a word to anybody but the judge."""
    try:
        os.setsid()
        limits.die_with_parent()
        folder = message["folder"]
        os.chdir(folder)
        os.environ.update(HOME=folder, TMPDIR=folder)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        files = landlock.restrict(["/"], [folder, os.devnull])
        calls = seccomp.restrict()
        limits.restrict(message["limits"])
        channel = Channel(sock)
        channel.send({"files": files, "calls": calls})
        answer(channel).serve()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
