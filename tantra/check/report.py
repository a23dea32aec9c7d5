"""What has been passed, as a table and a drawing; `tantra.progress()` returns it."""

from html import escape

from tantra.check import source
from tantra.check.exercises import chapters
from tantra.maps import whole


class Report:
    """Shows itself: HTML in Jupyter, text elsewhere."""

    def __init__(self, passed, chapter=None):
        known = chapters()
        if chapter is not None and chapter not in known:
            asked = source.brief(repr(chapter), 60)
            raise ValueError(f"no exercises in a chapter {asked}; there are {', '.join(known)}")
        self.whole = chapter is None
        self.rows = {
            name: {exercise.name: exercise.name in passed for exercise in exercises}
            for name, exercises in known.items()
            if chapter in (None, name)
        }
        self.tally = {chapter: (sum(row.values()), len(row)) for chapter, row in self.rows.items()}

    def __repr__(self):
        width = max(map(len, self.rows), default=0)
        lines = [
            f"{chapter:{width}}  "
            + "  ".join(f"{_mark(done)} {name}" for name, done in row.items())
            for chapter, row in self.rows.items()
        ]
        return "\n".join([self._summary(), *lines])

    def _repr_html_(self):
        rows = "".join(self._row(chapter, row) for chapter, row in self.rows.items())
        head = _cell("th", "chapter", "col") + _cell("th", "exercises", "col")
        table = (
            f'<table style="flex:1 1 20em;border-collapse:collapse">'
            f'<caption style="text-align:left">{self._summary()}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )
        if not self.whole:
            return table
        style = "display:flex;flex-wrap:wrap;gap:1.5em;align-items:flex-start"
        return f'<div style="{style}">{whole.filled(self.tally)}{table}</div>'

    def _summary(self):
        done, total = (sum(column) for column in zip((0, 0), *self.tally.values(), strict=True))
        return f"{done} of {total} exercises passed"

    def _row(self, chapter, row):
        done, total = self.tally[chapter]
        names = [_name(name, passed) for name, passed in row.items()]
        head = f"{escape(chapter.replace('_', ' '))} {done}/{total}"
        return f"<tr>{_cell('th', head, 'row')}{_cell('td', ' '.join(names))}</tr>"


def _name(name, passed):
    """A name on one line; where a line is too short for it, as on a phone, it breaks after a _."""
    style = "display:inline-block;margin-right:1em"
    parts = escape(name).replace("_", "_<wbr>")
    return f'<span style="{style}">{_mark(passed)}&nbsp;<code>{parts}</code></span>'


def _mark(done):
    return "✓" if done else "·"


def _cell(tag, inside, scope=None):
    scope = f' scope="{scope}"' if scope else ""
    style = "text-align:left;vertical-align:top;padding:.25em .6em;line-height:1.6"
    return f'<{tag}{scope} style="{style}">{inside}</{tag}>'
