"""Code that never ends is stopped, wherever it runs, and nothing is left behind."""

import contextlib
import signal
import threading
import time

import pytest

from tantra.check import deadline
from tantra.check.deadline import OutOfTime, time_limit


def endless():
    while True:
        pass


def in_a_thread(function):
    """What function returned or raised in a second thread."""
    found = []

    def body():
        try:
            found.append(function())
        except BaseException as error:
            found.append(type(error))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(timeout=10)
    return found[0]


def stopped(function=endless, seconds=0.1):
    with time_limit(seconds):
        function()


@pytest.fixture
def without_signals(monkeypatch):
    monkeypatch.setattr(deadline, "_has_signal", lambda: False)


def test_the_main_thread_is_stopped():
    began = time.monotonic()
    with pytest.raises(OutOfTime):
        stopped()
    assert time.monotonic() - began < 2


def test_another_thread_is_stopped():
    assert in_a_thread(stopped) is OutOfTime


@pytest.mark.usefixtures("without_signals")
def test_without_signals_the_main_thread_is_stopped():
    with pytest.raises(OutOfTime):
        stopped()
    sum(range(100_000))  # no second exception arrives late


def test_except_exception_does_not_swallow_it():
    def swallows():
        while True:
            with contextlib.suppress(Exception):
                endless()

    with pytest.raises(OutOfTime):
        stopped(swallows)


class Clumsy:
    """Python drops an exception that arrives while an object is being taken apart."""

    def __del__(self):
        time.sleep(0.2)


@pytest.mark.parametrize("where", ["signals", "thread"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_lost_exception_comes_again(where, monkeypatch):
    monkeypatch.setattr(deadline, "_has_signal", lambda: where == "signals")

    def loses_it():
        Clumsy()
        endless()

    with pytest.raises(OutOfTime):
        stopped(loses_it)


def test_what_was_there_before_is_restored():
    def other(number, frame):
        pass

    before = signal.signal(signal.SIGALRM, other)
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        with pytest.raises(OutOfTime):
            stopped()
        assert signal.getsignal(signal.SIGALRM) is other
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 50 < left < 60
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_quick_body_is_left_alone():
    handler = signal.getsignal(signal.SIGALRM)
    with time_limit(5):
        pass
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.fixture
def interruptible():
    """Ctrl-C as a reader has it: a program started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("where", ["signals", "thread"])
def test_errors_and_the_readers_own_interrupt_pass_through(where, monkeypatch):
    monkeypatch.setattr(deadline, "_has_signal", lambda: where == "signals")

    threads = threading.active_count()

    def interrupts():
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        stopped(interrupts, 5)
    with pytest.raises(ZeroDivisionError):
        stopped(lambda: 1 / 0, 5)
    assert threading.active_count() == threads
