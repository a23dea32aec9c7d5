"""Write notebooks over older ones, and first set aside what somebody made there by hand.

By hand is what a notebook would lose by the writing, a cell's text or its outputs, unless the last
commit holds it or a tool of the course wrote it.  NAME.ipynb is then kept as NAME.mine-1.ipynb.
"""

import hashlib
import json
import subprocess

import nbformat

from course import ROOT, short, write_whole

WRITTEN = ROOT / ".cache/written.json"  # {notebook: the pieces that a tool wrote there last}


def store(path, text, force=False):
    """Write the notebook text to path; unless forced, set aside first what is there by hand."""
    path = path.resolve()
    if path.exists() and not force:
        old = path.read_text(encoding="utf-8", errors="surrogateescape")
        lost = pieces(old) - pieces(text) - written().get(str(path), set())
        if lost and lost - committed(path):
            print(f"{short(path)} held what no tool wrote: it is kept as {kept_aside(path)}.")
    write_whole(path, text)
    remember(path, text)


def pieces(text):
    """The digests of what a notebook holds: each cell's text, and each cell's outputs."""
    try:
        cells = nbformat.reads(text, as_version=4).cells
    except Exception:  # torn in some way: then it is one piece
        return {digest(text)}
    sources = [cell.source for cell in cells if cell.source.strip()]
    return set(map(digest, sources + [shown(c.outputs) for c in cells if c.get("outputs")]))


def shown(outputs):
    """outputs as one text, without the numbers of the cells, which say how often one ran them."""
    numbers = ("execution_count", "metadata")
    said = [{k: v for k, v in output.items() if k not in numbers} for output in outputs]
    return json.dumps(said, sort_keys=True)


def digest(text):
    """A short name for text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def committed(path):
    """The pieces of the notebook at path in the last commit; none where git knows none."""
    command = ["git", "show", f"HEAD:./{path.name}"]
    try:
        done = subprocess.run(command, cwd=path.parent, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return set()
    return pieces(done.stdout.decode("utf-8", "surrogateescape"))


def kept_aside(path):
    """The name of a copy of the file at path, made now beside it."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.mine-{number}.ipynb")).exists():
        number += 1
    aside.write_bytes(path.read_bytes())
    return aside.name


def written():
    """What the tools wrote last: {notebook: its pieces}."""
    try:
        kept = json.loads(WRITTEN.read_text(encoding="utf-8"))
        return {name: set(digests) for name, digests in kept.items()}
    except (OSError, ValueError, AttributeError, TypeError):  # none yet, or a torn one
        return {}


def remember(path, text):
    """Note that a tool wrote this text, and forget the notebooks that are gone."""
    kept = {name: digests for name, digests in written().items() if (ROOT / name).exists()}
    kept[str(path)] = pieces(text)
    WRITTEN.parent.mkdir(exist_ok=True)
    write_whole(WRITTEN, json.dumps({name: sorted(d) for name, d in kept.items()}, indent=0))
