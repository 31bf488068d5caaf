"""Maximum mean discrepancy of embedded prompts (Gretton et al., JMLR 13, 2012; for this task: arXiv 2606.05725, 2026).

The unbiased squared MMD between window and reference under a Gaussian kernel whose bandwidth is the median squared
distance within the reference.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.text_windows.case import Case, Prompts


def score(case: Case) -> float:
    """The larger, the further the window's distribution is from the reference's."""
    bandwidth, within = _reference(case.reference)
    own = np.exp((case.window.cosines - 1) * (2 / bandwidth))
    n = len(case.window)
    cross = np.exp((case.cosines - 1) * (2 / bandwidth))
    return float((own.sum(dtype=np.float64) - n) / (n * (n - 1)) + within - 2 * cross.mean(dtype=np.float64))


def score_with_form(case: Case) -> float:
    """The same with the form bits appended to the vectors at equal norm: what the test makes of the same knowledge."""
    return score(Case(_appended(case.reference), _appended(case.window)))


def _reference(reference: Prompts) -> tuple[np.float32, float]:
    """Bandwidth and mean kernel within the reference, kept with it."""
    known: tuple[np.float32, float] | None = reference.__dict__.get("_mmd")
    if known is None:
        cosines = reference.cosines
        n = len(reference)
        rows, columns = np.arange(0, n - 1), np.arange(1, n)
        sample = cosines[rows[:, None], (columns[:, None] + np.arange(50)) % n]
        bandwidth = np.float32(2 - 2 * np.median(sample))
        kernel = np.exp((cosines - 1) * (2 / bandwidth))
        known = bandwidth, float((kernel.sum(dtype=np.float64) - n) / (n * (n - 1)))
        reference.__dict__["_mmd"] = known
    return known


def _appended(prompts: Prompts) -> Prompts:
    known: Prompts | None = prompts.__dict__.get("_with_form")
    if known is None:
        bits: NDArray[np.float32] = ((prompts.forms[:, None] >> np.arange(7)) & 1).astype(np.float32) - 0.5
        vectors = np.hstack([prompts.vectors, bits / np.linalg.norm(bits, axis=1, keepdims=True)]) / np.sqrt(2)
        known = Prompts(vectors.astype(np.float32), prompts.forms, prompts.oddity)
        prompts.__dict__["_with_form"] = known
    return known
