"""Two routes through the course, made from the chapters' minutes: 14 weeks, and two days."""

from tantra.classroom.kit.lesson import HANDS, LESSON, lesson, numbers, spent
from tantra.classroom.kit.plan import MADE, table

WEEKS, DAYS, DAY = 14, 2, 360
FOR_LINES = DAYS * DAY * 2 / 3  # minutes

WEEKLY = f"""## {WEEKS} weeks

One lesson of {LESSON} minutes a week. The chapters are shared out so that the weeks are as equal
as may be, class and home together, and that no week has more lines than its lesson holds. Deeper is
for those who want more."""
DAILY = f"""## {DAYS} days

{DAYS} days of {DAY} minutes, breaks apart. The lines are taken in order, from the first chapter on,
as far as two thirds of the time go; raised hands are left out. The rest is for tasks: from
each chapter in turn the shortest that is left, as long as one fits."""


def routes(chapters):
    """The page, as Markdown."""
    head = f"# Two routes\n\n{MADE}\n\nAll minutes are those that the chapters give themselves."
    return "\n\n".join([head, WEEKLY, weeks_table(chapters), DAILY, days_table(chapters)]) + "\n"


def weeks_table(chapters):
    """A row for each week: chapters, class, home."""
    rows = []
    for number, week in enumerate(shared_out(chapters, WEEKS), 1):
        found = lesson(week)
        doing = [numbers([task for task in one.tasks if task in found.here]) for one in week]
        rows.append(
            (
                number,
                ", ".join(map(called, week)),
                sum(one.minutes[0] for one in week),
                "; ".join(doing),
                spent(found.here),
                spent(found.home),
                sum(one.minutes[1] for one in week),
            )
        )
    head = ("week", "chapters", "line", "tasks in class", "their minutes", "home", "Deeper")
    return table(head, rows)


def called(chapter):
    return f"{chapter.number} {chapter.title}"


def shared_out(chapters, count):
    """The chapters in `count` runs whose minutes are as equal as can be: least squares."""
    best = {0: (0, [])}  # chapters taken so far -> (cost, runs)
    for run in range(count):
        longer = {}
        for end in range(run + 1, len(chapters) - (count - run - 1) + 1):
            options = [
                (cost + load(chapters[start:end]) ** 2, [*runs, chapters[start:end]])
                for start, (cost, runs) in best.items()
                if start < end
            ]
            longer[end] = min(options, key=lambda option: option[0])
        best = longer
    return best[len(chapters)][1]


def load(chapters):
    """The minutes of chapters in class and at home; far too many where no lesson holds them."""
    lines = sum(one.minutes[0] for one in chapters)
    over = lines + HANDS > LESSON
    return lines + sum(one.minutes[2] for one in chapters) + (10_000 if over else 0)


def days_table(chapters):
    """A row for each chapter: day, line, tasks."""
    taken, tasks = two_days(chapters)
    rows, gone = [], 0
    for chapter, doing in zip(taken, tasks, strict=True):
        minutes = chapter.minutes[0] + spent(doing)
        day = 1 if gone + minutes / 2 <= DAY else 2
        gone += minutes
        rows.append((day, called(chapter), chapter.minutes[0], numbers(doing), spent(doing), gone))
    return table(("day", "chapter", "line", "tasks", "their minutes", "minutes so far"), rows)


def two_days(chapters):
    """(the chapters whose lines are taken, the tasks of each) of the two days."""
    left, taken = FOR_LINES, []
    for chapter in chapters:
        left -= chapter.minutes[0]
        if left < 0:
            break
        taken.append(chapter)
    room = DAYS * DAY - sum(chapter.minutes[0] for chapter in taken)
    queues = [sorted(chapter.tasks, key=lambda task: task.minutes) for chapter in taken]
    found = [[] for _ in taken]
    for turn in range(max(map(len, queues))):
        for queue, doing in zip(queues, found, strict=True):
            if turn < len(queue) and queue[turn].minutes <= room:
                doing.append(queue[turn])
                room -= queue[turn].minutes
    return taken, [sorted(doing, key=lambda task: task.number) for doing in found]
