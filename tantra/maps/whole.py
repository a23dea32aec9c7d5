"""The Transformer whose parts fill in as their exercises are passed.

Below it stand the chapters that have no part of their own.  A part fills from the left.  Beside
the colour, its outline says how far it is: dashed, plain, and thick with a ✓.
"""

from tantra.maps import drawing
from tantra.maps.parts import CHAPTERS, HEIGHT, PARTS, TALLIES, WIDTH, Part

DONE = "var(--jp-success-color1, #388e3c)"
IN_A_ROW = 3


def filled(tally):
    """The drawing as SVG text; tally maps a chapter to (passed, how many there are)."""
    looks = {name: look(part, *tally.get(part.chapter, (0, 0))) for name, part in PARTS.items()}
    below = [(part, look(part, *tally.get(part.chapter, (0, 0)))) for part in strip()]
    counts = {name: "{}/{}".format(*tally.get(name, (0, 0))) for name in TALLIES}
    notes = [(*place, counts[name]) for name, place in TALLIES.items()]
    notes.append((24, HEIGHT + 20, "the whole at work"))
    return drawing.svg(looks, _in_words(tally), DONE, below, notes)


def look(part, done, total):
    """How a part stands of which done of total exercises are passed."""
    full = total > 0 and done == total
    count = " ✓" if full else f" {done}/{total}" if total else ""
    return drawing.Look(
        filled=done / total if total else 0.0,
        strong=full,
        dashed=not done,
        label=part.label + count if part.counts else "",
        words=f"{_spoken(part.chapter)}: {done} of {total} passed",
    )


def strip():
    """A box for each chapter that no part of the model counts, three in a row under the drawing."""
    counted = {part.chapter for part in PARTS.values() if part.counts} | set(TALLIES)
    rest = [name for name in CHAPTERS if name not in counted]
    step = (WIDTH - 42) // IN_A_ROW
    for place, name in enumerate(rest):
        row, column = divmod(place, IN_A_ROW)
        label = name.replace("_", " ").replace("gpt2", "GPT-2")
        yield Part(label, name, 24 + column * step, HEIGHT + 30 + row * 34, step - 8)


def _in_words(tally):
    """What a screen reader says: every part and how much of it is passed."""
    counts = {chapter: tally.get(chapter, (0, 0)) for chapter in CHAPTERS}
    words = [f"{_spoken(chapter)} {n} of {m}" for chapter, (n, m) in counts.items()]
    return "The Transformer and the exercises passed on each part: " + ", ".join(words)


def _spoken(chapter):
    return chapter.replace("_", " ")
