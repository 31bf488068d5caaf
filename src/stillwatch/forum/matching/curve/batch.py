"""The kernels on arrays of any length: what the rest of private matching calls.

Elements and scalars are arrays of shape (n, 32), outputs (n, 64), all of bytes. A call runs on one thread, without the
interpreter lock; ``spread`` puts several calls on several threads.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from stillwatch.forum.matching import group
from stillwatch.forum.matching.curve import kernels, scalars, sha512, sha512_lanes, weighted
from stillwatch.forum.matching.curve.lanes import WIDTH
from stillwatch.forum.matching.errors import ElementError

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
_WINDOW: Final = ((10_000, 8), (1_000, 7), (250, 6), (0, 4))  # bits of a digit by rows, measured
_SCALAR_BITS: Final = 252
_BASE: Final = group.multiply_base((1).to_bytes(group.SIZE, "little"))
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Packed:
    """Byte strings end to end: string i is ``data[offsets[i]:offsets[i + 1]]``."""

    data: Bytes
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, values: Sequence[bytes]) -> "Packed":
        """Pack byte strings."""
        offsets = np.zeros(len(values) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=offsets[1:])
        return cls(np.frombuffer(b"".join(values), np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def part(self, first: int, last: int) -> "Packed":
        """Strings first to last - 1; the bytes are shared."""
        return Packed(self.data, self.offsets[first : last + 1])


@dataclass(frozen=True, slots=True)
class Points:
    """Elements that are decoded, once for all that is done with them: ``count`` of them, eight in 15 vectors."""

    count: int
    vectors: Words


def default_threads() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(work: Callable[[_Item], _Result], items: Iterable[_Item], threads: int) -> list[_Result]:
    """``work`` of every item, in order, on so many threads; compiled code runs without the interpreter lock."""
    if threads == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


def words(rows: Bytes) -> Words:
    """Rows of bytes as rows of four words, padded with zeros (the identity) to a multiple of eight rows."""
    padded = np.zeros((-(-len(rows) // WIDTH) * WIDTH, rows.shape[1]), np.uint8)
    padded[: len(rows)] = rows
    return padded.view("<u8").astype(np.uint64, copy=False)


def _rows(found: Words, count: int) -> Bytes:
    return found.astype("<u8", copy=False).view(np.uint8)[:count]


def refuse_identity(elements: Bytes) -> None:
    """Raise ``ElementError`` if any row is the identity, or not of 32 bytes."""
    if elements.ndim != 2 or elements.shape[1] != group.SIZE or not elements.any(axis=1).all():
        raise ElementError("the identity where an element is needed", do="Refuse the message.")


def random_scalars(count: int) -> Bytes:
    """Scalars of 252 random bits: 2^-127 away from uniform below the order, which is just above 2^252."""
    found = np.frombuffer(os.urandom(count * group.SIZE), np.uint8).reshape(count, group.SIZE).copy()
    found[:, -1] &= (1 << (_SCALAR_BITS - 8 * (group.SIZE - 1))) - 1
    return found


def decode(elements: Bytes) -> Points:
    """The points of elements.

    Raises:
        ElementError: a row is no element, or the identity.
    """
    refuse_identity(elements)
    rows = words(elements)
    vectors, valid = np.empty((len(rows) // WIDTH, 15, WIDTH), np.uint64), np.empty(len(rows), np.uint64)
    kernels.decode_all(rows, vectors, valid)
    if not valid.all():
        raise ElementError("bytes that are no element of ristretto255", do="Refuse the message.")
    return Points(len(elements), vectors)


def multiply(scalar: bytes, points: Points) -> Bytes:
    """One scalar times every element."""
    factors = np.tile(np.frombuffer(scalar, "<u8").astype(np.uint64), (len(points.vectors) * WIDTH, 1))
    products = np.empty_like(factors)
    kernels.multiply(points.vectors, factors, products)
    return _rows(products, points.count)


@lru_cache(maxsize=64)
def _table(element: bytes) -> Words:
    rows = np.frombuffer(group.check_element(element) * WIDTH, "<u8").astype(np.uint64).reshape(WIDTH, 4)
    found = np.empty((kernels.DIGITS, WIDTH, 3, 5), np.uint64)
    kernels.fixed_table(rows, found)
    return found


def _bytes(value: bytes) -> Bytes:
    return np.frombuffer(value, np.uint8)


def hash_and_mask(inputs: Packed, tag: bytes, masks: Bytes) -> Bytes:
    """HashToGroup of every input under a domain separation tag, plus its mask times the generator.

    Raises:
        ElementError: a sum is the identity, which happens once in 2^252.
    """
    factors = words(masks)
    uniform = np.zeros((len(factors), sha512.DIGEST), np.uint8)
    sha512.expand(inputs.data, inputs.offsets, _bytes(tag + bytes([len(tag)])), uniform[: len(inputs)])
    found = np.empty_like(factors)
    kernels.hash_and_mask(
        uniform.view("<u8").astype(np.uint64, copy=False).reshape(-1, 4), factors, _table(_BASE), found
    )
    elements = _rows(found, len(inputs))
    refuse_identity(elements)
    return elements


def sum_and_unmask(parts: Sequence[Points], masks: Bytes, public: bytes) -> Bytes:
    """Row by row the sum of all parts, less the mask times the public key.

    Raises:
        ElementError: a sum is the identity.
    """
    rows, factors = np.stack([part.vectors for part in parts]), words(masks)
    found = np.empty_like(factors)
    kernels.sum_and_unmask(rows, factors, _table(public), found)
    elements = _rows(found, len(masks))
    refuse_identity(elements)
    return elements


def finalize(inputs: Packed, elements: Bytes) -> Bytes:
    """The outputs, shape (n, 64), of inputs and their unmasked elements (end of Finalize of RFC 9497)."""
    out = np.empty((len(inputs), sha512.DIGEST), np.uint8)
    sha512.finalize(inputs.data, inputs.offsets, np.ascontiguousarray(elements), _bytes(b"Finalize"), out)
    return out


def keyed(key: bytes, rows: Bytes, width: int) -> Bytes:
    """The first ``width`` bytes of HMAC-SHA-512 of every row."""
    out = np.empty((len(rows), width), np.uint8)
    sha512.keyed(_bytes(key), np.ascontiguousarray(rows), out)
    return out


def hash_to_scalars(rows: Bytes, tag: bytes) -> Bytes:
    """HashToScalar of every row under a domain separation tag."""
    wide, out = np.empty((len(rows), sha512.DIGEST), np.uint8), np.empty((len(rows), 4), np.uint64)
    sha512_lanes.expand(np.ascontiguousarray(rows), _bytes(tag + bytes([len(tag)])), wide)
    scalars.reduce_wide(wide.view("<u8").astype(np.uint64, copy=False), out)
    return _rows(out, len(rows))


def weighted_sum(points: Points, weights: Bytes) -> bytes:
    """The sum of weight times element, on one thread; weights are public."""
    eight = np.empty((WIDTH, 4), np.uint64)
    window = next(bits for least, bits in _WINDOW if points.count >= least)
    weighted.weighted_sum(points.vectors, words(weights), window, eight)
    total = group.IDENTITY
    for row in eight.astype("<u8", copy=False):
        total = group.add(total, row.tobytes())
    return total


def pieces(rows: int, size: int) -> Iterator[tuple[int, int]]:
    """First and last row (exclusive) of every piece of at most ``size`` rows."""
    return ((first, min(first + size, rows)) for first in range(0, rows, size))
