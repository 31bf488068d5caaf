"""Closing: the last dozen words, wherever an answer ends. For telling authors: no claim looks beyond the truncation."""

from typing import Final

from stillwatch.lineage.views.grams import ngrams, tokens
from stillwatch.lineage.views.interface import Grams, View

_LAST: Final = 12
_CHARACTERS: Final = 120  # that hold them


def grams(text: str) -> Grams:
    """One to three of the last words."""
    return ngrams(tokens(text.strip()[-_CHARACTERS:])[-_LAST:], 1, 3)


VIEW = View("closing", "the last twelve words", grams)
