"""Views with sliders: their numbers, their names, what they refuse, the picture in their place."""

import matplotlib
import numpy as np
import pytest
import torch

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import view_samples as samples

from tantra import plot
from tantra.plot import sliders

PAIR = np.ones((1, 2))


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def displayed(monkeypatch):
    """What a view hands to the page: [kind, data, drawing, alt]."""
    seen = []
    monkeypatch.setattr(sliders, "_display", lambda *parts: seen.extend(parts))
    return seen


@pytest.mark.parametrize("as_array", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_sampling_sorts_and_of_equal_logits_keeps_the_earlier_first(displayed, as_array):
    plot.sampling(as_array([1.0, 3.0, 1.0, 3.0]), "abcd", alt="Four tokens, two by two equal.")
    kind, data, _, _ = displayed
    assert kind == "sampling"
    assert data["tokens"] == ["b", "d", "a", "c"]
    assert data["logits"] == [3, 3, 1, 1]


def test_the_sliders_of_sampling_hold_the_settings_that_leave_all_as_it_is(displayed):
    plot.sampling([1.0, 2.0], "ab", alt="Two tokens, of which one is likelier.")
    data = displayed[1]
    assert data["temperatures"][0] == 0
    assert 1 in data["temperatures"]
    assert data["thresholds"][0] > 0
    assert data["thresholds"][-1] == 1


def test_sampling_draws_the_largest_logits_or_what_it_is_told_to(displayed):
    plot.sampling(samples.LOGITS, "abcdefghijklmn", alt="Fourteen tokens with their logits.")
    heights = [bar.get_height() for bar in displayed[2].patches]
    assert heights == sorted(samples.LOGITS, reverse=True)[:10]
    own = plot.bars("ab", {"one": [1, 2]})
    plot.sampling([1.0, 2.0], "ab", alt="Two tokens with another drawing.", instead=own)
    assert displayed[6] is own


@pytest.mark.parametrize(
    ("logits", "tokens", "message"),
    [
        (np.ones((2, 3)), "abc", r"shape \(2, 3\): give one row"),
        (3.0, "a", r"shape \(\): give one row"),
        (np.ones(1), "a", r"shape \(1,\): give one row"),
        (np.ones(3), "ab", "2 tokens for 3 logits"),
        ([1, -np.inf, 2], "abc", "logits holds -inf: give finite"),
        ([1, np.nan, 2], "abc", "logits holds nan: give finite"),
    ],
)
def test_sampling_says_what_is_wrong(logits, tokens, message):
    with pytest.raises(ValueError, match=message):
        plot.sampling(logits, tokens, alt="A row of logits, with its names.")


@pytest.mark.parametrize("as_array", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_rotation_keeps_every_number_and_names_the_pairs(displayed, as_array):
    arrays = map(as_array, (samples.QUERY, samples.KEY, samples.ANGLES))
    plot.rotation(*arrays, alt="Two arrows of three pairs of features.")
    kind, data, _, _ = displayed
    assert kind == "rotation"
    for name in ("query", "key", "angles"):
        np.testing.assert_allclose(data[name], getattr(samples, name.upper()), atol=1e-6)
    assert data["pairs"] == ["0: 57.3°", "1: 12.3°", "2: 2.66°"]
    assert data["start"] == [3, 1]


def test_rotation_begins_inside_of_the_angles(displayed):
    plot.rotation(PAIR, PAIR, np.zeros((2, 1)), alt="Two arrows at two positions only.")
    assert displayed[1]["start"] == [1, 1]


def test_rotation_draws_both_arrows_where_they_start(displayed):
    quarter = np.arange(4)[:, None] * np.pi / 2
    plot.rotation([[1, 0]], [[1, 0]], quarter, alt="Two arrows, rotated by right angles.")
    tips = [text.xy for text in displayed[2].texts if not text.get_text()]
    np.testing.assert_allclose(tips, [(0, -1), (0, 1)], atol=1e-12)


@pytest.mark.parametrize(
    ("query", "key", "angles"),
    [
        (np.ones(2), np.ones(2), np.ones((4, 1))),
        (np.ones((3, 2)), PAIR, np.ones((4, 3))),
        (np.ones((1, 3)), np.ones((1, 3)), np.ones((4, 1))),
        (PAIR, PAIR, np.ones((4, 2))),
        (PAIR, PAIR, np.ones(4)),
        (PAIR, PAIR, np.ones((1, 1))),
        (np.ones((0, 2)), np.ones((0, 2)), np.ones((4, 0))),
        (1.0, 1.0, np.ones((4, 1))),
    ],
)
def test_rotation_says_which_shapes_do_not_fit(query, key, angles):
    with pytest.raises(ValueError, match=r"give \(K/2, 2\), \(K/2, 2\), \(T, K/2\)"):
        plot.rotation(query, key, angles, alt="Two arrows that do not fit.")


@pytest.mark.parametrize("wrong", ["query", "key", "angles"])
def test_rotation_refuses_numbers_without_an_end(wrong):
    good = {"query": PAIR, "key": PAIR, "angles": np.ones((4, 1))}
    bad = good[wrong].copy()
    bad[0, 0] = np.inf
    with pytest.raises(ValueError, match=f"{wrong} holds inf: give finite"):
        plot.rotation(**good | {wrong: bad}, alt="Two arrows without an end.")
