"""A view's page: a picture and its words, the numbers beside them, and the one script."""

import json
import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest
import torch

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
    assert len(script) < 20_000


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
