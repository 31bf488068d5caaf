"""Does a value that ought to be random hold something to read? An e-value against uniform bytes.

Identifiers, hashes and addresses cannot be enumerated, so words can be written in them. Each model below is a
probability distribution over what a writer would put there; the average of their likelihood ratios against uniform
randomness is an e-value (Vovk and Wang, "E-values", Annals of Statistics 49, 2021): for random bytes it exceeds 1 / p
with probability at most p, whatever the models. What was enciphered first stays unreadable to us and to every reader
without the key: a bound that docs/guard.md states.
"""

from math import lgamma, log
from typing import Final

#: A random value is taken for readable once in so many.
ONCE_IN: Final = 100_000
_LIMIT: Final = log(ONCE_IN)
_DECIMAL: Final = 28  # so many digits without a letter: once in 500,000
_SCALE: Final = 20.0  # steps of a score; a score of 0 is 128

_LETTERS: Final = "etaoinshrdlcumwfgypbvkjxqz"
_SHARES: Final = (
    12.7, 9.1, 8.2, 7.5, 7.0, 6.7, 6.3, 6.1, 6.0, 4.3, 4.0, 2.8, 2.8, 2.4, 2.4, 2.2, 2.0, 2.0, 1.9, 1.5, 1.0, 0.8, 0.15,
    0.15, 0.1, 0.07,
)  # fmt: skip


def _text(letters: float, capitals: float, digits: float, others: float) -> list[float]:
    """Probabilities of bytes in a text where these are the shares of characters."""
    floor = 0.02 / 256
    told = [floor] * 256
    for letter, share in zip(_LETTERS, _SHARES, strict=True):
        told[ord(letter)] += letters * share / 100
        told[ord(letter.upper())] += capitals * share / 100
    for digit in "0123456789":
        told[ord(digit)] += digits / 10
    for other in range(0x20, 0x7F):
        if not chr(other).isalnum():
            told[other] += others / 63 * (16 if chr(other) in " .,-" else 1)
    total = sum(told)
    return [each / total for each in told]


def _uniform(members: bytes) -> list[float]:
    told = [0.01 / 256] * 256
    for each in members:
        told[each] += 0.99 / len(members)
    return told


def _shifted(told: list[float]) -> list[float]:
    """The same text with the high bit of every byte set."""
    return told[128:] + told[:128]


def _table(told: list[float]) -> bytes:
    """Scores as bytes, so that ``bytes.translate`` and ``sum`` add them up. Rounded down: still an e-value."""
    scores = (int(_SCALE * log(256 * each) // 1) for each in told)
    return bytes(min(max(score + 128, 0), 255) for score in scores)


_WORDS: Final = _text(0.75, 0.03, 0.05, 0.15)
_CAPITALS: Final = _text(0.03, 0.75, 0.05, 0.15)
_MIXED: Final = _text(0.35, 0.1, 0.3, 0.23)
_ALNUM: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/"
_BCD: Final = bytes(16 * high + low for high in range(10) for low in range(10))
_TABLES: Final = tuple(
    map(
        _table,
        (
            [(a + b) / 2 for a, b in zip(_WORDS, _uniform(b"\0"), strict=True)],  # UTF-16, and padding: the first
            _WORDS,
            _CAPITALS,
            _MIXED,
            _shifted(_WORDS),
            _shifted(_CAPITALS),
            _shifted(_MIXED),
            _uniform(_ALNUM),
            _uniform(bytes(range(0x20, 0x7F))),
            _uniform(_BCD),
        ),
    )
)
_DIGITS: Final = tuple("0123456789abcdef")
_RUNS: Final = tuple(9 * digit for digit in _DIGITS)  # nine equal digits in a row: once in 10^8 for an id
_HALF: Final = tuple(lgamma(count + 0.5) - lgamma(0.5) for count in range(4097))
_COUNT: Final = len(_TABLES) + 1


def legible(data: bytes, padded: bool = True) -> bool:
    """Whether ``data``, which should be random, holds text or digits; ``padded``: or text between zero bytes.

    Values that are counted from zero rather than random have zero bytes too: many together are judged without padding.
    """
    if not data:
        return False
    tables = _TABLES if padded else _TABLES[1:]
    best = max(map(sum, map(data.translate, tables))) - 128 * len(data)
    # The sum of the likelihood ratios is at least the largest: with the average over models it stays an e-value.
    return best / _SCALE - log(_COUNT) > _LIMIT


def monotonous(digits: str) -> bool:
    """Whether hexadecimal ``digits``, which should be random, use some far more than others, or one in a row."""
    if any(map(digits.__contains__, _RUNS)) or (len(digits) >= _DECIMAL and digits.isdecimal()):
        return True
    first = digits[:4096]
    size = len(first)
    # Krichevsky and Trofimov's estimator: the probability of the digits when their frequencies are not known.
    told = sum(map(_HALF.__getitem__, map(first.count, _DIGITS))) + lgamma(8.0) - lgamma(size + 8.0)
    return told + size * log(16) - log(_COUNT) > _LIMIT
