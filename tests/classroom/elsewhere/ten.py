"""A class of ten for nbgrader, made of the page that students were given.

Each has the softmax page's three answers of `kinds`; what is wrong is wrong with the first.
"""

import copy
import json

import kinds

PAGE = kinds.PAGE


def write(course):
    """Put the submissions into the course; returns the points that each deserves, by student."""
    given = json.loads((course / f"release/{PAGE}/{PAGE}.ipynb").read_text("utf-8"))
    made = ten(given)
    for student, (content, _) in made.items():
        place = course / "submitted" / student / PAGE
        place.mkdir(parents=True)
        (place / "timestamp.txt").write_text("2026-11-30 12:00:00 UTC")
        for name, book in content.items():
            text = book if isinstance(book, str) else json.dumps(book)
            (place / name).write_text(text, "utf-8")
    return {student: points for student, (_, points) in made.items()}


def answered(given, first=kinds.GOOD, change=None):
    book = copy.deepcopy(given)
    answers = {
        kinds.WRITE: first,
        **{name: kinds.SOLVED[name] for name in (kinds.HUNT, kinds.VALUE)},
    }
    for cell in book["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    if change:
        change(book["cells"])
    return book


def ten(given):
    """{student: ({file name: notebook or text}, points)}."""
    name = f"{PAGE}.ipynb"

    def one(*args, **more):
        return {name: answered(given, *args, **more)}

    forged = answered(given, kinds.WRONG, kinds.checks_edited)
    forged["cells"].insert(
        0, {**copy.deepcopy(forged["cells"][1]), "id": "forged", "source": FORGED}
    )
    return {
        "right": (one(), kinds.ALL),
        "wrong": (one(kinds.WRONG), kinds.OTHERS),
        "copied": (one(change=copied), kinds.ALL),
        "bare": (one(change=kinds.without_metadata), kinds.ALL),
        "syntax": (one("def softmax(x:\n    return x\n"), kinds.OTHERS),
        "renamed": ({"my answers (1).ipynb": answered(given)}, kinds.ALL),
        "missing": ({"notes.txt": "I was ill"}, 0),
        "edited": (one(kinds.WRONG, kinds.checks_edited), kinds.OTHERS),
        "endless": (one("%matplotlib inline\ninput()\nwhile True:\n    pass\n"), kinds.OTHERS),
        "forged": ({name: forged, "json.py": "raise SystemExit"}, kinds.OTHERS),
    }


FORGED = (
    "class Check:\n    key = 'x'\n"
    "    def __getattr__(self, name): return lambda *a, **k: print('passed')\n"
    "check = Check()\n"
)


def copied(cells):
    """As nbgrader's issue 1083 has it: a copied cell keeps nbgrader's own id."""
    for name in (kinds.WRITE, kinds.CHECK):
        place = kinds.at(cells, name)
        cells.insert(place + 1, {**copy.deepcopy(cells[place]), "id": f"copy-{name}"})
