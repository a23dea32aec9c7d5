"""A lesson of 90 minutes and the two routes, from the chapters' minutes."""

from dataclasses import dataclass, field

import pytest

from tantra.classroom.kit.chapter import Chapter, Task
from tantra.classroom.kit.lesson import HANDS, LESSON, lesson, numbers, spent
from tantra.classroom.kit.place import all_names
from tantra.classroom.kit.routes import DAY, DAYS, FOR_LINES, load, shared_out, two_days


@dataclass(frozen=True)
class Made:
    """A chapter of these minutes."""

    minutes: tuple
    tasks: list = field(default_factory=list)


def tasks(*minutes):
    return [Task(n, "a", "predict", 1, m, "x") for n, m in enumerate(minutes, 1)]


def test_the_shortest_tasks_that_fit_are_done_in_class():
    found = lesson([Made((40, 0, 0), tasks(30, 5, 20, 15))])
    assert (numbers(found.here), numbers(found.home)) == ("2, 3, 4", "1")
    assert found.left == LESSON - HANDS - 40 - 40
    assert spent(found.home) == 30


def test_a_line_that_fills_the_lesson_leaves_all_tasks_for_home():
    found = lesson([Made((85, 0, 0), tasks(5))])
    assert (found.here, numbers(found.here), found.left) == ([], "none", 0)


def test_weeks_are_as_equal_as_can_be():
    chapters = [Made((10, 0, m)) for m in (10, 10, 50, 10, 10)]
    assert [len(week) for week in shared_out(chapters, 3)] == [2, 1, 2]


def test_no_week_has_more_lines_than_its_lesson_holds():
    chapters = [Made((45, 0, 0)), Made((40, 0, 0)), Made((30, 0, 90))]
    assert [len(week) for week in shared_out(chapters, 2)] == [1, 2]


@pytest.fixture(scope="module")
def course():
    return [Chapter(name) for name in all_names()]


def test_fourteen_weeks_take_every_chapter_once(course):
    weeks = shared_out(course, 14)
    assert [chapter for week in weeks for chapter in week] == course
    assert len(weeks) == 14
    assert max(map(load, weeks)) < 10_000


def test_two_days_fit_their_minutes_and_use_them(course):
    taken, doing = two_days(course)
    assert taken == course[: len(taken)]
    lines = sum(chapter.minutes[0] for chapter in taken)
    whole = lines + sum(map(spent, doing))
    assert lines <= FOR_LINES < lines + course[len(taken)].minutes[0]
    assert 0 <= DAYS * DAY - whole < 20
    assert all(doing)
