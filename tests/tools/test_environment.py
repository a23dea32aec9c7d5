"""Set-up does its work once, says in one sentence what is wrong, and recovers."""

import ast
import os
import runpy
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import environment

SOURCE = Path(environment.__file__)
TOO_NEW = {
    ast.JoinedStr: lambda node: True,
    ast.NamedExpr: lambda node: True,
    ast.AnnAssign: lambda node: True,
    ast.Raise: lambda node: node.cause,
    ast.arg: lambda node: node.annotation,
    ast.FunctionDef: lambda node: node.args.kwonlyargs or node.returns,
    ast.Call: lambda node: getattr(node.func, "id", "") == "print",
}


def too_new(source):
    """The parts of source that an old Python cannot read, or reads otherwise."""
    nodes = ast.walk(ast.parse(source))
    return [node for node in nodes if type(node) in TOO_NEW and TOO_NEW[type(node)](node)]


def test_the_file_can_be_read_by_a_python_that_is_too_old():
    assert not too_new(SOURCE.read_text())
    assert SOURCE.read_text().isascii()


@pytest.mark.parametrize("source", ["f'{x}'", "raise A from b", "def f(x: int): 0", "print(x)"])
def test_newer_syntax_would_be_seen(source):
    assert too_new(source)


def test_a_python_that_is_too_old_is_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    monkeypatch.setattr(sys, "version", "3.8.18 (default)")
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer, and this is Python 3\.8"):
        runpy.run_path(str(SOURCE))


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A folder like the course's, where creating and installing are written down, not done."""
    (tmp_path / "pyproject.toml").write_text(
        '[project.optional-dependencies]\ncourse = ["a"]\ntest = ["b"]\n'
    )
    (tmp_path / "constraints.txt").write_text("a==1\n")
    house = House(tmp_path)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "PLACE", house.place)
    monkeypatch.setattr(environment, "create", house.create)
    monkeypatch.setattr(environment, "install", house.install)
    monkeypatch.setattr(environment, "version_in", house.version_in)
    monkeypatch.setattr(environment, "look", house.look)
    return house


class House:
    def __init__(self, root):
        self.root, self.place = root, root / ".venv"
        self.done = []
        self.failure = self.unseen = None

    def create(self, place):
        place.mkdir()
        environment.write_stamp(place, environment.UNFINISHED)
        (place / "pip").touch()
        self.done.append("create")

    def install(self, place, arguments):
        if self.failure:
            raise self.failure
        assert environment.read_stamp(place) == (environment.UNFINISHED, set())
        assert arguments[:3] == ["--constraint", "constraints.txt", "--editable"]
        self.done.append(arguments[3])

    def look(self, place):
        assert environment.read_stamp(place) == (environment.UNFINISHED, set())
        if self.unseen:
            raise self.unseen

    def version_in(self, place):
        return "(3, 11)" if (place / "pip").exists() else ""

    def prepare(self, *extras):
        """What prepare does for these extras."""
        self.done.clear()
        environment.prepare(extras, self.place)
        return self.done


def test_what_is_there_is_not_done_again(house):
    assert house.prepare("course") == ["create", ".[course]"]
    assert house.prepare("course") == []


def test_extras_are_added_and_stay(house):
    house.prepare("course")
    assert house.prepare("course", "test") == [".[course,test]"]
    assert house.prepare("course") == []
    (house.root / "constraints.txt").write_text("a==2\n")
    assert house.prepare("course") == [".[course,test]"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_packages_is_installed(house, name):
    house.prepare("course")
    with (house.root / name).open("a") as file:
        file.write("# changed\n")
    assert house.prepare("course") == [".[course]"]


def test_a_folder_that_moved_is_installed_again(house, monkeypatch):
    house.prepare("course")
    moved = house.root.with_name("moved")
    house.root.rename(moved)
    monkeypatch.setattr(environment, "ROOT", moved)
    house.place = moved / ".venv"
    assert house.prepare("course") == [".[course]"]


def test_another_python_is_installed_into(house, monkeypatch):
    house.prepare("course")
    monkeypatch.setattr(environment, "version_in", lambda place: "(3, 13)")
    assert house.prepare("course") == [".[course]"]


@pytest.mark.parametrize("state", ["killed while it was made", "pip is gone"])
def test_a_half_made_environment_is_made_anew(house, state, capsys):
    house.prepare("course")
    if state == "pip is gone":
        (house.place / "pip").unlink()
    else:
        environment.write_stamp(house.place, environment.UNFINISHED)
    assert house.prepare("course") == ["create", ".[course]"]
    assert "half-made, or its Python is gone: making it anew" in capsys.readouterr().out
    assert house.prepare("course") == []


def test_an_interrupted_install_is_begun_anew(house):
    house.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        house.prepare("course")
    house.failure = None
    assert house.prepare("course") == ["create", ".[course]"]


def test_an_update_that_fails_leaves_what_was_there(house):
    house.prepare("course")
    (house.root / "constraints.txt").write_text("a==2\n")
    house.failure = environment.NetworkError("no network")
    with pytest.raises(environment.NetworkError):
        house.prepare("course")
    house.failure = None
    assert house.prepare("course") == [".[course]"]


def test_what_cannot_be_imported_is_not_called_done(house):
    house.unseen = environment.SetupError("it cannot import it")
    with pytest.raises(environment.SetupError):
        house.prepare("course")
    house.unseen = None
    assert house.prepare("course") == ["create", ".[course]"]
    assert house.prepare("course") == []


def test_an_environment_made_by_hand_is_kept(house):
    house.place.mkdir()
    (house.place / "pip").touch()
    assert house.prepare("course") == [".[course]"]


def test_a_folder_that_is_no_environment_is_not_removed(house):
    house.place.mkdir()
    (house.place / "diary.txt").touch()
    with pytest.raises(environment.SetupError, match="is no virtual environment: move it"):
        house.prepare("course")
    assert (house.place / "diary.txt").exists()


def test_an_unknown_extra_is_refused(house):
    with pytest.raises(environment.SetupError, match=r"no extra named curse\."):
        house.prepare("curse")
    assert not house.place.exists()


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (environment.NetworkError("pip could not reach the network"), "pip could not reach"),
        (PermissionError(13, "Permission denied"), "This could not be done: .*Permission denied"),
        (KeyboardInterrupt(), "Stopped before the end"),
    ],
)
def test_a_failure_is_one_sentence(house, failure, sentence):
    house.failure = failure
    with pytest.raises(SystemExit, match=sentence):
        environment.main(["course"])


def fake_python(place, prints):
    """A place whose interpreter prints these words and fails."""
    program = environment.python_in(place)
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{prints}'\nexit 1\n")
    program.chmod(0o755)
    return place


# As pip 23 prints them, without a network, behind a server with a certificate of its own, and
# behind a proxy that wants a password; in echo's single quotes.
AGAIN = 'WARNING: Retrying (Retry(total={})) after connection broken by "{}": /simple/torch/'
REFUSED = "NewConnectionError([Errno 111] Connection refused)"
CERTIFICATE = "SSLError(SSLCertVerificationError([SSL: CERTIFICATE_VERIFY_FAILED] self-signed))"
PROXY = "ProxyError(Tunnel connection failed: 407 Proxy Authentication Required)"
FOUND = "ERROR: Could not find a version that satisfies the requirement torch (from versions: {})"
NONE, SOME = (
    f"{FOUND.format(versions)}\nERROR: No matching distribution found for torch"
    for versions in ("none", "2.9.0")
)


@pytest.mark.skipif(os.name == "nt", reason="the fake interpreter is a shell script")
@pytest.mark.parametrize(
    ("prints", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("WARNING: Retrying (Retry(total=0)) after ...", "could not reach the network"),
        ("ERROR: no matching distribution", "its last lines above say why"),
        (f"{AGAIN.format(0, REFUSED)}\n{NONE}", "could not reach the network: connect"),
        (f"{AGAIN.format(4, REFUSED)}\n{SOME}", "its last lines above say why"),
        (f"{AGAIN.format(0, REFUSED)}\n{SOME}", "its last lines above say why"),
        (f"{AGAIN.format(0, REFUSED)}\nERROR: hashes differ", "its last lines above say why"),
        (f"{AGAIN.format(0, CERTIFICATE)}\n{NONE}", "met a certificate that it does not know"),
        (f"{AGAIN.format(0, PROXY)}\n{NONE}", "The proxy between pip and the network let noth"),
        (f"{AGAIN.format(4, REFUSED)}\n{AGAIN.format(0, CERTIFICATE)}\n{NONE}", "certificate"),
        (f"ERROR: HTTPSConnectionPool: Max retries exceeded: {CERTIFICATE}", "certificate"),
        ("ERROR: HTTPSConnectionPool: Read timed out.", "could not reach the network"),
        ("error: connection-timeout", "could not reach the network"),
        ("error: ssl-verification-failed\ncertificate verify failed", "could not reach|certif"),
    ],
)
def test_what_pip_says_becomes_a_sentence(tmp_path, prints, sentence):
    with pytest.raises(environment.SetupError, match=sentence):
        environment.install(fake_python(tmp_path / "env", prints), [])


@pytest.mark.skipif(os.name == "nt", reason="the fake interpreter is a shell script")
def test_pips_lines_are_shown_without_its_warnings(tmp_path, capsys):
    place = fake_python(tmp_path / "env", "WARNING: noise\nERROR: no such package")
    with pytest.raises(environment.SetupError):
        environment.install(place, [])
    assert capsys.readouterr().out == "ERROR: no such package\n"


@pytest.mark.skipif(os.name == "nt", reason="the fake interpreter is a shell script")
def test_pip_is_led_nowhere_else(tmp_path, monkeypatch, capsys):
    for name in ("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, f"set-{name.lower()}")
    place = fake_python(tmp_path / "env", "'$(env | grep set-pip)'")
    with pytest.raises(environment.SetupError):
        environment.install(place, [])
    assert capsys.readouterr().out == "PIP_INDEX_URL=set-pip_index_url\n"


@pytest.mark.skipif(os.name == "nt", reason="looks into a Linux or macOS environment")
def test_a_course_that_is_not_there_is_not_found_elsewhere(tmp_path, monkeypatch, capsys):
    place = tmp_path / "env"
    venv.create(place, symlinks=True)
    monkeypatch.setenv("PYTHONPATH", str(environment.ROOT))
    monkeypatch.chdir(environment.ROOT)
    with pytest.raises(environment.SetupError, match="names a prefix, target, root or user, take"):
        environment.look(place)
    assert "No module named 'tantra'" in capsys.readouterr().out
    (folder,) = place.glob("lib/python*/site-packages")
    (folder / "tantra.py").touch()
    environment.look(place)


def test_a_folder_in_which_python_makes_no_environment_is_named(tmp_path):
    place = tmp_path / f"10{os.pathsep}30" / ".venv"
    with pytest.raises(environment.SetupError, match=f"folder with '{os.pathsep}' in its path"):
        environment.create(place)
    assert not place.parent.exists()


def test_the_real_pip_without_network_is_understood(monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "1")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(environment.NetworkError):
        environment.install(Path(sys.prefix), ["--dry-run", "no-package-has-this-name"])


@pytest.mark.skipif(os.name == "nt", reason="looks into a Linux or macOS environment")
def test_a_real_environment_is_judged(tmp_path):
    place = tmp_path / "env"
    assert environment.version_in(place) == ""
    venv.create(place, symlinks=True)
    assert environment.version_in(place) == ""
    (folder,) = place.glob("lib/python*/site-packages")
    (folder / "pip.py").touch()
    assert environment.version_in(place) == str(sys.version_info[:2])
    program = environment.python_in(place)
    program.unlink()
    program.symlink_to(tmp_path / "gone")
    assert environment.version_in(place) == ""


@pytest.mark.skipif(os.name == "nt", reason="looks into a Linux or macOS environment")
def test_a_python_without_ensurepip_is_named(tmp_path, monkeypatch):
    refuse = lambda *args, **kwargs: subprocess.CompletedProcess(args, 1)  # noqa: E731
    monkeypatch.setattr(environment.subprocess, "run", refuse)
    with pytest.raises(environment.SetupError, match=r"ensurepip.*apt install python3-venv"):
        environment.create(tmp_path / "env")
    assert environment.read_stamp(tmp_path / "env") == (environment.UNFINISHED, set())
