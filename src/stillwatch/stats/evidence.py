"""Adding up evidence: e-values in bits, their calibration, and false-discovery control.

An e-value has expectation at most one under its null, so ``1 / e`` is a valid p-value (Markov). The average of e-values
is an e-value under any dependence; the product is one under independence (Vovk & Wang 2021).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

LOG2 = float(np.log(2.0))
#: Smaller p-values are not told apart: this one is to be read as "less than".
LEAST = 1e-300


def mean_bits(bits: ArrayLike, axis: int | None = None) -> NDArray[np.float64]:
    """Log2 of the mean of e-values given as log2, all finite; the largest are added apart, so that no digit is lost.

    The arithmetic is that of ``scipy.special.logsumexp``, which minds more cases and takes thrice as long.
    """
    values = np.asarray(bits, float) * LOG2
    share = 1.0 / (values.size if axis is None else values.shape[axis])
    top = values.max(axis=axis, keepdims=True)
    largest = values == top
    most = (share * largest).sum(axis=axis, keepdims=True)
    rest = np.where(largest, 0.0, share * np.exp(values - top)).sum(axis=axis, keepdims=True)
    return np.asarray((np.log1p(rest / most) + np.log(most) + top).squeeze(axis)) / LOG2


def p_of_bits(bits: float) -> float:
    """Markov's p-value of an e-value given as log2, between :data:`LEAST` and 1."""
    return max(float(2.0 ** min(max(-bits, -1000.0), 0.0)), LEAST)


def choose_bits(total: float, chosen: float) -> float:
    """Log2 of the number of ways to choose ``chosen`` of ``total``: what it costs to name a group after looking."""
    if chosen >= total:
        return 0.0
    return float((gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)) / LOG2)


def benjamini_hochberg(p_values: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Adjusted p-values (q) of Benjamini & Hochberg (1995), in the order given.

    ``weights``, which must not depend on the p-values, say where discoveries are looked for first; they are scaled to
    mean one, and each p-value is divided by its own (Genovese, Roeder & Wasserman 2006).
    """
    p = np.asarray(p_values, float)
    if weights is not None and len(p):
        given = np.asarray(weights, float)
        p = np.minimum(p * given.mean() / np.maximum(given, 1e-12), 1.0)
    order = np.argsort(-p, kind="stable")
    ranks = np.arange(len(p), 0, -1)
    q = np.minimum.accumulate(p[order] * len(p) / ranks)
    out = np.empty_like(p)
    out[order] = np.minimum(q, 1.0)
    return out
