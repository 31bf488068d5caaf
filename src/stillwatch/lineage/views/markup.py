"""Markup: punctuation, capitals, line breaks and marks, with the words themselves left out."""

from stillwatch.lineage.views.grams import classes, ngrams
from stillwatch.lineage.views.interface import Grams, View, encoded, seen


def grams(text: str) -> Grams:
    """Two to five marks."""
    return ngrams(classes(encoded(seen(text))), 2, 5)


VIEW = View("markup", "punctuation and markup", grams)
