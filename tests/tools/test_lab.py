"""JupyterLab opens on the first notebook, on a free port, and prints where."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import course
import lab


def listen(port=0):
    door = socket.socket()
    door.bind(("127.0.0.1", port))
    door.listen()
    return door


def test_a_port_that_is_taken_is_passed_over():
    with listen() as door:
        taken = door.getsockname()[1]
        assert lab.free_port(taken) > taken
        with pytest.raises(SystemExit, match="are all taken"):
            lab.free_port(taken, tries=1)


def test_without_a_display_there_is_no_browser(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not lab.has_browser()


def test_root_is_allowed_only_to_root():
    options = {root: lab.arguments(lab.FIRST, 8888, False, root) for root in (True, False)}
    assert "--allow-root" in options[True]
    assert "--allow-root" not in options[False]


def test_the_first_notebook_exists():
    assert (course.ROOT / lab.FIRST).exists()


def read_page(address, seconds=60):
    """What the address answers, as soon as it does: it is printed a moment before that."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=seconds) as page:
                return page.read().decode()
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_it_opens_and_prints_the_address(tmp_path):
    variables = {**os.environ, "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "JUPYTER_TOKEN"):
        variables.pop(name, None)
    server = subprocess.Popen(
        [sys.executable, Path(lab.__file__)],
        cwd=tmp_path,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        address = None
        for line in server.stdout:
            address = re.search(r"http://127\.0\.0\.1:\d+/\S+00_begin\.ipynb\?token=\w+", line)
            if address:
                break
        assert address, "the server ended without an address"
        text = read_page(address[0])
        assert '"treePath": "notebooks/00_begin.ipynb"' in text
        assert '"news": {"disabled": true}' in text
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()
