"""Prove that the comparison of stored outputs sees every stored output.

    python tools/spoil.py                                 the whole course
    python tools/spoil.py notebooks/02_softmax.ipynb      one notebook
    python tools/spoil.py solutions                       one folder

Runs the notebooks through nbval as `make test` does.  After a cell has passed, the outputs that it
just gave are compared with spoiled copies of the stored ones: each text with a sign added, each
alt text too, each number changed alone.  A copy that passes is a place where nbval is blind.
"""

import copy
import os
import re
import subprocess
import sys

from course import PICTURE, ROOT, all_paths

NBVAL = ("-p", "nbval.plugin", "--nbval")  # pyproject.toml keeps it out, under its other name
NUMBER = re.compile(r"\d+(?:\.\d+)?")
ALT = re.compile(r"""\balt=(["'])(.*?)\1""", re.DOTALL)


def spoiled(outputs):
    """Yield (what was spoiled, outputs with that one place spoiled) for each place in outputs."""
    for number, output in enumerate(outputs):
        for key, text in texts(output):
            for what, wrong in spoiled_texts(text):
                spoiled_outputs = copy.copy(outputs)
                spoiled_outputs[number] = with_text(output, key, wrong)
                yield f"output {number + 1}, {key}, {what}", spoiled_outputs
        yield f"output {number + 1} taken away", outputs[:number] + outputs[number + 1 :]


def texts(output):
    """The (key, text) pairs of output that a reader sees."""
    if output.output_type == "stream":
        return [("text", output.text)]
    if output.output_type == "error":
        return [("evalue", output.evalue)]
    return [(key, text) for key, text in output.data.items() if isinstance(text, str)]


def with_text(output, key, text):
    """A copy of output with text in place of its key."""
    result = copy.deepcopy(output)
    if key in ("text", "evalue"):
        result[key] = text
    else:
        result.data[key] = text
    return result


def spoiled_texts(text):
    """Yield (what was spoiled, text spoiled in one place)."""
    yield "a sign added", text + "~"
    pictures = [match.span() for match in PICTURE.finditer(text)]
    for match in ALT.finditer(text):
        yield f"alt text {match[2][:30]!r}", f"{text[: match.end(2)]}~{text[match.end(2) :]}"
    for match in NUMBER.finditer(text):
        if not any(start <= match.start() < end for start, end in pictures):
            end = match.end() - 1
            digit = (int(text[end]) + 1) % 10
            yield f"number {match[0]}", f"{text[:end]}{digit}{text[end + 1 :]}"


def blind_spots(outputs, differs):
    """What differs(wrong outputs) fails to see when outputs are spoiled, place by place."""
    return [what for what, wrong in spoiled(outputs) if not differs(wrong)]


def main(paths):
    """Run nbval with every comparison put to the test; its exit status."""
    command = [sys.executable, "-m", "pytest", *NBVAL, "-q", "--tb=short"]
    paths = paths or [str(path) for path in all_paths()]
    return subprocess.run(
        [*command, *paths], cwd=ROOT, env={**os.environ, "TANTRA_SPOIL": "1"}
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
