"""Each task's answer in what was handed in: by the cell's id, else by the function's name."""

from dataclasses import dataclass

from tantra.classroom.submission import names
from tantra.classroom.submission.notebook import LONGEST
from tantra.classroom.submission.page import is_function

TRIES = 3  # cells that may hold the answer; of a value, which could be guessed, there is one
EYES = ("setprofile", "settrace", "tracemalloc", "monitoring")  # what a check sees with
CHANCE = frozenset(
    {"random", "rand", "randn", "randint", "default_rng", "SystemRandom", "secrets", "urandom"}
    | {"uuid1", "uuid4", "time", "time_ns", "perf_counter", "monotonic", "process_time"}
    | {"id", "hash", "getpid", "now", "today", "empty", "empty_like"}
)
UNUSUAL = (
    *("os", "sys", "ctypes", "gc", "inspect", "socket", "subprocess", "threading", "_thread"),
    *("signal", "importlib", "__import__", "exec", "eval", "_getframe", "addaudithook"),
    *("__code__", "__globals__", "__closure__", "__wrapped__", "__subclasses__", "_C"),
)


@dataclass(frozen=True)
class Answer:
    """A cell that may hold an answer; before are (label, source) of what it needs of other cells.

    want is the name in it to be checked.
    """

    source: str
    want: str
    before: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def find(page, cells):
    """{task: [Answer, ...]}, the likeliest first; none where the task is missing."""
    codes = [(cell.name, names.plain(cell.source)) for cell in cells if cell.kind == "code"]
    return {place.task.name: _answers(page, place, codes) for place in page.places}


def _answers(page, place, codes):
    ours = {cell.source for cell in page.cells.values()}
    by_id = [text for name, text in reversed(codes) if name == place.write]
    others = [text for name, text in reversed(codes) if name != place.write and text not in ours]
    by_name = [text for text in others if names.defines(text, place.want)]
    found = [(text, ()) for text in by_id]
    note = "found by name, in another cell" if by_id else "found by name"
    found += [(text, (note,)) for text in by_name]
    solved = [item for item in found if not names.same(item[0], place.task.given)]
    if not solved and not found and any(names.same(t, place.task.given) for _, t in codes):
        found = [(place.task.given, ())]
    solved.sort(key=lambda item: not names.defines(item[0], place.want))
    most = TRIES if is_function(place) else 1
    return [_answer(page, place, *item, codes) for item in (solved or found[:1])[:most]]


def _answer(page, place, text, notes, codes):
    want = place.want
    if not names.defines(text, want) and (own := _renamed(place, text, codes)):
        want, notes = own, (*notes, f"the function is called {own} here")
    before, borrowed = _before(page, text, codes)
    if borrowed:
        notes = (*notes, f"uses {', '.join(borrowed)} of another cell")
    if unusual := [each for each in UNUSUAL if each in names.spoken(text)]:
        notes = (*notes, f"uses {', '.join(unusual)}: have a look")
    if len(text) > LONGEST:
        notes = (*notes, f"longer than {LONGEST} letters: the rest was left out")
    return Answer(text, want, before, notes)


def _renamed(place, text, codes):
    """The last function of the cell, where the one asked for is not there."""
    if not is_function(place):
        return None
    return next(reversed(names.functions(text)), None)


def _before(page, text, codes):
    """What the text needs of the student's other cells: ((label, source), ...), and its names.

    Only statements that bind or change a needed name are taken, in their order.
    """
    known = {name for _, source in page.given for bound, _ in names.statements(source)
             for name in bound}  # fmt: skip
    pool = {}
    for place, (_, source) in enumerate(codes):
        if source != text:
            for step, (bound, line) in enumerate(names.parts(source)):
                for name in bound - known:
                    pool.setdefault(name, {})[place, step] = line
    lines, taken = pool.pop("*", {}), set()
    ask = [text, *lines.values()]
    own = set().union(*(bound for bound, _ in names.statements(text)))
    while ask:
        found = (names.needed(ask.pop()) - own) & pool.keys() - taken
        taken |= found
        new = {place: line for name in found for place, line in pool[name].items()}
        ask += new.values()
        lines |= new
    labelled = enumerate((lines[place] for place in sorted(lines)), 1)
    return tuple((f"<another cell {n}>", line) for n, line in labelled), sorted(taken)


def blinds(text):
    """Which of the check's eyes the text speaks of, or None."""
    spoken = names.spoken(text)
    return next((each for each in EYES if each in spoken), None)


def by_chance(text):
    """Whether the text speaks of what is different each time."""
    return bool(CHANCE & names.spoken(text))
