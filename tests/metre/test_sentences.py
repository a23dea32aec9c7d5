"""The generator: every line is verse, every choice is counted, the bytes never change."""

import hashlib
import itertools
import os
import subprocess
import sys
from collections import Counter

import pytest

from tantra.metre import gloss, half_verse, half_verses, judge, lexicon, syllables, weights
from tantra.metre.lexicon import written
from tantra.metre.scan import even_pada, odd_pada
from tantra.metre.sentences import FIRST, SECOND, choice, ending, kind, ways

FIRST_THOUSAND = "0cd31775ec9e1d5b3653f020c254869f6ceb2152ef1a509fedfb5ec66600e3a2"


def take(count, seed=0):
    return list(itertools.islice(half_verses(seed), count))


@pytest.fixture(scope="module")
def lines():
    return take(1000)


def test_every_line_is_judged_right_in_everything(lines):
    for line in lines:
        judged = judge(line)
        assert judged.verse, (line, judged)
        assert judged.words == 1


def test_the_same_bytes_each_time_however_python_hashes(lines):
    code = "from itertools import islice; from tantra.metre import half_verses\n"
    code += "print('\\n'.join(islice(half_verses(0), 200)))"
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert digest == FIRST_THOUSAND
    hashing = str(1 + int(os.environ.get("PYTHONHASHSEED", "0").replace("random", "0")))
    environment = os.environ | {"PYTHONHASHSEED": hashing, "PYTHONUTF8": "1"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert run.stdout.decode().splitlines() == lines[:200]


def test_generators_do_not_disturb_each_other():
    one, two = half_verses(5), half_verses(5)
    assert [next(one), next(one)] == [next(two), next(two)]
    assert take(3, 5)[2] == next(one)


def test_seeds_share_few_lines_and_one_seed_repeats_few(lines):
    others = take(1000, seed=1)
    assert len(set(lines) & set(others)) < 5
    assert len(set(lines)) > 995


@pytest.mark.parametrize("seed", [-1, 0.5, "0", None, True])
def test_what_is_no_seed(seed):
    with pytest.raises((TypeError, ValueError), match="seed is"):
        half_verses(seed)


def test_the_sentences_are_of_many_kinds(lines):
    """Nearly all words are used, and none too often."""
    read = [gloss(line) for line in lines]
    used = Counter(form for one in read for form, _, _ in one)
    assert len(used) > 0.9 * len({entry.form for entry in lexicon()})
    assert {len(one) for one in read} >= {5, 6, 7, 8}
    assert max(used.values()) < len(lines) / 4
    verbs = [analysis for one in read for _, _, analysis in one if "third" in analysis]
    assert 0.2 < sum("plural" in verb for verb in verbs) / len(verbs) < 0.8


def test_no_word_comes_twice(lines):
    for line in lines:
        stems = [analysis.split(",")[0] for _, _, analysis in gloss(line)]
        stems = [stem for stem in stems if " + " not in stem and stem != "indeclinable"]
        assert len(set(stems)) == len(stems), line


def test_a_particle_begins_no_pada_and_ends_no_line(lines):
    particles = {entry.form for entry in lexicon() if entry.role == "particle"}
    for line in lines:
        forms = [form for form, _, _ in gloss(line)]
        sizes = [len(syllables(form)) for form in forms]
        middle = list(itertools.accumulate(sizes)).index(8) + 1
        assert not {forms[0], forms[middle], forms[-1]} & particles
        assert sum(form in particles for form in forms) <= 1


ORDERS = [
    ("particle", "transitive singular", "means"),
    ("place", "particle", "transitive singular"),
    ("subject neuter, nominative plural", "intransitive plural", "particle"),
    ("adjective feminine, accusative singular", "transitive singular", "means"),
]


def scans_as(half, forms, before):
    """Whether forms, after the form before, fill a pāda; by writing them out and scanning."""
    try:
        line = written([*before, *forms])
    except ValueError:
        return False
    pattern = weights(line)[sum(len(syllables(form)) for form in before) :]
    if half == "first":
        return odd_pada(pattern) == "pathyā"
    return even_pada(pattern)


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
@pytest.mark.parametrize("half", ["first", "second"])
def test_ways_counts_every_choice_and_choice_names_each_once(order, half):
    before = ["gajaḥ"] if half == "second" else []
    start = (FIRST, "") if half == "first" else (SECOND, ending("gajaḥ"))
    words = [[e for e in lexicon() if kind(e) == one] for one in order]
    expected = {
        entries
        for entries in itertools.product(*words)
        if scans_as(half, [entry.form for entry in entries], before)
    }
    count = ways(order, *start)
    found = [tuple(choice(number, order, *start)) for number in range(count)]
    assert len(found) == len(expected)
    assert set(found) == expected
    assert count > 0


def test_both_halves_are_scanned_together(lines):
    assert {half_verse(line) for line in lines} == {"pathyā"}
