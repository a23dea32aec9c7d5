"""A class of many kinds of submissions, made by program.

    python tests/classroom/kinds.py FOLDER

Each kind has three tasks of the softmax page answered: a function, a hunt and a value, 1 + 2 + 1
points.  What is wrong is wrong with the first, so that a kind keeps 3 points, or is as honest as
the right one and has all 4.
"""

import copy
import io
import json
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = "02_softmax"
WRITE, HUNT, VALUE, CHECK = "task-1-write", "task-5-write", "task-6-write", "task-1-check"
ALL, OTHERS = 4, 3


def page(room):
    return json.loads((ROOT / room / f"{PAGE}.ipynb").read_text("utf-8"))


def text(cell):
    return "".join(cell["source"])


EXERCISE = page("exercises")
SOLVED = {cell["id"]: text(cell) for cell in page("solutions")["cells"]}
GOOD = SOLVED[WRITE]
WRONG = "def softmax(x):\n    return np.exp(x) / np.exp(x).sum(axis=-1)\n"


@dataclass(frozen=True)
class Kind:
    """A submission: its points, the status of its first task, and words in what is said of it."""

    content: object
    points: int = ALL
    status: str = "passed"
    says: str = ""
    name: str = "{}.ipynb"
    student: str = "{}"


def notebook(first=GOOD, change=None, **answers):
    """The page with these answers, as a dict; change(cells) does to its cells what it likes."""
    book = copy.deepcopy(EXERCISE)
    given = {WRITE: first, HUNT: SOLVED[HUNT], VALUE: SOLVED[VALUE]} | answers
    for cell in book["cells"]:
        cell["source"] = given.get(cell["id"], cell["source"])
    if change:
        change(book["cells"])
    return book


def honest(first=GOOD, change=None, says="", **answers):
    return Kind(notebook(first, change, **answers), says=says)


def failing(first, status="failed", says=""):
    return Kind(notebook(first), OTHERS, status, says)


def unreadable(content, says, name="{}.ipynb"):
    return Kind(content, 0, "missing", says, name)


def at(cells, name):
    return next(n for n, cell in enumerate(cells) if cell.get("id") == name)


def without_ids(cells):
    for cell in cells:
        del cell["id"]


def other_ids(cells):
    for number, cell in enumerate(cells):
        cell["id"] = f"c{number}"


def copied(cells):
    place = at(cells, WRITE)
    cells.insert(place, {**copy.deepcopy(cells[place]), "id": "copy"})


def answered_in_a_copy(cells):
    copied(cells)
    cells[at(cells, WRITE)]["source"] = text(EXERCISE["cells"][at(EXERCISE["cells"], WRITE)])


def same_id_twice(cells):
    place = at(cells, WRITE)
    cells.insert(place + 1, copy.deepcopy(cells[place]))


def without_checks(cells):
    cells[:] = [cell for cell in cells if not cell["id"].endswith("-check")]


def without_metadata(cells):
    for cell in cells:
        cell["metadata"] = {}


def points_edited(cells):
    place = at(cells, "task-1")
    cells[place]["source"] = text(cells[place]).replace("difficulty 1", "difficulty 3")


def checks_edited(cells):
    for cell in cells:
        if cell["id"].endswith("-check"):
            cell["source"] = "print('passed')"


def with_helper(cells):
    helper = {"cell_type": "code", "id": "mine", "metadata": {}, "source": HELPER}
    cells.insert(at(cells, WRITE), helper)


def two_cells(cells):
    place = at(cells, WRITE)
    cells.insert(place, {**cells[place], "id": "mine", "source": GOOD})
    cells[place + 1]["source"] = "# above"


def large_outputs(cells):
    lines = [{"output_type": "stream", "name": "stdout", "text": ["x" * 20_000_000]}]
    cells[at(cells, WRITE)]["outputs"] = lines


def format_3(book):
    """The same notebook as format 3 had it."""
    cells = [
        {"cell_type": "code", "input": cell["source"], "language": "python"}
        if cell["cell_type"] == "code"
        else {"cell_type": "markdown", "source": cell["source"]}
        for cell in book["cells"]
    ]
    return {"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}


def zipped(**files):
    return packed({name.replace("__", "/") + ".ipynb": text for name, text in files.items()})


def packed(files, mode=0o100644, way=zipfile.ZIP_DEFLATED):
    """A zip of these files, by their names in it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, inside in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            file.writestr(entry, inside, way)
    return content.getvalue()


HELPER = "import math\n\ndef shifted(x):\n    return x - x.max(axis=-1, keepdims=True)\n"
WITH_HELPER = (
    "def softmax(x):\n    powers = math.e ** shifted(x)\n"
    "    return powers / powers.sum(axis=-1, keepdims=True)\n"
)
CHOICE = "\nimport random\nshares = random.choice([shares, 0])\n"
LOOP = "def softmax(x):\n    while True:\n        pass\n"
CATCHING = "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n"
MANY = "n = 0\nwhile True:\n    n += 1\n    open(f'{n}', 'wb').write(bytes(2**22))\n"
UNWRITTEN = "def softmax(x):\n    raise NotImplementedError\n#"
PATCH = "import numpy as np, torch, builtins\n"
LIAR = (
    "class Liar:\n    dtype, shape, ndim, size = np.dtype(float), (3,), 1, 3\n"
    "    __class__ = np.ndarray\n"
    "    def __eq__(self, other): return True\n"
    "    def __array__(self, dtype=None, copy=None): return self\n"
    "    def __len__(self): return 3\n"
)
SEEN = "import sys\nimport tantra\ndef softmax(x):\n    {}\n    return tantra.softmax(x)\n"
FILES = (
    "from pathlib import Path\nimport os, shutil\nCLASS = Path({class_!r})\n"
    "for action in (lambda: shutil.rmtree(CLASS), lambda: (CLASS / 'right.ipynb').unlink(),\n"
    "               lambda: (CLASS.parent / 'keep.txt').write_text('gone'),\n"
    "               lambda: os.chmod(CLASS.parent / 'keep.txt', 0),\n"
    "               lambda: os.utime(CLASS.parent / 'keep.txt', (0, 0)),\n"
    "               lambda: (CLASS / 'new.ipynb').write_text('new'),\n"
    "               lambda: os.rename(CLASS, CLASS.parent / 'moved')):\n"
    "    try:\n        action()\n    except OSError:\n        pass\n"
)
READS = (
    "import json, os\nfrom pathlib import Path\ndef softmax(x):\n"
    "    found = json.loads(Path({path!r}).read_text())\n"
    "    cells = {{c['id']: ''.join(c['source']) for c in found['cells']}}\n"
    "    space = {{'np': np}}\n    exec(cells['task-1-write'], space)\n"
    "    return space['softmax'](x)\n"
)
REFERENCE = (
    "import importlib.util, sys\ndef softmax(x):\n"
    "    spec = importlib.util.spec_from_file_location('stolen', {path!r})\n"
    "    stolen = importlib.util.module_from_spec(spec)\n    spec.loader.exec_module(stolen)\n"
    "    return stolen.softmax.reference(x)\n"
)
NETWORK = (
    "import socket\ntry:\n    socket.create_connection(('127.0.0.1', {port}), 1).send(b'x')\n"
    "except OSError:\n    pass\n"
)
FORKS = (
    "import os\nfor _ in range(20):\n"
    "    try:\n        os.fork()\n    except OSError:\n        pass\n"
)
THREAD = (
    "import threading, time\nfor _ in range(3):\n"
    "    threading.Thread(target=time.sleep, args=(10**6,), daemon=False).start()\n"
)
DAEMON = (
    "import subprocess, sys\ntry:\n"
    "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(10**6)'],\n"
    "                     start_new_session=True)\nexcept OSError:\n    pass\n"
)
SIGNALS = (
    "import os, signal\nfor who in (os.getppid(), -1, 0, os.getpid()):\n    try:\n"
    "        os.kill(who, signal.SIGKILL)\n    except OSError:\n        pass\n"
)
CHANNEL = (
    "import os\ndef softmax(x):\n    for number in range(3, 64):\n        try:\n"
    "            os.write(number, b'{\"returned\": 1}' * 99)\n        except OSError:\n"
    "            pass\n    return x\n"
)
PRINTS = "def softmax(x):\n    return {}\n"


def kinds(class_, port=9):
    """Every Kind by its name; class_ is the folder where they will lie, port one that listens."""
    import habits
    import tricks

    places = {"class_": str(class_), "port": port}
    stolen = {"path": str(ROOT / "tantra/check/exercises/softmax.py")}
    return {
        **honest_kinds(places),
        **habits.habits(),
        **wrong_kinds(),
        **hostile_kinds(places, stolen),
        **tricks.tricks(Path(class_)),
        **broken(),
    }


def honest_kinds(places):
    return {
        "right": honest(),
        "ids missing": Kind({**notebook(change=without_ids), "nbformat_minor": 0}),
        "ids changed": honest(change=other_ids, says="looked for by name"),
        "cell copied": honest(change=copied),
        "answered in a copy": honest(change=answered_in_a_copy),
        "same id twice": honest(change=same_id_twice, says="is there 2 times"),
        "cells reordered": honest(change=lambda cells: cells.reverse(), says="another order"),
        "checks deleted": honest(change=without_checks, says="check cell of softmax is missing"),
        "metadata removed": honest(change=without_metadata),
        "points edited": honest(change=points_edited, says="text of softmax was edited"),
        "checks edited": honest(change=checks_edited, says="check cell of softmax was edited"),
        "magic": honest("%matplotlib inline\n!ls\n" + GOOD),
        "cell magic": honest("%%time\n" + GOOD),
        "asks": honest("name = input('Who are you? ')\n" + GOOD),
        "prints 200 MB": honest("print('x' * 200_000_000)\n" + GOOD),
        "tries it out": honest(GOOD + "\nprint(softmax(None))\n", says="its cell raised"),
        "calls the check": honest(GOOD + "\ncheck.softmax(softmax)\ncheck.softmax.hint()\n"),
        "helper elsewhere": honest(WITH_HELPER, with_helper, says="math, shifted of another cell"),
        "moved": honest(change=two_cells, says="found by name"),
        "other name": honest(GOOD.replace("softmax", "mine"), says="is called mine here"),
        "threads stay": honest(THREAD + GOOD),
        "daemon stays": honest(DAEMON + GOOD),
        "format 3": Kind(format_3(notebook()), says="format 3"),
        "zip": Kind(zipped(ada__02_softmax=json.dumps(notebook())), name="{}.zip", says="a zip"),
        "zip by name": Kind(zipped(x=json.dumps(notebook())), says="a zip"),
        "नमस्ते ∂ümlaut": honest(),
        "long " + "n" * 230: honest(),
        "utf-16": Kind(json.dumps(notebook()).encode("utf-16")),
        "half letters": honest(GOOD + "# \ud800 \u2028\n"),
        "large outputs": honest(change=large_outputs),
        "twice": honest(),
        "twice again": Kind(
            notebook(), name="twice (1).ipynb", student="twice (2)", says="several"
        ),
        "in a folder": Kind(notebook(), name="{}/deep/02_softmax.ipynb"),
    }


def wrong_kinds():
    return {
        "wrong": failing(WRONG, says="keepdims"),
        "unsolved": failing(text(EXERCISE["cells"][at(EXERCISE["cells"], WRITE)]), "unsolved"),
        "cell deleted": Kind(
            notebook(change=lambda cells: cells.pop(at(cells, WRITE))), OTHERS, "missing"
        ),
        "syntax error": failing("def softmax(x:\n    return x\n", says="SyntaxError"),
        "wrong and checks edited": Kind(notebook(WRONG, checks_edited), OTHERS, "failed"),
        "returns a generator": failing("def softmax(x):\n    yield x\n", says="a generator"),
        "random": failing("def softmax(x):\n    return np.random.rand(*x.shape)\n"),
        "random value": Kind(notebook(**{VALUE: SOLVED[VALUE] + CHOICE}), OTHERS),
        "borrowed": failing("from tantra import softmax\n", says="tantra's own"),
        "borrowed inside": failing(SEEN.format("pass"), says="tantra's own"),
        "borrowed unseen": failing(SEEN.format("sys.setprofile(None)"), says="setprofile"),
        "says it is not written": failing(UNWRITTEN, "unsolved"),
        "lies": failing(LIAR + "def softmax(x):\n    return Liar()\n"),
        "patched NumPy": failing(
            PATCH + "np.allclose = np.array_equal = np.isclose = lambda *a, **k: True\n" + WRONG
        ),
        "patched torch": failing(PATCH + "torch.allclose = lambda *a, **k: True\n" + WRONG),
        "patched builtins": failing(
            PATCH + "builtins.isinstance = builtins.all = lambda *a: True\n" + WRONG, None
        ),
        "patched check": failing(
            "from tantra import check\nimport tantra.check.engine as engine\n"
            "engine.difference = engine.Exercise.judge = check.softmax = lambda *a: None\n" + WRONG
        ),
    }


def hostile_kinds(places, stolen):
    return {
        "loop at the top": failing("while True:\n    pass\n", "stopped", "never ends"),
        "loop inside": failing(LOOP, "stopped", "never ends"),
        "loop that catches": failing(CATCHING, "stopped", "never ends"),
        "sleeps": failing("import time\ntime.sleep(10**6)\n", "stopped", "does it sleep"),
        "recursion": failing("def softmax(x):\n    return softmax(x)\n", says="RecursionError"),
        "deep recursion": failing(
            "import sys\nsys.setrecursionlimit(10**9)\ndef softmax(x):\n    return softmax([x])\n",
            None,
        ),
        "exits": failing("import os\nos._exit(0)\n", "stopped", "exit status 0"),
        "exits inside": failing(
            "import os\ndef softmax(x):\n    os._exit(3)\n", "stopped", "exit status 3"
        ),
        "raises SystemExit": failing("raise SystemExit\n", says="SystemExit"),
        "signals": honest(SIGNALS + GOOD),
        "dies": failing("import ctypes\nctypes.string_at(0)\n", "stopped", "SIGSEGV"),
        "50 GB": failing(PRINTS.format("np.ones(50 * 2**27)"), says="MemoryError"),
        "large answer": failing(PRINTS.format("np.ones(2**24)"), says="too large"),
        "deep answer": failing("x = []\nx.append(x)\ndef softmax(_):\n    return x\n"),
        "large file": failing(
            "with open('large', 'wb') as file:\n    while True: file.write(bytes(2**20))\n",
            says="File too large",
        ),
        "many files": failing(MANY, "stopped", "its folder holds"),
        "forks": honest(FORKS + GOOD),
        "deletes": honest(FILES.format(**places) + GOOD),
        "network": honest(NETWORK.format(**places) + GOOD),
        "reads the right one": failing(READS.format(path=f"{places['class_']}/right.ipynb")),
        "reads the solution": failing(READS.format(path=str(ROOT / f"solutions/{PAGE}.ipynb"))),
        "steals the reference": failing(REFERENCE.format(**stolen)),
        "writes to the judge": failing(CHANNEL, "stopped", "no answer"),
        "half letters raised": failing("def softmax(x):\n    raise ValueError(chr(0xD800) * 9)\n"),
        "deep code": failing("softmax = " + "(" * 500 + ")" * 500 + "\n"),
        "long code": failing("softmax = [" + "1," * 200_000 + "]\n"),
    }


def broken():
    return {
        "empty": unreadable(b"", "it is empty"),
        "broken JSON": unreadable(b'{"cells": [ oops', "no JSON"),
        "a list": unreadable(b"[1, 2]", "holds no cells"),
        "deep JSON": unreadable(b"[" * 200_000, "no JSON"),
        "binary": unreadable(bytes(range(256)) * 50, "no JSON"),
        "no cells": unreadable(b'{"cells": 7}', "holds no cells"),
        "odd cells": Kind(b'{"cells": [7, {}, {"cell_type": "code", "source": {}}]}', 0, "missing"),
        "another page": unreadable(
            (ROOT / "solutions/03_attention.ipynb").read_bytes(), "another page"
        ),
        "broken zip": unreadable(b"PK\x03\x04oops", "zip cannot be read", "{}.zip"),
        "zip of nothing": unreadable(zipped(), "holds no notebook", "{}.zip"),
        "zip bomb": unreadable(zipped(x=bytes(2**26 + 1)), "more than", "{}.zip"),
        "link outside": unreadable(ROOT / f"solutions/{PAGE}.ipynb", "it is a link"),
        "link to a folder": unreadable(ROOT / "solutions", "it is a link"),
        "link to nothing": unreadable(Path("/nowhere"), "it is a link"),
        "pipe": unreadable(None, "it is no file"),
    }


def beside():
    """Files by their places that are no submissions."""
    other = (ROOT / "exercises/03_attention.ipynb").read_bytes()
    return {
        "folder of a Mac/._02_softmax.ipynb": b"\0\5\x16\7",
        "whole course/exercises/03_attention.ipynb": other,
        "report.pdf": b"%PDF",
        "grades.json": b'{"right": 4}',
    }


def write(folder, port=9):
    """Write the class into a folder; returns its kinds by the students' names."""
    found = kinds(folder.resolve(), port)
    for name, content in beside().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for name, kind in found.items():
        path = folder / kind.name.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(kind.content, Path):
            path.symlink_to(kind.content)
        elif kind.content is None:
            os.mkfifo(path)
        elif isinstance(kind.content, bytes):
            path.write_bytes(kind.content)
        else:
            path.write_text(json.dumps(kind.content), "utf-8")
    return {kind.student.format(name): kind for name, kind in found.items()}


if __name__ == "__main__":
    print(f"{len(write(Path(sys.argv[1])))} submissions of {PAGE} in {sys.argv[1]}")
