"""The pages of the library: its rooms in the order in which tantra's docstring draws them."""

import importlib
import inspect
import pkgutil
import re

import tantra

ROW = re.compile(r"^    (\w[\w ]*?)  +(\w+(?:, \w+)*)$", re.MULTILINE)
CLOSED = ("check", "classroom")  # rooms whose files hold answers, or serve a command line


def rooms():
    """Title -> names of its modules, in reading order."""
    found = {}
    for title, files in ROW.findall(tantra.__doc__.partition("Letters for axes")[0]):
        found.setdefault(title, []).extend(files.split(", "))
    return {title: modules(title, files) for title, files in found.items()}


def modules(title, files):
    """The full names of the modules in a row of the docstring, rooms with their files."""
    if title in {file.name for file in pkgutil.iter_modules(tantra.__path__)}:
        return opened(title, files)
    return [full for file in files for full in opened(file, [])]


def opened(name, order):
    """The module of this name, then its files: those of order first, in that order."""
    module = importlib.import_module(f"tantra.{name}")
    if not hasattr(module, "__path__") or name in CLOSED:
        return [module.__name__]
    files = [file.name for file in pkgutil.iter_modules(module.__path__)]
    files = [file for file in files if not file.startswith("_")]
    files.sort(key=lambda file: order.index(file) if file in order else len(order))
    return [module.__name__, *(f"{module.__name__}.{file}" for file in files)]


def api_pages():
    """Path -> text of each page of the library."""
    pages = {f"api/{name}.md": page(title, rooms()[title]) for title, name in names().items()}
    return {"api/index.md": index(), **pages}


def names():
    """Title -> the name of its page, which sorts in reading order."""
    return {title: f"{i:02}_{title.replace(' ', '_')}" for i, title in enumerate(rooms(), 1)}


def index():
    """The page that says what lies where."""
    legend = inspect.cleandoc("    Letters" + tantra.__doc__.partition("Letters")[2])
    sections = []
    for title, files in rooms().items():
        rows = [f"| {{py:mod}}`{file}` | {summary(file)} |" for file in files]
        sections += [
            f"## [{title}]({names()[title]}.md)",
            "\n".join(["| file | what it is |", "| --- | --- |", *rows]),
        ]
    return "\n\n".join(
        [
            "# The library",
            "Each name is described by its docstring: what it returns, its shapes, what it raises, "
            "and the source of it. *[source]* beside a name shows the code.",
            f"```text\n{legend}\n```",
            *sections,
        ]
    )


def summary(name):
    """The first sentence of a module's docstring."""
    text = inspect.getdoc(importlib.import_module(name)).split("\n\n")[0]
    return " ".join(text.split()).replace("|", "\\|")


def page(title, files):
    """One room: each of its modules, with all that is public in it."""
    parts = [f"# {title[0].upper()}{title[1:]}"]
    for file in files:
        parts += [
            f"## {file}",
            f"```{{eval-rst}}\n.. automodule:: {file}\n   :members:\n   :ignore-module-all:\n```",
        ]
    return "\n\n".join(parts) + "\n"
