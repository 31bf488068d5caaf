"""Whether accounts have interests of their own, which ``partition`` and ``relay`` ask."""

import numpy as np
from numpy.typing import NDArray


def unit(sketch: NDArray[np.int8]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Rows of length one, and which rows have any direction."""
    rows = sketch.astype(np.float64)
    length = np.sqrt((rows**2).sum(axis=1))
    known = length > 0
    rows[known] /= length[known, None]
    return rows, known


def sums_of(account: NDArray[np.integer], rows: NDArray[np.floating], accounts: int) -> NDArray[np.floating]:
    """Sum of the ``rows`` (n x d) of each of ``accounts``; ``account`` (n) ascends."""
    sums = np.zeros((accounts, rows.shape[1]), rows.dtype)
    starts = np.flatnonzero(np.r_[True, np.diff(account) > 0][: len(account)])
    if len(starts):
        sums[account[starts]] = np.add.reduceat(rows, starts, axis=0)
    return sums


def own_interests(account: NDArray[np.int64], rows: NDArray[np.float64]) -> float:
    """How much more alike two prompts of one account are than two of different accounts, 0 (not at all) to 1.

    This is the intraclass correlation (Fisher 1925, chapter 7) of unit vectors, every account with two prompts or more
    having the same weight. Prompts dealt out of one heap give 0, give or take chance. ``account`` ascends.
    """
    count = np.bincount(account)
    return correlation(count, sums_of(account, rows, len(count)))


def correlation(count: NDArray[np.integer], sums: NDArray[np.floating]) -> float:
    """``own_interests`` of accounts that sent ``count`` prompts each, whose unit rows add up to ``sums``."""
    several = count > 1
    if several.sum() < 2:
        return float("nan")
    norm = (sums**2).sum(axis=1)
    within = float(np.mean((norm[several] - count[several]) / (count[several] * (count[several] - 1.0))))
    means = sums[several] / count[several, None]
    groups = int(several.sum())
    across = float(((means.sum(axis=0) ** 2).sum() - (means**2).sum()) / (groups * (groups - 1.0)))
    return (within - across) / max(1.0 - across, 1e-9)


def first_of_each(*columns: NDArray[np.integer]) -> NDArray[np.int64]:
    """Index of the first row of each distinct combination of values, in ascending order of the values."""
    order = np.lexsort(columns[::-1])
    new = np.zeros(len(order), bool)
    new[:1] = True
    for column in columns:
        new[1:] |= np.diff(column[order]) != 0
    return np.asarray(order[new])
