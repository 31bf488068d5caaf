"""Starts: how sentences and lines begin."""

import re
from typing import Final

import numpy as np

from stillwatch.lineage.views.grams import ngrams, tokens
from stillwatch.lineage.views.interface import Grams, View, seen

_BETWEEN: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_FIRST: Final = 3
_CHARACTERS: Final = 80  # that hold them


def grams(text: str) -> Grams:
    """The first word of each sentence or line, the first two, and the first three."""
    found = [np.empty(0, np.uint64)]
    for sentence in _BETWEEN.split(seen(text)):
        first = tokens(sentence[:_CHARACTERS])[:_FIRST]
        found += [ngrams(first[:length], length, length) for length in range(1, len(first) + 1)]
    return np.sort(np.concatenate(found))


VIEW = View("starts", "beginnings of sentences and lines", grams)
