"""Ours beside a peer: both in turns in one run, so that a busy moment strikes both alike."""

import gc
import random
import statistics
import time
from dataclasses import dataclass

MOST_ROUNDS = 41
PAUSE = 0.05  # seconds before each action: NumPy's and llama.cpp's threads wait awake for so long


@dataclass(frozen=True)
class Ratio:
    """Peer's time over ours, round by round: above 1, ours is faster."""

    median: float
    low: float  # a quarter of the rounds is below, a quarter above high
    high: float
    rounds: int


@dataclass(frozen=True)
class Row:
    """One comparison of one case."""

    part: str
    case: str
    ours: str
    peer: str
    seconds: float  # ours, median
    peer_seconds: float
    ratio: Ratio
    aim: float | None = None  # the ratio hoped for
    ceiling: str = ""  # what bounds both
    share: float | None = None  # the part of that bound that ours reaches
    peer_share: float | None = None
    bytes: int | None = None  # the most that ours holds at one time
    peer_bytes: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Skipped:
    """A comparison that could not be made here, and why."""

    part: str
    case: str
    ours: str
    peer: str
    reason: str


def interleave(actions, budget, *, least=3, clock=time.perf_counter):
    """The seconds of each action by name, one per round: {name: [seconds, ...]}.

    Every round runs every action once, in an order drawn anew, so that none always follows the same
    one, or always begins, when the garbage collector has just emptied the processor's caches.  A
    rest before each gives the threads of the one before time to fall asleep: on all cores they
    nearly doubled the next one's time.  A first round is not counted.  Rounds go on for about
    budget seconds: at least least of them, at most MOST_ROUNDS.
    """
    order, seconds = list(actions), {name: [] for name in actions}
    collecting, draw = gc.isenabled(), random.Random(0)
    try:
        started = clock()
        for name in order:
            time.sleep(PAUSE)
            actions[name]()
        rounds = how_many(budget, clock() - started, least)
        for _ in range(rounds):
            draw.shuffle(order)
            gc.collect()
            gc.disable()
            for name in order:
                time.sleep(PAUSE)
                before = clock()
                actions[name]()
                seconds[name].append(clock() - before)
            gc.enable()
    finally:
        (gc.enable if collecting else gc.disable)()
    return seconds


def how_many(budget, one_round, least):
    """How many rounds fit into budget seconds."""
    fits = MOST_ROUNDS if one_round <= 0 else int(budget / one_round)
    return max(least, min(fits, MOST_ROUNDS))


def ratio(peer, ours):
    """The Ratio of two rows of seconds, measured in the same rounds."""
    if len(peer) != len(ours):
        raise ValueError(f"{len(peer)} rounds of the peer and {len(ours)} of ours: not one run")
    each = [theirs / own for theirs, own in zip(peer, ours, strict=True)]
    low, median, high = quartiles(each)
    return Ratio(median, low, high, len(each))


def quartiles(numbers):
    """The lower quartile, the median and the upper quartile."""
    if len(numbers) == 1:
        return numbers[0], numbers[0], numbers[0]
    low, _, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return low, statistics.median(numbers), high


def compare(
    seconds, ours, peer, *, work=None, ceiling=None, peer_work=None, peer_ceiling=None, **row
):
    """The Row of ours against peer, from interleaved seconds.

    work is what ours does, in the unit of ceiling (a Ceiling), whose most per second then gives the
    share that is reached; the peer's work and ceiling are the same, unless given.
    """
    own, theirs = statistics.median(seconds[ours]), statistics.median(seconds[peer])
    if ceiling is not None:
        peer_work, peer_ceiling = peer_work or work, peer_ceiling or ceiling
        row |= {
            "ceiling": ceiling.name,
            "share": work / own / ceiling.most,
            "peer_share": peer_work / theirs / peer_ceiling.most,
        }
    return Row(
        ours=ours,
        peer=peer,
        seconds=own,
        peer_seconds=theirs,
        ratio=ratio(seconds[peer], seconds[ours]),
        **row,
    )
