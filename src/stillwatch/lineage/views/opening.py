"""Opening: the first dozen words."""

from typing import Final

from stillwatch.lineage.views.grams import ngrams, tokens
from stillwatch.lineage.views.interface import Grams, View, seen

_FIRST: Final = 12


def grams(text: str) -> Grams:
    """One to three of the first words."""
    return ngrams(tokens(seen(text))[:_FIRST], 1, 3)


VIEW = View("opening", "the first twelve words", grams)
