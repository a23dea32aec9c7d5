"""Which mistakes are likeliest to be handed in."""

import numpy as np
import pytest

from tantra.check.exercises import registry
from tantra.classroom.kit import mistakes
from tantra.classroom.kit.chapter import Chapter, Task
from tantra.classroom.kit.mistakes import Mistake, form, known, likeliest, unseen


def task(name, number=1):
    return Task(number, "a", "implement", 1, 5, name)


def test_what_raises_or_has_another_shape_is_seen():
    softmax = registry()["softmax"]
    assert unseen(softmax, lambda scores: scores * 0) == 1
    assert unseen(softmax, lambda scores: scores.sum()) == 0
    assert unseen(softmax, lambda scores: list(scores)) == 0
    assert unseen(softmax, lambda scores: 1 / 0) == 0


def test_an_error_on_some_cases_counts_for_those():
    split = registry()["split_heads"]
    one = [said for said in split.mistakes if said.startswith("right for one sequence, and an er")]
    shares = {mistake.sentence: mistake.unseen for mistake in known(task("split_heads"))}
    assert 0 < shares[one[0]] < 1


def test_each_task_gives_one_before_a_task_gives_two():
    tasks = Chapter("00_begin").tasks
    assert [one.task.number for one in likeliest(tasks)] == [1, 2, 3, 1, 2]
    numbers = [one.task.number for one in likeliest(Chapter("04_heads").tasks)]
    assert numbers == sorted(set(numbers))


def test_of_six_tasks_the_one_whose_mistakes_show_most_is_left_out(monkeypatch):
    shares = {1: 0.5, 2: 0.0, 3: 1.0, 4: 0.5, 5: 1.0, 6: 0.2}
    made = {n: [Mistake(task("x", n), "said", share)] * 2 for n, share in shares.items()}
    monkeypatch.setattr(mistakes, "known", lambda one: made[one.number])
    chosen = likeliest([task("x", n) for n in shares])
    assert [one.task.number for one in chosen] == [3, 5, 1, 4, 6]


def test_those_that_show_least_come_first():
    shares = [mistake.unseen for mistake in known(task("split_heads"))]
    assert shares == sorted(shares, reverse=True)
    assert len(shares) == len(registry()["split_heads"].mistakes)


@pytest.mark.parametrize(
    ("one", "other"),
    [(np.zeros(3), [0, 0, 0]), (np.zeros((3, 1)), np.zeros(3)), ((1, 2), (1,)), (1, None)],
)
def test_forms_tell_kinds_and_shapes_apart(one, other):
    assert form(one) != form(other)
    assert form(one) == form(one)
