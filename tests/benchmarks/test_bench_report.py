"""What the table and the picture say, of rows that were never measured."""

import dataclasses

import pytest

from benchmarks import __main__ as command
from benchmarks import picture, report
from benchmarks.ceilings import Ceiling
from benchmarks.compare import Ratio, Row, Skipped

ROW = Row("training", "small", "ours", "theirs", 0.0123, 0.025, Ratio(2.0, 1.9, 2.25, 7), aim=1.25)
SHARED = dataclasses.replace(ROW, ceiling="float32 products", share=0.5, peer_share=0.25)
MISSING = Skipped("training", "large", "ours", "theirs", "there is none")
MEASURED = dataclasses.replace(ROW, part="attention", case="N = 128", bytes=2**20, peer_bytes=2**22)


def test_the_table():
    assert report.table([SHARED, MISSING]).splitlines() == [
        "| case | ours | peer | peer ÷ ours | middle half | rounds | aim | share |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| small | ours, 12.3 ms | theirs, 25 ms | **2.00** | 1.90 to 2.25 | 7 | 1.25 "
        "| 50% and 25% of float32 products |",
        "| large | ours | theirs | not measured: there is none |  |  |  |  |",
    ]


def test_columns_that_are_empty_are_left_out():
    head = report.table([dataclasses.replace(ROW, aim=None)]).splitlines()[0]
    assert "aim" not in head
    assert "share" not in head
    assert "memory" not in head


def test_memory_and_notes():
    text = report.table([dataclasses.replace(MEASURED, note="a straight line")])
    assert "1.0 against 4.0 MiB: 1/4.0" in text
    assert text.endswith("\n\nours: a straight line.")


@pytest.mark.parametrize(
    ("seconds", "words"), [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4e-6, "4 µs"), (1, "1 s")]
)
def test_durations(seconds, words):
    assert report.duration(seconds) == words


EPYC = {"processor": "AMD EPYC 7B13", "instruction sets": "avx2, fma", "measured": "1 May 2026"}
XEON = {"processor": "Intel(R) Xeon(R) Processor", "instruction sets": "avx2, avx512f, amx_bf16"}
CEILINGS = {"read": Ceiling("bytes read", 2e10, "GB/s", 1e10)}


def test_what_is_kept_comes_back_in_the_order_of_the_parts(tmp_path):
    path = tmp_path / "results.json"
    report.keep(EPYC, CEILINGS, [MEASURED], path)
    report.keep(EPYC | {"cores": "4"}, CEILINGS, [SHARED, MISSING], path)
    parts = report.read(["training", "attention", "growth"], path)
    assert list(parts) == ["training", "attention"]
    words, ceilings, rows = parts["training"]["AMD EPYC 7B13, avx2"]
    assert words == EPYC | {"cores": "4"}
    assert ceilings["read"]["most"] == 2e10
    assert rows == [SHARED, MISSING]
    assert parts["attention"]["AMD EPYC 7B13, avx2"][2] == [MEASURED]
    text = report.text(parts)
    assert "## training\n\n**AMD EPYC 7B13, avx2**\n\n| case" in text  # alone: nothing beside it
    assert "measured: 1 May 2026. Ceilings: bytes read 20.0 GB/s.*" in text


def test_a_part_measured_again_takes_the_place_of_its_own_kind_of_machine(tmp_path):
    path = tmp_path / "results.json"
    for words, rows in ((EPYC, [ROW]), (XEON, [ROW, MISSING]), (XEON, [SHARED])):
        report.keep(words, {}, rows, path)
    kinds = report.read(["training"], path)["training"]
    assert {kind: rows for kind, (_, _, rows) in kinds.items()} == {
        "AMD EPYC 7B13, avx2": [ROW],
        "Intel Xeon, amx_bf16": [SHARED],
    }


def test_two_kinds_of_machines_stand_side_by_side(tmp_path):
    path = tmp_path / "results.json"
    report.keep(EPYC, {}, [ROW, MISSING], path)
    report.keep(XEON, {}, [SHARED], path)
    assert report.text(report.read(["training"], path)).splitlines()[2:6] == [
        "| case | ours | peer | AMD EPYC 7B13, avx2 | Intel Xeon, amx_bf16 |",
        "| --- | --- | --- | --- | --- |",
        "| small | ours | theirs | **2.00** (1.90 to 2.25) | "
        "**2.00** (1.90 to 2.25); 50% and 25% |",
        "| large | ours | theirs | not measured |  |",
    ]


def test_what_is_kept_here_can_be_read():
    parts = report.read(command.PARTS)
    assert {"training", "attention", "decoding", "growth", "startup"} <= set(parts)
    page = report.README.read_text("utf-8")
    assert report.text(parts) in page
    assert "floor" not in page


def test_writing_between_the_marks_and_nowhere_else(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    for text in ("first", "new"):
        report.write(text, path)
    assert path.read_text() == f"before\n{report.BEGIN}\n\nnew\n{report.END}\nafter\n"
    path.write_text("no marks")
    with pytest.raises(ValueError, match=r"README\.md lacks"):
        report.write("new", path)


def test_a_line_for_who_waits():
    assert report.line(ROW) == "small: ours against theirs 2.00 (1.90 to 2.25, 7 rounds)"
    assert report.line(MISSING).endswith("not measured: there is none")


def test_pictures_carry_their_numbers_as_text(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "RATIOS", tmp_path / "ratios.png")
    monkeypatch.setattr(picture, "LENGTHS", tmp_path / "attention.png")
    monkeypatch.setenv("MPLBACKEND", "agg")
    chunks = dataclasses.replace(MEASURED, ours="in chunks", peer="by hand")
    parts = {
        "training": {"A": ({}, {}, [ROW, MISSING]), "B": ({}, {}, [SHARED])},
        "attention": {"A": ({}, {}, [chunks]), "B": ({}, {}, [MISSING])},
    }
    ratios, attention = picture.draw(parts).split("\n\n")
    assert "A: small: ours against theirs 2.00. B: small: ours against theirs 2.00." in ratios
    assert "A, at N = 128: in chunks 2.0 times as fast as by hand, in 1/4.0 of" in attention
    for shown in (ratios, attention):
        assert (tmp_path / shown.rpartition("(")[2].rstrip(")")).stat().st_size > 1000
    assert picture.draw({"training": {"A": ({}, {}, [MISSING])}}) == ""
