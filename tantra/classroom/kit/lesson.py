"""How a lesson of 90 minutes is filled: the line, raised hands, and the tasks that still fit."""

from dataclasses import dataclass

LESSON = 90
HANDS = 10  # of a lesson, for three questions

RULE = (
    f"A lesson has {LESSON} minutes. The line comes first, then {HANDS} minutes of raised hands. "
    "What is left goes to tasks, the shortest first; the others are for home."
)


@dataclass(frozen=True)
class Lesson:
    """The tasks of a lesson, in class and at home, and the minutes that are left."""

    here: list
    home: list
    left: int


def lesson(chapters, minutes=LESSON):
    """The Lesson on one chapter or several."""
    left = minutes - HANDS - sum(chapter.minutes[0] for chapter in chapters)
    tasks = [task for chapter in chapters for task in chapter.tasks]
    here = []
    for task in sorted(tasks, key=lambda task: task.minutes):
        if task.minutes <= left:
            here.append(task)
            left -= task.minutes
    home = [task for task in tasks if task not in here]
    return Lesson([task for task in tasks if task in here], home, max(left, 0))


def spent(tasks):
    """The minutes of tasks together."""
    return sum(task.minutes for task in tasks)


def numbers(tasks):
    """The numbers of tasks in words: "1, 5"; "none"."""
    return ", ".join(str(task.number) for task in tasks) or "none"
