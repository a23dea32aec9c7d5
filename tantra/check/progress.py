"""What the reader has passed, kept in a small file outside the repository.

The file is ~/.tantra/progress.json, or what TANTRA_PROGRESS names; the value "memory" keeps it in
this process only.  It is written whole or not at all, and read again before every writing, so that
two notebooks at work do not lose each other's passes.
"""

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path

from tantra.check import source

try:
    import fcntl
except ImportError:  # Windows: two notebooks that write in the same millisecond may collide
    fcntl = None

VERSION = 1
_in_memory = {}


class Damaged(ValueError):  # noqa: N818, a state of the file
    """The file holds something else than passes."""


def passed():
    """What has been passed: {"softmax": {"chapter": ..., "source": ...}, ...}."""
    path = _path()
    if path is None:
        return dict(_in_memory)
    try:
        return _load(path).get("passed", {})
    except (Damaged, OSError):
        return {}  # the next pass says what is wrong with the file


def keep(name, attempt):
    """Note a pass and the text of the attempt; returns a sentence where something went wrong."""
    entry = _entry(name, attempt)
    path = _path()
    if path is None:
        _in_memory[name] = entry
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            notice, kept = _load_or_set_aside(path)
            if kept["version"] > VERSION:
                raise ValueError("a newer version of tantra wrote that file")
            kept["passed"][name] = entry
            _write(path, kept)
    except (OSError, ValueError) as error:
        return f"This pass could not be kept in {path}: {getattr(error, 'strerror', 0) or error}."
    return notice


def mine(name, default=None):
    """Your own passed function, rebuilt from its text; `default` where there is none.

    Raises LookupError, with the reason, where there is no default either.
    """
    try:
        if name not in (kept := passed()):
            raise LookupError(f"{name} has not been passed yet")
        return source.rebuild(name, kept[name])
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
    where = os.environ.get("TANTRA_PROGRESS", "")
    if where == "memory":
        return None
    return Path(os.path.realpath(Path(where or "~/.tantra/progress.json").expanduser()))


def _entry(name, attempt):
    from tantra.check.exercises import chapter_of

    return {"chapter": chapter_of(name), **source.collect(attempt)}


def _load(path):
    """What the file holds; raises Damaged where that is something else than passes."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"version": VERSION, "passed": {}}
    except ValueError as error:
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


def _write(path, kept):
    """Write a new file beside the old one, then put it in its place in one step."""
    whole = json.dumps(kept, indent=1, ensure_ascii=False)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(whole + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextlib.contextmanager
def _locked(path, patience=2.0):
    """Hold a lock beside the file; after `patience` seconds go on without it."""
    with open(path.with_name(path.name + ".lock"), "w") as lock:
        end = time.monotonic() + patience
        while fcntl and time.monotonic() < end:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.01)
        yield
