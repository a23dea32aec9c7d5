"""What a check calls in the place of an answer: each call goes to the answer's process."""

import functools

import numpy as np

from tantra.classroom.judge.host import GARBLED
from tantra.classroom.judge.replay import replay, wanted
from tantra.classroom.sandbox.faults import pack_error, unpack_error
from tantra.classroom.sandbox.frames import Garbled
from tantra.classroom.sandbox.values import Luggage, mutables, named, overwrite, pack, unpack


def stand_in(process, name, module):
    """A function that calls the one in the process, and seems to come from its module."""

    def attempt(*args):
        try:
            return _Call(process, args).result()
        except (Garbled, KeyError, TypeError, IndexError, AttributeError) as error:
            if getattr(error, "from_answer", False):
                raise
            raise process.stop(GARBLED.format(type(error).__name__)) from None

    attempt.__name__ = attempt.__qualname__ = name
    attempt.__module__ = module
    return attempt


def strange(kind, name):
    """A thing that stayed in the answer's process: only its kind and its type's name are known."""
    name = name[:60] if name.isprintable() and name else "thing"
    made = _type(name)
    if kind == "class":
        return made
    if kind == "function":
        return _function(name)
    return made()


@functools.lru_cache(1000)  # to make a type takes long, and an answer may hold many things
def _type(name):
    return type(name, (), {"__module__": "__main__", "__repr__": lambda self: f"<{name}>"})


def _function(name):
    def function(*args):
        raise TypeError(f"{name} stayed in the answer's process")

    function.__name__ = name
    return function


class _Call:
    """One call: its arguments, and the functions that are lent to it."""

    def __init__(self, process, args):
        self.process, self.functions = process, []
        self.given = [each for value in args for each in mutables(value)]
        luggage = Luggage(function=self._lend, watch=True, ties=True)
        self.message = {
            "call": [pack(each, luggage) for each in args],
            "functions": len(self.functions),
            "plain": [n for n, each in enumerate(self.given) if _is_plain(each)],
            "errstate": np.geterr(),
            "watch": wanted(),
        }
        self.buffers = luggage.buffers

    def result(self):
        """What the function returned; raises what it raised."""
        reply, buffers = self.process.ask(self.message, self.buffers, self._answer)
        self.buffers = None
        value = self._opened(reply["returned"], buffers) if "returned" in reply else None
        for number, node in reply["changed"]:
            overwrite(self.given[number], self._opened(node, buffers))
        self._watched([self._opened(node, buffers) for node in reply["made"]])
        raised = unpack_error(reply["raised"]) if "raised" in reply else None
        notes, held = dict(reply["notes"]), _held(reply.get("returned"), value)
        del reply, buffers
        replay(notes, held)
        if raised is not None:
            raised.from_answer = True
            raise raised
        return value

    def _opened(self, node, buffers):
        shared = {"given": self.given, "functions": self.functions}
        return unpack(node, Luggage(buffers=buffers, strange=strange, **shared))

    def _watched(self, made):
        """Add what was made of arguments that note it to their list."""
        lists = {id(x.made): x.made for x in self.given if hasattr(x, "made")}
        for each in lists.values():
            each.extend(made)

    def _lend(self, value):
        if not callable(value):
            return named(value)
        if not any(value is each for each in self.functions):
            self.functions.append(value)
        return {"function": next(n for n, each in enumerate(self.functions) if each is value)}

    def _answer(self, asked, buffers):
        """The frame that answers an answer's call of a function that it was lent."""
        try:
            function = self.functions[asked["ask"]]
            args = [self._opened(node, buffers) for node in asked["args"]]
        except (IndexError, TypeError, KeyError) as error:
            raise Garbled(type(error).__name__) from None
        luggage = Luggage(function=named)
        try:
            return {"returned": pack(function(*args), luggage)}, luggage.buffers
        except Exception as error:
            return {"raised": pack_error(error)}, ()


def _held(node, value):
    """The bytes that a result takes here; a view of an argument takes none."""
    is_view = isinstance(node, dict) and "view" in node
    return 0 if is_view else getattr(value, "nbytes", 0)


def _is_plain(value):
    return isinstance(value, np.ndarray) and value.flags.c_contiguous
