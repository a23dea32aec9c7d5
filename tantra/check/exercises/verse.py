"""The exercises of chapter 14, verse from a model."""

import math
from collections import Counter, defaultdict
from itertools import chain

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, gradients
from tantra.check.slips import largest, normalised

SHORT = ("a", "i", "u", "ṛ", "ḷ")
LONG = ("ā", "ī", "ū", "ṝ", "ḹ", "e", "ai", "o", "au")
VOWELS = SHORT + LONG
TWO_LETTERS = ["ai", "au", "kh", "gh", "ch", "jh", "ṭh", "ḍh", "th", "dh", "ph", "bh"]
AFTER = ("ṃ", "ḥ")


def _split(word, pairs=TWO_LETTERS):
    sounds = []
    while word:
        size = 2 if word[:2] in pairs else 1
        sounds.append(word[:size])
        word = word[size:]
    return sounds


def _split_sorted(word):
    """Each two-letter sound sought in the whole word, then the rest: out of order."""
    found = []
    for pair in TWO_LETTERS:
        found += [pair] * word.count(pair)
        word = word.replace(pair, "")
    return found + list(word)


def _last_lost(word):
    sounds = _split(word)
    return sounds if len(sounds[-1]) == 2 else sounds[:-1]


def _around_pairs(word):
    """Cut on both sides of each pair, and nowhere else."""
    for pair in TWO_LETTERS:
        word = word.replace(pair, f" {pair} ")
    return word.split()


def _two_by_two(word, both):
    """Steps of two from the start, whatever was taken; both: the two letters, or only the first."""
    taken = (word[i : i + 2] for i in range(0, len(word), 2))
    parts = ([two] if two in TWO_LETTERS else list(two[: 1 + both]) for two in taken)
    return list(chain(*parts))


def _steps_exchanged(word):
    """One on behind a pair, two behind a single letter."""
    sounds, i = [], 0
    while i < len(word):
        size = 2 if word[i : i + 2] in TWO_LETTERS else 1
        sounds.append(word[i : i + size])
        i += 3 - size
    return sounds


def _past_the_end(word):
    """With word[i + 1] asked for at the last letter as well."""
    return _split(word) if word[-2:] in TWO_LETTERS else _split(word + word[len(word)])


WORDS = [
    "kathā",
    "vimalaiḥ",
    "phalam",
    "ṛṣayaḥ",
    "siṃhaḥ",
    "labhate",
    "bibharti",
    "gaurī",
    "jñānam",
    "meghāḥ",
    "budhyate",
    "nadyai",
]

split_sounds = Exercise(
    name="split_sounds",
    kind="implement",
    asks="The sounds of a word in IAST, in order: kh and ai are one sound each.",
    reference=lambda word: _split(word),
    cases={
        "one letter, one sound": ("nadī",),
        "kh is one sound": ("sukham",),
        "ai and bh": ("vaibhavaiḥ",),
        "au at the start": ("auṣadham",),
        "h alone": ("gṛhe",),
        "two breaths": ("chaṭhphaḍha",),
        "d before dh": ("buddhiḥ",),
        "ai at the end": ("nadyai",),
        "one vowel": ("a",),
    },
    draw=lambda rng: ("".join(rng.choice(WORDS, 2)),),
    mistakes={
        "those are letters; kh, ai and ten more pairs of letters are one sound each.": list,
        "ai and au are one vowel each.": lambda word: _split(
            word, [pair for pair in TWO_LETTERS if pair not in ("ai", "au")]
        ),
        "kh, gh, ch and the others with h are one consonant each.": lambda word: _split(
            word, ["ai", "au"]
        ),
        "an h after any letter is taken for a breath: in gṛhe it is a sound of its own.": (
            lambda word: _split(word, {*TWO_LETTERS, *(a + "h" for a in word)})
        ),
        "an h after any letter is taken for a breath: in gṛhe it is a sound of its own; and ai and "
        "au are one vowel each.": lambda word: _split(word, {a + "h" for a in word}),
        "the last letter is lost where it is a sound of its own: go on to len(word).": _last_lost,
        "at the last letter there is no word[i + 1]: word[i : i + 2] is shorter there, and raises "
        "nothing.": _past_the_end,
        "what stands between two pairs is left in one piece: each of its letters is a sound.": (
            _around_pairs
        ),
        "the sounds are right, their order is not: go through the word once, from its start.": (
            _split_sorted
        ),
        "go on by two letters only where two were taken: others are lost.": (
            lambda word: _two_by_two(word, both=False)
        ),
        "steps of two miss a pair that begins at an odd place: behind a single letter go on by "
        "one.": lambda word: _two_by_two(word, both=True),
        "letters are lost: go on by one behind a single letter, and by two behind a pair.": (
            _steps_exchanged
        ),
        "single letters are sounds as well; only the pairs are kept.": lambda word: [
            sound for sound in _split(word) if sound in TWO_LETTERS
        ],
        "only the first sound comes back: does the return stand inside the loop?": (
            lambda word: _split(word)[:1]
        ),
        "the second letter of a pair is taken twice: go on behind it.": lambda word: [
            word[i : i + 2] if word[i : i + 2] in TWO_LETTERS else word[i] for i in range(len(word))
        ],
        "that is one string; give a list of sounds.": lambda word: " ".join(_split(word)),
        "ṭh and ḍh are one sound each, as th and dh are.": lambda word: _split(
            word, [pair for pair in TWO_LETTERS if pair[0] not in "ṭḍ"]
        ),
    },
    hints=(
        "Go through the word from its start, and ask first whether the next two letters are one "
        "sound.",
        "With word[i : i + 2] in TWO_LETTERS, take two letters and go on at i + 2; else take one.",
        "A while loop over i, from 0 to len(word); or, after import re, re.findall with the pairs "
        "before the single letters: '|'.join(TWO_LETTERS) + '|.'",
    ),
)


def _weigh(
    long=LONG, after=AFTER, consonants=(2, 99), last=None, before=False, vowels=VOWELS, end=None
):
    """The scan of a line, with the one place wrong that the arguments say."""
    fewest, most = consonants

    def weigh(sounds):
        places = [i for i, sound in enumerate(sounds) if sound in vowels]
        weights = []
        for i, stop in zip(places, [*places[1:], len(sounds)], strict=True):
            follow = sounds[i + 1 : stop if i < places[-1] or end is None else i + 1 + end]
            if before:
                start = max((j for j in places if j < i), default=-1)
                follow = sounds[start + 1 : i]
            closed = fewest <= len(follow) <= most or (follow and follow[0] in after)
            weights.append("g" if sounds[i] in long or closed else "l")
        if last:
            weights[-1] = last
        return "".join(weights)

    return weigh


def _looking_ahead(closed, long_too=False):
    """The scan by a look at the next two sounds, closed(sounds, i)."""

    def weigh(sounds):
        vowels = [i for i, sound in enumerate(sounds) if sound in VOWELS]
        ahead = {i: closed(sounds, i) for i in vowels if long_too or sounds[i] not in LONG}
        return "".join("g" if sounds[i] in LONG or ahead[i] else "l" for i in vowels)

    return weigh


def _one_by_one(sounds, i):
    one = sounds[i + 1]
    return one in AFTER or (one not in VOWELS and sounds[i + 2] not in VOWELS)


def _one_by_one_always(sounds, i):
    two = sounds[i + 1] not in VOWELS and sounds[i + 2] not in VOWELS
    return two or sounds[i + 1] in AFTER


def _both_at_once(sounds, i):
    one, two = sounds[i + 1], sounds[i + 2]
    return one in AFTER or not {one, two} & {*VOWELS}


def _first_behind(sounds):
    """With sounds[i + 1] asked for behind a short last vowel as well."""
    return _weigh()(sounds if sounds[-1] not in SHORT else [*sounds, sounds[len(sounds)]])


def _between_before(sounds):
    """The sounds since the vowel before are counted, and ṃ and ḥ sought behind the vowel."""
    places = [i for i, sound in enumerate(sounds) if sound in VOWELS]
    counts = np.diff([-1, *places]) - 1
    heavy = (
        sounds[i] in LONG or between >= 2 or {*sounds[i + 1 : i + 2]} & {*AFTER}
        for i, between in zip(places, counts, strict=True)
    )
    return "".join("g" if one else "l" for one in heavy)


def _each_sound(sounds):
    """A weight for the consonants as well, by what follows each."""
    follow = [sounds[i + 1 : i + 3] for i in range(len(sounds))]
    closed = ({*two[:1]} & {*AFTER} or (len(two) == 2 and not {*two} & {*VOWELS}) for two in follow)
    pairs = zip(sounds, closed, strict=True)
    return "".join("g" if sound in LONG or shut else "l" for sound, shut in pairs)


def _by_index(sounds):
    """Each vowel looked for from the start of the line again."""
    scanned = [i for i, sound in enumerate(sounds) if sound in VOWELS]
    weights = dict(zip(scanned, _weigh()(sounds), strict=True))
    return "".join(weights[sounds.index(sounds[i])] for i in scanned)


def _aloud(sounds):
    """By the spelling of each consonant: kh counts for two."""
    letters = [letter for s in sounds for letter in ([s] if s in VOWELS else s)]
    return _weigh()(letters)


def _in_threes(sounds):
    threes = zip(sounds, sounds[1:], sounds[2:], strict=False)
    vowels = [(a, b, c) for a, b, c in threes if a in VOWELS]
    closed = [b in AFTER or not {b, c} & set(VOWELS) for _, b, c in vowels]
    return "".join("g" if v[0] in LONG or c else "l" for v, c in zip(vowels, closed, strict=True))


LINES = (
    "kokilo vimalo mandaṃ priyaś ca hṛdi śobhate",
    "snehena dhyāyati jñānaṃ gambhīraṃ madhuraṃ phalam",
    "labhate vimalaiḥ siṃhaḥ sukhaṃ gṛhe budhaḥ śanaiḥ",
)
SOUNDS = [_split(line.replace(" ", "")) for line in LINES]


def _draw_line(rng):
    consonants = ["k", "kh", "t", "dh", "m", "y", "r", "ś", "h"]
    sounds = []
    for _ in range(9):
        sounds += list(rng.choice(consonants, rng.integers(1, 3)))
        sounds.append(str(rng.choice(VOWELS)))
        sounds += [str(rng.choice(AFTER))] if rng.random() < 0.2 else []
    return ([str(sound) for sound in sounds],)


line_weights = Exercise(
    name="line_weights",
    kind="implement",
    asks='The weights of a line, from its sounds without gaps: "l" light, "g" heavy.',
    reference=_weigh(),
    cases={
        "light and long": (["n", "a", "d", "ī"],),
        "two consonants follow": (["m", "i", "t", "r", "a"],),
        "anusvāra, visarga": (["s", "i", "ṃ", "h", "a", "ḥ"],),
        "one breath is one consonant": (["s", "u", "kh", "i"],),
        "three consonants follow": (["m", "a", "t", "s", "y", "a"],),
        "across words": (["ph", "a", "l", "a", "m", "t", "u"],),
        "a last consonant": (["ph", "a", "l", "a", "m"],),
        "two consonants at the end": (["a", "v", "ā", "r", "a", "r", "k"],),
        "two vowels meet": (["t", "a", "i", "h", "a"],),
        "half a verse": (SOUNDS[0],),
        "another": (SOUNDS[1],),
    },
    draw=_draw_line,
    mistakes={
        "e, ai, o and au are long, too.": _weigh(long=LONG[:5]),
        "ai and au are long, too.": _weigh(long=[v for v in LONG if v not in ("ai", "au")]),
        "the consonants after a vowel are left out: two of them make its syllable heavy.": (
            _weigh(consonants=(99, 99))
        ),
        "what follows the vowel is left out: ṃ, ḥ or two sounds make a short one heavy, too.": (
            _weigh(consonants=(99, 99), after=())
        ),
        "two sounds up to the next vowel are enough: at least two, not more than two.": (
            _weigh(consonants=(3, 99))
        ),
        "three sounds make a syllable heavy as two do: at least two, not exactly two.": (
            _weigh(consonants=(2, 2))
        ),
        "one consonant after a short vowel does not make it heavy; it takes two.": (
            _weigh(consonants=(1, 99))
        ),
        "anusvāra (ṃ) and visarga (ḥ) make the syllable before them heavy.": _weigh(after=()),
        "those are the consonants before the vowel; what follows it counts.": _weigh(before=True),
        "the sounds since the vowel before are counted: two that follow a vowel make its own "
        "syllable heavy.": _between_before,
        "the last syllable is always heavy: it is weighed as it stands. (A slice of two holds one "
        "sound at the end, or none: ask how many.)": _weigh(last="g"),
        "kh is one consonant: count sounds, not letters.": _aloud,
        '"".join(sounds) makes letters of the sounds again: kh is one consonant, ai one vowel.': (
            lambda sounds: _weigh()([*"".join(sounds)])
        ),
        "zip(sounds, sounds[1:], sounds[2:]) ends two sounds before the line does: a vowel there "
        "is lost.": _in_threes,
        "ṛ is a short vowel, and makes a syllable.": (
            _weigh(vowels=[v for v in VOWELS if v not in ("ṛ", "ṝ", "ḷ", "ḹ")])
        ),
        "long vowels are left out: a syllable with one is heavy, whatever follows.": _weigh(
            long=()
        ),
        "two sounds between the last vowel and the end of the line make its syllable heavy, too.": (
            _weigh(end=1)
        ),
        "what follows the last vowel counts as well, up to the end of the line.": _weigh(end=0),
        "after the last vowel there may be no sounds[i + 1] and no sounds[i + 2]: a slice is "
        "shorter there, and raises nothing.": _looking_ahead(_one_by_one),
        "behind every vowel, a long one too, two sounds are looked up, and the end of the line may "
        "have none: a slice is shorter there, and raises nothing.": (
            _looking_ahead(_one_by_one_always, long_too=True)
        ),
        "behind a short vowel that ends the line there is no sounds[i + 1]: ask first whether "
        "anything follows.": _first_behind,
        "near the end of the line there is no sounds[i + 2]: a slice is shorter there, and raises "
        "nothing.": _looking_ahead(_both_at_once),
        "sounds.index finds the first vowel of its kind; enumerate gives the place of each.": (
            _by_index
        ),
        "light and heavy are exchanged.": lambda sounds: _weigh()(sounds).translate(
            str.maketrans("lg", "gl")
        ),
        "the last syllable is missing: what follows the last vowel goes to the end of the line.": (
            lambda sounds: _weigh()(sounds)[:-1]
        ),
        "write light as l and heavy as g, in small letters.": lambda sounds: _weigh()(
            sounds
        ).upper(),
        "that is a list; give one string, a letter a syllable.": lambda sounds: list(
            _weigh()(sounds)
        ),
        "consonants have no weight of their own: give a letter for each vowel alone.": _each_sound,
        "a syllable belongs to a vowel: give a letter for each vowel, not for each sound.": (
            lambda sounds: "".join("g" if sound in LONG else "l" for sound in sounds)
        ),
    },
    hints=(
        "Find the places of the vowels first. What follows a vowel are the sounds up to the next.",
        "Heavy: the vowel is LONG, or two sounds or more follow it, or the first of them is in "
        "AFTER.",
        "for i, end in zip(places, [*places[1:], len(sounds)]): follow = sounds[i + 1 : end]",
    ),
)


def _batch(lines, pad_input=0, start=0):
    longest = max(map(len, lines)) + 1
    inputs, targets = (np.full((len(lines), longest), pad) for pad in (pad_input, -1))
    for row, line in enumerate(lines):
        inputs[row, : len(line) + 1] = [start, *line]
        targets[row, : len(line) + 1] = [*line, 0]
    return inputs, targets


def _given_batch(lines):
    longest = max(len(line) for line in lines)
    rows = np.array([[0, *line, 0] + [0] * (longest - len(line)) for line in lines])
    return rows[:, :-1], rows[:, 1:]


def _never_ending(lines):
    inputs, targets = _given_batch(lines)
    return inputs, np.where(targets == 0, -1, targets)


def _filled_with_mark(lines):
    """-1 behind each line in one array, of which both are cut."""
    longest = max(map(len, lines))
    rows = np.array([[0, *line, 0] + [-1] * (longest - len(line)) for line in lines])
    return rows[:, :-1], rows[:, 1:]


def _one_left(lines):
    """The first 0 of the padding is still a target."""
    inputs, targets = _batch(lines)
    for row, line in enumerate(lines):
        targets[row, len(line) + 1 : len(line) + 2] = 0
    return inputs, targets


def _last_place_only(lines):
    inputs, targets = _given_batch(lines)
    targets[[len(line) < max(map(len, lines)) for line in lines], -1] = -1
    return inputs, targets


def _by_inputs(lines):
    inputs, targets = _given_batch(lines)
    return inputs, np.where(inputs == 0, -1, targets)


def _where_equal(lines):
    inputs, targets = _given_batch(lines)
    return inputs, np.where(inputs == targets, -1, targets)


def _padded_left(lines):
    inputs, targets = _batch(lines)
    for row, line in enumerate(lines):
        shift = inputs.shape[1] - len(line) - 1
        inputs[row], targets[row] = np.roll(inputs[row], shift), np.roll(targets[row], shift)
    return inputs, targets


def _cut_to_shortest(lines):
    shortest = min(map(len, lines)) + 1
    return tuple(part[:, :shortest] for part in _batch(lines))


def _first_forgotten(lines):
    inputs, targets = _batch(lines)
    return inputs[:, 1:], targets[:, 1:]


def _same_place(lines):
    inputs, targets = _batch(lines)
    return inputs, np.where(targets == -1, -1, inputs)


def _marked_in_a_view(lines):
    inputs, targets = _given_batch(lines)
    targets = np.where(targets == 0, -1, targets)
    return np.concatenate([inputs[:, :1], targets[:, :-1]], axis=1), targets


def _ends_lost(lines):
    inputs, targets = _batch(lines)
    targets = [[*line] + [-1] * (targets.shape[1] - 1 - len(line)) for line in lines]
    return inputs, np.array(targets)


line_batch = Exercise(
    name="line_batch",
    kind="hunt",
    asks="Inputs and targets of several lines, a row a line, where padding is no target.",
    reference=_batch,
    given=_given_batch,
    results=("inputs", "targets"),
    cases={
        "two lines": ([[5, 7, 6], [4, 8]],),
        "one is much shorter": ([[9], [3, 2, 4, 1, 5], [6, 6]],),
        "equal lengths": ([[5, 3], [2, 4], [7, 1]],),
        "one line": ([[6, 8, 12]],),
    },
    draw=lambda rng: (
        [[int(t) for t in rng.integers(1, 9, size=size)] for size in rng.permutation([2, 4, 7])],
    ),
    mistakes={
        "the line's own end is ignored as well: the model would never learn to stop. Only what "
        "comes after it is padding.": _never_ending,
        "-1 is no token: pad the inputs with 0, and only the targets with -1.": (
            lambda lines: _batch(lines, pad_input=-1)
        ),
        "-1 stands in the inputs too, and is no token: cut the targets as a copy, or put 0 there "
        "with np.maximum(inputs, 0).": _filled_with_mark,
        "the wrong one of the two is filled with -1: the inputs are right as they are, and the "
        "targets are to be mended.": lambda lines: (
            _filled_with_mark(lines)[0],
            _given_batch(lines)[1],
        ),
        "a sound that comes twice running is masked as well: padding is what stands behind the "
        "line's end, not what equals its input.": _where_equal,
        "those are the inputs again: the targets are rows[:, 1:], one place further.": (
            lambda lines: (_batch(lines)[0], _filled_with_mark(lines)[0])
        ),
        "one 0 too many is a target: the padding begins right behind the line's own end.": (
            _one_left
        ),
        "only the last place is -1: a line that is shorter by more has more padding.": (
            _last_place_only
        ),
        "the 0 in front of a line is no padding: its target is the line's first sound.": _by_inputs,
        "the lines are pushed to the right: a position must count from the line's beginning.": (
            _padded_left
        ),
        "the longer lines are cut: pad the shorter ones instead.": _cut_to_shortest,
        "the first sound of a line is to be learned, too: its input is the 0 before it.": (
            _first_forgotten
        ),
        "targets are what comes next, one place further than the inputs.": _same_place,
        "inputs and targets are exchanged.": lambda lines: _batch(lines)[::-1],
        "-100 is what torch leaves out by default; here the mark is -1.": lambda lines: (
            _batch(lines)[0],
            np.where(_batch(lines)[1] == -1, -100, _batch(lines)[1]),
        ),
        "the mending went too far: 0 in the inputs, in front of a line, is right.": (
            lambda lines: _batch(lines, start=-1)
        ),
        "two things: the line's own end is ignored as well, and only what comes after it is "
        "padding; and rows[:, 1:] is a view, so that -1 is written into the inputs too: take a "
        "copy.": _marked_in_a_view,
        "the line's own end is missing: each row of targets is the line, then 0, then the padding, "
        "so it is one longer than the longest line.": _ends_lost,
    },
    hints=(
        "Write both arrays down for the lines [5, 7, 6] and [4, 8]. Which targets are no sound of "
        "a line, and not its end?",
        "0 does two jobs: it ends a line, and it fills up. In the targets the filling must be -1.",
        "Fill targets with -1 first; then targets[row, : len(line) + 1] = [*line, 0].",
    ),
)


def _places(
    rows,
    vowels,
    n,
    told,
    *,
    before=None,
    pad=True,
    joined=False,
    carried=False,
    alone=False,
    over=False,
):
    """For each place its row, the key of a table and the token, with a slip at each argument."""
    rows, seen, start = [list(chain(*rows))] if joined else rows, 0, [0] * (n - 1)
    for number, row in enumerate(rows):
        line = start + list(row)
        start = line[len(row) :] if over else start
        for i in range(n - 1 if pad else 2 * (n - 1), len(line)):
            context, past = tuple(line[i - n + 1 : i]), line[n - 1 : i]
            past = before(context, past, line[i:]) if before else past
            count = sum(token in vowels for token in past) + seen
            key = context if not told else count if alone else (context, count)
            yield number, key, line[i]
        seen += carried and sum(token in vowels for token in row)


def _surprises(places, uniform=False):
    """How surprised a table is at the places that it was made of; base e."""
    followed = defaultdict(Counter)
    for _, key, token in places:
        followed[key][token] += 1
    if uniform:
        return np.log([len(followed[key]) for _, key, _ in places])
    return -np.log([followed[key][token] / followed[key].total() for _, key, token in places])


def _all_places(surprises, places):
    return surprises.mean()


def _of_groups(item, combine=np.mean):
    """The mean, over rows or over keys, of the means or the sums of each."""

    def mean(surprises, places):
        groups = defaultdict(list)
        for place, surprise in zip(places, surprises, strict=True):
            groups[place[item]].append(surprise)
        return np.mean([combine(group) for group in groups.values()])

    return mean


def _of_entries(surprises, places):
    """The mean over what the table holds, however often each came."""
    return np.mean(
        list({place[1:]: s for place, s in zip(places, surprises, strict=True)}.values())
    )


def _of_all_tokens(surprises, places):
    """With the fraction that a context and a token have among all tokens."""
    times = Counter(place[1:] for place in places)
    return -np.mean([math.log(times[place[1:]] / len(places)) for place in places])


def _without_ends(surprises, places):
    return surprises[[token != 0 for *_, token in places]].mean()


def _worth(mean=_all_places, order=1, uniform=False, **slip):
    """The two surprises, with another mean of them or another table."""

    def worth(rows, vowels, n):
        tables = [list(_places(rows, vowels, n, told, **slip)) for told in (False, True)]
        found = [float(mean(_surprises(places, uniform), places)) for places in tables]
        return tuple(found[::order])

    return worth


def _by_position(rows, vowels, n):
    """All tokens counted, not the vowels alone."""
    return _worth()(rows, {token for row in rows for token in row}, n)


def _whole_line(rows, vowels, n):
    """Where n is 1, line[-(n - 1):] is the whole line so far, the longest context of all."""
    return _worth()(rows, vowels, n if n > 1 else 1 + max(map(len, rows)))


def _draw_rows(rng):
    rows = []
    for _ in range(12):
        sounds = [int(rng.choice([1, 2])) for _ in range(4)]
        breaks = [int(rng.choice([3, 4, 5])) for _ in range(4)]
        row = [token for pair in zip(breaks, sounds, strict=True) for token in pair]
        rows.append([token for token in row if token != 5 or rng.random() < 0.7] + [0])
    more = int(rng.integers(3)) * 5
    rows = [[token + more * (token > 0) for token in row] for row in rows]
    return rows, {1 + more, 2 + more}, int(rng.integers(2, 5))


count_worth = Exercise(
    name="count_worth",
    kind="ablate",
    asks="The mean surprise of a table that is not told the count of vowels, and of one that is.",
    reference=_worth(),
    results=("untold", "told"),
    rtol=1e-12,
    atol=1e-12,
    cases={
        "ka ka ka": ([[3, 1, 3, 1, 3, 1, 0]], {1, 2}, 2),
        "three lines": ([[3, 1, 3, 2, 0], [4, 1, 3, 1, 0], [3, 2, 4, 1, 3, 0]], {1, 2}, 2),
        "two sounds of past": ([[3, 1, 3, 1, 4, 0], [3, 1, 4, 1, 3, 0], [3, 1, 0]], {1, 2}, 3),
        "no past": ([[3, 1, 3, 1, 0], [3, 2, 0]], {1, 2}, 1),
        "other vowels": ([[1, 7, 1, 9, 8, 7, 0], [1, 9, 0]], {7, 9}, 2),
    },
    draw=_draw_rows,
    mistakes={
        "the count includes the token that is to be guessed: it must be of those before.": (
            _worth(before=lambda context, past, rest: [*past, rest[0]])
        ),
        "the count is of the whole line; it must be of the tokens before.": (
            _worth(before=lambda context, past, rest: past + rest)
        ),
        "the count adds nothing: count the vowels of the whole line so far, and put that into the "
        "second key. (The last n - 1 tokens tell their own count.)": (
            _worth(before=lambda context, past, rest: context)
        ),
        "an n-gram sees n - 1 tokens, and guesses the n-th.": lambda rows, vowels, n: _worth()(
            rows, vowels, n + 1
        ),
        "the beginnings of the lines are left out: put n - 1 zeros before each line.": (
            _worth(pad=False)
        ),
        "a context goes over the end of a line: each line begins with zeros of its own, and with "
        "count 0.": _worth(joined=True),
        "the count begins at 0 in each line.": _worth(carried=True),
        "the second table looks at the tokens before as well as at the count.": _worth(alone=True),
        "a context goes over the end of a line: each line begins with n - 1 zeros of its own.": (
            _worth(over=True)
        ),
        "the count is of the vowels alone; yours counts every token, which is the position.": (
            _by_position
        ),
        "for n = 1 line[-(n - 1) :] is line[0:], the whole line, where the context must be empty: "
        "line[i - n + 1 : i] is.": _whole_line,
        "the mean runs over all tokens: what followed a context often counts as often.": (
            _worth(mean=_of_entries)
        ),
        "take the fraction among the tokens that followed the same context, not among all "
        "tokens.": (_worth(mean=_of_all_tokens)),
        "that is e to the power of the surprise, the perplexity.": (
            _worth(mean=lambda surprises, places: np.exp(surprises.mean()))
        ),
        "divided by the number of rows: the mean runs over all tokens.": (
            _worth(mean=_of_groups(0, np.sum))
        ),
        "divided by the number of contexts: the mean runs over all tokens.": (
            _worth(mean=_of_groups(1, np.sum))
        ),
        "the sum, not the mean.": _worth(mean=lambda surprises, places: surprises.sum()),
        "those are bits; take the natural logarithm.": (
            _worth(mean=lambda surprises, places: surprises.mean() / math.log(2))
        ),
        "that is the logarithm to base 10; take the natural one.": (
            _worth(mean=lambda surprises, places: surprises.mean() / math.log(10))
        ),
        "untold comes first, told second.": _worth(order=-1),
        "the mean runs over all tokens: a longer line counts for more than a shorter one.": (
            _worth(mean=_of_groups(0))
        ),
        "the mean runs over all tokens: a context that comes often counts for more.": (
            _worth(mean=_of_groups(1))
        ),
        "the ends are not guessed: the 0 that ends a line is a token like the others.": (
            _worth(mean=_without_ends)
        ),
        "the ends are left out: the 0 that ends a line is a token to be counted and guessed.": (
            lambda rows, vowels, n: _worth()([row[:-1] for row in rows], vowels, n)
        ),
        "that is the logarithm of how many tokens ever followed; the probability says how often "
        "each did.": _worth(uniform=True),
        "the mean of the probabilities; the surprise is minus the logarithm of each.": (
            _worth(mean=lambda surprises, places: np.exp(-surprises).mean())
        ),
        "the sign is flipped: a surprise is at least 0.": (
            _worth(mean=lambda surprises, places: -surprises.mean())
        ),
        "the logarithm of the mean probability is not the mean of the logarithms.": (
            _worth(mean=lambda surprises, places: -np.log(np.exp(-surprises).mean()))
        ),
    },
    hints=(
        "Two rounds: first count what follows each key; then ask, place by place, which "
        "probability the true token had.",
        "The key is tuple(line[i - n + 1 : i]), of line = [0] * (n - 1) + row; told the count, it "
        "is that and the number of vowels in line[:i].",
        "0 is no vowel, so the zeros in front do not count. The surprise at a place is "
        "-log(followed[key][token] / followed[key].total()), with a Counter for each key.",
    ),
)


def _slope(logits, tokens, temperature):
    def log_probability(t):
        log_p = torch.log_softmax(torch.as_tensor(logits) / t, -1)
        return log_p[torch.arange(len(tokens)), torch.as_tensor(tokens)].sum()

    return float(gradients(log_probability, 1.0, temperature)[0])


def _by_hand(power=2, softmax=tantra.softmax, own=1, combine=np.sum, hot=True, sign=1):
    """Sum over the sounds of (mean score - own score) / temperature², with a slip at each."""

    def slope(logits, tokens, temperature):
        p = softmax(logits / temperature if hot else logits)
        picked = logits[np.arange(len(tokens)), tokens]
        return float(sign * combine((p * logits).sum(-1) - own * picked) / temperature**power)

    return slope


def _every_token(logits, tokens, temperature):
    p = tantra.softmax(logits / temperature)
    found = (p * logits).sum(axis=-1) - logits[:, tokens]
    return float(found.sum() / temperature**2)


def _own_probability_only(logits, tokens, temperature):
    places = np.arange(len(tokens)), tokens
    p = tantra.softmax(logits / temperature)[places]
    return float(((p - 1) * logits[places]).sum() / temperature**2)


def _by_the_score(logits, tokens, temperature):
    p = tantra.softmax(logits / temperature)[np.arange(len(tokens)), tokens]
    return float((p - 1).sum() / temperature**2)


def _largest_off_the_mean(logits, tokens, temperature):
    largest = logits.max(axis=-1).sum() / temperature**2
    return _slope(logits, tokens, temperature) - float(largest)


def _log_probability(logits, tokens, temperature):
    scores = torch.as_tensor(logits) / temperature
    return float(torch.log_softmax(scores, -1)[range(len(tokens)), tokens].sum())


def _bare_softmax(scores):
    powers = np.exp(scores)
    return normalised(powers)


temperature_slope = Exercise(
    name="temperature_slope",
    kind="derive",
    asks="The derivative of a line's log-probability by the temperature.",
    reference=_slope,
    cases={
        "one sound, three to choose from": (np.array([[1.0, 0.0, 2.0]]), np.array([2]), 0.8),
        "three sounds": (array(3, 4), np.array([0, 3, 1]), 0.5),
        "hot": (array(2, 5, seed=1), np.array([4, 4]), 2.0),
        "cold": (np.array([[9.0, 4.0, 8.0], [-10.0, -12.0, -9.0]]), np.array([1, 0]), 0.01),
    },
    draw=lambda rng: (
        rng.standard_normal((6, 5)),
        rng.integers(5, size=6),
        float(rng.uniform(0.3, 2)),
    ),
    rtol=1e-10,
    atol=1e-11,
    mistakes={
        "the derivative of 1/τ is -1/τ²: divide by the square.": _by_hand(power=1),
        "that is the derivative by 1/τ, with its sign flipped: the inner derivative is missing.": (
            _by_hand(power=0)
        ),
        "that is the derivative by 1/τ; the inner derivative, -1/τ², is missing.": (
            _by_hand(power=0, sign=-1)
        ),
        "the sign is flipped: a higher temperature raises the probability of a token whose score "
        "is below the mean.": _by_hand(sign=-1),
        "the mean score is taken at temperature 1: its probabilities are those of the divided "
        "scores.": _by_hand(hot=False),
        "the mean of the scores is weighted by their probabilities, not by 1/V.": (
            _by_hand(softmax=lambda scores: np.full(scores.shape, 1 / scores.shape[-1]))
        ),
        "the score of the token itself is missing: its own exponent has a temperature, too.": (
            _by_hand(own=0)
        ),
        "that is the slope of z_k / τ alone: in log Σ exp(z_j / τ) τ stands as well.": (
            _by_hand(softmax=np.zeros_like)
        ),
        "logits[:, tokens] takes the scores of all tokens in each row: one in each row is "
        "logits[np.arange(len(tokens)), tokens].": _every_token,
        "only the token's own score is in the mean: Σ_j p_j z_j runs over all tokens.": (
            _own_probability_only
        ),
        "1 - p is the slope by the token's own score: by τ each score z_j comes in as a factor.": (
            _by_the_score
        ),
        "divided by τ once too often: the mean is of the scores z, not of z / τ.": (
            _by_hand(power=3)
        ),
        "in the cold exp overflows, or is 0 along a whole row: tantra.softmax subtracts each row's "
        "own largest score first.": _by_hand(softmax=_bare_softmax),
        "yours are probabilities among the positions: the softmax runs over the tokens, axis -1.": (
            _by_hand(softmax=lambda scores: tantra.softmax(scores.T).T)
        ),
        "take the mean of the scores under their probabilities, not the largest of them.": (
            _by_hand(softmax=lambda scores: scores == largest(scores))
        ),
        "the largest score is taken off the mean and not off the token's own: take it off inside "
        "exp alone.": _largest_off_the_mean,
        "that is the log-probability itself; its derivative by τ is asked for.": _log_probability,
        "log-probabilities of a line add up over its sounds; they are not averaged.": (
            _by_hand(combine=np.mean)
        ),
        "one number for each sound; a line's log-probability is their sum.": (
            lambda logits, tokens, temperature: np.array(
                [_slope(logits[[i]], tokens[[i]], temperature) for i in range(len(tokens))]
            )
        ),
        "two things: the sign is flipped, and the derivative of 1/τ is -1/τ²: divide by "
        "the square.": _by_hand(power=1, sign=-1),
    },
    hints=(
        "For one sound: log p = z_k / τ - log Σ_j exp(z_j / τ). Differentiate both terms by τ.",
        "The first gives -z_k / τ². The second gives + Σ_j p_j z_j / τ², with "
        "p = tantra.softmax(z / τ).",
        "Sum (mean of z under p minus z of the token) over the sounds, and divide by τ².",
    ),
)

syllables_so_far = Prediction(
    name="syllables_so_far",
    asks="How many vowels there are so far, where an even average of them at position 39 is 0.325.",
    answer=13,
    mistakes={
        "positions count from 0: at position 39 the head sees 40 places.": 0.325 * 39,
        "that is one place too many: position 39 sees the places 0 to 39.": 0.325 * 41,
        "those are the places that are no vowels.": 27,
        "at position 39 the head sees 40 places: 38 and two more.": 0.325 * 38,
        "that is the fraction in percent; of 40 places, how many?": 32.5,
        "the average is the count divided by the number of places: multiply to get it back.": (
            40 / 0.325
        ),
        "that divides by 39; and to get a count from an average, multiply.": 39 / 0.325,
        "rounded down too early: 0.325 · 39 is nearly 13, but the head sees 40 places.": 12,
        "that is how many places the head sees; which fraction of them are vowels?": 40,
        "rounded up: at position 39 the head sees 40 places, and 0.325 · 40 is whole.": 14,
        "that is the average itself; how many vowels make it, among 40 places?": 0.325,
    },
    hints=(
        "An even average of ones and zeros is the fraction of ones. Among how many places?",
        "Position 39 sees itself and the 39 before it.",
    ),
    rtol=1e-9,
)

EXERCISES = [
    split_sounds,
    line_weights,
    line_batch,
    syllables_so_far,
    temperature_slope,
    count_worth,
]
