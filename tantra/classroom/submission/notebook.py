"""The code and text cells of a notebook of any format, also inside a zip."""

import codecs
import io
import json
import os
import stat
import zipfile
from dataclasses import dataclass

MOST, LONGEST = 2**26, 2**18  # bytes of a file, letters of a cell


class Unreadable(ValueError):  # noqa: N818, it reads so where it is raised
    """What is no notebook, in one sentence."""


@dataclass(frozen=True)
class Cell:
    """A cell; its name is its id, which older notebooks do not have."""

    name: str | None
    kind: str
    source: str


def content(path):
    """The bytes of a file that was handed in; raises Unreadable."""
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        raise Unreadable("it is a link, and no link is followed: hand in the file itself")
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable("it is no file")
    if found.st_size > MOST:
        raise Unreadable(
            f"it has {found.st_size} bytes, and at most {MOST} are read: clear its outputs"
        )
    try:
        with open(path, "rb") as file:
            return file.read(MOST)
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror}") from None


def cells(raw, exercise):
    """(the cells, what was odd) of these bytes: a notebook, or a zip that holds one."""
    odd = []
    if raw.startswith(b"PK"):
        raw, odd = _inside_zip(raw, exercise)
    if not raw.strip():
        raise Unreadable("it is empty")
    try:
        page = json.loads(_text(raw))
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"it is no notebook: no JSON ({type(error).__name__})") from None
    if not isinstance(page, dict):
        raise Unreadable("it is no notebook: its JSON holds no cells")
    if isinstance(page.get("worksheets"), list):
        odd.append(f"a notebook of format {str(page.get('nbformat'))[:9]}")
        found = [sheet.get("cells") for sheet in page["worksheets"] if isinstance(sheet, dict)]
        listed = [cell for each in found if isinstance(each, list) for cell in each]
    else:
        listed = page.get("cells")
    if not isinstance(listed, list):
        raise Unreadable("it is no notebook: its JSON holds no cells")
    return [_cell(each) for each in listed if isinstance(each, dict)], odd


def _cell(found):
    source = found.get("source", found.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    name = found.get("id")
    source = source if isinstance(source, str) else ""
    return Cell(
        name if isinstance(name, str) else None,
        "code" if found.get("cell_type") == "code" else "text",
        written(source[: LONGEST + 1].replace("\r\n", "\n")),
    )


def written(text):
    """The text without half letters (surrogates), which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _text(raw):
    for mark, coding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
                         (codecs.BOM_UTF16_BE, "utf-16")):  # fmt: skip
        if raw.startswith(mark):
            return raw.decode(coding)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _inside_zip(raw, exercise):
    """(the bytes of the notebook in a zip, what was odd); of several, that of the exercise."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as found:
            every = [each for each in found.infolist() if _is_notebook(each.filename)]
            named = [each for each in every if each.filename.endswith(f"{exercise}.ipynb")]
            if not every:
                raise Unreadable("the zip holds no notebook")
            one = (named or every)[0]
            if one.file_size > MOST:
                raise Unreadable(f"the notebook in the zip has more than {MOST} bytes")
            with found.open(one) as file:
                return file.read(MOST), [_taken(one, len(every))]
    except Unreadable:
        raise
    except Exception as error:  # of a broken zip: each way of packing has its own
        raise Unreadable(f"the zip cannot be read ({type(error).__name__})") from None


def _is_notebook(name):
    parts = name.split("/")
    hidden = {"__MACOSX", ".ipynb_checkpoints"} & set(parts) or parts[-1].startswith(".")
    return name.lower().endswith(".ipynb") and not hidden


def _taken(entry, count):
    if count == 1:
        return "a zip: the notebook inside was taken"
    name = "".join(each if each.isprintable() else "?" for each in entry.filename[-80:])
    return f"a zip: of the {count} notebooks inside, {written(name)} was taken"
