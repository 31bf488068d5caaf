"""Draws by key: every value of a simulated log is a pure function of the seed and of what it belongs to.

A session's address is drawn with the session's key, a retried prompt with the key of the prompt it retries. So a log
can be written slice by slice in bounded memory, and no slice depends on how the log was sliced. The mixer is
SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
"""

import zlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype="<u2")


def word(text: str) -> int:
    """A stable number for a salt written as a word."""
    return zlib.crc32(text.encode())


def keys(*parts: ArrayLike | str) -> Keys:
    """Mix numbers, arrays of numbers (of one length) and words into 64-bit keys; always at least one-dimensional."""
    state = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            number = word(part) if isinstance(part, str) else part
            state = state ^ np.atleast_1d(np.asarray(number)).astype(np.uint64)
            state = state + _GOLDEN
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def uniform(*parts: ArrayLike | str) -> Floats:
    """Uniform draws in [0, 1) by key."""
    return np.asarray((keys(*parts) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def below(size: ArrayLike, *parts: ArrayLike | str) -> Ints:
    """Uniform integers in [0, size) by key; ``size`` may be an array."""
    return np.asarray((uniform(*parts) * size), dtype=np.int64)


def normal(*parts: ArrayLike | str) -> Floats:
    """Standard normal draws by key (Box and Muller)."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform("radius", *parts)))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform("angle", *parts)), dtype=np.float64)


def choose(weights: Sequence[float] | Floats, *parts: ArrayLike | str) -> Ints:
    """Indices into ``weights``, drawn in proportion to them, by key."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(cumulative / cumulative[-1], uniform(*parts), side="right").astype(np.int64)


def zipf(size: int, exponent: float = 1.0) -> Floats:
    """Weights of ranks 1 to ``size`` under Zipf's law."""
    return np.asarray(np.arange(1, size + 1, dtype=np.float64) ** -exponent)


def hexes(prefix: str, *columns: Keys) -> pa.Array:
    """Strings ``prefix`` + 16 hexadecimal digits a column, e.g. identifiers."""
    body = [
        _HEX[np.ascontiguousarray(column).view(np.uint8)].view(np.uint8).reshape(len(column), 16) for column in columns
    ]
    rows = len(columns[0])
    head = np.broadcast_to(np.frombuffer(prefix.encode(), dtype=np.uint8), (rows, len(prefix)))
    data = np.ascontiguousarray(np.hstack([head, *body]))
    offsets = np.arange(rows + 1, dtype=np.int32) * data.shape[1]
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))
