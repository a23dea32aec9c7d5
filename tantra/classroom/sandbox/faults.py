"""Errors as JSON and back: type, arguments, and the line of the answer that raised it."""

import sys
import traceback

from tantra.classroom.sandbox.frames import Garbled

LONG, MANY = 2000, 8  # letters of a text, arguments of an error
LIBRARIES = ("builtins", "numpy", "numpy.exceptions", "numpy.linalg", "json.decoder", "torch")


def pack_error(error, explain=None):
    """The error as JSON; explain(error) is what to say in the place of its message, or None."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if frame.filename.startswith("<")]
    where = theirs[-1] if theirs else None
    node = {
        "types": [[each.__module__, each.__name__] for each in type(error).__mro__][:MANY],
        "arguments": _plain(error.args) or [_text(error)],
        "text": _explained(error, explain) or _text(error),
        "where": where and [where.filename, where.lineno, where.name],
    }
    if isinstance(error, SyntaxError) and isinstance(error.lineno, int):
        node["where"] = [error.filename or "<answer>", error.lineno, "the cell"]
        node["arguments"] = [_text(error.msg)]
    return node


def unpack_error(node):
    """An error of the same type, as if it were raised where it was; raises Garbled."""
    try:
        error = _made(_kind(node["types"]), node["arguments"], _text(node["text"]))
        where = node.get("where")
        return _raised_at(error, *where) if where else error
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as problem:
        raise Garbled(f"no error: {type(problem).__name__}") from None


def _explained(error, explain):
    try:
        return explain and explain(error)
    except BaseException:
        return None


def _text(thing):
    try:
        return str(thing)[:LONG]
    except BaseException:  # an error of the student's may do anything when it is printed
        return type(thing).__name__


def _plain(arguments):
    """The arguments, where all can be told truly; None where not."""
    alike = all(type(each) in (str, int, float) for each in arguments[:MANY])
    short = alike and all(len(str(each)[: LONG + 1]) <= LONG for each in arguments[:MANY])
    return list(arguments) if short and len(arguments) <= MANY else None


def _kind(types):
    """The exception of a known library, else a new one of that name, made from the nearest."""
    (module, name), *above = types
    known = vars(sys.modules.get(module, sys)) if module in LIBRARIES else {}
    found = known.get(str(name))
    if isinstance(found, type) and issubclass(found, Exception | SystemExit | KeyboardInterrupt):
        return Exception if found is KeyboardInterrupt else found
    nearest = _kind(above) if above else Exception
    usable = str(name)[:60] if str(name).isidentifier() else "Error"
    return type(usable, (nearest,), {"__module__": "__main__"}) if above else nearest


def _made(kind, arguments, text):
    """An error that says the text; with its own arguments where they say so already."""
    arguments = [each for each in arguments if isinstance(each, str | int | float)][:MANY]
    for given in (arguments, [text]):
        try:
            error = kind(*given)
        except Exception:
            continue
        if str(error) == text or given == [text]:
            return error
    return kind("utf-8", b"?", 0, 1, text) if kind is UnicodeDecodeError else ValueError(text)


def _raised_at(error, filename, line, name):
    """The error with a traceback that ends at this line of the answer."""
    line = min(max(int(line), 1), 100_000)
    code = compile("\n" * (line - 1) + "raise error", str(filename)[:200], "exec")
    try:
        exec(code.replace(co_name=str(name)[:60]), {"error": error, "__name__": "__main__"})
    except BaseException as raised:
        return raised.with_traceback(raised.__traceback__.tb_next)
