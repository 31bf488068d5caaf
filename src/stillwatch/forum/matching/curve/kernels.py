"""Entry points: loops over packed arrays of encoded elements and scalars, eight at a time.

Elements, scalars and the halves of hashes are rows of four 64-bit little-endian words (32 bytes). Rows are padded by
the caller to a multiple of eight. Scalars are below 2^253. Memory and branches never depend on scalars.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.forum.matching.curve.field import choose as choose_element
from stillwatch.forum.matching.curve.field import inverse, mul, negate, read, write
from stillwatch.forum.matching.curve.jit import compiled, part
from stillwatch.forum.matching.curve.lanes import WIDTH, equal, load, splat, store
from stillwatch.forum.matching.curve.ristretto import (
    Point,
    add_affine,
    add_prepared,
    decode,
    encode,
    from_words,
    map_to_point,
    neutral,
    opposite,
    prepare,
    prepare_affine,
    times16,
)

Words = NDArray[np.uint64]
DIGITS: Final = 64  # signed digits of four bits in a scalar
_HALF: Final = 8  # digits are -8 to 8: multiples 1 to 8 are tabled
_ELEMENT: Final = 320  # bytes of eight field elements
_POINT: Final = 4 * _ELEMENT
#: Bytes of eight decoded points: y+x, y-x and 2dxy of each.
DECODED: Final = 3 * _ELEMENT


@part
def columns(rows: Words, first: int, scratch: Words) -> Any:
    """Rows first to first + 7 as four vectors."""
    for lane in range(WIDTH):
        for word in range(4):
            scratch[word, lane] = rows[first + lane, word]
    address = scratch.ctypes.data
    return (load(address), load(address + 64), load(address + 128), load(address + 192))


@part
def to_rows(words: Any, rows: Words, first: int, scratch: Words) -> None:
    """Four vectors to the rows first to first + 7."""
    address = scratch.ctypes.data
    store(address, words[0])
    store(address + 64, words[1])
    store(address + 128, words[2])
    store(address + 192, words[3])
    for lane in range(WIDTH):
        for word in range(4):
            rows[first + lane, word] = scratch[word, lane]


@part
def _digits(scalars: Words, first: int, sizes: Words, signs: Words) -> None:
    """Signed digits in [-8, 8) of eight scalars as sizes and signs (1 for negative); no branch on their values."""
    for lane in range(WIDTH):
        over = np.uint64(0)
        for place in range(DIGITS):
            nibble = (scalars[first + lane, place >> 4] >> np.uint64((place & 15) << 2)) & np.uint64(15)
            nibble += over
            over = (nibble + np.uint64(8)) >> np.uint64(4)
            # A digit of 8 or more stands for itself less 16; the carry goes to the next place.
            sizes[place, lane] = (nibble ^ (np.uint64(0) - over)) + (over * np.uint64(17))
            signs[place, lane] = over


@part
def read_point(address: int) -> Point:
    """Eight points from 1280 bytes of memory."""
    return (read(address), read(address + 320), read(address + 640), read(address + 960))


@part
def write_point(address: int, p: Point) -> None:
    """Eight points to 1280 bytes of memory."""
    write(address, p[0])
    write(address + 320, p[1])
    write(address + 640, p[2])
    write(address + 960, p[3])


@part
def read_decoded(address: int) -> Any:
    """Eight decoded points, as ``add_affine`` takes them, from 960 bytes of memory."""
    return (read(address), read(address + _ELEMENT), read(address + 2 * _ELEMENT))


@compiled
def decode_all(elements: Words, points: Words, valid: NDArray[np.uint64]) -> None:
    """Decode rows once for all that is done with them: ``points`` has 15 vectors for eight rows.

    ``valid`` is 0 where an element is no encoding.
    """
    scratch = np.empty((4, WIDTH), np.uint64)
    for first in range(0, len(elements), WIDTH):
        point, mask = decode(columns(elements, first, scratch))
        store(valid.ctypes.data + first * 8, mask)
        ready, address = prepare_affine(point), points.ctypes.data + first // WIDTH * DECODED
        write(address, ready[0])
        write(address + _ELEMENT, ready[1])
        write(address + 2 * _ELEMENT, ready[2])


@part
def _choose_point(mask: Any, p: Point, q: Point) -> Point:
    return (
        choose_element(mask, p[0], q[0]),
        choose_element(mask, p[1], q[1]),
        choose_element(mask, p[2], q[2]),
        choose_element(mask, p[3], q[3]),
    )


@part
def _table(p: Point, address: int) -> None:
    """Write 1p to 8p, prepared."""
    one = prepare(p)
    write_point(address, one)
    for multiple in range(1, _HALF):
        p = add_prepared(p, one)
        write_point(address + multiple * _POINT, prepare(p))


@part
def _pick(address: int, size: Any, sign: Any) -> Point:
    """The tabled multiple of each lane's digit: every entry is read, whatever the digit."""
    found = prepare(neutral())
    for multiple in range(_HALF):
        mask = equal(size, splat(np.uint64(multiple + 1)))
        found = _choose_point(mask, read_point(address + multiple * _POINT), found)
    return signed_point(found, sign)


@part
def signed_point(p: Point, sign: Any) -> Point:
    """A prepared point, or where the sign is 1 its opposite."""
    turned = (p[1], p[0], p[2], negate(p[3]))
    return _choose_point(equal(sign, splat(np.uint64(1))), turned, p)


@part
def _times(p: Point, sizes: Words, signs: Words, table: Words) -> Point:
    """The multiples of p by the scalars of these digits."""
    address, size, sign = table.ctypes.data, sizes.ctypes.data, signs.ctypes.data
    _table(p, address)
    total = neutral()
    for step in range(DIGITS):
        place = (DIGITS - 1 - step) * 64
        total = times16(total)
        total = add_prepared(total, _pick(address, load(size + place), load(sign + place)))
    return total


@compiled
def multiply(points: Words, scalars: Words, out: Words) -> None:
    """``out`` = scalar times decoded point, row by row."""
    scratch, table = np.empty((4, WIDTH), np.uint64), np.empty((_HALF, 20, WIDTH), np.uint64)
    sizes, signs = np.empty((DIGITS, WIDTH), np.uint64), np.empty((DIGITS, WIDTH), np.uint64)
    for first in range(0, len(out), WIDTH):
        point = add_affine(neutral(), read_decoded(points.ctypes.data + first // WIDTH * DECODED))
        _digits(scalars, first, sizes, signs)
        to_rows(encode(_times(point, sizes, signs, table)), out, first, scratch)


@compiled
def fixed_table(element: Words, out: Words) -> None:
    """Write the table for multiples of one element (in all eight rows): [place, multiple - 1, y+x | y-x | 2dxy, limb].

    The eight lanes hold the multiples 1 to 8, and go from one place to the next by four doublings.
    """
    scratch, table = np.empty((4, WIDTH), np.uint64), np.empty((_HALF, 20, WIDTH), np.uint64)
    sizes, signs = np.zeros((DIGITS, WIDTH), np.uint64), np.zeros((DIGITS, WIDTH), np.uint64)
    for lane in range(WIDTH):
        sizes[0, lane] = lane + 1
    point, _ = decode(columns(element, 0, scratch))
    point = _times(point, sizes, signs, table)
    lanes = np.empty((3, 5, WIDTH), np.uint64)
    address = lanes.ctypes.data
    for place in range(DIGITS):
        x, y, z, t = point
        shrink = inverse(z)
        ready = prepare((mul(x, shrink), mul(y, shrink), shrink, mul(t, shrink)))
        write(address, ready[0])
        write(address + _ELEMENT, ready[1])
        write(address + 2 * _ELEMENT, ready[3])
        for lane in range(WIDTH):
            for part_ in range(3):
                for limb in range(5):
                    out[place, lane, part_, limb] = lanes[part_, limb, lane]
        point = times16(point)


@part
def _broadcast(table: Words, place: int, multiple: int, part_: int) -> Any:
    row = table[place, multiple, part_]
    return (splat(row[0]), splat(row[1]), splat(row[2]), splat(row[3]), splat(row[4]))


@part
def _add_fixed(total: Point, sizes: Words, signs: Words, table: Words) -> Point:
    """``total`` plus the multiples of the table's element by the scalars of these digits."""
    size, sign = sizes.ctypes.data, signs.ctypes.data
    for place in range(DIGITS):
        digit = load(size + place * 64)
        unit = neutral()
        plus, minus, product = unit[1], unit[1], unit[0]
        for multiple in range(_HALF):
            mask = equal(digit, splat(np.uint64(multiple + 1)))
            plus = choose_element(mask, _broadcast(table, place, multiple, 0), plus)
            minus = choose_element(mask, _broadcast(table, place, multiple, 1), minus)
            product = choose_element(mask, _broadcast(table, place, multiple, 2), product)
        negative = equal(load(sign + place * 64), splat(np.uint64(1)))
        turned = choose_element(negative, minus, plus)
        minus = choose_element(negative, plus, minus)
        product = choose_element(negative, negate(product), product)
        total = add_affine(total, (turned, minus, product))
    return total


@compiled
def hash_and_mask(uniform: Words, scalars: Words, table: Words, out: Words) -> None:
    """``out`` = the group element of 64 uniform bytes (two rows each), plus the scalar times the table's element."""
    scratch = np.empty((4, WIDTH), np.uint64)
    sizes, signs = np.empty((DIGITS, WIDTH), np.uint64), np.empty((DIGITS, WIDTH), np.uint64)
    halves = uniform.reshape(-1, 2, 4)
    for first in range(0, len(out), WIDTH):
        point = map_to_point(from_words(columns(halves[:, 0], first, scratch)))
        other = map_to_point(from_words(columns(halves[:, 1], first, scratch)))
        point = add_prepared(point, prepare(other))
        _digits(scalars, first, sizes, signs)
        point = _add_fixed(point, sizes, signs, table)
        to_rows(encode(point), out, first, scratch)


@compiled
def sum_and_unmask(parts: Words, scalars: Words, table: Words, out: Words) -> None:
    """``out`` = the sum over the first axis of ``parts``, decoded points, less the scalar times the table's element."""
    scratch = np.empty((4, WIDTH), np.uint64)
    sizes, signs = np.empty((DIGITS, WIDTH), np.uint64), np.empty((DIGITS, WIDTH), np.uint64)
    for first in range(0, len(out), WIDTH):
        total = neutral()
        for party in range(len(parts)):
            total = add_affine(total, read_decoded(parts[party].ctypes.data + first // WIDTH * DECODED))
        _digits(scalars, first, sizes, signs)
        total = opposite(_add_fixed(opposite(total), sizes, signs, table))
        to_rows(encode(total), out, first, scratch)
