"""JupyterLab opens on the first notebook, on a free port, and prints where."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from nbformat.sign import NotebookNotary

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


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A repository with three notebooks, one of them changed since, and a stray one."""
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "copy"
    folder.mkdir()
    names = ("kept.ipynb", "changed.ipynb", "staged.ipynb", "stray.ipynb")
    for name in names:
        shutil.copy(course.ROOT / lab.FIRST, folder / name)

    def git(*words):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)

    git("init")
    git("add", *names[:3])
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "three")
    for name in names[1:3]:
        (folder / name).write_text((folder / name).read_text() + "\n")
    git("add", "staged.ipynb")
    return folder


def test_only_notebooks_as_committed_are_trusted(copy, tmp_path):
    assert lab.unchanged(copy) == [copy / "kept.ipynb"]
    shutil.rmtree(copy / ".git")
    (copy / ".git").write_text("gitdir: nowhere")
    assert lab.unchanged(copy) == []


def test_trusted_notebooks_are_signed(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    notebook = course.read(course.ROOT / lab.FIRST)
    notary = NotebookNotary()
    assert not notary.check_signature(notebook)
    lab.trust([course.ROOT / lab.FIRST])
    assert notary.check_signature(notebook)
    notary.store.close()


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


def settings_of(plugin, address):
    """Where the server at address tells JupyterLab the settings of plugin."""
    server, token = re.match(r"(http://[^/]+)/.*(\?token=\w+)", address).groups()
    return f"{server}/lab/api/settings/{plugin}{token}"


@pytest.fixture
def keyboard():
    """What a program reads from, a terminal where the system has one."""
    ends = os.openpty() if hasattr(os, "openpty") else []
    yield ends[1] if ends else subprocess.DEVNULL
    for end in ends:
        os.close(end)


def test_it_opens_prints_the_address_and_stops(tmp_path, keyboard):
    variables = {**os.environ, "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "JUPYTER_TOKEN"):
        variables.pop(name, None)
    server = subprocess.Popen(
        [sys.executable, Path(lab.__file__)],
        cwd=tmp_path,
        env=variables,
        stdin=keyboard,
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
        for plugin, ours in json.loads((lab.SETTINGS / "overrides.json").read_text()).items():
            schema = json.loads(read_page(settings_of(plugin, address[0])))["schema"]
            for name, value in ours.items():
                assert schema["properties"][name]["default"] == value
        if keyboard != subprocess.DEVNULL:
            server.send_signal(signal.SIGINT)  # Ctrl-C, once and without a question
            server.wait(30)
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()
