"""UTF-8 bytes -> token hashes, without making a string: case, accents, punctuation and digits are folded away."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.hashing import MULTIPLIER, mix
from stillwatch.text.jit import compiled, inlined
from stillwatch.text.letters import DIGIT, FOLD, SKIP, SOLO, TABLE, high

#: What stands beside a token's hash: its letters (at most LETTERS), and bits for a colon behind it, for a token of a
#: script without spaces, and for the first token of a line.
LETTERS: Final = 31
COLON: Final = 32
ALONE: Final = 64
LINE: Final = 128

NUMBER: Final = mix(np.uint64(DIGIT))  # the hash of every number
_LINE_FEED: Final = ord("\n")
_COLON: Final = ord(":")
_WIDE_COLON: Final = 0xFF1A
_EIGHT: Final = 8
_BYTES: Final = np.uint64(0x0101010101010101)  # one in each of eight bytes
_HIGHS: Final = _BYTES << np.uint64(7)
_LOWER: Final = _BYTES << np.uint64(5)
_FROM_A: Final = _BYTES * np.uint64(0x80 - ord("a"))  # carries into the high bit from "a" on
_PAST_Z: Final = _BYTES * np.uint64(0x80 - ord("z") - 1)
_ONE: Final = np.uint64(1)
_high = compiled(high)


@compiled
def _int(value: np.uint64) -> int:
    """``value`` as a signed number: mixed with unsigned ones they would become fractions."""
    return np.int64(value)  # type: ignore[return-value]


@inlined
def _letters(data: NDArray[np.uint8], at: int) -> tuple[np.uint64, int]:
    """The leading ASCII letters of the eight bytes at ``at``, in lower case and packed little-endian, and their number.

    Eight bytes are looked at in one machine word (Lamport, CACM 18(8), 1975; Warren, Hacker's Delight, chapter 6).
    """
    eight = np.uint64(0)
    for index in range(_EIGHT):
        eight |= np.uint64(data[at + index]) << np.uint64(8 * index)
    lower = eight | _LOWER
    low = lower & ~_HIGHS
    others = ~((low + _FROM_A) & ~(low + _PAST_Z) & ~eight) & _HIGHS
    if not others:
        return lower, _EIGHT
    below = ((others & (~others + _ONE)) - _ONE) >> np.uint64(7)  # ones below the first byte that is no letter
    return lower & below, _int(((below & _BYTES) * _BYTES) >> np.uint64(56))


@compiled
def decode(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Code point of the multi-byte sequence at ``at`` and its length; a byte that begins none is a gap of length 1."""
    lead = np.int64(data[at])
    if 0xC2 <= lead < 0xE0 and at + 1 < end:
        return (lead & 0x1F) << 6 | (data[at + 1] & 0x3F), 2
    if 0xE0 <= lead < 0xF0 and at + 2 < end:
        return (lead & 0x0F) << 12 | (data[at + 1] & 0x3F) << 6 | (data[at + 2] & 0x3F), 3
    if 0xF0 <= lead < 0xF5 and at + 3 < end:
        tail = (data[at + 1] & 0x3F) << 12 | (data[at + 2] & 0x3F) << 6 | (data[at + 3] & 0x3F)
        return (lead & 0x07) << 18 | tail, 4
    return 0x20, 1


@compiled
def _beyond(data: NDArray[np.uint8], at: int, end: int) -> tuple[np.uint32, int]:
    """Class or folded form of a code point that is not ASCII, and its length in bytes."""
    point, step = decode(data, at, end)
    return (FOLD[point] if point < TABLE else np.uint32(_high(point))), step


@compiled
def _spell(word: np.uint64, part: np.uint64, filled: int, point: np.uint32) -> tuple[np.uint64, np.uint64, int]:
    """Add one folded code point to a word: seven bits a byte, the high bit set where it is not ASCII."""
    rest = np.uint64(point)
    high_bit = np.uint64(0x80) if point >= 0x80 else np.uint64(0)
    while rest:
        part |= (rest & np.uint64(0x7F) | high_bit) << np.uint64(8 * filled)
        filled += 1
        if filled == _EIGHT:
            word, part, filled = mix(word ^ part), np.uint64(0), 0
        rest >>= np.uint64(7)
    return word, part, filled


@inlined
def _word(data: NDArray[np.uint8], at: int, end: int) -> tuple[np.uint64, int, int]:
    """Hash of the word at ``at``, its letters, and where it ends."""
    word, part, filled, letters = MULTIPLIER, np.uint64(0), 0, 0  # hashed eight bytes at a time
    while at + _EIGHT <= end and filled == 0 and data[at] < 0x80:
        part, filled = _letters(data, at)
        at += filled
        letters += filled
        if filled == _EIGHT:
            word, part, filled = mix(word ^ part), np.uint64(0), 0
        elif filled == 0:
            break
    while at < end:  # what the eight at a time left: the last bytes of the text, and beyond ASCII
        value, step = FOLD[data[at]], 1
        if data[at] >= 0x80:
            value, step = _beyond(data, at, end)
        if value > SOLO:
            word, part, filled = _spell(word, part, filled, value)
            letters += 1
        elif value != SKIP:
            break
        at += step
    return mix((word ^ part) * MULTIPLIER), letters, at


@compiled
def tokenise(
    data: NDArray[np.uint8], start: int, end: int, tokens: NDArray[np.uint64], marks: NDArray[np.uint8]
) -> int:
    """Write the token hashes and marks of ``data[start:end]`` and return their number.

    A run of letters is one token; numbers that stand together (``3.14``, ``2026-11-21``) are one and the same token.
    ``tokens`` and ``marks`` must hold one item for each byte.
    """
    count = 0
    number = False  # the last token is a number
    mark = LINE
    at = start
    while at < end:
        value, step = FOLD[data[at]], 1
        if data[at] >= 0x80:
            value, step = _beyond(data, at, end)
        if value > SOLO:
            tokens[count], letters, at = _word(data, at, end)
            marks[count] = min(letters, LETTERS) | mark
            count += 1
            mark = 0
            number = False
            continue
        if value == SOLO or (value == DIGIT and not number):
            tokens[count] = NUMBER if value == DIGIT else mix(np.uint64(decode(data, at, end)[0]))
            marks[count] = mark if value == DIGIT else 1 | ALONE | mark
            count += 1
            mark = 0
            number = value == DIGIT
        elif data[at] == _LINE_FEED:
            mark = LINE
        elif count and (data[at] == _COLON or (step == 3 and decode(data, at, end)[0] == _WIDE_COLON)):
            marks[count - 1] |= COLON
        at += step
    return count


@compiled
def count_words(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Number of tokens that ``tokenise`` would write."""
    count = 0
    inside = number = False
    at = start
    while at < end:
        value, step = FOLD[data[at]], 1
        if data[at] >= 0x80:
            value, step = _beyond(data, at, end)
        if value > SOLO:
            if data[at] < 0x80 and at + _EIGHT <= end:
                step = _letters(data, at)[1]
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
