"""Prompts read and tokens one by one, with a cache: GPT-2 small's size, random weights.

Each token reads every weight once, so that the bytes read in a second are its ceiling; a prompt of
many tokens multiplies, and the products in float32 are its ceiling, which narrower ones may pass.
How near a token comes to its ceiling is measured beside a plain sum of as many bytes, in one run.
"""

import torch

import tantra
from benchmarks import peers
from benchmarks.compare import compare, interleave
from benchmarks.peers import Size
from tantra import gpt2
from tantra.ceilings import reading

PART = "decoding"
SIZE = Size(layers=12, width=768, heads=12, length=1024, vocab=50257)
CASES = ((1, 32), (1, 512), (8, 32))  # prompts at once, and the tokens of each
PEER = "transformers"
AIMS = {"float32": 1.3, "float16": 3.2, "bfloat16": 3.2, "int8": 4.0, "int4": 5.0}  # of a token
NUMPY, NUMPY_AIM = "NumPy alone", 1.1
UNPREPARED, PREFILL_AIM = "ours, unprepared", 1.0
SUM, SHARE_AIM = "a plain sum of as many bytes", 0.7
MULTIPLY = "maps", "output", "up", "down", "unembedding"
BLOCKS, HEAD = 12 * SIZE.layers * SIZE.width**2, SIZE.vocab * SIZE.width  # weights that multiply
BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}  # of each; int4 is apart


def rows(ceilings, budget):
    """A token beside transformers, and a prompt beside the model unprepared, by kind of weights."""
    model = peers.ours(SIZE).eval()
    peer = peers.hugging_face(SIZE).eval()
    models = {f"ours, {kind}": tantra.prepare_for_decoding(model, kind) for kind in AIMS}
    models[UNPREPARED] = model
    for batch, length in CASES:
        shape = batch, length
        prompt = torch.randint(SIZE.vocab, shape, generator=torch.Generator().manual_seed(0))
        actions = {name: _ours(each, prompt) for name, each in models.items()}
        actions |= {NUMPY: _numpy(model, prompt), PEER: _hugging_face(peer, prompt)}
        share = budget / len(CASES) / 3
        reads = interleave({name: read for name, (read, _) in actions.items()}, share)
        steps = interleave({name: step for name, (_, step) in actions.items()}, share)
        for name in [name for name in actions if name != PEER]:
            yield _step_row(steps, name, batch, length, ceilings)
        for name in [name for name in actions if name != UNPREPARED]:
            yield _read_row(reads, name, batch, length, ceilings)
        for kind in AIMS:
            yield from _beside_sum(models[f"ours, {kind}"], kind, prompt, share / len(AIMS))


def _beside_sum(model, kind, prompt, budget):
    """A token, and its products alone, beside a sum of the bytes that its weights take."""
    step, names = _ours(model, prompt)[1], (f"ours, {kind}", f"ours, {kind}, products alone")
    add_up, _ = reading(int(weight_bytes(kind)))
    actions = {names[0]: step, names[1]: _products(model, step), SUM: add_up}
    seconds = interleave(actions, budget)
    case = f"GPT-2 small, {len(prompt)} × one token after {prompt.shape[1]}"
    for name, aim in zip(names, (SHARE_AIM, None), strict=True):
        yield compare(seconds, name, SUM, part=PART, case=case, aim=aim)


def _products(model, step):
    """The products that a step makes, each of what it met there, and nothing between them."""
    met, parts = [], [each for name, each in model.named_modules() if name.endswith(MULTIPLY)]
    hooks = [each.register_forward_pre_hook(lambda *met_x: met.append(met_x)) for each in parts]
    step()  # reads the prompt first, if it has not been read
    met.clear()
    step()
    for hook in hooks:
        hook.remove()

    @torch.no_grad()
    def multiply():
        for part, (x, *_) in met:
            part(x)

    return multiply


def weight_bytes(kind):
    """The bytes of all weights that multiply.

    int4 has a scale and a middle of 2 bytes for every 32 weights, and int8 for the last layer.
    """
    return BLOCKS * 5 / 8 + HEAD if kind == "int4" else (BLOCKS + HEAD) * BYTES.get(kind, 4)


def _step_row(seconds, name, batch, length, ceilings):
    kind = name.removeprefix("ours, ")
    return compare(
        seconds,
        name,
        PEER,
        part=PART,
        case=f"GPT-2 small, {batch} × one token after {length}",
        work=weight_bytes(kind),
        peer_work=weight_bytes("float32"),
        ceiling=ceilings["read"],
        aim=NUMPY_AIM if name == NUMPY else AIMS.get(kind),
    )


def _read_row(seconds, name, batch, length, ceilings):
    work = 2 * batch * (BLOCKS * length + HEAD)  # only what follows the last token is scored
    return compare(
        seconds,
        name,
        UNPREPARED,
        part=PART,
        case=f"GPT-2 small, {batch} × a prompt of {length}",
        work=work,
        ceiling=ceilings["float32"],
        aim=PREFILL_AIM if name.startswith("ours") else None,
    )


def _ours(model, prompt):
    """Read the prompt; and the token after it, which the caches forget again."""
    length = prompt.shape[1]
    caches = model.new_caches(length + 1)

    @torch.no_grad()
    def read():
        model(prompt, model.new_caches(length), last=True)

    @torch.no_grad()
    def step():
        if not caches[0].seen:
            model(prompt, caches, last=True)
        model(prompt[:, -1:], caches, last=True)
        for cache in caches:
            cache.seen = length

    return read, step


def _numpy(model, prompt):
    """The same in NumPy alone."""
    weights, tokens, cache = gpt2.arrays(model), prompt.numpy(), {}

    def read():
        tantra.numpy_gpt2(tokens, weights, SIZE.heads, {}, last=True)

    def step():
        if not cache:
            tantra.numpy_gpt2(tokens, weights, SIZE.heads, cache, last=True)
        tantra.numpy_gpt2(tokens[:, -1:], weights, SIZE.heads, cache, last=True)
        cache["past"] = tokens.shape[1]

    return read, step


def _hugging_face(model, prompt):
    """The same in transformers, with its own cache."""
    kept = {}

    @torch.no_grad()
    def read():
        return model(prompt, use_cache=True, logits_to_keep=1).past_key_values

    @torch.no_grad()
    def step():
        past = kept.setdefault("past", None) or read()
        model(prompt[:, -1:], past_key_values=past, use_cache=True, logits_to_keep=1)
        past.crop(-1)  # takes the newest away
        kept["past"] = past

    return read, step
