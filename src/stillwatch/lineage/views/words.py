"""Words: runs of one to three words. Carries topic too, which the same-prompt comparison takes out."""

from stillwatch.lineage.views.grams import ngrams, tokens
from stillwatch.lineage.views.interface import Grams, View, seen


def grams(text: str) -> Grams:
    """One to three words."""
    return ngrams(tokens(seen(text)), 1, 3)


VIEW = View("words", "words and short runs of words", grams)
