"""Edges: how an answer begins and ends to the letter, white space and all. Easy for a wrapper to change."""

from typing import Final

import numpy as np

from stillwatch.lineage.views.grams import ngrams
from stillwatch.lineage.views.interface import Grams, View, encoded

_LENGTHS: Final = (1, 2, 3, 4, 6, 8)


def grams(text: str) -> Grams:
    """The first and the last bytes, in runs of several lengths."""
    data = encoded(text).astype(np.uint64)
    lengths = [length for length in _LENGTHS if length <= len(data)]
    first = [ngrams(data[:length], length, length) for length in lengths]
    last = [~ngrams(data[len(data) - length :], length, length) for length in lengths]
    return np.sort(np.concatenate([np.empty(0, np.uint64), *first, *last]))


VIEW = View("edges", "the first and the last characters", grams)
