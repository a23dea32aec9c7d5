import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
import subprocess
import sys
import typing
from importlib import metadata
from pathlib import Path

import pytest

import tantra

HERE = Path(tantra.__file__).parent


def test_every_public_name_is_there():
    for name in tantra.__all__:
        assert getattr(tantra, name) is not None
    assert len(set(tantra.__all__)) == len(tantra.__all__)


def test_side_rooms_open_when_asked_for():
    assert tantra.check.__name__ == "tantra.check"
    assert tantra.plot.__name__ == "tantra.plot"
    assert callable(tantra.verse)
    assert callable(tantra.progress)
    assert callable(tantra.draw_map)
    assert {"check", "plot", "verse", "progress", "draw_map"} <= set(dir(tantra))


def test_softmax_is_the_function_and_not_its_file():
    code = "import tantra.softmax; print(tantra.softmax.__qualname__, tantra.softmax([0.0]))"
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert fresh.stdout == "softmax [1.]\n"
    softmax = importlib.import_module("tantra.softmax").softmax
    assert tantra.softmax is softmax is tantra.attention.softmax


FILES = {file.name for file in pkgutil.iter_modules(tantra.__path__)}
ROOMS = {file.name for file in pkgutil.iter_modules(tantra.__path__) if file.ispkg}
HERE_TOO = {  # files in the rooms that are also attributes of tantra
    "text": "byte_pairs vocabulary tokenizer",
    "training": "processes data optimizers muon checkpoints recipes",
    "generation": "prompts sampling beam decoder",
    "rewrites": "chunks circuits",
    "gpt2": "numpy_gpt",
}
PLACES = {name: f"tantra.{name}" for name in FILES - {"softmax"}} | {
    "gpt2_file": "tantra.gpt2.file"
}
PLACES |= {n: f"tantra.{room}.{n}" for room, names in HERE_TOO.items() for n in names.split()}

SIDE = {"draw_map", "progress", "verse"}


def test_every_file_can_be_reached_and_completed():
    names = sorted(PLACES)
    code = f"import tantra; print(*(getattr(tantra, name).__name__ for name in {names!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [PLACES[name] for name in names]
    shown = set(dir(tantra))
    assert shown == {*tantra.__all__, *FILES, *PLACES, *SIDE, "__version__"}


THE_MAP, _, _ = tantra.__doc__.partition("Letters for axes")
MAP = re.findall(r"^    (\w[\w ]*?)  +(\w+(?:, \w+)*)$", THE_MAP, re.MULTILINE)
ORDER = [f"tantra.{room}.{name}" if room in ROOMS else f"tantra.{name}"
         for room, names in MAP for name in names.split(", ")]  # fmt: skip


def imported(module):
    """The files and rooms of tantra that a file of it names in its imports."""
    path = Path(importlib.util.find_spec(module).origin)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names if alias.name.startswith("tantra")}
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("tantra"):
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from {name if name in ORDER else node.module for name in whole}


def test_the_map_names_every_file():
    rooms = {room for room, _ in MAP} & ROOMS
    inside = {f"tantra.{r}.{f.name}" for r in rooms for f in pkgutil.iter_modules([HERE / r])}
    assert set(ORDER) == {f"tantra.{name}" for name in FILES - rooms} | inside


def test_arrows_go_one_way():
    side = [f"tantra.{name}" for name in dict(MAP)["at the side"].split(", ")]
    for place, module in enumerate(ORDER[: -len(side)]):
        assert set(imported(module)) <= set(ORDER[:place]), module
    for room in {room for room, _ in MAP} & ROOMS:
        assert all(name.startswith(f"tantra.{room}.") for name in imported(f"tantra.{room}"))


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


TINY = tantra.GPT(
    tantra.GPTConfig(vocab_size=5, context_length=4, d_model=4, num_layers=1, num_heads=2)
)
TEXT = tantra.CharTokenizer("abc")
SCALE = {"step": 1, "warmup": 2}
CALLS = [  # of what gives no array, and so says what it gives
    (tantra.batches, lambda f: f([1, 2, 3, 4], 1, 2)),
    (tantra.course_text, lambda f: f()),
    (tantra.evaluate, lambda f: f(TINY, tantra.batches([1, 2, 3, 4], 1, 2), steps=1)),
    (tantra.prepare_for_decoding, lambda f: f(TINY)),
    (tantra.stream, lambda f: f(TINY, [1], 1)),
    (tantra.train, lambda f: f(TINY, [], tantra.AdamW(TINY.parameters()), steps=0)),
    (tantra.warmup_cosine, lambda f: f(**SCALE, peak=1.0, total=3)),
    (tantra.warmup_inverse_sqrt, lambda f: f(**SCALE, d_model=4)),
    (tantra.GPT.new_caches, lambda f: f(TINY)),
    (tantra.CharTokenizer.encode, lambda f: f(TEXT, "ab")),
    (tantra.CharTokenizer.decode, lambda f: f(TEXT, [0, 1])),
]


@pytest.mark.parametrize(("thing", "call"), CALLS, ids=lambda x: getattr(x, "__qualname__", ""))
def test_what_gives_no_array_says_what_it_gives(thing, call):
    kind = typing.get_type_hints(thing)["return"]
    assert isinstance(call(thing), typing.get_origin(kind) or kind)


def test_checkers_of_types_may_read_the_library():
    assert (HERE / "py.typed").exists()
    assert typing.get_type_hints(tantra.clip_gradients)["return"] is float
    assert typing.get_type_hints(tantra.checkpoints.model)["return"] is tantra.GPT
    assert typing.get_type_hints(tantra.checkpoints.load)["return"] is dict
    assert typing.get_type_hints(tantra.gpt2.load)["return"] is tantra.GPT


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
    at_the_side = {"tantra.check", "tantra.plot", "tantra.verses", "tantra.metre", "tantra.maps"}
    assert not at_the_side & set(added.split())
