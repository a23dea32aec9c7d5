"""The key-value cache: a past position's keys and values never change, so compute them once."""

import torch

from tantra.checks import check_count


class KVCache:
    """The keys and values that one attention has computed so far: each (B, H, S, K).

    KVCache() grows by one copy a step, and gradients pass through it.  KVCache(length) sets aside
    a buffer for length positions at the first step and writes each next one in place; it is for
    use under torch.no_grad().  KVCache(length, sliding=True) writes on over the oldest when it is
    full, so that the newest length positions are remembered (Jiang et al. 2023, section 2).
    """

    def __init__(self, length=None, *, sliding=False):
        if length is not None:
            check_count(length=length)
        elif sliding:
            raise ValueError("a sliding cache has no length; say how many positions it remembers")
        self.length, self.sliding = length, sliding
        self.seen = 0  # positions given so far, forgotten ones included
        self.k = self.v = None  # with a length: buffers of (B, H, length, K)

    def __len__(self):
        """How many positions are remembered."""
        return self.after(0)

    def after(self, new):
        """How many positions will be remembered when new more are given."""
        total = self.seen + new
        return min(total, self.length) if self.sliding else total

    def append(self, k, v):
        """All keys and all values, these of the newest positions included.

        Raises ValueError where they do not fit what is remembered, or the buffer.
        """
        self._check(k, v)
        new = self.after(k.shape[-2])
        if self.length is None:
            self.k, self.v = _grown(self.k, k), _grown(self.v, v)
        else:
            self.k, self.v = self._write(self.k, k), self._write(self.v, v)
        self.seen += k.shape[-2]
        return self.k[..., :new, :], self.v[..., :new, :]

    def select(self, rows):
        """Go on with these rows of the batch; a row may be left out, or taken twice."""
        self.k, self.v = self.k[rows], self.v[rows]

    def _write(self, buffer, new):
        if buffer is None:
            buffer = new.new_empty(*new.shape[:-2], self.length, new.shape[-1])
        slot = self.seen % self.length
        buffer[..., slot : slot + new.shape[-2], :] = new
        return buffer

    def _check(self, k, v):
        if self.k is not None and (k.shape[:-2], k.shape[-1]) != (
            self.k.shape[:-2],
            self.k.shape[-1],
        ):
            raise ValueError(
                f"new keys {tuple(k.shape)} do not fit the remembered {tuple(self.k.shape)}; only "
                "the positions, last but one, may differ: take new caches for a new batch"
            )
        if self.length is None:
            return
        if self.seen + k.shape[-2] > self.length and not (self.sliding and k.shape[-2] == 1):
            how = "give one position at a time" if self.sliding else "make it longer"
            raise ValueError(
                f"the cache has room for {self.length} positions, and {self.seen} + "
                f"{k.shape[-2]} were given; {how}"
            )
        if torch.is_grad_enabled() and (k.requires_grad or v.requires_grad):
            raise ValueError(
                "a cache of fixed length is written in place, which gradients cannot follow; use "
                "torch.no_grad(), or KVCache() without a length"
            )


class MemoryCache:
    """The keys and values of a context that stays as it is: computed once, never more of them.

    For attention to an encoder's output.
    """

    def __init__(self):
        self.k = self.v = None  # (B, H, S, K) once they are known

    def __len__(self):
        """How many positions are remembered."""
        return self.after(0)

    def after(self, new):
        """How many positions are remembered, or will be when new are given for the first time."""
        return new if self.k is None else self.k.shape[-2]

    def append(self, k, v):
        """Keep them; they are all there will be."""
        self.k, self.v = k, v
        return k, v

    def select(self, rows):
        """Go on with these rows of the batch; a row may be left out, or taken twice."""
        self.k, self.v = self.k[rows], self.v[rows]


def held_positions(seen, length, device=None):
    """The position in each filled slot of a cache of this length that has seen so many.

    >>> held_positions(3, 4), held_positions(6, 4)
    (tensor([0, 1, 2]), tensor([4, 5, 2, 3]))
    """
    slots = torch.arange(min(seen, length), device=device)
    return seen - 1 - (seen - 1 - slots) % length  # the newest position that falls into the slot


def _grown(old, new):
    return new if old is None else torch.cat([old, new], dim=-2)
