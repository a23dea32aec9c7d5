"""The room as a whole: its docstring names every file, and every example in it is true."""

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import tantra.metre

FILES = [module.name for module in pkgutil.iter_modules(tantra.metre.__path__)]


def test_the_docstring_names_every_file():
    assert sorted(re.findall(r"^(\w+)  +\w", tantra.metre.__doc__, re.MULTILINE)) == sorted(FILES)


def test_every_public_name_is_there():
    assert tantra.metre.__all__ == sorted(set(tantra.metre.__all__))
    for name in tantra.metre.__all__:
        assert inspect.getdoc(getattr(tantra.metre, name))


@pytest.mark.parametrize("file", FILES)
def test_examples_are_true(file):
    module = importlib.import_module(f"tantra.metre.{file}")
    assert module.__doc__
    assert doctest.testmod(module).failed == 0
