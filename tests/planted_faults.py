"""Do the tests have teeth?  Plant one fault at a time in a copy of the library; a test must fail.

    python tests/planted_faults.py             all of them
    python tests/planted_faults.py attention   those in files whose path holds this word

Prints what was caught, what survived, and the score; exits 1 if anything survives.  Each fault is
a line of the library as it is and as it might have been: most are slips that were really made,
here or in well-known code.  To add one, add a pair.
"""

import contextlib
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
SECONDS = 300  # a fault that makes the tests run longer than this has been noticed

TESTS = {  # where a fault in a file must be noticed
    "arrays.py": ["test_arrays.py", "test_layers.py", "test_model.py"],
    "probes.py": ["test_probes.py"],
    "attention.py": ["test_attention.py", "test_shapes.py"],
    "positions.py": ["test_positions.py", "test_shapes.py"],
    "layers.py": ["test_layers.py", "test_model.py"],
    "heads.py": ["test_heads.py", "test_cache.py"],
    "embedding.py": ["test_embedding.py"],
    "cache.py": ["test_cache.py"],
    "model.py": ["test_probes.py", "test_model.py"],
    "prompts.py": ["test_prompts.py", "test_generation.py"],
    "sampling.py": ["test_sampling.py"],
    "generation.py": ["test_generation.py"],
    "beam.py": ["test_beam.py"],
    "__init__.py": ["test_package.py", "test_shapes.py"],
    "files.py": ["test_files.py"],
    "byte_pairs.py": ["test_byte_pairs.py"],
    "vocabulary.py": ["test_tokenizer.py"],
    "tokenizer.py": ["test_tokenizer.py"],
    "data.py": ["test_data.py"],
    "training.py": ["test_training.py"],
    "optimizers.py": ["test_optimizers.py"],
    "checkpoints.py": ["test_checkpoints.py"],
    "metre/scan.py": ["metre/test_scan.py"],
    "metre/script.py": ["metre/test_script.py"],
    "metre/sandhi.py": ["metre/test_sandhi.py"],
    "check/difference.py": ["check/test_difference.py"],
    "check/engine.py": ["check/test_judge.py"],
}

FAULTS = {
    "arrays.py": [
        ("torch.as_tensor(table, dtype=x.dtype,", "torch.as_tensor(table, dtype=torch.float32,"),
        ("dtype=x.dtype, device=x.device)", "dtype=x.dtype)"),
        ("np.asarray(table, dtype=x.dtype)", "np.asarray(table)"),
        ("(x.is_meta or torch.compiler.is_compiling())", "x.is_meta"),
        ("(x.is_meta or torch.compiler.is_compiling())", "torch.compiler.is_compiling()"),
        ("x.ndim == 0 or x.shape[-1] != width", "False"),
        ("if number < least:", "if number < 0:"),
        ("isinstance(number, bool) or not", "not"),
        ("if number % divisor:", "if divisor % number:"),
        ("max(1, round(number / divisor))", "max(1, number // divisor)"),
        ("if name not in table:", "if not table:"),
    ],
    "probes.py": [
        ("bool(self._forward_hooks)", "False"),
        ("            hook.remove()", "            pass"),
        ("    finally:\n        for", "    except ZeroDivisionError:\n        for"),
        ("output.detach()", "output"),
        ("seen[name] = output", "seen.setdefault(name, output)\n        output"),
        ("if not patterns or any(", "if any("),
        ('if hasattr(model, "_orig_mod"):', "if False:"),
        ("if not chosen:", "if not probes:"),
    ],
    "attention.py": [
        ("x - xp.amax(x, axis=axis, keepdims=True))  #", "x)  #"),
        ("xp.amax(x, axis=axis, keepdims=True))  #", "xp.amax(x))  #"),
        ("return e / e.sum(axis=axis, keepdims=True)", "return e / e.sum(axis=-1, keepdims=True)"),
        ("    x = x - xp.amax(x, axis=axis, keepdims=True)\n", ""),
        ("xp.log(xp.exp(x).sum(axis=axis, keepdims=True))", "xp.log(xp.exp(x).sum())"),
        ("queries[..., :, None] >= keys", "queries[..., :, None] > keys"),
        ("queries[..., :, None] >= keys", "queries[..., :, None] <= keys"),
        ('if getattr(positions, "ndim", 0) == 0:', "if False:"),
        ("return keys < lengths", "return keys <= lengths"),
        ("(lengths >= 1) & ", ""),
        ("(lengths <= num_keys)", "(lengths > 0)"),
        ("math.sqrt(q.shape[-1])", "q.shape[-1]"),
        ("math.sqrt(q.shape[-1])", "math.sqrt(q.shape[-2])"),
        (" / math.sqrt(q.shape[-1])", ""),
        ("scores + like(bias, scores)", "scores - like(bias, scores)"),
        ("scores + like(bias, scores)", "scores + bias"),
        ("where(mask, scores, -math.inf)", "where(mask, scores, -1e9)"),
        ("where(mask, scores, -math.inf)", "where(mask, -math.inf, scores)"),
        ("where(mask, scores, -math.inf)", "where(mask, scores, 0.0)"),
        ("return weights @ v, weights", "return weights @ v, weights.mT"),
        ("weights = softmax(attention_scores(q, k, mask, bias))",
         "weights = softmax(attention_scores(q, k, mask, bias), axis=-2)"),
        ("    check_fit(q, k, v)\n", ""),
        ("    check_mask(mask, q, (*q", "    (mask, q, (*q"),
        ("if k.shape[-2] != v.shape[-2]:", "if False:"),
        ("if namespace(mask) is not namespace(q):", "if False:"),
        ("if kind not in (torch.bool, np.dtype(bool)):", "if False:"),
        ("np.dtype(bool)):", "np.dtype(bool), torch.uint8):"),
        ("if not _broadcasts(mask.shape, shape, one_way=True):", "if False:"),
        ("not one_way or both == tuple(onto)", "True"),
        ("mask.any(axis=-1)", "mask.any(axis=-2)"),
        ("if readable(mask) and not", "if not"),
        ("x (..., S)  ->  (..., S)\n\n    A score", "x (..., S)  ->  (..., T)\n\n    A score"),
    ],
    "positions.py": [
        ("[np.sin(angles), np.cos(angles)]", "[np.cos(angles), np.sin(angles)]"),
        ("[:, :d_model]", ""),
        ("np.arange(0, width, 2) / width", "np.arange(0, width, 2) / (width // 2)"),
        ("np.arange(0, width, 2) / width", "np.arange(width // 2 + width % 2) / width"),
        ("np.arange(length)[:, None] * freq", "np.full(length, length)[:, None] * freq"),
        ("np.arange(length)[:, None] * freq", "np.arange(1, length + 1)[:, None] * freq"),
        ("base ** -(np", "base ** (np"),
        ("def rotary_angles(length, d_head, base=10_000.0)",
         "def rotary_angles(length, d_head, base=1_000.0)"),
        ("return _angles(length, d_head, base)", "return _angles(length, d_head, 10_000.0)"),
        ("a * cos - b * sin", "a * cos + b * sin"),
        ("a * sin + b * cos", "b * sin + a * cos"),
        ("cos, sin = like(xp.cos(angles), x), like(xp.sin(angles), x)",
         "cos, sin = xp.cos(angles), xp.sin(angles)"),
        ("like(xp.cos(angles), x), like(xp.sin(angles), x)",
         "namespace(x).cos(like(angles, x)), namespace(x).sin(like(angles, x))"),
        ('{"halves": -2, "neighbours": -1}', '{"halves": -1, "neighbours": -2}'),
        ('if pairs == "halves":', 'if pairs != "halves":'),
        ("np.arange(d_head).reshape(-1, 2).T", "np.arange(d_head).reshape(2, -1).T"),
        ("-8 / num_heads * np.arange(1, num_heads + 1)", "-8 / num_heads * np.arange(num_heads)"),
        ("-8 / num_heads *", "-1 *"),
        ("abs(queries[:, None] - keys[None, :])", "(queries[:, None] - keys[None, :])"),
        ("return -like(slopes", "return like(slopes"),
        ("if angles.dtype.itemsize < 4:", "if False:"),
        ("if x.ndim < 2 or (x.shape[-2], x.shape[-1]) != (angles", "if False and (angles"),
    ],
    "layers.py": [
        ("centred = x - x.mean(axis=-1, keepdims=True)", "centred = x - x.mean()"),
        ("(centred**2).mean(axis=-1, keepdims=True)",
         "(centred**2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)"),
        ("centred / (variance + eps) ** 0.5", "centred / (variance**0.5 + eps)"),
        ("centred / (variance + eps) ** 0.5", "centred / (variance + 1e-5) ** 0.5"),
        ("x / ((x**2).mean(axis=-1, keepdims=True) + eps) ** 0.5",
         "x / ((x**2).sum(axis=-1, keepdims=True) + eps) ** 0.5"),
        ("x if gain is None else x * gain", "x if gain is None else x * (1 + gain)"),
        ("0.044715", "0.04715"),
        ("math.sqrt(2 / math.pi)", "math.sqrt(1 / math.pi)"),
        ("torch.erf(x * math.sqrt(0.5))", "torch.erf(x)"),
        ("torch.from_numpy(np.asarray(x * math.sqrt(0.5)))",
         "torch.from_numpy(np.asarray(x * math.sqrt(0.5))).float()"),
        ("exp(-abs(x))", "exp(-x)"),
        ("nn.init.uniform_(weights, -(d_in**-0.5), d_in**-0.5, generator=generator)",
         "nn.init.uniform_(weights, -(d_in**-0.5), d_in**-0.5)"),
        ("-(d_in**-0.5), d_in**-0.5", "-(d_out**-0.5), d_out**-0.5"),
        ("device = torch.get_default_device()", 'device = "cpu"'),
        ("nn.Parameter(torch.zeros(d_model)) if bias else None",
         "nn.Parameter(torch.zeros(d_model))"),
        ("self.gain, self.bias, self.eps)", "self.gain, self.bias)"),
        ("(self.d_model,), self.gain, self.eps)", "(self.d_model,), self.gain)"),
        ('F.gelu(self.up(x), approximate="tanh")', "F.gelu(self.up(x))"),
        ("F.silu(self.gate(x)) * self.up(x)", "self.gate(x) * F.silu(self.up(x))"),
        ("self.up = linear(d_model, d_ff, bias, generator)\n        self.down = linear(d_ff, "
         "d_model, bias, generator)\n\n    def forward(self, x):\n        check_width(x, "
         'self.d_model, "this feed-forward")\n        return self.down(F.gelu',
         "self.up = linear(d_model, d_ff, bias, generator)\n        self.down = linear(d_ff, "
         "d_model, True, generator)\n\n    def forward(self, x):\n        check_width(x, "
         'self.d_model, "this feed-forward")\n        return self.down(F.gelu'),
        ("x = x + self.attention(self.norm_1(x), **look)",
         "x = self.attention(self.norm_1(x), **look)"),
        ("x = x + self.attention(self.norm_1(x), **look)", "x = x + self.attention(x, **look)"),
        ("x = x + self.feed_forward(self.norm_2(x))", "x = x + self.feed_forward(self.norm_1(x))"),
        ("self.norm_2(x + self.feed_forward(x))", "x + self.norm_2(self.feed_forward(x))"),
        ("self.norm_1(x + self.attention(x, **look))", "self.norm_1(x + self.attention(x))"),
    ],
    "heads.py": [
        ("x.shape[-1] // num_heads)  # (..., T, H, K)\n    return x.swapaxes(-3, -2)",
         "x.shape[-1] // num_heads)  # (..., T, H, K)\n    return x.swapaxes(-3, "
         "-1).swapaxes(-2, -1)"),
        ("return x.swapaxes(-3, -2)",
         "return x.reshape(*x.shape[:-3], *x.swapaxes(-3, -2).shape[-3:])"),
        ("    x = x.swapaxes(-3, -2)  # (..., T, H, K)\n", ""),
        ("    check_divides(width=x.shape[-1], num_heads=num_heads)\n", ""),
        ("d_kv = d_model // num_heads * num_kv_heads", "d_kv = d_model"),
        ("self.key = linear(d_model, d_kv, bias, generator)",
         "self.key = linear(d_model, d_kv, True, generator)"),
        ("check_divides(num_heads=num_heads, num_kv_heads=num_kv_heads)", "pass"),
        ("k = split_heads(self.key(context)", "k = split_heads(self.key(x)"),
        ("v = split_heads(self.value(context)", "v = split_heads(self.key(context)"),
        ("q, k = rotate(q, angles), rotate(k, angles)", "q, k = rotate(q, angles), k"),
        ("            k, v = cache.append(k, v)", "            cache.append(k, v)"),
        ("watched = self.scores.watched or self.weights.watched", "watched = True"),
        ("watched = self.scores.watched or self.weights.watched", "watched = self.weights.watched"),
        ("q, k, v = self.q(q), self.k(k), self.v(v)", "q, k, v = self.q(q), self.k(k), self.k(v)"),
        ("if not causal or x.shape[-2] == 1:", "if not causal or x.shape[-2] <= 2:"),
        ("mask = mask & _past(x.shape[-2], num_keys, x.device)", "mask = mask"),
        ("mask = mask & _past(x.shape[-2], num_keys, x.device)\n        check_mask(mask, x, shape)",
         "mask = mask & _past(x.shape[-2], num_keys, x.device)"),
        ("cache.after(context.shape[-2])", "context.shape[-2]"),
        ("keys[num_keys - num_queries :]", "keys[:num_queries]"),
        ("k.repeat_interleave(repeats, -3)", "k.repeat(1, repeats, 1, 1)"),
        ("self.weights(softmax(scores)) @ v", "softmax(scores) @ v"),
        ("scores = self.scores(attention_scores(q, k, mask, bias))",
         "scores = attention_scores(q, k, mask, bias)"),
        ("attention_scores(q, k, mask, bias)", "attention_scores(q, k, mask)"),
        ("if context.shape[:-2] != x.shape[:-2]:", "if False:"),
        ("if angles is not None or cache is not None or causal:", "if causal:"),
        ("causal and (bias is not None or q.shape[-2] != k.shape[-2])",
         "causal and bias is not None"),
        ("causal and (bias is not None or q.shape[-2] != k.shape[-2])", "False"),
        ("torch.where(mask, bias, -torch.inf)", "torch.where(mask, bias, 0.0)"),
        ("bias = like(bias, q)", "bias = bias.float()"),
        ("enable_gqa=grouped", "enable_gqa=False"),
        ("merge_heads(attend(", "(lambda y: y.flatten(-3, -2).mT)(attend("),
    ],
    "embedding.py": [
        ("nn.init.normal_(weight, generator=generator))", "nn.init.normal_(weight))"),
        ("_rows(self.weight, x, past, padding), {}", "_rows(self.weight, x, 0, padding), {}"),
        ("std=0.02, generator=generator", "std=0.2, generator=generator"),
        ("like(_rows(self.table, x, past, padding), x)", "like(_rows(self.table, x, 0, padding), x)"),
        ("waves / x.shape[-1] ** 0.5", "waves"),
        ("torch.arange(past, past + x.shape[-2], device=self", "torch.arange(x.shape[-2], device=self"),
        ("if end > len(table):", "if False:"),
        ("if end > len(table):", "if end >= len(table):"),
        ("        self.step = torch.from_numpy(rotary_angles(2, d_head)[1])",
         '        self.register_buffer("step", torch.from_numpy(rotary_angles(2, d_head)[1]))'),
        ("queries = torch.arange(past, end, device=x", "queries = torch.arange(x.shape[-2], device=x"),
        ("held_positions(end, self.context_length, x.device)", "torch.arange(end, device=x.device)"),
        (" - padding[:, None].to(table.device)", ""),
        ("positions.clamp(min=0)", "positions"),
    ],
    "cache.py": [
        ("torch.cat([old, new], dim=-2)", "torch.cat([new, old], dim=-2)"),
        ("torch.cat([old, new], dim=-2)", "torch.cat([old.detach(), new], dim=-2)"),
        ("self.k[..., :new, :], self.v[..., :new, :]", "self.k, self.v"),
        ("        self.seen += k.shape[-2]\n", ""),
        ("return min(total, self.length) if self.sliding else total", "return total"),
        ("slot = self.seen % self.length", "slot = min(self.seen, self.length - 1)"),
        ("and not (self.sliding and k.shape[-2] == 1)", "and not self.sliding"),
        ("self.k[rows], self.v[rows]", "self.k[rows], self.v"),
        ("(seen - 1 - slots) % length", "(seen - slots) % length"),
        ("return seen - 1 - (seen - 1 - slots) % length", "return slots"),
        ("room[..., slot : slot + new.shape[-2], :] = new", "room[..., : new.shape[-2], :] = new"),
        ("if self.seen + k.shape[-2] > self.length", "if self.seen > self.length"),
        ("if self.seen + k.shape[-2] > self.length", "if self.seen + k.shape[-2] >= self.length"),
        ("        self._check(k, v)\n", ""),
        ("(k.requires_grad or v.requires_grad)", "k.requires_grad"),
        ("torch.is_grad_enabled() and ", ""),
        ("        if room is None:\n", "        if True:\n"),
    ],
    "model.py": [
        ("layers.Block(*_parts(c, g))", "layers.PostNormBlock(*_parts(c, g))"),
        ("c.d_model, c.num_heads, c.num_kv_heads, c.bias, generator",
         "c.d_model, c.num_heads, None, c.bias, generator"),
        ("c.d_model, c.num_heads, c.num_kv_heads, c.bias, generator",
         "c.d_model, c.num_heads, c.num_kv_heads, generator"),
        ("layers.LayerNorm(c.d_model, bias=c.bias)", "layers.LayerNorm(c.d_model)"),
        ('"swiglu": lambda c, g: layers.SwiGLU(', '"swiglu": lambda c, g: layers.FeedForward('),
        ("layers.FeedForward(c.d_model, c.d_ff, c.bias, generator=g)",
         "layers.FeedForward(c.d_model, c.d_ff, c.bias)"),
        ('WIDEST = {"pre": 192, "post": 80}', 'WIDEST = {"pre": 9999, "post": 9999}'),
        ("if unknown := [name for name in given if name not in known]:", "if unknown := []:"),
        ("self.d_model // self.num_heads", "self.d_model"),
        ("round(self.expansion * self.d_model)", "4 * self.d_model"),
        ("frozen=True, ", ""),
        ("        check_divides(d_model=self.d_model, num_heads=self.num_heads)\n", ""),
        ("for _ in range(config.num_layers)", "for _ in range(1)"),
        ("if config.tied:", "if not config.tied:"),
        ("self.unembedding.weight = self.token_embedding.weight",
         "self.unembedding.weight.data = self.token_embedding.weight.data"),
        ("        self.initialise(generator)\n", ""),
        ("std=0.02, generator=generator", "std=0.2, generator=generator"),
        ("nn.init.normal_(weights, std=0.02, generator=generator)",
         "nn.init.normal_(weights, std=0.02)"),
        ("(2 * len(self.blocks)) ** 0.5", "len(self.blocks) ** 0.5"),
        ("nn.init.zeros_(weights)", "pass"),
        ("causal=True, cache=cache", "cache=cache"),
        ("cache=cache, **look", "cache=cache"),
        ("self.positions(self.token_embedding(tokens), past, padding)",
         "self.positions(self.token_embedding(tokens), 0, padding)"),
        ("self.positions(self.token_embedding(tokens), past, padding)",
         "self.positions(self.token_embedding(tokens), past, None)"),
        ("(keys >= padding[:, None, None, None]) |", "(keys > padding[:, None, None, None]) |"),
        (" | (keys == queries[:, None])", ""),
        ("x = x[..., -1:, :] if last else x", "x = x"),
        ("x = x[..., -1:, :] if last else x", "x = x[..., :1, :] if last else x"),
        ("keys = held_positions(end, self.config.context_length, tokens.device)",
         "keys = torch.arange(end, device=tokens.device)"),
        ("past = caches[0].seen if caches", "past = len(caches[0]) if caches"),
        ("if tokens.ndim != 2 or getattr", "if getattr"),
        ('getattr(self.positions, "only_distances", False)', "True"),
        ("KVCache(self.config.context_length, sliding=True)", "KVCache(length, sliding=True)"),
        ("self.unembedding(self.norm(x))", "self.unembedding(x)"),
        ("        x = self.stream(x)\n", ""),
        ("[KVCache(length) for _ in self.blocks]", "[KVCache(length)] * len(self.blocks)"),
        ("[KVCache(length) for _ in self.blocks]", "[KVCache() for _ in self.blocks]"),
        ("if kind not in (torch.int64, torch.int32):", "if False:"),
        ("tokens.ndim == 0 or tokens.shape[-1] == 0", "tokens.ndim == 0"),
        ("if caches is not None and len(caches) != len(self.blocks):", "if False:"),
        ("past + tokens.shape[-1] > limit", "tokens.shape[-1] > limit"),
        ("past + tokens.shape[-1] > limit", "past + tokens.shape[-1] >= limit"),
        ("(tokens < 0) | (tokens >= size)).any()", "(tokens >= size)).any()"),
        ("(tokens < 0) | (tokens >= size)).any()", "(tokens < 0) | (tokens > size)).any()"),
        ("if readable(tokens) and", "if"),
    ],
    "prompts.py": [
        ("tokens.ndim not in (1, 2)", "tokens.ndim == 0"),
        ("alone, back = tokens.ndim == 1,", "alone, back = tokens.ndim == 2,"),
        ("    if not rows:\n", "    if False:\n"),
        ("[0] * pads + list(row)", "list(row) + [0] * pads"),
        ("if any(padding) else None", "if all(padding) else None"),
        ("        return [list(tokens)], True", "        return [tokens], True"),
        ("    if not all(nested):", "    if False:"),
        ("row[-1:] * (longest", "[0] * (longest"),
        ("dtype=tokens.dtype, device", "device"),
        ("    if not row:", "    if False:"),
        ("if token >= vocab_size:", "if token > vocab_size:"),
    ],
    "sampling.py": [
        ("where(logits > 0, logits / penalty, logits * penalty)", "abs(logits / penalty)"),
        ("where(logits > 0, logits / penalty, logits * penalty)",
         "where(logits > 0, logits / penalty, logits / penalty)"),
        ("where(seen, lowered, logits)", "where(seen, logits, lowered)"),
        ("if temperature == 0:", "if False:"),
        ("max(temperature, least)", "temperature"),
        ("max(temperature, least)", "max(temperature, 1e-3)"),
        ("(logits - xp.amax(logits, axis=-1, keepdims=True)) / max", "logits / max"),
        ("min(top_k, logits.shape[-1])", "top_k"),
        ("[..., -1:], top_k)", "[..., -1:], logits.shape[-1])"),
        ("    if top_p == 1:", "    if False:"),
        ("before = chances.cumsum(-1) - chances", "before = chances.cumsum(-1)"),
        ("before < top_p", "before <= top_p * 1.1"),
        ("    if top_k is not None:\n        logits = keep_top_k(logits, top_k)\n", ""),
        ("    logits = with_temperature(logits, temperature)\n    if top_k", "    if top_k"),
        ("if temperature < 0:", "if temperature <= 0:"),
        ("if not 0 < top_p <= 1:", "if not 0 <= top_p <= 1:"),
        ("if not 0 < top_p <= 1:", "if not 0 < top_p < 1:"),
        ("if repetition_penalty <= 0:", "if repetition_penalty < 0:"),
        ("if not math.isfinite(number):", "if False:"),
        ("isinstance(number, bool) or not", "not"),
        ("equal.cumsum(-1) <= room", "equal"),
        ("equal.cumsum(-1) <= room", "equal.cumsum(-1) < room"),
    ],
    "generation.py": [
        ("longest + num_tokens - 1 ", "longest + num_tokens "),
        ("if length <= limit:", "if length < limit:"),
        ("    if not model.can_slide:", "    if False:"),
        ("(token for (token,) in steps) if alone else steps", "steps"),
        ("        there[row] = True", "        pass"),
        ("        seen.scatter_(1, tokens, True)\n", ""),
        ("if repetition_penalty != 1:", "if False:"),
        ("if temperature == 0:", "if temperature < 1:"),
        ("next_logits(model, tokens, caches, padding)", "next_logits(model, tokens, caches)"),
        ("[token if alive else None for", "[token for"),
        ("alive and token not in stop for", "token not in stop for"),
        ("        if not any(live):", "        if not all(live):"),
        ("        if not any(live):\n            return\n", ""),
        ("@torch.no_grad()\n", ""),
        ("@torch.no_grad()\ndef next_logits", "@torch.inference_mode()\ndef next_logits"),
        ("parts if tokens.shape[1] > limit else parts[:1]", "parts[:1]"),
        (", last=True)[:, -1]", ")[:, -1]"),
        ("if logits.isnan().any():", "if False:"),
        ("logits if logits.dtype == torch.float64 else logits.float()", "logits"),
        ("logits if logits.dtype == torch.float64 else logits.float()", "logits.float()"),
        ("if len(generators) > 1 else", "if False else"),
        ("torch.multinomial(row.to(g.device) if g else row, 1, generator=g)",
         "torch.multinomial(row.to(g.device) if g else row, 1)"),
        ("        row += [] if token is None else [token]",
         "        row.append(token)"),
        ("stop = check_stop(stop, model.config.vocab_size)\n    generators", "generators"),
        ("len(generators) != num_rows", "False"),
    ],
    "beam.py": [
        ("    caches_for(model, max(map(len, rows)), num_tokens)", "    pass"),
        ("[row + best[0][1] for", "[best[0][1] for"),
        ("[row + best[0][1] for", "[row + best[-1][1] for"),
        (".double())", ")"),
        ("    sums += sums.new_tensor([total for total, _ in alive])[:, None]\n", ""),
        ("ends[:, list(stop)] = True", "pass"),
        ("sums.where(ends, -torch.inf)", "sums"),
        ("sums.where(~ends, -torch.inf)", "sums"),
        ("total / n**length_penalty, [", "total / (n + 1)**length_penalty, ["),
        ("key=lambda end: -end[0])[:num_beams]", "key=lambda end: end[0])[:num_beams]"),
        ("key=lambda end: -end[0])[:num_beams]", "key=lambda end: -end[0])"),
        ("        for cache in caches:\n            cache.select([beam for _, beam, _ in best])\n",
         "        for cache in caches[:1]:\n            cache.select([beam for _, beam, _ in best])\n"),
        ("if total > -torch.inf]", "]"),
        ("hope = max(", "hope = min("),
        ("ended[-1][0] >= hope", "ended[0][0] >= hope"),
        ("(n + 1, num_tokens), length", "(n + 1,), length"),
        ("if not best or _settled(", "if not best or False and _settled("),
    ],
    "__init__.py": [
        ("import importlib\n", "import importlib\n\nimport matplotlib\n"),
        ("    if name not in _LAZY:\n", "    if not name:\n"),
        ('"tantra.check.progress:progress"', '"tantra.check.progress"'),
        ("    layers       layer", "    layer        layer"),
    ],
    "files.py": [
        ("os.replace(part, path)", "path.write_bytes(content)"),
        ("        part.unlink(missing_ok=True)\n        raise", "        raise"),
        ("Path(os.path.realpath(path))", "Path(path)"),
        ("            os.fsync(file.fileno())\n", ""),
        ("if len(content) > MOST:", "if len(content) > MOST + 1:"),
        ("    except RecursionError:", "    except ZeroDivisionError:"),
        ("    except UnicodeDecodeError as error:", "    except ZeroDivisionError as error:"),
        ("holds no JSON: {error}\") from None", "holds no JSON: {error}\") from error"),
    ],
    "byte_pairs.py": [
        (r"'(?:[sdmt]|ll|ve|re)|", r"(?i:'(?:[sdmt]|ll|ve|re))|"),
        (r"| ?\p{L}+", r"|\p{L}+"),
        (r"| ?\p{N}+", r"| ?\p{N}"),
        (r"\s+(?!\S)|\s+", r"\s+"),
        ("*range(174, 256)]", "*range(173, 256)]"),
        ("BYTES = bytes(SHOWN + HIDDEN)", "BYTES = bytes(range(256))"),
        ('word.encode("utf-8", "surrogateescape")', 'word.encode("utf-8", "replace")'),
        (".translate(_NUMBER))", ")"),
        ("        self.before[self.after[at]] = at\n", ""),
        ("        self.after[at] = self.after[gone]\n", ""),
        ("self.tokens[at], self.tokens[gone] = new, None", "self.tokens[at] = new"),
        ("if merges.get(row.pair(at)) != new:", "if merges.get(row.pair(at)) is None:"),
        ("for place in (row.before[at], at):", "for place in (at,):"),
        ("for place in (row.before[at], at):", "for place in (row.before[at],):"),
        ("(merges[pair], at) for at, pair", "(0, at) for at, pair"),
        ("tokens += [*byte_tokens(word), None]", "tokens += byte_tokens(word)"),
        ("weights += [count] *", "weights += [1] *"),
        ("if -total == totals[pair]:", "if True:"),
        ("            _push(heap, totals, [pair])  #", "            pass  #"),
        ("if row.pair(at) != pair:", "if False:"),
        ("        totals[row.pair(left)] -= weights[at]\n", ""),
        ("        totals[row.pair(right)] -= weights[at]\n", ""),
        ("places[row.pair(place)].append(place)", "places[row.pair(place)].append(at)"),
        ("if totals[pair] and None not in pair:", "if None not in pair:"),
        ("if totals[pair] and None not in pair:", "if totals[pair]:"),
        ("(-totals[pair], pair))", "(totals[pair], pair))"),
        ("while heap and len(merges) < num_merges:", "while heap and len(merges) <= num_merges:"),
        ("    for at in places.pop(pair):", "    for at in reversed(places.pop(pair)):"),
    ],
    "vocabulary.py": [
        ('text.decode("utf-8", "surrogateescape")', 'text.decode("utf-8", "replace")'),
        ("    except UnicodeEncodeError as error:", "    except ZeroDivisionError as error:"),
        ("            if part not in known:", "            if False:"),
        ("if pair[0] + pair[1] in known:", "if False:"),
        ("        known.add(pair[0] + pair[1])\n", ""),
        ("isinstance(part, bytes) and part for", "isinstance(part, bytes) for"),
        ("or text in special_tokens[:place]", ""),
        ("if isinstance(special_tokens, str):", "if False:"),
        ("(number := names.index(text)) != numbers[text]", "(number := 0) > 0"),
        ("!= {int}", "> {int}"),
        ("for name in numbers | found:", "for name in numbers:"),
        ("for name in numbers | found:", "for name in found:"),
        ("        if here != there:", "        if False:"),
        ('lines[0].startswith("#version")', "True"),
        ('lines[0].startswith("#version")', 'lines[0].startswith("#")'),
        ("lines = text.splitlines()", 'lines = text.split("\\n")'),
        ('or content.get("kind") != KIND', ""),
        ('if content.get("digest") != digest(kept):', "if False:"),
        ("{*map(type, kept.values())} != {list} or", ""),
        ('kept.keys() != {"merges", "special_tokens"}', "False"),
        ('len(names := line.split(" ")) != 2', 'not (names := line.split(" "))'),
        ("(RecursionError, TypeError, ValueError)", "ValueError"),
    ],
    "tokenizer.py": [
        ("sorted(set(text))", "dict.fromkeys(text)"),
        ("if not text:", "if False:"),
        ("text.index(unknown)", "0"),
        ("len(made) + i for i", "i for i"),
        ("_cut(special_tokens, as_text(text))[::2]", "_cut(special_tokens, as_text(text))"),
        ("least=256 + len(special_tokens)", "least=256"),
        ("vocab_size - 256 - len(special_tokens)", "vocab_size - 256"),
        ("if missing := num_merges - len(merges):", "if missing := 0:"),
        ('if special != "text" else ()', 'if special == "read" else ()'),
        ('if special == "refuse" and', 'if special == "text" and'),
        ("            if place % 2:", "            if False:"),
        ("        one_of(SPECIAL, \"special\", special)\n", ""),
        ('.decode("utf-8", "replace")', '.decode("utf-8", "ignore")'),
        ("vocabulary.check_equal(found, numbers)", "pass"),
        ("key=len, reverse=True)", "key=len)"),
        ("map(re.escape, longest_first)", "longest_first"),
        ("if not 0 <= token < vocab_size:", "if token >= vocab_size:"),
        ("if not 0 <= token < vocab_size:", "if not 0 <= token <= vocab_size:"),
        ("operator.index(token)", "int(token)"),
        ("known[word] = byte_pairs.join(byte_pairs.byte_tokens(word), self._merges)",
         "known[word] = byte_pairs.byte_tokens(word)"),
    ],
    "data.py": [
        ("len(tokens) - length, (batch", "len(tokens), (batch"),
        ("len(tokens) - length, (batch", "len(tokens) - length - 1, (batch"),
        ("torch.arange(length + 1)", "torch.arange(length + 2)"),
        ("yield windows[:, :-1], windows[:, 1:]", "yield windows[:, :-1], windows[:, :-1]"),
        ("yield windows[:, :-1], windows[:, 1:]", "yield windows[:, 1:], windows[:, :-1]"),
        ("if len(tokens) <= length:", "if len(tokens) < length:"),
        ("np.asanyarray(tokens)", "np.array(tokens)"),
        ("tokens[places.numpy()], dtype=np.int64", "tokens[places.numpy()]"),
        ("[places.to(tokens.device)].long()", "[places.to(tokens.device)]"),
        ("generator=generator, device=device", "device=device"),
        (" or tokens.dtype == torch.bool", ""),
        ("if not _whole(tokens):", "if False:"),
        ("if tokens.ndim != 1:", "if tokens.ndim == 0:"),
        ("(batch_size, 1), generator", "(1, 1), generator"),
    ],
    "training.py": [
        ("if not 0 <= smoothing < 1:", "if not 0 <= smoothing <= 1:"),
        ("tuple(targets.shape) != tuple(logits.shape[:-1])", "targets.ndim != logits.ndim - 1"),
        ("logits[targets != ignore], targets[targets != ignore]", "logits, targets"),
        ("smoothing * log_p.mean(axis=-1)", "smoothing * log_p.sum(axis=-1)"),
        ("(1 - smoothing) * surprise", "surprise"),
        ("return surprise.mean()", "return surprise.sum()"),
        ("    surprise = -log_p[", "    surprise = log_p["),
        ("(targets < 0) | (targets >= vocab_size)", "targets >= vocab_size"),
        ("(targets < 0) | (targets >= vocab_size)", "targets < 0"),
        ("if readable(targets) and", "if"),
        ("if len(targets) == 0:", "if False:"),
        ("    if norm > most:\n        for", "    if True:\n        for"),
        ("gradient.mul_(most / norm)", "gradient.clamp_(-most, most)"),
        ("gradient.mul_(most / norm)", "gradient.mul_(most / norm**2)"),
        ("if not math.isfinite(norm):", "if False:"),
        ("peak * (step + 1) / warmup", "peak * step / warmup"),
        ("if step < warmup:", "if step <= warmup:"),
        ("if step < total else 1.0", ""),
        ("(step - warmup) / (total - warmup)", "step / total"),
        ("return floor + (peak - floor) *", "return peak *"),
        ("(step + 1) ** -0.5, (step + 1) * warmup**-1.5", "step**0.5, step * warmup**-1.5"),
        ("d_model**-0.5 * min(", "d_model**0.5 * min("),
        ("        optimizer.zero_grad()\n", ""),
        ("        model.train()\n", ""),
        ("range(start, steps)", "range(steps)"),
        ("if clip is not None:", "if False:"),
        ("if not math.isfinite(error.item()):", "if math.isnan(error.item()):"),
        ("if not learned & {", "if not {"),
        ("@torch.no_grad()\ndef evaluate", "def evaluate"),
        ("    model.train(was_training)", "    model.train()"),
        ("        inputs, targets = _batch(batches, step, steps)\n        model",
         "        inputs, targets = next(batches)\n        model"),
    ],
    "optimizers.py": [
        ("        with torch.enable_grad():", "        if True:"),
        ("if weight.grad is not None:", "if True:"),
        ("    state[\"step\"] += 1\n", ""),
        ("m.mul_(betas[0])", "m.mul_(betas[1])"),
        ("(1 - betas[1]) * weight.grad**2", "weight.grad**2"),
        ("weight.grad**2", "weight.grad.abs()"),
        ("m / (1 - betas[0] ** t)", "m"),
        ("v / (1 - betas[1] ** t)", "v / (1 - betas[1])"),
        ("(corrected_v.sqrt() + eps)", "(corrected_v + eps).sqrt()"),
        ("weight.mul_(1 - lr * weight_decay)", "weight.grad.add_(weight_decay * weight)"),
        ("weight.mul_(1 - lr * weight_decay)", "weight.mul_(1 - weight_decay)"),
        ("lr * corrected_m /", "corrected_m /"),
        ("weight.sub_(", "weight.add_("),
        ("if not 0 <= number < math.inf:", "if not 0 <= number:"),
        ("if not 0 < eps < math.inf:", "if not 0 <= eps:"),
        ("0 <= beta < 1 for", "0 <= beta <= 1 for"),
        ('"exp_avg"] = torch.zeros_like(weight)', '"exp_avg"] = weight.clone()'),
        ("        return loss\n", ""),
    ],
    "checkpoints.py": [
        ("allow_nan=False", "allow_nan=True"),
        ("if wrong := _not_finite(arrays):", "if wrong := None:"),
        ("        if id(x) not in seen:", "        if True:"),
        ("x.reshape(-1).view(torch.uint8).numpy()", "b''"),
        ("hashlib.sha256(text.encode())", "hashlib.sha256()"),
        ("{name} {x.dtype} {tuple(x.shape)}", "{name}"),
        ("    if path.exists() and not path.is_file():", "    if False:"),
        ("or metadata != digest:", "or False:"),
        ("if not known or", "if"),
        ("    if wrong:\n", "    if False:\n"),
        ('    _check_same("config",', '    ("config",'),
        ('    _check_same("weights",', '    ("weights",'),
        ('    _check_same("optimizer",', '    ("optimizer",'),
        ("(tuple(x.shape), x.dtype)", "tuple(x.shape)"),
        ("(tuple(x.shape), x.dtype)", "(x.numel(), x.dtype)"),
        ("if there[\"params\"] != here[\"params\"]:", "if False:"),
        ("            kind([torch.zeros(1)], **given)\n", ""),
        ('if kept["kind"] != kind.__name__:', "if False:"),
        ("trial = copy.deepcopy(optimizer)", "trial = optimizer"),
        ("torch.Generator(generator.device).set_state", "generator.set_state"),
        ("        generator.set_state(arrays[", "        (arrays["),
        ("        optimizer.load_state_dict(", "        ("),
        ("            x.copy_(weights[name])", "            x.data = weights[name]"),
        ("text if len(text) <= most else", "text if True else"),
        ("text = repr(thing)", "text = str(thing)"),
        ("    except Exception:  #", "    except ValueError:  #"),
    ],
    "metre/scan.py": [
        ('"a", "i", "u", "ṛ", "ḷ"', '"a", "i", "u", "ṛ"'),
        ('"ā", "ī", "ū", "ṝ", "ḹ", "e", "ai"', '"ā", "ī", "ū", "ṝ", "ḹ", "ai"'),
        ("key=len, reverse=True", "key=len"),
        ("closed = len(tail) >= 2", "closed = len(tail) >= 1"),
        ("closed = len(tail) >= 2 or (tail and tail[0] in AFTER_VOWEL)", "closed = len(tail) >= 2"),
        ("if vowel in LONG or closed", "if vowel in LONG"),
        ('r"....lgg."', 'r"....lggg"'),
        ('if len(pattern) != 8 or pattern[1:3] == "ll":', "if len(pattern) != 8:"),
        ('and pattern[1:4] != "glg"', ""),
        ("odd_pada(pattern[:8]) if even_pada(pattern[8:])",
         "odd_pada(pattern[:8]) if even_pada(pattern[8:16])"),
        ('done[-1] += start', 'done.append(start)'),
    ],
    "metre/script.py": [
        ("written.append(VIRAMA if open_consonant else \"\")", 'written.append("")'),
        ('+ (VIRAMA if open_consonant else "")', ""),
        ("open_consonant = piece in BASES", "open_consonant = piece not in BASES"),
        ("SIGNS.get(piece, \"\") if open_consonant else",
         "SIGNS.get(piece, LETTERS[piece]) if open_consonant else"),
        ('    _refuse_strangers(text, AKSHARA, "Devanagari")\n', ""),
    ],
    "metre/sandhi.py": [
        ('"i": "e", "u": "o"', '"i": "o", "u": "e"'),
        ('if pronoun and start != "a":', "if pronoun:"),
        ('if before == "a" and start == "a":', 'if before == "a" and start in VOWELS:'),
        ('if start == "r":  # two r in a row', "if False:  # two r in a row"),
        ('"m" if start in VOWELS else "ṃ"', '"ṃ"'),
        ('"ch" if start == "ś" else start', "start"),
        ("if start in NASALS:", "if False:"),
        ("if start in VOWELS and before in LONG_OF:", "if start in VOWELS:"),
        ("if one == two and one in LONG_OF:", "if one == two:"),
        ('(before + last, " ", "\'") if start == "a"',
         '(before + last, " ", start) if start == "a"'),
    ],
    "check/difference.py": [
        ("return None if got == wanted else", "return None if got[:1] == wanted[:1] else"),
        ("~np.isfinite(answer) & np.isfinite(expected)",
         "np.isfinite(answer) & ~np.isfinite(expected)"),
        ("rtol=rtol, atol=atol, equal_nan=True", "rtol=rtol, atol=atol"),
        ("rtol=rtol, atol=atol, equal_nan=True", "rtol=1e-2, atol=atol, equal_nan=True"),
        ("np.argwhere(flags)[0]", "np.argwhere(flags)[-1]"),
        ("if len(answer) != count:", "if False:"),
        ("if extra := [", "if extra := [] and ["),
    ],
    "check/engine.py": [
        ("isinstance(outcome.error, NotImplementedError)", "outcome.error"),
        ("if self.given and self._same(answers, self.given):", "if False:"),
        ("if self._same(answers, wrong):", "if True:"),
        ("if not outcome.same_ending(other):", "if False:"),
        ("if verdict.passed and not trusted and self._borrowed(attempt):", "if False:"),
        ("seed if case.drawn else None", "seed"),
        ("range(1, self.draws + 1)", "range(0)"),
    ],
}  # fmt: skip


SLOW = ("compile", "split", "gpt2_small", "first_loss")  # tests with this in their name


class SlowLast:
    """A pytest plugin: the quick tests first, since most faults fall at the first glance."""

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: any(word in item.name for word in SLOW))


def faults():
    """Every planted fault: (file, the line as it is, the line as it might have been)."""
    return [(file, *pair) for file, pairs in FAULTS.items() for pair in pairs]


def planted(text, old, new):
    """The text with the fault in it; ValueError if the line is not there."""
    if old not in text or old == new:
        raise ValueError(f"no longer there: {old!r}")
    return text.replace(old, new, 1)


def run_tests(file, old=None, new=None):
    """The exit status of the file's tests, in a copy of the project where the fault is planted."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("tantra", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if old is not None:
            target = copy / "tantra" / file
            target.write_text(planted(target.read_text("utf-8"), old, new), "utf-8")
        os.chdir(copy)
        sys.path.insert(0, str(copy))
        import pytest

        quick = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider"]
        hypothesis = ["-p", "_hypothesis_pytestplugin", "--hypothesis-profile=planted"]
        chosen = [f"tests/{name}" for name in TESTS[file]]
        return int(pytest.main([*quick, *hypothesis, *chosen], plugins=[SlowLast()]))


def start(job):
    """Run the tests of one fault in a forked process, which has torch loaded already."""
    pid = os.fork()
    if pid:
        return pid
    os.setpgid(0, 0)
    status = 3
    with contextlib.suppress(BaseException):
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        status = run_tests(*job)
    os._exit(status)


def run_all(jobs):
    """Yield each job with the exit status of its tests, AT_ONCE at a time."""
    waiting, running = list(jobs), {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            job = waiting.pop(0)
            running[start(job)] = job, time.monotonic()
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            job, _ = running.pop(pid)
            yield job, os.waitstatus_to_exitcode(status)
        for late in [p for p, (_, begun) in running.items() if time.monotonic() - begun > SECONDS]:
            os.killpg(late, signal.SIGKILL)
        time.sleep(0.02)


def main(word=""):
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # some plugins take seconds to load
    for slow_to_load in ("hypothesis.extra.numpy", "pytest", "torch._dynamo"):
        importlib.import_module(slow_to_load)  # once, for all of them
    jobs = [fault for fault in faults() if word in fault[0]]
    begun, survived = time.monotonic(), []
    for (file,), status in run_all([(file,) for file in dict.fromkeys(job[0] for job in jobs)]):
        if status != 0:
            sys.exit(f"the tests of {file} fail as it is (status {status}); mend that first")
    for (file, old, new), status in run_all(jobs):
        caught = status in (1, 2) or status < 0  # below 0: the process itself came down
        survived += [] if caught else [(file, old, new)]
        print(f"{'caught  ' if caught else 'SURVIVED'} {file}: {old!r} -> {new!r}", flush=True)
    minutes = (time.monotonic() - begun) / 60
    print(f"\n{len(jobs) - len(survived)} of {len(jobs)} planted faults caught ({minutes:.0f} min)")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
