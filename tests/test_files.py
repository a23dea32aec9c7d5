import os

import pytest

from tantra import files
from tantra.files import read_json, read_text, write_whole


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
    with pytest.raises(ValueError, match=r"large is larger than the 5 bytes that are read"):
        read_json(path)
