"""Answers are found by their syntax trees, and nothing else is."""

import ast

import pytest

from rules.page import Page
from tantra.classroom.kit import trees
from text import from_text

SOLUTION = '''\
%% code task-1-write [task]
def shares(scores):
    """Powers, divided."""
    ### BEGIN SOLUTION
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()
    ### END SOLUTION

%% code task-2-write [task]
### BEGIN SOLUTION: pairs = ...
pairs = 34
### END SOLUTION

%% code task-3-write [task]
def loop(rows):
    total = 0.0
    ### BEGIN SOLUTION
    for row in rows:
        total = total + row.sum() * row.max()
    ### END SOLUTION
    return total
'''


@pytest.fixture
def answers(tmp_path):
    page = Page(tmp_path / "02_softmax.ipynb")
    page.notebook = from_text(SOLUTION)
    return list(trees.answers_in(page))


def found(answers, source):
    return [answer.cell for answer in trees.Search(answers).found_in(source)]


def test_an_answer_is_what_stands_between_the_markers_and_the_body_around_it(answers):
    assert [answer.cell.split("-")[1] for answer in answers] == ["1", "2", "3", "3"]
    assert len({answer.tree for answer in answers}) == 4


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    p = np.exp(x - x.max())\n    return p / p.sum()",
        "class A:\n  def f(self, x):\n    'Words.'\n    y = 2\n    p = np.exp(x-x.max())  # so\n"
        "    return (p / p.sum())",
        "if True:\n    def f(x: int) -> int:\n        p = np.exp(x - x.max())\n"
        "        return p / p.sum()",
    ],
)
def test_other_names_comments_and_places_hide_nothing(answers, source):
    assert found(answers, source) == ["task-1-write"]


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    p = np.exp(x - x.min())\n    return p / p.sum()",
        "def f(x):\n    p = np.exp(x - x.max())\n    return p / x.sum()",
        "pairs = 35",
        "x = 34",
        "not python at all (",
    ],
)
def test_what_differs_in_one_place_is_not_found(answers, source):
    assert found(answers, source) == []


def test_a_short_answer_is_found_by_its_own_name(answers):
    assert found(answers, "a = 1\npairs = 34") == ["task-2-write"]


def test_of_a_given_function_the_answers_lines_are_enough(answers):
    loop = "for r in xs:\n    s = s + r.sum() * r.max()"
    assert found(answers, loop) == ["task-3-write"]


def test_python_is_found_in_texts():
    text = "Words.\n\n```python\na = 1\n```\n\n```console\n$ make lab\n```\n"
    assert list(trees.pythons(text)) == ["a = 1\n"]
    printed = "here it is:\n    def f(x):\n        y = x\n\n        return y\n\nmore"
    (function,) = trees.pythons(printed)
    assert ast.parse(function).body[0].name == "f"
