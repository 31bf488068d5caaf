"""SEAT (Zhang, Chen and Wagner, AISec 2021): extraction makes queries that are near-copies of each other.

The number of pairs in the window that are closer than a distance which one in 10,000 pairs of the reference reaches.
The paper trains its encoder adversarially on images; here the encoder is the representation that all detectors share.
"""

import numpy as np

from benchmarks.text_windows.case import Case

SHARE = 1e-4
ROWS = 1_000  # of the reference, whose half a million pairs set the distance


def score(case: Case) -> float:
    """Number of similar pairs."""
    known: float | None = case.reference.__dict__.get("_seat")
    if known is None:
        some = case.reference.cosines[:ROWS, :ROWS]
        pairs = some[np.triu_indices(len(some), 1)]
        place = len(pairs) - max(1, round(SHARE * len(pairs)))
        known = case.reference.__dict__["_seat"] = float(np.partition(pairs, place)[place])
    close = np.count_nonzero(case.window.cosines >= known) - len(case.window)
    return close / 2
