"""Which numbers of a page can be found on paper."""

import pytest
from nbformat.v4 import new_code_cell

from tantra.classroom.kit.numbers import by_chance, to_find, values, without_assertions


def found(printed, source="", random=False):
    return [printed[start:end] for start, end in to_find(printed, source, random)]


@pytest.mark.parametrize(
    ("printed", "numbers"),
    [
        ("[2.  0.5] and (3, 12)", ["2.", "0.5", "3", "12"]),
        ("-1e-05, 1,024 bytes; -inf and nan", ["-1e-05", "1,024", "-inf", "nan"]),
        ("x2 w_1 v2.0 3rd information", []),
        ("head 0: [4, 5]", ["4", "5"]),
        ("50%", []),
    ],
)
def test_numbers_are_found_and_names_and_labels_are_not(printed, numbers):
    assert found(printed) == numbers


def test_what_the_code_says_is_given_before_the_sign_of_a_result():
    source = "print(2.0 * 4)\nassert x == 8.0"
    assert found("2. × 4 = 8.0", source) == ["8.0"]
    assert found("2. × 4 = 2.0", source) == ["2.0"]


def test_of_random_arrays_only_shapes_are_asked():
    assert found("x (3, 4)  x[0] = 0.123, (0.5)", random=True) == ["3", "4"]


def test_assertions_are_left_out():
    source = "a = 1\nassert a == 1, (\n    2\n)\nnp.testing.assert_allclose(a, 1)\nprint(a)"
    assert without_assertions(source) == "a = 1\nprint(a)"
    assert values(without_assertions(source)) == {1.0}


def test_chance_spreads_to_what_is_made_of_it_and_ends_where_a_name_is_bound_anew():
    sources = {
        "draw": "rng = np.random.default_rng(0)\nx = rng.normal(size=3)",
        "use": "y = x + 1",
        "in-place": "z = [0]\nz[0] = y",
        "use-z": "print(z)",
        "function": "def f(a):\n    return a + x",
        "call": "print(f(1))",
        "fixed": "w = np.ones(3)\nprint(w)",
        "anew": "x = np.ones(3)",
        "fixed-too": "print(x)",
    }
    cells = [new_code_cell(source, id=name) for name, source in sources.items()]
    chance = {"draw", "use", "in-place", "use-z", "function", "call"}
    assert by_chance(cells) == chance
