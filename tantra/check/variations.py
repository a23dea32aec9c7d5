"""The predictions that have variants; see `variants`."""

import math

import numpy as np

from tantra.check.variants import Variation
from tantra.softmax import softmax

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SPACES = {16: 4, 20: 2, 25: 2, 40: 3, 50: 2, 80: 4}  # an even share of so many has few decimals


def named(*values, **phrases):
    """Phrases by any names: those of whole numbers are the numbers themselves."""
    return {f"number {place}": str(value) for place, value in enumerate(values)} | phrases


def _mean_shape(a, b, c):
    return (
        *((a, c), (a, b), (b, c), (c, a), (a, b, c), (c,), (a,), (b, b), a * c, (a, b, b, c)),
        *((1, c), (a, 1), (b, a), a * b * c, (a + b, b + c)),
    )


def _projections(d):
    return (
        *(3 * (d * d + d), 3 * d * d, d * d + d, d * d, 3 * d**2 + d, 3 * (d**2 + 1)),
        *(4 * (d * d + d), 3 * d, 6 * d, 36 * (d**2 + d), 3 * (d + 1) ** 2, (d + 1) ** 2),
        *(4 * d**2, 2 * (d**2 + d), 3 * d + 3, (3 * d) ** 2, (3 * d) ** 2 + 3 * d),
        *(3 * (d * 64 + 64), d**3 + 3 * d, 36 * d**2),
    )


def _losses(p, q, r, s):
    length_k, length_v = math.hypot(p, q), math.hypot(r, s)
    return (
        *((0, s), (q, s), (p + q, s), (length_k, s), (p, s), (p, r), (0, r), (0, -s), (0, r + s)),
        *((0, r - s), (0, length_v), (0, 0), (s, 0), (p + q, r + s), (length_k, length_v)),
        *((-q, -s), (q - p, s - r), (q, 0)),
    )


def _shares_of_logs(b, c):
    powers = np.array([1.0, b, c])
    shares, logs = powers / powers.sum(), np.log(powers)
    found = (
        *(shares, powers, logs / logs.sum(), softmax(powers), softmax(powers).round(2)),
        *(shares[::-1], np.full(3, 1 / 3), logs, 100 * shares, powers / c),
        *(softmax(np.log10(powers)), softmax(np.log2(powers)), powers / (powers.sum() - 1)),
        *(powers / 10, np.log(shares)),
    )
    return tuple(tuple(each.tolist()) for each in found)


def _attention_shapes(t, s, k, v):
    weights, averages = (2, t, s), (2, t, v)
    return (
        *((weights, averages), ((2, s, t), averages), (weights, (2, t, k)), (weights, (2, s, v))),
        *((averages, averages), (averages, weights), ((t, s), (t, v)), (weights, weights)),
        *(((2, t, k), averages), weights, averages, (*weights, *averages), (weights, (2, s, k))),
        *((weights, (2, v, t)), ((t, s), averages), ((2, s, s), (2, s, v))),
        *(((2, s, t), (2, s, v)), ((2, t, t), averages), ((2, t, s, k), averages)),
        *(((2, t, k, s), averages), (weights, (2, t, s, v))),
    )


def _rotated_score(degrees, key):
    turn = degrees * np.arange(16)
    cos = np.cos(np.radians(turn)).tolist()
    return (
        *(cos[3], cos[2 * key + 3], 1.0, math.sin(math.radians(3 * degrees)), cos[key + 3]),
        *(cos[key], cos[1], math.cos(3 * degrees), 3.0 * degrees, -cos[3], cos[key + 3] * cos[key]),
        *(cos[3] / math.sqrt(2), cos[4], 0.5, 0.0),
    )


def _stream_spread(n):
    m, root = 2 * n, math.sqrt
    grown, two = root(1 + m), root(2)
    return (
        *((grown, two), (1.0 + m, 1 + root(m)), (1.0 + m, 2.0), (grown, 2.0), (1.0 + m, two)),
        *((float(m), 1.0), (grown, 1.0), (two, grown), (root(1 + n), root(1.5)), (root(m), 1.0)),
        *((grown, root(1 + 1 / m)), (grown, 1 + 1 / root(m)), (2.0**n, 1.0)),
        *((grown, root(1 + root(m))), (root(1 + n), two), (root(m), two), (grown, root(1.5))),
    )


def _uncorrected_step(v):
    root = math.sqrt(v)
    return (
        *(0.1 / root, 1.0, 0.1, 0.1 / v, 1 / root, root / 0.1, 0.9 / math.sqrt(1 - v), 0.9 / root),
        *(v / math.sqrt(0.1), root, v, 0.1 / round(root, 3), 10, -0.1 / root, 0.0),
    )


def _cache_size(layers, heads, room):
    size = 2 * layers * heads * 64 * room * 4
    return (
        *(size, size // 2, size * 3, size // 2 * 3, size // 4, size // 4 * 3, size * 2, size // 8),
        *(size // layers, size // heads, size // room, size // 64, size * 8, size // 2 * 5),
        *(size * 3 * heads, size * 9 * heads, size * 9, size / 1e6, size // 2**20, size // 1000),
        *(size // 1024, size // heads * 3, round(size / 1e6, 2)),
    )


def _syllables(places, vowels):
    share, last = vowels / places, places - 1
    return (
        *(vowels, share * last, share * (places + 1), places - vowels, share * (places - 2)),
        *(100 * share, places / share, last / share, vowels - 1, places, vowels + 1, share),
    )


def _some(rng, *ranges):
    """A number of each range, no two the same."""
    while True:
        found = tuple(rng.choice(each) for each in ranges)
        if len(set(found)) == len(found):
            return found


def _places(rng):
    places = rng.choice(list(SPACES))
    return places, rng.randrange(3, places - 2)


VARIATIONS = (
    Variation(
        task="mean_shape",
        standard=(5, 3, 7),
        draw=lambda rng: _some(rng, *3 * [range(2, 10)]),
        values=_mean_shape,
        phrases=lambda a, b, c: named(
            a,
            b,
            c,
            rows=COUNTS[a].capitalize() + " rows",
            values=COUNTS[b].capitalize() + " values",
        ),
    ),
    Variation(
        task="projection_parameters",
        standard=(768,),
        draw=lambda rng: (rng.choice([256, 320, 384, 448, 512, 576, 640, 704, 896, 1024, 1280]),),
        values=_projections,
        phrases=lambda d: named(
            d, d + 1, model="GPT-2 small a" if d == 768 else "a model like GPT-2 small a"
        ),
    ),
    Variation(
        task="losses_on_paper",
        standard=(3, 7, 1, 4),
        draw=lambda rng: _some(rng, range(2, 6), range(6, 12), range(1, 5), range(5, 10)),
        values=_losses,
        phrases=lambda p, q, r, s: {
            "keys": f"({p}, -{q})",
            "values": f"(0, {r}, -{s})",
            "least": f"-{s}",
            "change": f"{s}",
        },
    ),
    Variation(
        task="shares_of_logs",
        standard=(2, 5),
        draw=lambda rng: _some(rng, range(2, 6), range(3, 10)),
        values=_shares_of_logs,
        phrases=lambda b, c: {
            "second": f"log {b}",
            "power": f"log {c} is {c}",
            "third": f"log {c}",
            "sum": f"1 + {b} + {c}",
            "list": f"1, {b} and {c}",
            "total": f"powers is {1 + b + c}",
            "tenths": f"sum to {(1 + b + c) / 10}",
        },
    ),
    Variation(
        task="attention_shapes",
        standard=(3, 5, 4, 7),
        draw=lambda rng: _some(rng, *4 * [range(3, 10)]),
        values=_attention_shapes,
        phrases=lambda t, s, k, v: named(
            *(t, s, k, v),
            title=f"{COUNTS[t].capitalize()} queries",
            queries=f"{COUNTS[t]} queries",
            row=f"row of {COUNTS[s]} weights",
            times=f"times {COUNTS[s]} values",
            keys=f"{COUNTS[s]} keys",
        ),
    ),
    Variation(
        task="rotated_score",
        standard=(25, 2),
        draw=lambda rng: (rng.choice(range(12, 30)), rng.choice(range(1, 5))),
        values=_rotated_score,
        phrases=lambda degrees, key: {
            "step": f"{degrees}°",
            "of": f"of {degrees} degrees",
            "is": f"is {degrees} degrees",
            "at": f"at {degrees} degrees",
            "between": f"{3 * degrees} degrees",
            "asks": f"position {key + 3}",
            "key": f"position {key}",
            "key at": f"key at {key}",
            "arrow": f"{(key + 3) * degrees} degrees",
            "sines": f"sin {(key + 3) * degrees}° · sin {key * degrees}°",
        },
    ),
    Variation(
        task="stream_spread",
        standard=(12,),
        draw=lambda rng: (rng.choice([4, 6, 7, 8, 9, 10, 15, 16, 18, 20, 24, 30, 36]),),
        values=_stream_spread,
        phrases=lambda n: named(
            *(n, 2 * n),
            root=f"√{2 * n}",
            square=f"{2 * n}²",
            whole=f"{math.sqrt(1 + 1 / (2 * n)):.2f} is the whole",
            blocks="Twelve blocks" if n == 12 else f"{n} blocks",
            model="as GPT-2's initial weights are scaled"
            if n == 12
            else "as the initial weights of a GPT-2 of so many blocks are scaled",
        ),
    ),
    Variation(
        task="uncorrected_step",
        standard=(0.001,),
        draw=lambda rng: (rng.choice([0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.02]),),
        values=_uncorrected_step,
        phrases=lambda v: named(
            *(v, round(1 - v, 3)), root=f"{math.sqrt(v):.5f}", short=f"{math.sqrt(v):.4f}"
        ),
    ),
    Variation(
        task="cache_size",
        standard=(24, 5, 512),
        draw=lambda rng: _some(rng, range(8, 41), range(4, 10), [256, 384, 512, 640, 768, 1024]),
        values=_cache_size,
        phrases=lambda layers, heads, room: named(layers, 192 * heads, 3 * heads, heads, room),
    ),
    Variation(
        task="syllables_so_far",
        standard=(40, 13),
        draw=_places,
        values=_syllables,
        phrases=lambda places, vowels: named(
            *(places, places - 1, places - 2, vowels / places, vowels)
        ),
    ),
)
