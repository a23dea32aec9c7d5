"""How much an answer may take of the machine."""

import contextlib
import ctypes
import os
import sys
from dataclasses import dataclass

try:
    import resource
except ImportError:  # Windows
    resource = None

DEATH_SIGNAL, NO_NEW_PRIVILEGES, KILL = 1, 38, 9
CAPSET = {"x86_64": 126, "aarch64": 91}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """seconds of processor time beyond none: the check's own; the rest in seconds and bytes.

    idle is the time on the wall in which an answer waits and computes nothing.
    """

    seconds: float | None = None
    idle: float = 20.0
    memory: int = 2**30
    file: int = 2**24
    folder: int = 2**26
    open_files: int = 64


def restrict(limits):
    """Set the limits that the system keeps, for this process and for good."""
    if resource is None:
        return
    wanted = {
        "RLIMIT_AS": _size() + limits["memory"] if _size() else None,
        "RLIMIT_FSIZE": limits["file"],
        "RLIMIT_NOFILE": limits["open_files"],
        "RLIMIT_CPU": int(limits["processor"]) + 5,
        "RLIMIT_CORE": 0,
        "RLIMIT_NPROC": None if sys.platform.startswith("linux") else 256,
    }
    for name, most in wanted.items():
        if most is not None and hasattr(resource, name):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (most, most))


def cap_memory(more):
    """Let this process and its children take so many bytes more, and no others."""
    if resource is not None and _size():
        resource.setrlimit(resource.RLIMIT_AS, (_size() + more,) * 2)


def die_with_parent():
    """Let this process be killed when the one that made it ends; Linux only."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, KILL, 0, 0, 0)


def give_up_privileges():
    """Let nothing that this process does win rights; give up those of root.  Linux only."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if number := CAPSET.get(os.uname().machine):
        head, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        libc.syscall(number, head, nothing)


def _size():
    """The bytes of address space that this process has; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
