"""Adding up evidence: e-values in bits, their calibration, and false-discovery control.

An e-value has expectation at most one under its null, so ``1 / e`` is a valid p-value (Markov). The average of e-values
is an e-value under any dependence; the product is one under independence (Vovk & Wang 2021).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, logsumexp

LOG2 = float(np.log(2.0))
#: Smaller p-values are not told apart: this one is to be read as "less than".
LEAST = 1e-300


def mean_bits(bits: ArrayLike, axis: int | None = None, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Log2 of the (weighted) mean of e-values given as log2; ``weights`` sum to one."""
    values = np.asarray(bits, float) * LOG2
    count = values.size if axis is None else values.shape[axis]
    share = np.full_like(values, 1.0 / count) if weights is None else np.broadcast_to(np.asarray(weights), values.shape)
    return np.asarray(logsumexp(values, axis=axis, b=share)) / LOG2


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
