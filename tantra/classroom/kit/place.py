"""Where the course is, and which of its chapters a command means."""

import difflib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NEEDED = ("notebooks", "exercises", "solutions", "tools")


def the_course(root=ROOT):
    """The course's folder.  Raises ValueError where it is not a whole clone."""
    missing = [name for name in NEEDED if not (root / name).is_dir()]
    if missing:
        raise ValueError(
            f"{root} has no {', '.join(missing)}: run this in a clone of the course, "
            "with its own .venv"
        )
    return root


def all_names(root=ROOT):
    """The names of the chapters, in their order: ["00_begin", ...]."""
    found = sorted(path.stem for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return [name for name in found if ".mine-" not in name]


def chosen(words, root=ROOT):
    """The chapters that words mean, "02 softmax 03_attention", in their order; all for "".

    Raises ValueError for a word that means none.
    """
    known = all_names(root)
    meant = {meaning(word, known) for word in re.split(r"[\s,]+", words or "") if word}
    return [name for name in known if name in meant] if meant else known


def meaning(word, known):
    """The one chapter among known that word means: its number, its name, or both."""
    for name in known:
        number, _, title = name.partition("_")
        if word in (name, title, number, str(int(number))):
            return name
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"there are {known[0][:2]} to {known[-1][:2]}"
    raise ValueError(f"there is no chapter {word!r}: {advice}")
