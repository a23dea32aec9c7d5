"""A limit for code that may never end, counted in the processor time that the code itself takes.

A busy machine makes code wait, and that is not its fault: only processor time of its own thread
counts, and none of that which goes into an import.  An import is never cut in half, since the
module would stay broken for the rest of the process.  Code that waits without computing (a sleep,
an input) is stopped after a generous time on the wall.

In the main thread (where Jupyter runs its cells) a timer signal looks at the clock; in another
thread, and on Windows, a second thread does, and sends the exception.  Both arrive between two
steps of Python: one single long NumPy call ends first.  Where the exception is lost, as in a
destructor, it comes again; only a loop with a bare `except:` inside can go on for ever.
"""

import ctypes
import signal
import sys
import threading
import time

TICK = 0.1  # seconds on the wall between two looks at the clock
AGAIN = 0.5  # and until the exception comes again where it was lost
PATIENCE = 300.0  # seconds on the wall for code that waits
IMPORTS = ("importlib._bootstrap", "importlib._bootstrap_external")


class OutOfTime(BaseException):
    """A limit has passed; no Exception, so that `except Exception` does not swallow it.

    `waited` tells whether the code waited too long on the wall, rather than computed too long.
    """

    waited = False


class Waited(OutOfTime):
    """The time on the wall has passed, with little of it spent on computing."""

    waited = True


class Clock:
    """The time that is left to an attempt, over all its runs.

    seconds is processor time, patience time on the wall; `run` counts both.
    """

    def __init__(self, seconds, patience):
        self.left, self.patience = seconds, patience

    def run(self, action):
        """What action() returns; raises OutOfTime when one of the two has run out."""
        watch = _Watch(self, threading.get_ident(), sys._getframe())
        if due := watch.look(importing=False):  # the runs before were too short to be stopped
            raise due
        disarm = (_arm_signal if _has_signal() else _arm_thread)(watch)
        try:
            try:
                return action()
            finally:
                disarm()
        except OutOfTime:
            disarm()  # the alarm may have struck while the line above was disarming it
            raise
        finally:
            watch.look(importing=False)


class _Watch:
    """Takes off a Clock what one thread uses of it, above the frame `base`."""

    def __init__(self, clock, thread, base):
        self.clock, self.base, self.used = clock, base, _meter(thread)
        self.at, self.wall = self.used(), time.monotonic()

    def look(self, importing):
        """Count what was used since the last look, and return the exception that is due, if any."""
        at, wall = self.used(), time.monotonic()
        used, passed = at - self.at, wall - self.wall
        self.at, self.wall = at, wall
        if importing:
            return None
        self.clock.left -= used
        self.clock.patience -= passed
        if self.clock.left <= 0:
            return OutOfTime
        return Waited if self.clock.patience <= 0 else None

    def is_importing(self, frame):
        """Whether an import is under way in this frame or in one that called it."""
        while frame is not None and frame is not self.base:
            if frame.f_globals.get("__name__") in IMPORTS:
                return True
            frame = frame.f_back
        return False


def _meter(thread):
    """A function that says how many seconds of processor time a thread has used."""
    if hasattr(time, "pthread_getcpuclockid"):
        clock = time.pthread_getcpuclockid(thread)
        return lambda: time.clock_gettime(clock)
    return time.process_time


def _has_signal():
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "setitimer")


def _arm_signal(watch):
    """Start the timer; returns the function that stops it and restores what was there before."""

    def strike(number, frame):
        if due := watch.look(watch.is_importing(frame)):
            signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
            raise due

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, strike)
    delay, interval = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)

    def disarm():
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler if handler is not None else signal.SIG_DFL)
        if delay:  # somebody else's timer was running: give it the time it has left
            left = max(delay - (time.monotonic() - began), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, interval)

    return disarm


def _arm_thread(watch):
    """The same from a second thread, which sends the exception to this one."""
    thread = threading.get_ident()
    send = ctypes.pythonapi.PyThreadState_SetAsyncExc
    guard, over = threading.Lock(), threading.Event()

    def look():
        wait = TICK
        while not over.wait(wait):
            with guard:
                frame = sys._current_frames().get(thread)
                if not over.is_set() and (due := watch.look(watch.is_importing(frame))):
                    wait = AGAIN
                    send(ctypes.c_ulong(thread), ctypes.py_object(due))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()

    def disarm():
        with guard:
            over.set()
        watcher.join()  # an exception on its way arrives here at the latest

    return disarm
