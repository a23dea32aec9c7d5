"""Which system calls a process is refused, by Linux's seccomp: they fail with EPERM.

No new processes (threads are fine), no programs, no sockets, no signals, no changes of the rights
and times of files, nothing that outlives the process.
"""

import ctypes
import errno
import os
import struct
import sys

# name: its number on x86_64 and on aarch64; None where it is not there
REFUSED = {
    "socket": (41, 198), "fork": (57, None), "vfork": (58, None), "execve": (59, 221),
    "execveat": (322, 281), "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "chmod": (90, None), "fchmod": (91, 52),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchmodat": (268, 53),
    "fchmodat2": (452, 452), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "truncate": (76, 45), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196), "semget": (64, 190),
    "msgget": (68, 186), "mq_open": (240, 180), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "setpriority": (141, 140), "sched_setscheduler": (144, 119), "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122), "open_by_handle_at": (304, 265), "personality": (135, 92),
}  # fmt: skip
# name: its numbers, the bits or the number to compare its first argument with, is it let through?
CLONE, PRCTL, PRLIMIT, CLONE3 = (56, 220), (157, 167), (302, 261), 435
THREAD, DEATH_SIGNAL, THIRTY_TWO_BITS = 0x10000, 1, 0x40000000
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
LOAD, EQUAL, SET, AT_LEAST, RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
ALLOW, FAIL, END = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, ARCHITECTURE, FIRST = 0, 4, 16  # where they lie in what a filter sees


def restrict():
    """Refuse them to this process, for good; False where the system cannot."""
    machine = MACHINES.get(os.uname().machine) if sys.platform.startswith("linux") else None
    if machine is None or sys.byteorder != "little":
        return False
    program = b"".join(struct.pack("<HBBI", *step) for step in steps(*machine))
    content = ctypes.create_string_buffer(program, len(program))
    filter_program = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(content))
    return ctypes.CDLL(None).prctl(22, 2, filter_program, 0, 0) == 0


def steps(column, architecture):
    """The filter's steps, each (what to do, steps over if so, steps over if not, number)."""
    refuse = (RETURN, 0, 0, FAIL | errno.EPERM)
    numbers = [row[column] for row in REFUSED.values() if row[column] is not None]
    yield LOAD, 0, 0, ARCHITECTURE
    yield from [(EQUAL, 1, 0, architecture), (RETURN, 0, 0, END), (LOAD, 0, 0, NUMBER)]
    yield from [(AT_LEAST, 0, 1, THIRTY_TWO_BITS), refuse]
    for number in numbers:
        yield from [(EQUAL, 0, 1, number), refuse]
    yield from [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, FAIL | errno.ENOSYS)]
    yield from _by_argument(CLONE[column], (SET, 1, 0, THREAD))
    yield from _by_argument(PRLIMIT[column], (EQUAL, 1, 0, 0))
    yield from _by_argument(PRCTL[column], (EQUAL, 0, 1, DEATH_SIGNAL))
    yield RETURN, 0, 0, ALLOW


def _by_argument(number, question):
    """Steps that refuse a call where the question, asked of its first argument, leads to them."""
    yield EQUAL, 0, 4, number
    yield from [(LOAD, 0, 0, FIRST), question, (RETURN, 0, 0, FAIL | errno.EPERM)]
    yield RETURN, 0, 0, ALLOW
