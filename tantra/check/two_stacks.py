"""An EncoderDecoder that runs on the reader's own passed parts, as assemble's GPT does.

model = assemble_two(EncoderDecoder(config))
model(source, target, lengths)      # logits; NumPy tokens in float64, torch's can be trained
"""

from torch import nn

import tantra
from tantra.arrays import like, namespace
from tantra.check.assembly import assemble
from tantra.check.parts import (
    arrays,
    below,
    complete,
    feed_forward_of,
    linear_of,
    norm_of,
    work,
)
from tantra.two_sequences import EncoderDecoder

# What a model must be for these parts to make it.
POSSIBLE = {
    "positions": ("sinusoidal",),
    "norm": ("layer",),
    "norm_position": ("pre",),
    "attention": ("plain",),
    "feed_forward": ("gelu", "swiglu"),
    "num_kv_heads": (None,),
    "tied": (True,),
}
UNUSED = {"log_softmax", "language_model"}


def assemble_two(model, without=()):
    """The model of an EncoderDecoder's weights and the reader's parts, else the library's.

    without names parts to take from the library although they have been passed.  Raises TypeError
    for another kind of model, and ValueError for one that has other parts.
    """
    if not isinstance(model, EncoderDecoder):
        raise TypeError(f"assemble_two makes an EncoderDecoder, not a {type(model).__name__}")
    for field, needed in POSSIBLE.items():
        if (found := getattr(model.config, field)) not in needed:
            raise ValueError(
                f"the parts of the exercises do not make a model with {field}={found!r}; "
                f"give one with {field}={' or '.join(map(repr, needed))}"
            )
    return TwoStacks(model, without)


class TwoStacks(nn.Module):
    """The model; its parameters are the EncoderDecoder's, and training one trains the other.

    source (B, S)   target (B, T)   lengths (B,)  ->  (B, T, V)

    own holds the functions that are the reader's, by name, for NumPy and for torch: those that
    hold in a small GPT.
    """

    def __init__(self, model, without):
        super().__init__()
        self.model, self.config = model, model.config
        fields = {name: getattr(model.config, name) for name in ("feed_forward", "bias")}
        small = tantra.GPTConfig(vocab_size=11, context_length=8, num_heads=2, d_model=8, **fields)
        tried = assemble(tantra.GPT(small), without)
        self.own, sides = tried.own, tried.sides.values()
        self.why = [line for side in sides for line in side.why.values()]

    def forward(self, source, target, lengths=None):
        part = complete(self.own[namespace(source)])
        return logits(source, target, arrays(self.model, source), self.config, part, lengths)

    def __repr__(self):
        kinds = {kind.__name__: own for kind, own in self.own.items()}
        rows = [f"{'part':30}" + "".join(f"in {kind:10}" for kind in kinds)]
        for name in (name for name in work(self.config) if name not in UNUSED):
            whose = ("yours" if name in own else "library" for own in kinds.values())
            rows.append(f"{name:30}" + "".join(f"{who:13}" for who in whose))
        return "\n".join(row.rstrip() for row in [*rows, *self.why])


def logits(source, target, weights, config, part, lengths=None):
    """The whole model as a function of its weights, by their names, and of its parts.

    source (B, S)   target (B, T)   lengths (B,)  ->  (B, T, V)
    """
    xp, mask = namespace(source), None
    if lengths is not None:
        mask = tantra.padding_mask(lengths, source.shape[-1])

    def attend(x, context, w, name, mask):
        q = part.split_heads(linear_of(x, w, f"{name}.query"), config.num_heads)
        k = part.split_heads(linear_of(context, w, f"{name}.key"), config.num_heads)
        v = part.split_heads(linear_of(context, w, f"{name}.value"), config.num_heads)
        averages, _ = part.scaled_dot_product_attention(q, k, v, mask)
        return linear_of(tantra.merge_heads(averages), w, f"{name}.output")

    def encoder_block(x, w):
        return part.pre_norm_block(
            x,
            lambda n: attend(n, n, w, "attention", mask),
            lambda n: feed_forward_of(n, w, config, part),
            norm_of(w, "norm_1", part),
            norm_of(w, "norm_2", part),
        )

    def decoder_block(x, w):
        places = xp.arange(x.shape[-2], device=x.device)
        n = norm_of(w, "norm_1", part)(x)
        x = x + attend(n, n, w, "attention", part.causal_mask(places, places))
        return part.pre_norm_block(
            x,
            lambda n: attend(n, memory, w, "cross_attention", mask),
            lambda n: feed_forward_of(n, w, config, part),
            norm_of(w, "norm_2", part),
            norm_of(w, "norm_3", part),
        )

    memory = _embedded(source, weights["source_embedding.weight"])
    for i in range(config.encoder_layers or config.num_layers):
        memory = encoder_block(memory, below(weights, f"encoder.{i}."))
    memory = norm_of(weights, "encoder_norm", part)(memory)
    x = _embedded(target, weights["target_embedding.weight"])
    for i in range(config.num_layers):
        x = decoder_block(x, below(weights, f"decoder.{i}."))
    return norm_of(weights, "norm", part)(x) @ weights["unembedding.weight"].mT


def _embedded(tokens, table):
    x = table[tokens] * table.shape[-1] ** 0.5
    return x + like(tantra.sinusoidal_positions(*x.shape[-2:]), x)
