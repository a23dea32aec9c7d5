"""The exercises of chapter 15, inside."""

import numpy as np

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, arrays


def _drop_head(averages, head):
    keep = np.arange(averages.shape[1]) != head
    return averages * keep[:, None, None]


def _zero(averages, place):
    averages = averages.copy()
    averages[place] = 0
    return averages


def _mean_instead(averages, head):
    averages = averages.copy()
    averages[:, head] = averages[:, head].mean(axis=(0, 1))
    return averages


drop_head = Exercise(
    name="drop_head",
    kind="implement",
    asks="The averages (B, H, T, K) with those of one head set to 0.",
    reference=_drop_head,
    cases={
        "the first of two": (array(1, 2, 3, 2), 0),
        "the last of three": (array(1, 3, 4, 2), 2),
        "two sequences": (array(2, 2, 3, 2), 1),
    },
    draw=lambda rng: (rng.standard_normal((2, 4, 5, 6)), int(rng.integers(4))),
    mistakes={
        "all heads but this one are 0; it is this one that should be: head != h, not ==.": (
            lambda averages, head: averages - _drop_head(averages, head)
        ),
        "a position is 0, not a head: the heads are axis 1, so keep needs two axes of length 1 "
        "behind it.": lambda averages, head: _zero(averages, np.s_[:, :, head]),
        "one feature of every head is 0: the heads are axis 1, not the last.": (
            lambda averages, head: _zero(averages, np.s_[..., head % averages.shape[-1]])
        ),
        "the head is cut out, and the array is smaller: the matrix behind it needs all H·K "
        "numbers, so set them to 0.": lambda averages, head: np.delete(averages, head, axis=1),
        "that is the head's mean in its place, another kind of removal: here it is 0.": (
            _mean_instead
        ),
        "only the first sequence loses its head: keep[:, None, None] reaches them all.": (
            lambda averages, head: _zero(averages, np.s_[0, head])
        ),
        "one head too far: heads count from 0.": (
            lambda averages, head: _drop_head(averages, (head + 1) % averages.shape[1])
        ),
        "the heads before it are gone too: only one is dropped at a time.": (
            lambda averages, head: averages * (np.arange(averages.shape[1]) > head)[:, None, None]
        ),
    },
    hints=(
        "Make one number a head: 0 for the one to drop, 1 for the others.",
        "np.arange(H) != head has shape (H,); the averages are (B, H, T, K).",
        "averages * keep[:, None, None] lines up H with axis 1.",
    ),
)


def _error(averages, w_output, target, mean=np.mean):
    merged = averages.swapaxes(1, 2).reshape(len(averages), averages.shape[2], -1)  # (B, T, H·K)
    return mean((merged @ w_output.T - target) ** 2)


def _damages(averages, w_output, target, drop=_drop_head, mean=np.mean, combine=np.subtract):
    full = _error(averages, w_output, target, mean)
    each = [_error(drop(averages, h), w_output, target, mean) for h in range(averages.shape[1])]
    return combine(np.array(each), full)


head_damages = Exercise(
    name="head_damages",
    kind="ablate",
    asks="For each head, how much the mean squared error grows when that head is dropped.",
    reference=_damages,
    cases={
        "two heads": arrays((1, 2, 3, 1), (4, 2), (1, 3, 4)),
        "two wider heads": arrays((1, 2, 3, 4), (2, 8), (1, 3, 2), seed=1),
        "three heads": arrays((1, 3, 2, 2), (3, 6), (1, 2, 3), seed=1),
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
        "the sign is turned: damage is the error without the head, minus the full error.": (
            lambda a, w, target: -_damages(a, w, target)
        ),
        "that is a ratio; damage is a difference.": (
            lambda a, w, target: _damages(a, w, target, combine=np.divide)
        ),
        "all heads but one are dropped each time: drop one, keep the others.": (
            lambda a, w, target: _damages(
                a, w, target, drop=lambda a, head: a - _drop_head(a, head)
            )
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
        "the heads stand side by side in the wrong order: swap H and T before the reshape.": (
            lambda a, w, target: _damages(
                a.reshape(len(a), -1, a.shape[1], a.shape[3]).swapaxes(1, 2), w, target
            )
        ),
    },
    hints=(
        "Three steps: the error with all heads; the error without head h, for each h; subtract.",
        "merged = averages.swapaxes(1, 2).reshape(B, T, H * K), as in chapter 04.",
        "error = ((merged @ w_output.T - target) ** 2).mean()",
    ),
)


def _best_guess(group, label, train, votes_from=None, score_on=None):
    votes_from = train if votes_from is None else votes_from
    score_on = ~train if score_on is None else score_on
    votes = np.zeros((group.max() + 1, label.max() + 1))
    np.add.at(votes, (group[votes_from], label[votes_from]), 1)
    return (votes[group].argmax(axis=1) == label)[score_on].mean()


def _mean_guess(group, label, train):
    guess = [round(float(label[train & (group == g)].mean())) for g in range(group.max() + 1)]
    return (np.array(guess)[group] == label)[~train].mean()


def _once_each(group, label, train):
    votes = np.zeros((group.max() + 1, label.max() + 1))
    votes[group[train], label[train]] += 1
    return (votes[group].argmax(axis=1) == label)[~train].mean()


def _draw_guesses(rng):
    """Rows of six groups, each with one label a little more frequent than the others."""
    group, train = np.arange(180) % 6, np.arange(180) < 108
    while True:
        label = np.where(rng.random(180) < 0.25, group * 2 % 5, rng.integers(0, 5, 180))
        votes = np.zeros((6, 5))
        np.add.at(votes, (group[train], label[train]), 1)
        first, second = np.sort(votes, axis=1)[:, :-3:-1].T
        if (first > second).all():  # no tie, so only one answer is right
            return group, label, train


EVERY = slice(None)
GROUP = np.array([0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1])
LABEL = np.array([2, 2, 0, 3, 3, 1, 2, 1, 0, 3, 0, 1])
FIRST_SIX = np.arange(12) < 6

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
    },
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
    draw=lambda rng: (
        rng.standard_normal((12, 5)),
        rng.standard_normal((5, 12)),
        int(rng.integers(3)),
        3,
    ),
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
        "no root of K here: it belongs to the scores, to QK.": (
            lambda v, o, head, n: _ov(v, o, head, n) / (len(v) // n) ** 0.5
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
    },
    rtol=0.02,
    hints=(
        "At the third place the head sees start, ś and a: three keys.",
        "Vowels so far, divided by keys so far.",
    ),
)  # fmt: skip


def _induction(weights, tokens, after=None, among=None):
    t = np.arange(len(tokens))
    seen = (tokens[:, None] == tokens) & (t[:, None] > t)  # (T, S): earlier places of the token
    if after is None:
        after = np.zeros_like(seen)
        after[:, 1:] = seen[:, :-1]
    again = seen.any(axis=1) if among is None else among
    return (weights * after).sum(axis=1)[again].mean()


def _same(weights, tokens):
    t = np.arange(len(tokens))
    return _induction(weights, tokens, (tokens[:, None] == tokens) & (t[:, None] > t))


def _before(weights, tokens):
    t = np.arange(len(tokens))
    seen = (tokens[:, None] == tokens) & (t[:, None] > t)
    return _induction(weights, tokens, np.pad(seen, ((0, 0), (0, 1)))[:, 1:])


def _latest(weights, tokens):
    t = np.arange(len(tokens))
    seen = (tokens[:, None] == tokens) & (t[:, None] > t)
    last = np.where(seen, t, -1).max(axis=1)
    return _induction(weights, tokens, t == (last + 1)[:, None] * (last >= 0)[:, None])


def _first(weights, tokens):
    t = np.arange(len(tokens))
    first = np.array([np.flatnonzero(tokens == token)[0] for token in tokens])
    return _induction(weights, tokens, (t == (first + 1)[:, None]) & (first < t)[:, None])


def _shared(tokens):
    """What each key after an earlier place counts if their number is divided by."""
    t = np.arange(len(tokens))
    seen = (tokens[:, None] == tokens) & (t[:, None] > t)
    after = np.pad(seen, ((0, 0), (1, 0)))[:, :-1]
    return after / np.maximum(seen.sum(axis=1, keepdims=True), 1)


def _previous(weights, tokens):
    return np.diagonal(weights, -1).mean()


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
    cases={
        "a b a b, even weights": (EVEN, np.array([0, 1, 0, 1])),
        "a b a b": (UNEVEN, np.array([0, 1, 0, 1])),
        "a a b a": (UNEVEN, np.array([0, 0, 1, 0])),
    },
    draw=_draw_attention,
    mistakes={
        "those are the keys with the same token: the key *after* each of them is wanted.": _same,
        "those are the keys before: one step to the right of the earlier place, not to the left.": (
            _before
        ),
        "the mean runs over all queries: leave out those whose token is new, which have nowhere "
        "to look.": lambda weights, tokens: _induction(weights, tokens, among=slice(None)),
        "only the latest earlier place is counted: add the weights after all of them.": _latest,
        "only the first earlier place is counted: add the weights after all of them.": _first,
        "for each query the weights are averaged over the earlier places: add them.": (
            lambda weights, tokens: _induction(weights, tokens, _shared(tokens))
        ),
        "that is the weight on the previous position, whatever stands there.": _previous,
        "that is a sum over the queries: take their mean.": lambda weights, tokens: (
            _induction(weights, tokens) * sum(token in tokens[:t] for t, token in enumerate(tokens))
        ),
        "rows ask, columns answer: the weights are turned.": lambda weights, tokens: _induction(
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
