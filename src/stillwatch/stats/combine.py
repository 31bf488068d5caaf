"""Combining p-values of families of evidence that may depend on each other a little."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2


def conformal_p(ratios: NDArray[np.float64]) -> float:
    """P-value of a statistic from exchangeable null values, each divided by it.

    Within the null values it is the rank, (1 + those at least as large) / (1 + all) (Vovk 2005). Beyond the largest the
    upper tenth is extrapolated as an exponential with its own mean excess, as sequence searches do for E-values
    (Altschul & Gish 1996), widened for having been estimated, and never below the square of the smallest rank: a
    hundred groups can vouch for 1 in 10,000, not more. With fewer than 20 values the rank is all there is.

    Args:
        ratios: null values over the statistic, each at its own sample size; infinite where the statistic is zero.
    """
    count = len(ratios)
    rank = (1 + np.count_nonzero(ratios >= 1.0)) / (1 + count)
    if rank > 1.5 / (1 + count) or count < 20:
        return float(rank)
    top = np.sort(ratios)[count - max(count // 10, 10) :]
    excess = max(float(np.mean(top) - top[0]), 1e-9) * (1 + 3 / np.sqrt(len(top)))
    tail = len(top) / (1 + count) * np.exp(-(1.0 - float(top[0])) / excess)
    return float(np.clip(tail, 1.0 / (1 + count) ** 2, rank))


def bonferroni(p_values: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The smallest of ``p_values``, each over its share of ``weights`` (equal by default): valid whatever depends."""
    p = np.asarray(p_values, float)
    share = np.ones(len(p)) if weights is None else np.asarray(weights, float)
    return float(min(1.0, (p * share.sum() / share).min()))


def brown(p_values: ArrayLike, covariance: NDArray[np.float64]) -> float:
    """Fisher's combination of ``p_values``, corrected for dependence (Brown 1975; Poole et al. 2016).

    Args:
        p_values: one a family.
        covariance: of ``-2 ln p`` between the families, measured on null groups; 4 on the diagonal if independent.
            Correlation that would help is not used.
    """
    p = np.maximum(np.asarray(p_values, float), 1e-300)
    statistic, mean = float(-2 * np.log(p).sum()), 2.0 * len(p)
    variance = max(float(covariance.sum()), 2 * mean)
    scale = variance / (2 * mean)
    return float(chi2.sf(statistic / scale, 2 * mean**2 / variance))


def log_covariance(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of ``-2 ln p`` over rows of null groups, families in columns; independence if there are few groups."""
    families = p_values.shape[1]
    if len(p_values) < 3 * families:
        return np.eye(families) * 4.0
    return np.atleast_2d(np.cov(-2 * np.log(p_values), rowvar=False))
