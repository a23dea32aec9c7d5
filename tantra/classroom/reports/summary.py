"""A class on the terminal, in a screen."""

from statistics import median

from tantra.classroom.reports import alike, marks
from tantra.classroom.reports.groups import mistakes, talk_about, tally
from tantra.classroom.reports.lesson import HEADS, counted
from tantra.classroom.reports.markup import visible
from tantra.classroom.reports.odd import strange
from tantra.files import short

WIDEST = 28


def summary(assignment, submissions, out):
    """The text; out is the folder where the reports lie."""
    totals = [_total(assignment, each) for each in submissions]
    head = f"{assignment.exercise}: {counted(len(submissions), 'submission')}"
    head += f", {counted(sum(totals), 'point')} in all"
    if totals:
        head += f"; the median is {median(totals):g} of {assignment.of}"
    lines = [head, "", *_tasks(assignment, tally(assignment, submissions))]
    talk = talk_about(mistakes(assignment, submissions))
    lines += ["", "To talk about:"] if talk else []
    lines += [f"  {len(each.students)} × {each.task.name}: {each.sentence}" for each in talk]
    lines += ["", *_odd(assignment, submissions)]
    lines += [f"{out}: marks.csv, marks.json, feedback/, mistakes.html, odd.html"]
    return visible("\n".join(lines))


def _total(assignment, submission):
    return sum(verdict.points for _, verdict in marks.verdicts(assignment, submission))


def _tasks(assignment, counts):
    shown = [s for s in HEADS if any(counts[task.name][s] for task in assignment.tasks)]
    heads = [HEADS[status] for status in shown]
    wide = min(WIDEST, max((len(task.name) for task in assignment.tasks), default=0))
    yield "  ".join([" " * (wide + 4), *heads])
    for task in assignment.tasks:
        columns = [f"{counts[task.name][s]:{len(h)}}" for s, h in zip(shown, heads, strict=True)]
        yield "  ".join([f"{task.number:3} {task.name[:wide]:{wide}}", *columns])


def _odd(assignment, submissions):
    found = list(strange(assignment, submissions))
    groups = alike.alike(assignment, submissions)
    same = alike.same_files(submissions)
    yield (
        f"Odd: {counted(len(found), 'submission')}, {counted(len(same), 'group')} of equal files, "
        f"{counted(len(groups), 'group')} whose answers are alike (odd.html)"
    )
    for student, said in found[:5]:
        yield f"  {student[:WIDEST]}: {short(said[0].replace(chr(10), ' '))[1:-1]}"
    if len(found) > 5:
        yield f"  and {len(found) - 5} more"
