"""The arithmetic of comparisons, on a clock of our own: no second is ever measured here."""

import gc

import pytest

from benchmarks.ceilings import Ceiling, ceiling, reading
from benchmarks.compare import MOST_ROUNDS, Ratio, compare, how_many, interleave, quartiles, ratio


class Clock:
    """A clock that moves only when an action says so."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def __call__(self):
        return self.now

    def action(self, name, *seconds):
        """An action that takes these seconds in turn, then the last of them for ever."""
        left = list(seconds)

        def act():
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return act


@pytest.fixture
def clock():
    return Clock()


def test_each_round_runs_every_action_once_in_an_order_of_its_own(clock):
    actions = {name: clock.action(name, 1.0) for name in "abc"}
    interleave(actions, 60.0, clock=clock)
    rounds = ["".join(clock.calls[i : i + 3]) for i in range(0, len(clock.calls), 3)]
    assert len(rounds) == 21
    assert {"".join(sorted(each)) for each in rounds} == {"abc"}
    assert len(set(rounds)) == 6


def test_the_first_round_is_not_counted(clock):
    actions = {"a": clock.action("a", 100.0, 1.0, 2.0, 3.0), "b": clock.action("b", 5.0)}
    assert interleave(actions, 0.0, clock=clock) == {"a": [1.0, 2.0, 3.0], "b": [5.0] * 3}


@pytest.mark.parametrize(
    ("budget", "one_round", "rounds"), [(10, 2, 5), (10, 3, 3), (10, 100, 3), (10, 0.01, 41)]
)
def test_rounds_fit_the_budget_between_a_least_and_a_most(budget, one_round, rounds):
    assert how_many(budget, one_round, 3) == rounds
    assert how_many(budget, 0, 3) == MOST_ROUNDS == 41


def test_garbage_is_collected_between_rounds_and_not_within(clock):
    seen = []
    interleave({"a": lambda: seen.append(gc.isenabled())}, 0.0, clock=clock)
    assert seen[1:] == [False] * (len(seen) - 1)
    assert gc.isenabled()


def test_garbage_is_collected_again_after_an_error(clock):
    left = [None, None]

    with pytest.raises(IndexError):
        interleave({"a": left.pop}, 10.0, clock=clock)
    assert gc.isenabled()


def test_the_ratio_is_the_median_of_the_rounds_ratios():
    # a busy moment strikes the second round of both; the ratio of the medians would be 3
    assert ratio([2.0, 60.0, 6.0], [1.0, 20.0, 2.0]) == Ratio(3.0, 2.5, 3.0, 3)
    assert ratio([1, 9, 9], [1, 3, 1]).median == 3
    assert ratio([1, 9, 9], [1, 3, 1]).high == 6


def test_quartiles():
    assert quartiles([4, 1, 3, 2, 5]) == (2, 3, 4)
    assert quartiles([7.0]) == (7.0, 7.0, 7.0)


def test_a_ratio_of_two_runs_is_refused():
    with pytest.raises(ValueError, match="3 rounds of the peer and 2 of ours: not one run"):
        ratio([1, 1, 1], [1, 1])


def test_a_row_says_what_share_of_its_ceiling_each_side_reaches():
    seconds = {"ours": [2.0, 2.0, 2.0], "theirs": [4.0, 8.0, 4.0]}
    row = compare(
        seconds,
        "ours",
        "theirs",
        part="r",
        case="c",
        work=100.0,
        ceiling=Ceiling("products", most=200.0, unit="GFLOP/s", median=150.0),
        aim=1.5,
    )
    assert (row.seconds, row.peer_seconds, row.ratio.median) == (2.0, 4.0, 2.0)
    assert (row.share, row.peer_share) == (0.25, 0.125)
    assert (row.ceiling, row.aim) == ("products", 1.5)


def test_the_peer_may_do_other_work_on_another_ceiling():
    ours, theirs = Ceiling("half", 100.0, "", 100.0), Ceiling("whole", 10.0, "", 10.0)
    seconds = {"ours": [1.0], "theirs": [1.0]}
    how = {"part": "r", "case": "c", "work": 50.0, "ceiling": ours}
    row = compare(seconds, "ours", "theirs", peer_work=5.0, peer_ceiling=theirs, **how)
    assert (row.share, row.peer_share) == (0.5, 0.5)
    assert compare(seconds, "ours", "theirs", **how).peer_share == 0.5


def test_a_ceiling_is_the_best_round(clock):
    action = clock.action("a", 9.0, 3.0, 9.0, 4.0, 2.0, 5.0)
    best = ceiling("products", action, 80e9, "GFLOP/s", 0.0, clock=clock)
    assert (best.most, best.median) == (40e9, 20e9)
    assert str(best) == "40.0 GFLOP/s at best, 20.0 as a rule"


def test_a_short_action_is_repeated_in_a_round_of_its_ceiling(clock):
    action = clock.action("a", 1.0, 0.01, 9.0, 0.01)
    best = ceiling("products", action, 1e9, "GFLOP/s", 0.0, clock=clock)
    assert len(clock.calls) == 2 + 5 + 3 * 5
    assert best.most == pytest.approx(100e9)


def test_the_bytes_of_a_sum_are_those_asked_for():
    read = reading(4_000_000, 0.0)
    assert read.name == "4 MB read"
    assert read.most >= read.median > 0
