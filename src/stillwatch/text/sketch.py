"""A prompt's topic as 32 signed bytes: the cosine of two sketches estimates the cosine of the word counts behind them.

Words and pairs of neighbouring words are hashed to a few signed coordinates each (a sparse random projection:
Achlioptas, JCSS 2003; Li, Hastie and Church, KDD 2006). A word's weight grows with the logarithm of its count and with
its length: in every language the common words are the short ones (Zipf's law of abbreviation), so this stands in for an
inverse document frequency that no single prompt could know.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.hashing import MULTIPLIER, mix
from stillwatch.text.jit import compiled, inlined
from stillwatch.text.tokens import LETTERS, NUMBER

DIMENSIONS: Final = 32
SEEN: Final = 1024  # slots in which the words of one prompt are counted; later words overwrite earlier ones
_SCALE: Final = 127.0
_COORDINATES: Final = 4  # a word adds to so many coordinates, a pair to half of them


@inlined
def _add(total: NDArray[np.int32], value: np.uint64, coordinates: int, weight: int) -> None:
    for _ in range(coordinates):
        total[value & np.uint64(31)] += weight if value & np.uint64(32) else -weight
        value >>= np.uint64(6)


@inlined
def _weight(letters: int) -> int:
    if letters <= 3:
        return 1
    return 3 if letters <= 5 else 4


@compiled
def sketch(
    tokens: NDArray[np.uint64],
    marks: NDArray[np.uint8],
    count: int,
    key: np.uint64,
    stamp: np.uint64,
    seen: NDArray[np.uint64],
    counts: NDArray[np.int64],
    out: NDArray[np.int8],
) -> None:
    """Write the sketch of ``count`` tokens to ``out``; ``seen`` and ``counts`` are scratch, SEEN long.

    ``stamp`` must differ between the texts that use the same scratch, which saves wiping it.
    """
    total = np.zeros(DIMENSIONS, np.int32)
    before = np.uint64(0)
    for index in range(count):
        token = tokens[index]
        if token == NUMBER:
            continue
        slot = token & np.uint64(SEEN - 1)
        if seen[slot] != token ^ stamp:
            seen[slot] = token ^ stamp
            counts[slot] = 0
        counts[slot] += 1
        if counts[slot] & (counts[slot] - 1) == 0:  # 1st, 2nd, 4th, 8th time: one more each, as 1 + log2(count)
            _add(total, mix(token ^ key), _COORDINATES, _weight(marks[index] & LETTERS))
        if index:
            _add(total, mix(before * MULTIPLIER + token ^ key), _COORDINATES // 2, 1)
        before = token
    square = np.int64(0)
    for value in total:
        square += np.int64(value) * np.int64(value)
    scale = _SCALE / math.sqrt(square) if square else 0.0
    for coordinate in range(DIMENSIONS):
        out[coordinate] = math.floor(total[coordinate] * scale + 0.5)
