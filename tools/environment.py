"""Make .venv and install the course into it; do nothing where nothing has changed.

    python3 tools/environment.py                 for studying (make lab)
    python3 tools/environment.py course test     for the gates (make test)

A Python that is too old must still be able to read this file and say so. It therefore keeps to
syntax that every Python knows: no f-strings, no annotations, nothing that print would need.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "This course needs Python 3.11 or newer, and this is Python "
        + sys.version.split()[0]
        + ". Install a newer one, then name it: make lab PYTHON=python3.12"
    )

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import tomllib
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACE = ROOT / ".venv"
STAMP = "tantra-stamp"
UNFINISHED = "unfinished"

NO_NETWORK = (  # in an error of pip, not in a warning that it tries again
    "Connection refused",
    "Failed to establish a new connection",
    "Max retries exceeded",
    "Network is unreachable",
    "Read timed out",
    "connection-failed",
    "connection-timeout",
    "name resolution",
    "ssl-verification-failed",
)
CAUSES = {  # the word of pip that tells it, and what to do
    "certificate": "pip met a certificate that it does not know, as a proxy or a virus scanner "
    "shows: name its file, as in PIP_CERT=/path/to/it.pem make lab.",
    "proxy": "The proxy between pip and the network let nothing through: name the right one, as in "
    "HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT make lab.",
    "": "pip could not reach the network: connect, then run this again.",
}
ELSEWHERE = (  # pip's settings by which it would install nothing, or not here
    "PIP_DRY_RUN",
    "PIP_NO_DEPS",
    "PIP_PREFIX",
    "PIP_PYTHON",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
)
DISK_FULL = "No space left on device"


class SetupError(Exception):
    """What went wrong and what to do, in one sentence for the reader."""


class NetworkError(SetupError):
    """pip could not reach the network."""


def say(sentence):
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def python_in(place):
    """The path of the environment's own interpreter."""
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def version_in(place):
    """The environment's Python version; "" where its Python does not run or has no pip."""
    ask = "import pip, sys; print(sys.version_info[:2])"
    try:
        answer = subprocess.run([python_in(place), "-c", ask], capture_output=True, text=True)
    except OSError:
        return ""
    return answer.stdout.strip()


def fingerprint(version):
    """One line that changes when an installed environment no longer fits this folder."""
    parts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    parts += [str(ROOT).encode(), version.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_stamp(place):
    """The fingerprint and the set of extras of the last finished install."""
    try:
        words = (place / STAMP).read_text().split()
    except OSError:
        words = []
    return "".join(words[:1]), set(words[1:])


def write_stamp(place, *words):
    (place / STAMP).write_text(" ".join(words) + "\n")


def create(place):
    """Make an environment, marked as unfinished, that holds nothing but pip."""
    if os.pathsep in str(place):
        raise SetupError(
            "Python makes no environment in a folder with '" + os.pathsep + "' in its path: rename "
            "it, here " + str(place.parent) + ", then run the same command again."
        )
    place.mkdir(parents=True)
    write_stamp(place, UNFINISHED)
    venv.create(place, symlinks=os.name != "nt")
    ensure = [python_in(place), "-m", "ensurepip", "--upgrade", "--default-pip"]
    if subprocess.run(ensure, capture_output=True).returncode:
        raise SetupError(
            "This Python cannot put pip into a virtual environment: install its ensurepip (on "
            "Debian or Ubuntu: apt install python3-venv), then run the same command again."
        )


def wait_for(process, started):
    """Wait for a process to end; in a terminal, count the seconds meanwhile."""
    while True:
        try:
            return process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if sys.stdout.isatty():
                sys.stdout.write("\r" + str(round(time.monotonic() - started)) + " s \r")
                sys.stdout.flush()


def no_network(output):
    """What kept pip from the network, and what to do, in a sentence; "" where it got there."""
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "WARNING" not in line]
    lost = [line for line in errors if any(sign in line for sign in NO_NETWORK)]
    if not errors or any("No matching distribution" in line for line in errors):
        lost += [line for line in lines if "Retry(total=0" in line]  # its last try
    if any("(from versions: " in line and "versions: none" not in line for line in errors):
        return ""  # it had the list of versions
    words = " ".join(lost).lower()
    return next(CAUSES[word] for word in CAUSES if word in words) if lost else ""


def variables():
    """The environment variables for pip, without those that lead it elsewhere."""
    return {name: value for name, value in os.environ.items() if name not in ELSEWHERE}


def install(place, arguments):
    """Let pip install what the arguments say, in silence unless it fails."""
    pip = [python_in(place), "-m", "pip", "install", "--quiet", "--no-input"]
    pip += ["--disable-pip-version-check", "--no-compile"]  # Python compiles what it imports
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            pip + arguments, cwd=ROOT, env=variables(), stdout=log, stderr=log
        )
        if wait_for(process, started) == 0:
            return
        log.seek(0)
        output = log.read()
    if DISK_FULL in output:
        raise SetupError("The disk is full: free some space, then run the same command again.")
    if no_network(output):
        raise NetworkError(no_network(output))
    lines = [line for line in output.splitlines() if line and not line.startswith("WARNING")]
    say("\n".join(lines[-12:]))
    raise SetupError("pip failed; its last lines above say why: mend that, then run this again.")


def look(place):
    """Raise unless the course can be imported there; -I: from no other folder than its own."""
    command = [python_in(place), "-I", "-c", "import tantra"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        say("\n".join(done.stderr.splitlines()[-3:]))
        raise SetupError(
            "pip has installed the course, and " + place.name + " cannot import it, as said above: "
            "if `pip config list` names a prefix, target, root or user, take that out; then run "
            "this again."
        )


def remove(place):
    """Remove an environment that is of no use; refuse to remove anything else."""
    if not any((place / name).exists() for name in ("pyvenv.cfg", STAMP)):
        raise SetupError(str(place) + " is no virtual environment: move it out of the way.")
    say("The " + place.name + " here is half-made, or its Python is gone: making it anew.")
    shutil.rmtree(place)


def refuse_unknown(extras):
    """Raise where pyproject.toml has no such extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    unknown = sorted(set(extras).difference(project["optional-dependencies"]))
    if unknown:
        raise SetupError("pyproject.toml has no extra named " + ", ".join(unknown) + ".")


def prepare(extras, place):
    """Bring an environment into the state where it holds the course with these extras."""
    refuse_unknown(extras)
    version = version_in(place)
    mark, present = read_stamp(place)
    if place.exists() and (mark == UNFINISHED or not version):
        remove(place)
    elif version and mark == fingerprint(version) and present.issuperset(extras):
        return
    say("Installing the course into " + place.name + ": a few minutes, most of them for PyTorch.")
    started = time.monotonic()
    if not place.exists():
        create(place)
        mark, present = UNFINISHED, set()
    wanted = sorted(present.union(extras))
    write_stamp(place, UNFINISHED)
    try:
        packages = ".[" + ",".join(wanted) + "]"
        install(place, ["--constraint", "constraints.txt", "--editable", packages])
    except SetupError:  # pip changes nothing when it fails: what was whole still is
        write_stamp(place, mark, *sorted(present))
        raise
    look(place)
    write_stamp(place, fingerprint(version_in(place)), *wanted)
    say("Installed in " + str(round(time.monotonic() - started)) + " s.")


def main(extras):
    try:
        prepare(extras, PLACE)
    except SetupError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit("This could not be done: " + str(error) + ". Mend that, then run it again.")
    except KeyboardInterrupt:
        sys.exit("Stopped before the end: run the same command again and it starts over cleanly.")


if __name__ == "__main__":
    main(sys.argv[1:] or ["course"])
