"""SHA-512 of eight messages of one length at once, one in each lane: for the weights of a batched proof."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.forum.matching.curve.jit import compiled, part
from stillwatch.forum.matching.curve.lanes import (
    WIDTH,
    add,
    both,
    differ,
    either,
    invert_bits,
    left,
    load,
    right,
    splat,
    store,
)
from stillwatch.forum.matching.curve.sha512 import _K, _START, BLOCK, DIGEST

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
_ROUNDS: Final = 80
_LINE: Final = 8 * WIDTH  # bytes of one word of each lane


def _rotation(bits: int) -> Callable[[Any], Any]:
    down, up = right(bits), left(64 - bits)

    @part
    def turn(x: Any) -> Any:
        return either(down(x), up(x))

    return turn


_turn1, _turn8, _turn19, _turn61 = map(_rotation, (1, 8, 19, 61))
_turn14, _turn18, _turn41 = map(_rotation, (14, 18, 41))
_turn28, _turn34, _turn39 = map(_rotation, (28, 34, 39))
_right7, _right6 = right(7), right(6)


@part
def _schedule(w: int) -> None:
    """The words 16 to 79 of the message schedule, after the 16 words of the block at the address ``w``."""
    for i in range(16, _ROUNDS):
        at = w + i * _LINE
        x, y = load(at - 15 * _LINE), load(at - 2 * _LINE)
        s0 = differ(differ(_turn1(x), _turn8(x)), _right7(x))
        s1 = differ(differ(_turn19(y), _turn61(y)), _right6(y))
        store(at, add(add(load(at - 16 * _LINE), s0), add(load(at - 7 * _LINE), s1)))


@part
def _compress(state: Any, w: int) -> Any:
    """The state after the block whose words, each a line of eight, are at the address ``w``."""
    _schedule(w)
    a, b, c, d, e, f, g, h = state
    for i in range(_ROUNDS):
        first = differ(differ(_turn14(e), _turn18(e)), _turn41(e))
        chosen = differ(both(e, f), both(invert_bits(e), g))
        t1 = add(add(add(h, first), add(chosen, splat(_K[i]))), load(w + i * _LINE))
        second = differ(differ(_turn28(a), _turn34(a)), _turn39(a))
        t2 = add(second, differ(differ(both(a, b), both(a, c)), both(b, c)))
        h, g, f, e, d, c, b, a = g, f, e, add(d, t1), c, b, a, add(t1, t2)
    o, p, q, r, s, t, u, v = state
    return (add(o, a), add(p, b), add(q, c), add(r, d), add(s, e), add(t, f), add(u, g), add(v, h))


@part
def _same(words: Words) -> Any:
    """Eight words, each in every lane."""
    return (
        splat(words[0]), splat(words[1]), splat(words[2]), splat(words[3]),
        splat(words[4]), splat(words[5]), splat(words[6]), splat(words[7]),
    )  # fmt: skip


@part
def _fill(rows: Bytes, first: int, start: int, words: Words) -> None:
    """The block that starts at column ``start`` of eight rows, as 16 big-endian words of each; the last row repeats."""
    for lane in range(WIDTH):
        row = min(first + lane, len(rows) - 1)
        for i in range(16):
            word = np.uint64(0)
            for j in range(8):
                word = (word << np.uint64(8)) | np.uint64(rows[row, start + 8 * i + j])
            words[i, lane] = word


@part
def _pad(message: Bytes, size: int, done: int) -> None:
    """End a message of ``size`` bytes, of which ``done`` more came before, in a row of zeros behind it."""
    message[size] = 128
    bits = np.uint64(done + size) << np.uint64(3)
    for i in range(8):
        message[len(message) - 1 - i] = np.uint8((bits >> np.uint64(8 * i)) & np.uint64(255))


@compiled
def expand(rows: Bytes, after: Bytes, out: Bytes) -> None:
    """``expand_message_xmd`` to 64 bytes (RFC 9380, section 5.3.1) of every row.

    ``after`` is the domain separation tag followed by its length as one byte; ``out`` has 64 bytes a row.
    """
    size, end = rows.shape[1], len(after)
    blocks = (size + 3 + end + 17 + BLOCK - 1) // BLOCK
    last = (DIGEST + 1 + end + 17 + BLOCK - 1) // BLOCK
    messages, again = np.zeros((WIDTH, blocks * BLOCK), np.uint8), np.zeros((WIDTH, last * BLOCK), np.uint8)
    for lane in range(WIDTH):
        messages[lane, size + 1] = DIGEST
        messages[lane, size + 3 : size + 3 + end] = after
        _pad(messages[lane], size + 3 + end, BLOCK)
        again[lane, DIGEST] = 1
        again[lane, DIGEST + 1 : DIGEST + 1 + end] = after
        _pad(again[lane], DIGEST + 1 + end, 0)
    words = np.zeros((_ROUNDS, WIDTH), np.uint64)
    address = words.ctypes.data
    begun = _compress(_same(_START), address)  # after the block of zeros with which every first hash begins
    for first in range(0, len(rows), WIDTH):
        for lane in range(WIDTH):
            messages[lane, :size] = rows[min(first + lane, len(rows) - 1)]
        state = begun
        for block in range(blocks):
            _fill(messages, 0, block * BLOCK, words)
            state = _compress(state, address)
        _fill(again, 0, 0, words)
        _put(state, address)
        state = _compress(_same(_START), address)
        for block in range(1, last):
            _fill(again, 0, block * BLOCK, words)
            state = _compress(state, address)
        _put(state, address)
        for lane in range(min(WIDTH, len(rows) - first)):
            for i in range(DIGEST):
                word = words[i >> 3, lane]
                out[first + lane, i] = np.uint8((word >> np.uint64(56 - 8 * (i & 7))) & np.uint64(255))


@part
def _put(state: Any, w: int) -> None:
    """The eight words of the state as the first eight of a block."""
    store(w, state[0])
    store(w + _LINE, state[1])
    store(w + 2 * _LINE, state[2])
    store(w + 3 * _LINE, state[3])
    store(w + 4 * _LINE, state[4])
    store(w + 5 * _LINE, state[5])
    store(w + 6 * _LINE, state[6])
    store(w + 7 * _LINE, state[7])
