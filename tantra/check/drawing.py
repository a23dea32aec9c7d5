"""The Transformer as an SVG drawing whose parts fill in as their exercises are passed.

Below it stand the chapters in which the whole is at work.

A part fills from the left.  Beside the colour, its outline says how far it is: dashed, plain, and
thick with a ✓.  Colours are JupyterLab's own, so the drawing follows light and dark.
"""

from html import escape

WIDTH, HEIGHT = 360, 584

# chapter: (what the drawing calls it, x, y, width, height); a frame comes before what it holds
PARTS = (
    ("transformer", "the whole", 4, 26, 352, 430),
    ("heads", "heads", 20, 236, 220, 106),
    ("residual", "residual", 262, 96, 80, 290),
    ("feed_forward", "feed-forward", 20, 126, 220, 30),
    ("layer_norm", "layer norm", 20, 166, 220, 30),
    ("softmax", "softmax", 28, 266, 98, 30),
    ("attention", "attention", 134, 266, 98, 30),
    ("query_key_value", "query, key, value", 28, 304, 204, 30),
    ("layer_norm", "layer norm", 20, 352, 220, 30),
    ("begin", "tokens", 20, 416, 104, 30),
    ("positions", "positions", 136, 416, 104, 30),
    ("training", "training", 4, 512, 112, 30),
    ("generation", "generation", 124, 512, 112, 30),
    ("rewrites", "rewrites", 244, 512, 112, 30),
    ("gpt2", "GPT-2", 4, 550, 82, 30),
    ("verse", "verse", 94, 550, 82, 30),
    ("inside", "inside", 184, 550, 82, 30),
    ("speed", "speed", 274, 550, 82, 30),
)
SUMS = ((130, 108), (130, 217), (130, 404))
WIRES = "M130 416V26 M262 108H138 M262 217H138 M130 390H302V386 M188 416V404H138"

INK = "var(--jp-content-font-color1, currentColor)"
PAPER = "var(--jp-layout-color1, Canvas)"
FILL = "var(--jp-success-color1, #388e3c)"


def transformer(tally):
    """The drawing as SVG text; tally maps a chapter to (passed, how many there are)."""
    parts = [_part(*part, *tally.get(part[0], (0, 0))) for part in PARTS]
    frame, rest = parts[0], "".join(parts[1:])
    label = escape(_in_words(tally))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{label}" style="flex:0 1 {WIDTH}px;width:100%;max-width:{WIDTH}px" '
        f'font-family="sans-serif" font-size="13" fill="{INK}"><title>{label}</title>'
        f"{frame}{_wires()}{rest}{_sums()}"
        f'<text x="130" y="16" text-anchor="middle">the next token</text>'
        f'<text x="130" y="476" text-anchor="middle">a text, token by token</text>'
        f'<text x="4" y="504">the whole at work</text></svg>'
    )


def _in_words(tally):
    """What a screen reader says: every part and how much of it is passed."""
    chapters = dict.fromkeys(part[0] for part in PARTS)
    counts = {chapter: tally.get(chapter, (0, 0)) for chapter in chapters}
    words = [f"{chapter.replace('_', ' ')} {n} of {m}" for chapter, (n, m) in counts.items()]
    return "The Transformer and the exercises passed on each part: " + ", ".join(words)


def _part(chapter, name, x, y, width, height, done, total):
    """One box: paper, the filled share of it, its outline, its label."""
    full = total > 0 and done == total
    outline = "" if done else ' stroke-dasharray="4 3"'
    filled = width * done / total if total else 0
    box = f'x="{x}" y="{y}" height="{height}" rx="5"'
    label = f"{name} ✓" if full else f"{name} {done}/{total}" if total else name
    words = escape(f"{chapter.replace('_', ' ')}: {done} of {total} passed")
    return (
        f"<g><title>{words}</title>"
        f'<rect {box} width="{width}" fill="{PAPER}"/>'
        f'<rect {box} width="{filled:.1f}" fill="{FILL}" fill-opacity=".25"/>'
        f'<rect {box} width="{width}" fill="none" stroke="{INK}" '
        f'stroke-width="{2.5 if full else 1}"{outline}/>'
        f"{_label(label, x, y, width, height)}</g>"
    )


def _label(label, x, y, width, height):
    """Text in the middle of a box, or at the top of a frame; a tall box takes it word by word."""
    if width < 100 < height:
        words = label.split()
        lines = enumerate(words)
        return "".join(_text(w, x + width / 2, y + height / 2 + 18 * n) for n, w in lines)
    top = y + (20 if height > 60 else height / 2 + 5)
    return _text(label, x + width / 2, top)


def _text(words, x, y):
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle">{escape(words)}</text>'


def _wires():
    return f'<path d="{WIRES}" fill="none" stroke="{INK}" stroke-opacity=".6"/>'


def _sums():
    return "".join(
        f'<circle cx="{x}" cy="{y}" r="9" fill="{PAPER}" stroke="{INK}"/>{_text("+", x, y + 4.5)}'
        for x, y in SUMS
    )
