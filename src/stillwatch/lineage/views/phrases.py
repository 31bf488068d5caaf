"""Phrases: runs of three and four words, which two models seldom share by chance."""

from stillwatch.lineage.views.grams import ngrams, tokens
from stillwatch.lineage.views.interface import Grams, View, seen


def grams(text: str) -> Grams:
    """Three and four words."""
    return ngrams(tokens(seen(text)), 3, 4)


VIEW = View("phrases", "phrases of three and four words", grams)
