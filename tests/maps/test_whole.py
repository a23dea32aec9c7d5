"""The drawing that fills in as exercises are passed."""

import itertools
import xml.etree.ElementTree as ET

import pytest

from tantra.check.exercises import CHAPTERS
from tantra.maps import whole
from tantra.maps.parts import HEIGHT, PARTS, WIDTH

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("tally", "labels"),
    [
        ({"begin": (0, 1), "softmax": (0, 2)}, {"begin 0/1", "softmax 0/2", "heads"}),
        ({"begin": (1, 1), "softmax": (1, 2)}, {"begin ✓", "softmax 1/2"}),
        ({"softmax": (2, 2), "query_key_value": (1, 6)}, {"softmax ✓", "1/6", "query", "value"}),
    ],
)
def test_the_drawing_fills_in(tally, labels):
    assert labels <= set(texts(whole.filled(tally)))


def test_a_part_is_filled_from_the_left_by_the_share_that_is_passed():
    for done, width in ((0, 0), (1, 61), (2, 122), (4, 244)):
        root = ET.fromstring(whole.filled({"feed_forward": (done, 4)}))
        (group,) = [g for g in root.iter(f"{SVG}g") if "feed-forward" in g.find(f"{SVG}text").text]
        paper, colour, _ = group.iter(f"{SVG}rect")
        assert (paper.get("width"), colour.get("width")) == ("244", str(width))


def test_more_than_the_colour_tells_passed_from_open():
    open_, begun, full = (whole.look(PARTS["softmax"], n, 2) for n in range(3))
    assert (open_.dashed, begun.dashed, full.dashed) == (True, False, False)
    assert (open_.strong, begun.strong, full.strong) == (False, False, True)
    assert (open_.label, begun.label, full.label) == ("softmax 0/2", "softmax 1/2", "softmax ✓")


def test_the_drawing_has_words():
    root = ET.fromstring(whole.filled({"begin": (1, 1), "softmax": (0, 2)}))
    assert root.get("role") == "img"
    assert "begin 1 of 1" in root.get("aria-label")
    assert "softmax 0 of 2" in root.get("aria-label")
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert len(titles) == 1 + len(PARTS) + len(list(whole.strip()))
    assert titles.count("softmax: 0 of 2 passed") == 2


def test_every_chapter_is_counted_once():
    tally = {chapter: (n, 100) for n, chapter in enumerate(CHAPTERS)}
    counts = [text.split()[-1] for text in texts(whole.filled(tally)) if "/100" in text]
    twice = [f"{CHAPTERS.index(name)}/100" for name in ("layer_norm",)]
    assert sorted(counts) == sorted([f"{n}/100" for n in range(len(CHAPTERS))] + twice)


def test_the_strip_stands_below_and_apart():
    boxes = list(whole.strip())
    for one, other in itertools.combinations(boxes, 2):
        assert one.x + one.width < other.x or one.y + one.height < other.y or one.x > other.x
    for one in boxes:
        assert one.y > HEIGHT
        assert 0 < one.x < one.x + one.width < WIDTH
    height = max(one.y + one.height for one in boxes)
    *_, shown = ET.fromstring(whole.filled({})).get("viewBox").split()
    assert height < int(shown)
