import os
import socket
import stat
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tantra import files
from tantra.files import read_bytes, read_json, read_text, short, write_whole


def test_there_and_back(tmp_path):
    path = tmp_path / "नदी.json"
    write_whole(path, b"[1]")
    write_whole(str(path), '["é"]'.encode())
    assert read_json(path) == ["é"]
    assert read_text(path) == '["é"]'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_whole_or_not_at_all(step, tmp_path, monkeypatch):
    path = tmp_path / "kept"
    write_whole(path, b"old")

    def fails(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(OSError, match="disk is full"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_the_rights_of_any_other_and_a_link_stays(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "whole")
    write_whole(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "whole").read_bytes() == b"x"
    assert read_bytes(tmp_path / "link", 1) == b"x"
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff[]", "is no UTF-8: invalid start byte at byte 0"),
        (b"[1, ", "holds no JSON: Expecting value"),
        (b"", "holds no JSON: Expecting value"),
        (b"[" * 100_000, "holds no JSON: it is nested too deep"),
        (b"1" * 10_000, "holds no JSON: Exceeds the limit"),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(content, problem, tmp_path):
    path = tmp_path / "damaged"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=problem) as error:
        read_json(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_file_too_large_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "large"
    path.write_bytes(b"[1234]")
    monkeypatch.setattr(files, "MOST", 6)
    assert read_json(path) == [1234]
    monkeypatch.setattr(files, "MOST", 5)
    with pytest.raises(ValueError, match=r"large has 6 bytes, and at most 5 are read"):
        read_json(path)


def device(path):
    """A device that is nobody's but ours: a second /dev/null, which only root can make."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except (AttributeError, PermissionError):
        pytest.skip("only root makes devices")


def endless(path):
    device(path.with_name("null"))
    path.symlink_to(path.with_name("null"))


def plugged(path):
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(path))


NO_FILES = {
    "a folder": os.mkdir,
    "a pipe": os.mkfifo,
    "a socket": plugged,
    "a device": device,
    "a link to a device": endless,
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has none of them")
@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_neither_read_nor_replaced(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    make(Path("it"))
    before = {path.name: path.lstat() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="is a folder, a device or a pipe; name a file"):
        write_whole("it", b"x")
    for read in (read_json, read_text, partial(read_bytes, most=9)):
        with pytest.raises(ValueError, match="it is a folder, a device or a pipe; name a file"):
            read("it")
    assert {path.name: path.lstat()[:3] for path in tmp_path.iterdir()} == {
        name: found[:3] for name, found in before.items()
    }


@pytest.mark.skipif(os.name == "nt", reason="it would be written there")
def test_a_giant_without_content_is_not_read(tmp_path):
    path = tmp_path / "giant"
    with path.open("wb") as file:
        file.truncate(2**36)
    with pytest.raises(ValueError, match=f"giant has {2**36} bytes, and at most {files.MOST}"):
        read_json(path)


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    for path in (tmp_path / "nowhere" / "kept", tmp_path / ("long" * 99)):
        with pytest.raises(OSError, match=r"nowhere/kept'$|longlong'$") as error:
            write_whole(path, b"x")
        assert error.value.filename == str(path)
        assert ".part" not in str(error.value)


def test_the_longest_name_is_written(tmp_path):
    write_whole(tmp_path / ("é" * 127), b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["é" * 127]


def test_a_byte_order_mark_says_nothing(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(path) == [1]


def test_a_thing_in_a_sentence_is_short_and_on_one_line():
    assert short("a\nb") == r"'a\nb'"
    assert short(np.eye(2)) == "[[1. 0.] [0. 1.]]"
    assert short("x" * 10**6, 8) == "'xxxxxxx..."
