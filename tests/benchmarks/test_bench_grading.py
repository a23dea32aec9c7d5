"""What was kept of a class of a hundred is within its aim, and is of such a class."""

import json
import os

from benchmarks import grading


def test_a_class_of_a_hundred_takes_less_than_ten_minutes_and_4_gib():
    kept = json.loads(grading.RESULT.read_text())
    assert kept["submissions"] == grading.COUNT
    assert kept["seconds"] < 600
    assert kept["mebibytes"] < 4096
    assert kept["statuses"] == {"failed": 45, "passed": 650, "stopped": 5}


def test_the_class_is_written(tmp_path):
    grading.write(tmp_path / "class")
    found = sorted(path.read_text() for path in (tmp_path / "class").iterdir())
    assert len(set(found)) == grading.COUNT
    assert sum("while True" in text for text in found) == 5


def test_memory_is_that_of_this_process():
    assert grading.memory(os.getpid()) > 2**20
