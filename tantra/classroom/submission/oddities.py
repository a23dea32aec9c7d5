"""What was odd about a submission, in sentences for the teacher."""

import re
from collections import Counter

from tantra.classroom.submission import names

MOST = 12  # sentences
CALL = re.compile(r"\s*check\.(\w+)\(")


def oddities(page, cells):
    """Sentences on edited checks, texts and copies, and on a page that is another one."""
    found = Counter(cell.name for cell in cells if cell.name)
    if not any(name in found for place in page.places for name in (place.write, place.check.name)):
        some = any(
            names.defines(cell.source, place.want) for cell in cells for place in page.places
        )
        yield (
            "no cell has its id any more: answers were looked for by name"
            if some
            else f"no cell of {page.exercise} is there: is it another page?"
        )
        return
    by_name = {cell.name: cell for cell in cells}
    for place in page.places:
        name = place.task.name
        if found[place.write] > 1:
            yield f"the cell of {name} is there {found[place.write]} times"
        if place.check.name not in found:
            yield f"the check cell of {name} is missing"
        elif not names.same(by_name[place.check.name].source, place.check.source):
            yield f"the check cell of {name} was edited"
        if place.text.name in found and by_name[place.text.name].source != place.text.source:
            yield f"the text of {name} was edited"
    order = [cell.name for cell in cells if cell.name in page.cells]
    if order != sorted(order, key=list(page.cells).index):
        yield "the cells stand in another order"


def another_page(page, cells):
    """A sentence where these are the cells of another page of the course, or None."""
    ours = {place.task.name for place in page.places}
    asked = [CALL.match(cell.source) for cell in cells if (cell.name or "").endswith("-check")]
    found = [call[1] for call in asked if call]
    if not found or ours & set(found):
        return None
    return (
        f"it is another page: it checks {', '.join(found[:MOST])}, not {page.places[0].task.name}"
    )


def told(page, cells):
    """The first of them, and how many more there are."""
    every = list(oddities(page, cells))
    more = [f"and {len(every) - MOST} more"] if len(every) > MOST else []
    return every[:MOST] + more
