"""The weighted sum of many elements, for batched proofs: Pippenger's buckets, eight independent sums in the lanes.

Its time and memory depend on the weights, which are public.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.forum.matching.curve.jit import compiled, part
from stillwatch.forum.matching.curve.kernels import Words, columns, read_point, signed_point, to_rows, write_point
from stillwatch.forum.matching.curve.lanes import WIDTH, load, store
from stillwatch.forum.matching.curve.ristretto import (
    add_prepared,
    decode,
    double,
    encode,
    neutral,
    prepare,
)

_BITS: Final = 253
_POINT: Final = 20  # words of one point
_SIZE: Final = _POINT * WIDTH * 8  # bytes of eight points


@part
def _signed(weights: Words, window: int, digits: NDArray[np.int32]) -> None:
    """Digits of every weight in [-2^(window-1), 2^(window-1)], least first."""
    full, half = 1 << window, 1 << (window - 1)
    for row in range(len(weights)):
        over = 0
        for place in range(digits.shape[1]):
            bit = place * window
            word, shift = bit >> 6, bit & 63
            value = weights[row, word] >> np.uint64(shift) if word < 4 else np.uint64(0)
            if shift + window > 64 and word < 3:
                value |= weights[row, word + 1] << np.uint64(64 - shift)
            digit = np.int64(value & np.uint64(full - 1)) + over
            over = 1 if digit > half else 0
            digits[row, place] = digit - full if over else digit


@part
def _gather(buckets: Words, rows: NDArray[np.uint64], scratch: Words) -> Any:
    """Each lane's own bucket, as one vector of points."""
    for lane in range(WIDTH):
        for word in range(_POINT):
            scratch[word, lane] = buckets[rows[lane], np.uint64(word), np.uint64(lane)]
    return read_point(scratch.ctypes.data)


@part
def _scatter(p: Any, buckets: Words, rows: NDArray[np.uint64], scratch: Words) -> None:
    write_point(scratch.ctypes.data, p)
    for lane in range(WIDTH):
        for word in range(_POINT):
            buckets[rows[lane], np.uint64(word), np.uint64(lane)] = scratch[word, lane]


@part
def _collect(buckets: Words, half: int) -> Any:
    """The sum of bucket b times b, b from 1 to half."""
    running, total = neutral(), neutral()
    for bucket in range(half, 0, -1):
        running = add_prepared(running, prepare(read_point(buckets.ctypes.data + bucket * _SIZE)))
        total = add_prepared(total, prepare(running))
    return total


@compiled
def weighted_sum(elements: Words, weights: Words, window: int, out: Words, valid: NDArray[np.uint64]) -> None:
    """``out`` = eight encoded elements whose sum is the sum of weight times element over all rows.

    Args:
        elements: rows of encodings, a multiple of eight.
        weights: as many scalars below 2^253.
        window: bits of a digit, 2 to 12; speed alone depends on it.
        out: eight rows.
        valid: a word an element, 0 where it is no encoding.
    """
    count = len(elements) // WIDTH
    places = (_BITS + window) // window
    half = 1 << (window - 1)
    digits = np.empty((len(elements), places), np.int32)
    _signed(weights, window, digits)
    points = np.empty((count, _POINT, WIDTH), np.uint64)
    scratch = np.empty((4, WIDTH), np.uint64)
    for group in range(count):
        point, mask = decode(columns(elements, group * WIDTH, scratch))
        store(valid.ctypes.data + group * WIDTH * 8, mask)
        write_point(points.ctypes.data + group * _SIZE, prepare(point))
    buckets, spare = np.empty((half + 1, _POINT, WIDTH), np.uint64), np.empty((_POINT, WIDTH), np.uint64)
    rows, negative = np.empty(WIDTH, np.uint64), np.empty(WIDTH, np.uint64)
    total = neutral()
    for step in range(places):
        place = places - 1 - step
        for _ in range(window):
            total = double(total)
        for bucket in range(half + 1):
            write_point(buckets.ctypes.data + bucket * _SIZE, neutral())
        for group in range(count):
            for lane in range(WIDTH):
                digit = digits[group * WIDTH + lane, place]
                rows[lane], negative[lane] = abs(digit), digit < 0
            # A digit of 0 goes to bucket 0, which is never collected.
            addend = signed_point(read_point(points.ctypes.data + group * _SIZE), load(negative.ctypes.data))
            _scatter(add_prepared(_gather(buckets, rows, spare), addend), buckets, rows, spare)
        total = add_prepared(total, prepare(_collect(buckets, half)))
    to_rows(encode(total), out, 0, scratch)
