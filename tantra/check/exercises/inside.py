"""The exercises of chapter 15, inside."""

import numpy as np

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, arrays
from tantra.check.slips import given, largest, total


def _features(merged, head, num_heads):
    """The slice of one head's K features."""
    K = merged.shape[-1] // num_heads
    return slice(head * K, (head + 1) * K)


def _zero(merged, place):
    merged = merged.copy()
    merged[place] = 0
    return merged


def _drop_head(merged, head, num_heads):
    return _zero(merged, np.s_[..., _features(merged, head, num_heads)])


def _dropped(cut):
    """A mistake: other features are dropped, cut(head, K, H)."""
    return lambda merged, head, num_heads: _zero(
        merged, np.s_[..., cut(head, merged.shape[-1] // num_heads, num_heads)]
    )


def _drop_for_good(merged, head, num_heads):
    merged[..., _features(merged, head, num_heads)] = 0
    return merged


def _mean_instead(merged, head, num_heads):
    merged, features = merged.copy(), _features(merged, head, num_heads)
    merged[..., features] = merged[..., features].mean(axis=(0, 1))
    return merged


def _cut_out(merged, head, num_heads):
    features = _features(merged, head, num_heads)
    return np.delete(merged, np.arange(merged.shape[-1])[features], axis=-1)


drop_head = Exercise(
    name="drop_head",
    kind="implement",
    asks="The merged averages (B, T, H·K) with those of one head set to 0.",
    reference=_drop_head,
    cases={
        "the first of two": (array(1, 3, 4), 0, 2),
        "the last of three": (array(1, 4, 6), 2, 3),
        "two sequences": (array(2, 3, 4), 1, 2),
        "the second of four": (array(1, 3, 8), 1, 4),
    },
    draw=lambda rng: (rng.standard_normal((2, 5, 24)), int(rng.integers(4)), 4),
    mistakes={
        "all heads but this one are 0; it is this one that should be.": (
            lambda merged, head, n: merged - _drop_head(merged, head, n)
        ),
        "that is every H-th feature: the K of a head stand side by side, from head·K on.": (
            _dropped(lambda head, K, n: slice(head, None, n))
        ),
        "one feature is not a head: each has K = H·K / H of them.": (
            _dropped(lambda head, K, n: slice(head, head + 1))
        ),
        "the features of a head begin at head·K, not at head.": (
            _dropped(lambda head, K, n: slice(head, head + K))
        ),
        "a head has K = H·K / H features; yours takes H of them.": (
            _dropped(lambda head, K, n: slice(head * n, (head + 1) * n))
        ),
        "the heads after it are gone too: its features end before (head + 1)·K.": (
            _dropped(lambda head, K, n: slice(head * K, None))
        ),
        "the heads before it are gone too: its features begin at head·K.": (
            _dropped(lambda head, K, n: slice((head + 1) * K))
        ),
        "the last feature of the head is left: a slice ends before its end, (head + 1)·K.": (
            _dropped(lambda head, K, n: slice(head * K, (head + 1) * K - 1))
        ),
        "positions are axis 1; the features of all heads are the last axis: (B, T, H·K).": (
            lambda merged, head, n: _zero(merged, np.s_[:, head])
        ),
        "positions are axis 1: cut the last axis, the features, as in [..., a:b].": (
            lambda merged, head, n: _zero(merged, np.s_[:, _features(merged, head, n)])
        ),
        "a whole sequence is 0: the batch is axis 0, the features are the last axis.": (
            lambda merged, head, n: _zero(merged, head % len(merged))
        ),
        "the head is cut out, and the array is smaller: the matrix behind it needs all H·K "
        "numbers, so set them to 0.": _cut_out,
        "that is the head's mean in its place, another kind of removal: here it is 0.": (
            _mean_instead
        ),
        "only the first sequence loses its head: drop it in all of them.": (
            lambda merged, head, n: _zero(merged, np.s_[0, :, _features(merged, head, n)])
        ),
        "only the first position loses its head: drop it at all of them.": (
            lambda merged, head, n: _zero(merged, np.s_[:, 0, _features(merged, head, n)])
        ),
        "merged itself is changed: set the head to 0 in a copy of it.": _drop_for_good,
        "one head too far: heads count from 0.": (
            lambda merged, head, n: _drop_head(merged, (head + 1) % n, n)
        ),
        "one head too early: heads count from 0, so it is head, not head - 1.": (
            lambda merged, head, n: _drop_head(merged, (head - 1) % n, n)
        ),
        "no head was dropped in what comes back: is it the array that you changed?": (
            lambda merged, head, n: merged.copy()
        ),
    },
    hints=(
        "The heads stand side by side on the last axis: how many features has each?",
        "K = merged.shape[-1] // num_heads; head 0 has the features 0 to K - 1.",
        "In a copy: dropped[..., head * K : (head + 1) * K] = 0",
    ),
)


def _without(averages, head):
    keep = np.arange(averages.shape[1]) != head
    return averages * keep[:, None, None]


def _without_for_good(averages, head):
    averages[:, head] = 0
    return averages


def _merged(averages):
    B, H, T, K = averages.shape
    return averages.swapaxes(1, 2).reshape(B, T, H * K)


def _unswapped(averages):
    B, H, T, K = averages.shape
    return averages.reshape(B, T, H * K)


def _interleaved(averages):
    B, H, T, K = averages.shape
    return np.moveaxis(averages, 1, -1).reshape(B, T, K * H)


def _damages(
    averages,
    w_output,
    target,
    *,
    drop=_without,
    merge=_merged,
    transpose=np.transpose,
    mean=np.mean,
    combine=np.subtract,
):
    def error(averages):
        return mean((merge(averages) @ transpose(w_output) - target) ** 2)

    full = error(averages)
    return combine(np.array([error(drop(averages, h)) for h in range(averages.shape[1])]), full)


def _cut_unswapped(averages, w_output, target):
    merged, H = _unswapped(averages), averages.shape[1]
    error = [np.mean((_drop_head(merged, h, H) @ w_output.T - target) ** 2) for h in range(H)]
    return np.array(error) - np.mean((merged @ w_output.T - target) ** 2)


def _changes(averages, w_output, target):
    """How far the output of all heads moves, whatever the target."""
    return _damages(averages, w_output, _merged(averages) @ w_output.T)


head_damages = Exercise(
    name="head_damages",
    kind="ablate",
    asks="For each head, how much the mean squared error grows when that head is dropped.",
    reference=_damages,
    rtol=1e-9,
    atol=1e-12,
    cases={
        "two heads": arrays((1, 2, 3, 1), (4, 2), (1, 3, 4)),
        "two wider heads": arrays((1, 2, 3, 4), (2, 8), (1, 3, 2), seed=1),
        "three heads": arrays((1, 3, 2, 2), (3, 6), (1, 2, 3), seed=1),
        "as many features out as in": arrays((1, 2, 3, 2), (4, 4), (1, 3, 4), seed=2),
    },
    draw=lambda rng: (
        rng.standard_normal((2, 3, 4, 5)),
        rng.standard_normal((7, 15)),
        rng.standard_normal((2, 4, 7)),
    ),
    mistakes={
        "that is the error without each head: subtract the error with all of them.": (
            lambda a, w, target: _damages(a, w, target, combine=lambda each, full: each)
        ),
        "the sign is flipped: damage is the error without the head, minus the full error.": (
            lambda a, w, target: -_damages(a, w, target)
        ),
        "that is a ratio; damage is a difference.": (
            lambda a, w, target: _damages(a, w, target, combine=np.divide)
        ),
        "all heads but one are dropped each time: drop one, keep the others.": (
            lambda a, w, target: _damages(a, w, target, drop=lambda a, head: a - _without(a, head))
        ),
        "the squares are summed; the error is their mean.": (
            lambda a, w, target: _damages(a, w, target, mean=np.sum)
        ),
        "the heads dropped before stay away: start from all heads each time.": (
            lambda a, w, target: _damages(
                a, w, target, drop=lambda a, h: a * (np.arange(a.shape[1]) > h)[:, None, None]
            )
        ),
        "keep the sign: where the error shrinks, the damage is negative.": (
            lambda a, w, target: np.abs(_damages(a, w, target))
        ),
        "a head may be missed less than nothing: leave negative damage as it is.": (
            lambda a, w, target: np.maximum(_damages(a, w, target), 0)
        ),
        "reshape alone mixes heads and positions: swap the axes H and T before it.": (
            lambda a, w, target: _damages(a, w, target, merge=_unswapped)
        ),
        "the heads stand side by side, K numbers each: before the reshape the axes are (B, T, H, "
        "K), not (B, T, K, H).": lambda a, w, target: _damages(a, w, target, merge=_interleaved),
        "reshape alone mixes heads and positions, whatever is cut afterwards: swap the axes H and "
        "T before it.": _cut_unswapped,
        "axis 0 of the averages is the batch: there are averages.shape[1] heads.": (
            lambda a, w, target: _damages(a, w, target)[: len(a)]
        ),
        "a head may be missed less than nothing: leave negative damage as it is, without max(0, "
        "...).": lambda a, w, target: np.array([max(0, one) for one in _damages(a, w, target)]),
        "w_output is stored (out, in): merged @ w_output.T.": (
            lambda a, w, target: _damages(a, w, target, transpose=np.asarray)
        ),
        "that is how far the output moves; damage is how much further it then is from target.": (
            _changes
        ),
        "that is a fraction of the error; damage is a difference.": (
            lambda a, w, target: _damages(a, w, target, combine=lambda e, full: (e - full) / full)
        ),
        "the error is the mean of the squares; no root is taken.": (
            lambda a, w, target: _damages(a, w, target, mean=lambda squares: squares.mean() ** 0.5)
        ),
        "the error is the mean of the squares; yours takes the differences without their sign.": (
            lambda a, w, target: _damages(a, w, target, mean=lambda squares: (squares**0.5).mean())
        ),
        "averages itself is changed, so that heads dropped before stay away: drop each from a "
        "copy.": lambda a, w, target: _damages(a, w, target, drop=_without_for_good),
    },
    hints=(
        "Three steps: the error with all heads; the error without head h, for each h; subtract.",
        "merged = averages.swapaxes(1, 2).reshape(B, T, H * K), with B, H, T, K = averages.shape.",
        "error = ((merged @ w_output.T - target) ** 2).mean()",
    ),
)


def _votes(group, label, rows):
    """How often each label comes in each group, among these rows."""
    votes = np.zeros((group.max() + 1, label.max() + 1))
    np.add.at(votes, (group[rows], label[rows]), 1)
    return votes


def _best_guess(group, label, train, votes_from=None, score_on=None):
    votes = _votes(group, label, train if votes_from is None else votes_from)
    right = votes.argmax(axis=1)[group] == label
    return right[~train if score_on is None else score_on].mean()


def _mean_guess(group, label, train):
    guess = [round(float(label[train & (group == g)].mean())) for g in range(group.max() + 1)]
    return (np.array(guess)[group] == label)[~train].mean()


def _once_each(group, label, train):
    votes = np.zeros((group.max() + 1, label.max() + 1))
    votes[group[train], label[train]] += 1
    return (votes[group].argmax(axis=1) == label)[~train].mean()


def _group_means(group, label, train):
    """The mean of the groups' fractions: a group that has few rows counts as much as others."""
    right = _votes(group, label, train)[group].argmax(axis=1) == label
    held_back = [(group == g) & ~train for g in np.unique(group[~train])]
    return np.mean([right[rows].mean() for rows in held_back])


def _known_groups(group, label, train):
    """Without the rows held back whose group no row for training has."""
    known = np.isin(group, group[train])
    return _best_guess(group[known], label[known], train[known])


def _new_guess(new):
    """With another guess for a group that no row for training has: new(votes)."""

    def best_guess(group, label, train):
        votes = _votes(group, label, train)
        guess = np.where(votes.any(axis=1), votes.argmax(axis=1), new(votes))
        return (guess[group] == label)[~train].mean()

    return best_guess


def _group_of_each_label(group, label, train):
    return (_votes(group, label, train).argmax(axis=0)[group] == label)[~train].mean()


def _one_mask(group, label, train):
    """With the groups masked and the labels not."""
    votes = np.zeros((group.max() + 1, label.max() + 1))
    np.add.at(votes, (group[train], label), 1)
    return (votes[group].argmax(axis=1) == label)[~train].mean()


def _sized_by_training(group, label, train):
    votes = np.zeros((group[train].max() + 1, label.max() + 1))
    np.add.at(votes, (group[train], label[train]), 1)
    return (votes.argmax(axis=1)[group] == label)[~train].mean()


def _draw_guesses(rng):
    """Rows of six groups of unequal size, each with one label more frequent than the others."""
    while True:
        group, train = rng.choice(6, 180, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05]), rng.random(180) < 0.6
        label = np.where(rng.random(180) < 0.25, group * 2 % 5, rng.integers(0, 5, 180))
        votes = _votes(group, label, train)
        first, second = np.sort(votes, axis=1)[:, :-3:-1].T
        if (first > second).all():  # no tie, so only one answer is right
            return group, label, train


EVERY = slice(None)
GROUP = np.array([0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1])
LABEL = np.array([2, 2, 0, 3, 3, 1, 2, 1, 0, 3, 0, 1])
UNEQUAL = np.array([0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0])
HELD_BACK = np.array([0, 0, 0, 1, 1, 1, 0, 2, 0, 1, 0, 2])
FIRST_SIX = np.arange(12) < 6
NEW_LABEL = np.array([2, 2, 0, 2, 3, 3, 2, 0, 2, 3, 0, 0])

best_guess = Exercise(
    name="best_guess",
    kind="hunt",
    asks="How often the most frequent label of each group, among the rows for training, is right "
    "on the other rows.",
    reference=_best_guess,
    given=lambda group, label, train: _best_guess(group, label, train, EVERY),
    cases={
        "two groups": (GROUP, LABEL, FIRST_SIX),
        "the other half": (GROUP, LABEL, ~FIRST_SIX),
        "groups of unequal size": (UNEQUAL, LABEL, FIRST_SIX),
        "a group that no row for training has": (HELD_BACK, LABEL, FIRST_SIX),
        "label 0 in a new group": (HELD_BACK, NEW_LABEL, FIRST_SIX),
        "a single row for training": (UNEQUAL, NEW_LABEL, np.arange(12) == 3),
    },
    rtol=1e-12,
    draw=_draw_guesses,
    mistakes={
        "it is scored on the rows that the table was made from: score it on ~train.": (
            lambda group, label, train: _best_guess(group, label, train, score_on=train)
        ),
        "it is scored on all rows: those of training are not counted, ~train.": (
            lambda group, label, train: _best_guess(group, label, train, score_on=EVERY)
        ),
        "the two sides are exchanged: votes from train, score on ~train.": (
            lambda group, label, train: _best_guess(group, label, train, ~train, train)
        ),
        "the rows held back still vote, and now the others are scored: votes from train, score on "
        "~train.": lambda group, label, train: _best_guess(group, label, train, EVERY, train),
        "votes and score both come from the rows held back: count votes on train.": (
            lambda group, label, train: _best_guess(group, label, train, ~train)
        ),
        "one label for all rows: every group votes for itself.": (
            lambda group, label, train: _best_guess(0 * group, label, train)
        ),
        "that is the rounded mean of the labels; the most frequent one is the better guess.": (
            _mean_guess
        ),
        "a pair that comes often has one vote only: += counts such a place once, np.add.at counts "
        "each time.": _once_each,
        "that is how often the guess is wrong.": (
            lambda group, label, train: 1 - _best_guess(group, label, train)
        ),
        "the mean runs over rows, not over groups: a large group counts for more.": _group_means,
        "a row whose group is new is to be guessed as well, as label 0: the mean is over all rows "
        "held back.": _known_groups,
        "a group that no row for training has guesses label 0, which may be right: yours guesses "
        "nothing there.": _new_guess(lambda votes: -1),
        "a group that no row for training has guesses label 0, not the most frequent of all "
        "labels.": _new_guess(lambda votes: votes.sum(axis=0).argmax()),
        "argmax(axis=0) says which group has most of a label; axis=1 says which label a group has "
        "most.": _group_of_each_label,
        "the groups are masked and the labels are not: label[train] belongs to group[train].": (
            _one_mask
        ),
        "the mean is over the rows held back alone: [~train] picks them; * ~train leaves the "
        "others in, as wrong ones.": lambda group, label, train: (
            _best_guess(group, label, train) * (~train).mean()
        ),
        "a group may come among the rows held back alone: size the table by group.max(), not by "
        "group[train].max().": _sized_by_training,
        "that is how many are right; take the mean over the rows held back.": (
            lambda group, label, train: _best_guess(group, label, train) * (~train).sum()
        ),
        "votes.argmax(axis=0) guesses a group for each label; asked is a label for each group: "
        "axis=1.": given(_best_guess, 1, 0, 2),
    },
    hints=(
        "A control must be as honest as the probe. Which rows may the table know?",
        "Look at what goes into votes: train is used once only.",
        "votes from group[train] and label[train]",
    ),
)


def _part(w, head, num_heads):
    size = len(w) // num_heads
    return w[head * size : (head + 1) * size]


def _ov(w_value, w_output, head, num_heads):
    return _part(w_value, head, num_heads).T @ _part(w_output.T, head, num_heads)


def _draw_matrices(rng):
    num_heads = int(rng.integers(2, 5))
    v, o = rng.standard_normal((12, 5)), rng.standard_normal((5, 12))
    return v, o, int(rng.integers(num_heads)), num_heads


def _cut(num, head, size):
    """The slice of one head, where each has size // num numbers."""
    return slice(head * (size // num), (head + 1) * (size // num))


def _sliced(v, o, head, num_heads, *, of_v=0, of_o=1, size=None):
    """Both matrices cut along these axes, and multiplied as (D, K) by (K, D)."""
    part = _cut(num_heads, head, size or len(v))
    v, o = (v[part] if of_v == 0 else v[:, part]), (o[part] if of_o == 0 else o[:, part])
    return v.T @ o.T


def _from(v, o, start, size):
    """Both matrices cut from this row and column on."""
    return v[start : start + size].T @ o[:, start : start + size].T


ov_circuit = Exercise(
    name="ov_circuit",
    kind="derive",
    asks="The matrix (D, D) that takes the vector a head looks at to what the head writes.",
    reference=_ov,
    cases={
        "two heads of one feature": (*arrays((2, 3), (3, 2)), 1, 2),
        "three heads of two": (*arrays((6, 2), (2, 6), seed=1), 2, 3),
        "the first of two": (*arrays((4, 3), (3, 4), seed=2), 0, 2),
    },
    draw=_draw_matrices,
    rtol=1e-9,
    mistakes={
        "that takes a column vector, OV @ x: for rows, x @ OV, transpose it.": (
            lambda v, o, head, n: _ov(v, o, head, n).T
        ),
        "all heads are in it: cut the rows of w_value and the columns of w_output.": (
            lambda v, o, head, n: v.T @ o.T
        ),
        "each head has K features side by side, not every H-th: cut from head·K to (head + 1)·K.": (
            lambda v, o, head, n: v[head::n].T @ o[:, head::n].T
        ),
        "one feature is not a head: cut K = H·K / H rows and columns.": (
            lambda v, o, head, n: np.outer(v[head], o[:, head])
        ),
        "the value is cut by head, the output by another: both take head·K to (head + 1)·K.": (
            lambda v, o, head, n: _part(v, head, n).T @ _part(o.T, (head + 1) % n, n)
        ),
        "one head too far: heads count from 0.": (
            lambda v, o, head, n: _ov(v, o, (head + 1) % n, n)
        ),
        "one head too early: heads count from 0, so its rows begin at head·K, not (head - 1)·K.": (
            lambda v, o, head, n: _from(v, o, (head - 1) * (len(v) // n), len(v) // n)
        ),
        "the rows of a head begin at head·K, not at head.": (
            lambda v, o, head, n: _from(v, o, head, len(v) // n)
        ),
        "K is the rows of w_value divided by H; num_heads is H itself.": (
            lambda v, o, head, n: _from(v, o, head * n, n)
        ),
        "that multiplies number by number: OV is a product of matrices, (D, K) @ (K, D).": (
            lambda v, o, head, n: _part(v, head, n) * _part(o.T, head, n)
        ),
        "those are the matrices of all heads, (H, D, D): take the one of head.": (
            lambda v, o, head, n: np.stack([_ov(v, o, one, n) for one in range(n)])
        ),
        "no root of K here: it belongs to the scores, to QK.": (
            lambda v, o, head, n: _ov(v, o, head, n) / (len(v) // n) ** 0.5
        ),
        "D is cut, the axis of the stream: heads are in the rows of w_value and in the columns of "
        "w_output.": lambda v, o, head, n: _sliced(v, o, head, n, of_v=1, of_o=0),
        "D is cut, the axis of the stream; what is left must be (D, D), not (H·K, H·K).": (
            lambda v, o, head, n: v[:, _cut(n, head, len(v))] @ o[_cut(n, head, len(v))]
        ),
        "w_value is cut right; heads are in the columns of w_output, (D, H·K), not in its rows.": (
            lambda v, o, head, n: v[_cut(n, head, len(v))].T @ o[_cut(n, head, len(v))]
        ),
        "that is K × K, the product in the other order: the stream's D must be left, x @ OV.": (
            lambda v, o, head, n: _part(v, head, n) @ _part(o.T, head, n).T
        ),
        "K is the rows of w_value divided by H; the stream's width D need not be H·K.": (
            lambda v, o, head, n: _sliced(v, o, head, n, size=v.shape[1])
        ),
        "w_output is (D, H·K): transpose it before it is put into shape (H, K, D).": (
            lambda v, o, head, n: _part(v, head, n).T @ o.reshape(n, -1, o.shape[0])[head]
        ),
        "w_output was put into shape with H in front: its heads lie along the second axis, so "
        "reshape(D, H, K).": lambda v, o, head, n: (
            _part(v, head, n).T @ o.reshape(n, o.shape[0], -1)[head].T
        ),
    },
    hints=(
        "A value is x @ w_value.T; one head's is x @ w_value[rows].T, with K rows.",
        "The head's K numbers meet K columns of w_output, in the same places.",
        "x @ w_value[rows].T @ w_output[:, rows].T: the product of the two matrices is OV.",
    ),
)

even_head = Prediction(
    name="even_head",
    kind="predict",
    asks="What an even head writes at start, ś, a, n, ai, ḥ, if a vowel gives 1 and all else 0.",
    answer=(0.0, 0.0, 1 / 3, 1 / 4, 2 / 5, 1 / 3),
    mistakes={
        "those are the counts; a head takes an average, so divide by the number of keys.": (
            0, 0, 1, 1, 2, 2,
        ),
        "a head sees the start token too: the first sound is the second key.": (
            0.0, 0.0, 1 / 2, 1 / 3, 2 / 4, 2 / 5,
        ),
        "a query looks at its own position as well.": (0.0, 0.0, 0.0, 1 / 3, 1 / 4, 2 / 5),
        "that is the last row for all: a query does not see later sounds.": (1 / 3,) * 6,
        "ai is one vowel as well.": (0.0, 0.0, 1 / 3, 1 / 4, 1 / 5, 1 / 6),
        "those are the values that are looked at: take their average so far.": (0, 0, 1, 0, 1, 0),
        "those are the weights on one key: add up what the head takes from the vowels.": (
            1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6,
        ),
        "all six keys are in each average: a query divides by those it sees.": (
            0.0, 0.0, 1 / 6, 1 / 6, 2 / 6, 2 / 6,
        ),
        "ai is one vowel, not two.": (0.0, 0.0, 1 / 3, 1 / 4, 3 / 5, 3 / 6),
        "ḥ is no vowel.": (0.0, 0.0, 1 / 3, 1 / 4, 2 / 5, 3 / 6),
        "ai is one sound, at one position: six numbers.": (
            0.0, 0.0, 1 / 3, 1 / 4, 2 / 5, 3 / 6, 3 / 7,
        ),
        "ai is one sound: it counts once, as a vowel and as a key.": (
            0.0, 0.0, 1 / 3, 1 / 4, 3 / 6, 3 / 7,
        ),
        "those are the fractions of the consonants; a vowel gives 1.": (
            0.0, 1 / 2, 1 / 3, 2 / 4, 2 / 5, 3 / 6,
        ),
        "those are the fractions of all that is no vowel; a vowel gives 1.": (
            1.0, 1.0, 2 / 3, 3 / 4, 3 / 5, 4 / 6,
        ),
        "the head gives an average at every position, whatever stands there itself.": (
            0.0, 0.0, 1 / 3, 0.0, 2 / 5, 0.0,
        ),
        "n is no vowel.": (0.0, 0.0, 1 / 3, 2 / 4, 3 / 5, 3 / 6),
        "six numbers: the start is a position too, and a key for all.": (
            0.0, 1 / 2, 1 / 3, 2 / 4, 2 / 5,
        ),
        "six numbers: the start is a position too.": (0.0, 1 / 3, 1 / 4, 2 / 5, 1 / 3),
        "start is no vowel, and gives 0.": (1.0, 1 / 2, 2 / 3, 2 / 4, 3 / 5, 3 / 6),
        "the number of keys is right, but a vowel counts from its own position on: a query looks "
        "at its own position as well.": (0.0, 0.0, 0.0, 1 / 4, 1 / 5, 2 / 6),
    },
    rtol=0.02,
    hints=(
        "At the third place the head sees start, ś and a: three keys.",
        "Vowels so far, divided by keys so far.",
    ),
)  # fmt: skip


def _seen(tokens):
    """The earlier places of each token.   ->  (T, S)"""
    return np.tril(tokens[:, None] == tokens, -1)


def _after(tokens):
    return np.pad(_seen(tokens), ((0, 0), (1, 0)))[:, :-1]


def _induction(weights, tokens, after=None, among=None):
    after = _after(tokens) if after is None else after
    again = _seen(tokens).any(axis=1) if among is None else among
    return (weights * after).sum(axis=1)[again].mean()


def _of(wanted):
    """The score with the weights on other keys: wanted(tokens), a table (T, S)."""
    return lambda weights, tokens: _induction(weights, tokens, wanted(tokens))


def _shared(tokens):
    """What each key after an earlier place counts if their number is divided by."""
    return _after(tokens) / np.maximum(total(_seen(tokens)), 1)


def _before(tokens):
    return np.pad(_seen(tokens), ((0, 0), (0, 1)))[:, 1:]


def _next_query(tokens):
    """The table moved down by a row in place of to the right by a column."""
    return np.pad(_seen(tokens), ((1, 0), (0, 0)))[:-1]


def _latest(tokens):
    t = np.arange(len(tokens))
    last = np.where(_seen(tokens), t, -1).max(axis=1)
    return t == (last + 1)[:, None] * (last >= 0)[:, None]


def _first(tokens):
    t = np.arange(len(tokens))
    first = np.array([np.flatnonzero(tokens == token)[0] for token in tokens])
    return (t == (first + 1)[:, None]) & (first < t)[:, None]


def _over_pairs(weights, tokens):
    return weights[_after(tokens)].mean()


def _other_keys(tokens):
    """Without the query's own place, where a token follows itself."""
    return _after(tokens) & ~np.eye(len(tokens), dtype=bool)


def _other_keys_only(weights, tokens):
    others = _other_keys(tokens)
    return _induction(weights, tokens, others, among=others.any(axis=1))


def _rolled(weights, tokens):
    after = np.roll(tokens[:, None] == tokens, 1, axis=1)
    return _induction(weights, tokens, after, among=slice(None))


def _previous(weights, tokens):
    return np.diagonal(weights, -1).mean()


def _after_previous(weights, tokens):
    """By the token before the query in place of its own."""
    after = np.pad(_after(tokens), ((1, 0), (0, 0)))[:-1]
    again = after.any(axis=1)
    return _induction(weights, tokens, after, among=again) if again.any() else 0.0


def _equal_to_itself(weights, tokens):
    """With a table that asks for no earlier place, so that each token equals itself."""
    after = np.pad(tokens[:, None] == tokens, ((0, 0), (1, 0)))[:, :-1]
    return _induction(weights, tokens, after, among=after.any(axis=1))


def _latest_itself(tokens):
    t = np.arange(len(tokens))
    return t == largest(np.where(_seen(tokens), t, -1))


def _largest_there(weights, tokens):
    return _induction(np.eye(len(tokens))[weights.argmax(axis=1)], tokens)


def _scored(attempt, weights, tokens):
    """What the attempt gives; a key past the last one is most often the query's own place."""
    try:
        return attempt(weights, tokens)
    except IndexError as error:
        error.args = (f"{error}: is t itself among its earlier places? They are s < t",)
        raise


def _draw_attention(rng):
    scores = rng.standard_normal((9, 9))
    scores[np.triu_indices(9, 1)] = -np.inf
    return tantra.softmax(scores), rng.integers(0, 3, 9)


EVEN = np.tril(np.ones((4, 4))) / np.arange(1, 5)[:, None]
UNEVEN = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25, 0.5, 0.25, 0], [0, 0.25, 0.5, 0.25]])

induction_score = Exercise(
    name="induction_score",
    kind="implement",
    asks="The mean weight that queries, if their token has come before, put on the keys right "
    "after its earlier places.",
    reference=_induction,
    call=_scored,
    rtol=1e-12,
    atol=1e-15,
    cases={
        "a b a b, even weights": (EVEN, np.array([0, 1, 0, 1])),
        "a b a b": (UNEVEN, np.array([0, 1, 0, 1])),
        "a a b a": (UNEVEN, np.array([0, 0, 1, 0])),
        "a b a c": (UNEVEN, np.array([0, 1, 0, 2])),
    },
    draw=_draw_attention,
    mistakes={
        "those are the keys with the same token: the key *after* each of them is wanted.": _of(
            _seen
        ),
        "those are the keys before: one step to the right of the earlier place, not to the left.": (
            _of(_before)
        ),
        "the mean runs over all queries: leave out those whose token is new, which have nowhere "
        "to look.": lambda weights, tokens: _induction(weights, tokens, among=slice(None)),
        "only the latest earlier place is counted: add the weights after all of them.": _of(
            _latest
        ),
        "only the first earlier place is counted: add the weights after all of them.": _of(_first),
        "for each query the weights are averaged over the earlier places: add them.": _of(_shared),
        "each query counts once: add up its weights first, then take the mean over the queries.": (
            _over_pairs
        ),
        "where a token follows itself, the key after its earlier place is the query's own: it "
        "counts.": _of(_other_keys),
        "where a token follows itself, the query's own key counts, and so does a query that has "
        "no other.": _other_keys_only,
        "places are to be earlier, s < t: np.roll brings what stands in the last column, a later "
        "place, to the front.": _rolled,
        "the table is moved down, to the next query; move it to the right, to the next key.": (
            _of(_next_query)
        ),
        "that is the weight on the previous position, whatever stands there.": _previous,
        "that is a sum over the queries: take their mean.": lambda weights, tokens: (
            _induction(weights, tokens) * sum(token in tokens[:t] for t, token in enumerate(tokens))
        ),
        "the sum is divided by T - 1: take the mean over the queries whose token came before.": (
            lambda weights, tokens: (
                _induction(weights, tokens, among=slice(None)) * len(tokens) / (len(tokens) - 1)
            )
        ),
        "queries whose token is new count too, as equal to themselves: only s < t is earlier.": (
            _equal_to_itself
        ),
        "compare the query's own token with earlier ones, not the token before it.": (
            _after_previous
        ),
        "that is the weight on the latest earlier place itself; the key after it is wanted, and "
        "those after all the others.": _of(_latest_itself),
        "that is how often the largest weight lies on such a key; add up the weights.": (
            _largest_there
        ),
        "rows ask, columns answer: the weights are transposed.": lambda weights, tokens: _induction(
            weights.T, tokens
        ),
    },
    hints=(
        "First a table (T, S): is token s the same as token t, and s earlier than t?",
        "The keys wanted stand one place later: shift the table by one column.",
        "(weights * after).sum(axis=1), and its mean over the rows whose token came before.",
    ),
)

EXERCISES = [drop_head, head_damages, best_guess, ov_circuit, even_head, induction_score]
