"""Links of a page in the zip: one that leads to a file that is left out becomes words that say so.

The link's own words stay; at the end of its cell, or of its page, stands what is not there.
"""

import re
from pathlib import PurePosixPath

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
CHAPTER = re.compile(r"(notebooks|exercises)/(\d\d)_\w+\.ipynb")


def mended(text, place, inside):
    """text of the page at place, with links to files that are not inside made to say so."""
    absent = []

    def word(match):
        target = aimed(match[2], place)
        if target is None or target in inside:
            return match[0]
        absent.append(called(target))
        return match[1]

    text = LINK.sub(word, text)
    if not absent:
        return text
    return f"{text.rstrip()}\n\n*Not in this folder: {', '.join(dict.fromkeys(absent))}.*"


def aimed(target, place):
    """The file of the course that a link on the page at place leads to, or None."""
    file = target.partition("#")[0]
    if not file or re.match(r"[a-z]+:", file):
        return None
    parts = []
    for part in (PurePosixPath(place).parent / file).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def called(target):
    """A file by the name that a student knows it by."""
    chapter = CHAPTER.fullmatch(target)
    if not chapter:
        return target
    kind = "chapter" if chapter[1] == "notebooks" else "the exercises of chapter"
    return f"{kind} {chapter[2]}"
