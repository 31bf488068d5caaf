"""How far a figure may be off: families drawn anew, since a family is what there is few of."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

_DRAWS = 2000


def over_families(hits: Mapping[str, Sequence[float]], *, alike: bool = False) -> list[float]:
    """95 % interval of the mean of ``hits`` (family -> one value a model), by a bootstrap of families.

    With ``alike`` every family counts once, else every model.
    """
    kinds = sorted(hits)
    rng = np.random.default_rng(0)
    sums = np.array([[np.mean(hits[k]), 1.0] if alike else [np.sum(hits[k]), len(hits[k])] for k in kinds])
    drawn = sums[rng.integers(len(kinds), size=(_DRAWS, len(kinds)))].sum(1)
    return [round(float(value), 3) for value in np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])]


def auc_over_families(high: Mapping[str, Sequence[float]], low: Mapping[str, Sequence[float]]) -> list[float]:
    """95 % interval of the AUC, families of both kinds drawn anew."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(_DRAWS):
        one, other = (
            np.concatenate([each[kind] for kind in rng.choice(sorted(each), len(each))]) for each in (high, low)
        )
        found.append((one[:, None] > other).mean() + 0.5 * (one[:, None] == other).mean())
    return [round(float(value), 3) for value in np.percentile(found, [2.5, 97.5])]


def half(family: str) -> str:
    """A or B by the family's name: what was developed on A is told apart from what B says of it."""
    return "AB"[hashlib.sha256(family.encode()).digest()[0] & 1]


def quarter(family: str) -> int:
    """0 to 3 by the family's name."""
    return hashlib.sha256(family.encode()).digest()[1] & 3
