"""The exercises of chapter 09, the whole model."""

import math

import numpy as np
import torch

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, gradients
from tantra.check.slips import log_of_softmax, picked, total


def _with_parts(attempt, tokens, table, positions, rows, gain):
    """attempt(tokens, table, positions, blocks, norm), a block for each of these rows."""

    def block(row):
        return lambda x: x + row * np.tanh(np.cumsum(x, axis=-2))  # the past flows in, as it should

    def norm(x):
        return tantra.layer_norm(x, gain)

    return attempt(tokens, table, positions, [block(row) for row in rows], norm)


def _embed(tokens, table, positions):
    return table[tokens] + positions[: tokens.shape[-1]]


def _through(x, blocks):
    for block in blocks:
        x = block(x)
    return x


def _model(embed=_embed, through=_through, last=lambda x, norm: norm(x), score=lambda s: s):
    def model(tokens, table, positions, blocks, norm):
        x = through(embed(tokens, table, positions), blocks)
        return score(last(x, norm) @ table.T)

    return model


def _and_itself(block):
    return lambda x: x + block(x)


def _with_norm(start=False, before=False, after=False, add=False):
    """The model with the last norm in one more place, or after each block only."""

    def model(tokens, table, positions, blocks, norm):
        x = _embed(tokens, table, positions)
        x = norm(x) if start else x
        for block in blocks:
            x = add * x + block(norm(x) if before else x)
            x = norm(x) if after else x
        return (x if after else norm(x)) @ table.T

    return model


def _norm_first(tokens, table, positions, blocks, norm):
    return _through(norm(_embed(tokens, table, positions)), blocks) @ table.T


def _of_a_batch(tokens, table, positions):
    _, length = tokens.shape
    return table[tokens] + positions[:length]


def _side_by_side(x, blocks):
    return sum(block(x) for block in blocks)


def _scaled(tokens, table, positions):
    return table[tokens] * math.sqrt(table.shape[-1]) + positions[: tokens.shape[-1]]


def _with_places_late(after=False):
    """The model whose words are joined with their places before each block, or after all."""

    def model(tokens, table, positions, blocks, norm):
        x, places = table[tokens], positions[: tokens.shape[-1]]
        for block in blocks:
            x = block(x if after else x + places)
        return norm(x + places if after else x) @ table.T

    return model


def _stream_alone(tokens, table, positions, blocks, norm):
    return norm(_through(_embed(tokens, table, positions), blocks))


def _draw_model(rng):
    normal = rng.standard_normal
    tokens = rng.integers(11, size=[(4,), (2, 4), (3, 2, 4)][rng.integers(3)])
    return tokens, normal((11, 5)), normal((6, 5)), normal((3, 5)), normal(5)


language_model = Exercise(
    name="language_model",
    kind="implement",
    asks="The logits: words joined with their places, every block in turn, a norm, the same table.",
    reference=lambda tokens, table, positions, blocks, norm: _model()(
        tokens, table, positions, blocks, norm
    ),
    call=_with_parts,
    cases={
        "two words": (
            np.array([2, 0]),
            array(4, 3),
            array(5, 3, seed=1),
            array(2, 3, seed=2),
            np.array([1.0, 2.0, 0.5]),
        ),
        "a batch": (
            np.array([[1, 4, 4, 0], [3, 3, 2, 1]]),
            array(5, 3),
            array(6, 3, seed=1),
            array(4, 3, seed=2),
            np.array([1.0, 2.0, 0.5]),
        ),
        "a word at every place": (
            np.array([3, 3, 0, 1]),
            array(5, 3),
            array(4, 3, seed=1),
            array(2, 3, seed=2),
            np.array([1.0, 2.0, 0.5]),
        ),
        "two axes in front": (
            np.array([[[1, 3], [0, 0], [4, 2]]]),
            array(5, 4),
            array(6, 4, seed=1),
            array(3, 4, seed=2),
            np.array([1.0, 2.0, 0.5, -1.0]),
        ),
    },
    draw=_draw_model,
    mistakes={
        "the table of positions has N rows, and a text may be shorter: take positions[:T], with "
        "T = tokens.shape[-1].": _model(
            embed=lambda tokens, table, positions: table[tokens] + positions
        ),
        "len(tokens) counts words only where there is one sequence; in a batch it counts "
        "sequences: T is tokens.shape[-1].": _model(
            embed=lambda tokens, table, positions: table[tokens] + positions[: len(tokens)]
        ),
        "shape[1] is the length only where one axis stands in front; tokens.shape[-1] is it "
        "always.": _model(
            embed=lambda tokens, table, positions: table[tokens] + positions[: tokens.shape[1]]
        ),
        "the rows of the words are multiplied by those of their places: add them.": _model(
            embed=lambda tokens, table, positions: table[tokens] * positions[: tokens.shape[-1]]
        ),
        "that is the stream; the logits are its product with the table, norm(x) @ table.T.": (
            _stream_alone
        ),
        "every word gets the row of the same place, number T: take the rows 0 to T - 1, "
        "positions[:T].": _model(
            embed=lambda tokens, table, positions: table[tokens] + positions[tokens.shape[-1]]
        ),
        "the rows of the table are multiplied by the root of D, as in 2017; GPT-2 adds them as "
        "they are.": _model(embed=_scaled),
        "the places are added again before each block: add them once, before the first.": (
            _with_places_late()
        ),
        "the places are added after the blocks, where no block can see them: add them before the "
        "first.": _with_places_late(after=True),
        "the logits are divided by the root of D: queries and keys are, logits are not.": (
            _model(last=lambda x, norm: norm(x) / math.sqrt(x.shape[-1]))
        ),
        "the words have no places: add positions[:T] to their rows.": (
            _model(embed=lambda tokens, table, positions: table[tokens])
        ),
        "each word takes the position of its own number: the place t has row t, whatever word "
        "stands there.": _model(
            embed=lambda tokens, table, positions: table[tokens] + positions[tokens]
        ),
        "every word gets the row of the last place, number T - 1: take the rows 0 to T - 1, "
        "positions[:T].": _model(
            embed=lambda tokens, table, positions: table[tokens] + positions[tokens.shape[-1] - 1]
        ),
        "the rows of the places are reversed: the first word has row 0.": _model(
            embed=lambda tokens, table, positions: (
                table[tokens] + positions[: tokens.shape[-1]][::-1]
            )
        ),
        "those are the last T rows of the positions; the first word stands at position 0.": _model(
            embed=lambda tokens, table, positions: table[tokens] + positions[-tokens.shape[-1] :]
        ),
        "the first word stands at position 0, and takes row 0, not row 1.": _model(
            embed=lambda tokens, table, positions: (
                table[tokens] + positions[1 : tokens.shape[-1] + 1]
            )
        ),
        "the last norm is missing: it stands between the blocks and the table.": (
            _model(last=lambda x, norm: x)
        ),
        "a block has its own norms inside; the last norm is used once, after all blocks, and not "
        "before each.": _with_norm(before=True),
        "a block has its own norms inside; the last norm is used once, after all blocks, and not "
        "after each.": _with_norm(after=True),
        "the words go to the first block as they are: the last norm is used once, after all "
        "blocks.": _with_norm(start=True),
        "the blocks run from the last to the first.": (
            _model(through=lambda x, blocks: _through(x, blocks[::-1]))
        ),
        "every block reads the embedding; each should read what the one before it returned.": (
            _model(through=_side_by_side)
        ),
        "each block already adds to the stream: x = block(x), not x = x + block(x).": (
            _model(through=lambda x, blocks: _through(x, [_and_itself(b) for b in blocks]))
        ),
        "a block has its own norms and additions inside: x = block(x), not x + block(norm(x)).": (
            _with_norm(before=True, add=True)
        ),
        "those are the likeliest words themselves; a score for each word is asked.": (
            _model(score=lambda logits: logits.argmax(axis=-1))
        ),
        "what the blocks return is thrown away: keep it with x = block(x).": (
            _model(through=lambda x, blocks: x)
        ),
        "the last block is left out.": _model(through=lambda x, blocks: _through(x, blocks[:-1])),
        "only the first block is used: go through all of them.": (
            _model(through=lambda x, blocks: blocks[0](x))
        ),
        "the first block is used again and again: each of them has its turn.": (
            _model(through=lambda x, blocks: _through(x, [blocks[0]] * len(blocks)))
        ),
        "only the last block's work is left: give every block what the one before it returned.": (
            _model(through=lambda x, blocks: blocks[-1](x))
        ),
        "those are probabilities; logits are scores, before softmax.": _model(score=tantra.softmax),
        "those are log-probabilities; logits are scores, before softmax.": (
            _model(score=tantra.log_softmax)
        ),
        "only the last position is scored; the model predicts a next word at every position.": (
            _model(score=lambda logits: logits[..., -1:, :])
        ),
        "only the last position is scored, and its axis is gone: the model predicts a next word at "
        "every position.": _model(score=lambda logits: logits[..., -1, :]),
        "the norm stands before the blocks; its place is after them, before the table.": (
            _norm_first
        ),
        "B, T = tokens.shape fits tokens with two axes only; T = tokens.shape[-1] fits any.": (
            _model(embed=_of_a_batch)
        ),
        "two things are missing: positions[:T] beside the rows of the words, and the norm before "
        "the table.": _model(
            embed=lambda tokens, table, positions: table[tokens], last=lambda x, norm: x
        ),
    },
    rtol=1e-9,
    atol=1e-12,
    hints=(
        "Three steps: table and positions give x; the blocks change x in turn; norm and table end.",
        "x = table[tokens] + positions[:T], with T = tokens.shape[-1]; then a loop over blocks.",
        "The table that looks words up has shape (V, D); its transpose scores them: norm(x) @ "
        "table.T",
    ),
)


def _count(tables=2, square=2, kv=2, ff=3, norms=2, last=1, biases=0, in_all=None, head_sizes=None):
    """A formula for the number of parameters, with a slip at each argument.

    square counts the matrices D by D of a block, kv those of keys and values, ff those of D by F,
    norms the D of its norms, last the D after all blocks; head_sizes gives the width of the keys.
    """

    def count(vocab_size, d_model, num_layers, d_ff, num_heads, num_kv_heads):
        d, d_head = d_model, d_model // num_heads
        d_kv = head_sizes(d, d_head, num_kv_heads) if head_sizes else d_head * num_kv_heads
        matrices = square * d * d + kv * d * d_kv + ff * d * d_ff
        added = biases * (2 * d + 2 * d_kv + 2 * d_ff + d)
        blocks = (in_all or num_layers) * (matrices + norms * d + added)
        return tables * vocab_size * d + blocks + last * d

    return count


def _of_gpt_2(vocab_size, d_model, num_layers, d_ff, num_heads, num_kv_heads):
    d = d_model
    return vocab_size * d + num_layers * (12 * d * d + 13 * d) + 2 * d


FLOAT = "the number is right, but it is a float: a count is whole, so divide with // or not at all."


def _is_no_whole_number(attempt):
    return not isinstance(attempt(7, 4, 1, 6, 2, 1), int | np.integer)


def _draw_sizes(rng):
    num_kv_heads, group, d_head = (int(n) for n in rng.integers([2, 2, 3], [4, 5, 9]))
    num_heads = num_kv_heads * group
    vocab_size, num_layers, d_ff = (int(n) for n in rng.integers([20, 2, 20], [90, 9, 99]))
    return vocab_size, d_head * num_heads, num_layers, d_ff, num_heads, num_kv_heads


llama_parameters = Exercise(
    name="llama_parameters",
    kind="implement",
    asks="How many numbers a Llama of these sizes learns.",
    reference=_count(),
    cases={
        "one layer of width 4": (7, 4, 1, 6, 2, 1),
        "six heads, three of keys": (11, 24, 2, 10, 6, 3),
        "as many heads of keys as of queries": (65, 32, 3, 88, 4, 4),
        "TinyLlama": (32000, 2048, 22, 5632, 32, 4),
        "Llama 2, 7B": (32000, 4096, 32, 11008, 32, 32),
    },
    draw=_draw_sizes,
    rules={FLOAT: _is_no_whole_number},
    mistakes={
        FLOAT: lambda *sizes: float(_count()(*sizes)),
        "that is the formula of a GPT-2: here the table is not tied, nothing has a bias, and the "
        "network has three matrices of D by F.": _of_gpt_2,
        "the table is counted once, and here it is not tied: the unembedding has V rows of its "
        "own.": _count(tables=1),
        "both tables are missing: V rows of D to look words up, and V to score them.": (
            _count(tables=0)
        ),
        "the two tables stand once, not in each layer.": (
            lambda v, d, layers, f, h, g: layers * _count(in_all=1, last=0)(v, d, 1, f, h, g) + d
        ),
        "a row of a table has D numbers; you count the rows.": (
            lambda v, d, *sizes: 2 * v + _count(tables=0)(v, d, *sizes)
        ),
        "keys and values have only num_kv_heads heads: their matrices are D by d_head · "
        "num_kv_heads, not D by D.": _count(square=4, kv=0),
        "that is the width of one head of keys; there are num_kv_heads of them.": _count(
            head_sizes=lambda d, d_head, g: d_head
        ),
        "a head is d_model // num_heads wide, whatever num_kv_heads is.": _count(
            head_sizes=lambda d, d_head, g: d // g
        ),
        "keys and values have a matrix each: you count one.": _count(kv=1),
        "two slips: keys and values have only num_kv_heads heads, and SwiGLU has a third matrix, "
        "the gate.": _count(square=4, kv=0, ff=2),
        "a key is d_head · num_kv_heads wide and is made of all D features: its matrix is not "
        "square.": (
            lambda v, d, layers, f, h, g: (
                _count(kv=0)(v, d, layers, f, h, g) + 2 * layers * (d // h * g) ** 2
            )
        ),
        "the queries keep all their heads: D by D. Only keys and values have fewer.": (
            _count(square=1, kv=3)
        ),
        "queries and output are D by D: only keys and values have fewer heads.": (
            _count(square=0, kv=4)
        ),
        "attention has four matrices, query, key, value and output: one of D by D is missing.": (
            _count(square=1)
        ),
        "the attention is missing: query and output are D by D, key and value narrower.": (
            _count(square=0, kv=0)
        ),
        "heads cut the matrices, they add nothing: the query's is D by D, however many.": (
            lambda v, d, layers, f, h, g: (
                _count()(v, d, layers, f, h, g) + 2 * layers * d * d * (h - 1)
            )
        ),
        "SwiGLU has three matrices, gate, up and down: you count two.": _count(ff=2),
        "the feed-forward network is missing: three matrices of D by F in each block.": (
            _count(ff=0)
        ),
        "the network is d_ff wide inside, not 4 D.": (
            lambda v, d, layers, f, h, g: _count()(v, d, layers, 4 * d, h, g)
        ),
        "nothing has a bias here, and you count one for each linear map.": _count(biases=1),
        "an RMS norm has a gain and no bias: D numbers, not 2 D.": _count(norms=4, last=2),
        "the norms of the blocks are right; the last has a gain alone as well, D numbers.": (
            _count(last=2)
        ),
        "a block has two norms, one before each part: you count one.": _count(norms=1),
        "the norms are missing: two in each block and one after them, of D each.": (
            _count(norms=0, last=0)
        ),
        "only the last norm is counted: each block has two, of D each.": _count(norms=0),
        "the last norm is missing: it stands after the blocks, once.": _count(last=0),
        "the last norm stands once, after all blocks, not in each.": _count(norms=3, last=0),
        "that counts one block; there are num_layers.": _count(in_all=1),
    },
    hints=(
        "Three kinds: two tables of V rows; num_layers blocks; one last norm.",
        "A block: D by D twice, D by d_head · num_kv_heads twice, D by F three times, and two "
        "gains.",
        "2 V D + L (2 D² + 2 D d_kv + 3 D F + 2 D) + D, with d_kv = D // num_heads * num_kv_heads",
    ),
)


def _next_token_loss(logits, tokens):
    return -picked(tantra.log_softmax(logits[..., :-1, :]), tokens[..., 1:]).mean()


def _given_loss(logits, tokens):
    log_p = tantra.log_softmax(logits)
    picked = np.take_along_axis(log_p, tokens[..., None], axis=-1)
    return -picked.mean()


def _of_the_second_axis(logits, tokens):
    log_p = tantra.log_softmax(logits[:, :-1])
    return -np.take_along_axis(log_p, tokens[:, 1:, None], axis=-1).mean()


def _of_one_sequence(logits, tokens):
    """As the chapter has it."""
    log_p = tantra.log_softmax(logits[:-1])
    return -log_p[np.arange(len(tokens) - 1), tokens[1:]].mean()


def _unshifted(logits):
    return logits - np.log(total(np.exp(logits)))


def _by_one_hot(logits, tokens):
    hot = np.eye(logits.shape[-1])[tokens[..., 1:]]
    return -(hot * tantra.log_softmax(logits[..., :-1, :])).sum() / hot[..., 0].size


def _mean_of_shares(logits, tokens):
    return -np.log(picked(tantra.softmax(logits[..., :-1, :]), tokens[..., 1:]).mean())


def _draw_words(rng):
    axes = [(5,), (2, 5), (3, 2, 5)][rng.integers(3)]
    return 3 * rng.standard_normal((*axes, 7)), rng.integers(7, size=axes)


_CLOSED = array(3, 4, seed=2)
_CLOSED[0, 3] = _CLOSED[1, 0] = -np.inf


next_token_loss = Exercise(
    name="next_token_loss",
    kind="hunt",
    asks="The mean of minus the log-probability that each position gives to the word after it.",
    reference=_next_token_loss,
    given=_given_loss,
    cases={
        "two words": (array(2, 4), np.array([1, 2])),
        "three words": (array(3, 4), np.array([1, 0, 3])),
        "a batch": (array(2, 3, 4), np.array([[1, 1, 2], [0, 3, 3]])),
        "two axes in front": (array(1, 2, 3, 4), np.array([[[1, 1, 2], [0, 3, 3]]])),
        "sure and right": (50 * np.eye(3, 4), np.array([3, 0, 1])),
        "surer and right": (1000 * np.eye(3, 4), np.array([3, 0, 1])),
        "sure and wrong": (1000 * np.eye(2, 4), np.array([0, 3])),
        "words that cannot come": (_CLOSED, np.array([3, 1, 2])),
    },
    draw=_draw_words,
    mistakes={
        "[:, :-1] and [:, 1:] cut the second axis, whatever it is, and the positions are second in "
        "a batch only: [..., :-1, :] and [..., 1:] count from the end.": _of_the_second_axis,
        "right for one sequence; in a batch [:-1] and [1:] leave out a sequence, and each position "
        "needs its own row: [..., :-1, :], [..., 1:] and np.take_along_axis.": _of_one_sequence,
        "[..., :-1] cuts the last axis of the logits, the words; the positions are the axis before "
        "it: [..., :-1, :].": lambda logits, tokens: (
            -picked(tantra.log_softmax(logits[..., :-1]), tokens[..., 1:]).mean()
        ),
        "[..., :-1] cuts the last axis of the log-probabilities, the words; the positions are the "
        "axis before it: [..., :-1, :].": lambda logits, tokens: (
            -picked(tantra.log_softmax(logits)[..., :-1], tokens[..., 1:]).mean()
        ),
        "T rows of logits meet T - 1 tokens: the last position has no next word, so cut its logits "
        "off as well, logits[..., :-1, :].": (
            lambda logits, tokens: -picked(tantra.log_softmax(logits), tokens[..., 1:]).mean()
        ),
        "T - 1 rows of logits meet T tokens: the first word is nobody's answer, so cut it off as "
        "well, tokens[..., 1:].": (
            lambda logits, tokens: -picked(tantra.log_softmax(logits[..., :-1, :]), tokens).mean()
        ),
        "a probability can round to 0, and its logarithm is then -inf: log_softmax takes the "
        "logarithm without the detour.": lambda logits, tokens: (
            -picked(log_of_softmax(logits[..., :-1, :]), tokens[..., 1:]).mean()
        ),
        "0 times -inf is nan: pick the true word's log-probability, do not multiply by a one-hot "
        "row.": _by_one_hot,
        "the logarithm comes before the mean: each position has an error of its own.": (
            _mean_of_shares
        ),
        "the shift goes the wrong way: the logits of position t are about word t + 1.": (
            lambda logits, tokens: (
                -picked(tantra.log_softmax(logits)[..., 1:, :], tokens[..., :-1]).mean()
            )
        ),
        "logits and tokens are cut alike, at the end, so each position is still asked for its own "
        "word.": lambda logits, tokens: _given_loss(logits[..., :-1, :], tokens[..., :-1]),
        "logits and tokens are cut alike, at the front, so each position is still asked for its "
        "own word.": lambda logits, tokens: _given_loss(logits[..., 1:, :], tokens[..., 1:]),
        "one sequence is right; in a batch, the first axis counts sequences: cut the axis of "
        "positions, with logits[..., :-1, :] and tokens[..., 1:].": (
            lambda logits, tokens: _given_loss(logits[:-1], tokens[1:])
        ),
        "[:-1] and [1:] cut the first axis, which counts sequences in a batch: cut the axis of "
        "positions, logits[..., :-1, :] and tokens[..., 1:, None].": (
            lambda logits, tokens: (
                -np.take_along_axis(
                    tantra.log_softmax(logits[:-1]), tokens[1:, None], axis=-1
                ).mean()
            )
        ),
        "the probabilities of one position sum to 1 over the words: log_softmax along the last "
        "axis.": (
            lambda logits, tokens: (
                -picked(tantra.log_softmax(logits, axis=-2)[..., :-1, :], tokens[..., 1:]).mean()
            )
        ),
        "np.roll(tokens, 1) brings the word before; the logits of position t are about the one "
        "after it, tokens[..., 1:].": lambda logits, tokens: (
            -picked(tantra.log_softmax(logits), np.roll(tokens, 1, axis=-1)).mean()
        ),
        "every next word is picked at every position: each position has one, with "
        "np.take_along_axis.": lambda logits, tokens: (
            -tantra.log_softmax(logits[..., :-1, :])[..., tokens[..., 1:]].mean()
        ),
        "that is the mean over all words of the vocabulary: pick the word that came.": (
            lambda logits, tokens: -tantra.log_softmax(logits[..., :-1, :]).mean()
        ),
        "1 - p is not the loss; that is -log p, without a bound.": lambda logits, tokens: (
            1 - picked(tantra.softmax(logits[..., :-1, :]), tokens[..., 1:]).mean()
        ),
        "that is e to the power of the loss, the perplexity: leave exp out.": (
            lambda logits, tokens: np.exp(_next_token_loss(logits, tokens))
        ),
        "those are bits; use the natural logarithm.": (
            lambda logits, tokens: _next_token_loss(logits, tokens) / math.log(2)
        ),
        "the loss is one number, the mean over all predictions of all sequences.": (
            lambda logits, tokens: (
                -picked(tantra.log_softmax(logits[..., :-1, :]), tokens[..., 1:]).mean(axis=-1)
            )
        ),
        "those are probabilities: take their logarithm, with log_softmax.": (
            lambda logits, tokens: (
                -picked(tantra.softmax(logits[..., :-1, :]), tokens[..., 1:]).mean()
            )
        ),
        "np.roll makes the first word the answer of the last position, which has none: leave the "
        "last logits out.": (
            lambda logits, tokens: (
                -picked(tantra.log_softmax(logits), np.roll(tokens, -1, axis=-1)).mean()
            )
        ),
        "the sign is flipped: log-probabilities are at most 0, and the loss at least 0.": (
            lambda logits, tokens: -_next_token_loss(logits, tokens)
        ),
        "that is the sum over the predictions; the loss is their mean.": (
            lambda logits, tokens: _next_token_loss(logits, tokens) * tokens[..., 1:].size
        ),
        "the shift is right; the sum must be divided by the T - 1 predictions of a sequence, not "
        "by T.": (
            lambda logits, tokens: (
                _next_token_loss(logits, tokens) * (tokens.shape[-1] - 1) / tokens.shape[-1]
            )
        ),
        "the scores themselves are picked: take log_softmax first.": (
            lambda logits, tokens: -picked(logits[..., :-1, :], tokens[..., 1:]).mean()
        ),
        "np.exp overflows on large scores: tantra.log_softmax takes the largest of each row away "
        "first.": lambda logits, tokens: (
            -picked(_unshifted(logits[..., :-1, :]), tokens[..., 1:]).mean()
        ),
        "only the last prediction counts there: the loss is the mean over all of them.": (
            lambda logits, tokens: (
                -picked(tantra.log_softmax(logits[..., :-1, :]), tokens[..., 1:])[..., -1].mean()
            )
        ),
    },
    rtol=1e-9,
    atol=1e-12,
    hints=(
        "Which word does a model that sees words 0 to t have to infer at position t?",
        "The last position has no next word, and the first word is nobody's answer.",
        "Use logits[..., :-1, :] together with tokens[..., 1:].",
    ),
)


def _autograd(table, tokens, g):
    places = torch.as_tensor(tokens)
    return gradients(lambda table: table[places] @ table.T, g, table)[0]


def _out(table, tokens, g):
    return g.T @ table[tokens]


def _in(table, tokens, g):
    d_table = np.zeros_like(table)
    np.add.at(d_table, tokens, g @ table)
    return d_table


def _without_repeats(table, tokens, g):
    d_table = _out(table, tokens, g)
    d_table[tokens] += g @ table
    return d_table


def _in_without_repeats(table, tokens, g):
    d_table = np.zeros_like(table)
    d_table[tokens] += g @ table
    return d_table


def _overwritten(table, tokens, g):
    d_table = _out(table, tokens, g)
    d_table[tokens] = g @ table
    return d_table


def _averaged(table, tokens, g):
    often = np.bincount(tokens, minlength=len(table))[:, None]
    return _out(table, tokens, g) + _in(table, tokens, g) / np.maximum(often, 1)


def _out_transposed(table, tokens, g):
    d_table = table[tokens].T @ g
    np.add.at(d_table, tokens, g @ table)
    return d_table


tied_gradient = Exercise(
    name="tied_gradient",
    kind="derive",
    asks="The gradient by the table, from the gradient g by logits = table[tokens] @ table.T.",
    reference=_autograd,
    cases={
        "two words": (array(4, 3), np.array([2, 0]), array(2, 4, seed=1)),
        "one word twice": (array(4, 2), np.array([1, 3, 1]), array(3, 4, seed=1)),
        "as many words as features": (array(3, 3), np.array([2, 0]), array(2, 3, seed=1)),
        "as many places as words": (array(4, 3), np.array([2, 0, 1, 2]), array(4, 4, seed=1)),
    },
    draw=lambda rng: (
        rng.standard_normal((7, 3)),
        np.append(rng.integers(7, size=4), 2).repeat([1, 1, 1, 1, 2])[:6],
        rng.standard_normal((6, 7)),
    ),
    mistakes={
        "that is the table's work as unembedding; add what reaches it through the rows that were "
        "looked up.": _out,
        "that is the table's work as embedding; add what reaches it as unembedding.": _in,
        "a word that stands twice is counted once: d[tokens] += ... keeps one of equal indices, "
        "and d[k] = ... in a loop the last of them; np.add.at adds them all.": _without_repeats,
        "the work as embedding overwrites the work as unembedding in the rows of these words: add "
        "it there, with np.add.at.": _overwritten,
        "a row of the gradient belongs to a word: yours has a column for each, so it is "
        "transposed.": (lambda table, tokens, g: table[tokens].T @ g),
        "that is the work as embedding alone, and a word that stands twice is counted once: "
        "np.add.at adds it twice. Then add the work as unembedding.": _in_without_repeats,
        "that is the gradient by the rows that were looked up, one for each place: add each to the "
        "row of its word, with np.add.at.": lambda table, tokens, g: g @ table,
        "g meets the rows that were looked up, one for each place, and not the first rows of the "
        "table: g.T @ table[tokens].": lambda table, tokens, g: (
            g.T @ table[: len(tokens)] + _in(table, tokens, g)
        ),
        "g.T has a column for each place: it meets the rows that were looked up, table[tokens], "
        "and not the whole table.": lambda table, tokens, g: g.T @ table + _in(table, tokens, g),
        "g.T has a column for each place: it meets table[tokens], and not the whole table. Then "
        "add the work as embedding.": lambda table, tokens, g: g.T @ table,
        "g @ table has a row for each place, and the table one for each word: add each row to the "
        "row of its word, with np.add.at.": (
            lambda table, tokens, g: g @ table + _out(table, tokens, g)
        ),
        "the two uses add up; they are not averaged.": (
            lambda table, tokens, g: (_out(table, tokens, g) + _in(table, tokens, g)) / 2
        ),
        "a word that stands twice has the sum of its two gradients, not their mean.": _averaged,
        "the second use is subtracted: both add.": (
            lambda table, tokens, g: _out(table, tokens, g) - _in(table, tokens, g)
        ),
        "that counts the work as unembedding twice; the work as embedding has its own gradient.": (
            lambda table, tokens, g: 2 * _out(table, tokens, g)
        ),
        "the sum over the places is not divided by their number: g is given, and no mean is "
        "taken.": lambda table, tokens, g: (
            (_out(table, tokens, g) + _in(table, tokens, g)) / len(tokens)
        ),
        "what reaches a row that was looked up is not the row itself, but its row of g @ table.": (
            lambda table, tokens, g: (
                _out(table, tokens, g) + np.eye(len(table))[tokens].T @ table[tokens]
            )
        ),
        "the work as unembedding is transposed, table[tokens].T @ g, which is (D, V): a row "
        "belongs to a word, g.T @ table[tokens], and the rows that were looked up can be added to "
        "it.": _out_transposed,
    },
    rtol=1e-9,
    atol=1e-12,
    hints=(
        "Call the two uses A and B: logits = A[tokens] @ B.T. Find both gradients, then add them.",
        "By B: g.T @ table[tokens]. By the rows of A that were looked up: g @ table.",
        "np.add.at(d_table, tokens, g @ table) adds each row to the row of its word.",
    ),
)

first_loss = Prediction(
    name="first_loss",
    kind="predict",
    asks="The first loss, in nats, of a well initialised GPT-2 with 50,257 tokens.",
    answer=math.log(50257),
    mistakes={
        "1 - p is not the loss; that is -log p, without a bound.": 1 - 1 / 50257,
        "that is the loss where two words are equally likely; here there are 50,257.": math.log(2),
        "that is the part of one token, -p log p, and there are 50,257 of them.": (
            math.log(50257) / 50257
        ),
        "the width does not matter: each of the 50,257 tokens gets an equal probability.": math.log(
            768
        ),
        "that is the number of tokens; the loss is its natural logarithm.": 50257.0,
        "the length of the context does not matter: each of the 50,257 tokens gets an equal "
        "probability.": math.log(1024),
        "those are bits; the loss is in nats: use the natural logarithm.": math.log2(50257),
        "use the natural logarithm, not the one to the base 10.": math.log10(50257),
        "that is the probability of each token; the loss is minus its logarithm.": 1 / 50257,
        "the sign is flipped: a loss is at least 0.": -math.log(50257),
        "a loss of 0 is certainty about the right word; this model knows nothing yet.": 0.0,
        "those are 65 tokens, as in the chapter's small model; GPT-2 has 50,257.": math.log(65),
    },
    rtol=4.6e-4,
    hints=(
        "Which probability does each of the tokens get?",
        "Minus the logarithm of 1 / V is log V.",
    ),
)


def _flops(num_tokens, d_model, num_layers, vocab_size):
    """The operations of the blocks, and those of the unembedding."""
    t, d = num_tokens, d_model
    return num_layers * (24 * t * d * d + 4 * t * t * d), 2 * t * d * vocab_size


def _fraction(blocks, unembedding):
    return unembedding / (blocks + unembedding)


_XL = {"num_tokens": 1024, "d_model": 1600, "num_layers": 48, "vocab_size": 50257}


def _with_blocks(linear, square, unembedding=1):
    """The fraction, if a block costs linear T D² + square T² D, and the unembedding so often."""
    t, d = _XL["num_tokens"], _XL["d_model"]
    blocks = _XL["num_layers"] * (linear * t * d * d + square * t * t * d)
    return _fraction(blocks, unembedding * _flops(**_XL)[1])


unembedding_share = Prediction(
    name="unembedding_share",
    kind="ablate",
    asks="The fraction of a forward pass of GPT-2 XL that goes when the unembedding is taken away.",
    answer=_fraction(*_flops(**_XL)),
    mistakes={
        "0.052 is the table's fraction of the parameters, and of the operations without the "
        "scores and averages, which cost 4 T² D in a block.": 0.052,
        "0.049 is the ratio of the unembedding to the blocks, and the whole is both; or half of "
        "the scores and averages is missing, which cost 4 T² D in a block.": 0.049,
        "27 % is the fraction in GPT-2 small; XL has L = 48 and D = 1600.": 0.27,
        "that is the ratio of the unembedding to the blocks; the whole is both.": (
            _flops(**_XL)[1] / _flops(**_XL)[0]
        ),
        "that is the fraction which is left; asked is the fraction that goes.": (
            1 - _fraction(*_flops(**_XL))
        ),
        "those are the sizes of GPT-2 small; XL has L = 48 and D = 1600.": (
            _fraction(*_flops(**_XL | {"d_model": 768, "num_layers": 12}))
        ),
        "that is the table's fraction of the parameters; count operations.": 50257
        / (50257 + 1024 + 48 * (12 * 1600 + 13) + 2),
        "that counts one block; XL has 48.": _fraction(*_flops(**_XL | {"num_layers": 1})),
        "write it as a number between 0 and 1, not in per cent.": 100 * _fraction(*_flops(**_XL)),
        "the products of T by T are missing: scores and averages cost 4 T² D in a block.": (
            _with_blocks(24, 0)
        ),
        "scores and averages cost 2 T² D each: the masked half is computed too.": (
            _with_blocks(24, 2)
        ),
        "a multiplication and its addition are two operations in the blocks too: 24 T D².": (
            _with_blocks(12, 4)
        ),
        "twice too much beside the blocks: is a block 24 T D² + 4 T² D? and the table works once, "
        "for looking words up costs no operations.": (_with_blocks(12, 2)),
        "that leaves feed-forward out: it costs 16 T D² of the 24.": _with_blocks(8, 4),
        "that leaves the four matrices of attention out: they cost 8 T D² of the 24.": (
            _with_blocks(16, 4)
        ),
        "all 1024 tokens are scored: the unembedding costs 2 T D V, not 2 D V.": (
            _with_blocks(24, 4, unembedding=1 / 1024)
        ),
        "a multiplication and its addition are two operations in the unembedding too: 2 T D V.": (
            _with_blocks(24, 4, unembedding=1 / 2)
        ),
        "that is the ratio of the unembedding to the blocks, and the whole is both; and the "
        "products of T by T are missing in the blocks, 4 T² D in each.": (
            1 / (1 / _with_blocks(24, 0) - 1)
        ),
    },
    rtol=1e-3,
    hints=(
        "A block costs 24 T D² + 4 T² D operations, the unembedding 2 T D V.",
        "unembedding / (48 blocks + unembedding), with T = 1024, D = 1600, V = 50257.",
    ),
)

EXERCISES = [
    language_model,
    llama_parameters,
    next_token_loss,
    tied_gradient,
    first_loss,
    unembedding_share,
]
