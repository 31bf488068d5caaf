"""Token streams and their n-grams, compiled."""

import numpy as np
from numpy.typing import NDArray

from stillwatch.lineage.views.interface import Grams, encoded
from stillwatch.text.hashing import MULTIPLIER, mix
from stillwatch.text.jit import compiled
from stillwatch.text.tokens import tokenise


def tokens(text: str) -> Grams:
    """Hashes of the words of ``text``: case, accents and punctuation folded away, every number the same."""
    data = encoded(text)
    found, marks = np.empty(len(data) + 1, np.uint64), np.empty(len(data) + 1, np.uint8)
    return found[: tokenise(data, 0, len(data), found, marks)]


@compiled
def ngrams(stream: Grams, shortest: int, longest: int) -> Grams:
    """Hashes of all runs of ``shortest`` to ``longest`` items of ``stream``, ascending, each as often as it occurs."""
    total = 0
    for length in range(shortest, longest + 1):
        total += max(0, len(stream) - length + 1)
    out = np.empty(total, np.uint64)
    filled = 0
    for length in range(shortest, longest + 1):
        for at in range(len(stream) - length + 1):
            value = np.uint64(length)
            for step in range(length):
                value = mix(value * MULTIPLIER ^ stream[at + step])
            out[filled] = value
            filled += 1
    out.sort()
    return out


@compiled
def letters(data: NDArray[np.uint8]) -> Grams:
    """Bytes in lower case, runs of white space as one space."""
    out = np.empty(len(data), np.uint64)
    filled = 0
    last = np.uint64(0)
    for byte in data:
        value = np.uint64(byte)
        if 65 <= byte <= 90:
            value = np.uint64(byte + 32)
        elif byte in (9, 10, 13):
            value = np.uint64(32)
        if value == 32 and last == 32:
            continue
        last = value
        out[filled] = value
        filled += 1
    return out[:filled]


@compiled
def classes(data: NDArray[np.uint8]) -> Grams:
    """What is no letter, as it stands; a word is ``a`` (``A`` with a capital), a number ``0``, and spaces are one."""
    out = np.empty(len(data), np.uint64)
    filled = 0
    last = np.uint64(0)
    for byte in data:
        value = np.uint64(byte)
        if 97 <= byte <= 122 or byte >= 128:
            value = np.uint64(97)
        elif 65 <= byte <= 90:
            value = np.uint64(65)
        elif 48 <= byte <= 57:
            value = np.uint64(48)
        word = value == 97 or value == 65
        if (value == last and (word or value == 48 or value == 32)) or (value == 97 and last == 65):
            continue
        last = value
        out[filled] = value
        filled += 1
    return out[:filled]


@compiled
def pieces(data: NDArray[np.uint8]) -> Grams:
    """Hashes of words as they are spelt and of single marks; a run of line breaks is one mark, other space is none."""
    out = np.empty(len(data), np.uint64)
    filled = 0
    word = np.uint64(0)
    broke = False
    for byte in data:
        inside = 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95 or byte >= 128
        if inside:
            word = mix(word * MULTIPLIER ^ np.uint64(byte))
        elif word:
            out[filled] = word
            filled += 1
            word = np.uint64(0)
        if not inside and byte != 32 and not (byte == 10 and broke):
            out[filled] = np.uint64(byte)
            filled += 1
        broke = byte == 10 or (broke and byte == 32)
    if word:
        out[filled] = word
        filled += 1
    return out[:filled]


@compiled
def kept(stream: Grams, known: Grams) -> Grams:
    """``stream`` with each run of items that ``known`` (ascending) lacks written as one and the same gap."""
    out = np.empty(len(stream), np.uint64)
    filled = 0
    gap = False
    for value in stream:
        at = np.searchsorted(known, value)
        if at < len(known) and known[at] == value:
            out[filled] = value
            filled += 1
            gap = False
        elif not gap:
            out[filled] = np.uint64(1)
            filled += 1
            gap = True
    return out[:filled]
