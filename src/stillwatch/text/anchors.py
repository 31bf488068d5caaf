"""Anchors: a few hashes by which prompts that fill one template meet, whatever the filling and the rest of the traffic.

A template leaves fixed words at the start of a prompt, at its end, around the filling, or as labels ("Question:").
So a prompt is anchored by

- its first and last 5 and 8 words,
- its frame: the first and the last label, a label being the words from the start of a line to a colon,
- a consistent sample of its inner 5-word phrases: the ``INNER`` smallest hashes, as in bottom-k sketches (Cohen and
  Kaplan, PODC 2007; Broder's MinHash is the case k = 1). Phrases at the start of a line have 16 times the chance,
  because that is where templates keep their own words.

Scripts without spaces take 8 tokens for 5 words and 16 for 8. A phrase has the same hash wherever it stands, so the
number of anchors that two prompts share says how much of their wording is the same.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.hashing import MULTIPLIER, mix
from stillwatch.text.jit import compiled, inlined
from stillwatch.text.tokens import ALONE, COLON, LINE

SHORT: Final = 5  # words in a phrase
LONG: Final = 8  # words in the longer anchors at either end
SHORT_ALONE: Final = 8
LONG_ALONE: Final = 16
LABEL: Final = 8  # words in the longest label
ONLY_LABEL: Final = 3  # words that a label needs if it is the only one
INNER: Final = 4
LINE_SHIFT: Final = np.uint64(4)  # the weight of a phrase at the start of a line, as a shift of its priority
ANCHORS: Final = 5 + INNER

#: System prompts are anchored by prefixes of 8, 16, 32 ... tokens, as prefix caches see them.
FIRST_PREFIX: Final = 8
PREFIXES: Final = 12

_NO_SHIFT: Final = np.uint64(0)
_NO_PRIORITY: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_PHRASE: Final = np.uint64(0xC2B2AE3D27D4EB4F)  # salts, so that anchors of different make never meet
_START: Final = np.uint64(0xA24BAED4963EE407)
_END: Final = np.uint64(0x9FB21C651E98DF25)
_LABEL: Final = np.uint64(0xE7037ED1A0B428DB)
_TEXT: Final = np.uint64(0xD6E8FEB86659FD93)
_POWERS: Final = tuple(np.uint64(int(MULTIPLIER) ** power % 2**64) for power in range(SHORT + 1))
_P1, _P2, _P3, _P4 = _POWERS[1:5]
_PHRASE_HEAD: Final = np.uint64(int(_PHRASE) * int(_POWERS[5]) % 2**64)


@compiled
def phrase(tokens: NDArray[np.uint64], at: int, length: int, salt: np.uint64) -> np.uint64:
    """Hash of ``length`` tokens from ``at`` on."""
    value = salt
    for index in range(at, at + length):
        value = value * MULTIPLIER + tokens[index]
    return mix(value)


@compiled
def whole(tokens: NDArray[np.uint64], count: int) -> np.uint64:
    """Hash of a whole text."""
    return phrase(tokens, 0, count, _TEXT)


@inlined
def _phrase(tokens: NDArray[np.uint64], marks: NDArray[np.uint8], at: int) -> np.uint64:
    """Hash of the short phrase that begins at ``at``."""
    if marks[at] & ALONE:
        return phrase(tokens, at, SHORT_ALONE, _PHRASE)
    # the same polynomial, its terms independent of each other: several times as fast
    head = _PHRASE_HEAD + tokens[at] * _P4 + tokens[at + 1] * _P3
    return mix(head + tokens[at + 2] * _P2 + tokens[at + 3] * _P1 + tokens[at + 4])


@compiled
def _frame(tokens: NDArray[np.uint64], marks: NDArray[np.uint8], count: int) -> np.uint64:
    """Hash of the first and the last label, or 0 if there is no label, or a single one too short to tell."""
    first = last = np.uint64(0)
    begin, labels, words = -1, 0, 0
    for at in range(count):
        if marks[at] & LINE:
            begin = at
        if marks[at] & COLON and begin >= 0:
            if at - begin < (LABEL * 2 if marks[begin] & ALONE else LABEL):
                last = phrase(tokens, begin, at + 1 - begin, _LABEL)
                words = at + 1 - begin
                if labels == 0:
                    first = last
                labels += 1
            begin = -1  # one label a line
    if labels >= 2 or words >= (ONLY_LABEL * 2 if count and marks[0] & ALONE else ONLY_LABEL):
        return mix(first * MULTIPLIER + last)
    return np.uint64(0)


@compiled
def prompt_anchors(
    tokens: NDArray[np.uint64],
    marks: NDArray[np.uint8],
    count: int,
    out: NDArray[np.uint64],
    priorities: NDArray[np.uint64],
) -> int:
    """Write the anchors of a prompt of ``count`` tokens to ``out`` (ANCHORS long) and return how many there are.

    They are distinct. ``priorities`` is scratch, INNER long.
    """
    if count == 0:
        return 0
    found = 0
    opens, closes = marks[0] & ALONE, marks[count - 1] & ALONE
    first = last = np.uint64(0)
    if count >= (SHORT_ALONE if opens else SHORT):
        first = phrase(tokens, 0, SHORT_ALONE if opens else SHORT, _PHRASE)
        out[found] = first
        found += 1
    length = SHORT_ALONE if closes else SHORT
    if count >= length:
        last = phrase(tokens, count - length, length, _PHRASE)
        if last != first:
            out[found] = last
            found += 1
    length = LONG_ALONE if opens else LONG
    if count >= length:
        out[found] = phrase(tokens, 0, length, _START)
        found += 1
    length = LONG_ALONE if closes else LONG
    if count >= length:
        out[found] = phrase(tokens, count - length, length, _END)
        found += 1
    frame = _frame(tokens, marks, count)
    if frame:
        out[found] = frame
        found += 1
    inner = out[found:]
    kept = 0
    limit = _NO_PRIORITY
    for at in range(1, count - SHORT):
        if marks[at] & ALONE and at + SHORT_ALONE > count:
            continue
        value = _phrase(tokens, marks, at)
        priority = value >> (LINE_SHIFT if marks[at] & LINE else _NO_SHIFT)
        if priority < limit and value != first and value != last:
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
