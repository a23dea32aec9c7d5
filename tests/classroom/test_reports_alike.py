"""Copies are found whatever their variables are called; honest answers alike are not accused."""

import pytest
import small_class as made

from tantra.classroom.reports import alike as likeness
from tantra.classroom.reports.alike import NEEDED, alike, same_files
from tantra.classroom.reports.odd import odd
from tantra.classroom.reports.trees import form

GIVEN = made.TASKS["softmax"].given
ONE = """def softmax(x):
    x = x - x.max(axis=-1, keepdims=True)
    powers = np.exp(x)
    return powers / powers.sum(axis=-1, keepdims=True)
"""
COPIES = {
    "renamed": made.renamed(ONE),
    "commented": ONE.replace("\n    powers", "\n    # the powers\n    powers"),
    "docstring": ONE.replace(":\n", ':\n    """Mine."""\n', 1),
    "given docstring": GIVEN.replace("    raise NotImplementedError", ONE.partition("\n")[2]),
    "annotated": ONE.replace("(x)", "(x: np.ndarray) -> np.ndarray", 1),
    "annotated inside": ONE.replace("powers =", "powers: object ="),
    "imported": "import numpy as n\n" + ONE.replace("np.", "n."),
    "spaced": ONE.replace(" / ", "/").replace("    ", "\t"),
    "passing": ONE.replace("    powers =", "    pass\n    powers ="),
    "magic": "%matplotlib inline\n" + ONE,
}
OTHERS = {
    "another way": ONE.replace("x.max", "x.min"),
    "two names": ONE.replace("    x = x -", "    y = x -"),
    "another order": ONE.replace("x - x.max", "x.max() - x"),
    "no keepdims": ONE.replace(", keepdims=True", ""),
    "other function": ONE.replace("np.exp(x)", "sorted(x)"),
    "another function": ONE.replace("np.exp(x)", "list(x)"),
    "other attribute": ONE.replace("np.exp", "np.exp2"),
    "other number": ONE.replace("axis=-1", "axis=1"),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_has_the_same_form(name):
    assert COPIES[name] != ONE
    assert form(COPIES[name], GIVEN) == form(ONE, GIVEN)


@pytest.mark.parametrize("name", OTHERS)
def test_another_answer_has_another_form(name):
    assert form(OTHERS[name], GIVEN).text != form(ONE, GIVEN).text


def test_functions_of_the_language_keep_their_names():
    assert form(OTHERS["other function"]).text != form(OTHERS["another function"]).text


def test_what_the_page_gave_is_left_out():
    given = made.TASKS["soften"].given
    assert form(given, given).nodes == 0
    assert form(made.renamed(given), given).nodes == 0
    mended = form(made.ANSWERS["soften"], given)
    assert 0 < mended.nodes < form(made.ANSWERS["soften"]).nodes
    assert form(made.renamed(made.ANSWERS["soften"]), given) == mended


def test_a_list_of_numbers_is_one_node():
    few, many = (form(f"x = [{', '.join(['-1'] * n)}]") for n in (1, 500))
    assert few.nodes == many.nodes == 3
    assert few.text != many.text


@pytest.mark.parametrize(
    "source",
    ["def (", "\x00", "x" * 10**6, "(" * 5000, "-" * 40_000 + "1", "a" + ".b" * 20_000,
     "a" + "+a" * 20_000, "[" * 150 + "]" * 150 + "(", "lambda:" * 7000 + "1", "a" + "+a" * 900,
     "if x:\n" + "".join(" " * n + "if x:\n" for n in range(1, 90))],
)  # fmt: skip
def test_what_is_no_python_or_too_deep_is_not_compared(source):
    assert form(source) is None


def test_a_renamed_copy_of_a_page_is_found():
    found = alike(made.ASSIGNMENT, made.small_class())
    assert [each.students for each in found] == [("ada", "zoe")]
    assert found[0].nodes >= NEEDED
    assert {each.task.name for each in found[0].shared} == set(made.ANSWERS)


def honest(number):
    """Right answers in words of their own, but for the short tasks, which all write alike."""
    ways = [
        ONE,
        ONE.replace("powers", "e"),
        "def softmax(x):\n    return np.exp(x - logsumexp(x))\n",
    ]
    return made.submission(
        f"student {number}",
        made.verdict("softmax", "passed", ways[number % 3]),
        made.verdict("shares_of_logs", "passed", made.ANSWERS["shares_of_logs"]),
        made.verdict("largest_safe_score", "passed", made.ANSWERS["largest_safe_score"].upper()),
    )


def test_short_honest_answers_alike_accuse_nobody():
    class_ = [honest(number) for number in range(12)]
    assert form(ONE, GIVEN).nodes < NEEDED
    assert alike(made.ASSIGNMENT, class_) == []
    found = alike(made.ASSIGNMENT, class_, needed=1)
    assert max(len(each.students) for each in found) == 12


def test_a_copy_among_honest_answers_is_found_and_says_how_many_share_it():
    class_ = [*map(honest, range(12)), *made.small_class()]
    (found,) = alike(made.ASSIGNMENT, class_)
    assert found.students == ("ada", "zoe")
    (shared,) = [each for each in found.shared if each.task.name == "relevance_backward"]
    assert (len(shared.sources), shared.answered) == (2, 2)


def test_how_many_share_an_answer_is_told():
    class_ = [made.solved(name) for name in ("ada", "bob", "mia")]
    class_.append(made.submission("zoe", made.verdict("softmax", "failed", OTHERS["two names"])))
    page = odd(made.ASSIGNMENT, class_).decode()
    assert "Stable softmax: 24 nodes, right; 3 of 4 students who answered share it" in page
    assert "3 of 3 students who answered share it" in page
    assert f"must have {NEEDED} nodes" in page


def test_a_student_is_not_like_themselves():
    again = made.solved("ada (2)", odd=("one of several files of ada: choose which one counts",))
    assert alike(made.ASSIGNMENT, [made.solved("ada"), again]) == []
    assert same_files([made.solved("ada", digest=again.digest), again]) == []


def test_equal_files_are_told_unless_nothing_was_answered():
    class_ = [made.solved(name, digest="1") for name in ("bob", "ada")]
    empty = [made.missing(name, "it is empty") for name in ("eve", "mia")]
    empty = [type(each)(**{**vars(each), "digest": "2"}) for each in empty]
    blank = [made.submission(name, digest="3") for name in ("joe", "zoe")]
    assert same_files([*class_, *empty, *blank]) == [("ada", "bob")]


def test_what_is_odd_is_on_its_page():
    page = odd(made.ASSIGNMENT, made.small_class(), ("the network",)).decode()
    for words in ("it is empty", "one of several files of mia", "uses os: have a look",
                  "stopped at a limit", "the network", ">ada</bdi>, <bdi>zoe<"):  # fmt: skip
        assert words in page
    assert "None." in odd(made.ASSIGNMENT, [made.submission("ada")]).decode()


def test_the_number_of_nodes_needed_is_the_one_that_decides(monkeypatch):
    class_ = made.small_class()
    (found,) = alike(made.ASSIGNMENT, class_)
    assert alike(made.ASSIGNMENT, class_, found.nodes) == [found]
    assert alike(made.ASSIGNMENT, class_, found.nodes + 1) == []
    assert likeness.NEEDED == NEEDED
