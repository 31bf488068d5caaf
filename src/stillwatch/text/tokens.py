"""UTF-8 bytes -> token hashes, without making a string: case, accents, punctuation and digits are folded away."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.hashing import MULTIPLIER, mix
from stillwatch.text.jit import compiled
from stillwatch.text.letters import DIGIT, FOLD, GAP, SKIP, SOLO, TABLE, high

#: What stands beside a token's hash: its letters (at most LETTERS), a bit for scripts without spaces, one for line starts.
LETTERS: Final = 63
ALONE: Final = 64
LINE: Final = 128

NUMBER: Final = mix(np.uint64(DIGIT))  # the hash of every number
_LINE_FEED: Final = 10
_high = compiled(high)


@compiled
def decode(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Code point of the multi-byte sequence at ``at`` and its length; a byte that begins none is a gap of length 1."""
    lead = int(data[at])
    if 0xC2 <= lead < 0xE0 and at + 1 < end:
        return (lead & 0x1F) << 6 | (data[at + 1] & 0x3F), 2
    if 0xE0 <= lead < 0xF0 and at + 2 < end:
        return (lead & 0x0F) << 12 | (data[at + 1] & 0x3F) << 6 | (data[at + 2] & 0x3F), 3
    if 0xF0 <= lead < 0xF5 and at + 3 < end:
        tail = (data[at + 1] & 0x3F) << 12 | (data[at + 2] & 0x3F) << 6 | (data[at + 3] & 0x3F)
        return (lead & 0x07) << 18 | tail, 4
    return 0x20, 1


@compiled
def tokenise(
    data: NDArray[np.uint8], start: int, end: int, tokens: NDArray[np.uint64], marks: NDArray[np.uint8]
) -> int:
    """Write the token hashes and marks of ``data[start:end]`` and return their number.

    A run of letters is one token; numbers that stand together (``3.14``, ``2026-11-21``) are one and the same token.
    ``tokens`` and ``marks`` must hold one more item than there are bytes.
    """
    count = letters = 0
    number = False  # the last token is a number
    mark = LINE
    word = MULTIPLIER
    at = start
    while at <= end:
        step = 1
        value = np.uint32(GAP)
        if at < end:
            byte = data[at]
            if byte < 0x80:
                value = FOLD[byte]
            else:
                point, step = decode(data, at, end)
                value = FOLD[point] if point < TABLE else np.uint32(_high(point))
        if value > SOLO:
            word = (word ^ np.uint64(value)) * MULTIPLIER
            letters += 1
        elif value != SKIP:
            if letters:
                tokens[count] = mix(word)
                marks[count] = min(letters, LETTERS) | mark
                count += 1
                letters = mark = 0
                word = MULTIPLIER
                number = False
            if value == DIGIT:
                if not number:
                    tokens[count] = NUMBER
                    marks[count] = mark
                    count += 1
                    mark = 0
                    number = True
            elif value == SOLO:
                tokens[count] = mix(np.uint64(point))
                marks[count] = 1 | ALONE | mark
                count += 1
                mark = 0
                number = False
            elif at < end and data[at] == _LINE_FEED:
                mark = LINE
        at += step
    return count


@compiled
def count_words(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Number of tokens that ``tokenise`` would write."""
    count = 0
    inside = number = False
    at = start
    while at < end:
        step = 1
        byte = data[at]
        if byte < 0x80:
            value = FOLD[byte]
        else:
            point, step = decode(data, at, end)
            value = FOLD[point] if point < TABLE else np.uint32(_high(point))
        if value > SOLO:
            count += not inside
            inside = True
            number = False
        elif value != SKIP:
            inside = False
            if value == DIGIT:
                count += not number
                number = True
            elif value == SOLO:
                count += 1
                number = False
        at += step
    return count
