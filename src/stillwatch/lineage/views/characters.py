"""Characters: runs of five, the feature of authorship attribution that survives spelling (Stamatatos 2009)."""

from stillwatch.lineage.views.grams import letters, ngrams
from stillwatch.lineage.views.interface import Grams, View, encoded, seen


def grams(text: str) -> Grams:
    """Five characters."""
    return ngrams(letters(encoded(seen(text))), 5, 5)


VIEW = View("characters", "runs of five characters", grams)
