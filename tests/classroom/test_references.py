"""Every exercise of the course is judged through the sandbox as it is without it."""

import contextlib
import os
import re
import socket
import sys

import kinds
import pytest

from tantra.check import Exercise
from tantra.check.exercises import registry
from tantra.check.misfit import explained
from tantra.classroom.judge.host import Host, Process
from tantra.classroom.judge.judging import Judge
from tantra.classroom.judge.stand_in import stand_in
from tantra.classroom.sandbox.answer import Answer
from tantra.classroom.sandbox.frames import Channel
from tantra.classroom.submission import answers, notebook
from tantra.classroom.submission.page import read_page

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it needs Linux")
PAGES = sorted(path.name for path in (kinds.ROOT / "exercises").glob("*.ipynb"))
EXERCISES = [each for each in registry().values() if isinstance(each, Exercise)]
SEED = 1


@pytest.fixture(scope="module")
def host():
    with contextlib.closing(Host()) as host:
        yield host


@pytest.mark.parametrize("name", PAGES)
def test_the_solutions_have_all_points(host, name):
    page = read_page(kinds.ROOT / "exercises" / name)
    cells, _ = notebook.cells((kinds.ROOT / "solutions" / name).read_bytes(), page.exercise)
    judge, found = Judge(host, page, SEED), answers.find(page, cells)
    for place in page.places:
        verdict = judge.verdict(place, found[place.task.name])
        assert (verdict.status, verdict.points) == ("passed", verdict.of), verdict


def test_every_exercise_stands_on_a_page():
    pages = [read_page(kinds.ROOT / "exercises" / name) for name in PAGES]
    assert {place.task.name for page in pages for place in page.places} == registry().keys()


def test_a_page_whose_tasks_are_at_level_3_as_they_once_were_has_the_same_tasks(tmp_path):
    page = kinds.ROOT / "exercises" / PAGES[2]
    text = page.read_text(encoding="utf-8")
    older = tmp_path / page.name
    older.write_text(re.sub(r'"## (?=\d)', '"### ', text), encoding="utf-8")
    assert older.read_text(encoding="utf-8") != text
    assert [place.task for place in read_page(older).places] == [
        place.task for place in read_page(page).places
    ]
    cells, _ = notebook.cells(older.read_bytes(), page.stem)
    new, _ = notebook.cells(page.read_bytes(), page.stem)
    assert answers.find(read_page(page), cells) == answers.find(read_page(page), new)


class Fork(Process):
    """A process that answers with a function of this one: the channel, without what shuts it in."""

    def __init__(self, function):
        ours, theirs = socket.socketpair()
        self.number = os.fork()
        if not self.number:
            with contextlib.suppress(BaseException):
                ours.close()
                answer = Answer(Channel(theirs), explained)
                answer.attempt = function
                answer.serve()
            os._exit(0)
        theirs.close()
        self.stopped, self.channel = None, Channel(ours)

    def _look(self):
        pass

    def end(self):
        self.channel.close()
        os.waitpid(self.number, 0)


@pytest.fixture
def judged():
    """judged(exercise, function): the verdict on a function that runs in another process."""

    def judged(exercise, function):
        process = Fork(function)
        try:
            return exercise.judge(stand_in(process, "attempt", "__main__"), SEED)
        finally:
            process.end()

    return judged


def sample(exercise):
    """The first known mistake, and those that are not found by what a function returns."""
    changes = [said for said in exercise.mistakes if "caller's" in said or "copied" in said]
    return dict.fromkeys([next(iter(exercise.mistakes)), *exercise.rules, *changes])


def named(thing):
    return thing[:30] if isinstance(thing, str) else thing.name


MISTAKES = [(exercise, said) for exercise in EXERCISES for said in sample(exercise)]


@pytest.mark.parametrize(("exercise", "said"), MISTAKES, ids=named)
def test_known_mistakes_are_named(judged, exercise, said):
    verdict = judged(exercise, exercise.mistakes[said])
    assert (verdict.status, verdict.mistake) == ("failed", said)


HUNTS = [exercise for exercise in EXERCISES if exercise.given]


@pytest.mark.parametrize("exercise", HUNTS, ids=lambda exercise: exercise.name)
def test_a_hunts_given_code_is_not_written_yet(judged, exercise):
    assert judged(exercise, exercise.given).status == "unwritten"
