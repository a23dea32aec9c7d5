"""What stands around an answer: no check, nobody to ask, IPython in name only."""

import builtins
import importlib.abc
import importlib.machinery
import sys
import types

from tantra.classroom.sandbox import watched

GONE = ("tantra.check.", "tantra.classroom.")  # they hold right answers, and what stands around


class Silent(types.ModuleType):
    """A module in which every name is there, can be called, and does nothing."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Silent(name)

    def __call__(self, *args, **named):
        return None


class NoCheck(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Hands out a silent module for tantra.check and all that is in it."""

    def find_spec(self, name, path=None, target=None):
        hidden = f"{name}.".startswith("tantra.check.")
        return importlib.machinery.ModuleSpec(name, self) if hidden else None

    def create_module(self, spec):
        return Silent(spec.name)

    def exec_module(self, module):
        pass


class Shell:
    """What get_ipython() gives: its magics do nothing."""

    def __getattr__(self, name):
        return lambda *args, **named: None


def _refuse_other_eyes(event, args):
    """Let nobody but the channel set a profile function: a check sees with it."""
    if event in ("sys.setprofile", "sys.settrace") and not watched.setting:
        raise PermissionError("an answer must leave Python's profile and trace functions alone")


def settle():
    """Change this process for good: the check goes, and input() has an empty answer."""
    import tantra

    for name in [name for name in sys.modules if f"{name}.".startswith(GONE)]:
        del sys.modules[name]
    vars(tantra).pop("classroom", None)
    sys.addaudithook(_refuse_other_eyes)
    sys.meta_path.insert(0, NoCheck())
    tantra.check = importlib.import_module("tantra.check")
    shell = Shell()
    builtins.input = lambda prompt="": ""
    builtins.get_ipython = lambda: shell
    builtins.display = lambda *things, **named: None
