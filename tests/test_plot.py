"""Drawings show the numbers they are given, on the Axes they are given."""

import inspect

import matplotlib
import numpy as np
import pytest
import torch

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.text import Text

from tantra import plot

WEIGHTS = np.array([[1.0, 0.0], [0.25, 0.75], [0.5, 0.5]])  # (T, S) = (3, 2)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("as_array", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_heatmap_draws_the_values_on_the_given_axes(as_array):
    figure, (left, right) = plt.subplots(1, 2)
    assert plot.heatmap(as_array(WEIGHTS), rows="abc", columns="xy", ax=right) is right
    assert not left.images
    np.testing.assert_array_equal(right.images[0].get_array(), WEIGHTS)
    assert [t.get_text() for t in right.get_yticklabels()] == list("abc")
    assert [t.get_text() for t in right.get_xticklabels()] == list("xy")
    assert plt.get_fignums() == [figure.number]


def test_heatmap_takes_a_tensor_that_needs_a_gradient():
    plot.heatmap(torch.eye(3, requires_grad=True))


def test_signed_values_are_centred_on_zero():
    signed = plot.heatmap(np.array([[-1.0, 3.0]])).images[0]
    assert signed.cmap.name == plot.DIVERGING
    assert signed.norm(0.0) == 0.5
    assert plot.heatmap(WEIGHTS, ax=plt.figure().gca()).images[0].cmap.name == plot.SEQUENTIAL


def test_the_palest_is_0_and_the_darkest_what_is_said():
    _, axes = plt.subplots(1, 4)
    high = np.array([[2.0, 4.0]])
    limits = [
        plot.heatmap(high, ax=axes[0]),
        plot.heatmap(high, ax=axes[1], most=8),
        plot.heatmap(high - 3, ax=axes[2], most=8),
        plot.heatmap(-high, ax=axes[3], signed=False),
    ]
    assert [ax.images[0].get_clim() for ax in limits] == [(0, 4), (0, 8), (-8, 8), (-4, -2)]


def test_whole_numbers_are_written_whole():
    ax = plot.heatmap(np.array([[48.0, -1.0, -0.0]]), numbers=True)
    assert [t.get_text() for t in ax.texts] == ["48", "-1", "0"]


def test_numbers_are_written_and_readable():
    ax = plot.heatmap(WEIGHTS, numbers=True)
    assert [t.get_text() for t in ax.texts] == ["1.00", "0.00", "0.25", "0.75", "0.50", "0.50"]
    assert [t.get_color() for t in ax.texts[:2]] == ["white", "black"]


def test_attention_says_who_asks_and_who_answers():
    ax = plot.attention(WEIGHTS, list("abc"), list("xy"))
    assert "columns answer" in ax.get_xlabel()
    assert "rows ask" in ax.get_ylabel()
    assert plot.attention(WEIGHTS / 2, list("abc"), list("xy")).images[-1].get_clim() == (0, 1)


def test_arrows_are_named_and_all_in_sight():
    ax = plot.arrows([[3.0, 0.0], [0.0, -2.0]], ["east", "south"], xlabel="x")
    assert [t.get_text() for t in ax.texts if t.get_text()] == ["east", "south"]
    assert (ax.get_aspect(), ax.get_xlabel()) == (1.0, "x")
    assert ax.get_xlim()[0] < 0 < 3 < ax.get_xlim()[1]
    assert ax.get_ylim()[0] < -2 < 0 < ax.get_ylim()[1]


def test_arrows_refuse_points_that_are_not_in_the_plane():
    with pytest.raises(ValueError, match=r"\(N, 2\); got \(1, 3\)"):
        plot.arrows([[1.0, 2.0, 3.0]], ["a"])


def test_lines_draw_every_series():
    ax = plot.lines([1, 2, 4], {"up": [1, 2, 3], "down": [3, 2, 1]}, log="xy", xlabel="n")
    assert [list(line.get_ydata()) for line in ax.lines] == [[1, 2, 3], [3, 2, 1]]
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("log", "log", "n")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["up", "down"]
    assert len({line.get_color() for line in ax.lines}) == 2


def test_lines_scale_only_the_axis_named():
    ax = plot.lines([1, 2], {"one": [1, 2]}, log="x")
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_legend()) == ("log", "linear", None)


def test_bars_stand_side_by_side():
    ax = plot.bars(["a", "b", "c"], {"ours": [1, 2, 3], "theirs": [3, 2, 1]})
    assert [bar.get_height() for bar in ax.patches] == [1, 2, 3, 3, 2, 1]
    first, other = ax.patches[0], ax.patches[3]
    assert first.get_x() + first.get_width() == pytest.approx(other.get_x())
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", "c"]


def test_show_displays_picture_and_words(capsys, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    alt = 'Three bars; the tallest is "c" & it is 3.'
    plot.show(plot.bars(["a", "b", "c"], {"ours": [1, 2, 3]}), alt=alt)
    assert shown[0]["text/plain"] == alt
    assert (
        '<img alt="Three bars; the tallest is &quot;c&quot; &amp; it is 3."'
        in shown[0]["text/html"]
    )
    assert "data:image/png;base64,iVBOR" in shown[0]["text/html"]
    assert plt.get_fignums() == []


NAMES = ["$$", "a$b$c", "$\\frac$"]  # no formula, half a formula, one that is wrong
NUMBERS = np.arange(9.0).reshape(3, 3)
AXES = {"xlabel": "$x", "ylabel": "$\\$"}
DRAWINGS = {
    "heatmap": lambda: plot.heatmap(NUMBERS, rows=NAMES, columns=NAMES, label="$$"),
    "attention": lambda: plot.attention(NUMBERS, NAMES, label="$\\frac$"),
    "lines": lambda: plot.lines([1, 2, 3], dict(zip(NAMES, NUMBERS, strict=True)), **AXES),
    "bars": lambda: plot.bars(NAMES, dict(zip(NAMES, NUMBERS, strict=True)), **AXES),
    "arrows": lambda: plot.arrows(NUMBERS[:, :2], NAMES, **AXES),
    "scansion": lambda: plot.scansion([NAMES], ["lgl"], devanagari="$$ $\\frac$"),
}


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_dollars_are_dollars(drawing):
    ax = DRAWINGS[drawing]()
    figure = ax.get_figure()
    figure.canvas.draw()  # a wrong formula is an error here, and a right one loses its dollars
    dollars = figure.findobj(lambda x: isinstance(x, Text) and "$" in x.get_text())
    assert len(dollars) >= 3
    assert not any(text.get_parse_math() for text in dollars)


def test_every_drawing_is_among_them():
    drawings = {name for name in plot.__all__ if inspect.isfunction(getattr(plot, name))}
    views = {"lens", "look", "roofline", "rotation", "sampling", "steps"}
    others = {"flow", "show", *views}  # see test_flow, test_views, test_sliders
    assert drawings == {*DRAWINGS, *others}


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: plot.heatmap(np.zeros(3)), r"a heat map needs 2 axes; got shape \(3,\)"),
        (lambda: plot.heatmap(WEIGHTS, rows="ab"), "2 names for 3 rows"),
        (lambda: plot.heatmap(WEIGHTS, columns="abc"), "3 names for 2 columns"),
        (lambda: plot.show(plt.figure(), alt="a plot"), "alt is 'a plot': say in a sentence"),
    ],
)
def test_bad_input_is_refused_in_words(draw, says):
    with pytest.raises(ValueError, match=says):
        draw()


def test_scansion_draws_a_bar_under_heavy_syllables_and_a_dot_under_light_ones():
    _, (left, right) = plt.subplots(1, 2)
    halves = [["dha", "rma", "kṣe"], ["ka", "vi", "ḥ"]]
    assert plot.scansion(halves, ["glg", "lgl"], ax=right) is right
    assert not left.lines
    assert [text.get_text() for text in right.texts] == [*halves[0], *halves[1]]
    places = [(len(line.get_xdata()), line.get_ydata()[0]) for line in right.lines]
    assert places == [(2, 0.35), (1, 0.35), (2, 0.35), (1, 1.35), (2, 1.35), (1, 1.35)]
    colours = [line.get_color() for line in right.lines]
    assert [plot.COLOURS.index(colour) for colour in colours] == [1, 0, 1, 0, 1, 0]


def test_scansion_draws_devanagari_with_all_its_glyphs():
    ax = plot.scansion([["dha", "rma"]], ["gg"], devanagari="धर्मक्षेत्रे ॥ dharmakṣetre")
    ax.get_figure().canvas.draw()  # a glyph that is missing would warn, and warnings are errors
    assert ax.get_title() == "धर्मक्षेत्रे ॥ dharmakṣetre"


@pytest.mark.parametrize("pattern", ["g", "ggg", "gx"])
def test_scansion_needs_one_weight_for_each_syllable(pattern):
    with pytest.raises(ValueError, match="give an l or g for each"):
        plot.scansion([["dha", "rma"]], [pattern])
