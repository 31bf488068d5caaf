"""From a judge that errs to a rate with an interval: Rogan-Gladen, and prediction-powered inference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from stillwatch.errors import UsageError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """An estimated share with its interval, and how it was made."""

    value: float
    low: float
    high: float
    method: str


def _rate(value: float, error: float, method: str, level: float) -> Rate:
    reach = float(norm.ppf((1 + level) / 2)) * error
    low, high = (float(np.clip(bound, 0, 1)) for bound in (value - reach, value + reach))
    return Rate(float(np.clip(value, 0, 1)), low, high, method)


def calibrated(p: Floats, level: float = 0.95) -> Rate:
    """Mean of calibrated probabilities: no labels of this model, so bias beyond the interval is possible."""
    error = float(p.std(ddof=1) / np.sqrt(len(p))) if len(p) > 1 else float("inf")
    return _rate(float(p.mean()), error, "calibrated judge", level)


def rogan_gladen(
    judged: NDArray[np.bool_], hits: tuple[int, int], passes: tuple[int, int], level: float = 0.95
) -> Rate:
    """Rogan & Gladen (1978), with the interval of Lang & Reiczigel's kind (delta method over all three counts).

    Args:
        judged: the judge's verdicts.
        hits: refusals that the judge found, of how many labelled refusals.
        passes: compliances that the judge passed, of how many labelled compliances.

    Raises:
        UsageError: the judge is no better than chance on the labels.
    """
    sensitivity, specificity = (hits[0] + 1) / (hits[1] + 2), (passes[0] + 1) / (passes[1] + 2)
    youden = sensitivity + specificity - 1
    if youden <= 0.05:
        raise UsageError("the judge is no better than chance on these labels", do="Check the labels, or add to them.")
    share = float(judged.mean())
    value = (share + specificity - 1) / youden
    variance = (
        share * (1 - share) / len(judged)
        + value**2 * sensitivity * (1 - sensitivity) / (hits[1] + 2)
        + (1 - value) ** 2 * specificity * (1 - specificity) / (passes[1] + 2)
    )
    return _rate(value, float(np.sqrt(variance)) / youden, "Rogan-Gladen", level)


def prediction_powered(p: Floats, labelled: NDArray[np.int64], labels: NDArray[np.bool_], level: float = 0.95) -> Rate:
    """PPI++ (Angelopoulos, Duchi & Zrnic 2023) for a mean: unbiased whatever the judge, narrow where it is good.

    Args:
        p: the judge's probabilities of all answers.
        labelled: which of them, drawn at random, a person has labelled.
        labels: what the person said.
    """
    if len(labelled) < 10:
        raise UsageError("fewer than ten labels", do="Label more answers of this model.")
    judged, said = p[labelled], labels.astype(float)
    n, total = len(labelled), len(p)
    covariance = float(np.cov(said, judged)[0, 1])
    power = np.clip(covariance / ((1 + n / total) * max(float(p.var()), 1e-12)), 0, 1)
    value = power * p.mean() + (said - power * judged).mean()
    error = np.sqrt(power**2 * p.var() / total + (said - power * judged).var(ddof=1) / n)
    return _rate(float(value), float(error), "prediction-powered", level)
