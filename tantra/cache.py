"""The key-value cache: a past position's keys and values never change, so compute them once."""

import torch

from tantra.arrays import check_count


class KVCache:
    """The keys and values that one attention has computed so far: each (B, H, S, K).

    KVCache() grows by one copy a step, and gradients pass through it.  KVCache(length) sets aside
    room for length positions at the first step and writes each next one in place; it is for use
    under torch.no_grad().
    """

    def __init__(self, length=None):
        if length is not None:
            check_count(length=length)
        self.length, self.filled = length, 0
        self.k = self.v = None  # with a length: rooms of (B, H, length, K)

    def __len__(self):
        """How many positions are remembered."""
        return self.filled

    def append(self, k, v):
        """All keys and all values, these of the newest positions included.

        Raises ValueError where they do not fit what is remembered, or the room left.
        """
        self._check(k, v)
        new = self.filled + k.shape[-2]
        if self.length is None:
            self.k, self.v = _grown(self.k, k), _grown(self.v, v)
        else:
            self.k, self.v = self._write(self.k, k), self._write(self.v, v)
        self.filled = new
        return self.k[..., :new, :], self.v[..., :new, :]

    def _write(self, room, new):
        if room is None:
            room = new.new_empty(*new.shape[:-2], self.length, new.shape[-1])
        room[..., self.filled : self.filled + new.shape[-2], :] = new
        return room

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
        if self.filled + k.shape[-2] > self.length:
            raise ValueError(
                f"the cache has room for {self.length} positions, and {self.filled} + "
                f"{k.shape[-2]} were given; make it longer"
            )
        if torch.is_grad_enabled() and (k.requires_grad or v.requires_grad):
            raise ValueError(
                "a cache of fixed length is written in place, which gradients cannot follow; use "
                "torch.no_grad(), or KVCache() without a length"
            )


def _grown(old, new):
    return new if old is None else torch.cat([old, new], dim=-2)
