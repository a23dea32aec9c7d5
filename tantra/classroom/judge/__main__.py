"""A judge that is told of submissions, one line of JSON each, and answers with lines of JSON.

{"file": path, "exercise": path, "seed": n, "done": [tasks], "limits": {...}}
-> {"odd": [...], "digest": ...}, {"begins": task}, {"verdict": {...}}, ..., {"done": true}
"""

import io
import json
import os
import sys

from tantra.classroom.judge.host import Host
from tantra.classroom.judge.judging import Judge
from tantra.classroom.records import Verdict
from tantra.classroom.sandbox import limits
from tantra.classroom.students import own_page
from tantra.classroom.submission import answers, notebook, oddities
from tantra.classroom.submission.page import read_page

MEMORY = 3 * 2**29  # bytes that a judge may take beyond those it begins with


def main():
    """Serve until the input ends."""
    limits.die_with_parent()
    heard, said = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    sys.stdout = sys.stderr = io.StringIO()  # what checks print is for nobody here

    def tell(**what):
        said.write(json.dumps(what) + "\n")
        said.flush()

    limits.cap_memory(MEMORY)
    host = None
    try:
        for asked in map(json.loads, heard):
            page = read_page(asked["exercise"])
            if host is None:
                host = Host(*["torch"] * any("torch" in source for _, source in page.given))
                tell(open=host.open_to_answers())
            for what in judged(host, page, asked):
                tell(**what)
            tell(done=True)
    finally:
        if host:
            host.close()


def judged(host, page, asked):
    """What there is to say of one submission, bit by bit."""
    variant = asked.get("variant")
    page = own_page(page, variant)
    try:
        cells, odd = notebook.cells(notebook.content(asked["file"]), page.exercise)
        if another := oddities.another_page(page, cells):
            raise notebook.Unreadable(another)
        odd += oddities.told(page, cells)
        found = answers.find(page, cells)
    except (notebook.Unreadable, MemoryError) as problem:
        odd, found = [str(problem) or "it is too large to be read"], {}
    yield {"odd": odd}
    judge = Judge(host, page, asked["seed"], limits.Limits(**asked.get("limits", {})), variant)
    for place in page.places:
        if (name := place.task.name) not in asked["done"]:
            yield {"begins": name}
            yield {"verdict": json.loads(_verdict(judge, place, found.get(name)).to_json())}


def _verdict(judge, place, found):
    """The verdict, whatever happens; a fault of the judge's own is an error."""
    task = place.task
    try:
        return judge.verdict(place, found)
    except Exception as error:
        return failed(task, f"the judge failed: {type(error).__name__}: {error}")


def failed(task, words):
    """The verdict where the grader itself failed, which a teacher should look at."""
    said = f"✗ {task.name}\n  {words[:500]}"
    return Verdict(task=task.name, number=task.number, status="error", words=said, of=task.points)


if __name__ == "__main__":
    main()
