"""The gates run in order, all of them, and say which one failed."""

import re
import subprocess
import sys

import pytest

import conda_pip
import course
import environment
import gates
import offline


def gate(name, program, **more):
    return gates.Gate(name, "proves nothing", (("-c", program),), **more)


def test_all_run_and_the_failed_one_is_named(monkeypatch, capsys):
    monkeypatch.setattr(offline, "prefix", list)
    monkeypatch.setattr(
        gates,
        "GATES",
        (gate("bad", "print('why'); exit(1)", mend="make it"), gate("good", "print('2 passed')")),
    )
    assert gates.main([]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"why\nbad        FAILED +\d+\.\d s   may be mended by: make it\n", printed)
    assert "good       passed" in printed
    assert "2 passed\n" in printed
    assert "1 of 2 gates passed" in printed
    assert printed.endswith("failed: bad\n")
    assert gates.main(["good"]) == 0


def test_a_gate_fails_with_any_of_its_commands():
    two = gates.Gate("two", "", (("-c", "print('first'); exit(1)"), ("-c", "print('second')")))
    assert gates.run(two, [])[:2] == (False, "first\nsecond")


def test_an_unknown_gate_is_refused():
    with pytest.raises(SystemExit, match=r"No gate named wings; there are .*style, lint"):
        gates.main(["wings"])


def test_a_gate_runs_with_its_threads_and_no_progress_file(monkeypatch):
    monkeypatch.setenv("TANTRA_STRICT", "1")
    names = ("OMP_NUM_THREADS", "TANTRA_PROGRESS", "TANTRA_STRICT")
    program = f"import os; print(*(os.environ.get(name) for name in {names}))"
    assert gates.run(gate("variables", program, threads=2), [])[:2] == (True, "2 memory None")


def test_every_gate_has_its_tool():
    for tool in gates.GATES:
        for command in tool.commands:
            assert command[0] == "-m" or (course.ROOT / command[0]).exists()


def test_gates_are_cut_off_from_the_network():
    prefix = offline.prefix()
    if not prefix:
        pytest.skip("this machine does not let a process have a network of its own")
    program = """
import socket
with socket.create_server(("127.0.0.1", 0)) as door:
    socket.create_connection(door.getsockname()).close()
    print("loopback")
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as error:
    print(error)
"""
    expected = (True, "loopback\n[Errno 101] Network is unreachable")
    assert gates.run(gate("offline", program), prefix)[:2] == expected


def test_the_pip_section_is_found():
    text = "dependencies:\n  - python\n  - pip:\n      - --editable .[course]\n"
    assert conda_pip.pip_section(text) == ["--editable .[course]"]
    with pytest.raises(ValueError, match="no pip section"):
        conda_pip.pip_section("dependencies: [python]")


@pytest.fixture
def conda(tmp_path, monkeypatch):
    """conda_pip, which installs nothing and remembers in tmp_path."""
    monkeypatch.setattr(conda_pip, "PASSED", tmp_path / "cache/passed")
    monkeypatch.setattr(conda_pip, "install_section", lambda place: place.parent.mkdir(exist_ok=1))
    monkeypatch.setattr(conda_pip, "run_notebook", lambda place: None)
    monkeypatch.delenv("CI", raising=False)
    return conda_pip


def test_the_same_files_are_installed_once_but_always_in_ci(conda, monkeypatch):
    assert "ran in an empty environment" in conda.main()
    assert "passed before" in conda.main()
    monkeypatch.setenv("CI", "true")
    assert "ran in an empty environment" in conda.main()


def test_without_network_it_is_skipped_but_not_in_ci(conda, monkeypatch):
    def fail(place):
        raise environment.NetworkError("pip could not reach the network.")

    monkeypatch.setattr(conda, "install_section", fail)
    assert conda.main() == "skipped: pip could not reach the network."
    monkeypatch.setenv("CI", "true")
    with pytest.raises(environment.NetworkError):
        conda.main()


def test_a_notebook_that_fails_fails_the_gate(conda, monkeypatch):
    def fail(place):
        raise subprocess.CalledProcessError(1, [sys.executable])

    monkeypatch.setattr(conda, "run_notebook", fail)
    with pytest.raises(subprocess.CalledProcessError):
        conda.main()
    assert not conda.PASSED.exists()
