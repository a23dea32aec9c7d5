"""Attention over long sequences: a chunk of queries meets a chunk of keys, and no more is held.

Each pair of chunks gives powers of e and their sums.  What earlier chunks gave is shrunk whenever a
larger score turns up, so that no power overflows.  The way back computes the scores once more,
chunk by chunk, from the logarithm of each row's sum.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from tantra.arrays import namespace, readable
from tantra.attention import causal_mask, check_fit, check_mask, window_mask
from tantra.checks import check_count


def chunked_attention(q, k, v, mask=None, *, causal=False, window=None, chunk=256):
    """The averages of scaled_dot_product_attention, in memory that grows with T + S, not T · S.

    q (..., T, K)   k (..., S, K)   v (..., S, D)   mask (T, S)  ->  (..., T, D)

    causal=True closes the future, window=n all keys n or more positions away; the queries are the
    last T of the S positions.  chunk of each meet at once, and chunks that nobody may look at cost
    nothing.  Half precision is summed in float32.  Raises ValueError and TypeError as
    scaled_dot_product_attention does, and ValueError where causal or window find more queries than
    keys.
    Source: Rabe and Staats 2021; Dao et al. 2022, algorithm 1 and appendix B.
    """
    check_fit(q, k, v)
    check_mask(mask, q, (*q.shape[:-1], k.shape[-2]))
    if namespace(q) is np:
        q, k, v = (torch.from_numpy(np.array(x)) for x in (q, k, v))
        mask = None if mask is None else torch.from_numpy(np.array(mask))
        return chunked_attention(q, k, v, mask, causal=causal, window=window, chunk=chunk).numpy()
    _check(q, k, v, causal, window, chunk)
    # chunk: 8 heads of 1024 to 4096 positions took 1.2 to 1.4 times as long with 512 as with 256.
    # Two heads took 1.2 at 1024, 1.0 at 2048, 0.9 at 4096 and 8192; with 128 and with 1024 never
    # less than with 256.  (One core with 2 MiB of cache, float32, forward and back.)
    meets = _Meetings(q.shape[-2], k.shape[-2], mask, causal, window, chunk)
    axes = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = (x.expand(*axes, *x.shape[-2:]) for x in (q, k, v))
    if torch.amp.is_autocast_available(q.device.type):
        with torch.autocast(q.device.type, enabled=False):  # it would round the scores
            return _Chunked.apply(q, k, v, meets)
    return _Chunked.apply(q, k, v, meets)


@dataclass(frozen=True)
class _Meetings:
    """Which queries may look at which keys, chunk by chunk."""

    num_queries: int
    num_keys: int
    mask: torch.Tensor | None
    causal: bool
    window: int | None
    chunk: int

    def __iter__(self):
        """Slices of queries and of keys, that every open pair is in just one pair of slices."""
        for start in range(0, self.num_queries, self.chunk):
            rows = slice(start, min(start + self.chunk, self.num_queries))
            first, last = self._positions(rows)
            least, most = 0, self.num_keys
            if self.window is not None:
                least, most = max(0, first - self.window + 1), min(most, last + self.window)
            if self.causal:
                most = last + 1
            for begin in range(least, most, self.chunk):
                yield rows, slice(begin, min(begin + self.chunk, most))

    def scores(self, q, k, rows, keys):
        """The scores of these rows of queries and of keys, -inf where they may not meet."""
        scores = q / math.sqrt(q.shape[-1]) @ k.mT
        for look in self._looks(rows, keys, q.device):
            scores.masked_fill_(~look, -math.inf)
        return scores

    def _looks(self, rows, keys, device):
        """The masks for these chunks; none where all may look."""
        first, last = self._positions(rows)
        places = torch.arange(first, last + 1, device=device)
        others = torch.arange(keys.start, keys.stop, device=device)
        if self.causal and keys.stop - 1 > first:
            yield causal_mask(places, others)
        farthest = max(last - keys.start, keys.stop - 1 - first)
        if self.window is not None and farthest >= self.window:
            yield window_mask(places, others, self.window)
        if self.mask is not None:
            shape = *self.mask.shape[:-2], self.num_queries, self.num_keys
            yield self.mask.expand(shape)[..., rows, keys]

    def _positions(self, rows):
        past = self.num_keys - self.num_queries
        return past + rows.start, past + rows.stop - 1


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v, meets):
        averages, log_sums = _averages(q, k, v, meets)
        if meets.mask is not None and readable(q) and (blind := int(log_sums.isneginf().sum())):
            raise ValueError(
                f"{blind} of {log_sums.numel()} queries may look nowhere, as mask, causal and "
                "window together have it; let each see at least one key, such as its own"
            )
        ctx.save_for_backward(q, k, v, averages, log_sums)
        ctx.meets = meets
        return averages

    @staticmethod
    def backward(ctx, gradient):
        if torch.is_grad_enabled():  # as create_graph=True asks
            raise NotImplementedError(
                "chunked_attention has no second derivative; where you need one, take "
                "scaled_dot_product_attention"
            )
        return *_gradients(*ctx.saved_tensors, gradient, ctx.meets), None


def _averages(q, k, v, meets):
    """The averages, and the logarithm of each row's sum of powers."""
    averages = _zeros(q, v.shape[-1])
    sums = torch.zeros_like(averages[..., :1])
    largest = torch.full_like(sums, torch.finfo(sums.dtype).min)  # finite: -inf - -inf is nan
    for rows, keys in meets:
        values = _wide(v[..., keys, :])
        scores = meets.scores(_wide(q[..., rows, :]), _wide(k[..., keys, :]), rows, keys)
        old = largest[..., rows, :]
        new = torch.maximum(old, scores.amax(dim=-1, keepdim=True))
        shrink = torch.exp(old - new)
        powers = scores.sub_(new).exp_()
        sums[..., rows, :] = sums[..., rows, :] * shrink + powers.sum(dim=-1, keepdim=True)
        averages[..., rows, :] = averages[..., rows, :] * shrink + powers @ values
        largest[..., rows, :] = new
    return averages.div_(sums).to(q.dtype), largest + sums.log()


def _gradients(q, k, v, averages, log_sums, gradient, meets):
    """The gradients by q, k and v."""
    by_q, by_k, by_v = (_zeros(x, x.shape[-1]) for x in (q, k, v))
    root = math.sqrt(q.shape[-1])
    mean = (_wide(gradient) * averages).sum(dim=-1, keepdim=True)  # Σ p·dp of a row = Σ o·do
    for rows, keys in meets:
        queries, given = _wide(q[..., rows, :]), _wide(gradient[..., rows, :])
        others, values = _wide(k[..., keys, :]), _wide(v[..., keys, :])
        scores = meets.scores(queries, others, rows, keys)
        weights = scores.sub_(log_sums[..., rows, :]).exp_()
        by_v[..., keys, :] += weights.mT @ given
        by_scores = (given @ values.mT).sub_(mean[..., rows, :]).mul_(weights)
        by_q[..., rows, :] += by_scores @ others / root
        by_k[..., keys, :] += by_scores.mT @ queries / root
    return by_q.to(q.dtype), by_k.to(k.dtype), by_v.to(v.dtype)


def _wide(x):
    """x in the type in which it is summed: half precision in float32."""
    return x.float() if x.dtype.itemsize < 4 else x


def _zeros(x, width):
    """Zeros to sum in, one row for each row of x, of this width."""
    return _wide(x[..., :0, :0]).new_zeros(*x.shape[:-1], width)


def _check(q, k, v, causal, window, chunk):
    check_count(chunk=chunk)
    if window is not None:
        check_count(window=window)
    if k.shape[-2] == 0:
        raise ValueError("there are no keys, so there is nothing to average; give at least one")
    if (causal or window is not None) and q.shape[-2] > k.shape[-2]:
        raise ValueError(
            f"{q.shape[-2]} queries and {k.shape[-2]} keys: under causal or window the queries are "
            "the last of the positions, so they cannot be more than the keys"
        )
    if not (q.is_floating_point() and q.dtype == k.dtype == v.dtype):
        raise TypeError(
            f"q is {q.dtype}, k {k.dtype}, v {v.dtype}; all three must be of one kind of "
            "floating-point numbers"
        )
