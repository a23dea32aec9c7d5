import subprocess
import sys

import pytest

import tantra


def test_every_public_name_is_there():
    for name in tantra.__all__:
        assert getattr(tantra, name) is not None
    assert len(set(tantra.__all__)) == len(tantra.__all__)


def test_side_rooms_open_when_asked_for():
    assert tantra.check.__name__ == "tantra.check"
    assert tantra.plot.__name__ == "tantra.plot"
    assert callable(tantra.verse)
    assert callable(tantra.progress)
    assert {"check", "plot", "verse", "progress"} <= set(dir(tantra))


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'tantra' has no attribute 'transformer'"):
        tantra.transformer  # noqa: B018


def test_import_adds_at_most_a_tenth_to_torchs():
    # seconds vary from hour to hour (make bench takes them); the number of files read does not
    code = (
        "import sys, torch; torchs = set(sys.modules); import tantra; "
        "added = set(sys.modules) - torchs; print(len(torchs)); print(*sorted(added))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    torchs, added = done.stdout.splitlines()
    assert len(added.split()) <= 0.1 * int(torchs)
    packages = {name.partition(".")[0] for name in added.split()}
    assert packages - sys.stdlib_module_names == {"tantra", "regex"}
    at_the_side = {"tantra.check", "tantra.plot", "tantra.verses", "tantra.metre"}
    assert not at_the_side & set(added.split())
