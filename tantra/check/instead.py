"""tantra's modules as a text finds them where other functions stand in the place of some."""

import builtins
import types

import tantra


def names(instead):
    """What a text is given besides its own lines, instead's functions in the place of tantra's.

    instead holds functions by the names of those of tantra's.
    """
    space = {name: getattr(tantra, name) for name in tantra.__all__} | {"tantra": tantra}
    if not instead:
        return space
    space = {name: _seen(value, instead) for name, value in space.items()}

    def imported(*args, **named):
        return _seen(__import__(*args, **named), instead)

    return space | {"__builtins__": vars(builtins) | {"__import__": imported}}


class _Instead(types.ModuleType):
    """A module of tantra's with other functions in the place of some."""

    def __init__(self, module, instead):
        super().__init__(module.__name__)
        self.__dict__.update(_module=module, _instead=instead)

    def __getattr__(self, name):
        return _seen(getattr(self._module, name), self._instead)


def _seen(value, instead):
    """What stands in the place of a value: nearly always the value."""
    if isinstance(value, types.ModuleType):
        ours = f"{value.__name__}.".startswith("tantra.")
        return _Instead(value, instead) if ours else value
    return next((new for name, new in instead.items() if value is getattr(tantra, name)), value)
