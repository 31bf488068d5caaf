"""Cased: words with their capitals, and every mark of punctuation a word of its own."""

from stillwatch.lineage.views.grams import ngrams, pieces
from stillwatch.lineage.views.interface import Grams, View, encoded, seen


def grams(text: str) -> Grams:
    """One or two words or marks."""
    return ngrams(pieces(encoded(seen(text))), 1, 2)


VIEW = View("cased", "words as they are spelt, and marks", grams)
