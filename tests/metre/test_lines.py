"""The corpus and its file: the same lines, kept whole or not at all."""

import hashlib
import itertools
import os

import pytest

from tantra.metre import corpus, half_verses
from tantra.metre.lines import cache_path


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TANTRA_CACHE", str(tmp_path / "deep" / "cache"))
    return tmp_path / "deep" / "cache"


def first_lines(count, seed):
    return list(dict.fromkeys(itertools.islice(half_verses(seed), 2 * count)))[:count]


def test_the_first_different_lines_of_a_seed():
    lines = corpus(300, seed=4)
    assert lines == first_lines(300, 4)
    assert corpus(100, seed=4) == lines[:100]
    assert corpus(100, seed=5) != lines[:100]


def test_lines_are_read_back(folder, monkeypatch):
    lines = corpus(50, seed=1)
    (path,) = folder.iterdir()
    assert path == cache_path(50, 1)
    monkeypatch.setattr("tantra.metre.lines.half_verses", None)  # not needed again
    assert corpus(50, seed=1) == lines
    assert all(type(line) is str for line in lines)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:-20],
        lambda content: content.replace(b"a", b"e", 1),
        lambda content: content[70:],
        lambda content: b"",
        lambda content: content + b"\n",
        lambda content: b"\xff" + content,
    ],
)
def test_a_spoiled_file_is_made_again(spoil):
    lines = corpus(20)
    path = cache_path(20, 0)
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))
    assert corpus(20) == lines
    assert path.read_bytes() == whole


def signed(text):
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: b"\xff" + text,
        lambda text: text.rpartition(b"\n")[0],
        lambda text: text + b"\n" + text.partition(b"\n")[0],
        lambda text: text.partition(b"\n")[0] + b"\n" + text.rpartition(b"\n")[0],
    ],
    ids=["no UTF-8", "a line too few", "a line too many", "a line twice"],
)
def test_a_file_with_a_right_checksum_and_other_lines_is_made_again(spoil):
    lines = corpus(20)
    path = cache_path(20, 0)
    whole = path.read_bytes()
    path.write_bytes(signed(spoil(whole.partition(b"\n")[2])))
    assert corpus(20) == lines
    assert path.read_bytes() == whole


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_what_is_no_file_is_left_alone(folder):
    folder.mkdir(parents=True)
    os.mkfifo(cache_path(20, 0))
    assert corpus(20) == first_lines(20, 0)
    assert cache_path(20, 0).is_fifo()


def test_a_giant_is_not_read(folder, monkeypatch):
    corpus(20)
    monkeypatch.setattr("tantra.metre.lines.LONGEST", 3)
    monkeypatch.setattr("tantra.metre.lines.half_verses", lambda seed: map(str, itertools.count()))
    assert corpus(20)[:2] == ["0", "1"]  # made again


def test_nothing_is_left_of_a_writing_that_failed(folder, monkeypatch):
    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr("os.replace", fail)
    assert corpus(20) == first_lines(20, 0)
    assert list(folder.iterdir()) == []


def test_where_nothing_can_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TANTRA_CACHE", str(tmp_path / "file" / "cache"))
    assert corpus(20) == first_lines(20, 0)


def test_another_recipe_has_another_file(monkeypatch):
    path = cache_path(20, 0)
    assert path != cache_path(20, 1) != cache_path(21, 1)
    monkeypatch.setattr("tantra.metre.lines.RECIPE", ["scan.py"])
    assert cache_path(20, 0) != path


def test_without_a_word_the_file_lies_at_home(monkeypatch, tmp_path):
    monkeypatch.delenv("TANTRA_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache_path(20, 0).parent == tmp_path / ".tantra"


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (1.5, 0), (-3, 0), (3, -1), (3, "a")])
def test_what_is_no_number(count, seed, folder):
    with pytest.raises((TypeError, ValueError), match=r"num_lines is|seed is"):
        corpus(count, seed)
    assert not folder.exists()
