"""What views with sliders work out in a browser, beside what the library gives for the same.

tools/views_pages.py calls this, and plants the faults of PLANTED, to see that each is noticed.
"""

from itertools import product

import numpy as np
import view_samples as samples

from tantra.generation.sampling import next_token_probabilities
from tantra.plot.sliders import ROWS, TEMPERATURES, THRESHOLDS
from tantra.plot.views import _two
from tantra.positions import rotate

PLANTED = {
    "sampling": [
        ("/ (temperature || 1)", "/ 1"),
        ("temperature === 0 ? 1 : k", "k"),
        ("i < most ? Math.exp", "true ? Math.exp"),
        ("const given = soft(kept)", "const given = soft(logits.length)"),
        ("kept = count;", "kept = count - 1;"),
        ("reached < p", "reached < p / 2"),
        ("-x * Math.log(x)", "-x * Math.log2(x)"),
        ("k = i + 1; draw", "k = i; draw"),
    ],
    "rotation": [
        ("a * Math.cos(angle) - b", "a * Math.cos(angle) + b"),
        ("angles[places[n]][i]", "angles[places[0]][i]"),
        ("place - first + i", "place - first + i + 1"),
        ("rotate(${-ways[n]}deg)", "rotate(${ways[n]}deg)"),
        ("sum(products)", "products[0]"),
        ("[places[n]][pair]", "[places[n]][0]"),
    ],
}
READ = """settings => {
    const view = document.querySelector(".tantra-view");
    const sliders = [...view.querySelectorAll("input")];
    const put = (slider, place) => {
        slider.value = place;
        slider.dispatchEvent(new Event("input"));
    };
    return settings.map(([button, ...places]) => {
        if (button !== null) view.querySelectorAll("button")[button].click();
        places.forEach((place, i) => place === null || put(sliders[i], place));
        const cells = row => [...row.children].map(cell => cell.textContent);
        const turned = [...view.querySelectorAll(".tv-arrow")].map(arrow => arrow.style.transform);
        return {rows: [...view.querySelectorAll("tr")].slice(1).map(cells), turned,
                said: view.querySelector("[role=status]").textContent};
    });
}"""


def problems(name, page):
    """Where what the page of this sample shows differs from the library."""
    if name not in WANTED:
        return
    settings, wanted = SETTINGS[name], WANTED[name]
    for setting, seen in zip(settings, page.evaluate(READ, settings), strict=True):
        rows, said, ways = wanted(*setting)
        if seen["rows"] != rows:
            yield f"{name}, {setting}: another number, {seen['rows']}; the library gives {rows}"
        if seen["said"] != said:
            yield f"{name}, {setting}: says {seen['said']!r}, not {said!r}"
        turned = [
            float(text.removeprefix("rotate(").removesuffix("deg)")) for text in seen["turned"]
        ]
        if not np.allclose(np.cos(np.radians(np.subtract(turned, ways))), 1):
            yield f"{name}, {setting}: another number, arrows at {turned}, not {ways}"


def sampled(_, t, k, p):
    """(rows, sentence, no arrows) of the sample of sampling, by the library."""
    logits = np.array(samples.LOGITS)
    order = np.argsort(-logits, kind="stable")
    before = next_token_probabilities(logits)[order]
    after = next_token_probabilities(logits, TEMPERATURES[t], k + 1, THRESHOLDS[p])[order]
    kept = (after > 0).sum()
    rows = [
        [name, _percent(before[i]), _percent(after[i]) if after[i] else "cut"]
        for i, name in enumerate(["cat", "⏎", "j", "e", "the", "g", "h", "m", "l", "i"])
    ]
    rest = [_percent(before[ROWS:].sum()), _percent(after[ROWS:].sum()) if kept > ROWS else "cut"]
    said = (
        f"{kept} of {len(logits)} tokens may be drawn, cat with {_percent(after[0])}. "
        f"Entropy {_two(_entropy(after))} nats, before {_two(_entropy(before))}."
    )
    return [*rows, [f"{len(logits) - ROWS} others", *rest]], said, []


def rotated(pair, q, k, both):
    """(rows, sentence, ways on the page in degrees) of the sample of rotation, by the library."""
    shift = 0 if both is None else both - min(q, k)
    places = [q + shift, k + shift]
    angles = samples.ANGLES[places]
    flat = np.stack([samples.QUERY, samples.KEY]).reshape(2, -1).astype(float)
    arrows = rotate(flat, angles, "neighbours").reshape(2, -1, 2)
    products = arrows.prod(axis=0).sum(axis=-1)
    one = arrows[:, pair]
    between = np.degrees(np.arccos(one.prod(axis=0).sum() / np.prod(np.linalg.norm(one, axis=1))))
    turns = np.degrees(angles[:, pair])
    rows = [
        [name, str(place), f"{turn:.1f}°", _two(arrow)]
        for name, place, turn, arrow in zip(("query", "key"), places, turns, one, strict=True)
    ]
    said = (
        f"Query at {places[0]}, key at {places[1]}: the arrows of pair {pair} are {between:.1f}° "
        f"apart, their product is {_two(products[pair])}; the sum over all pairs is "
        f"{_two(products.sum())}."
    )
    return rows, said, -np.degrees(np.arctan2(one[:, 1], one[:, 0]))


def _percent(p):
    return f"{100 * p:.1f} %"


def _entropy(p):
    p = p[p > 0]
    return -(p * np.log(p)).sum()


WANTED = {"sampling": sampled, "rotation": rotated}
SETTINGS = {
    "sampling": [
        (None, *places)
        for places in product((0, 1, 5, 10, 30), (0, 1, 3, 6, 9, 12, 13), range(len(THRESHOLDS)))
    ],
    "rotation": [
        *product(range(3), (0, 1, 3, 11, 23), (0, 1, 2, 17, 23), (None,)),
        *product(range(3), (5, 8), (1, 6), (0, 4, 9)),
    ],
}
