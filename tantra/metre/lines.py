"""A corpus of half-verses, kept in a file of its own outside the repository."""

import contextlib
import hashlib
import os
from importlib.resources import files
from pathlib import Path

from tantra.checks import check_count
from tantra.files import read_bytes, write_whole
from tantra.metre.sentences import half_verses, ways

RECIPE = (
    "lexicon.tsv",
    "lexicon.py",
    "sandhi.py",
    "scan.py",
    "sentences.py",
)
LONGEST = 256  # bytes of a line of sixteen syllables


def corpus(num_lines=60_000, seed=0):
    """The first num_lines different half-verses of half_verses(seed), as a list.

    60,000 take about half a minute; they are then kept in a file under ~/.tantra, or in the folder
    that TANTRA_CACHE names, and read from there.  A file that was changed is made again.
    Raises TypeError or ValueError unless num_lines is at least 1 and seed at least 0.
    """
    check_count(num_lines=num_lines)
    path = cache_path(num_lines, seed)
    lines = _read(path, num_lines)
    if lines is None:
        lines = _different(half_verses(seed), num_lines)
        ways.cache_clear()  # some 200 MB
        _write(path, lines)
    return lines


def cache_path(num_lines, seed):
    """Where the lines are kept; the name changes with the words and rules they are made from."""
    folder = Path(os.environ.get("TANTRA_CACHE") or Path.home() / ".tantra")
    recipe = b"".join(files(__package__).joinpath(name).read_bytes() for name in RECIPE)
    return folder / f"half-verses-{num_lines}-{seed}-{hashlib.sha256(recipe).hexdigest()[:8]}.txt"


def _different(lines, count):
    kept = {}  # a dict keeps the order
    while len(kept) < count:
        kept[next(lines)] = True
    return list(kept)


def _read(path, num_lines):
    """The lines of a whole, unchanged file, all of them different; None if there is none."""
    try:
        checksum, _, text = read_bytes(path, 100 + LONGEST * num_lines).partition(b"\n")
        lines = text.decode().split("\n")
    except (OSError, ValueError):  # no file of ours, or no text in it
        return None
    unchanged = hashlib.sha256(text).hexdigest().encode() == checksum
    return lines if unchanged and len(set(lines)) == len(lines) == num_lines else None


def _write(path, lines):
    """Keep the lines under their checksum; where no file can be written, go on without."""
    text = "\n".join(lines).encode()
    with contextlib.suppress(OSError, ValueError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
