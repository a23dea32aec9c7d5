"""What the process of an answer does: it runs the cells, then each call that the judge sends.

    {"load": {"cells": [[label, source], ...], "want": name, "seed": n, "without": [module, name]}}
    {"call": [arguments], "functions": n, "plain": [...], "errstate": {...}, "watch": [...]}

The first is answered by the value of that name, the second by what the function returned or raised,
what became of its arguments, and what was noted on the way.
"""

import functools
import inspect
import json
import linecache
import random
import sys
import types
import warnings

import numpy as np
import torch

from tantra.classroom.sandbox.faults import pack_error, unpack_error
from tantra.classroom.sandbox.frames import Garbled
from tantra.classroom.sandbox.values import Luggage, mutables, named, pack, pack_safely, unpack
from tantra.classroom.sandbox.watched import Watched, noted

NOTHING = {"missing": True, "notes": {}, "changed": [], "made": []}


class Answer:
    """The cells of one answer, in one namespace, and the function that is asked for."""

    def __init__(self, channel, explain):
        self.channel, self.explain = channel, explain
        self.space, self.attempt, self.lent = {"__name__": "__main__"}, None, {}

    def serve(self):
        """Answer the judge until it goes."""
        while True:
            try:
                message, buffers = self.channel.receive()
            except EOFError:
                return
            try:
                self.channel.send(*self._reply(message, buffers))
            except Garbled as error:
                fault = pack_error(MemoryError(f"the answer is too large: {error}"))
                self.channel.send(NOTHING | {"faults": {"": fault}, "raised": fault})

    def _reply(self, message, buffers):
        """The message that answers this one, and its buffers."""
        if "load" in message:
            reply, luggage = self._load(**message["load"])
        else:
            reply, luggage = self._call(message, buffers)
        return reply, luggage.buffers

    def _load(self, cells, want, seed, without=None):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        faults = {label: fault for label, text in cells if (fault := self._run(label, text))}
        if without:
            take_away(*without)
        luggage = Luggage()
        if want not in self.space:
            return {"missing": True, "faults": faults}, luggage
        self.attempt = self.space[want]
        reply = {"faults": faults, "callable": callable(self.attempt)}
        if not reply["callable"]:
            reply["value"] = pack_safely(self.attempt, luggage)
        return reply | {"module": _module(self.attempt)}, luggage

    def _run(self, label, text):
        """Run a cell; returns the error that it raised, as JSON, or None."""
        linecache.cache[label] = (len(text), None, text.splitlines(keepends=True), label)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(text, label, "exec"), self.space)
        except BaseException as error:
            return pack_error(error, self.explain)
        return None

    def _call(self, message, buffers):
        self.lent = {n: self._lend(n) for n in range(message["functions"])}
        made = []
        arguments = Luggage(buffers=buffers, functions=self.lent.values(), watch=_watch(made))
        args = [unpack(each, arguments) for each in message["call"]]
        given = list(mutables(args))[1:]
        before = [self._written(each) for each in given]
        made.clear()
        views = [each if n in message["plain"] else None for n, each in enumerate(given)]
        luggage = Luggage(given=views, function=self._lent_or_named)
        with np.errstate(**message["errstate"]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with noted(message["watch"]) as notes:
                    value = self.attempt(*args)
                reply = {"returned": pack_safely(value, luggage)}
            except BaseException as error:
                reply = {"raised": pack_error(error, self.explain)}
        reply["made"] = [pack_safely(each, luggage) for each in list(made)]
        return reply | {"notes": notes, "changed": self._changed(given, before, luggage)}, luggage

    def _changed(self, given, before, luggage):
        """What the arguments hold that hold something else than before, [[number, value], ...]."""
        luggage.given = []
        return [
            [number, pack_safely(each, luggage)]
            for number, (each, was) in enumerate(zip(given, before, strict=True))
            if self._written(each) != was
        ]

    def _written(self, value):
        luggage = Luggage(function=self._lent_or_named)
        node = pack_safely(value, luggage)
        return json.dumps(node), [bytes(each) for each in luggage.buffers]

    def _lend(self, number):
        """A function of the judge's, which is called over the channel."""

        def function(*args):
            luggage = Luggage(function=self._lent_or_named)
            asked = [pack(each, luggage) for each in args]
            self.channel.send({"ask": number, "args": asked}, luggage.buffers)
            reply, buffers = self.channel.receive()
            if "raised" in reply:
                raise unpack_error(reply["raised"])
            return unpack(reply["returned"], Luggage(buffers=buffers))

        return function

    def _lent_or_named(self, value):
        number = next((n for n, function in self.lent.items() if function is value), None)
        return named(value) if number is None else {"function": number}


def take_away(module, name):
    """Let a function or a class of tantra's refuse to work, whoever calls it, in any thread."""
    part = inspect.unwrap(getattr(sys.modules.get(module), name, None))

    def refuse(*args, **named):
        raise TypeError("this is tantra's own, so it does not count: write yours")

    if isinstance(part, type):
        part.forward = part.__call__ = refuse
    elif isinstance(part, types.FunctionType):
        part.__code__ = refuse.__code__


def _watch(made):
    def watch(array):
        array = array.view(Watched)
        array.made = made
        return array

    return watch


def _module(attempt):
    """The module that an attempt comes from, through partial and decorators."""
    while isinstance(attempt, functools.partial):
        attempt = attempt.func
    try:
        return str(getattr(inspect.unwrap(attempt), "__module__", None))
    except Exception:
        return "__main__"
