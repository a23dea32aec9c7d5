"""Files that are written whole or not at all, and read with suspicion."""

import contextlib
import json
import math
import os
import secrets
import stat
from pathlib import Path

MOST = 2**26  # bytes of JSON: a vocabulary of a million tokens takes less


def write_whole(path, content):
    """Write the bytes content to path in one step: what was there stays if anything goes wrong.

    Raises ValueError, with nothing written, where path is there and no file of bytes.
    """
    path = Path(os.path.realpath(path))  # a link stays a link
    if path.exists() and (why := unfit(path)):
        raise ValueError(f"{path} {why}")
    part = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        if error.filename is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None  # the part is our affair
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def unfit(path, most=math.inf):
    """Why path can be no file of ours, nor be replaced by one, in words; "" where it can."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        return "is a folder, a device or a pipe; name a file"
    if found.st_size > most:
        return f"has {found.st_size} bytes, and at most {most} are read; is it the right file?"
    return ""


def read_bytes(path, most):
    """The bytes of a file; ValueError, in one sentence, where it is none, or larger than most."""
    if why := unfit(path, most):
        raise ValueError(f"{path} {why}")
    with open(path, "rb") as file:
        return file.read(most)


def read_text(path):
    """The text of a file; ValueError, in one sentence, where it is too large or no UTF-8.

    A byte order mark, which some editors put before it, is no part of it.
    """
    content = read_bytes(path, MOST)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8: {error.reason} at byte {error.start}") from None


def read_json(path):
    """What a JSON file holds; ValueError, in one sentence, where it is damaged."""
    text = read_text(path)
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"{path} holds no JSON: it is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"{path} holds no JSON: {error}") from None


def short(thing, most=80):
    """thing on one line of a sentence, however long or strange it is.

    >>> short("ab\\n" * 9, 12)
    "'ab\\\\nab\\\\nab\\\\..."
    """
    text = repr(thing) if isinstance(thing, str) else " ".join(str(thing).split())
    return text if len(text) <= most else f"{text[:most]}..."
