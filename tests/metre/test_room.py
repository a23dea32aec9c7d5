"""The room as a whole: its docstring names every file, and every example in it is true."""

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import tantra
from tantra import metre

FILES = [module.name for module in pkgutil.iter_modules(metre.__path__)]


def test_the_docstring_names_every_file():
    assert sorted(re.findall(r"^(\w+)  +\w", metre.__doc__, re.MULTILINE)) == sorted(FILES)


def test_every_public_name_is_there():
    assert metre.__all__ == sorted(set(metre.__all__))
    for name in metre.__all__:
        assert inspect.getdoc(getattr(metre, name))


@pytest.mark.parametrize("file", FILES)
def test_examples_are_true(file):
    module = importlib.import_module(f"tantra.metre.{file}")
    assert module.__doc__
    assert doctest.testmod(module).failed == 0


LONG = "q" * 200_000
ASKED = [metre.weights, metre.to_devanagari, metre.to_iast, metre.VarnaTokenizer().encode]


@pytest.mark.parametrize("function", [*ASKED, lambda text: metre.join([text]), tantra.verse])
def test_a_long_stranger_is_not_quoted_whole(function):
    with pytest.raises(ValueError, match="q") as error:
        function(LONG)
    assert len(str(error.value)) < 400
