"""The exercises of chapter 13, GPT-2."""

import json
from itertools import chain, pairwise

import numpy as np
import safetensors.numpy

import tantra
from tantra.check.engine import Exercise, Prediction
from tantra.check.inputs import array, arrays

NO_HEADER = (
    "what you read as the header is no JSON: the header starts at byte 8, and is "
    "int.from_bytes(content[:8], 'little') bytes long"
)


AS_DOUBLES = "np.frombuffer makes float64 of the bytes, 8 a number, unless it is told np.float32"


def _reading(attempt, content, name):
    """What the attempt reads; a length that is wrong shows when JSON or UTF-8 ends too soon."""
    try:
        return attempt(content, name)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError(NO_HEADER) from None
    except ValueError as error:
        half = int(np.prod(_parts(content)[0][name]["shape"])) // 2
        if f"array of size {half} into" in str(error):
            error.args = (f"{error}: {AS_DOUBLES}",)
        raise


def _parts(content, size=8):
    """The header of a safetensors file, and the bytes after it."""
    end = 8 + int.from_bytes(content[:size], "little")
    return json.loads(content[8:end]), content[end:]


def _read(
    where=lambda content, rest, start, end: rest[start:end],
    kind="<f4",
    shaped=np.reshape,
    size=8,
):
    """A reader of one tensor, with a slip at each argument."""

    def read(content, name):
        header, rest = _parts(content, size)
        about = header[name]
        numbers = where(content, rest, *about["data_offsets"])
        return shaped(np.frombuffer(numbers, kind), about["shape"])

    return read


def _first_tensor(content, name):
    header, _ = _parts(content)
    return _read()(content, next(key for key in header if key != "__metadata__"))


def _last_tensor(content, name):
    header, _ = _parts(content)
    return _read()(content, [*header][-1])


def _numbers_counted(content, name):
    """With offsets that count numbers and not bytes."""
    header, rest = _parts(content)
    start, end = header[name]["data_offsets"]
    return np.frombuffer(rest, "<f4")[start:end].reshape(header[name]["shape"])


def _one_after_another(content, name):
    """As if the numbers lay in the order of the header."""
    header, rest = _parts(content)
    header.pop("__metadata__", None)
    sizes = {key: 4 * int(np.prod(about["shape"])) for key, about in header.items()}
    start = sum(list(sizes.values())[: list(sizes).index(name)])
    return np.frombuffer(rest[start:][: sizes[name]], "<f4").reshape(header[name]["shape"])


def _file(*shapes, about="", seed=0):
    """A safetensors file of float32 arrays called a, b, c ..., and words about them."""
    found = zip("abcd", arrays(*shapes, seed=seed), strict=False)
    found = {name: x.astype(np.float32) for name, x in found}
    return safetensors.numpy.save(found, metadata={"about": about} if about else None)


def _reordered_header(content):
    """The file with its tensors in the opposite order in the header alone."""
    header, numbers = _parts(content)
    text = json.dumps(dict(reversed(header.items()))).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def _draw_file(rng):
    shapes = {"wte": (2, 6), "wpe": (4, 3), "h.0.ln_1.bias": (5,), "h.0.ln_1.weight": (7,)}
    shapes |= {"h.0.attn.c_attn.bias": (6,), "h.0.attn.c_attn.weight": (2, 3, 4)}
    file = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return safetensors.numpy.save(file), str(rng.choice([*file]))


read_tensor = Exercise(
    name="read_tensor",
    kind="implement",
    asks="The float32 array of this name, from the bytes of a safetensors file.",
    reference=_read(),
    call=_reading,
    cases={
        "one matrix": (_file((2, 3)), "a"),
        "the first of two": (_file((3,), (2, 4)), "a"),
        "the second of two": (_file((3,), (2, 4)), "b"),
        "last in the header, first in the numbers": (_reordered_header(_file((3,), (2, 4))), "a"),
        "a header of over 255 bytes": (_file((3,), (2, 4), about="GPT-2 " * 50), "b"),
        "a header of over 65,535 bytes": (_file((3,), (2, 4), about="GPT-2 " * 11_000), "b"),
    },
    draw=_draw_file,
    mistakes={
        "the numbers of data_offsets are counted from the end of the header, not from the start "
        "of the file.": _read(lambda content, rest, start, end: content[start:end]),
        "the first 8 bytes are not counted in the header's length: the numbers begin 8 bytes "
        "further on.": _read(
            lambda content, rest, start, end: content[len(content) - len(rest) - 8 :][start:end]
        ),
        "the second of the two offsets is where the numbers end, not how long they are.": (
            _read(lambda content, rest, start, end: rest[start : start + end])
        ),
        "those are all the numbers of the file from there on: stop at the second offset.": (
            _read(
                lambda content, rest, start, end: rest[start:],
                shaped=lambda flat, shape: (
                    flat if len(flat) != np.prod(shape) else flat.reshape(shape)
                ),
            )
        ),
        "the numbers go on to the end of the file, and are too many for the shape: stop at the "
        "second offset.": _read(lambda content, rest, start, end: rest[start:]),
        "the numbers begin at the first of the two offsets, not right behind the header.": (
            _read(lambda content, rest, start, end: rest[: end - start])
        ),
        "data_offsets are counted from the end of the header: the header itself is to be skipped, "
        "not the first 8 bytes alone.": (
            _read(lambda content, rest, start, end: content[8 + start : 8 + end])
        ),
        "the numbers are right and lie in one row: give them the shape that the header says.": (
            _read(shaped=lambda flat, shape: flat)
        ),
        "rows and columns are exchanged: reshape to the shape as it stands in the header.": (
            _read(shaped=lambda flat, shape: flat.reshape(shape[::-1]))
        ),
        "the numbers run along the rows, one row after the other: that is reshape as it comes, "
        "not order='F'.": _read(shaped=lambda flat, shape: flat.reshape(shape, order="F")),
        "F32 is float32, four bytes a number; hand it back as it is, without making it wider.": (
            lambda content, name: _read()(content, name).astype(np.float64)
        ),
        "the bytes of each number stand with the least significant first: np.float32, or '<f4'.": (
            lambda content, name: _read(kind=">f4")(content, name).astype(np.float32)
        ),
        "that is the first tensor of the file, whatever name was asked for.": _first_tensor,
        "that is the last tensor of the file, whatever name was asked for: does a loop use name "
        "for its own?": _last_tensor,
        "all of the first 8 bytes are the length of the header: content[0] alone ends at 255.": (
            _read(size=1)
        ),
        "all of the first 8 bytes are the length of the header: content[:2] ends at 65,535.": (
            _read(size=2)
        ),
        "data_offsets count bytes: cut the bytes first, and make numbers of the piece.": (
            _numbers_counted
        ),
        "the order in the header need not be that of the numbers: data_offsets says where each "
        "tensor lies.": _one_after_another,
    },
    hints=(
        "int.from_bytes(content[:8], 'little') says how many bytes of JSON follow.",
        "json.loads gives a dictionary; header[name] has 'dtype', 'shape' and 'data_offsets'.",
        "np.frombuffer(content[8 + length :][start:end], np.float32).reshape(shape)",
    ),
)


NAMES = ("query", "key", "value")


def _join(transpose=lambda x: x.T, order=NAMES, stack=lambda xs: np.concatenate(xs, axis=-1), **of):
    """c_attn from the parts, with a slip at each argument; of may hold another stack of biases."""

    def join(parts):
        weight = stack([transpose(parts[f"{name}.weight"]) for name in order])
        return weight, of.get("biases", stack)([parts[f"{name}.bias"] for name in order])

    return join


def _alternating(xs):
    """Query, key and value column by column."""
    return np.stack(xs, axis=-1).reshape(*xs[0].shape[:-1], -1)


def _by_head(xs):
    """As if there were two heads, and the file had them one after the other."""
    halves = [np.split(x, 2, axis=-1) for x in xs]
    return np.concatenate([half[head] for head in range(2) for half in halves], axis=-1)


def _below(xs):
    return np.concatenate(xs, axis=0)


def _joined_parts(attempt, parts):
    """What the attempt returns, as two arrays."""
    got = attempt(parts)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise ValueError("two arrays are asked for: return the weight, and the bias")
    return tuple(got)


def _parts_of(D, seed=0):
    """The six arrays by our names; the keys not in the order of the file."""
    rng = np.random.default_rng(seed)
    shapes = {"weight": (D, D), "bias": (D,)}
    return {
        f"{name}.{kind}": rng.standard_normal(shape).round(2)
        for kind, shape in shapes.items()
        for name in ("value", "query", "key")
    }


join_c_attn = Exercise(
    name="join_c_attn",
    kind="implement",
    asks="GPT-2's c_attn (in, out) and its bias, from query, key and value (out, in).",
    reference=_join(),
    call=_joined_parts,
    cases={"width 2": (_parts_of(2),), "width 4": (_parts_of(4, seed=1),)},
    draw=lambda rng: (_parts_of(6, seed=int(rng.integers(1000))),),
    mistakes={
        "the three stand side by side in the right order, each the wrong way round: (out, in) "
        "here, (in, out) in the file. They are square, so no shape tells.": (
            _join(transpose=lambda x: x)
        ),
        "side by side, not one below the other: join along the last axis, and the weight is "
        "(D, 3·D).": _join(stack=_below),
        "side by side, not one below the other: join along the last axis; and each must be "
        "transposed.": _join(transpose=lambda x: x, stack=_below),
        "one below the other and then transposed as a whole is right; do it without reshape, "
        "which does not transpose.": _join(
            transpose=lambda x: x,
            stack=lambda xs: np.concatenate(xs).reshape(*xs[0].shape[:-1], -1),
        ),
        "queries, keys and values stand in three runs of D columns, not in turn column by "
        "column.": _join(stack=_alternating),
        "GPT-2 keeps all queries, then all keys, then all values; it does not go head by head.": (
            _join(stack=_by_head)
        ),
        "the order in the file is query, key, value, whatever the order of the dictionary.": (
            _join(order=("value", "query", "key"))
        ),
        "the order in the file is query, key, value.": _join(order=("key", "query", "value")),
        "the order in the file is query, key, value, not value first.": (
            _join(order=("value", "key", "query"))
        ),
        "the order in the file is query, key, value: the value comes last, not in the middle.": (
            _join(order=("query", "value", "key"))
        ),
        "the weight is right; the biases are joined too, one behind the other: (3·D,).": (
            _join(biases=np.stack)
        ),
        "the weight is right; the biases are not added up but joined: (3·D,).": _join(biases=sum),
        "the weight is right; the bias is in three runs too, not in turn number by number.": (
            _join(biases=_alternating)
        ),
        "the bias is joined right and has an axis too many: (3·D,), not (1, 3·D).": (
            _join(biases=lambda xs: np.concatenate(xs)[None])
        ),
        "three axes: the three belong side by side in one matrix, np.concatenate and not "
        "np.stack.": _join(stack=np.stack),
    },
    hints=(
        "Each weight is stored (out, in); the file wants (in, out): its .T.",
        "np.concatenate(list, axis=-1) puts them side by side; the same for the biases.",
        "[parts[f'{name}.weight'].T for name in ('query', 'key', 'value')] is the list.",
    ),
)


def _merge_pair(tokens, pair, new):
    out, i = [], 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == tuple(pair):
            out.append(new)
            i += 2
        else:
            out.append(tokens[i])
            i += 1
    return out


def _overlapping(tokens, pair, new):
    """Every place where the pair begins becomes new, also inside one that was just joined."""
    out, skip = [], False
    for i, token in enumerate(tokens):
        if tuple(tokens[i : i + 2]) == tuple(pair):
            out.append(new)
            skip = True
        elif skip:
            skip = False
        else:
            out.append(token)
    return out


def _from_the_right(tokens, pair, new):
    return _merge_pair(tokens[::-1], tuple(pair)[::-1], new)[::-1]


def _first_only(tokens, pair, new):
    for i in range(len(tokens) - 1):
        if tuple(tokens[i : i + 2]) == tuple(pair):
            return [*tokens[:i], new, *tokens[i + 2 :]]
    return list(tokens)


def _second_kept(tokens, pair, new):
    starts = [tuple(tokens[i : i + 2]) == tuple(pair) for i in range(len(tokens))]
    return [new if start else token for token, start in zip(tokens, starts, strict=True)]


def _stepped_in_vain(tokens, pair, new):
    """A for loop whose i += 1 has no effect, and which stops before the last place."""
    return _second_kept(tokens, pair, new)[:-1]


def _last_lost(tokens, pair, new):
    out, i = [], 0
    while i < len(tokens) - 1:
        joined = tuple(tokens[i : i + 2]) == tuple(pair)
        out.append(new if joined else tokens[i])
        i += 2 if joined else 1
    return out


def _last_always(tokens, pair, new):
    return [*_last_lost(tokens, pair, new), tokens[-1]]


def _past_the_end(tokens, pair, new):
    """With tokens[i + 1] asked for at the last place as well."""
    joined = _merge_pair(tokens, pair, new)
    return joined if joined[-1] == new else [*joined, tokens[len(tokens)]]


def _one_past_the_end(tokens, pair, new):
    """The same, where tokens[i] is the first of the pair alone."""
    return (_past_the_end if tokens[-1] == pair[0] else _merge_pair)(tokens, pair, new)


def _growing_shorter(items, pair, new):
    """A for loop over the places that there were before any were joined."""
    for i in range(len(items) - 1):
        if (items[i], items[i + 1]) == tuple(pair):
            items[i : i + 2] = [new]
    return items


def _in_place(tokens, pair, new):
    tokens[:] = _merge_pair(tokens, pair, new)
    return tokens


def _in_a_string(tokens, pair, new):
    text = " ".join(map(str, tokens)).replace(f"{pair[0]} {pair[1]}", str(new))
    return [int(token) for token in text.split()]


def _reversed_pair(tokens, pair, new):
    return _merge_pair(tokens, (pair[1], pair[0]), new)


def _both_orders(tokens, pair, new):
    out, i = [], 0
    while i < len(tokens):
        if len(tokens) > i + 1 and {*tokens[i : i + 2]} == {*pair}:
            out.append(new)
            i += 2
        else:
            out.append(tokens[i])
            i += 1
    return out


def _steps_of_two(tokens, pair, new):
    out = []
    for i in range(0, len(tokens), 2):
        two = tokens[i : i + 2]
        out += [new] if tuple(two) == tuple(pair) else two
    return out


def _jumping_in_a_shorter_list(tokens, pair, new):
    out, i = list(tokens), 0
    while i < len(out) - 1:
        if tuple(out[i : i + 2]) == tuple(pair):
            out[i : i + 2] = [new]
        i += 2
    return out


def _draw_tokens(rng):
    tokens = rng.integers(3, size=12)
    tokens[rng.integers(8) :][:4] = [1, 2, 1, 2]
    tokens = [int(token) for token in tokens]
    pair = (1, 1) if rng.integers(2) else (1, 2)
    return ([1, 1, 1, *tokens, 2, 1], pair, int(rng.integers(256, 50257)))


merge_pair = Exercise(
    name="merge_pair",
    kind="implement",
    asks="The tokens, with a new one wherever the two of pair stand side by side.",
    reference=_merge_pair,
    cases={
        "banana": ([1, 0, 2, 0, 2, 0], (0, 2), 9),
        "three alike": ([5, 5, 5], (5, 5), 9),
        "at both ends": ([1, 2, 7, 1, 2], (1, 2), 9),
        "the other order": ([2, 1, 2, 1, 3], (1, 2), 9),
        "numbers of several digits": ([11, 2, 1, 21, 1, 2, 256], (1, 2), 257),
        "nothing but the pair": ([4, 7], (4, 7), 8),
        "a single token": ([4], (4, 4), 8),
    },
    draw=_draw_tokens,
    mistakes={
        "of three equal tokens only two can be joined: once joined, a token is used up. Go on "
        "behind the pair.": _overlapping,
        "go from left to right: of three equal tokens the first two are joined.": _from_the_right,
        "that joins the first place only; the pair may stand in several.": _first_only,
        "the second token of the pair is still there: one new token takes the place of both.": (
            _second_kept
        ),
        "the last token is lost where it is not part of a pair.": _last_lost,
        "the last token is added even where it was joined: add it only where it is left over.": (
            _last_always
        ),
        "at the last place there is no tokens[i + 1]: tokens[i : i + 2] is shorter there, and "
        "raises nothing.": _past_the_end,
        "where the last token is the first of the pair there is no tokens[i + 1]: the slice "
        "tokens[i : i + 2] is shorter there, and raises nothing.": _one_past_the_end,
        "range counted the places before any were joined, and goes past the end; and the list "
        "tokens itself is changed: use a while loop, and a list of your own.": _growing_shorter,
        "range counted the places before any were joined, and goes past the end: a while loop asks "
        "anew how many there are.": lambda tokens, *more: _growing_shorter([*tokens], *more),
        "the list tokens itself was changed: collect the result in a list of your own.": _in_place,
        "in a string '1 2' is found in '11 2' too: compare tokens, not digits.": _in_a_string,
        "the pair has an order: (1, 2) is not (2, 1).": _reversed_pair,
        "the pair is joined in either order; only the order given counts.": _both_orders,
        "a pair may begin at any place, not only at 0, 2, 4: go on by one where nothing is "
        "joined.": _steps_of_two,
        "the second token of the pair is still there, and the last of all is lost: a for loop goes "
        "on by one, whatever is done in it. A while loop can take two steps at once.": (
            _stepped_in_vain
        ),
        "in a list that grows shorter i += 2 jumps over a place where a pair may begin: go on by "
        "one each time.": _jumping_in_a_shorter_list,
        "new takes the place of the pair; yours puts the sum of its two numbers there.": (
            lambda tokens, pair, new: _merge_pair(tokens, pair, sum(pair))
        ),
        "new takes the place of the two tokens: they do not stay behind it.": (
            lambda tokens, pair, new: list(
                chain(*([t, *pair] if t == new else [t] for t in _merge_pair(tokens, pair, new)))
            )
        ),
        "the list tokens itself was changed, and nothing comes back: collect the result in a list "
        "of your own, and return it.": lambda *args: _in_place(*args) and None,
        "nothing was joined. A list is never equal to a tuple: is one compared with the other?": (
            lambda tokens, pair, new: list(tokens)
        ),
    },
    hints=(
        "Go through the places with a while loop, since some steps are of one and some of two.",
        "tuple(tokens[i : i + 2]) == pair asks whether the pair begins at place i.",
        "If so: append new and add 2 to i. If not: append tokens[i] and add 1.",
    ),
)


def _joined(pieces, pair):
    return _merge_pair(pieces, pair, pair[0] + pair[1])


def _merging(join):
    """The merges in their order, each pair put together by join(pieces, pair, new)."""

    def encode(word, merges):
        pieces = list(word)
        for pair in merges:
            pieces = join(pieces, pair, pair[0] + pair[1])
        return pieces

    return encode


def _given_encode(word, merges):
    pieces, i = list(word), 0
    while i < len(pieces) - 1:
        if (pieces[i], pieces[i + 1]) in merges:
            pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
            i = max(i - 1, 0)
        else:
            i += 1
    return pieces


def _leftmost(word, merges):
    """From the left, one step after another, without going back."""
    pieces, i = list(word), 0
    while i < len(pieces) - 1:
        if (pieces[i], pieces[i + 1]) in merges:
            pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
        else:
            i += 1
    return pieces


def _longest(word, merges):
    """From the left, always the longest piece that is a token."""
    known, pieces = {a + b for a, b in merges}, []
    while word:
        length = max(n for n in range(1, len(word) + 1) if n == 1 or word[:n] in known)
        pieces.append(word[:length])
        word = word[length:]
    return pieces


def _by_replacing(word, merges):
    """In one string, where a pair may begin or end inside a piece."""
    text = " ".join(word)
    for left, right in merges:
        text = text.replace(f"{left} {right}", left + right)
    return text.split(" ")


def _first_merge(word, merges):
    return _joined(list(word), merges[0])


def _until_one_fails(word, merges):
    pieces = list(word)
    for pair in merges:
        if _joined(pieces, pair) == pieces:
            break
        pieces = _joined(pieces, pair)
    return pieces


def _never_one(word, merges):
    """By rank, as GPT-2's own code does, without a stop where one piece is left."""
    pieces = list(word)
    while True:
        pairs = list(pairwise(pieces))
        pair = min(pairs, key=[*merges, *pairs].index)
        if pair not in merges:
            return pieces
        pieces = _joined(pieces, pair)


def _one_at_a_time(choose):
    """The pair that is chosen of those that stand in the word, joined at its first place."""

    def encode(word, merges):
        pieces = list(word)
        while found := [pair for pair in pairwise(pieces) if pair in merges]:
            pair = choose(found, merges)
            pieces = _first_only(pieces, pair, pair[0] + pair[1])
        return pieces

    return encode


def _index_of_all(word, merges):
    """By rank, where a pair that is no merge has none."""
    pieces = list(word)
    while len(pieces) > 1:
        pieces = _joined(pieces, min(pairwise(pieces), key=merges.index))
    return pieces


def _round_by_round(word, merges):
    """Every pair that is a merge, from left to right, and again until there is none."""
    pieces, before = list(word), None
    while pieces != before:
        before, i = list(pieces), 0
        while i < len(pieces) - 1:
            if (pieces[i], pieces[i + 1]) in merges:
                pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
            i += 1
    return pieces


ORDERED = [("b", "c"), ("a", "b"), ("c", "d"), ("bc", "d"), ("ab", "cd")]


def _draw_word(rng):
    word = "".join(rng.choice(list("abcd"), size=9))
    return ("aabcdabcab" + word, [ORDERED[i] for i in rng.permutation(3)] + ORDERED[3:])


encode_word = Exercise(
    name="encode_word",
    kind="hunt",
    asks="The pieces of a word, its pairs merged in the order in which they were learned.",
    reference=_merging(_merge_pair),
    given=_given_encode,
    cases={
        "who comes first": ("abc", [("b", "c"), ("a", "b")]),
        "nagara": ("nagara", [("n", "a"), ("r", "a"), ("g", "a")]),
        "twice in a row": ("ababab", [("b", "a"), ("a", "b"), ("a", "ba")]),
        "two steps": ("abcdab", ORDERED),
        "three alike": ("aaab", [("a", "a"), ("a", "b")]),
        "one piece in the end": ("abab", [("a", "b"), ("ab", "ab")]),
        "not by the alphabet": ("bab", [("b", "a"), ("a", "b")]),
        "a piece that grows": ("abcd", [("a", "b"), ("ab", "c"), ("c", "d")]),
        "a single letter": ("a", [("a", "b")]),
    },
    draw=_draw_word,
    mistakes={
        "that still goes through the word and takes what it finds; go through the merges, in "
        "their order, and for each through the whole word.": _leftmost,
        "the longest piece is not what was learned first: run the merges in their order.": _longest,
        "the merges run in their order, each in one place only: a pair may stand in several.": (
            _merging(_first_only)
        ),
        "the merges run from the last to the first.": (
            lambda word, merges: _merging(_merge_pair)(word, merges[::-1])
        ),
        "of three equal pieces the first two are joined: go through the word from left to right.": (
            _merging(_from_the_right)
        ),
        "of the pairs that stand in the word the one learned last is joined; the first learned "
        "comes first.": _one_at_a_time(lambda found, merges: max(found, key=merges.index)),
        "of two pairs the one that was learned first is joined, not the first in the alphabet: ask "
        "merges for the order.": _one_at_a_time(lambda found, merges: min(found)),
        "merges.index raises for a pair that is no merge: look only at the pairs that are.": (
            _index_of_all
        ),
        "each round joins every pair that it finds, of whatever merge: a round is for one merge, "
        "in their order.": _round_by_round,
        "inside a string of pieces 'a b' is found in 'a bc' too: compare whole pieces.": (
            _by_replacing
        ),
        "where one piece is left there is no pair, and min of nothing raises: stop before it.": (
            _never_one
        ),
        "that is one string; give a list of pieces.": lambda word, merges: " ".join(
            _merging(_merge_pair)(word, merges)
        ),
        "range counted the pieces before any were joined, and goes past the end: a while loop asks "
        "anew how many there are.": _merging(_growing_shorter),
        "only the first merge was run: does each begin at the first place again?": _first_merge,
        "where a merge finds nothing to join, the next ones may still: go on.": _until_one_fails,
        "nothing was merged: those are the letters.": lambda word, merges: list(word),
    },
    hints=(
        "Take 'abc' with the merges b+c, a+b. Which was learned first? Which does the code join?",
        "The outer loop should run over merges, not over places.",
        "For each pair, join it everywhere in the word from left to right; then the next pair.",
    ),
)


def _after_norm(attempt, x, gain, norm_bias, weight, bias):
    """What the new weight and bias make of the bare norm of x."""
    new = attempt(gain, norm_bias, weight, bias)
    if not isinstance(new, tuple | list) or len(new) != 2:
        raise ValueError("two arrays are asked for: return the new weight, and the new bias")
    if np.shape(new[0]) == bias.shape and np.shape(new[1]) == weight.shape:
        raise ValueError("the new bias came first: return the new weight, then the new bias")
    if np.shape(new[0]) == bias.shape:
        one_row = f"the new weight has shape {bias.shape}, the old one {weight.shape}"
        raise ValueError(f"{one_row}: a product gain @ weight adds its rows up")
    for what, ours, old in zip(("weight", "bias"), new, (weight, bias), strict=True):
        if np.shape(ours) != old.shape:
            raise ValueError(f"the new {what} has shape {np.shape(ours)}, the old one {old.shape}")
    return tantra.layer_norm(x) @ new[0] + new[1]


def _fold(gain, norm_bias, weight, bias):
    return gain[:, None] * weight, norm_bias @ weight + bias


fold_norm = Exercise(
    name="fold_norm",
    kind="derive",
    asks="The linear map after a bare norm that does what gain and bias and the old map did.",
    reference=_fold,
    call=_after_norm,
    cases={
        "gain only": (
            array(2, 3),
            np.array([2.0, 1.0, 0.5]),
            np.zeros(3),
            array(3, 4),
            np.zeros(4),
        ),
        "bias only": (
            array(2, 3),
            np.ones(3),
            np.array([1.0, 0.0, -2.0]),
            array(3, 4),
            np.zeros(4),
        ),
        "both": (
            array(2, 3),
            np.array([2.0, -1.0, 0.5]),
            np.array([0.3, 1.0, -0.7]),
            array(3, 4, seed=1),
            array(4, seed=2),
        ),
        "a square weight": (
            array(2, 3),
            np.array([2.0, -1.0, 0.5]),
            np.array([0.3, 1.0, -0.7]),
            array(3, 3, seed=1),
            array(3, seed=2),
        ),
    },
    draw=lambda rng: tuple(rng.standard_normal(s) for s in ((6, 5), 5, 5, (5, 7), 7)),
    rtol=1e-9,
    mistakes={
        "the weight is right; the norm's bias goes through the old map, and is added to "
        "the map's.": (lambda gain, norm_bias, weight, bias: (gain[:, None] * weight, bias)),
        "the new bias is right; the gain scales the features that come in: the rows of a weight "
        "(in, out).": lambda gain, norm_bias, weight, bias: (weight, norm_bias @ weight + bias),
        "the norm's bias is added after the gain, so it meets the old weight and not the scaled "
        "one.": (
            lambda gain, norm_bias, weight, bias: (
                gain[:, None] * weight,
                norm_bias @ (gain[:, None] * weight) + bias,
            )
        ),
        "the map's old bias is lost: what the norm's makes is added to it.": (
            lambda gain, norm_bias, weight, bias: (gain[:, None] * weight, norm_bias @ weight)
        ),
        "the gain multiplies what comes out of the norm; it does not divide.": (
            lambda gain, norm_bias, weight, bias: (
                weight / gain[:, None],
                norm_bias @ weight + bias,
            )
        ),
        "this gain is the factor itself, not what is added to 1.": (
            lambda gain, norm_bias, weight, bias: (
                (1 + gain[:, None]) * weight,
                norm_bias @ weight + bias,
            )
        ),
        "the sign is flipped: the norm's bias is added.": (
            lambda gain, norm_bias, weight, bias: (
                gain[:, None] * weight,
                bias - norm_bias @ weight,
            )
        ),
        "the old weight and bias came back as they were.": (
            lambda gain, norm_bias, weight, bias: (weight, bias)
        ),
        "gain * weight scales the columns, what comes out; gain[:, None] scales the rows, what "
        "comes in.": lambda gain, norm_bias, weight, bias: (
            gain * weight,
            norm_bias @ weight + bias,
        ),
        "the norm's bias is added before the map, so it goes through it: norm_bias @ weight, and "
        "not norm_bias, is added to bias.": lambda gain, norm_bias, weight, bias: (
            gain[:, None] * weight,
            norm_bias + bias,
        ),
        "the norm's bias does not meet n, so it is no part of the weight: norm_bias @ weight is "
        "added to bias.": lambda gain, norm_bias, weight, bias: (
            gain[:, None] * weight + norm_bias[:, None],
            bias,
        ),
        "a vector stands in front of a weight (in, out): norm_bias @ weight.": (
            lambda gain, norm_bias, weight, bias: (
                gain[:, None] * weight,
                weight @ norm_bias + bias,
            )
        ),
    },
    hints=(
        "Write it out: (n * gain + norm_bias) @ W + b, where n is the bare norm. Multiply out.",
        "(n * gain) @ W = n @ (diag(gain) W): each row of W is scaled by one number of the gain.",
        "What does not depend on n is the new bias: norm_bias @ W + b.",
    ),
)


def _size(V=50257, N=1024, D=1600, L=48, *, tables=1, matrices=12, block=13, last=2):
    return (tables * V + N) * D + L * (matrices * D * D + block * D) + last * D


file_bytes = Prediction(
    name="file_bytes",
    kind="predict",
    asks="How many bytes the numbers of GPT-2 XL take in a float16 file.",
    answer=2 * _size(),
    mistakes={
        "float16 has 16 bits: two bytes a number, not four.": 4 * _size(),
        "those are bits; a byte has eight.": 16 * _size(),
        "that is how many numbers there are; each takes two bytes.": _size(),
        "float16 has 16 bits: two bytes a number, not eight.": 8 * _size(),
        "those are the sizes of GPT-2 small; XL has D = 1600 and 48 layers.": (
            2 * _size(D=768, L=12)
        ),
        "the table is counted twice: tied, the file holds it once.": 2 * _size(tables=2),
        "the positions are missing: 1024 rows of D.": 2 * _size(N=0),
        "the last norm is missing: a gain and a bias of D numbers.": 2 * _size(last=0),
        "each layer has 13 D numbers beside its matrices: biases and two norms.": (
            2 * _size(block=0)
        ),
        "those are the tables and matrices alone; each layer has 13 D numbers besides, the last "
        "norm 2 D.": 2 * _size(block=0, last=0),
        "the norms of each layer are missing: 4 D numbers.": 2 * _size(block=9),
        "the biases of each layer are missing: 9 D numbers.": 2 * _size(block=4),
        "those are the layers alone: the table, the positions and the last norm are missing.": (
            2 * _size(tables=0, N=0, last=0)
        ),
        "GPT-2's norms have a bias as well as a gain.": 2 * _size(block=11, last=1),
        "the layers are 48; you count one.": 2 * _size(L=1),
        "GPT-2 XL has 48 layers; 12 is the small one's.": 2 * _size(L=12),
        "attention has four matrices of D × D, the output's among them.": 2 * _size(matrices=11),
        "attention has three matrices for query, key and value, and one for the output: 4 D².": (
            2 * _size(matrices=10)
        ),
        "1.5 billion is a name, rounded: count the numbers.": 3_000_000_000,
        "bytes are asked for, not millions of bytes.": 2 * _size() / 1e6,
        "bytes are asked for, not thousands of millions of bytes.": 2 * _size() / 1e9,
    },
    hints=(
        "Numbers first: (V + N) D + L (12 D² + 13 D) + 2 D, with V = 50257 and N = 1024.",
        "Then bytes: float16 has 16 bits, and a byte has eight.",
    ),
)

EXERCISES = [read_tensor, join_c_attn, merge_pair, encode_word, fold_norm, file_bytes]
