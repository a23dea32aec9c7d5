"""Beam search: keep several beginnings alive, since the likeliest first word may lead nowhere."""

import torch

from tantra.checks import check_count, check_number
from tantra.generation.prompts import read_prompts
from tantra.generation.steps import caches_for, check_stop, next_logits
from tantra.softmax import log_softmax


def beam_search(model, tokens, num_tokens, *, num_beams, length_penalty=1.0, stop=()):
    """tokens with the likeliest continuation found: num_tokens more, or up to a token of stop.

    tokens is one prompt or several (see read_prompts), each searched alone, and comes back in the
    same form.  model scores what follows, num_beams beginnings are kept alive, and length_penalty
    says how far long continuations are favoured (see beams).  Raises TypeError or ValueError for
    bad input, before any work.
    """
    rows, _, back = read_prompts(tokens, model.config.vocab_size)
    check_count(num_tokens=num_tokens)
    caches_for(model, max(map(len, rows)), num_tokens)  # refuses the longest before any work
    found = [
        beams(
            _of_row(model, number),
            row,
            num_tokens,
            num_beams=num_beams,
            length_penalty=length_penalty,
            stop=stop,
        )
        for number, row in enumerate(rows)
    ]
    return back([row + best[0][1] for row, best in zip(rows, found, strict=True)])


def beams(model, tokens, num_tokens, *, num_beams, length_penalty=1.0, stop=()):
    """The num_beams best continuations found of one prompt: (score, tokens), the best first.

    At each step every beam is continued by every token.  Those that end, by a token of stop or by
    their length, are set aside; the num_beams likeliest others go on.  A continuation of n tokens
    scores the sum of its log-probabilities divided by n ** length_penalty: 0 ranks by
    probability, which favours short ones, 1 by the mean.  Wu et al. 2016, equation 14, divide
    by ((5 + n) / 6) ** length_penalty.
    """
    (row,), _, _ = read_prompts([tokens], model.config.vocab_size)
    check_count(num_tokens=num_tokens)
    check_count(num_beams=num_beams)
    check_number(length_penalty=length_penalty)
    stop = check_stop(stop, model.config.vocab_size)
    caches = caches_for(model, len(row), num_tokens)

    fed = torch.tensor([row], device=next(model.parameters()).device)  # (beams, tokens)
    alive, ended = [(0.0, [])], []  # the sum of log-probabilities, and the tokens
    for n in range(1, num_tokens + 1):
        logits = next_logits(model, fed, caches).to("cpu", torch.float64)  # not all devices have it
        sums = log_softmax(logits)  # (beams, V)
        sums += sums.new_tensor([total for total, _ in alive])[:, None]
        ends = torch.full_like(sums, n == num_tokens, dtype=torch.bool)
        ends[:, list(stop)] = True
        for total, beam, token in _best(sums.where(ends, -torch.inf), num_beams):
            ended.append((total / n**length_penalty, [*alive[beam][1], token]))
        ended = sorted(ended, key=lambda end: -end[0])[:num_beams]
        best = _best(sums.where(~ends, -torch.inf), num_beams)
        if not best or _settled(ended, num_beams, best, (n + 1, num_tokens), length_penalty):
            break
        alive = [(total, [*alive[beam][1], token]) for total, beam, token in best]
        for cache in caches:
            cache.select([beam for _, beam, _ in best])
        fed = fed.new_tensor([[token] for _, _, token in best])
    return ended


def _of_row(model, number):
    """The model for one of several prompts: a decoder looks at that one's source."""
    return model.row(number) if hasattr(model, "row") else model


def _best(sums, count):
    """The count largest finite sums (beams, V) as (sum, beam, token), the largest first."""
    best = sums.flatten().topk(min(count, sums.numel()))
    found = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    return [(total, *divmod(i, sums.shape[-1])) for total, i in found if total > -torch.inf]


def _settled(ended, num_beams, best, lengths, length_penalty):
    """Whether no beam can still overtake: sums only fall, so the likeliest is the bound."""
    hope = max(best[0][0] / n**length_penalty for n in lengths)
    return len(ended) == num_beams and ended[-1][0] >= hope
