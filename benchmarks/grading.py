"""python -m benchmarks.grading: the seconds and the memory that a class of a hundred takes.

Each has answered the seven tasks of the softmax page: one of them wrong in every second one, an
endless loop in every twentieth.  What was measured is kept in grading.json.
"""

import json
import os
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import machine
from tantra.classroom import grading
from tantra.files import write_whole

ROOT = Path(__file__).resolve().parents[1]
PAGE, COUNT = "02_softmax", 100
RESULT = Path(__file__).with_name("grading.json")
WRONG = "def softmax(x):\n    return np.exp(x) / np.exp(x).sum(axis=-1)\n"
ENDLESS = "def softmax(x):\n    while True:\n        pass\n"


def main():
    """Measure, print, and keep the result."""
    here = machine.describe()
    with tempfile.TemporaryDirectory() as room:
        write(Path(room, "class"))
        found = measure(Path(room, "class"))
    print(json.dumps(found, indent=1))
    write_whole(RESULT, (json.dumps({"machine": here} | found, indent=1) + "\n").encode())


def write(folder):
    """Write the class into a folder."""
    folder.mkdir()
    exercise, solution = (
        json.loads((ROOT / kind / f"{PAGE}.ipynb").read_text("utf-8"))
        for kind in ("exercises", "solutions")
    )
    answers = {cell["id"]: "".join(cell["source"]) for cell in solution["cells"]}
    for number in range(COUNT):
        for cell in exercise["cells"]:
            if cell["id"].endswith("-write"):
                cell["source"] = f"{answers[cell['id']]}\n# {number}\n"
            if cell["id"] == "task-1-write" and number % 2:
                cell["source"] = ENDLESS if number % 20 == 1 else WRONG
        (folder / f"student {number:03}.ipynb").write_text(json.dumps(exercise), "utf-8")


def measure(folder):
    """Mark the class: seconds, the most memory of all processes together, and the statuses."""
    over, most = threading.Event(), [0]

    def look():
        while not over.wait(0.5):
            most[0] = max(most[0], memory(os.getpid()))

    watch = threading.Thread(target=look)
    watch.start()
    began = time.monotonic()
    try:
        marked = grading.grade(ROOT / f"exercises/{PAGE}.ipynb", folder, jobs=2, told=_told)
    finally:
        over.set()
        watch.join()
    statuses = [verdict.status for each in marked for verdict in each.verdicts]
    return {
        "submissions": len(marked),
        "tasks": len(statuses),
        "seconds": round(time.monotonic() - began, 1),
        "mebibytes": round(most[0] / 2**20),
        "statuses": {status: statuses.count(status) for status in sorted(set(statuses))},
    }


def memory(process):
    """The bytes that a process and those below it hold; what they share is counted once."""
    total = 0
    for number in (process, *below(process)):
        try:
            text = Path(f"/proc/{number}/smaps_rollup").read_text()
        except OSError:  # it has ended
            continue
        line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0")
        total += 1024 * int(line.split()[1])
    return total


def below(process):
    """The numbers of the processes that a process began, and that those began."""
    for place in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = place.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from (child, *below(child))


def _told(submission, done, count):
    if done % 10 == 0:
        print(f"{done} of {count}", flush=True)


if __name__ == "__main__":
    main()
