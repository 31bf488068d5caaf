"""SHA-512 (FIPS 180-4) and what RFC 9380 and RFC 9497 hash with it, over packed inputs, in compiled code."""

from decimal import Decimal, localcontext
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.forum.matching.curve.jit import compiled, part

Bytes = NDArray[np.uint8]
BLOCK: Final = 128
DIGEST: Final = 64


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _root_bits(value: int, power: int) -> int:
    """The first 64 bits of the fraction of a root: the standard's constants."""
    with localcontext() as context:
        context.prec = 60
        root = Decimal(value) ** (Decimal(1) / power)
        return int((root - int(root)) * (1 << 64))


_K: Final = np.array([_root_bits(prime, 3) for prime in _primes(80)], np.uint64)
_START: Final = np.array([_root_bits(prime, 2) for prime in _primes(8)], np.uint64)


@part
def _turn(x: Any, bits: int) -> Any:
    return (x >> np.uint64(bits)) | (x << np.uint64(64 - bits))


@part
def _compress(state: NDArray[np.uint64], block: Bytes, w: NDArray[np.uint64]) -> None:
    for i in range(16):
        word = np.uint64(0)
        for j in range(8):
            word = (word << np.uint64(8)) | np.uint64(block[8 * i + j])
        w[i] = word
    for i in range(16, 80):
        s0 = _turn(w[i - 15], 1) ^ _turn(w[i - 15], 8) ^ (w[i - 15] >> np.uint64(7))
        s1 = _turn(w[i - 2], 19) ^ _turn(w[i - 2], 61) ^ (w[i - 2] >> np.uint64(6))
        w[i] = w[i - 16] + s0 + w[i - 7] + s1
    a, b, c, d, e, f, g, h = state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
    for i in range(80):
        t1 = h + (_turn(e, 14) ^ _turn(e, 18) ^ _turn(e, 41)) + ((e & f) ^ (~e & g)) + _K[i] + w[i]
        t2 = (_turn(a, 28) ^ _turn(a, 34) ^ _turn(a, 39)) + ((a & b) ^ (a & c) ^ (b & c))
        h, g, f, e, d, c, b, a = g, f, e, d + t1, c, b, a, t1 + t2
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e
    state[5] += f
    state[6] += g
    state[7] += h


@part
def _digest(message: Bytes, size: int, state: NDArray[np.uint64], done: int, w: Any, tail: Bytes, out: Bytes) -> None:
    """The digest of the ``done`` bytes that ``state`` has taken in and the message's first ``size`` bytes."""
    whole = size // BLOCK
    for i in range(whole):
        _compress(state, message[i * BLOCK :], w)
    rest = size - whole * BLOCK
    blocks = 1 if rest < BLOCK - 16 else 2
    tail[: blocks * BLOCK] = 0
    tail[:rest] = message[whole * BLOCK : size]
    tail[rest] = 128
    bits = np.uint64(done + size) << np.uint64(3)
    for i in range(8):
        tail[blocks * BLOCK - 1 - i] = np.uint8((bits >> np.uint64(8 * i)) & np.uint64(255))
    for i in range(blocks):
        _compress(state, tail[i * BLOCK :], w)
    for i in range(DIGEST):
        out[i] = np.uint8((state[i >> 3] >> np.uint64(56 - 8 * (i & 7))) & np.uint64(255))


@compiled
def expand(data: Bytes, offsets: NDArray[np.int64], after: Bytes, out: Bytes) -> None:
    """``expand_message_xmd`` to 64 bytes (RFC 9380, section 5.3.1) of each input.

    Input i is ``data[offsets[i]:offsets[i + 1]]``; ``after`` is the domain separation tag followed by its length as one
    byte; ``out`` has a row of 64 bytes an input.
    """
    longest = 0
    for i in range(len(out)):
        longest = max(longest, offsets[i + 1] - offsets[i])
    message = np.empty(longest + 3 + len(after) + DIGEST, np.uint8)
    w, tail, zero = np.empty(80, np.uint64), np.empty(2 * BLOCK, np.uint8), np.zeros(BLOCK, np.uint8)
    padded = _START.copy()  # after the block of zeros with which every first hash begins
    _compress(padded, zero, w)
    for i in range(len(out)):
        size = offsets[i + 1] - offsets[i]
        message[:size] = data[offsets[i] : offsets[i + 1]]
        message[size], message[size + 1], message[size + 2] = 0, DIGEST, 0
        message[size + 3 : size + 3 + len(after)] = after
        state = padded.copy()
        _digest(message, size + 3 + len(after), state, BLOCK, w, tail, out[i])
        message[:DIGEST] = out[i]
        message[DIGEST] = 1
        message[DIGEST + 1 : DIGEST + 1 + len(after)] = after
        _digest(message, DIGEST + 1 + len(after), _START.copy(), 0, w, tail, out[i])


@compiled
def finalize(data: Bytes, offsets: NDArray[np.int64], elements: Bytes, label: Bytes, out: Bytes) -> None:
    """The end of ``Finalize`` (RFC 9497, section 3.3.1): hash each input, its unblinded element and the label.

    Lengths go before the first two as two bytes. ``elements`` has rows of 32 bytes, ``out`` rows of 64.
    """
    longest = 0
    for i in range(len(out)):
        longest = max(longest, offsets[i + 1] - offsets[i])
    message = np.empty(longest + 36 + len(label), np.uint8)
    w, tail = np.empty(80, np.uint64), np.empty(2 * BLOCK, np.uint8)
    for i in range(len(out)):
        size = offsets[i + 1] - offsets[i]
        message[0], message[1] = np.uint8(size >> 8), np.uint8(size & 255)
        message[2 : 2 + size] = data[offsets[i] : offsets[i + 1]]
        message[2 + size], message[3 + size] = 0, 32
        message[4 + size : 36 + size] = elements[i]
        message[36 + size : 36 + size + len(label)] = label
        _digest(message, 36 + size + len(label), _START.copy(), 0, w, tail, out[i])


@compiled
def keyed(key: Bytes, messages: Bytes, out: Bytes) -> None:
    """HMAC-SHA-512 (RFC 2104) of every row, key of at most 128 bytes, cut to the width of ``out`` (64 at most)."""
    w, tail, zero = np.empty(80, np.uint64), np.empty(2 * BLOCK, np.uint8), np.zeros(BLOCK, np.uint8)
    inner, outer = _START.copy(), _START.copy()
    pad = zero ^ np.uint8(0x36)
    pad[: len(key)] ^= key
    _compress(inner, pad, w)
    _compress(outer, pad ^ np.uint8(0x36 ^ 0x5C), w)
    digest = np.empty(DIGEST, np.uint8)
    for i in range(len(out)):
        _digest(messages[i], messages.shape[1], inner.copy(), BLOCK, w, tail, digest)
        _digest(digest, DIGEST, outer.copy(), BLOCK, w, tail, digest)
        out[i] = digest[: out.shape[1]]
