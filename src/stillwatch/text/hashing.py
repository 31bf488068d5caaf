"""64-bit hashes for compiled code: a mixer for speed, SipHash where a key must keep text from being guessed."""

from typing import Final

import numpy as np

from stillwatch.text.jit import compiled

MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)  # odd, from the golden ratio: Knuth, TAOCP vol. 3, 6.4
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_V0: Final = np.uint64(0x736F6D6570736575)
_V1: Final = np.uint64(0x646F72616E646F6D)
_V2: Final = np.uint64(0x6C7967656E657261)
_V3: Final = np.uint64(0x7465646279746573)
_LENGTH: Final = np.uint64(8 << 56)  # SipHash closes the message with its length in bytes
_FF: Final = np.uint64(0xFF)
_1: Final = np.uint64(1)


@compiled
def mix(value: np.uint64) -> np.uint64:
    """Spread every bit of ``value`` over all 64 (the finaliser of SplitMix64: Steele, Lea and Flood, OOPSLA 2014)."""
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return value ^ (value >> np.uint64(31))


@compiled
def _rotate(value: np.uint64, by: int) -> np.uint64:
    return (value << np.uint64(by)) | (value >> np.uint64(64 - by))


@compiled
def siphash(value: np.uint64, key0: np.uint64, key1: np.uint64) -> np.uint64:
    """SipHash-2-4 of the eight bytes of ``value`` (Aumasson and Bernstein, INDOCRYPT 2012)."""
    v0, v1, v2, v3 = key0 ^ _V0, key1 ^ _V1, key0 ^ _V2, key1 ^ _V3
    for turn in range(3):
        word = value if turn == 0 else _LENGTH
        if turn < 2:
            v3 ^= word
        else:
            v2 ^= _FF
        for _ in range(2 if turn < 2 else 4):
            v0 += v1
            v2 += v3
            v1 = _rotate(v1, 13) ^ v0
            v3 = _rotate(v3, 16) ^ v2
            v0 = _rotate(v0, 32)
            v2 += v1
            v0 += v3
            v1 = _rotate(v1, 17) ^ v2
            v3 = _rotate(v3, 21) ^ v0
            v2 = _rotate(v2, 32)
        if turn < 2:
            v0 ^= word
    return v0 ^ v1 ^ v2 ^ v3


@compiled
def emit(value: np.uint64, key0: np.uint64, key1: np.uint64) -> np.uint64:
    """The form in which a hash leaves: never 0 (which stands for "none"), and keyed unless the key is 0."""
    if key0 | key1:
        value = siphash(value, key0, key1)
    return value if value else _1
