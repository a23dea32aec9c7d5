"""Run notebooks with nbval as the course means it, where --nbval is given.

Each repair of nbval 0.11 below can go when nbval has its own.  With TANTRA_SPOIL=1 every
comparison is also put to the test; see tools/spoil.py.
"""

import os
import sys
import time
from pathlib import Path
from queue import Empty

import pytest

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))  # tests import the tools by name, as they import each other


@pytest.fixture(autouse=True, scope="session")
def names_in_examples(doctest_namespace):
    """np and torch, which the library's examples may use, whether or not their file does."""
    import numpy as np
    import torch

    doctest_namespace.update(np=np, torch=torch)


def pytest_configure(config):
    """Set nbval up, where it is asked for."""
    option = config.option
    if not getattr(option, "nbval", False):
        return
    option.nbval_sanitize_with = option.nbval_sanitize_with or str(ROOT / "tools/sanitize.cfg")
    option.nbval_cell_timeout = min(option.nbval_cell_timeout, 300)
    # Only nbval's own warnings reach pytest here: what a cell warns of is an output of that cell.
    config.addinivalue_line("filterwarnings", "default")
    repair_nbval()


def repair_nbval():
    """Put what nbval 0.11 lacks in its place."""
    from nbval import kernel, plugin

    kernel.RunningKernel.execute_cell_input = execute_cell_input
    kernel.RunningKernel.await_reply = await_reply
    kernel.start_new_kernel = started_alike(kernel.start_new_kernel)
    plugin.IPyNbCell.compare_outputs = put_to_the_test(plugin.IPyNbCell.compare_outputs)
    plugin.IPyNbCell.reportinfo = report_cell_id


def execute_cell_input(self, source, allow_stdin=None):
    """Keep the history, without which a semicolon at the end of a cell hides nothing."""
    return self.kc.execute(source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)


def await_reply(self, msg_id, timeout=None):
    """Await a reply, looking every second whether the kernel still lives."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = 1.0 if end is None else max(0.0, min(1.0, end - time.monotonic()))
        try:
            message = self.get_message(stream="shell", timeout=left)
        except Empty:
            if not self.is_alive():
                raise RuntimeError("the kernel died while running this cell") from None
            if end is not None and time.monotonic() >= end:
                raise
            continue
        if message["parent_header"].get("msg_id") == msg_id:
            if message["content"]["status"] == "aborted":
                raise RuntimeError("the kernel refused to run this cell")
            return


def started_alike(start):
    """start, with the environment in which outputs are stored."""
    from course import kernel_environment

    def started(*args, cwd=None, **kwargs):
        return start(*args, cwd=cwd, env=kernel_environment(cwd), **kwargs)

    return started


def put_to_the_test(compare):
    """compare, which with TANTRA_SPOIL=1 must also see every spoiled output."""
    from spoil import blind_spots

    def compare_outputs(self, fresh, stored, skip_compare=None):
        if not compare(self, fresh, stored, skip_compare):
            return False
        if os.environ.get("TANTRA_SPOIL"):
            self.format_output_compare = lambda *_: None  # a report on each would take seconds
            blind = blind_spots(stored, lambda wrong: not compare(self, fresh, wrong))
            del self.format_output_compare
            self.comparison_traceback = [f"blind: a change here is not seen: {b}" for b in blind]
            return not blind
        return True

    return compare_outputs


def report_cell_id(self):
    """Name a cell by its id."""
    return self.path, 0, f"{self.path.name}::{self.cell.get('id', self.name)}"
