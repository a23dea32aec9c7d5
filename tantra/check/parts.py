"""A GPT as a function of its weights and of its parts, whosever they are."""

import functools
from types import SimpleNamespace

import numpy as np

import tantra
from tantra.arrays import like, namespace
from tantra.attention import attention_scores
from tantra.check.exercises import CHAPTERS, chapter_of

# Every part that may be the reader's, by the exercise's name: what it does in the model.  Each may
# call those above it.
WORK = {
    "softmax": "scores to probabilities",
    "log_softmax": "the loss",
    "causal_mask": "who may look at whom",
    "scaled_dot_product_attention": "the averages of the values",
    "split_heads": "features to heads",
    "rotate": "queries and keys rotated",
    "layer_norm": "before each part, at the end",
    "gelu": "the nonlinearity",
    "feed_forward": "expand, nonlinearity, compress",
    "swiglu": "expand twice, open, compress",
    "pre_norm_block": "the two lines of a block",
    "language_model": "from words to logits",
}


def work(config):
    """Those of WORK that a model of this config needs."""
    without = {"gelu", "feed_forward"} if config.feed_forward == "swiglu" else {"swiglu"}
    without |= set() if "rotary" in config.positions else {"rotate"}
    return {name: what for name, what in WORK.items() if name not in without}


def complete(own):
    """All the parts by name: own's, and the library's for the rest."""
    part = SimpleNamespace(
        softmax=tantra.softmax,
        log_softmax=tantra.log_softmax,
        causal_mask=tantra.causal_mask,
        split_heads=tantra.split_heads,
        rotate=tantra.rotate,
        layer_norm=tantra.layer_norm,
        gelu=tantra.gelu,
        scaled_dot_product_attention=lambda q, k, v, mask=None: _attend(part, q, k, v, mask),
        feed_forward=lambda x, w_1, b_1, w_2, b_2: part.gelu(x @ w_1 + b_1) @ w_2 + b_2,
        swiglu=lambda x, w_gate, w_up, w_down: (tantra.silu(x @ w_gate) * (x @ w_up)) @ w_down,
        pre_norm_block=_pre_norm_block,
        language_model=_language_model,
    )
    part.__dict__.update(own)
    return part


def _attend(part, q, k, v, mask):
    weights = part.softmax(attention_scores(q, k, mask))
    return weights @ v, weights


def _pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    x = x + attention(norm_1(x))
    return x + feed_forward(norm_2(x))


def _language_model(tokens, table, positions, blocks, norm):
    x = table[tokens] + positions[: tokens.shape[-1]]
    for block in blocks:
        x = block(x)
    return norm(x) @ table.T


def logits(tokens, weights, config, part):
    """The whole model as a function of its weights, by their names in a GPT, and of its parts.

    tokens (B, T)  ->  (B, T, V)
    """
    blocks = [
        _block(below(weights, f"blocks.{i}."), config, part) for i in range(config.num_layers)
    ]
    table, positions = weights["token_embedding.weight"], weights["positions.weight"]
    return part.language_model(tokens, table, positions, blocks, norm_of(weights, "norm", part))


def loss(logits, tokens, part):
    """The mean of minus the log-probability of each next token; logits of all but the last.

    logits (B, T-1, V)   tokens (B, T)  ->  ()
    """
    log_p = part.log_softmax(logits)
    row, column = np.indices(tokens[..., 1:].shape)
    return -log_p[row, column, tokens[..., 1:]].mean()


def arrays(gpt, tokens):
    """The weights of a GPT by name, as NumPy float64 where the tokens are NumPy's."""
    weights = gpt.state_dict(keep_vars=True)
    if namespace(tokens) is np:
        return {name: w.detach().cpu().double().numpy() for name, w in weights.items()}
    return weights


def _block(weights, config, part):
    def attention(x):
        places = namespace(x).arange(x.shape[-2], device=x.device)
        mask = part.causal_mask(places, places)
        q, k, v = (
            part.split_heads(linear_of(x, weights, f"attention.{name}"), config.num_heads)
            for name in ("query", "key", "value")
        )
        if "rotary" in config.positions:
            angles = like(tantra.rotary_angles(x.shape[-2], config.d_head, config.rotary_base), x)
            q, k = part.rotate(q, angles), part.rotate(k, angles)
        averages, _ = part.scaled_dot_product_attention(q, k, v, mask)  # (B, H, T, K)
        return linear_of(tantra.merge_heads(averages), weights, "attention.output")

    def feed_forward(x):
        return feed_forward_of(x, weights, config, part)

    norms = norm_of(weights, "norm_1", part), norm_of(weights, "norm_2", part)
    return lambda x: part.pre_norm_block(x, attention, feed_forward, *norms)


def feed_forward_of(x, weights, config, part):
    """The network of a block whose weights these are."""
    w = below(weights, "feed_forward.")
    up, down = w["up.weight"].mT, w["down.weight"].mT
    if config.feed_forward == "swiglu":
        return part.swiglu(x, w["gate.weight"].mT, up, down)
    return part.feed_forward(x, up, _offset(w, "up"), down, _offset(w, "down"))


def linear_of(x, weights, name):
    """x W + b, by the name of a linear map."""
    return x @ weights[f"{name}.weight"].mT + _offset(weights, name)


def _offset(weights, name):
    """The bias of a map or a norm; zeros where the model has none."""
    if f"{name}.bias" in weights:
        return weights[f"{name}.bias"]
    return 0 * (
        weights[f"{name}.gain"] if f"{name}.gain" in weights else weights[f"{name}.weight"][:, 0]
    )


def norm_of(weights, name, part):
    """The norm of this name, a function of x."""
    return lambda x: part.layer_norm(x, weights[f"{name}.gain"], _offset(weights, name))


def below(weights, prefix):
    """The weights whose names begin with prefix, which is cut off."""
    found = (name for name in weights if name.startswith(prefix))
    return {name.removeprefix(prefix): weights[name] for name in found}


class PartFailed(RuntimeError):  # noqa: N818, it reads so in a notebook
    """A part that was passed, and fails inside the model."""


def named(name, function, calls):
    """function, which counts its calls and whose errors say which part it is and what to do."""

    @functools.wraps(function)
    def part(*args):
        calls[name] += 1
        try:
            return function(*args)
        except PartFailed:
            raise  # another part, which this one called
        except Exception as error:
            raise PartFailed(
                f"your {name} fails inside the model, on {_shapes(args)}: "
                f"{type(error).__name__}: {error}. Mend it in {_where(name)} and pass "
                f"check.{name} again, or leave it out: assemble(gpt, without=[{name!r}])"
            ) from error

    return part


def _shapes(args):
    shapes = [str(tuple(a.shape)) for a in args if hasattr(a, "shape")]
    return "arrays " + ", ".join(shapes) if shapes else "what it was given"


def _where(name):
    chapter = chapter_of(name)
    return f"exercises/{CHAPTERS.index(chapter):02}_{chapter}.ipynb"
