"""The map at the head of a chapter: what is lit, what is said, and whether it can be read."""

import itertools
import xml.etree.ElementTree as ET

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

import tantra
from tantra.check.exercises import CHAPTERS as EXERCISES
from tantra.maps import draw_map
from tantra.maps.parts import CHAPTERS, LETTERS, ONE_STACK, PARTS, TWO_STACKS
from tantra.verses import verses

SVG = "{http://www.w3.org/2000/svg}"
EACH = pytest.mark.parametrize("name", CHAPTERS)
TABLES = pytest.mark.parametrize("table", [ONE_STACK, TWO_STACKS], ids=["one", "two"])


def page(name):
    return ET.fromstring(f"<div>{draw_map(name)._repr_html_()}</div>".replace("<br>", "<br/>"))


def bold(name):
    return {e.text for e in page(name).iter(f"{SVG}text") if e.get("font-weight") == "bold"} - {"+"}


def test_every_chapter_has_a_map():
    assert tuple(CHAPTERS) == EXERCISES == tuple(one.name for one in verses())
    assert tantra.draw_map is draw_map


@EACH
def test_what_is_lit_is_in_the_table_and_said_in_words(name):
    chapter = CHAPTERS[name]
    table = chapter.table
    assert chapter.lit
    assert set(chapter.lit) <= {*table.parts, *table.wires, *table.sums}
    assert bold(name) == {table.parts[part].label for part in chapter.lit if part in table.parts}
    said = repr(draw_map(name))
    assert all(label.partition(" (")[0] in said for label in bold(name))


def test_the_words_of_a_map():
    assert repr(draw_map("query_key_value")) == (
        "The Transformer; Query, key, value: lit are query, key, value.\n"
        "in: x (T, D)  ->  out: a query, a key and a value for each token\n"
        "T tokens, D features of a token"
    )


def test_parts_that_are_lit_alone():
    assert bold("softmax") == {"softmax"}
    assert bold("layer_norm") == {"layer norm", "norm"}
    assert bold("training") == {"softmax", "loss"}
    assert bold("two_sequences") == {
        "encoder, L times",
        "memory (S, D)",
        "decoder, L times",
        "cross-attention",
    }
    assert bold("gpt2") == {part.label for part in PARTS.values()} - {"loss"}


@EACH
def test_what_goes_in_and_out_is_said_everywhere(name):
    root, flow = page(name)[0], draw_map(name).flow
    assert flow == f"in: {CHAPTERS[name].takes}  ->  out: {CHAPTERS[name].gives}"
    assert flow in root.find(f"{SVG}svg").get("aria-label")
    assert flow in repr(draw_map(name))
    shown = " ".join("".join(root.find("div").itertext()).split())
    assert CHAPTERS[name].takes in shown
    assert CHAPTERS[name].gives in shown


@EACH
def test_every_letter_of_a_shape_is_explained(name):
    shapes = draw_map(name).flow.replace("GPT", "")
    letters = {one for one in shapes if one.isupper()}
    assert letters <= set(LETTERS)
    assert {part.split()[0] for part in draw_map(name).letters.split(", ")} == letters


def test_no_colour_is_fixed_and_nothing_is_a_script():
    html = draw_map("heads")._repr_html_()
    assert "<script" not in html
    assert 'id="' not in html  # several maps may stand on one page
    for element in page("heads").iter():
        for what in ("fill", "stroke"):
            assert (element.get(what) or "none").startswith(("none", "var(--jp-"))


def test_a_wrong_name_is_helped():
    with pytest.raises(ValueError, match=r"no map for 'head'; did you mean 'heads'\? there are"):
        draw_map("head")
    with pytest.raises(ValueError, match=r"no map for 4; there are begin, .*, two_sequences$"):
        draw_map(4)
    with pytest.raises(ValueError, match="there are begin, ") as caught:
        draw_map("x" * 100_000)
    assert len(str(caught.value)) < 400


def box(part):
    return part.x, part.y, part.x + part.width, part.y + part.height


@TABLES
def test_parts_stand_apart_or_inside_a_frame(table):
    for one, other in itertools.combinations(table.parts.values(), 2):
        (a, b, c, d), (e, f, g, h) = box(one), box(other)
        inside = one.kind == "frame" and a < e and b < f and g < c and h < d
        apart = c < e or g < a or d < f or h < b
        assert inside or apart, (one.label, other.label)


@TABLES
def test_everything_is_in_sight(table):
    corners = [box(part)[i : i + 2] for part in table.parts.values() for i in (0, 2)]
    wires = table.wires.values()
    corners += [corner for wire in wires for line in wire for corner in line]
    for x, y in corners:
        assert 4 <= x <= table.width - 4
        assert 4 <= y <= table.height - 4


@TABLES
def test_wires_go_straight(table):
    for line in itertools.chain(*table.wires.values()):
        for (x, y), (to_x, to_y) in itertools.pairwise(line):
            assert (x == to_x) != (y == to_y)


@TABLES
def test_labels_fit_their_boxes(table):
    wide = FontProperties(family="DejaVu Sans", weight="bold", size=12)
    for part in table.parts.values():
        label = part.label + (" ✓" if part.counts else "")
        width = TextPath((0, 0), label, prop=wide).get_extents().width
        assert width < part.width - 1, label


@TABLES
def test_notes_touch_no_part(table):
    for x, y, note in table.notes:
        width = TextPath((0, 0), note, size=11).get_extents().width
        assert x + width < table.width
        for part in table.parts.values():
            a, b, c, d = box(part)
            assert c < x or x + width < a or d < y - 9 or y + 2 < b, (note, part.label)
