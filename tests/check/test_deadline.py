"""Code that never ends is stopped, wherever it runs, and nothing is left behind."""

import contextlib
import importlib
import signal
import sys
import threading
import time

import pytest

from tantra.check import deadline
from tantra.check.deadline import Clock, OutOfTime


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
    thread.join(timeout=60)
    return found[0]


def stopped(function=endless, seconds=0.1, patience=60):
    return Clock(seconds, patience).run(function)


def busy(seconds):
    """Compute for so many seconds of processor time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


each_way = pytest.mark.parametrize("where", ["signals", "thread"])


@pytest.fixture
def way(where, monkeypatch):
    monkeypatch.setattr(deadline, "_has_signal", lambda: where == "signals")


@each_way
@pytest.mark.usefixtures("way")
def test_the_main_thread_is_stopped():
    with pytest.raises(OutOfTime) as stop:
        stopped()
    assert not stop.value.waited
    sum(range(100_000))  # no second exception arrives late


def test_another_thread_is_stopped():
    assert in_a_thread(stopped) is OutOfTime


@each_way
@pytest.mark.usefixtures("way")
def test_waiting_costs_no_processor_time():
    """As on a busy machine: the time on the wall passes, and the thread does not compute."""

    def waits():
        time.sleep(0.5)
        return "done"

    assert stopped(waits, seconds=0.25) == "done"


@each_way
@pytest.mark.usefixtures("way")
def test_one_who_waits_for_ever_is_stopped_on_the_wall():
    def waits():
        while True:
            time.sleep(0.01)

    with pytest.raises(OutOfTime) as stop:
        stopped(waits, seconds=60, patience=0.3)
    assert stop.value.waited


def test_a_clock_counts_all_its_runs():
    clock = Clock(0.5, 60)
    clock.run(lambda: busy(0.3))
    assert 0.1 < clock.left < 0.25
    with pytest.raises(OutOfTime):
        clock.run(lambda: busy(5))


@each_way
@pytest.mark.usefixtures("way")
def test_a_clock_that_has_run_out_starts_nothing():
    """Also after runs that were each too short to be looked at."""
    begun = []
    with pytest.raises(OutOfTime):
        Clock(0, 60).run(lambda: begun.append(1))
    assert not begun


def test_another_threads_work_does_not_count():
    over = threading.Event()

    def elsewhere():
        while not over.is_set():
            sum(range(1000))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    try:
        stopped(lambda: time.sleep(1), seconds=0.5)
    finally:
        over.set()
        thread.join()


SLOW = """
import time
end = time.thread_time() + 0.6
while time.thread_time() < end:
    pass
DONE = True
"""


@pytest.fixture
def slow_module(tmp_path, monkeypatch):
    (tmp_path / "tantra_slow_module.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    yield "tantra_slow_module"
    sys.modules.pop("tantra_slow_module", None)


@each_way
@pytest.mark.usefixtures("way")
def test_an_import_is_neither_counted_nor_cut_in_half(slow_module):
    def imports():
        return importlib.import_module(slow_module).DONE

    assert stopped(imports, seconds=0.2)


@each_way
@pytest.mark.usefixtures("way")
def test_after_the_import_the_clock_goes_on(slow_module):
    def imports():
        importlib.import_module(slow_module)
        endless()

    with pytest.raises(OutOfTime):
        stopped(imports, seconds=0.2)
    assert sys.modules[slow_module].DONE


@each_way
@pytest.mark.usefixtures("way")
def test_a_check_inside_an_import_is_stopped_all_the_same(tmp_path, monkeypatch):
    text = (
        "import tantra.check.deadline as d\nd.Clock(0.2, 60).run(lambda: [0 for _ in iter(int, 1)])"
    )
    (tmp_path / "tantra_endless_module.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OutOfTime):
        importlib.import_module("tantra_endless_module")


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
        busy(0.4)


@each_way
@pytest.mark.usefixtures("way")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_lost_exception_comes_again():
    def loses_it():
        Clumsy()
        endless()

    with pytest.raises(OutOfTime):
        stopped(loses_it)


def test_what_was_there_before_is_restored():
    def other(number, frame):
        pass

    before = signal.signal(signal.SIGALRM, other)
    signal.setitimer(signal.ITIMER_REAL, 600)
    try:
        with pytest.raises(OutOfTime):
            stopped()
        assert signal.getsignal(signal.SIGALRM) is other
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 300 < left < 600
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_quick_body_is_left_alone():
    handler = signal.getsignal(signal.SIGALRM)
    assert Clock(5, 60).run(lambda: 3) == 3
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.fixture
def interruptible():
    """Ctrl-C as a reader has it: a program started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@each_way
@pytest.mark.usefixtures("interruptible", "way")
def test_errors_and_the_readers_own_interrupt_pass_through():
    threads = threading.active_count()

    def interrupts():
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        stopped(interrupts, 5)
    with pytest.raises(ZeroDivisionError):
        stopped(lambda: 1 / 0, 5)
    assert threading.active_count() == threads
