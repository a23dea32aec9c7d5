"""A GPT that runs on the reader's own passed parts.

    model = assemble(gpt)       # whose part is whose: the table that it shows
    model(tokens)               # logits; NumPy tokens run in float64, torch's can be trained

What has not been passed is taken from the library, and so is, on torch, a part that works on NumPy
only.  The model is written once, as a function of its parts; the kind of the tokens decides which
arrays flow through it.
"""

import copy
import warnings
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

import tantra
from tantra.arrays import like, namespace, one_of
from tantra.attention import attention_scores
from tantra.check import progress
from tantra.check.exercises import CHAPTERS, chapter_of

# Every part that may be the reader's, by the exercise's name: what it does in the model.
WORK = {
    "softmax": "scores to shares",
    "log_softmax": "the loss",
    "causal_mask": "who may look at whom",
    "scaled_dot_product_attention": "the averages of the values",
    "split_heads": "features to heads",
    "rotate": "queries and keys turned by their positions",
    "layer_norm": "before each part, and at the end",
    "gelu": "the bend",
    "feed_forward": "expand, bend, compress",
    "swiglu": "expand twice, open, compress",
    "pre_norm_block": "the two lines of a block",
    "language_model": "from words to logits",
}


# What a model must be for these parts to make it.
POSSIBLE = {
    "positions": ("learned", "learned+rotary"),
    "norm": ("layer",),
    "norm_position": ("pre",),
    "feed_forward": ("gelu", "swiglu"),
    "num_kv_heads": (None,),
    "tied": (True,),
}


def work(config):
    """Those of WORK that a model of this config needs."""
    without = {"gelu", "feed_forward"} if config.feed_forward == "swiglu" else {"swiglu"}
    without |= set() if "rotary" in config.positions else {"rotate"}
    return {name: what for name, what in WORK.items() if name not in without}


def assemble(gpt, without=()):
    """The model of gpt's weights and the reader's parts, the library's where there is none.

    without names parts to take from the library although they have been passed.  Raises
    ValueError for a gpt that has other parts.
    """
    _check(gpt.config)
    without = [without] if isinstance(without, str) else without
    for name in without:
        one_of(WORK, "a part", name)
    own, reasons = {}, []
    for name in work(gpt.config).keys() & progress.passed().keys() - set(without):
        try:
            own[name] = _named(name, progress.mine(name))
        except LookupError as error:
            reasons.append(str(error))
    return Assembly(gpt, own, reasons)


def _check(config):
    possible = POSSIBLE | ({"bias": (False,)} if config.feed_forward == "swiglu" else {})
    for field, needed in possible.items():
        if (found := getattr(config, field)) not in needed:
            raise ValueError(
                f"the parts of the exercises do not make a model with {field}={found!r}; "
                f"give one with {field}={' or '.join(map(repr, needed))}"
            )


class Assembly(nn.Module):
    """The model; its parameters are gpt's, and training one trains the other.

    tokens (B, T)  ->  (B, T, V)

    own holds the reader's functions by name, reasons why passed parts are not among them.
    """

    def __init__(self, gpt, own, reasons=()):
        super().__init__()
        self.gpt, self.config = gpt, gpt.config
        self.reasons = reasons
        in_torch = {name: part for name, part in own.items() if _runs_on_torch(name, part)}
        self.own = {np: own, torch: in_torch}

    def forward(self, tokens):
        """Logits; of NumPy tokens in float64, of torch's in the type of the weights."""
        if (length := tokens.shape[-1]) > (limit := self.config.context_length):
            raise ValueError(f"{length} tokens, but the model sees {limit}: give the last {limit}")
        weights = self.gpt.state_dict(keep_vars=True)
        if namespace(tokens) is np:
            weights = {name: w.detach().cpu().double().numpy() for name, w in weights.items()}
        return logits(tokens, weights, self.config, self._parts(tokens))

    def loss(self, tokens):
        """The mean of minus the log-share of each next token."""
        log_p = self._parts(tokens).log_softmax(self(tokens[..., :-1]))  # (B, T-1, V)
        row, column = np.indices(tokens[..., 1:].shape)
        return -log_p[row, column, tokens[..., 1:]].mean()

    def generate(self, tokens, count, rng):
        """tokens and count more, each drawn by rng from the shares of the last position.

        tokens (T,)  ->  (T + count,)
        """
        tokens = np.asarray(tokens)
        for _ in range(count):
            seen = tokens[None, -self.config.context_length :]
            shares = self._parts(tokens).softmax(self(seen)[0, -1])
            tokens = np.append(tokens, rng.choice(len(shares), p=shares))
        return tokens

    def _parts(self, tokens):
        return parts(self.own[namespace(tokens)])

    def __repr__(self):
        rows = work(self.config)
        width = max(map(len, rows))
        head = f"{'part':{width}}  in NumPy  in torch  what it does"
        rows = [
            f"{name:{width}}  {self._whose(name, np):8}  {self._whose(name, torch):8}  {what}"
            for name, what in rows.items()
        ]
        return "\n".join([head, *rows, *sorted(self.reasons)])

    def _whose(self, name, kind):
        return "yours" if name in self.own[kind] else "library"


def parts(own):
    """All the parts by name: own's, and the library's for the rest."""
    part = SimpleNamespace(
        softmax=tantra.softmax,
        log_softmax=tantra.log_softmax,
        causal_mask=tantra.causal_mask,
        split_heads=tantra.split_heads,
        rotate=tantra.rotate,
        layer_norm=tantra.layer_norm,
        gelu=tantra.gelu,
        scaled_dot_product_attention=lambda *qkvm: _attend(part, *qkvm),
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
        _block(_below(weights, f"blocks.{i}."), config, part) for i in range(config.num_layers)
    ]
    table, positions = weights["token_embedding.weight"], weights["positions.weight"]
    return part.language_model(tokens, table, positions, blocks, _norm(weights, "norm", part))


def _block(weights, config, part):
    def attention(x):
        places = namespace(x).arange(x.shape[-2], device=x.device)
        mask = part.causal_mask(places, places)
        q, k, v = (
            part.split_heads(_linear(x, weights, f"attention.{name}"), config.num_heads)
            for name in ("query", "key", "value")
        )
        if "rotary" in config.positions:
            angles = like(tantra.rotary_angles(x.shape[-2], config.d_head), x)
            q, k = part.rotate(q, angles), part.rotate(k, angles)
        averages, _ = part.scaled_dot_product_attention(q, k, v, mask)  # (B, H, T, K)
        return _linear(tantra.merge_heads(averages), weights, "attention.output")

    def feed_forward(x):
        w = _below(weights, "feed_forward.")
        up, down = w["up.weight"].mT, w["down.weight"].mT
        if config.feed_forward == "swiglu":
            return part.swiglu(x, w["gate.weight"].mT, up, down)
        return part.feed_forward(x, up, _offset(w, "up"), down, _offset(w, "down"))

    norms = _norm(weights, "norm_1", part), _norm(weights, "norm_2", part)
    return lambda x: part.pre_norm_block(x, attention, feed_forward, *norms)


def _linear(x, weights, name):
    return x @ weights[f"{name}.weight"].mT + _offset(weights, name)


def _offset(weights, name):
    """The offset of a map or a norm; zeros where the model has none."""
    if f"{name}.bias" in weights:
        return weights[f"{name}.bias"]
    return 0 * (
        weights[f"{name}.gain"] if f"{name}.gain" in weights else weights[f"{name}.weight"][:, 0]
    )


def _norm(weights, name, part):
    return lambda x: part.layer_norm(x, weights[f"{name}.gain"], _offset(weights, name))


def _below(weights, prefix):
    found = (name for name in weights if name.startswith(prefix))
    return {name.removeprefix(prefix): weights[name] for name in found}


class PartFailed(RuntimeError):  # noqa: N818, it reads so in a notebook
    """A part that was passed, and fails inside the model."""


def _named(name, function):
    """function, whose errors say which part it is and what to do."""

    def part(*args):
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


def _runs_on_torch(name, part):
    """Whether a small torch model with this part has the library's logits, loss and gradients."""
    sizes = {"vocab_size": 11, "context_length": 7, "d_model": 12, "num_layers": 2, "num_heads": 3}
    kind = {"positions": "learned+rotary"} if name == "rotate" else {}
    kind |= {"feed_forward": "swiglu", "bias": False} if name == "swiglu" else {}
    config = tantra.GPTConfig(**sizes, expansion=2, **kind)
    generator = torch.Generator().manual_seed(0)
    with torch.device("cpu"):
        gpt = tantra.GPT(config, generator=generator).double()
        for weights in gpt.parameters():  # larger weights: every part shows
            weights.data += 0.2 * torch.randn(
                weights.shape, generator=generator, dtype=torch.float64
            )
        tokens = torch.randint(11, (2, 5), generator=generator)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                theirs = _trial(Assembly(copy.deepcopy(gpt), {}), tokens, {})
                ours = _trial(Assembly(gpt, {}), tokens, {name: part})
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
        except Exception:
            return False
    return True


def _trial(model, tokens, own):
    """Logits, loss and gradients of a model with these parts on torch."""
    model.own[torch] = own
    loss = model.loss(tokens)
    loss.backward()
    return [model(tokens), loss, *(w.grad for w in model.parameters())]
