"""Structure: which kinds of lines follow each other, and how long they are."""

import numpy as np

from stillwatch.lineage.views.grams import ngrams
from stillwatch.lineage.views.interface import Grams, View, seen

_STARTS = (("#", 1), ("```", 2), ("|", 6), (("-", "*", "•", "+"), 3))
_BLANK, _NUMBERED, _LEAD, _TEXT = 0, 4, 5, 7


def grams(text: str) -> Grams:
    """One to three lines, each as its kind and its length in doublings."""
    lines = [line.strip() for line in seen(text).split("\n")]
    return ngrams(np.array([_kind(line) * 16 + min(len(line).bit_length(), 9) for line in lines], np.uint64), 1, 3)


def _kind(line: str) -> int:
    if not line:
        return _BLANK
    for start, kind in _STARTS:
        if line.startswith(start):
            return kind
    if line[0].isdigit():
        return _NUMBERED
    return _LEAD if line.endswith(":") else _TEXT


VIEW = View("structure", "kinds and lengths of lines", grams)
