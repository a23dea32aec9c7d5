"""The Transformer as a table: its parts, where each stands, and what each chapter is about.

draw_map and progress draw from these tables alone: ONE_STACK is the model of most chapters,
TWO_STACKS that of 2017.  A new chapter is one more row of CHAPTERS.
"""

from typing import NamedTuple

WIDTH, HEIGHT = 396, 560


class Part(NamedTuple):
    """A box: its label, the chapter whose exercises fill it, its place, and how it is drawn."""

    label: str
    chapter: str
    x: int
    y: int
    width: int
    height: int = 26
    kind: str = "box"  # or "frame", whose label stands at its top, or "pill"
    counts: bool = True  # whether its label takes the chapter's tally


PARTS = {  # a frame comes before what it holds
    "block": Part("block, L times", "transformer", 18, 132, 364, 314, "frame", counts=False),
    "heads": Part("heads", "heads", 132, 272, 244, 112, "frame"),
    "attending": Part("attention", "attention", 138, 294, 232, 52, "frame"),
    "scores": Part("scores", "attention", 144, 314, 76, counts=False),
    "weights": Part("softmax", "softmax", 228, 314, 64, counts=False),
    "average": Part("average", "attention", 300, 314, 64, counts=False),
    "query": Part("query", "query_key_value", 144, 353, 44, 24, counts=False),
    "key": Part("key", "query_key_value", 190, 353, 30, 24, counts=False),
    "value": Part("value", "query_key_value", 300, 353, 64, 24, counts=False),
    "norm_1": Part("layer norm", "layer_norm", 132, 396, 244),
    "norm_2": Part("layer norm", "layer_norm", 132, 202, 244),
    "feed_forward": Part("feed-forward", "feed_forward", 132, 164, 244),
    "residual": Part("residual", "residual", 26, 321, 100, kind="pill"),
    "tokens": Part("tokens (T,)", "transformer", 24, 526, 104, counts=False),
    "embedding": Part("embedding", "transformer", 24, 484, 104, counts=False),
    "positions": Part("positions", "positions", 148, 451, 112),
    "norm": Part("norm", "layer_norm", 24, 92, 104, counts=False),
    "logits": Part("logits (T, V)", "transformer", 24, 50, 104, counts=False),
    "softmax": Part("softmax", "softmax", 148, 50, 92),
    "next": Part("next token", "generation", 260, 50, 100, counts=False),
    "loss": Part("loss", "training", 148, 8, 92),
    "append": Part("append", "generation", 148, 526, 112, kind="pill"),
}

WIRES = {  # where the numbers flow, corner by corner, with an arrow at each end
    "stream": [
        [(76, 484), (76, 473)],
        [(76, 455), (76, 347)],
        [(76, 321), (76, 271)],
        [(76, 253), (76, 163)],
        [(76, 145), (76, 118)],
    ],
    "places": [[(148, 464), (85, 464)]],
    "into_attention": [[(76, 434), (254, 434), (254, 422)], [(254, 396), (254, 384)]],
    "out_of_attention": [[(254, 272), (254, 262), (85, 262)]],
    "into_feed_forward": [[(76, 240), (254, 240), (254, 228)], [(254, 202), (254, 190)]],
    "out_of_feed_forward": [[(254, 164), (254, 154), (85, 154)]],
    "looks": [[(166, 353), (166, 340)], [(205, 353), (205, 340)], [(220, 327), (228, 327)]],
    "mixes": [[(292, 327), (300, 327)], [(332, 353), (332, 340)]],
    "ends": [
        [(76, 526), (76, 510)],
        [(76, 92), (76, 76)],
    ],
    "predicts": [[(128, 63), (148, 63)], [(240, 63), (260, 63)]],
    "measured": [[(194, 50), (194, 34)]],
    "back": [[(148, 21), (9, 21), (9, 497), (24, 497)]],
    "again": [[(360, 63), (389, 63), (389, 539), (260, 539)], [(148, 539), (128, 539)]],
}
DASHED = ("back",)  # no numbers of the model: the gradient
SUMS = {"sum_0": (76, 464), "sum_1": (76, 262), "sum_2": (76, 154)}
NOTES = ((248, 26, "beside the true token"), (18, 14, "the gradient"), (136, 502, "x (T, D)"))

ATTENTION = ("attending", "scores", "weights", "average", "looks", "mixes")
TRIAD = ("query", "key", "value")
LOOP = ("softmax", "predicts", "next", "append", "again")
ENDS = ("tokens", "embedding", "positions", "places", "sum_0", "norm", "logits", "ends")
STREAM = ("residual", "stream", "sum_1", "sum_2", "out_of_attention", "out_of_feed_forward")
BRANCHES = ("norm_1", "norm_2", "heads", "feed_forward", "into_attention", "into_feed_forward")
MODEL = (*ENDS, "block", *STREAM, *BRANCHES, *ATTENTION, *TRIAD)

# what the label of "query" leaves no room for, when a drawing counts
TALLIES = {"query_key_value": (260, 370)}


class Table(NamedTuple):
    """All that a drawing shows, as PARTS, WIRES, SUMS and NOTES do."""

    parts: dict
    wires: dict
    sums: dict
    notes: tuple
    width: int
    height: int


ONE_STACK = Table(PARTS, WIRES, SUMS, NOTES, WIDTH, HEIGHT)

TWO_STACKS = Table(
    parts={
        "encoder": Part("encoder, L times", "two_sequences", 14, 182, 178, 146, "frame"),
        "decoder": Part("decoder, L times", "two_sequences", 204, 134, 178, 194, "frame"),
        "source": Part("source (S,)", "two_sequences", 28, 386, 150),
        "source_embedding": Part("embedding", "transformer", 28, 344, 150),
        "encoder_attention": Part("attention", "attention", 28, 256, 150),
        "encoder_feed_forward": Part("feed-forward", "feed_forward", 28, 208, 150),
        "memory": Part("memory (S, D)", "two_sequences", 28, 134, 150),
        "target": Part("target (T,)", "two_sequences", 218, 386, 150),
        "embedding": Part("embedding", "transformer", 218, 344, 150),
        "causal_attention": Part("causal attention", "attention", 218, 256, 150),
        "cross_attention": Part("cross-attention", "two_sequences", 218, 208, 150),
        "feed_forward": Part("feed-forward", "feed_forward", 218, 160, 150),
        "logits": Part("logits (T, V)", "transformer", 218, 92, 150),
        "softmax": Part("softmax", "softmax", 218, 50, 150),
        "next": Part("next token", "generation", 218, 8, 150),
    },
    wires={
        "encodes": [
            [(103, 386), (103, 370)],
            [(103, 344), (103, 282)],
            [(103, 256), (103, 234)],
            [(103, 208), (103, 160)],
        ],
        "remembered": [[(178, 147), (198, 147), (198, 221), (218, 221)]],
        "decodes": [
            [(293, 386), (293, 370)],
            [(293, 344), (293, 282)],
            [(293, 256), (293, 234)],
            [(293, 208), (293, 186)],
            [(293, 160), (293, 118)],
            [(293, 92), (293, 76)],
            [(293, 50), (293, 34)],
        ],
    },
    sums={},
    notes=((112, 176, "keys, values"),),
    width=WIDTH,
    height=420,
)


class Chapter(NamedTuple):
    """A chapter: its title, what goes into its part, what comes out of it, and what is lit."""

    title: str
    takes: str
    gives: str
    lit: tuple[str, ...]
    table: Table = ONE_STACK


CHAPTERS = {
    "begin": Chapter(
        "What a Transformer takes and gives",
        "tokens (T,)",
        "a probability for each token",
        ("tokens", "softmax", "predicts", "next"),
    ),
    "query_key_value": Chapter(
        "Query, key, value", "x (T, D)", "a query, a key and a value for each token", TRIAD
    ),
    "softmax": Chapter(
        "Softmax", "scores (..., T, S)", "weights (..., T, S)", ("weights", "softmax")
    ),
    "attention": Chapter(
        "Attention",
        "q (..., T, K), k (..., S, K), v (..., S, K)",
        "averages (..., T, K)",
        ATTENTION,
    ),
    "heads": Chapter("Heads", "x (..., T, D)", "x (..., T, D)", ("heads", *ATTENTION, *TRIAD)),
    "positions": Chapter(
        "Positions", "x (..., T, D)", "x (..., T, D)", ("positions", "places", "sum_0")
    ),
    "layer_norm": Chapter(
        "Layer norm", "x (..., T, D)", "x (..., T, D)", ("norm", "norm_1", "norm_2")
    ),
    "feed_forward": Chapter("Feed-forward", "x (..., T, D)", "x (..., T, D)", ("feed_forward",)),
    "residual": Chapter("Residual", "x (..., T, D)", "x + f(norm(x)) (..., T, D)", STREAM),
    "transformer": Chapter("Transformer", "tokens (B, T)", "logits (B, T, V)", MODEL),
    "training": Chapter(
        "Training",
        "logits (B, T, V), true tokens (B, T)",
        "loss () and a gradient for every weight",
        ("softmax", "measured", "loss", "back"),
    ),
    "generation": Chapter("Generation", "tokens (B, T)", "tokens (B, T+1)", LOOP),
    "rewrites": Chapter(
        "Rewrites",
        "x (..., T, D)",
        "the same x (..., T, D), by another way",
        ("heads", *ATTENTION, *TRIAD),
    ),
    "gpt2": Chapter(
        "GPT-2", "tokens (B, T)", "logits (B, T, V), by given weights", (*MODEL, *LOOP)
    ),
    "verse": Chapter("Verse", "sounds (T,)", "a verse, sound by sound", ("tokens", "block", *LOOP)),
    "inside": Chapter(
        "Inside",
        "one head's averages (B, T, K)",
        "what is lost without it",
        ("heads", "average", "residual", "stream", "logits"),
    ),
    "speed": Chapter(
        "Speed",
        "shapes such as (B, T, D)",
        "operations, bytes and the least time",
        ("feed_forward", "scores", "average", *TRIAD, "logits"),
    ),
    "two_sequences": Chapter(
        "Two sequences",
        "source (B, S), target (B, T)",
        "logits (B, T, V)",
        ("encoder", "memory", "remembered", "decoder", "cross_attention"),
        TWO_STACKS,
    ),
}

LETTERS = {
    "B": "batch",
    "T": "tokens",
    "S": "tokens looked at",
    "D": "features of a token",
    "K": "features of a head",
    "V": "vocabulary",
}
