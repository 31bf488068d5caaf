"""Combining p-values of families of evidence that may depend on each other a little."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from stillwatch.stats.evidence import LEAST


def conformal_p(ratios: NDArray[np.float64]) -> float:
    """P-value of a statistic from exchangeable null values, each divided by it.

    Within the null values it is the rank, (1 + those at least as large) / (1 + all) (Vovk 2005). Beyond the largest the
    upper tenth is extrapolated as a generalised Pareto tail (Pickands 1975) by its probability-weighted moments
    (Hosking & Wallis 1987), no lighter than exponential, its shape widened by a standard error; and never below the
    square of the smallest rank: a hundred groups can vouch for 1 in 10,000, not more. With fewer than 20 values the
    rank is all there is.

    Args:
        ratios: null values over the statistic, each at its own sample size; infinite where the statistic is zero.
    """
    count = len(ratios)
    rank = (1 + np.count_nonzero(ratios >= 1.0)) / (1 + count)
    if rank > 1.5 / (1 + count) or count < 20:
        return float(rank)
    top = np.sort(ratios)[count - max(count // 10, 10) :]
    tail = len(top) / (1 + count) * _pareto(top - top[0], 1.0 - float(top[0]))
    return float(np.clip(tail, 1.0 / (1 + count) ** 2, rank))


def _pareto(excess: NDArray[np.float64], beyond: float) -> float:
    """Probability of an excess larger than ``beyond``, of a generalised Pareto tail fitted to ascending ``excess``."""
    size = len(excess)
    mean = max(float(excess.mean()), 1e-9)
    weighted = float(np.mean((1 - (np.arange(1, size + 1) - 0.35) / size) * excess))
    shape = float(np.clip(2 - mean / max(mean - 2 * weighted, 1e-12), 0.0, 1.0))
    shape = min(shape + (1 + shape) / np.sqrt(size), 0.9)
    scale = mean * (1 - shape)
    return float((1 + shape * beyond / scale) ** (-1 / shape))


def bonferroni(p_values: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The smallest of ``p_values``, each over its share of ``weights`` (equal by default): valid whatever depends."""
    p = np.asarray(p_values, float)
    share = np.ones(len(p)) if weights is None else np.asarray(weights, float)
    return float(min(1.0, (p * share.sum() / share).min()))


def simes(p_values: ArrayLike, tests: int) -> float:
    """Simes' (1986) p-value of ``tests`` tests, of which those in ``p_values`` are known and the others count as one.

    Valid where the tests depend positively (Sarkar 1998).
    """
    p = np.sort(np.asarray(p_values, float))
    return float(min(1.0, (p * tests / np.arange(1, len(p) + 1)).min(initial=1.0)))


@dataclass(frozen=True, slots=True)
class Moments:
    """Of ``-2 ln p`` of some families on null groups: mean (k) and covariance (k x k)."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def uniform(families: int) -> Moments:
    """Of independent uniform p-values: Fisher's own null."""
    return Moments(np.full(families, 2.0), np.eye(families) * 4.0)


def brown(p_values: ArrayLike, null: Moments) -> float:
    """Fisher's combination of ``p_values``, with the moments it has on null groups (Brown 1975; Poole et al. 2016).

    Where most null groups show nothing at all in a family, their p-value there is one and not uniform: the family adds
    less to the sum than Fisher supposes, and to suppose it all the same would drown what the others say. The result is
    never below Fisher's of those families that show most, however many they are.

    Args:
        p_values: one a family.
        null: moments of ``-2 ln p``. Correlation that would help is not used: a tail is never lighter than Fisher's.
    """
    p = np.maximum(np.asarray(p_values, float), LEAST)
    statistic, mean = float(-2 * np.log(p).sum()), float(null.mean.sum())
    if statistic <= 0.0:
        return 1.0
    alone = float(np.min(chi2.sf(np.cumsum(-2 * np.log(np.sort(p))), 2.0 * np.arange(1, len(p) + 1))))
    if mean <= 0.0:
        return alone
    scale = max(float(null.covariance.sum()) / (2 * mean), 1.0)
    return max(alone, float(chi2.sf(statistic / scale, mean / scale)))


def log_moments(p_values: NDArray[np.float64]) -> Moments:
    """Moments of ``-2 ln p`` over rows of null groups, families in columns; Fisher's if there are few groups."""
    families = p_values.shape[1]
    if len(p_values) < 3 * families:
        return uniform(families)
    logs = -2 * np.log(p_values)
    return Moments(logs.mean(axis=0), np.atleast_2d(np.cov(logs, rowvar=False)))


def at_least_uniform(null: Moments, these: NDArray[np.bool_]) -> Moments:
    """``null`` with mean and variance of ``these`` families no less than a uniform p-value's."""
    covariance = null.covariance.copy()
    diagonal = np.diag_indices(len(these))
    covariance[diagonal] = np.where(these, np.maximum(covariance[diagonal], 4.0), covariance[diagonal])
    return Moments(np.where(these, np.maximum(null.mean, 2.0), null.mean), covariance)
