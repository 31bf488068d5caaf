"""Integers modulo L, the group's order, from 64 uniform bytes: compiled, for the public weights of a batched proof."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.forum.matching.curve.jit import compiled, part

L: Final = 2**252 + 27742317777372353535851937790883648493
_BITS: Final = 21
_MASK: Final = (1 << _BITS) - 1
_FOLDED: Final = 12  # limbs of 21 bits below 2^252


def _signed_limbs(value: int) -> list[int]:
    """Six limbs of 21 bits, the last one signed."""
    found = []
    for _ in range(6):
        low = value & _MASK
        low -= (low >> (_BITS - 1)) << _BITS
        found.append(low)
        value = (value - low) >> _BITS
    return found


# 2^252 is this modulo L.
_FOLD: Final = np.array(_signed_limbs(2**252 - L), np.int64)


@part
def _fold(s: NDArray[np.int64], limb: int) -> None:
    """Take a limb that weighs 2^252 or more down by 2^252."""
    for j in range(6):
        s[limb - _FOLDED + j] += s[limb] * _FOLD[j]
    s[limb] = 0


@part
def _settle(s: NDArray[np.int64], first: int, last: int) -> None:
    """Carry so that limbs first to last - 1 are of 21 bits."""
    for i in range(first, last):
        over = s[i] >> _BITS
        s[i + 1] += over
        s[i] -= over << _BITS


@compiled
def reduce_wide(wide: NDArray[np.uint64], out: NDArray[np.uint64]) -> None:
    """``out`` (rows of four words) = the rows of eight words, the lowest first, modulo L."""
    s = np.zeros(26, np.int64)
    for row in range(len(out)):
        s[:] = 0
        for i in range(25):
            word, shift = (i * _BITS) >> 6, (i * _BITS) & 63
            value = wide[row, word] >> np.uint64(shift)
            if shift + _BITS > 64 and word < 7:
                value |= wide[row, word + 1] << np.uint64(64 - shift)
            s[i] = np.int64(value & np.uint64(_MASK))
        for limb in range(24, 17, -1):
            _fold(s, limb)
        _settle(s, 0, 18)
        for limb in range(18, 11, -1):
            _fold(s, limb)
        for _ in range(2):
            _settle(s, 0, 12)
            _fold(s, 12)
        # Now above -2^125 and below L, which is a little more than the twelve limbs hold.
        _settle(s, 0, 12)
        if s[12] < 0:
            _fold(s, 12)
        else:
            s[11] += s[12] << _BITS
        _settle(s, 0, 11)
        _pack(s, row, out)


@part
def _pack(s: NDArray[np.int64], row: int, out: NDArray[Any]) -> None:
    for word in range(4):
        out[row, word] = 0
    for i in range(_FOLDED):
        place = i * _BITS
        word, shift = place >> 6, place & 63
        out[row, word] |= np.uint64(s[i]) << np.uint64(shift)
        if shift + _BITS > 64:
            out[row, word + 1] |= np.uint64(s[i]) >> np.uint64(64 - shift)
