"""A class of ten whose verdicts are written by hand, for the reports.

    python tests/classroom/small_class.py FOLDER

writes all its reports into FOLDER.
"""

import ast
import json
import sys
from pathlib import Path

from tantra.classroom.records import Submission, Verdict
from tantra.classroom.reports import outputs
from tantra.classroom.submission.page import read_page

ROOT = Path(__file__).parents[2]
PAGE = "02_softmax"
ASSIGNMENT = read_page(ROOT / f"exercises/{PAGE}.ipynb").assignment(7)
TASKS = {task.name: task for task in ASSIGNMENT.tasks}
SOLVED = {
    cell["id"]: "".join(cell["source"])
    for cell in json.loads((ROOT / f"solutions/{PAGE}.ipynb").read_text("utf-8"))["cells"]
}
ANSWERS = {task.name: SOLVED[f"task-{task.number}-write"] for task in ASSIGNMENT.tasks}
KEEPDIMS = "keepdims=True keeps the summed axis, and the rows line up"
TOO_LARGE = "exp overflows: take the largest score away first"
WRONG = "def softmax(x):\n    # {}\n    return np.exp(x) / np.exp(x).sum(axis=-1)\n"
EVIL = (
    "</script></pre></code><script>document.title = 'taken'</script>\n"
    "<img src='http://192.0.2.1/a.png' onerror=\"document.title = 'taken'\">\x1b[31m\u202e\n"
)
LONG = "n" * 240
QUOTED = 'O\'Neil "Nil" <b>&amp;</b>'


def verdict(name, status, source="", words="", mistake=None, notes=()):
    task = TASKS[name]
    return Verdict(
        task=name,
        number=task.number,
        status=status,
        words=words or _words(name, status, mistake),
        mistake=mistake,
        points=task.points if status == "passed" else 0,
        of=task.points,
        source=source,
        notes=notes,
    )


def _words(name, status, mistake):
    if status == "unsolved":
        return f"· {name}: as it was given"
    return f"{'✓' if status == 'passed' else '✗'} {name}\n  {mistake or 'it is so'}"


def submission(student, *verdicts, odd=(), file=None, digest=None):
    """The verdicts that are given, and of the other tasks that they are not written."""
    found = {each.task: each for each in verdicts}
    for task in ASSIGNMENT.tasks:
        found.setdefault(task.name, verdict(task.name, "unsolved", task.given))
    return Submission(
        student=student,
        file=file or f"{student}.ipynb",
        digest=digest or student.encode().hex().ljust(64, "0")[:64],
        exercise=PAGE,
        seed=7,
        odd=odd,
        verdicts=tuple(sorted(found.values(), key=lambda each: each.number)),
    )


def solved(student, change=lambda source: source, **more):
    """Somebody who solved all, in the solutions' own words or what change makes of them."""
    found = [verdict(name, "passed", change(source)) for name, source in ANSWERS.items()]
    return submission(student, *found, **more)


def renamed(source):
    """The source as a copyist hands it in: other variables, no comments, an annotation."""
    tree = ast.parse(source)
    names = {node.id for node in ast.walk(tree)
             if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}  # fmt: skip
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = f"my_{node.id}"
        elif isinstance(node, ast.arg):
            node.arg, node.annotation = f"my_{node.arg}", ast.Name("object", ast.Load())
    return f"# all my own work\n{ast.unparse(tree)}\n"


def missing(student, says):
    lost = [verdict(name, "missing", words=f"· {name}: its cell is missing") for name in TASKS]
    return submission(student, *lost, odd=(says,))


def small_class():
    """The submissions, in no order."""
    wrong = {"status": "failed", "mistake": KEEPDIMS}
    return [
        solved("zoe", renamed),
        solved("ada"),
        submission("bob", verdict("softmax", source=WRONG.format("by Bob, 4711"), **wrong)),
        submission("mia", verdict("softmax", source=WRONG.format("no idea, asked bob"), **wrong)),
        submission(QUOTED, verdict("softmax", source=WRONG.format("O'Neil's own work"), **wrong)),
        submission("नमस्ते Jürgen", verdict("softmax", "failed", "def softmax(x): return np.exp(x)",
                                         mistake=TOO_LARGE)),
        submission(LONG, verdict("soften", "stopped", "while True: pass",
                                 "✗ soften\n  still computing after 10 seconds, so it was ended")),
        submission("=1+1", verdict("softmax", "failed", EVIL, f"✗ softmax\n  raised Error: {EVIL}",
                                   notes=("uses os: have a look",))),
        submission("mia (2)", verdict("softmax", source=WRONG.format("2"), **wrong), file="mia.zip",
                   odd=("one of several files of mia: choose which one counts",)),
        missing("eve", "it is empty"),
    ]  # fmt: skip


def write(folder, submissions=None):
    """Write the reports of the class; returns the summary."""
    ASSIGNMENT.write(folder / "assignment.json")
    (folder / "run.json").write_text('{"seed": 7, "open": ["the network"]}')
    return outputs.write(folder, small_class() if submissions is None else submissions)


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
