"""Anchors: a few hashes by which prompts that fill one template meet, whatever the filling and the rest of the traffic.

A template leaves fixed words at the start of a prompt, at its end, or around the filling. So a prompt is anchored by
its first and last 4 and 8 words, and by a consistent sample of its inner 4-word phrases: the ``INNER`` smallest hashes,
as in bottom-k sketches (Cohen and Kaplan, PODC 2007; Broder's MinHash is the case k = 1). Phrases near either end of
the prompt or at the start of a line have ``WEIGHT`` times the chance, because that is where templates keep their own
words while fillings stand between them. Scripts without spaces take two tokens for a word.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.hashing import MULTIPLIER, mix
from stillwatch.text.jit import compiled
from stillwatch.text.tokens import ALONE, LINE

SHORT: Final = 4  # words in a phrase, and in the shorter of the anchors at an end
LONG: Final = 8
INNER: Final = 4
EDGE: Final = 24  # tokens from either end in which a phrase counts as near it
WEIGHT_SHIFT: Final = np.uint64(2)  # a weight of 4, as a shift of the priority
ANCHORS: Final = 4 + INNER

#: System prompts are anchored by prefixes of 8, 16, 32 ... tokens, as prefix caches see them.
FIRST_PREFIX: Final = 8
PREFIXES: Final = 12

_SQUARE: Final = np.uint64(int(MULTIPLIER) ** 2 % 2**64)
_CUBE: Final = np.uint64(int(MULTIPLIER) ** 3 % 2**64)
_NO_SHIFT: Final = np.uint64(0)
_NO_PRIORITY: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_START: Final = np.uint64(0xA24BAED4963EE407)  # salts: a start never meets an end or an inner phrase
_END: Final = np.uint64(0x9FB21C651E98DF25)
_TEXT: Final = np.uint64(0xD6E8FEB86659FD93)


@compiled
def phrase(tokens: NDArray[np.uint64], at: int, length: int, salt: np.uint64) -> np.uint64:
    """Hash of ``length`` tokens from ``at`` on."""
    if length == SHORT:  # the same polynomial, its terms independent of each other: four times as fast
        high = (salt * MULTIPLIER + tokens[at]) * _CUBE + tokens[at + 1] * _SQUARE
        return mix(high + tokens[at + 2] * MULTIPLIER + tokens[at + 3])
    value = salt
    for index in range(at, at + length):
        value = value * MULTIPLIER + tokens[index]
    return mix(value)


@compiled
def whole(tokens: NDArray[np.uint64], count: int) -> np.uint64:
    """Hash of a whole text."""
    return phrase(tokens, 0, count, _TEXT)


@compiled
def prompt_anchors(
    tokens: NDArray[np.uint64],
    marks: NDArray[np.uint8],
    count: int,
    out: NDArray[np.uint64],
    priorities: NDArray[np.uint64],
) -> int:
    """Write the anchors of a prompt of ``count`` tokens to ``out`` (ANCHORS long) and return how many there are.

    ``priorities`` is scratch, INNER long.
    """
    found = 0
    for words in (SHORT, LONG):
        length = words * 2 if count and marks[0] & ALONE else words
        if count >= length:
            out[found] = phrase(tokens, 0, length, _START)
            found += 1
        length = words * 2 if count and marks[count - 1] & ALONE else words
        if count >= length:
            out[found] = phrase(tokens, count - length, length, _END)
            found += 1
    inner = out[found:]
    kept = 0
    limit = _NO_PRIORITY
    for at in range(count):
        length = SHORT * 2 if marks[at] & ALONE else SHORT
        if at + length > count:
            continue
        value = phrase(tokens, at, length, np.uint64(0))
        near = marks[at] & LINE or at < EDGE or at + length + EDGE > count
        priority = value >> (WEIGHT_SHIFT if near else _NO_SHIFT)
        if priority < limit:
            kept = _keep(value, priority, inner, priorities, kept)
            if kept == INNER:
                limit = priorities[INNER - 1]
    return found + kept


@compiled
def _keep(
    value: np.uint64, priority: np.uint64, kept: NDArray[np.uint64], priorities: NDArray[np.uint64], count: int
) -> int:
    """Insert ``value`` into the ``count`` kept ones, which are in order of priority; return their number after."""
    for index in range(count):
        if kept[index] == value:
            if priority >= priorities[index]:
                return count
            for later in range(index, count - 1):  # the same phrase in a better place
                kept[later], priorities[later] = kept[later + 1], priorities[later + 1]
            count -= 1
            break
    place = min(count, INNER - 1)
    while place > 0 and priority < priorities[place - 1]:
        kept[place], priorities[place] = kept[place - 1], priorities[place - 1]
        place -= 1
    kept[place], priorities[place] = value, priority
    return min(count + 1, INNER)


@compiled
def system_anchors(tokens: NDArray[np.uint64], count: int, out: NDArray[np.uint64]) -> int:
    """Write the hashes of the prefixes of 8, 16, 32 ... tokens to ``out`` (PREFIXES long) and return their number."""
    found, length = 0, FIRST_PREFIX
    value = _START
    for index in range(count):
        value = value * MULTIPLIER + tokens[index]
        if index + 1 == length and found < PREFIXES:
            out[found] = mix(value)
            found += 1
            length *= 2
    return found
