"""An answer's process is shut in, and what comes from it is not believed."""

import contextlib
import json
import socket
import struct
import sys
import threading

import numpy as np
import pytest
import torch

from tantra.classroom.judge.host import Host, Stopped
from tantra.classroom.judge.stand_in import stand_in, strange
from tantra.classroom.sandbox import landlock, seccomp
from tantra.classroom.sandbox.faults import pack_error, unpack_error
from tantra.classroom.sandbox.frames import MOST, Channel, Garbled
from tantra.classroom.sandbox.limits import Limits
from tantra.classroom.sandbox.values import Luggage, mutables, overwrite, pack, unpack

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs Linux")
VALUES = [
    None, True, 7, -(2**70), 0.1, float("inf"), 2 + 1j, "ṛ", b"\0\1", [1, 2.0], (1, "a"),
    {"a": 1}, {1, 2}, np.float64(0.1), np.int8(3), np.bool_(True), np.zeros((0, 3)),
    np.arange(6.0)[::2],
    np.asfortranarray(np.arange(6).reshape(2, 3)), np.array(["a", "bc"]), np.array(True),
    torch.arange(3.0), torch.ones(2, dtype=torch.bfloat16), torch.tensor(True),
]  # fmt: skip


def there_and_back(value):
    luggage = Luggage()
    node = json.loads(json.dumps(pack(value, luggage)))
    buffers = [bytearray(memoryview(each).cast("B")) for each in luggage.buffers]
    return unpack(node, Luggage(buffers=buffers, strange=strange))


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_as_they_were(value):
    found = there_and_back(value)
    assert type(found) is type(value)
    if isinstance(value, torch.Tensor):
        assert found.dtype == value.dtype
        assert torch.equal(found, value)
    else:
        assert getattr(found, "dtype", None) == getattr(value, "dtype", None)
        np.testing.assert_array_equal(found, value, strict=isinstance(value, np.ndarray))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (len, "len"),
        (int, "int"),
        (iter([]), "list_iterator"),
        (range(3), "range"),
        (2**5000, "int"),
    ],
    ids=repr,
)
def test_what_cannot_travel_is_known_by_its_name(value, name):
    found = there_and_back(value)
    assert name in (getattr(found, "__name__", ""), type(found).__name__)


@pytest.mark.parametrize(
    "node",
    [
        [], {}, {"a": 1, "b": 2}, {"pickle": "x"}, {"array": 1}, {"array": ["<f8", [3], 0]},
        {"array": ["O", [1], 0]}, {"array": ["<f8", [-1], 0]}, {"array": ["<f8", [True], 0]},
        {"view": [0, 0, "<f8", [99], [8]]}, {"view": [0, 0, "<f8", [2], [-8]]},
        {"view": [5, 0, "<f8", [1], [8]]}, {"int": "x"}, {"function": 3}, {"dict": [1]},
        {"tensor": ["float32", {"array": ["<f8", [1], 0]}]}, {"odd": [10**9]},
        {"set": [{"list": []}]}, {"strange": [1]}, {"watched": 1}, {"bytes": -9},
        {"fraction": [1, 0]},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_value_is_refused(node):
    luggage = Luggage(given=[np.zeros(2)], buffers=[bytearray(8)], strange=strange)
    with pytest.raises((Garbled, ZeroDivisionError)):
        unpack(node, luggage)


def test_a_value_inside_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(Garbled):
        pack(endless, Luggage())


@pytest.mark.parametrize("content", [
    struct.pack("<II", MOST, 9), struct.pack("<II", 2, 0) + b"[]",
    struct.pack("<II", 4, 0) + b"oops", struct.pack("<II", 9, 0) + b'[{}, [1]]',
    struct.pack("<II", 9, 2) + b'[{}, [1]]' + b"ab",
])  # fmt: skip
def test_what_is_no_message_is_refused(content):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(content)
        with pytest.raises(Garbled):
            Channel(ours).receive()


def test_messages_larger_than_a_socket_holds_arrive():
    ours, theirs = socket.socketpair()
    content = bytes(range(256)) * 10_000
    with ours, theirs:
        sender = threading.Thread(target=Channel(theirs).send, args=({"a": 1}, [content, b""]))
        sender.start()
        assert Channel(ours).receive() == ({"a": 1}, [content, b""])
        sender.join()


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a"), KeyError("a"), np.linalg.LinAlgError("b"), np.exceptions.AxisError(3, 2),
        ZeroDivisionError(), SystemExit(3), UnicodeDecodeError("utf-8", b"a", 0, 1, "no"),
    ],
    ids=repr,
)  # fmt: skip
def test_errors_come_back_with_their_type(error):
    found = unpack_error(json.loads(json.dumps(pack_error(error))))
    assert type(found) is type(error)
    assert str(error) in str(found)


def test_an_error_of_the_students_own_keeps_its_name_and_its_kind():
    class MineError(LookupError):
        pass

    found = unpack_error(pack_error(MineError("x")))
    assert type(found).__name__ == "MineError"
    assert isinstance(found, LookupError)
    assert type(found) is not LookupError


def test_arguments_are_overwritten_in_their_own_memory():
    table = np.zeros(3)
    tensor, row, names, kept = torch.from_numpy(table), [1], {"a": 1}, {1}
    news = torch.ones(3, dtype=torch.float64), [2, 3], {"b": 2}, {5}
    for old, new in zip((tensor, row, names, kept), news, strict=True):
        overwrite(old, new)
    assert table.tolist() == [1, 1, 1]
    assert (row, names, kept) == ([2, 3], {"b": 2}, {5})
    assert len(list(mutables(((table, [row]), names)))) == 4


@pytest.fixture(scope="module")
def host():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET", "x")
        with contextlib.closing(Host()) as host:
            yield host


@pytest.fixture
def answer(host):
    """answer(source): the function f of it, in a process of its own."""
    begun = []

    def answer(source, **limits):
        process = host.fork(Limits(**limits), 2.0)
        begun.append(process)
        cells = [["<f>", source]]
        reply, _ = process.ask({"load": {"cells": cells, "want": "f", "seed": 0}})
        assert not reply["faults"], reply
        return stand_in(process, "f", "__main__")

    yield answer
    for process in begun:
        process.end()


@linux
def test_an_answer_that_changes_its_input_is_seen(answer):
    x, row = np.zeros(3), [1, 2]
    answer("def f(x, row):\n    x += 1\n    row.append(x[0])")(x, row)
    assert x.tolist() == [1, 1, 1]
    assert row == [1, 2, 1]


@linux
def test_a_view_of_an_argument_comes_back_as_one(answer):
    x = np.arange(6.0)
    found = answer("def f(x):\n    return x[1::2]")(x)
    assert np.shares_memory(found, x)
    assert found.tolist() == [1, 3, 5]


@linux
def test_an_array_with_two_names_is_one_array_there_too(answer):
    tied, alone = np.ones(3), np.ones(3)
    weights = {"embedding": tied, "gain": alone, "unembedding": tied}
    answer("def f(weights):\n    for name in weights:\n        weights[name] *= 2")(weights)
    assert (tied.tolist(), alone.tolist()) == ([4, 4, 4], [2, 2, 2])


@linux
def test_functions_are_lent(answer):
    double = answer("def f(x, g, many):\n    return many[1](g(x)), g")
    found, same = double(np.ones(2), np.negative.__call__, [None, lambda x: x + 5])
    assert found.tolist() == [4, 4]
    assert callable(same)


@linux
def test_an_error_of_a_lent_function_reaches_the_answer(answer):
    def broken(x):
        raise LookupError("lent")

    source = (
        "def f(g):\n    try:\n        g(1)\n    except LookupError as error:\n"
        "        return str(error)\n"
    )
    assert answer(source)(broken) == "lent"


@linux
@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd').read()", "open('/proc/self/environ').read()", "os.listdir('/')",
        "open('/tmp/tantra-new', 'w')", "os.fork()", "os.kill(os.getppid(), 0)",
        "os.chmod('.', 0o777)", "socket.socket()", "os.execv('/bin/true', ['true'])",
        "os.utime('.', (0, 0))", "os.symlink('/etc', '../link')", "os.memfd_create('x')",
        "os.truncate('/tmp', 0)", "os.link('/etc/hostname', 'here')",
    ],
)  # fmt: skip
def test_what_an_answer_may_not_do(answer, attempt):
    if not (landlock.version() and sys.byteorder == "little"):
        pytest.skip("this system has no Landlock")
    source = f"import os, socket\ndef f():\n    {attempt}\n"
    with pytest.raises(OSError):  # noqa: PT011, which one depends on the guard
        answer(source)()


@linux
def test_what_an_answer_may_do(answer):
    source = (
        "import os, tempfile, threading\nfrom xml import etree\nimport sqlite3, decimal\n"
        "def f():\n    open('mine', 'w').write('x')\n    thread = threading.Thread(target=len)\n"
        "    thread.start()\n    thread.join()\n"
        "    return open('mine').read(), sorted(os.environ), tempfile.mkdtemp() and 1\n"
    )
    source = source.replace("target=len", "target=list")
    found = answer(source)()
    assert found[0] == "x"
    assert not {"SECRET", "USER", "SHELL", "PWD"} & set(found[1])


@linux
def test_a_stopped_answer_stays_stopped(answer):
    f = answer("import os\ndef f():\n    os._exit(4)")
    for _ in range(2):
        with pytest.raises(Stopped, match="exit status 4"):
            f()


def test_a_filter_refuses_on_both_machines():
    for column, architecture in seccomp.MACHINES.values():
        steps = list(seccomp.steps(column, architecture))
        assert len(steps) < 256
        assert steps[-1][0] == seccomp.RETURN
        for place, (what, yes, no, _) in enumerate(steps):
            if what != seccomp.RETURN:
                assert place + 1 + max(yes, no) < len(steps)
