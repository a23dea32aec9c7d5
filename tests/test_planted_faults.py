import planted_faults
import pytest


@pytest.mark.parametrize("file", planted_faults.FAULTS)
def test_every_planted_fault_can_still_be_planted(file):
    jobs = [(file, *pair) for pair in planted_faults.FAULTS[file]]
    assert not list(planted_faults.gone(jobs))


def test_there_are_many():
    assert len(planted_faults.faults()) == len(set(planted_faults.faults())) >= 60
    assert set(planted_faults.FAULTS) <= set(planted_faults.TESTS)


def test_a_line_that_is_gone_is_named_with_the_file_to_edit(monkeypatch):
    monkeypatch.setattr(
        planted_faults, "FAULTS", {"files.py": [("import os", "no"), ("x = 1", "")]}
    )
    sentence = "tantra/files.py no longer has 'x = 1': mend it in tests/faults/parts.py"
    assert list(planted_faults.gone(planted_faults.faults())) == [sentence]
    with pytest.raises(SystemExit, match=sentence):  # before any test runs: it is no survivor
        planted_faults.main("files")


def test_each_fault_stands_in_the_file_that_the_sentence_names():
    for file in planted_faults.FAULTS:
        with pytest.raises(ValueError, match=r"mend it in (tests/faults/\w+\.py)") as error:
            planted_faults.planted(file, "a line that is in no file", "")
        named = planted_faults.ROOT / str(error.value).split()[-1]
        assert f'    "{file}": [\n' in named.read_text("utf-8")


def test_one_fault_can_be_planted_alone():
    whole = planted_faults.chosen("files.py")
    assert {file for file, _, _ in whole} == {"files.py"}
    assert planted_faults.chosen("files.py:fsync") == [f for f in whole if "fsync" in f[1] + f[2]]
    assert len(planted_faults.chosen("files.py:fsync")) == 1
    assert planted_faults.chosen("") == planted_faults.faults()
    with pytest.raises(SystemExit, match=r"no planted fault is called 'files\.py:nonsense'"):
        planted_faults.main("files.py:nonsense")
