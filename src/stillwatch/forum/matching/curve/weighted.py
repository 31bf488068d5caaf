"""The weighted sum of many elements, for batched proofs: Pippenger's buckets, eight independent sums in the lanes.

Its time and memory depend on the weights, which are public.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.forum.matching.curve.field import choose, negate
from stillwatch.forum.matching.curve.jit import compiled, part
from stillwatch.forum.matching.curve.kernels import DECODED, Words, read_decoded, to_rows
from stillwatch.forum.matching.curve.lanes import WIDTH, equal, load, splat, store, transpose
from stillwatch.forum.matching.curve.ristretto import add_affine, add_prepared, double, encode, neutral, prepare

_BITS: Final = 253
_BUCKET: Final = 192  # bytes of a bucket: a point, and four words that round it up to whole vectors


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
def _load_words(rows: NDArray[np.uint64], block: int) -> Any:
    """Words ``8·block`` to ``8·block + 7`` of the buckets at eight addresses, as one vector a word."""
    at = np.uint64(64 * block)
    return transpose(
        (
            load(rows[0] + at),
            load(rows[1] + at),
            load(rows[2] + at),
            load(rows[3] + at),
            load(rows[4] + at),
            load(rows[5] + at),
            load(rows[6] + at),
            load(rows[7] + at),
        )
    )


@part
def _store_words(rows: NDArray[np.uint64], block: int, words: Any) -> None:
    at = np.uint64(64 * block)
    r0, r1, r2, r3, r4, r5, r6, r7 = transpose(words)
    store(rows[0] + at, r0)
    store(rows[1] + at, r1)
    store(rows[2] + at, r2)
    store(rows[3] + at, r3)
    store(rows[4] + at, r4)
    store(rows[5] + at, r5)
    store(rows[6] + at, r6)
    store(rows[7] + at, r7)


@part
def _gather(rows: NDArray[np.uint64]) -> Any:
    """Each lane's own bucket, as one vector of points."""
    a, b, c = _load_words(rows, 0), _load_words(rows, 1), _load_words(rows, 2)
    return (
        (a[0], a[1], a[2], a[3], a[4]),
        (a[5], a[6], a[7], b[0], b[1]),
        (b[2], b[3], b[4], b[5], b[6]),
        (b[7], c[0], c[1], c[2], c[3]),
    )


@part
def _scatter(p: Any, rows: NDArray[np.uint64]) -> None:
    x, y, z, t = p
    _store_words(rows, 0, (x[0], x[1], x[2], x[3], x[4], y[0], y[1], y[2]))
    _store_words(rows, 1, (y[3], y[4], z[0], z[1], z[2], z[3], z[4], t[0]))
    _store_words(rows, 2, (t[1], t[2], t[3], t[4], t[4], t[4], t[4], t[4]))


@part
def _rows_of(buckets: Words, bucket: NDArray[np.uint64], rows: NDArray[np.uint64]) -> None:
    """The address of each lane's bucket."""
    for lane in range(WIDTH):
        place = np.uint64(lane * buckets.shape[1]) + bucket[lane]
        rows[lane] = np.uint64(buckets.ctypes.data) + place * np.uint64(_BUCKET)


@part
def _collect(buckets: Words, half: int, chosen: NDArray[np.uint64], rows: NDArray[np.uint64]) -> Any:
    """The sum of bucket b times b, b from 1 to half."""
    running, total = neutral(), neutral()
    for bucket in range(half, 0, -1):
        chosen[:] = bucket
        _rows_of(buckets, chosen, rows)
        running = add_prepared(running, prepare(_gather(rows)))
        total = add_prepared(total, prepare(running))
    return total


@part
def _signed_point(q: Any, sign: Any) -> Any:
    """A decoded point, or where the sign is 1 its opposite."""
    mask = equal(sign, splat(np.uint64(1)))
    return (choose(mask, q[1], q[0]), choose(mask, q[0], q[1]), choose(mask, negate(q[2]), q[2]))


@compiled
def weighted_sum(points: Words, weights: Words, window: int, out: Words) -> None:
    """``out`` = eight encoded elements whose sum is the sum of weight times point over all rows.

    Args:
        points: as of ``kernels.decode_all``.
        weights: as many scalars below 2^253, a multiple of eight.
        window: bits of a digit, 2 to 12; speed alone depends on it.
        out: eight rows.
    """
    count = len(weights) // WIDTH
    places = (_BITS + window) // window
    half = 1 << (window - 1)
    digits = np.empty((len(weights), places), np.int32)
    _signed(weights, window, digits)
    scratch = np.empty((4, WIDTH), np.uint64)
    buckets = np.empty((WIDTH, half + 1, _BUCKET // 8), np.uint64)  # a lane's buckets are its own
    chosen, rows, negative = np.empty(WIDTH, np.uint64), np.empty(WIDTH, np.uint64), np.empty(WIDTH, np.uint64)
    total = neutral()
    for step in range(places):
        place = places - 1 - step
        for _ in range(window):
            total = double(total)
        for bucket in range(half + 1):
            chosen[:] = bucket
            _rows_of(buckets, chosen, rows)
            _scatter(neutral(), rows)
        for group in range(count):
            for lane in range(WIDTH):
                digit = digits[group * WIDTH + lane, place]
                chosen[lane], negative[lane] = abs(digit), digit < 0
            # A digit of 0 goes to bucket 0, which is never collected.
            addend = _signed_point(read_decoded(points.ctypes.data + group * DECODED), load(negative.ctypes.data))
            _rows_of(buckets, chosen, rows)
            _scatter(add_affine(_gather(rows), addend), rows)
        total = add_prepared(total, prepare(_collect(buckets, half, chosen, rows)))
    to_rows(encode(total), out, 0, scratch)
