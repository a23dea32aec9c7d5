"""The teacher's page of mistakes, which can be shown to the class: students' names are left out."""

from tantra.classroom.reports.groups import mistakes, talk_about, tally
from tantra.classroom.reports.markup import bulleted, code, page, table, tag, together, words

HEADS = {"passed": "passed", "failed": "wrong", "stopped": "stopped", "unsolved": "not written",
         "missing": "not found", "error": "not judged"}  # fmt: skip

NAMELESS = (
    "Students' names are left out, a nickname is not: read the examples before you show them."
)


def lesson(assignment, submissions):
    """The page as bytes."""
    groups, counts = mistakes(assignment, submissions), tally(assignment, submissions)
    title = f"Mistakes in {assignment.exercise}"
    return page(
        title,
        tag("h1", title),
        tag("p", f"{counted(len(submissions), 'submission')}. {NAMELESS}"),
        tag("h2", "What to talk about next lesson"),
        _talk(groups),
        *_nobody(assignment, counts),
        tag("h2", "How each task went"),
        _tasks(assignment, counts),
        *_listed("Mistakes that the checks know", [each for each in groups if each.named]),
        *_listed("Failures without a name, by their first words",
                 [each for each in groups if not each.named]),
    )  # fmt: skip


def counted(number, thing):
    """`1 student`, `2 students`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _talk(groups):
    found = talk_about(groups)
    if not found:
        return tag("p", "Nobody made a mistake.")
    return tag("ol", *(
        tag("li", tag("strong", f"{each.task.number}. {each.task.title}"),
            f", {counted(len(each.students), 'student')}: {each.sentence}")
        for each in found
    ))  # fmt: skip


def _nobody(assignment, counts):
    """The tasks that nobody solved, where there are any."""
    found = [task for task in assignment.tasks if not counts[task.name]["passed"]]
    if found and any(counts[found[0].name].values()):
        yield tag("h2", "Tasks that nobody solved")
        yield bulleted(
            f"{each.number}. {each.title}: {_tried(counts[each.name])}" for each in found
        )


def _tried(counts):
    tried = counts["failed"] + counts["stopped"]
    return f"{counted(tried, 'submission')} tried" if tried else "nobody tried"


def _tasks(assignment, counts):
    shown = [s for s in HEADS if any(counts[task.name][s] for task in assignment.tasks)]
    rows = [
        (f"{task.number}. {task.title}", *(counts[task.name][status] for status in shown))
        for task in assignment.tasks
    ]
    return table("Submissions by task", ("Task", *(HEADS[status] for status in shown)), rows)


def _listed(title, groups):
    if groups:
        yield tag("h2", title)
        yield from map(_mistake, groups)


def _mistake(group):
    head = f"{group.task.number}. {group.task.title}: {counted(len(group.students), 'student')}"
    shown = code(group.source, "An example of the code") if group.source.strip() else None
    said = words(group.words) if group.words else None
    example = tag("details", tag("summary", "An example"), shown, said)
    return together(tag("h3", head), tag("p", group.sentence), example)
