"""Right answers to chapters 13 to 16 pass, however they are written."""

import json
import re
import struct
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import groupby, pairwise

import numpy as np
import pytest
import torch

import tantra
from tantra import check
from tantra.check.exercises import chapters
from tantra.check.exercises.verse import AFTER, LONG, TWO_LETTERS, VOWELS

NAMES = ("query", "key", "value")


def read_by_struct(content, name):
    (length,) = struct.unpack("<Q", content[:8])
    about = json.loads(content[8 : 8 + length].decode("utf-8"))[name]
    count = int(np.prod(about["shape"]))
    start = 8 + length + about["data_offsets"][0]
    return np.frombuffer(content, dtype="<f4", count=count, offset=start).reshape(*about["shape"])


def read_by_numpy(content, name):
    length = np.frombuffer(content, np.uint64, 1)[0]
    header, rest = content[8 : 8 + length], memoryview(content)[8 + length :]
    about = json.loads(header)[name]
    start, end = about["data_offsets"]
    return np.array(np.frombuffer(rest[start:end], np.float32)).reshape(about["shape"])


def read_number_by_number(content, name):
    end = 8 + sum(byte * 256**i for i, byte in enumerate(content[:8]))
    about = json.loads(content[8:end])[name]
    start, stop = (end + offset for offset in about["data_offsets"])
    numbers = struct.unpack(f"<{(stop - start) // 4}f", content[start:stop])
    return np.array(numbers, dtype=np.float32).reshape(about["shape"])


def join_by_writing(parts):
    D = len(parts["key.bias"])
    weight, bias = np.empty((D, 3 * D)), np.empty(3 * D)
    for i, name in enumerate(NAMES):
        for row in range(D):
            weight[:, i * D + row] = parts[name + ".weight"][row]
        bias[i * D : (i + 1) * D] = parts[name + ".bias"]
    return weight, bias


def join_then_transpose(parts):
    weight = np.vstack([parts[f"{name}.weight"] for name in NAMES]).T
    return [weight, np.hstack([parts[f"{name}.bias"] for name in NAMES])]


def join_by_torch(parts):
    parts = {name: torch.from_numpy(x) for name, x in parts.items()}
    weight = torch.cat([parts[f"{name}.weight"].mT for name in NAMES], dim=1)
    return weight.numpy(), torch.cat([parts[f"{name}.bias"] for name in NAMES]).numpy()


def merge_with_a_flag(tokens, pair, new):
    out, used = [], False
    for i, token in enumerate(tokens):
        if used:
            used = False
        elif i + 1 < len(tokens) and (token, tokens[i + 1]) == tuple(pair):
            out.append(new)
            used = True
        else:
            out.append(token)
    return out


def merge_by_popping(tokens, pair, new):
    left, out = list(tokens), []
    while left:
        token = left.pop(0)
        if left and [token, left[0]] == list(pair):
            left.pop(0)
            token = new
        out = [*out, token]
    return out


def merge_by_recursion(tokens, pair, new):
    if len(tokens) < 2:
        return tokens
    if tokens[0] == pair[0] and tokens[1] == pair[1]:
        return [new, *merge_by_recursion(tokens[2:], pair, new)]
    return [tokens[0], *merge_by_recursion(tokens[1:], pair, new)]


def encode_by_rank(word, merges):
    ranks, pieces = {pair: i for i, pair in enumerate(merges)}, list(word)
    while len(pieces) > 1:
        best = min(pairwise(pieces), key=lambda pair: ranks.get(pair, float("inf")))
        if best not in ranks:
            break
        pieces = merge_with_a_flag(pieces, best, "".join(best))
    return pieces


def encode_by_deleting(word, merges):
    pieces = [*word]
    for a, b in merges:
        for i in range(len(pieces)):
            if pieces[i : i + 2] == [a, b]:
                pieces[i] = a + b
                del pieces[i + 1]
    return pieces


def encode_until_no_place_is_left(word, merges):
    pieces = list(word)
    for pair in merges:
        while pair in (found := list(pairwise(pieces))):
            i = found.index(pair)
            pieces = [*pieces[:i], "".join(pair), *pieces[i + 2 :]]
    return tuple(pieces)


def fold_by_diagonal(gain, norm_bias, weight, bias):
    return np.diag(gain) @ weight, bias + weight.T @ norm_bias


def fold_by_einsum(gain, norm_bias, weight, bias):
    return np.einsum("d,df->df", gain, weight), bias + np.einsum("d,df->f", norm_bias, weight)


def fold_without_means(gain, norm_bias, weight, bias):
    """The numbers of a bare norm sum to 0, so a row taken from all rows changes nothing."""
    new = (weight.T * gain).T
    return [new - new.mean(axis=0), (norm_bias[:, None] * weight).sum(axis=0) + bias]


def split_by_pattern(word):
    return re.findall("|".join(TWO_LETTERS) + "|.", word)


def split_by_index(word):
    sounds, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and word[i] + word[i + 1] in TWO_LETTERS:
            sounds.append(word[i] + word[i + 1])
            i += 1
        else:
            sounds += word[i]
        i += 1
    return sounds


def split_by_joining(word):
    sounds = []
    for letter in word:
        if sounds and sounds[-1] + letter in TWO_LETTERS:
            sounds[-1] += letter
        else:
            sounds.append(letter)
    return tuple(sounds)


def weigh_by_runs(sounds):
    runs = [(v, list(run)) for v, run in groupby(sounds, lambda sound: sound in VOWELS)]
    runs = [([run] if not v else [[sound] for sound in run], v) for v, run in runs]
    runs = [(part, v) for parts, v in runs for part in parts] + [([], False)]
    weights = ""
    for (run, vowel), (after, next_is_vowel) in pairwise(runs):
        if vowel:
            follow = [] if next_is_vowel else after
            heavy = run[0] in LONG or len(follow) > 1 or follow[:1] in (["ṃ"], ["ḥ"])
            weights += "lg"[heavy]
    return weights


def weigh_from_the_end(sounds):
    weights, follow = [], []
    for sound in reversed(sounds):
        if sound in VOWELS:
            heavy = sound in LONG or len(follow) >= 2 or bool(follow and follow[-1] in AFTER)
            weights.insert(0, "g" if heavy else "l")
            follow = []
        else:
            follow.append(sound)
    return "".join(weights)


def weigh_by_the_next_two(sounds):
    weights = ""
    for i, sound in enumerate(sounds):
        if sound not in VOWELS:
            continue
        two = sounds[i + 1 : i + 3]
        closed = len(two) == 2 and not any(sound in VOWELS for sound in two)
        weights += "g" if sound in LONG or closed or set(two[:1]) & set(AFTER) else "l"
    return weights


def batch_line_by_line(lines):
    T = max(map(len, lines)) + 1
    inputs = [([0] + line + [0] * T)[:T] for line in lines]
    targets = [(line + [0] + [-1] * T)[:T] for line in lines]
    return np.array(inputs), np.array(targets)


def batch_by_lengths(lines):
    lengths = np.array([len(line) for line in lines])
    rows = np.zeros((len(lines), lengths.max() + 2), dtype=np.int64)
    for row, line in zip(rows, lines, strict=True):
        row[1 : len(line) + 1] = line
    behind = np.arange(lengths.max() + 1) > lengths[:, None]
    return [rows[:, :-1], np.where(behind, -1, rows[:, 1:])]


def batch_by_mended_stub(lines):
    longest = max(len(line) for line in lines)
    rows = np.array([[0, *line, 0] + [0] * (longest - len(line)) for line in lines])
    inputs, targets = rows[:, :-1].copy(), rows[:, 1:].copy()
    for i, line in enumerate(lines):
        targets[i, len(line) + 1 :] = -1
    return inputs, targets.astype(np.int32)


def slope_by_loops(logits, tokens, temperature):
    total = 0.0
    for z, k in zip(logits, tokens, strict=True):
        powers = np.exp((z - z.max()) / temperature)
        mean = sum(power * score for power, score in zip(powers, z, strict=True)) / powers.sum()
        total += (mean - z[k]) / temperature**2
    return total


def slope_by_differences(logits, tokens, temperature):
    """Σ_j p_j (z_j - z_k), without a mean of its own."""
    far = logits - np.take_along_axis(logits, tokens[:, None], axis=-1)
    p = tantra.softmax(logits / temperature, axis=-1)
    return np.einsum("tv,tv->", p, far) * temperature**-2


def slope_by_torch(logits, tokens, temperature):
    z = torch.from_numpy(logits)
    onehot = torch.nn.functional.one_hot(torch.from_numpy(tokens), z.shape[-1])
    return ((torch.softmax(z / temperature, -1) - onehot) * z).sum() / temperature**2


def worth_by_joint_counts(rows, vowels, n):
    result = []
    for told in (False, True):
        keys = []
        for row in rows:
            line = [0] * (n - 1) + row
            for i in range(len(row)):
                past = tuple(line[i : i + n - 1])
                keys.append((past, sum(t in vowels for t in row[:i]) if told else None, row[i]))
        pairs, contexts = Counter(keys), Counter(key[:2] for key in keys)
        result.append(sum(-np.log(pairs[key] / contexts[key[:2]]) for key in keys) / len(keys))
    return result


def worth_by_entropies(rows, vowels, n):
    def mean(count):
        followed, total = defaultdict(list), 0
        for row in rows:
            line = (n - 1) * [0] + row
            for i, token in enumerate(row):
                followed[count(row[:i]), *line[i : i + n - 1]].append(token)
                total += 1
        surprise = 0
        for tokens in followed.values():
            _, times = np.unique(tokens, return_counts=True)
            surprise -= (times * np.log(times / times.sum())).sum()
        return surprise / total

    return mean(lambda past: None), mean(lambda past: len([t for t in past if t in vowels]))


def worth_by_dictionaries(rows, vowels, n):
    tables, places = ({}, {}), ([], [])
    for row in rows:
        past, count = [0] * n, 0
        for token in row:
            context = tuple(past[1:])
            for which, key in enumerate((context, (count, *context, "told"))):
                counts = tables[which].setdefault(key, {})
                counts[token] = counts.get(token, 0) + 1
                places[which].append((key, token))
            past = [*past[1:], token]
            count += 1 if token in vowels else 0
    probabilities = [
        [table[key][token] / sum(table[key].values()) for key, token in found]
        for table, found in zip(tables, places, strict=True)
    ]
    return tuple(float(np.mean([-np.log(p) for p in each])) for each in probabilities)


def drop_by_shape(merged, head, num_heads):
    dropped = merged.reshape(*merged.shape[:-1], num_heads, -1).copy()
    dropped[:, :, head] = 0
    return dropped.reshape(merged.shape)


def drop_by_where(merged, head, num_heads):
    of = np.arange(merged.shape[-1]) // (merged.shape[-1] // num_heads)
    return np.where(of == head, 0.0, merged)


def drop_by_concatenation(merged, head, num_heads):
    parts = np.split(merged, num_heads, axis=-1)
    parts[head] = np.zeros_like(parts[head])
    return np.concatenate(parts, axis=-1)


def damages_by_parts(averages, w_output, target):
    """The output is a sum over heads, so that without one its part is taken away."""
    H, K = averages.shape[1], averages.shape[3]
    parts = [averages[:, h] @ w_output[:, h * K : (h + 1) * K].T for h in range(H)]
    full = sum(parts)
    error = np.mean(np.square(full - target))
    return np.array([np.mean(np.square(full - part - target)) - error for part in parts])


def damages_by_einsum(averages, w_output, target):
    H, K = averages.shape[1], averages.shape[-1]
    by_head = np.einsum("bhtk,dhk->hbtd", averages, w_output.reshape(-1, H, K))
    missing = target - by_head.sum(axis=0)
    return ((missing + by_head) ** 2).mean(axis=(1, 2, 3)) - (missing**2).mean()


def damages_by_concatenation(averages, w_output, target):
    def error(heads):
        merged = np.concatenate(heads, axis=-1)
        return float(((merged @ w_output.T - target) ** 2).mean())

    heads = [averages[:, h] for h in range(averages.shape[1])]
    without = [[*heads[:h], 0 * heads[h], *heads[h + 1 :]] for h in range(len(heads))]
    return np.array([error(found) - error(heads) for found in without])


def guess_by_counters(group, label, train):
    votes = defaultdict(Counter)
    for g, chosen in zip(group[train], label[train], strict=True):
        votes[g][chosen] += 1
    guess = {g: counter.most_common(1)[0][0] for g, counter in votes.items()}
    right = [guess.get(g, 0) == x for g, x in zip(group[~train], label[~train], strict=True)]
    return sum(right) / len(right)


def guess_by_bincount(group, label, train):
    table = {g: np.bincount(label[train & (group == g)]).argmax() for g in set(group[train])}
    guesses = np.array([table.get(g, 0) for g in group])
    return np.mean(guesses[~train] == label[~train])


def guess_by_weights(group, label, train):
    votes = np.zeros((group.max() + 1, label.max() + 1))
    np.add.at(votes, (group, label), train)
    return (votes.argmax(1)[group] == label)[~train].mean()


def guess_by_products(group, label, train):
    groups, labels = np.eye(group.max() + 1)[group], np.eye(label.max() + 1)[label]
    votes = np.einsum("ng,nl,n->gl", groups, labels, train.astype(float))
    return float((votes[group[~train]].argmax(axis=-1) == label[~train]).mean())


def ov_by_shape(w_value, w_output, head, num_heads):
    D = w_value.shape[1]
    values = w_value.reshape(num_heads, -1, D)[head]
    outputs = w_output.reshape(D, num_heads, -1)[:, head]
    return (outputs @ values).T


def ov_by_einsum(w_value, w_output, head, num_heads):
    values, outputs = np.split(w_value, num_heads)[head], np.split(w_output, num_heads, 1)[head]
    return np.einsum("kd,ek->de", values, outputs)


def ov_by_mask(w_value, w_output, head, num_heads):
    mine = np.arange(len(w_value)) // (len(w_value) // num_heads) == head
    return w_value.T @ (mine[:, None] * w_output.T)


def ov_by_asking(w_value, w_output, head, num_heads):
    """What the head writes for each vector of length 1 along an axis."""
    K = len(w_value) // num_heads
    values = np.eye(w_value.shape[1]) @ w_value.T
    return values[:, head * K :][:, :K] @ w_output.T[head * K :][:K]


def induction_by_loops(weights, tokens):
    found = []
    for t in range(len(tokens)):
        earlier = [s for s in range(t) if tokens[s] == tokens[t]]
        if earlier:
            found.append(sum(weights[t, s + 1] for s in earlier))
    return sum(found) / len(found)


def induction_by_roll(weights, tokens):
    seen = np.tril(tokens[:, None] == tokens[None], -1)
    after = np.roll(seen, 1, axis=1)
    return np.where(after, weights, 0).sum(-1)[seen.any(-1)].mean()


def induction_by_dictionary(weights, tokens):
    places, total, count = defaultdict(list), 0.0, 0
    for t, token in enumerate(tokens.tolist()):
        if token in places:
            total, count = total + weights[t, np.array(places[token]) + 1].sum(), count + 1
        places[token].append(t)
    return total / count


def operations_by_products(T, D, F):
    def product(n, k, m):
        return n * k * m + n * m * k

    attention = 4 * product(T, D, D) + product(T, D, T) + product(T, T, D)
    return attention + product(T, D, F) + product(T, F, D)


def operations_by_formula(T, D, F):
    return 8.0 * T * D**2 + 4.0 * T * D * F + 4.0 * T**2 * D


def operations_by_heads(T, D, F, H=2):
    return 2 * T * D * (4 * D + 2 * F) + H * 2 * 2 * T * T * (D / H)


def bytes_by_loops(weights, layers, kv_heads, d_head, length, width):
    total = weights * width
    for _ in range(layers):
        for _ in ("keys", "values"):
            total += kv_heads * d_head * length * 4
    return total


def bytes_by_product(weights, layers, kv_heads, d_head, length, width):
    return int(width * weights + np.prod([2, 4, layers, kv_heads, d_head, length]))


def bytes_by_arrays(weights, layers, kv_heads, d_head, length, width):
    one = np.zeros((kv_heads, length, d_head), dtype=np.float32)
    return float(weights * width + layers * (one.nbytes + one.nbytes))


def rows_by_inverses(D, F, width, ridge):
    left = 2 / (ridge * width) - 1 / D - 1 / F
    return float("inf") if left <= 0 else 1 / left


def rows_by_limit(D, F, width, ridge):
    limit = 2 * D * F / (width * (D + F))
    if ridge >= limit:
        return np.inf
    return D * F / ((D + F) * (limit / ridge - 1))


def rows_by_fractions(D, F, width, ridge):
    left = 2 * D * F - Fraction(ridge) * width * (D + F)
    return float(Fraction(ridge) * width * D * F / left) if left > 0 else float("inf")


def remember_by_slice(buffer, seen, k):
    buffer[seen : seen + 1] = k
    return buffer[0 : seen + 1]


def remember_by_copyto(buffer, seen, k):
    np.copyto(buffer[seen], k)
    keys, _ = np.split(buffer, [seen + 1])
    return keys


def remember_number_by_number(buffer, seen, k):
    for i, number in enumerate(k):
        buffer[seen, i] = number
    return buffer[: 1 + seen, ...]


def quantise_by_where(w):
    scale = np.abs(w).max(axis=1, keepdims=True) / 127
    return np.where(scale > 0, np.round(w / scale), 0).astype(np.int8), scale


def quantise_row_by_row(w):
    codes, scale = np.zeros(w.shape, dtype=np.int8), np.zeros((len(w), 1))
    for i, row in enumerate(w):
        scale[i] = max(-row.min(), row.max()) / 127
        if scale[i]:
            codes[i] = np.rint(row / scale[i])
    return codes, scale


def quantise_by_divide(w):
    largest = np.linalg.norm(w, ord=np.inf, axis=-1)[:, None]
    codes = np.divide(127 * w, largest, out=np.zeros_like(w), where=largest > 0)
    return [np.rint(codes).astype("int8"), largest / 127]


def quantise_by_nan_to_num(w):
    scale = np.amax(abs(w), axis=-1, keepdims=True) / 127
    return np.int8(np.round(np.nan_to_num(w / scale))), scale


def step_from_the_right(x):
    square = x.T @ x
    return 3.4445 * x + x @ (2.0315 * square @ square - 4.7750 * square)


def step_by_powers(x):
    cubed = x @ x.T @ x
    return 3.4445 * x - 4.7750 * cubed + 2.0315 * cubed @ x.T @ x


def step_by_horner(x):
    eye, square = np.eye(len(x)), np.einsum("ik,jk->ij", x, x)
    return (3.4445 * eye + square @ (2.0315 * square - 4.7750 * eye)) @ x


def step_by_torch(x):
    x = torch.from_numpy(x)
    return (3.4445 * x - 4.7750 * x @ x.mT @ x + 2.0315 * x @ x.mT @ x @ x.mT @ x).numpy()


RIGHT = {
    "read_tensor": [read_by_struct, read_by_numpy, read_number_by_number],
    "join_c_attn": [join_by_writing, join_then_transpose, join_by_torch],
    "merge_pair": [merge_with_a_flag, merge_by_popping, merge_by_recursion],
    "encode_word": [encode_by_rank, encode_by_deleting, encode_until_no_place_is_left],
    "fold_norm": [fold_by_diagonal, fold_by_einsum, fold_without_means],
    "file_bytes": [3_115_222_400, 3115222400.0, np.int64(1_557_611_200) * 2],
    "split_sounds": [split_by_pattern, split_by_index, split_by_joining],
    "line_weights": [weigh_by_runs, weigh_from_the_end, weigh_by_the_next_two],
    "line_batch": [batch_line_by_line, batch_by_lengths, batch_by_mended_stub],
    "syllables_so_far": [13, 13.0, 0.325 * 40],
    "temperature_slope": [slope_by_loops, slope_by_differences, slope_by_torch],
    "count_worth": [worth_by_joint_counts, worth_by_entropies, worth_by_dictionaries],
    "drop_head": [drop_by_shape, drop_by_where, drop_by_concatenation],
    "head_damages": [damages_by_parts, damages_by_einsum, damages_by_concatenation],
    "best_guess": [
        guess_by_counters,
        guess_by_bincount,
        guess_by_weights,
        guess_by_products,
    ],
    "ov_circuit": [ov_by_shape, ov_by_einsum, ov_by_mask, ov_by_asking],
    "even_head": [
        (0, 0, 0.33, 0.25, 0.4, 0.33),
        [0, 0 / 2, 1 / 3, 1 / 4, 2 / 5, 2 / 6],
        np.cumsum([0, 0, 1, 0, 1, 0]) / np.arange(1, 7),
    ],
    "induction_score": [induction_by_loops, induction_by_roll, induction_by_dictionary],
    "block_operations": [operations_by_products, operations_by_formula, operations_by_heads],
    "token_bytes": [bytes_by_loops, bytes_by_product, bytes_by_arrays],
    "rows_needed": [rows_by_inverses, rows_by_limit, rows_by_fractions],
    "which_ceiling": [
        ("memory", "products", "memory", "products", "memory"),
        ["memory", "products", "memory", "products", "memory"],
        (*["memory", "products"] * 2, "memory"),
    ],
    "remember_in_place": [remember_by_slice, remember_by_copyto, remember_number_by_number],
    "quantise_rows": [
        quantise_by_where,
        quantise_row_by_row,
        quantise_by_divide,
        quantise_by_nan_to_num,
    ],
    "newton_schulz_step": [step_from_the_right, step_by_powers, step_by_horner, step_by_torch],
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("name", "place"), [(name, i) for name, answers in RIGHT.items() for i in range(len(answers))]
)
def test_a_right_answer_passes(name, place, seed):
    verdict = getattr(check, name).judge(RIGHT[name][place], seed)
    assert verdict.passed, verdict


@pytest.mark.parametrize("chapter", ["gpt2", "verse", "inside", "speed"])
def test_every_exercise_has_three(chapter):
    for exercise in chapters()[chapter]:
        assert len(RIGHT[exercise.name]) >= 3
