"""What each code point is to the tokeniser: part of a word, a digit, a word of its own, a gap, or nothing at all.

Case and diacritics are folded (canonical decomposition, Unicode Standard Annex 15), so that spelling variants of one
template meet. Scripts written without spaces give one token a code point, because no dictionary is at hand.
"""

import unicodedata
from typing import Final

import numpy as np
from numpy.typing import NDArray

GAP: Final = 0  # ends a word
SKIP: Final = 1  # neither ends a word nor is part of one: joiners, soft hyphens, variation selectors
DIGIT: Final = 2
SOLO: Final = 3  # a token by itself
LETTER: Final = 4  # and every greater value: the folded code point

#: Code points below this are looked up in FOLD; those above follow the block rules of ``high``.
TABLE: Final = 0x2000

#: Blocks below TABLE whose scripts put no space between words: Thai, Lao, Tibetan, Myanmar, Khmer.
_UNSPACED: Final = ((0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF))


def _fold(point: int) -> int:
    """Class or folded form of a code point below TABLE."""
    character = chr(point)
    category = unicodedata.category(character)
    if point == 0xAD or 0x300 <= point <= 0x36F or 0x180B <= point <= 0x180E:
        return SKIP
    if category == "Nd":
        return DIGIT
    if category[0] in "PSZC" and category != "Cn":
        return GAP
    if any(low <= point <= high for low, high in _UNSPACED):
        return SOLO
    return ord(unicodedata.normalize("NFD", character)[0].lower()[0])


def fold_table() -> NDArray[np.uint32]:
    """Class or folded form of every code point below TABLE."""
    return np.array([_fold(point) for point in range(TABLE)], dtype=np.uint32)


FOLD: Final = fold_table()


def high(point: int) -> int:
    """Class or folded form of a code point from TABLE on, by block (plain enough for numba to compile)."""
    if 0x4E00 <= point <= 0x9FFF or 0xAC00 <= point <= 0xD7AF or 0x3041 <= point <= 0x30FA:
        return SOLO
    if 0x200B <= point <= 0x200F or 0x2060 <= point <= 0x2064 or 0xFE00 <= point <= 0xFE0F or point == 0xFEFF:
        return SKIP
    if 0x2C00 <= point <= 0x2DFF:  # Glagolitic to Ethiopic Extended
        return point
    if 0x2000 <= point <= 0x2FFF:  # punctuation, symbols, arrows, mathematics, box drawing, braille
        return GAP
    if 0x3000 <= point <= 0x3040 or point == 0x30FB:
        return SOLO if point == 0x3005 or point == 0x3007 else GAP
    if 0xFF01 <= point <= 0xFF5E:  # full-width forms of ASCII
        narrow = point - 0xFEE0
        if 48 <= narrow <= 57:
            return DIGIT
        if 65 <= narrow <= 90:
            return narrow + 32
        return narrow if 97 <= narrow <= 122 else GAP
    if 0xFF00 <= point <= 0xFF65 or 0xFE10 <= point <= 0xFE6F or 0xFFE0 <= point <= 0xFFFF:
        return GAP
    if 0x3040 <= point <= 0xA4CF or 0xF900 <= point <= 0xFAFF:
        return SOLO
    return SOLO if 0xFF66 <= point <= 0xFFDC or 0x20000 <= point <= 0x3FFFF else point
