"""Which files a process and its children may read and write, by Linux's Landlock (5.13, 2021).

No rights are needed to give one's own up.  What is not allowed is denied, and so is, where the
kernel knows how, every TCP connection and every signal to a process outside.
"""

import ctypes
import os
import struct
import sys

CREATE, ADD, RESTRICT = 444, 445, 446  # numbers of the system calls, on every machine
BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # kinds of access that a version knows
EXECUTE, WRITE, READ, LIST = 1, 2, 4, 8
REFER, TRUNCATE, DEVICE = 1 << 13, 1 << 14, 1 << 15
OF_A_FILE = EXECUTE | WRITE | READ | TRUNCATE | DEVICE


def version():
    """The version of Landlock that the kernel knows; 0 where it knows none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, ctypes.CDLL(None).syscall(CREATE, None, ctypes.c_size_t(0), 1))


def restrict(readable, writable):
    """Allow this process the files below these, and no others, for good; False where it can't be.

    Those that are not there are passed over.  no_new_privs must be set before.
    """
    if not (known := version()):
        return False
    every = (1 << BITS.get(known, 16)) - 1
    net, scoped = (3 if known >= 4 else 0), (3 if known >= 6 else 0)
    attributes = struct.pack("<QQQ", every, net, scoped)[: 8 * (1 + (known >= 4) + (known >= 6))]
    libc = ctypes.CDLL(None, use_errno=True)
    ruleset = libc.syscall(CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(libc, ruleset, path, (READ | LIST | EXECUTE) & every)
        for path in writable:
            _allow(libc, ruleset, path, every & ~EXECUTE)
        return libc.syscall(RESTRICT, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(libc, ruleset, path, access):
    try:
        found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        access &= -1 if os.path.isdir(path) else OF_A_FILE
        libc.syscall(ADD, ruleset, 1, struct.pack("<Qi", access, found), 0)
    finally:
        os.close(found)
