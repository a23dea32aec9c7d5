"""What a teacher should look at: files that are not as they should be, and answers alike."""

from tantra.classroom.reports import marks
from tantra.classroom.reports.alike import NEEDED, alike, same_files
from tantra.classroom.reports.lesson import counted
from tantra.classroom.reports.markup import bulleted, code, page, tag, together

RULE = (
    f"Compared as syntax trees: without the names of variables, comments, docstrings, annotations "
    f"and imports, and without what the page gave. What the same students share must have {NEEDED} "
    "nodes together, because short answers are written alike by honest people. The more students "
    "share an answer, the less it says. It is no proof: ask."
)


def odd(assignment, submissions, open=()):
    """The page as bytes; open says what answers were not kept from."""
    title = f"Odd in {assignment.exercise}"
    return page(
        title,
        tag("h1", title),
        tag("p", "For the teacher alone: names are on this page."),
        tag("h2", "Answers that are alike"),
        tag("p", RULE, class_="quiet"),
        *_alike(assignment, submissions),
        tag("h2", "Files and cells"),
        *_files(assignment, submissions),
        *_open(open),
    )


def strange(assignment, submissions):
    """(student, sentences) of each submission of which there is something to say."""
    for each in submissions:
        if said := marks.notes(assignment, each):
            yield each.student, said


def _alike(assignment, submissions):
    same, found = same_files(submissions), alike(assignment, submissions)
    if not same and not found:
        yield tag("p", "None.")
    for students in same:
        yield tag("h3", _names(students))
        yield tag("p", "Their files are the same, byte for byte.")
    for each in found:
        yield tag("h3", _names(each.students))
        yield from map(_shared, each.shared)


def _shared(shared):
    right = "right" if shared.passed else "wrong in the same way"
    head = (
        f"{shared.task.number}. {shared.task.title}: {shared.nodes} nodes, {right}; "
        f"{len(shared.sources)} of {counted(shared.answered, 'student')} who answered share it"
    )
    first = list(shared.sources.items())[:2]
    shown = [together(tag("p", tag("bdi", name)), code(source, f"The code of {name}"))
             for name, source in first]  # fmt: skip
    return tag("details", tag("summary", head), *shown)


def _names(students, most=8):
    more = [f" and {len(students) - most} more"] if len(students) > most else []
    shown = [tag("bdi", name) for name in students[:most]]
    return together(*(together(", ", each) if n else each for n, each in enumerate(shown)), *more)


def _files(assignment, submissions):
    found = list(strange(assignment, submissions))
    if not found:
        yield tag("p", "None.")
    for student, said in found:
        yield tag("h3", tag("bdi", student))
        yield bulleted(said)


def _open(open):
    if open:
        yield tag("h2", "What this system did not keep answers from")
        yield bulleted(open)
