"""The code beside each phrase is no decoration: every line runs and leaves the shape it claims."""

import ast
import math

import numpy as np
import pytest
import torch

from tantra import (
    GPT,
    GPTConfig,
    layer_norm,
    log_softmax,
    merge_heads,
    scaled_dot_product_attention,
    sinusoidal_positions,
    softmax,
    split_heads,
)
from tantra.check.inputs import gradients
from tantra.metre import half_verse, phonemes, weights
from tantra.verses import verse, verses

B, T, S, D, H, K, F, V = 2, 5, 7, 8, 2, 4, 32, 11
SIZES = {"B": B, "T": T, "S": S, "D": D, "H": H, "K": K, "F": F, "V": V}


def arrays(**shapes):
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def model():
    config = GPTConfig(
        vocab_size=V, context_length=2 * T, d_model=D, num_layers=2, num_heads=H, expansion=F / D
    )
    return GPT(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False)


def tokens(*shape):
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(1))


def of_block():
    block = model().blocks[0]
    x = torch.randn(B, T, D, generator=torch.Generator().manual_seed(2))
    return dict(x=x, norm=block.norm_1, **dict(block.named_children()))


# What each verse's lines find already there.


def begin():
    table = [[4.0, 1.0, 0.0], [8.0, 0.0, 0.0], [0.0, 2.0, 1.0]]
    shares = np.array([0.5, 0.25, 0.25])
    by_hand = [sum(s * row[i] for s, row in zip(shares, table, strict=True)) for i in range(3)]
    return {"table": table, "shares": shares, "by_hand": np.array(by_hand)}, {"S": 3, "V": 3}


def query_key_value():
    given = arrays(cards=(T, D), w_q=(D, K), w_k=(D, K), w_v=(D, V))
    given |= {"b_q": np.arange(K), "b_k": np.arange(K), "b_v": np.arange(V)}
    return given | {"softmax": softmax}, {"S": T}


def for_softmax():
    return arrays(scores=S), {}


def attention():
    return arrays(q=(T, K), k=(S, K), v=(S, V)) | {"softmax": softmax, "K": K}, {}


def heads():
    given = {"D": D, "H": H, "split_heads": split_heads, "merge_heads": merge_heads}
    given |= {"scaled_dot_product_attention": scaled_dot_product_attention}
    return given | arrays(x=(T, D), w_q=(D, D), k=(H, T, K), v=(H, T, K), w_o=(D, D)), {}


def positions():
    angles = np.arange(T)[:, None] * 10_000.0 ** -(np.arange(0, D, 2) / D)
    given = arrays(x=(T, D)) | {"table": np.zeros((T, D)), "angles": angles}
    given |= {"attend": lambda x: softmax(x @ x.mT / math.sqrt(D)) @ x}
    return given | {"order": np.array([2, 0, 1, 4, 3])}, {}


def for_layer_norm():
    return arrays(x=D, gain=D, bias=D) | {"eps": 1e-5}, {}


def with_relu(x, w_1, b_1, w_2, b_2):
    return np.maximum(x @ w_1 + b_1, 0) @ w_2 + b_2


def feed_forward():
    given = arrays(x=(T, D), w_1=(D, F), b_1=F, w_2=(F, D), b_2=D)
    return given | {"t": 2, "feed_forward": with_relu}, {}


def residual():
    given = arrays(x=(T, D), w=(D, D), g=(T, D))
    x, w, g = given.values()
    branch = (g * (1 - np.tanh(x @ w) ** 2)) @ w.T
    return given | {"f": lambda x: np.tanh(x @ w), "g_branch": branch}, {}


def transformer():
    given = arrays(table=(V, D), positions=(2 * T, D)) | {"tokens": tokens(T).numpy(), "T": T}
    one = {
        "norm": lambda x, w, name: layer_norm(x),
        "attention": lambda x, w: scaled_dot_product_attention(x, x, x)[0],
        "feed_forward": lambda x, w: np.tanh(x),
        "block": lambda x, w: x + w["weight"],
        "below": lambda w, prefix: {"weight": w[prefix + "weight"]},
        "scores": lambda tokens, w: given["table"][tokens] @ given["table"].T,
    }
    return given | one | {"w": {"blocks.0.weight": 1, "blocks.1.weight": 2}, "L": 2}, {}


def training():
    x, targets = np.eye(V)[tokens(1, T)[0].numpy()], tokens(1, T)[0].numpy()
    given = {"x": x, "weight": np.zeros((V, V)), "targets": targets, "truth": np.eye(V)[targets]}
    return given | {
        "log_softmax": log_softmax,
        "softmax": softmax,
        "T": T,
        "learning_rate": 0.1,
    }, {}


def generation():
    given = {"model": model(), "tokens": tokens(B, T), "temperature": 0.8, "softmax": softmax}
    given["logits"] = given["model"](given["tokens"])[:, -1]
    return given | {"generator": torch.Generator().manual_seed(0)}, {}


def rewrites():
    return arrays(q=(T, K), k=(S, K), bias=K) | {"softmax": softmax}, {}


def gpt2():
    checkpoint = {"h.0.attn.c_attn.weight": np.arange(3.0 * D * D).reshape(D, 3 * D)}
    given = {"checkpoint": checkpoint, "ours": {}, "positions": np.arange(T)}
    return given | {"yours": model(), "written": tokens(B, T)}, {"S": T}


def for_verse():
    sounds = phonemes(verse("verse").lines[0])
    vocabulary = sorted(set(sounds))
    line = [vocabulary.index(sound) for sound in sounds]
    given = {"vocabulary": vocabulary, "tokens": line, "weights": weights, "half_verse": half_verse}
    return given, {"T": len(line)}


def inside():
    averages = torch.from_numpy(arrays(averages=(B, H, T, K))["averages"])
    given = {"loss_without": np.float64(2.5), "full_loss": 2.0, "control_damage": 0.25}
    return given | {"averages": averages, "H": H, "h": 1}, {}


def speed():
    return {"T": T, "S": S, "K": K, "peak": 1e12, "bandwidth": 1e11}, {}


def two_sequences():
    table = arrays(table=(V, D))["table"]
    given = {"source": tokens(S).numpy(), "target": tokens(T).numpy(), "w": {"table": table}}
    given |= {"encode": lambda source, w: w["table"][source], "softmax": softmax, "K": K}
    given["decode"] = lambda target, memory, w: (w["table"][target] + memory.mean(0)) @ table.T
    given["logits"] = given["decode"](
        given["target"], given["encode"](given["source"], given["w"]), given["w"]
    )
    return given | arrays(q=(T, K), k=(S, K)), {}


GIVEN = {
    one.__name__.removeprefix("for_"): one
    for one in [
        begin, query_key_value, for_softmax, attention, heads, positions, for_layer_norm,
        feed_forward, residual, transformer, training, generation, rewrites, gpt2, for_verse,
        inside, speed, two_sequences,
    ]
}  # fmt: skip

# What must be true when all lines have run.
TRUE_AFTER = {
    "begin": lambda g: not g["again"],
    "query_key_value": lambda g: np.allclose(g["weights"].sum(-1), 1),
    "softmax": lambda g: np.allclose(g["total"], 1) and (g["powers"] > 0).all(),
    "attention": lambda g: np.array_equal(
        g["averages"], scaled_dot_product_attention(g["q"], g["k"], g["v"])[0]
    ),
    "heads": lambda g: g["K"] == K,
    "positions": lambda g: (
        np.array_equal(g["table"], sinusoidal_positions(T, D)) and abs(g["change"]).max() > 0.1
    ),
    "layer_norm": lambda g: np.allclose(
        g["scaled"] + g["bias"], layer_norm(g["x"], g["gain"], g["bias"])
    ),
    "feed_forward": lambda g: np.allclose(
        g["out"][g["t"]], with_relu(g["x"][g["t"]], *(g[n] for n in ("w_1", "b_1", "w_2", "b_2")))
    ),
    "residual": lambda g: np.allclose(
        g["g_x"], gradients(lambda x: x + torch.tanh(x @ x.new_tensor(g["w"])), g["g"], g["x"])[0]
    ),
    "training": lambda g: (
        -log_softmax(g["x"] @ g["weight"].T)[np.arange(T), g["targets"]].mean() < g["loss"]
    ),
    "generation": lambda g: torch.equal(g["tokens"][:, -1:], g["token"]),
    "rewrites": lambda g: (
        g["difference"] < 1e-12 and np.allclose(g["last"], g["weights"][-1:], rtol=1e-12)
    ),
    "gpt2": lambda g: np.array_equal(g["ours"]["query.weight"], g["query"].T),
    "verse": lambda g: g["scans"] and g["heavy"][:3] == [True, True, True],
    "inside": lambda g: g["established"],
    "speed": lambda g: g["attainable"] == g["bandwidth"] * g["intensity"],
    "two_sequences": lambda g: (
        g["target"][-1] == g["token"] and np.allclose(g["weights"].sum(-1), 1)
    ),
}


def results(code, names):
    """Run the code; the values that its targets have afterwards, or the value of an expression."""
    tree = ast.parse(code).body[0]
    exec(code, names)
    statement = tree.body[0] if isinstance(tree, ast.For) else tree
    if isinstance(statement, ast.Expr):
        return [eval(code, names)]
    target = statement.targets[0]
    is_names = isinstance(target, ast.Tuple)
    kept = [part for part in (target.elts if is_names else [target]) if ast.unparse(part) != "_"]
    return [eval(ast.unparse(part), names) for part in kept]


def claimed(shape, sizes):
    """The shape as numbers; None in front stands for any axes ("...")."""
    parts = [part.strip() for part in shape.strip("()").split(",") if part.strip()]
    return [None if p == "..." else eval(p.replace("·", "*"), dict(sizes)) for p in parts]


def fits(value, shape):
    found = list(np.shape(value))
    if None in shape:
        return found[len(found) - len(shape) + 1 :] == shape[1:]
    return found == shape


@pytest.mark.parametrize("one", verses(), ids=lambda one: one.name)
def test_every_line_runs_and_leaves_the_shape_it_claims(one):
    given, sizes = GIVEN[one.name]()
    names = {"np": np, "torch": torch, "math": math} | given
    for row in one.map:
        for value in results(row.code, names):
            assert fits(value, claimed(row.shape, SIZES | sizes)), (row, np.shape(value))
    assert TRUE_AFTER.get(one.name, lambda g: True)(names)


def test_order_cannot_be_seen_before_places_are_set():
    names = {"np": np, "math": math} | positions()[0]
    results(verse("positions").map[0].code, names)
    np.testing.assert_allclose(names["change"], 0, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "claim", "fit"),
    [
        ((2, 5), "(B, T)", True),
        ((5, 2), "(B, T)", False),
        ((3, 9, 7), "(..., S)", True),
        ((3, 9, 7), "(..., T)", False),
        ((), "()", True),
        ((1,), "()", False),
        ((8, 24), "(D, 3·D)", True),
        ((5, 4), "(T, D/2)", True),
        ((2, 6), "(B, T+1)", True),
    ],
)
def test_a_wrong_shape_would_be_seen(shape, claim, fit):
    assert fits(np.zeros(shape), claimed(claim, SIZES)) is fit
