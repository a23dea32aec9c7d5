"""What the reader has passed, kept in a small file outside the repository.

The file is ~/.tantra/progress.json, or what TANTRA_PROGRESS names; the value "memory" keeps it in
this process only.  It is written whole or not at all, and read again before every writing, so that
two notebooks at work do not lose each other's passes.  What is no regular file is left alone.

A pass is read back and run at once, as a later notebook would, and what was lost is said.
"""

import contextlib
import json
import os
import time
from pathlib import Path

from tantra import files
from tantra.check import source

try:
    import fcntl
except ImportError:  # Windows: two notebooks that write in the same millisecond may collide
    fcntl = None

DEFAULT, VERSION = "~/.tantra/progress.json", 1
_in_memory = {}


class Damaged(ValueError):  # noqa: N818, a state of the file
    """The file holds something else than passes."""


def passed():
    """What has been passed: {"softmax": {"chapter": ..., "source": ...}, ...}."""
    try:
        path = _path()
        kept = _load(path).get("passed") if path else _in_memory
    except (Damaged, OSError):
        return {}  # the next pass says what is wrong with the file
    return dict(kept) if _are_passes(kept) else {}


def keep(name, attempt, **beside):
    """Note a pass and the text of the attempt; returns what a reader should know of it, or None.

    beside is kept with it as it is given: the prediction before a measurement.
    """
    entry, lost = _entry(name, attempt)
    entry |= beside
    try:
        notice = _store(name, entry)
    except (OSError, ValueError) as error:
        where = source.brief(os.environ.get("TANTRA_PROGRESS") or DEFAULT, 100)
        problem = source.brief(getattr(error, "strerror", None) or error)
        notice = f"This pass could not be kept in {where}: {problem}."
    return " ".join(filter(None, [notice, lost])) or None


def mine(name, default=None, instead=None):
    """Your own passed function, rebuilt from its text; `default` where there is none.

    instead holds functions by name, which the text gets in the place of tantra's.  Raises
    LookupError, with the reason, where there is no default either.
    """
    try:
        if name not in (kept := passed()):
            raise LookupError(f"{source.brief(name, 60)} has not been passed yet")
        return source.rebuild(name, kept[name], instead)
    except LookupError:
        if default is None:
            raise
        return default


def progress(chapter=None):
    """The table of what has been passed, and the Transformer that fills in.

    chapter, such as "softmax", asks for the rows of one chapter alone.  Raises ValueError for a
    chapter without exercises.
    """
    from tantra.check.report import Report

    return Report(passed(), chapter)


def _path():
    """The file's path, or None for memory; a link is followed, so that it stays a link."""
    where = os.environ.get("TANTRA_PROGRESS") or DEFAULT
    if where == "memory":
        return None
    if (path := os.path.expanduser(where)).startswith("~"):
        raise OSError("there is no such home directory; TANTRA_PROGRESS may name another file")
    return Path(os.path.realpath(path))


def _entry(name, attempt):
    """What to keep of an attempt, and what a later notebook will miss of it, or None."""
    from tantra.check.exercises import chapter_of, registry

    entry = {"chapter": chapter_of(name)}
    if not callable(attempt):
        return entry | {"lost": "it was a prediction: there is no function to run"}, None
    try:
        text, lacks = source.collect(name, attempt)
    except source.Lost as why:
        lost = f"no later notebook can run it ({why}): write it as a def in a cell"
        return entry | {"lost": lost}, f"Passed, but {lost}."
    problem = source.trial(name, text, registry().get(name))
    lost = problem and f"run anew, as a later notebook would, it fails: {problem}"
    if lacks:
        listed = " and ".join(f"{lack} ({why})" for lack, why in list(lacks.items())[:3])
        lost = f"a later notebook will lack {listed}: make that inside the function"
    kept = {"lost": lost} if problem else text
    return entry | kept, lost and f"Passed, but {lost}."


def _store(name, entry):
    """Write the entry down; returns a sentence where the file had been damaged."""
    path = _path()
    if path is None:
        _in_memory[name] = _better(entry, _in_memory.get(name))
        return None
    _leave_alone(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        notice, kept = _load_or_set_aside(path)
        if kept["version"] > VERSION:
            raise ValueError("a newer version of tantra wrote that file")
        kept["passed"][name] = _better(entry, kept["passed"].get(name))
        content = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
        files.write_whole(path, content.encode())
    return notice


def _better(entry, before):
    """The entry, or the one before, if that alone holds a function."""
    return before if before and "source" in before and "source" not in entry else entry


def _leave_alone(path):
    """Raise OSError for what is there and is no regular file: a device, a pipe, a folder."""
    if path.exists() and not path.is_file():
        raise OSError("that is no regular file, so it is left as it is")


def _load(path):
    """What the file holds; raises Damaged where that is something else than passes."""
    if not path.exists():
        return {"version": VERSION, "passed": {}}
    _leave_alone(path)
    with path.open("rb") as file:
        content = file.read(files.MOST + 1)
    if len(content) > files.MOST:
        raise OSError(f"that is larger than the {files.MOST} bytes that are read")
    try:
        kept = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise Damaged from error
    if not isinstance(kept, dict) or not isinstance(kept.get("version"), int):
        raise Damaged
    if kept["version"] <= VERSION and not _are_passes(kept.get("passed")):
        raise Damaged
    return kept


def _are_passes(passes):
    return isinstance(passes, dict) and all(isinstance(entry, dict) for entry in passes.values())


def _load_or_set_aside(path):
    """A sentence, if the file was damaged and is set aside, and what there is to go on with."""
    try:
        return None, _load(path)
    except Damaged:
        number = 1
        while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
            number += 1
        path.rename(aside)
        sentence = f"{path} could not be read: it is kept as {aside.name}, and a new one begins."
        return sentence, _load(path)


@contextlib.contextmanager
def _locked(path, patience=2.0):
    """Hold a lock beside the file; after `patience` seconds go on without it."""
    beside = path.with_name(path.name + ".lock")
    if fcntl is None or (beside.exists() and not beside.is_file()):
        yield
        return
    with open(beside, "a") as lock:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.01)
        yield
