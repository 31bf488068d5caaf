"""Marginal Mahalanobis distance (Lee et al., NeurIPS 2018): the mean over the window of each prompt's distance.

Mean and covariance are the reference's, the covariance shrunk by a tenth towards a multiple of the identity.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.text_windows.case import Case

SHRINKAGE = 0.1


def score(case: Case) -> float:
    """Mean squared distance."""
    known: tuple[NDArray[np.float64], NDArray[np.float64]] | None = case.reference.__dict__.get("_mahalanobis")
    if known is None:
        vectors = case.reference.vectors.astype(np.float64)
        covariance = np.cov(vectors.T)
        level = np.trace(covariance) / len(covariance)
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * level * np.eye(len(covariance))
        known = case.reference.__dict__["_mahalanobis"] = (vectors.mean(axis=0), np.linalg.inv(shrunk))
    mean, precision = known
    off = case.window.vectors - mean
    return float(np.einsum("ij,jk,ik->i", off, precision, off, optimize=True).mean())
