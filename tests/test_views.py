"""A view's page: a picture and its words, the numbers beside them, and the one script."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import view_samples as samples

from tantra import plot
from tantra.plot import views


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


class Reader(HTMLParser):
    """Reads a page: its tags, and the attributes of the first of each."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.first = [], {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.first.setdefault(tag, dict(attributes))


def parts(page):
    """(the attributes of the picture, the data, the id) of a displayed view."""
    reader = Reader(page["text/html"])
    assert reader.tags == ["div", "img", "script"]
    div = reader.first["div"]
    return reader.first["img"], json.loads(div["data-tantra-view"]), div["id"]


@pytest.mark.parametrize("name", samples.ALL)
def test_a_view_holds_a_picture_the_words_and_the_numbers(name):
    page = samples.page_of(samples.ALL[name])
    image, data, _ = parts(page)
    assert image["alt"] == data["alt"] == page["text/plain"]
    assert image["src"].startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize("name", samples.ALL)
def test_the_same_numbers_make_the_same_page(name):
    first, second = (samples.page_of(samples.ALL[name]) for _ in range(2))
    assert first == second


def test_other_numbers_have_another_id():
    ids = set()
    for seed in range(3):
        weights = samples.weights_of(2, 2, seed=seed)
        page = samples.page_of(
            lambda w=weights: plot.look(w, "ab", alt="Two words at random here.")
        )
        ids.add(parts(page)[2])
    assert len(ids) == 3


def test_the_script_asks_nobody_and_can_stand_in_a_page():
    script = views._script()
    assert not re.search(r"https?:|fetch\(|XMLHttp|import\(|innerHTML|eval|</script", script)
    assert len(script) < 25_000


@pytest.mark.parametrize("as_array", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_look_keeps_whole_percents_of_every_head(as_array):
    weights = samples.weights_of(2, 3, 4, 4)
    words = samples.WORDS
    page = samples.page_of(lambda: plot.look(as_array(weights), words, alt="Six heads of four"
                                             " words"))  # fmt: skip
    _, data, _ = parts(page)
    np.testing.assert_allclose(data["weights"], 100 * weights.reshape(6, 4, 4), atol=0.5)
    assert data["queries"] == words
    assert data["keys"] is None
    assert data["heads"][4] == "block 1, head 1"
    assert data["columns"] == 3


def test_look_draws_something_else_where_it_is_told_to():
    drawing = plot.bars("ab", {"one": [1, 2]})
    weights = np.eye(2)
    own, other = (
        samples.page_of(
            lambda d=d: plot.look(weights, "ab", alt="Each word looks at itself.", instead=d)
        )
        for d in (None, drawing)
    )
    assert parts(own)[1:] == parts(other)[1:]
    assert parts(own)[0]["src"] != parts(other)[0]["src"]


@pytest.mark.parametrize(
    ("weights", "queries", "keys", "alt", "message"),
    [
        (np.ones(3), "abc", None, "It has one axis only.", "2 to 4 axes"),
        (np.eye(3), "ab", None, "Two names for three words.", "2 queries and 2 keys"),
        (np.eye(3), "abc", "ab", "Two names for three keys.", "3 queries and 2 keys"),
        (2 * np.eye(3), "abc", None, "These are no weights, surely.", "between 0.00 and 2.00"),
        (np.eye(3) - 0.1, "abc", None, "These are no weights, surely.", "between -0.10"),
        (np.full((1, 1), np.nan), "a", None, "These are no weights, surely.", "nan"),
        (np.eye(3), "abc", None, "too short", "say in a sentence"),
    ],
)
def test_look_says_what_is_wrong(weights, queries, keys, alt, message):
    with pytest.raises(ValueError, match=message):
        plot.look(weights, queries, keys, alt=alt)


def test_steps_writes_every_number_and_their_sum():
    weights, values = np.array([[0.25, 0.75], [1.0, 0.0]]), np.array([[10.0], [-20.0]])
    scores = np.array([[0.0, 1.0986], [2.0, -np.inf]])
    page = samples.page_of(
        lambda: plot.steps(scores, weights, values, "qr", "kl", alt="Two queries meet two keys.")
    )
    _, data, _ = parts(page)
    assert data["rows"] == [
        [["0.00", "0.25", "10.00", "2.50"], ["1.10", "0.75", "-20.00", "-15.00"]],
        [["2.00", "1.00", "10.00", "10.00"], ["-∞", "0.00", "-20.00", "0.00"]],
    ]
    assert data["sums"] == [["", "1.00", "", "-12.50"], ["", "1.00", "", "10.00"]]


@pytest.mark.parametrize("wrong", ["scores", "weights", "values", "queries"])
def test_steps_says_which_shapes_do_not_fit(wrong):
    good = {"scores": np.ones((2, 3)), "weights": np.ones((2, 3)) / 3, "values": np.ones((3, 1))}
    given = good | {"queries": "ab", "keys": "klm"} | {wrong: np.ones((4, 4))}
    with pytest.raises(ValueError, match=r"give \(T, S\), \(T, S\), \(S, V\)"):
        plot.steps(**given, alt="Two queries meet three keys.")


def inside(page):
    """The numbers that the picture of a displayed view carries."""
    source = parts(page)[0]["src"]
    picture = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
    return json.loads(picture.text["numbers"])


@pytest.mark.parametrize("as_array", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_lens_keeps_the_five_likeliest_and_the_place_of_the_answer(as_array):
    given = np.array([[[0.04, 0.003, 0.3, 0.136, 0.401, 0.12]]])
    words = "abcdef"
    for answer, found in ((4, [40, 1]), (1, [0, 6]), (-1, [0, 0])):
        page = samples.page_of(
            lambda a=answer: plot.lens(
                {"lens": as_array(given)},
                ["block 1"],
                "x",
                words,
                [a],
                alt="One layer, one place, six words.",
            )
        )
        _, data, _ = parts(page)
        best = [[4, 40], [2, 30], [3, 14], [5, 12], [0, 4]]
        assert data["cells"] == [[[[best, found]]]]
        assert data["vocabulary"] == list(words)
        assert data["answers"] == [answer]


def test_equal_probabilities_keep_the_order_of_the_vocabulary():
    page = samples.page_of(samples.lens)
    frequencies = parts(page)[1]["cells"][1]
    assert [token for token, _ in frequencies[0][0][0]] == [0, 1, 2, 3, 4]
    assert [frequencies[0][t][1][1] for t in (0, 1, 3)] == [2, 5, 1]


def test_numbers_that_vary_stand_inside_the_picture_and_change_no_word_of_the_page():
    def measured(points):
        return samples.page_of(
            lambda: plot.roofline(points, 50e9, 10e9, alt="Points under two ceilings here.")
        )

    slower = {name: (a, b, 2 * seconds) for name, (a, b, seconds) in samples.POINTS.items()}
    pages = [measured(samples.POINTS), measured(slower)]
    texts = [re.sub(r"base64,[^\"]+", "", page["text/html"]) for page in pages]
    assert texts[0] == texts[1]
    assert inside(pages[0]) != inside(pages[1])
    of_lens = samples.page_of(samples.lens_measured)
    assert set(parts(of_lens)[1]) == {"kind", "alt"}
    assert inside(of_lens)["cells"] == parts(samples.page_of(samples.lens))[1]["cells"][:1]


def test_roofline_says_for_each_point_what_binds_it_and_what_it_reaches():
    points = {"memory": (1e9, 2e9, 0.25), "peak": (8e9, 1e9, 0.4), "ridge": (5e9, 1e9, 0.1)}
    page = samples.page_of(
        lambda: plot.roofline(points, 50e9, 10e9, alt="Points under two ceilings here.")
    )
    data = inside(page)
    found = [point[3:] for point in data["points"]]
    expected = [[0.5, 4, 5, True], [8, 20, 50, False], [5, 50, 50, False]]
    np.testing.assert_allclose(np.array(found, float), np.array(expected, float))
    assert data["ceilings"] == [50, 10, 5]
    (x, y, top, *_), roof = data["points"][0], np.array(data["roof"])
    assert 0 < y < top < 1
    assert top == pytest.approx(np.interp(x, *roof.T))  # under the slope, on logarithmic axes
    assert roof[1] == pytest.approx([data["points"][2][0], data["points"][2][1]])
    assert roof[1, 1] == roof[2, 1]
    assert (roof >= 0).all()
    assert (roof <= 1).all()
    for ticks in data["ticks"]:  # round numbers, each where the scale has it
        assert 2 <= len(ticks) <= 8
        places, names = zip(*ticks, strict=True)
        logs = np.log([float(name) for name in names])
        assert np.corrcoef(places, logs)[0, 1] == pytest.approx(1)
        assert 0 < min(places) < max(places) < 1


def test_the_pictures_can_be_read_on_a_phone():
    many = np.full((3, 16, 5), 0.2)
    alt = "Many positions, and many points."
    points = {f"way of work {n}": (1e9 * n, 1e9, 0.3) for n in range(1, 10)}
    for view in (
        lambda: plot.lens(
            {"lens": many}, ["embedding", *"ab"], "x" * 16, "abcde", [0] * 16, alt=alt
        ),
        lambda: plot.roofline(points, 50e9, 10e9, alt=alt),
    ):
        source = parts(samples.page_of(view))[0]["src"]
        assert Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).width <= 640


def test_dollars_in_a_picture_are_dollars():
    wrong = "$\\frac$"  # as a formula, an error
    samples.page_of(
        lambda: plot.lens(
            {wrong: np.ones((1, 1, 1))},
            [wrong],
            [wrong],
            [wrong],
            [0],
            alt="A dollar at each name.",
        )
    )
    samples.page_of(
        lambda: plot.roofline({wrong: (1, 2, 3)}, 4, 5, alt="A dollar in the name of a point.")
    )


GOOD_LENS = {
    "readings": {"lens": np.full((2, 3, 4), 0.25)},
    "layers": "lm",
    "tokens": "abc",
    "vocabulary": "abcd",
    "answers": [0, -1, 3],
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"readings": {}}, "needs a reading"),
        ({"readings": {"its": np.full((2, 3, 5), 0.2)}}, r"its has shape \(2, 3, 5\), the names"),
        ({"layers": "lmn"}, r"the names are \(3, 3, 4\)"),
        ({"readings": {"its": np.full((2, 3, 4), 0.5)}}, "its lies between 0.50 and 0.50"),
        ({"readings": {"its": np.tile([1.5, -0.5, 0, 0], (2, 3, 1))}}, "between -0.50 and 1.50"),
        ({"readings": {"its": np.full((2, 3, 4), np.nan)}}, "shares of a whole"),
        ({"answers": [0, 1]}, "give 3 tokens below 4"),
        ({"answers": [0, 1, 4]}, "give 3 tokens below 4"),
        ({"answers": [0, 1, -2]}, "give 3 tokens below 4"),
        ({"alt": "too short"}, "say in a sentence"),
    ],
)
def test_lens_says_what_is_wrong(wrong, message):
    with pytest.raises(ValueError, match=message):
        plot.lens(**GOOD_LENS | {"alt": "Two layers and three places."} | wrong)


@pytest.mark.parametrize(
    ("points", "peak", "bandwidth", "message"),
    [
        ({}, 1, 1, "needs a point"),
        ({"a": (1, 2)}, 1, 1, r"shape \(1, 2\)"),
        ({"a": (1, 2, 0)}, 1, 1, "least number 0.0"),
        ({"a": (1, 2, np.nan)}, 1, 1, "above 0"),
        ({"a": (1, 2, 3)}, 0, 1, "peak 0"),
        ({"a": (1, 2, 3)}, 1, -1, "bandwidth -1"),
    ],
)
def test_roofline_says_what_is_wrong(points, peak, bandwidth, message):
    with pytest.raises(ValueError, match=message):
        plot.roofline(points, peak, bandwidth, alt="Points under two ceilings here.")
