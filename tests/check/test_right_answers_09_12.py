"""Right answers of chapters 09 to 12, in the styles that learners write in: all pass."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as nnf

import tantra
from tantra import check, softmax

# 09


def one_hot_model(tokens, table, positions, blocks, norm):
    x = np.eye(len(table))[tokens] @ table
    x += positions[np.arange(tokens.shape[-1])]
    for number in range(len(blocks)):
        x = blocks[number](x)
    return np.einsum("...td,vd->...tv", norm(x), table)


def model_word_by_word(tokens, table, positions, blocks, norm):
    if tokens.ndim > 1:
        rows = [model_word_by_word(row, table, positions, blocks, norm) for row in tokens]
        return np.stack(rows)
    x = np.array([table[token] + positions[t] for t, token in enumerate(tokens)])
    for block in blocks:
        x = block(x)
    return np.array([[row @ vector for vector in table] for row in norm(x)])


def model_with_take(tokens, table, positions, blocks, norm):
    places = np.broadcast_to(np.arange(tokens.shape[-1]), tokens.shape)
    stream = np.take(table, tokens, axis=0) + np.take(positions, places, axis=0)
    while blocks:
        stream, blocks = blocks[0](stream), blocks[1:]
    return norm(stream).dot(table.T)


def parameters_by_shapes(vocab_size, d_model, num_layers, d_ff, num_heads, num_kv_heads):
    d, narrow = d_model, num_kv_heads * (d_model // num_heads)
    attention = [(d, d), (d, narrow), (d, narrow), (d, d)]
    block = attention + 2 * [(d, d_ff)] + [(d_ff, d)] + 2 * [(d,)]
    shapes = [(vocab_size, d), *(num_layers * block), (d,), (d, vocab_size)]
    return sum(math.prod(shape) for shape in shapes)


def parameters_in_numpy(vocab_size, d_model, num_layers, d_ff, num_heads, num_kv_heads):
    d = np.int64(d_model)
    block = 2 * d * (num_heads + num_kv_heads) // num_heads + 3 * d_ff + 2
    return d * (2 * vocab_size + num_layers * block + 1)


def parameters_one_by_one(vocab_size, d_model, num_layers, d_ff, num_heads, num_kv_heads):
    count = 0
    for _ in range(num_layers):
        for heads in (num_heads, num_kv_heads, num_kv_heads, num_heads):
            count += d_model * heads * d_model // num_heads
        count += sum([d_model, d_ff * d_model, d_ff * d_model, d_model * d_ff, d_model])
    return count + d_model + vocab_size * d_model + d_model * vocab_size


def loss_by_rows(logits, tokens):
    logits = logits.reshape(-1, *logits.shape[-2:])
    tokens = tokens.reshape(-1, tokens.shape[-1])
    losses = []
    for scores, words in zip(logits, tokens, strict=True):
        for t in range(len(words) - 1):
            row = scores[t] - scores[t].max()
            losses.append(np.log(np.exp(row).sum()) - row[words[t + 1]])
    return sum(losses) / len(losses)


def loss_in_torch(logits, tokens):
    scores = torch.tensor(logits[..., :-1, :]).flatten(0, -2)
    return nnf.cross_entropy(scores, torch.tensor(tokens[..., 1:]).flatten()).item()


def loss_rolled(logits, tokens):
    later = np.roll(tokens, -1, axis=-1)[..., None]
    picked = np.take_along_axis(tantra.log_softmax(logits), later, axis=-1)[..., 0]
    return -picked[..., :-1].mean()


def tied_by_one_hot(table, tokens, g):
    hot = np.eye(len(table))[tokens]
    return g.T @ hot @ table + hot.T @ g @ table


def tied_by_loops(table, tokens, g):
    d_table = np.zeros(table.shape)
    for t, token in enumerate(tokens):
        d_table[token] += g[t] @ table
        d_table += np.outer(g[t], table[token])
    return d_table


def tied_by_einsum(table, tokens, g):
    d_table = np.einsum("tv,td->vd", g, table[tokens])
    rows = np.einsum("tv,vd->td", g, table)
    return d_table + np.stack([rows[tokens == v].sum(axis=0) for v in range(len(table))])


# 10


def error_by_rows(logits, targets, ignore):
    total, count = 0.0, 0
    for place in np.ndindex(targets.shape):
        if targets[place] != ignore:
            row, largest = logits[place], logits[place].max()
            total += largest + np.log(np.exp(row - largest).sum()) - row[targets[place]]
            count += 1
    return total / count


def error_flat(logits, targets, ignore):
    logits, targets = logits.reshape(-1, logits.shape[-1]), targets.ravel()
    (where,) = np.nonzero(targets != ignore)
    shifted = logits[where] - np.amax(logits[where], 1)[:, None]
    return np.mean(np.log(np.exp(shifted).sum(1)) - shifted[range(len(where)), targets[where]])


def error_by_where(logits, targets, ignore):
    counts = targets != ignore
    places = np.where(counts, targets, 0)[..., None]
    log_sums = np.logaddexp.reduce(logits, axis=-1)
    picked = np.take_along_axis(logits, places, axis=-1)[..., 0]
    return np.where(counts, log_sums - picked, 0).sum() / counts.sum()


def error_from_the_largest(logits, targets, ignore):
    rows, true = logits[targets != ignore], targets[targets != ignore]
    largest = np.log(tantra.softmax(rows).max(axis=-1))  # at least -log V
    gaps = rows.max(axis=-1) - rows[np.arange(len(true)), true]
    return (gaps - largest).mean()


def error_masked(logits, targets, ignore):
    m, keep = logits.max(axis=-1, keepdims=True), targets != ignore
    log_p = logits - m - np.log(np.sum(np.exp(logits - m), axis=-1, keepdims=True))
    return -np.average(log_p[keep][np.arange(keep.sum()), targets[keep]])


def gradient_in_place(logits, targets, smoothing):
    d = softmax(logits) - smoothing / logits.shape[-1]
    for place in np.ndindex(targets.shape):
        d[(*place, targets[place])] -= 1 - smoothing
    return d / np.prod(targets.shape)


def gradient_by_identity(logits, targets, smoothing):
    V, n = logits.shape[-1], targets.size
    hot = (np.arange(V) == targets[..., None]).astype(float)
    by_hot, by_all = softmax(logits) - hot, softmax(logits) - 1 / V
    return ((1 - smoothing) * by_hot + smoothing * by_all) / n


def gradient_flat(logits, targets, smoothing):
    rows = logits.reshape(-1, logits.shape[-1])
    e = np.exp(rows - rows.max(axis=1, keepdims=True))
    q = np.full(rows.shape, smoothing / rows.shape[1])
    q[np.arange(len(rows)), targets.ravel()] += 1 - smoothing
    return ((e / e.sum(axis=1, keepdims=True) - q) / len(rows)).reshape(logits.shape)


def step_by_differences(w, g, m, v, t, lr, betas, eps, decay, factor):
    b1, b2 = betas
    m = m + (1 - b1) * (g - m)
    v = v + (1 - b2) * (g * g - v)
    below = (v / (1 - b2**t)) ** 0.5 + eps
    return (1 - factor * decay) * w - factor * lr / (1 - b1**t) * m / below, m, v


def step_in_torch(w, g, m, v, t, lr, betas, eps, decay, factor):
    w, g, m, v = (torch.tensor(x) for x in (w, g, m, v))
    m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
    root = (v / (1 - betas[1] ** t)).sqrt().add(eps)
    w = w.mul(1 - factor * decay).addcdiv(m, root, value=-factor * lr / (1 - betas[0] ** t))
    return w.numpy(), m.numpy(), v.numpy()


def step_in_copies(w, g, m, v, t, lr, betas, eps, decay, factor):
    w, m, v = w.copy(), m.copy(), v.copy()
    m *= betas[0]
    m += (1 - betas[0]) * g
    v *= betas[1]
    v += (1 - betas[1]) * np.square(g)
    w -= factor * decay * w
    w -= factor * lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return [w, m, v]


def table_by_grad(table, tokens, rate, steps):
    table = table.clone().requires_grad_()
    for _ in range(steps):
        loss = nnf.cross_entropy(table[tokens[:, :-1]].flatten(0, 1), tokens[:, 1:].flatten())
        (gradient,) = torch.autograd.grad(loss, table)
        table = (table - rate * gradient).detach().requires_grad_()
    return table.detach()


def table_by_sgd(table, tokens, rate, steps):
    table = torch.nn.Parameter(table.clone())
    optimizer = torch.optim.SGD([table], lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        logits = table[tokens[:, :-1]]
        nnf.cross_entropy(logits.transpose(1, 2), tokens[:, 1:]).backward()
        optimizer.step()
    return table.data


def table_on_paper(table, tokens, rate, steps):
    present, following = tokens[:, :-1].flatten(), tokens[:, 1:].flatten()
    for _ in range(steps):
        by_score = torch.softmax(table[present], -1) - nnf.one_hot(following, len(table))
        gradient = torch.zeros_like(table).index_add_(0, present, by_score / len(present))
        table = table - rate * gradient
    return table.clone()


def table_cleared_after(table, tokens, rate, steps):
    table = table.clone().requires_grad_()
    for _ in range(steps):
        logits = table[tokens[:, :-1]]
        nnf.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).backward()
        with torch.no_grad():
            table -= rate * table.grad
        table.grad.zero_()
    return table


# 11


def top_p_by_rank(p, threshold):
    order = np.argsort(p, axis=-1)[..., ::-1]
    falling = np.take_along_axis(p, order, axis=-1)
    kept = np.where(np.cumsum(falling, axis=-1) - falling < threshold, falling, 0)
    new = np.zeros_like(p)
    np.put_along_axis(new, order, kept, axis=-1)
    return new / new.sum(axis=-1, keepdims=True)


def top_p_by_rows(p, threshold):
    new = np.zeros(p.shape)
    for row in np.ndindex(p.shape[:-1]):
        total = 0.0
        for token in sorted(range(p.shape[-1]), key=lambda token: -p[row][token]):
            if total >= threshold:
                break
            total += p[row][token]
            new[(*row, token)] = p[row][token]
    return new / new.sum(-1)[..., None]


def top_p_in_torch(p, threshold):
    falling, order = torch.tensor(p).sort(dim=-1, descending=True)
    dropped = falling.cumsum(-1) - falling >= threshold
    kept = torch.zeros_like(falling).scatter(-1, order, falling.masked_fill(dropped, 0))
    return (kept / kept.sum(-1, keepdim=True)).numpy()


def top_p_one_by_one(p, threshold):
    before = (p[..., None, :] * (p[..., None, :] > p[..., :, None])).sum(axis=-1)
    kept = p * (before < threshold)
    return kept / kept.sum(axis=-1, keepdims=True)


def step_by_keys(q, k, v, k_buffer, v_buffer, filled):
    k_buffer[:, filled, :], v_buffer[:, filled, :] = k, v
    means = []
    for query, keys, values in zip(q, k_buffer, v_buffer, strict=True):
        scores = np.array([query @ key for key in keys[: filled + 1]]) / len(query) ** 0.5
        powers = np.exp(scores - max(scores))
        means.append(sum(p * value for p, value in zip(powers, values, strict=False)) / sum(powers))
    return np.array(means)


def step_by_einsum(q, k, v, k_buffer, v_buffer, filled):
    k_buffer[:, filled : filled + 1], v_buffer[:, filled : filled + 1] = k[:, None], v[:, None]
    filled += 1
    scores = np.einsum("hk,hsk->hs", q, k_buffer[:, :filled])
    weights = softmax(scores / np.sqrt(k_buffer.shape[2]))
    return np.einsum("hs,hsd->hd", weights, v_buffer[:, :filled])


def step_beside_the_buffer(q, k, v, k_buffer, v_buffer, filled):
    keys = np.concatenate([k_buffer[:, :filled], k[:, None]], axis=1)
    values = np.concatenate([v_buffer[:, :filled], v[:, None]], axis=1)
    np.copyto(k_buffer[:, filled], k)
    np.copyto(v_buffer[:, filled], v)
    weights = softmax(keys @ (q / math.sqrt(q.shape[-1]))[..., None], axis=1)  # (H, S, 1)
    return (weights * values).sum(axis=1)


def lower_by_minimum(logits, seen, penalty):
    return np.where(seen, np.minimum(logits / penalty, logits * penalty), logits)


def lower_in_a_copy(logits, seen, penalty):
    new = logits.copy()
    new[seen & (logits < 0)] *= penalty
    new[seen & (logits >= 0)] /= penalty
    return new


def lower_by_power(logits, seen, penalty):
    return logits * np.where(seen, float(penalty) ** -np.sign(logits), 1)


def lower_by_loops(logits, seen, penalty):
    new = np.empty(logits.shape)
    for place in np.ndindex(logits.shape):
        score = logits[place]
        lowered = score / penalty if score > 0 else score * penalty
        new[place] = lowered if seen[place] else score
    return new


def slope_by_squares(logits, temperature):
    z = logits / temperature
    p = softmax(z)
    return ((p * z**2).sum(-1) - (p * z).sum(-1) ** 2) / temperature


def slope_of_scores(logits, temperature):
    p = softmax(logits / temperature)
    mean = np.einsum("...v,...v->...", p, logits)[..., None]
    return np.sum(p * np.square(logits - mean), axis=-1) / temperature**3


def slope_by_chain(logits, temperature):
    z = logits / temperature
    p = softmax(z)
    by_z = -p * (z - (p * z).sum(axis=-1, keepdims=True))
    return (by_z * -z / temperature).sum(axis=-1)


def slope_by_log_p(logits, temperature):
    p, log_p = softmax(logits / temperature), tantra.log_softmax(logits / temperature)
    by_z = -p * (log_p - (p * log_p).sum(axis=-1, keepdims=True))
    return -(by_z * logits).sum(axis=-1) / temperature**2


# 12


def parts_by_softmax(averages, log_sums):
    return (softmax(log_sums, axis=0) * averages).sum(axis=0)


def parts_by_einsum(averages, log_sums):
    powers = np.exp(log_sums - np.max(log_sums, axis=0, keepdims=True))
    return np.einsum("pti,ptd->td", powers, averages) / powers.sum(0)


def parts_in_turn(averages, log_sums):
    average, log_sum = averages[0], log_sums[0]
    for other, other_sum in zip(averages[1:], log_sums[1:], strict=True):
        total = np.logaddexp(log_sum, other_sum)
        with np.errstate(invalid="ignore"):
            weights = [np.where(x > -np.inf, np.exp(x - total), 0) for x in (log_sum, other_sum)]
        average, log_sum = weights[0] * average + weights[1] * other, total
    return average


def parts_in_torch(averages, log_sums):
    weights = torch.softmax(torch.tensor(log_sums), dim=0)
    return (weights * torch.tensor(averages)).sum(0).numpy()


def chunk_by_einsum(q, k, v, do, log_sums, mean):
    c = q.shape[-1] ** -0.5
    p = np.exp(c * np.einsum("tk,sk->ts", q, k) - log_sums)
    ds = c * p * (np.einsum("td,sd->ts", do, v) - mean)
    by_q, by_k = np.einsum("ts,sk->tk", ds, k), np.einsum("ts,tk->sk", ds, q)
    return by_q, by_k, np.einsum("ts,td->sd", p, do)


def chunk_key_by_key(q, k, v, do, log_sums, mean):
    root, dq, dk, dv = math.sqrt(q.shape[1]), 0 * q, 0 * k, 0 * v
    for s in range(len(k)):
        p = np.exp((q @ k[s] / root)[:, None] - log_sums)
        ds = p * (do @ v[s][:, None] - mean) / root
        dq += ds * k[s]
        dk[s], dv[s] = (ds * q).sum(axis=0), (p * do).sum(axis=0)
    return dq, dk, dv


def chunk_with_scaled_queries(q, k, v, do, log_sums, mean):
    scaled = q / np.sqrt(q.shape[-1])
    p = np.exp(scaled @ k.T - log_sums)
    ds = p * (do @ v.T) - p * mean
    return [(ds @ k) / np.sqrt(q.shape[-1]), ds.T @ scaled, p.T @ do]


def heads_by_reshape(w_v, w_o, order):
    H, order = len(order), list(order)
    columns = w_v.reshape(len(w_v), H, -1)[:, order].reshape(w_v.shape)
    return columns, w_o.reshape(H, -1, w_o.shape[-1])[order].reshape(w_o.shape)


def heads_by_order_itself(w_v, w_o, order):
    H, D = len(order), len(w_v)
    by_head = w_v.reshape(D, H, -1)[:, order], w_o.reshape(H, -1, D)[order]
    return by_head[0].reshape(D, -1), by_head[1].reshape(-1, D)


def heads_by_split(w_v, w_o, order):
    columns, rows = np.split(w_v, len(order), axis=1), np.split(w_o, len(order))
    return np.hstack([columns[h] for h in order]), np.vstack([rows[h] for h in order])


def heads_transposed_twice(w_v, w_o, order):
    places = np.arange(len(w_o)).reshape(len(order), -1)[np.array(order)].ravel()
    return w_v.T[places].T, np.take(w_o, places, axis=0)


RIGHT = {
    "language_model": [one_hot_model, model_word_by_word, model_with_take],
    "llama_parameters": [parameters_by_shapes, parameters_in_numpy, parameters_one_by_one],
    "next_token_loss": [loss_by_rows, loss_in_torch, loss_rolled],
    "tied_gradient": [tied_by_one_hot, tied_by_loops, tied_by_einsum],
    "first_loss": [math.log(50257), np.log(50257), 10.82, -math.log(1 / 50257)],
    "unembedding_share": [0.047, 0.04696, np.float64(0.046962)],
    "cross_entropy": [
        error_by_rows,
        error_flat,
        error_by_where,
        error_masked,
        error_from_the_largest,
    ],
    "cross_entropy_gradient": [gradient_in_place, gradient_by_identity, gradient_flat],
    "adamw_step": [step_by_differences, step_in_torch, step_in_copies],
    "fit_table": [table_by_grad, table_by_sgd, table_on_paper, table_cleared_after],
    "smoothed_floor": [0.5, 0.5003, -(0.91 * np.log(0.91) + 0.09 * np.log(0.01))],
    "uncorrected_step": [3.16, math.sqrt(10), 0.1 / math.sqrt(0.001)],
    "top_p": [top_p_by_rank, top_p_by_rows, top_p_in_torch, top_p_one_by_one],
    "cached_step": [step_by_keys, step_by_einsum, step_beside_the_buffer],
    "discourage": [lower_by_minimum, lower_in_a_copy, lower_by_power, lower_by_loops],
    "entropy_slope": [slope_by_squares, slope_of_scores, slope_by_chain, slope_by_log_p],
    "cache_size": [31_457_280, 2 * 24 * 5 * 64 * 512 * 4, np.int64(31_457_280)],
    "narrowest_beam": [4, 4.0, np.int64(4)],
    "combine_parts": [parts_by_softmax, parts_by_einsum, parts_in_turn, parts_in_torch],
    "chunk_gradients": [chunk_by_einsum, chunk_key_by_key, chunk_with_scaled_queries],
    "reorder_heads": [
        heads_by_reshape,
        heads_by_order_itself,
        heads_by_split,
        heads_transposed_twice,
    ],
    "wrong_sketch": ["C", "c".upper(), np.str_("C")],
    "open_pairs": [150, 150.0, 1 + 2 + 3 + 4 + 28 * 5],
}
ATTEMPTS = [(name, attempt) for name, attempts in RIGHT.items() for attempt in attempts]


@pytest.mark.parametrize(
    ("name", "attempt"), ATTEMPTS, ids=[f"{n}: {getattr(a, '__name__', a)}" for n, a in ATTEMPTS]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_right_answer_passes_in_any_style(name, attempt, seed):
    verdict = getattr(check, name).judge(attempt, seed)
    assert verdict.passed, (verdict.case, verdict.problem, verdict.mistake)


def error_by_nnf(logits, targets, ignore):
    rows, true = torch.tensor(logits).flatten(0, -2), torch.tensor(targets).flatten()
    return nnf.cross_entropy(rows, true, ignore_index=ignore).item()


def error_by_log_softmax(logits, targets, ignore):
    counts = targets != ignore
    return -tantra.log_softmax(logits[counts])[np.arange(counts.sum()), targets[counts]].mean()


def count_in_fractions(vocab_size, d_model, num_layers, d_ff, num_heads, num_kv_heads):
    sizes = vocab_size, d_model, num_layers, d_ff, num_heads, num_kv_heads
    return parameters_by_shapes(*sizes) / 1


FORBIDDEN = [
    ("cross_entropy", error_by_nnf, "NumPy only"),
    ("cross_entropy", error_by_log_softmax, "written out, without log_softmax"),
    ("llama_parameters", count_in_fractions, "it is a float: a count is whole"),
]


@pytest.mark.parametrize(("name", "attempt", "said"), FORBIDDEN)
def test_right_numbers_by_a_way_that_the_task_forbids_are_refused(name, attempt, said):
    verdict = getattr(check, name).judge(attempt)
    assert verdict.status == "failed"
    assert said in verdict.mistake
