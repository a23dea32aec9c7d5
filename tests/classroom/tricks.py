"""Submissions of clever students: each keeps the points of the other tasks, and wins none."""

import json
import zipfile

from kinds import (
    GOOD,
    OTHERS,
    ROOT,
    VALUE,
    WRONG,
    Kind,
    failing,
    honest,
    notebook,
    packed,
    unreadable,
)

TOP = "import gc, json, os, struct, sys, threading, time, _thread\nimport tantra, torch\n"
OWN = "tantra's own"
FORGED = (
    "import json\nplain = json.dumps\ndef dumps(thing, **named):\n"
    "    return plain([{frame}, []])\njson.dumps = dumps\n"
)
CALLED = "{'returned': 3, 'changed': 7, 'made': 3, 'notes': 3}"
LOADED = "{'faults': {}, 'callable': False, 'value': "
FAULT = "{'missing': True, 'faults': {'<softmax>': {'types': "
NESTED = (
    "import json\njson.dumps = lambda thing, **named: (\n"
    '    \'[{"faults": {}, "callable": false, "value": \' + \'{"scalar": \' * 900 + \'1\''
    " + '}' * 900 + '}, []]')\n"
)
EARLY = (
    "import json, os, struct\n"
    "text = json.dumps([{'returned': 1, 'changed': [], 'made': [], 'notes': {}}, []]).encode()\n"
    "for number in range(3, 64):\n    try:\n"
    "        os.write(number, struct.pack('<II', len(text), 0) + text)\n"
    "    except OSError:\n        pass\n"
)
TELL = (
    "for number in range(3, 64):\n    try:\n        os.write(number, {})\n"
    "    except OSError: pass\n"
)
DRIP = TELL.format("struct.pack('<II', 2**25, 0)") + (
    "while True:\n    time.sleep(0.05)\n    for number in range(3, 64):\n        try:\n"
    "            os.write(number, b' ')\n        except OSError: pass\n"
)
THREAD = (
    "found = []\nworker = threading.Thread(target=lambda: found.append(tantra.softmax(x)))\n"
    "worker.start()\nworker.join()\nreturn found[0]\n"
)
RAW_THREAD = (
    "found = []\n_thread.start_new_thread(lambda: found.append(tantra.softmax(x)), ())\n"
    "until = time.time() + 1\nwhile not found and time.time() < until:\n    time.sleep(0.01)\n"
    "return found[0]\n"
)
PAUSED = (
    "get, set_it = getattr(sys, 'getpro' + 'file'), getattr(sys, 'setpro' + 'file')\n"
    "old = get()\nset_it(None)\nfound = tantra.softmax(x)\nset_it(old)\nreturn found\n"
)
CLEARED = (
    "found = tantra.softmax(x)\nold = getattr(sys, 'getpro' + 'file')()\n"
    "for cell in old.__closure__ if old else ():\n"
    "    if isinstance(cell.cell_contents, dict):\n        cell.cell_contents.clear()\n"
    "return found\n"
)
COLLECTED = (
    "for each in gc.get_objects():\n    if type(each).__name__ == 'Exercise':\n"
    "        return each.reference(x)\nreturn x\n"
)
FRAMES = (
    "frame = sys._getframe()\nwhile frame:\n    for name, value in frame.f_locals.items():\n"
    "        if name in ('expected', 'answers', 'reference'):\n            return value\n"
    "    frame = frame.f_back\nreturn x\n"
)
PICKLED = (
    "open('p', 'wb').write(b\"cos\\nsystem\\n(S'touch {path}'\\ntR.\")\n"
    "return np.load('p', allow_pickle=True)\n"
)
LYING_ARRAY = (
    "class Mine(np.ndarray):\n    shape = property(lambda self: (3,))\n"
    "    dtype = property(lambda self: np.dtype(float))\n"
    "    def __eq__(self, other): return np.array(True)\n"
    "    def __sub__(self, other): return np.zeros(3)\n    def __len__(self): return 3\n"
    "def softmax(x):\n    return np.zeros(7).view(Mine)\n"
)
LYING_TENSOR = (
    "import torch\nclass Mine(torch.Tensor):\n    shape = (3,)\n"
    "    def detach(self): return self\n    def cpu(self): return self\n"
    "    def numpy(self, *given, **named): return np.zeros(3)\n"
    "    @classmethod\n    def __torch_function__(cls, function, types, args=(), kwargs=None):\n"
    "        return True\n"
    "def softmax(x):\n    return torch.zeros(2).as_subclass(Mine)\n"
)
OTHER_EACH_TIME = (
    "class Mine(list):\n    looks = 0\n    def __iter__(self):\n        Mine.looks += 1\n"
    "        return iter([Mine.looks] * 3)\n"
    "def softmax(x):\n    return Mine([1, 2, 3])\n"
)
NO_NAME = (
    "class Kind(type):\n    __name__ = __module__ = property(lambda self: 1 / 0)\n"
    "class Mine(metaclass=Kind): pass\ndef softmax(x):\n    return Mine()\n"
)
NO_WORDS = (
    "class MineError(Exception):\n    def __str__(self): raise SystemExit\n    __repr__ = __str__\n"
    "def softmax(x):\n    raise MineError(1)\n"
)
HUGE = "shares = np.broadcast_to(np.zeros(1), (2**20, 2**20))[:3]\n"
COUNTED = "turns = iter(range(10**6))\ndef softmax(x):\n    return x * 0 + next(turns)\n"


def inside(body, top=""):
    """A cell whose softmax has this body."""
    return TOP + top + "def softmax(x):\n" + "".join(f"    {x}\n" for x in body.splitlines())


def wins_nothing(body, status="failed", says=""):
    return failing(inside(body), status, says)


def forged(frame):
    return failing(FORGED.replace("{frame}", frame) + WRONG, says="no answer")


def tricks(class_):
    """Every Kind by its name; class_ is the folder where they will lie."""
    return {**borrowed(class_), **lies(), **channels(), **archives()}


def borrowed(class_):
    verdicts = class_.with_name(class_.name + "-marks") / "students/right.json"
    checks = ROOT / "tantra/check/exercises/softmax.py"
    stolen = "space = {}\nexec(open(%r).read(), space)\nreturn space['softmax'].reference(x)"
    return {
        "in a thread": wins_nothing(THREAD, says=OWN),
        "in a raw thread": wins_nothing(RAW_THREAD, says=OWN),
        "profile off": wins_nothing(
            "getattr(sys, 'setpro' + 'file')(None)\nreturn x", says="alone"
        ),
        "profile paused": wins_nothing(PAUSED, says="alone"),
        "notes cleared": wins_nothing(CLEARED, says=OWN),
        "borrowed by a partial": failing(
            "import functools, tantra\nsoftmax = functools.partial(tantra.softmax, axis=-1)\n",
            says=OWN,
        ),
        "sandbox patched": failing(
            "import tantra.classroom.sandbox.watched as watched\nwatched.WAYS.clear()\n" + WRONG
        ),
        "imports the reference": failing(
            "import importlib\nsteal = importlib.import_module\n"
            "softmax = steal('tantra.che' + 'ck.exercises.softmax').softmax.reference\n"
        ),
        "reads the checks": wins_nothing(stolen % str(checks), says="PermissionError"),
        "reads a verdict": wins_nothing(f"return open({str(verdicts)!r}).read()"),
        "looks in gc": wins_nothing(COLLECTED),
        "looks in frames": wins_nothing(FRAMES),
        "looks in memory": wins_nothing("return open('/proc/self/mem').read()"),
        "maps memory": wins_nothing("import mmap\nreturn mmap.mmap(-1, 2**40)"),
        "pickle": wins_nothing(PICKLED.replace("{path}", str(class_ / "pickled"))),
        "torch.load": wins_nothing(
            "torch.save({'a': exit}, 'p')\nreturn torch.load('p', weights_only=False)"
        ),
    }


def lies():
    return {
        "lying array": failing(LYING_ARRAY),
        "lying tensor": failing(LYING_TENSOR),
        "other each time": failing(OTHER_EACH_TIME),
        "counts its calls": failing(COUNTED),
        "huge view": wins_nothing(
            "return np.lib.stride_tricks.as_strided(x, (10**6, 10**6), (0, 0))"
        ),
        "long view": wins_nothing("return np.broadcast_to(x.reshape(-1)[:1], (2**33,))"),
        "view outside": wins_nothing(
            "return np.lib.stride_tricks.as_strided(x, (10**6,), (8,))", None
        ),
        "no name": failing(NO_NAME),
        "no words": failing(NO_WORDS),
        "loud name": failing(
            "class A: pass\nA.__name__ = chr(27) + '[2J' + 'x' * 10**6\n"
            "def softmax(x):\n    return A()\n"
        ),
        "huge things": wins_nothing(
            "return 3 * [np.lib.stride_tricks.as_strided(x, (12000, 12000), (0, 0))]"
        ),
        "huge numbers": wins_nothing(
            "from fractions import Fraction\nreturn Fraction(10**1000, 3)"
        ),
        "huge value": Kind(notebook(**{VALUE: HUGE}), OTHERS),
        "text for numbers": wins_nothing("return np.array(['0.1', '0.2'])"),
        "many things": wins_nothing("return [object() for _ in range(3000)]"),
        "clears its names": failing("def softmax(x):\n    globals().clear()\n    return x\n"),
        "spins in threads": failing(
            "import threading\ndef spin():\n    while True: pass\nfor _ in range(8):\n"
            "    threading.Thread(target=spin, daemon=True).start()\n" + WRONG,
            None,
        ),
    }


def channels():
    return {
        "forged call": forged(CALLED),
        "forged load": forged("{'faults': 3}"),
        "forged value": forged(LOADED + "{'x': 1}}"),
        "forged depth": failing(NESTED + WRONG, says="no answer"),
        "forged error": forged(FAULT + "[['torch', '_dynamo']], 'arguments': 3, 'text': 3}}}"),
        "forged ancestors": forged(
            FAULT + "[['a', 'b']] * 9000, 'arguments': [], 'text': 'x', 'where': None}}}"
        ),
        "answers early": failing(EARLY + WRONG, says="no answer"),
        "endless frame": failing(
            inside(TELL.format("struct.pack('<II', 2**32 - 1, 2**32 - 1)")), "stopped", "no answer"
        ),
        "drips": failing(inside(DRIP), "stopped", "waited"),
        "closes the channel": failing(inside("os.closerange(3, 64)\nreturn x"), "stopped", "ended"),
        "closes it at the top": honest("import os\nos.closerange(3, 64)\n" + GOOD, says="far as"),
    }


def archives():
    good = json.dumps(notebook())
    names = ("../../../slip.ipynb", "/slip.ipynb")
    return {
        "zip slip": Kind(packed(dict.fromkeys(names, good)), name="{}.zip", says="of the 2"),
        "zip of links": unreadable(
            packed({"02_softmax.ipynb": f"{ROOT}/solutions/02_softmax.ipynb"}, 0o120777),
            "no JSON",
            "{}.zip",
        ),
        "zip with a key": unreadable(locked(), "cannot be read", "{}.zip"),
        "zip of spoilt bytes": unreadable(spoilt(60, b"\xff" * 60), "cannot be read", "{}.zip"),
        "zip of spoilt LZMA": unreadable(
            spoilt(60, b"\xff" * 60, zipfile.ZIP_LZMA), "cannot be read", "{}.zip"
        ),
        "deep metadata": unreadable(
            b'{"metadata": ' + b"[" * 200_000 + b"]" * 200_000 + b', "cells": []}', "no JSON"
        ),
        "half a notebook": Kind({"cells": [{}] * 3}, 0, "missing"),
        "points in the notebook": Kind(
            {**notebook(WRONG), "points": 99, "metadata": {"grade": 100}}, OTHERS, "failed"
        ),
    }


def locked():
    """A zip whose list says that a password is needed."""
    raw = packed({"x.ipynb": json.dumps(notebook())})
    flags = raw.index(b"PK\1\2") + 8
    return raw[:flags] + b"\1" + raw[flags + 1 :]


def spoilt(place, wrong, way=zipfile.ZIP_DEFLATED):
    """A zip with these bytes at a place."""
    raw = packed({"x.ipynb": json.dumps(notebook())}, way=way)
    return raw[:place] + wrong + raw[place + len(wrong) :]
