"""What one cached token costs as the text before it grows: a line, with a small slope."""

import statistics

import numpy as np
import torch

import tantra
from benchmarks import peers
from benchmarks.compare import compare, interleave
from benchmarks.decoding import SIZE

PART = "growth"
LENGTHS = (16, 128, 256, 384, 512, 640, 768, 960)
FIRST, LAST = f"cached, {LENGTHS[0]} before", f"cached, {LENGTHS[-1]} before"
ALL_FIRST, ALL_LAST = (f"recomputed, {length} before" for length in (LENGTHS[0], LENGTHS[-1]))
AIM = 1 / 1.3


def rows(ceilings, budget):
    """A token after 960 others against one after 16, cached and recomputed."""
    model = tantra.prepare_for_decoding(peers.ours(SIZE))
    tokens = torch.randint(SIZE.vocab, (1, 1024), generator=torch.Generator().manual_seed(0))
    actions = {f"cached, {length} before": _cached(model, tokens, length) for length in LENGTHS}
    actions |= {
        ALL_FIRST: _recomputed(model, tokens, LENGTHS[0]),
        ALL_LAST: _recomputed(model, tokens, LENGTHS[-1]),
    }
    seconds = interleave(actions, budget)
    medians = [statistics.median(seconds[f"cached, {length} before"]) for length in LENGTHS]
    row = {"part": PART, "case": "GPT-2 small, one token"}
    yield compare(seconds, LAST, FIRST, aim=AIM, note=fit(LENGTHS, medians), **row)
    yield compare(seconds, ALL_LAST, ALL_FIRST, **row)
    yield compare(seconds, LAST, ALL_LAST, **row)


def fit(lengths, seconds):
    """The line through the medians, in words."""
    slope, start = np.polyfit(lengths, seconds, 1)
    left = np.subtract(seconds, start + slope * np.array(lengths))
    explained = 1 - left.var() / np.var(seconds)
    return (
        f"{start * 1e3:.1f} ms and {slope * 1e6:.1f} µs for each token before it; "
        f"the line explains {explained:.0%} of the differences"
    )


@torch.no_grad()
def _cached(model, tokens, length):
    """The token after length others, over and over: each time the cache forgets it again."""
    caches = model.new_caches(length + 1)
    model(tokens[:, :length], caches)

    @torch.no_grad()
    def action():
        model(tokens[:, length : length + 1], caches)
        for cache in caches:
            cache.seen = length

    return action


def _recomputed(model, tokens, length):
    @torch.no_grad()
    def action():
        model(tokens[:, : length + 1], last=True)

    return action
