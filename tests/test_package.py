import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import metadata

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


FILES = {file.name for file in pkgutil.iter_modules(tantra.__path__)}


def test_every_file_can_be_reached_and_completed():
    code = (
        "import tantra; "
        f"print(*(getattr(tantra, name).__name__ for name in {sorted(FILES)!r}), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"tantra.{name}" for name in sorted(FILES)]
    assert {"gpt2", "checkpoints", "recipes", "muon", "metre"} <= FILES
    shown = set(dir(tantra))
    assert shown == {*tantra.__all__, *FILES, "progress", "verse", "__version__"}


def test_the_version_is_that_of_the_package(monkeypatch):
    assert tantra.__version__ == metadata.version("transformer-tantra")

    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert tantra.__version__ == "unknown"


@pytest.mark.parametrize("name", tantra.__all__)
def test_every_argument_is_named_in_its_docstring(name):
    thing = getattr(tantra, name)
    named = re.findall(r"\w+", inspect.getdoc(thing))
    arguments = [
        argument.name
        for argument in inspect.signature(thing).parameters.values()
        if argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
    ]
    assert [argument for argument in arguments if argument not in named] == []


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
