import planted_faults
import pytest


@pytest.mark.parametrize("file", planted_faults.FAULTS)
def test_every_planted_fault_can_still_be_planted(file):
    text = (planted_faults.ROOT / "tantra" / file).read_text("utf-8")
    for old, new in planted_faults.FAULTS[file]:
        assert planted_faults.planted(text, old, new) != text


def test_there_are_many():
    assert len(planted_faults.faults()) == len(set(planted_faults.faults())) >= 60
    assert set(planted_faults.FAULTS) <= set(planted_faults.TESTS)


def test_a_line_that_is_gone_is_noticed():
    with pytest.raises(ValueError, match="no longer there: 'x = 1'"):
        planted_faults.planted("y = 1", "x = 1", "x = 2")
