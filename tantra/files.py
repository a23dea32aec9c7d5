"""Files that are written whole or not at all, and read with suspicion."""

import json
import os
import secrets
from pathlib import Path

MOST = 2**26  # bytes of JSON: a vocabulary of a million tokens takes less


def write_whole(path, content):
    """Write the bytes content to path in one step: what was there stays if anything goes wrong."""
    path = Path(os.path.realpath(path))  # a link stays a link
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read_text(path):
    """The text of a file; ValueError, in one sentence, where it is too large or no UTF-8."""
    with open(path, "rb") as file:
        content = file.read(MOST + 1)
    if len(content) > MOST:
        raise ValueError(f"{path} is larger than the {MOST} bytes that are read")
    try:
        return content.decode("utf-8")
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
