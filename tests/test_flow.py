"""A flow shows the numbers of its arrays, in order, and every text of it can be read."""

import itertools

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from tantra import plot
from tantra.plot import stages
from tantra.plot.cells import GREY

matplotlib.use("Agg")

Q = np.array([[1.25, -0.5, 0.125], [0.0, -0.001, 2.0]])
WEIGHTS = np.array([[1.0, 0.0], [0.25, 0.75]])
WORDS = ["the", "cat"]


def texts(figure):
    return [text for text in figure.axes[0].texts if text.get_text()]


def words(figure):
    return [text.get_text() for text in texts(figure)]


def cells(figure):
    """The words in the cells, in the order of drawing, each with its colour."""
    boxes = [box for box in figure.axes[0].patches if isinstance(box, Rectangle)]
    found = []
    for box in boxes:
        x, y = box.get_center()
        (word,) = [t for t in texts(figure) if np.allclose(t.get_position(), (x, y), atol=1e-6)]
        found.append((word.get_text(), matplotlib.colors.to_hex(box.get_facecolor()), word))
    return found


@pytest.mark.parametrize("as_array", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_the_cells_hold_the_numbers_of_the_array(as_array):
    figure = plot.flow({"q": as_array(Q)})
    assert [word for word, _, _ in cells(figure)] == [
        "1.25",
        "-0.50",
        "0.12",
        "0.00",
        "0.00",
        "2.00",
    ]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.array([1.0, 0.0, -2.0]), ["1", "0", "-2"]),
        (np.array([0.5, 1.0]), ["0.5", "1.0"]),
        (np.array([0.999, 1e-9]), ["1", "0"]),
        (np.array([3, 1000]), ["3", "1000"]),
        (np.array(["the", "cat"]), ["the", "cat"]),
        (np.array([True, False]), ["✓", "·"]),
        (np.array([-np.inf, 0.25, np.nan]), ["-inf", "0.25", "nan"]),
        (torch.tensor([0.5], requires_grad=True), ["0.5"]),
    ],
)
def test_numbers_are_as_short_as_they_can_be(values, shown):
    assert [word for word, _, _ in cells(plot.flow({"x": values}))] == shown


def test_stages_and_operations_stand_below_one_another_in_order():
    figure = plot.flow({"q": Q, "k": Q}, "q @ k.mT", {"scores": Q}, "softmax", {"weights": WEIGHTS})
    heights = {text.get_text(): text.get_position()[1] for text in texts(figure)}
    down = ["q (2, 3)", "q @ k.mT", "scores (2, 3)", "softmax", "weights (2, 2)"]
    assert sorted(down, key=heights.get) == down
    assert heights["k (2, 3)"] == heights["q (2, 3)"]
    assert len([text for text in figure.axes[0].texts if not text.get_text()]) == 2  # arrows
    bottom, top = figure.axes[0].get_ylim()
    assert top < 0 < max(heights.values()) < bottom


def test_slices_of_three_axes_have_their_index():
    x = np.arange(12.0).reshape(2, 3, 2)
    figure = plot.flow({"x": x})
    assert words(figure)[0] == "x (2, 3, 2)"
    assert [word for word in words(figure) if "[" in word] == ["[0]", "[1]"]
    assert [word for word, _, _ in cells(figure)] == [f"{n}" for n in range(12)]
    map_ = matplotlib.colormaps[plot.SEQUENTIAL]
    colours = [matplotlib.colors.to_hex(map_(n / 11)) for n in range(12)]
    assert [colour for _, colour, _ in cells(figure)] == colours
    one, other = (text for text in texts(figure) if "[" in text.get_text())
    assert one.get_position()[0] < other.get_position()[0]
    assert one.get_position()[1] == other.get_position()[1]


def test_colours_are_those_of_a_heat_map():
    signed = [colour for _, colour, _ in cells(plot.flow({"x": np.array([-4.0, 0.0, 4.0, 1.0])}))]
    map_ = matplotlib.colormaps[plot.DIVERGING]
    assert signed == [matplotlib.colors.to_hex(map_(at)) for at in (0.0, 0.5, 1.0, 0.625)]
    map_ = matplotlib.colormaps[plot.SEQUENTIAL]
    for amounts in ([0.0, 0.5, 0.25], [0.0, 2.0, 1.0]):  # shares, and what has a scale of its own
        drawn = [colour for _, colour, _ in cells(plot.flow({"x": np.array(amounts)}))]
        whole = max(1.0, *amounts)
        assert drawn == [matplotlib.colors.to_hex(map_(amount / whole)) for amount in amounts]


def test_what_is_no_amount_has_no_colour():
    for values in (np.array([1, 7]), np.array(WORDS), np.array([True, False])):
        assert {colour for _, colour, _ in cells(plot.flow({"x": values}))} == {"#ffffff"}
    masked = cells(plot.flow({"x": np.array([-np.inf, 1.0, np.nan])}))
    assert masked[0][1] == masked[2][1] == GREY
    assert masked[1][1] == cells(plot.flow({"x": np.array([1.0])}))[0][1] != GREY


def luminance(colour):
    """How light a colour is, from 0 to 1, as WCAG 2 defines it."""
    parts = [c / 12.92 if c < 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("least", [0.0, -1.0])
def test_numbers_can_be_read_on_every_colour(least):
    amounts = np.linspace(least, 1.0, 48).reshape(12, 4)
    drawn = cells(plot.flow({"x": amounts}))
    for _, colour, word in drawn:
        both = (luminance(to_rgb(colour)) + 0.05, luminance(to_rgb(word.get_color())) + 0.05)
        assert max(both) / min(both) > 4.5
    assert {word.get_color() for _, _, word in drawn} == {"black", "white"}


def test_rows_and_columns_have_names():
    figure = plot.flow(
        {"scores": WEIGHTS}, "softmax", {"w": WEIGHTS}, rows={"w": WORDS}, columns={"w": ["a", "b"]}
    )
    places = {text.get_text(): text.get_position() for text in texts(figure)}
    assert words(figure).count("the") == 1
    cell = dict(zip(["1,1", "1,2", "2,1", "2,2"], cells(figure)[4:], strict=True))
    for name, same, of in (("the", 1, "1,1"), ("cat", 1, "2,1"), ("a", 0, "1,1"), ("b", 0, "1,2")):
        assert places[name][same] == pytest.approx(cell[of][2].get_position()[same])
    assert places["the"][0] < cell["1,1"][2].get_position()[0]
    assert places["a"][1] < cell["1,1"][2].get_position()[1]


MANY = {
    "plain": ({"q": Q, "k": Q}, "q @ k.mT", {"scores": Q}),
    "long names": ({"averages of the values": Q, "b": Q}, "weights @ v, added up", {"c": Q[0]}),
    "large": ({"a": Q * 1e5, "b": -Q * 1e4, "c": Q}, "+", {"masked": Q - np.inf}),
    "slices": ({"h": np.ones((4, 2, 3)) / 3, "g": np.ones((2, 2, 2))}, "merge", {"x": Q}),
    "words": ({"words": np.array(["dharmakṣetre", "kurukṣetre", "b"])}, "$a$ $\\frac$", {"$x$": Q}),
}


@pytest.mark.parametrize("name", MANY)
def test_no_text_touches_another_or_leaves_its_cell(name):
    steps = MANY[name]
    arrays = {array: x for stage in steps[::2] for array, x in stage.items() if x.ndim == 2}
    names = {array: [f"row {n}" for n in range(len(x))] for array, x in arrays.items()}
    columns = {array: ["1st", "2nd", "3rd"] for array in arrays}
    figure = plot.flow(*steps, rows=names, columns=columns)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts(figure)]
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        assert not a.overlaps(b), (one, other)
    for box in figure.axes[0].patches:
        if isinstance(box, Rectangle):
            frame = box.get_window_extent(renderer)
            touching = [extent for _, extent in boxes if extent.overlaps(frame)]
            assert len(touching) == 1
            assert frame.x0 < touching[0].x0 < touching[0].x1 < frame.x1
    for _, extent in boxes:
        assert 0 <= extent.x0 < extent.x1 <= figure.bbox.width
        assert 0 <= extent.y0 < extent.y1 <= figure.bbox.height
    assert figure.get_figwidth() <= stages.WIDTH + 0.2
    assert min(text.get_fontsize() for text in texts(figure)) >= 10
    assert not any(text.get_parse_math() for text in texts(figure))


def test_arrays_that_do_not_fit_side_by_side_go_below():
    figure = plot.flow({name: np.full((2, 4), 0.25) for name in "abc"})
    places = {text.get_text()[0]: text.get_position() for text in texts(figure)[::9]}
    (a, b, c) = (places[name] for name in "abc")
    first = [box for box in figure.axes[0].patches if isinstance(box, Rectangle)][:8]
    assert max(box.get_x() + box.get_width() for box in first) < b[0] - 0.2
    assert a[1] == b[1] < c[1]
    assert a[0] == c[0] < b[0]


X = {"x": np.ones(2)}


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((), r"flow got \(\): stages \(dict\) and operations \(str\) take turns"),
        ((X, "+"), r"flow got \(dict, str\): .* a stage is last"),
        ((X, X, X), r"flow got \(dict, dict, dict\)"),
        (("+", X, "+"), r"flow got \(str, dict, str\)"),
        ((np.ones(2),), r"flow got \(ndarray\)"),
        ((X, " ", X), "an operation is empty"),
        ((X, "m" * 60, X), "has 60 characters; about 53 can be read"),
        (({},), "a stage is empty: name at least one array"),
        (({"x": np.float64(1)},), r"x \(\) cannot be drawn: give 1 to 3 axes"),
        (({"x": np.ones((1, 1, 1, 1))},), r"x \(1, 1, 1, 1\) cannot be drawn"),
        (({"x": np.ones((0, 2))},), r"x \(0, 2\) cannot be drawn: .* none of them empty"),
        (({"x": np.ones(2) * 1j},), "cells of complex128 cannot be drawn"),
        (({"x": np.ones((13, 2))},), r"more than 12 rows: draw some, as in x\[..., :4, :\]"),
        (({"x": np.full((2, 40), 0.25)},), r"x \(2, 40\) is .* draw at most \d+ of its columns"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(steps, says):
    with pytest.raises(ValueError, match=says):
        plot.flow(*steps)


def test_the_advice_on_columns_is_true():
    x = np.full((2, 40), 0.25)
    with pytest.raises(ValueError, match="columns") as caught:
        plot.flow({"x": x})
    fit = int(str(caught.value).partition("at most ")[2].split()[0])
    plot.flow({"x": x[..., :fit]})
    with pytest.raises(ValueError, match="inches wide"):
        plot.flow({"x": x[..., : fit + 1]})


def test_names_must_fit_the_arrays():
    with pytest.raises(ValueError, match=r"names for 'y', which no stage has: there are \['x'\]"):
        plot.flow(X, rows={"y": ["a"]})
    with pytest.raises(ValueError, match="3 names for the 2 rows of w: give one each"):
        plot.flow({"w": WEIGHTS}, rows={"w": "abc"})
    with pytest.raises(ValueError, match="1 names for the 2 columns of w"):
        plot.flow({"w": WEIGHTS}, columns={"w": "a"})


def test_largest_row_count_is_drawn():
    assert len(cells(plot.flow({"x": np.ones((12, 1))}))) == 12
