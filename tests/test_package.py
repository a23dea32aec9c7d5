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


def test_import_brings_in_neither_plots_nor_notebooks():
    code = (
        "import sys, tantra; "
        "print(*sorted({'matplotlib', 'IPython', 'transformers', 'tantra.check', 'tantra.plot', "
        "'tantra.verses'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
