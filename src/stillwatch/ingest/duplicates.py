"""Ids that occur twice. The first wins; exact, in eight to twenty bytes an id.

A 64-bit hash of each id goes into an open-addressing set. A row whose hash was there already is only a candidate:
it is set aside on disk with its id, and at the end the ids of all rows kept are compared with the candidates' as text.
The hash is keyed afresh in each run, so that nobody can make ids that collide; the outcome does not depend on the key.

Hash: eight bytes at a time through ``text.hashing.mix``.
"""

import secrets

import numpy as np
from numpy.typing import NDArray

from stillwatch.ingest.interface import Column
from stillwatch.text.hashing import mix
from stillwatch.text.jit import compiled

_FULLEST = 0.75  # share of slots in use before the set grows


@compiled
def _hash(data: NDArray[np.uint8], offsets: NDArray[np.int32], key: np.uint64, out: NDArray[np.uint64]) -> None:
    for row in range(len(out)):
        start, end = offsets[row], offsets[row + 1]
        h = mix(key ^ np.uint64(end - start))
        word, shift = np.uint64(0), np.uint64(0)
        for i in range(start, end):
            word |= np.uint64(data[i]) << shift
            shift += np.uint64(8)
            if shift == 64:
                h = mix(h ^ word) + key
                word, shift = np.uint64(0), np.uint64(0)
        h = mix(h ^ word)
        out[row] = h if h != 0 else np.uint64(1)  # 0 is an empty slot


@compiled
def _insert(slots: NDArray[np.uint64], hashes: NDArray[np.uint64], seen: NDArray[np.bool_]) -> int:
    mask = np.uint64(len(slots) - 1)
    added = 0
    for row in range(len(hashes)):
        h = hashes[row]
        at = h & mask
        while slots[at] != 0 and slots[at] != h:
            at = (at + np.uint64(1)) & mask
        seen[row] = slots[at] == h
        if not seen[row]:
            slots[at] = h
            added += 1
    return added


@compiled
def _move(old: NDArray[np.uint64], new: NDArray[np.uint64]) -> None:
    mask = np.uint64(len(new) - 1)
    for h in old:
        if h != 0:
            at = h & mask
            while new[at] != 0:
                at = (at + np.uint64(1)) & mask
            new[at] = h


def hash_ids(ids: Column, key: int) -> NDArray[np.uint64]:
    """A 64-bit hash of each id, never 0."""
    out = np.empty(len(ids), np.uint64)
    if not len(ids):
        return out
    _, offsets, data = ids.buffers()
    ends = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    _hash(np.frombuffer(data or b"", np.uint8), ends, np.uint64(key), out)
    return out


class Seen:
    """The ids of all rows so far, as hashes."""

    def __init__(self, key: int | None = None) -> None:
        self.key = secrets.randbits(64) if key is None else key
        self._slots: NDArray[np.uint64] = np.zeros(1 << 16, np.uint64)
        self._used = 0

    def add(self, ids: Column) -> NDArray[np.bool_]:
        """Whether each id was, in all likelihood, there before (or stands earlier in ``ids``); it is there now."""
        while self._used + len(ids) > _FULLEST * len(self._slots):
            larger = np.zeros(2 * len(self._slots), np.uint64)
            _move(self._slots, larger)
            self._slots = larger
        seen = np.zeros(len(ids), np.bool_)
        self._used += _insert(self._slots, hash_ids(ids, self.key), seen)
        return seen
