"""Draws by key: every value of a simulated log is a pure function of the seed and of what it belongs to.

A session's address is drawn with the session's key, a retried prompt with the key of the prompt it retries. So a log
can be written slice by slice in bounded memory, and no slice depends on how the log was sliced. The mixer is
SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
"""

import zlib
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Part: TypeAlias = NDArray[Any] | int | str  # what a key is mixed from

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def word(text: str) -> int:
    """A stable number for a salt written as a word."""
    return zlib.crc32(text.encode())


def keys(*parts: Part) -> Keys:
    """Mix numbers, arrays of numbers (broadcast together) and words into 64-bit keys; at least one-dimensional."""
    state = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore", invalid="ignore"):
        for part in parts:
            number = word(part) if isinstance(part, str) else part
            state = state ^ np.atleast_1d(np.asarray(number)).astype(np.uint64)
            state = state + _GOLDEN
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def uniform(*parts: Part) -> Floats:
    """Uniform draws in [0, 1) by key."""
    return np.asarray((keys(*parts) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def below(size: NDArray[Any] | int, *parts: Part) -> Ints:
    """Uniform integers in [0, size) by key; ``size`` may be an array."""
    return np.asarray(uniform(*parts) * np.asarray(size), dtype=np.int64)


def normal(*parts: Part) -> Floats:
    """Standard normal draws by key (Box and Muller)."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform("radius", *parts)))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform("angle", *parts)), dtype=np.float64)


def exponential(*parts: Part) -> Floats:
    """Standard exponential draws by key."""
    return np.asarray(-np.log(1.0 - uniform(*parts)), dtype=np.float64)


def choose(weights: Sequence[float] | Floats, *parts: Part) -> Ints:
    """Indices into ``weights``, drawn in proportion to them, by key."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(cumulative / cumulative[-1], uniform(*parts), side="right").astype(np.int64)


def zipf(size: int, exponent: float = 1.0) -> Floats:
    """Weights of ranks 1 to ``size`` under Zipf's law."""
    return np.asarray(np.arange(1, size + 1, dtype=np.float64) ** -exponent)
