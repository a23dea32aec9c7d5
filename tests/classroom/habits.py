"""Submissions of honest students with habits, of other programs, and with bad luck: all points."""

import json

from kinds import GOOD, WRITE, Kind, at, honest, notebook, packed, text, without_ids

E = "def softmax(x):\n    e = {} * {}\n    return e / e.sum(axis=-1, keepdims=True)\n"
POWERS = "np.exp(x - x.max(axis=-1, keepdims=True))"
MOUNT = "from google.colab import drive\ndrive.mount('/content')\n"
LAMBDA = "softmax = lambda x: (e := " + POWERS + ") / e.sum(-1, keepdims=True)\n"
METHOD = (
    "class Net:\n    def softmax(self, x):\n        e = " + POWERS + "\n"
    "        return e / e.sum(-1, keepdims=True)\nsoftmax = Net().softmax\n"
)
CALLABLE = (
    "from dataclasses import dataclass\n@dataclass\nclass Net:\n    axis: int = -1\n"
    "    def __call__(self, x):\n        e = " + POWERS + "\n"
    "        return e / e.sum(self.axis, keepdims=True)\nsoftmax = Net()\n"
)
LOGGED = (
    "import functools\ndef logged(function):\n    @functools.wraps(function)\n"
    "    def call(*given):\n        print(given)\n        return function(*given)\n"
    "    return call\n@logged\n"
)
DISPLAY = "from IPython.display import HTML, clear_output, display\n"
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\ndisplay(plt.gcf())\n"
TYPED = GOOD.replace("(x)", "(x: Row) -> 'npt.NDArray'", 1)
LONG = "total = 0\nfor n in range(10**12):\n    total += n\n"


def above(*cells, first=GOOD):
    """A notebook with cells of the student's own above the answer."""

    def change(found):
        for number, source in enumerate(cells):
            made = {"cell_type": "code", "id": f"mine-{number}", "metadata": {}, "source": source}
            found.insert(at(found, WRITE), made)

    return Kind(notebook(first, change))


def colab(cells):
    """As Colab stores them: without ids, lines in a list."""
    for cell in cells:
        cell["metadata"] = {"id": cell.pop("id"), "colab": {"base_uri": "https://localhost"}}
        cell["source"] = text(cell).splitlines(keepends=True)


def habits():
    """Every Kind by its name."""
    return {**of_cells(), **of_code(), **of_programs(), **of_files()}


def of_cells():
    return {
        "star import": above("from numpy import *", first=E.format(POWERS[3:], 1)),
        "built up": above(
            "table = np.ones(3)", "table *= 2", "table[1] = 3.0", first=E.format(POWERS, "table[0]")
        ),
        "appended": above("ways = []", "ways.append(1)", first=E.format(POWERS, "ways[0]")),
        "remembered": above("ways = {}", "ways['a'] = 1", first=E.format(POWERS, "ways['a']")),
        "types elsewhere": above(
            "import numpy.typing as npt", "Row = npt.NDArray[np.float64]", first=TYPED
        ),
        "fails before": honest("x = np.load('mine.npy')\nprint(x)\n" + GOOD, says="mine.npy"),
        "mounts a drive": honest(MOUNT + GOOD, says="google"),
        "exits after": honest(GOOD + "\nexit()\n"),
        "exits before": honest("import sys\nif True:\n    sys.exit()\n" + GOOD, says="SystemExit"),
        "long work before": honest(LONG + GOOD, says="still computing"),
        "long work after": honest(GOOD + "\n" + LONG, says="still computing"),
        "sleeps after": honest(GOOD + "\nimport time\ntime.sleep(10**6)\n", says="waited"),
        "compares": honest(
            "import tantra\n" + GOOD + "\nassert np.allclose(softmax(np.ones(3)), 1 / 3)\n"
            "assert np.allclose(softmax(np.ones(3)), tantra.softmax(np.ones(3)))\n"
        ),
        "compares before": honest("import tantra\nwant = tantra.softmax(np.ones(3))\n" + GOOD),
    }


def of_code():
    return {
        "lambda": honest(LAMBDA),
        "method": honest(METHOD),
        "callable": honest(CALLABLE),
        "decorated": honest(LOGGED + GOOD),
        "other parameters": honest(
            "def softmax(row, axis=-1):\n    print(row)\n    x = row\n    e = " + POWERS + "\n"
            "    return e / e.sum(axis, keepdims=True)\n"
        ),
        "future": honest(
            "from __future__ import annotations\n" + GOOD.replace("(x)", "(x: Missing)", 1)
        ),
        "awaits": honest(GOOD + "\nimport asyncio\nawait asyncio.sleep(0)\n", says="far as"),
        "magic values": honest("files = !ls\nclock = %timeit -o 1\n" + GOOD),
        "magic after": honest(GOOD + "\n%timeit softmax(np.ones(3))\nsoftmax?\n"),
        "plots": honest(GOOD + "\n" + PLOT),
        "displays": honest(DISPLAY + GOOD + "\ndisplay(HTML('x'))\nclear_output()\n"),
        "raises on warnings": honest("np.seterr(all='raise')\n" + GOOD),
        "tabs": honest(GOOD.replace("    ", "\t")),
    }


def of_programs():
    older = {
        f"format 4.{minor}": Kind({**notebook(change=without_ids), "nbformat_minor": minor})
        for minor in (1, 4)
    }
    dump = json.dumps(notebook())
    return older | {
        "colab": Kind({**notebook(change=colab), "nbformat_minor": 0, "metadata": {"colab": {}}}),
        "lines in a list": honest(GOOD.splitlines(keepends=True)),
        "byte order mark": Kind(b"\xef\xbb\xbf" + dump.encode()),
        "line ends of Windows": Kind(dump.replace("\\n", "\\r\\n").encode()),
        "no numbers": Kind({**notebook(), "metadata": {"a": float("nan"), "b": 10**4000}}),
        "large metadata": Kind({**notebook(), "metadata": {"a": "x" * 50_000_000}}),
    }


def of_files():
    dots = {"._02_softmax.ipynb": "\0\5\x16\7", "02_softmax.ipynb": json.dumps(notebook())}
    return {
        "downloaded": Kind(notebook(), name="{}.ipynb.txt", says=".txt"),
        "as JSON": Kind(notebook(), name="{}.json", says=".json"),
        "LARGE LETTERS": Kind(notebook(), name="{}.IPYNB"),
        "Case": Kind(notebook()),
        "case": Kind(notebook(), student="case (2)", says="several"),
        "new\nline\x1b[31m": Kind(notebook(), student="new\\x0aline\\x1b[31m"),
        "=1+1": Kind(notebook()),
        "zip of a Mac": Kind(packed(dots), name="{}.zip"),
        "folder of a Mac": Kind(notebook(), name="{}/02_softmax.ipynb"),
        "whole course": Kind(notebook(), name="{}/exercises/02_softmax.ipynb"),
        "no notebook inside": Kind(b"%PDF", 0, "missing", "holds no notebook", "{}/a.pdf"),
    }
