"""The steps of a generation: read the prompts, score, choose, remember, until all have stopped."""

import inspect
from collections.abc import Iterator

import torch

from tantra.checks import check_count, check_known
from tantra.generation.prompts import pad_left, read_prompts
from tantra.generation.sampling import check_sampling, next_token_probabilities, penalise_repetition


def generate(model, tokens, num_tokens, **how):
    """tokens with num_tokens more at the end, or fewer where one of stop was drawn.

    model says what may follow.  tokens is one prompt or several (see read_prompts), of any lengths,
    and comes back in the same form; in a tensor or an array, a row that stopped early repeats its
    last token.  how is what stream takes: temperature, top_k, top_p, repetition_penalty, stop and
    generator.
    """
    check_known("generate", "argument", how, HOW)
    rows, _, back = read_prompts(tokens, model.config.vocab_size)
    for step in stream(model, rows, num_tokens, **how):
        for row, token in zip(rows, step, strict=True):
            row += [] if token is None else [token]
    return back(rows)


def stream(
    model,
    tokens,
    num_tokens,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    repetition_penalty=1.0,
    stop=(),
    generator=None,
) -> Iterator[int | list[int | None]]:
    """Yield, one by one, the tokens that generate adds.

    For one prompt a number each time, num_tokens in all; for several a list, None where a row has
    stopped.

    temperature 0 takes the likeliest token; top_k and top_p cut off the others (see sampling);
    repetition_penalty above 1 lowers all tokens already there, the prompt's too.  A row ends with
    the first token of stop.  generator is a torch.Generator, or one for each row: then each row
    gets what it would get alone.  Past context_length a model whose positions are distances
    (rotary, alibi, none) attends to the newest context_length positions; others raise
    ValueError, before any work, as all bad input does.
    """
    rows, alone, _ = read_prompts(tokens, model.config.vocab_size)
    check_count(num_tokens=num_tokens)
    check_sampling(temperature, top_k, top_p, repetition_penalty)
    stop = check_stop(stop, model.config.vocab_size)
    generators = _check_generator(generator, len(rows))
    caches = caches_for(model, max(map(len, rows)), num_tokens)

    def choose(logits, seen):
        if repetition_penalty != 1:
            logits = penalise_repetition(logits, seen, repetition_penalty)
        if temperature == 0:
            return logits.argmax(-1)
        return draw(next_token_probabilities(logits, temperature, top_k, top_p), generators)

    steps = _steps(model, rows, num_tokens, caches, choose, stop)
    return (token for (token,) in steps) if alone else steps


generate.__signature__ = inspect.signature(stream)  # what help and completion show
HOW = [name for name, x in inspect.signature(stream).parameters.items() if x.kind is x.KEYWORD_ONLY]


def _steps(model, rows, num_tokens, caches, choose, stop):
    """Yield the next token of each row, None where it has stopped."""
    device = next(model.parameters()).device
    tokens, padding = pad_left(rows, device)
    seen = torch.zeros(len(rows), model.config.vocab_size, dtype=torch.bool, device=device)
    for row, there in zip(rows, seen, strict=True):
        there[row] = True
    live = [True] * len(rows)
    for _ in range(num_tokens):
        logits = next_logits(model, tokens, caches, padding)
        tokens = choose(logits, seen)[:, None]  # (B, 1)
        seen.scatter_(1, tokens, True)
        step = tokens[:, 0].tolist()
        yield [token if alive else None for token, alive in zip(step, live, strict=True)]
        live = [alive and token not in stop for token, alive in zip(step, live, strict=True)]
        if not any(live):
            return


def caches_for(model, longest, num_tokens):
    """Empty caches for prompts of up to longest tokens and num_tokens more, sliding if need be."""
    length = longest + num_tokens - 1  # nothing is asked after the last token
    limit = model.config.context_length
    if length <= limit:
        return model.new_caches(length)
    if not model.can_slide:
        raise ValueError(
            f"a prompt of {longest} tokens and {num_tokens} more need {length} positions, and "
            f"{model.config.positions} positions end at context_length ({limit}): together they "
            f"may be at most {limit + 1}"
        )
    return model.new_caches(sliding=True)


@torch.no_grad()
def next_logits(model, tokens, caches, padding=None):
    """The scores (B, V) of what follows tokens (B, T), which follow what the caches remember."""
    limit = model.config.context_length
    parts = [tokens[:, :limit], *tokens[:, limit:].split(1, dim=1)]  # a full cache takes one
    for part in parts if tokens.shape[1] > limit else parts[:1]:
        logits = model(part, caches, padding=padding, last=True)[:, -1]
    if not logits.amax(-1).isfinite().all():  # nan or inf; beside others, -inf may be
        raise ValueError(
            "the model's scores are nan or infinite; look for such numbers among its weights, and "
            "for half precision, which ends early: model.float()"
        )
    return logits if logits.dtype == torch.float64 else logits.float()


def draw(probabilities, generators):
    """One token for each row, by its probabilities (B, V); each row may have its own generator."""
    rows = probabilities.split(1) if len(generators) > 1 else [probabilities]
    return torch.cat(
        [
            torch.multinomial(row.to(g.device) if g else row, 1, generator=g).to(row.device)
            for row, g in zip(rows, generators, strict=True)
        ]
    )[:, 0]


def check_stop(stop, vocab_size):
    """stop as a set; TypeError or ValueError unless it holds tokens of the vocabulary."""
    if not hasattr(stop, "__iter__") or isinstance(stop, str):
        raise TypeError(f"stop is {stop!r}; give a collection of token ids, such as ({stop!r},)")
    for token in stop:
        check_count(least=0, stop=token)
        if token >= vocab_size:
            raise ValueError(f"stop {token} is outside the vocabulary: use 0 to {vocab_size - 1}")
    return set(stop)


def _check_generator(generator, num_rows):
    generators = list(generator) if isinstance(generator, list | tuple) else [generator]
    for each in generators:
        if each is not None and not isinstance(each, torch.Generator):
            raise TypeError(f"generator is {each!r}; give a torch.Generator, or one for each row")
    if isinstance(generator, list | tuple) and len(generators) != num_rows:
        raise ValueError(f"{len(generators)} generators for {num_rows} prompts; give one for each")
    return generators
