"""What the browser tool says where there is no browser, and what it reads from a notebook."""

import inspect
import subprocess
import sys

import pytest
from nbformat.v4 import new_output

import browser
from text import from_text

NOTEBOOK = """\
%% code fails
1 / 0

%% code may-fail [raises-exception]
1 / 0

%% code warns
warn()

%% code never-ran
1
"""


@pytest.fixture
def without_chromium(monkeypatch):
    """A machine with playwright and apt-get, and no Chromium; returns the commands it was given."""
    given = []

    def run(command, **_):
        given.append(command[1])
        return subprocess.CompletedProcess(command, 100, "", "E: no network\n")

    monkeypatch.setattr(browser, "find_playwright", lambda: None)
    monkeypatch.setattr(browser.shutil, "which", lambda name: "apt" if name == "apt-get" else None)
    monkeypatch.setattr(browser.subprocess, "run", run)
    return given


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_chromium_it_is_skipped_in_words_and_red_in_ci(
    without_chromium, monkeypatch, capsys, ci, status
):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000, raising=False)
    assert browser.main([]) == status
    assert capsys.readouterr().out.startswith("browser: skipped, no chromium here, and only root")
    assert without_chromium == []


def test_root_installs_chromium_and_says_why_it_could_not(without_chromium, monkeypatch, capsys):
    monkeypatch.setenv("CI", "")
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0, raising=False)
    assert browser.main([]) == 0
    assert "could not install it: E: no network" in capsys.readouterr().out
    assert without_chromium == ["update", "install"]


def test_what_failed_names_the_cells():
    notebook = from_text(NOTEBOOK)
    error = new_output("error", ename="ZeroDivisionError", evalue="division by zero")
    for number, cell in enumerate(notebook.cells[:3], 1):
        cell.execution_count = number
        cell.outputs = [error]
    notebook.cells[2].outputs = [new_output("stream", name="stderr", text="careful")]
    assert list(browser.what_failed(notebook)) == [
        "cell fails: ZeroDivisionError: division by zero",
        "cell warns warns: careful",
        "cell never-ran did not run",
    ]


def test_ports_differ():
    assert browser.free_port() != browser.free_port()


SLOW = """
import http.server, time
time.sleep(1)
handler = http.server.SimpleHTTPRequestHandler
http.server.HTTPServer(("127.0.0.1", {port}), handler).serve_forever()
"""


@pytest.fixture
def start():
    """A function that starts a Python program, which ends with the test at the latest."""
    started = []

    def start(program):
        started.append(subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_server_that_is_slow_is_awaited(start, tmp_path):
    port, log = browser.free_port(), tmp_path / "log"
    log.write_text("busy")
    server = start(SLOW.format(port=port))
    browser.await_server(server, f"http://127.0.0.1:{port}/", log)
    with pytest.raises(RuntimeError, match="JupyterLab did not answer in 0 seconds:\nbusy"):
        browser.await_server(server, f"http://127.0.0.1:{port}/", log, seconds=0)


def test_a_server_that_ended_is_awaited_no_longer(start, tmp_path):
    (tmp_path / "log").write_text("no such option")
    address = f"http://127.0.0.1:{browser.free_port()}/"
    with pytest.raises(RuntimeError, match="JupyterLab ended:\nno such option"):
        browser.await_server(start("exit(1)"), address, tmp_path / "log")


def test_patience_is_longer_than_any_load():
    assert browser.PATIENCE >= 1800
    assert inspect.signature(browser.await_server).parameters["seconds"].default == browser.PATIENCE
