"""A time limit for code that may never end.

In the main thread (where Jupyter runs its cells) a timer signal interrupts it; in another thread,
and on Windows, an exception is sent to the thread.  Both arrive between two steps of Python: one
single long NumPy call ends first.  Where the exception is lost, as in a destructor, it comes again;
only a loop with a bare `except:` inside can go on for ever.
"""

import contextlib
import ctypes
import signal
import threading
import time

AGAIN = 0.5  # seconds until the alarm strikes again


class OutOfTime(BaseException):
    """The time limit has passed; no Exception, so that `except Exception` does not swallow it."""


@contextlib.contextmanager
def time_limit(seconds):
    """Raise OutOfTime in the body of the with statement after so many seconds."""
    disarm = (_arm_signal if _has_signal() else _arm_thread)(seconds)
    try:
        try:
            yield
        finally:
            disarm()
    except OutOfTime:
        disarm()  # the alarm may have struck while the line above was disarming it
        raise


def _has_signal():
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "setitimer")


def _arm_signal(seconds):
    """Start the timer; returns the function that stops it and restores what was there before."""

    def strike(number, frame):
        raise OutOfTime

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, strike)
    delay, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)

    def disarm():
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler if handler is not None else signal.SIG_DFL)
        if delay:  # somebody else's timer was running: give it the time it has left
            left = max(delay - (time.monotonic() - began), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, interval)

    return disarm


def _arm_thread(seconds):
    """The same from a second thread, which sends the exception to this one."""
    target = ctypes.c_ulong(threading.get_ident())
    send = ctypes.pythonapi.PyThreadState_SetAsyncExc
    guard, over = threading.Lock(), threading.Event()

    def watch():
        wait = seconds
        while not over.wait(wait):
            wait = AGAIN
            with guard:
                if not over.is_set():
                    send(target, ctypes.py_object(OutOfTime))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()

    def disarm():
        with guard:
            over.set()
        watcher.join()  # an exception on its way arrives here at the latest

    return disarm
