"""CAP-like: how much of the embedding space a window covers (after B4B: Dubiński et al., NeurIPS 2023).

The space is cut by random hyperplanes into 2,048 buckets. A window's price is 0.05 x B4B's exponential cost of the
share of buckets it occupies, + 0.35 x the share of its prompts in buckets that the reference does not occupy, + 0.45
x its mean distance from its own centre: the weights and the cost's parameters are those of the published run script
of the adaptation, the formula is rebuilt from the papers.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.text_windows.case import Case

PLANES = 11
LAMBDA, ALPHA, BETA = 0.0005, 8.0, 0.19


def score(case: Case) -> float:
    """The larger, the more of the space is covered."""
    planes = np.random.default_rng(2048).normal(size=(case.window.vectors.shape[1], PLANES))
    centre = case.reference.vectors.mean(axis=0)
    mine, usual = (_buckets(vectors - centre, planes) for vectors in (case.window.vectors, case.reference.vectors))
    covered = len(np.unique(mine)) / 2**PLANES
    cost = LAMBDA * (np.exp(np.log(ALPHA / LAMBDA) * covered / BETA) - 1)
    novelty = float(np.mean(~np.isin(mine, usual)))
    vectors = case.window.vectors
    spread = float(np.linalg.norm(vectors - vectors.mean(axis=0), axis=1).mean())
    return float(0.05 * min(cost, ALPHA) + 0.35 * novelty + 0.45 * min(spread, 1.0))


def _buckets(vectors: NDArray[np.float32], planes: NDArray[np.float64]) -> NDArray[np.int64]:
    return (vectors @ planes > 0) @ (1 << np.arange(PLANES))
