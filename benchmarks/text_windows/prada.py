"""PRADA (Juuti et al., EuroS&P 2019): benign clients' smallest distances to their earlier queries look normal.

Each query's distance to the nearest earlier one in the window, those beyond three standard deviations dropped as in the
paper, and one minus the Shapiro-Wilk statistic of what is left. The paper keeps one growing set a predicted class; a
language model's prompts have no class, so there is one set, as in the adaptation of arXiv 2606.05725.
"""

import numpy as np
from scipy.stats import shapiro

from benchmarks.text_windows.case import Case


def score(case: Case) -> float:
    """The larger, the less normal the distances."""
    cosines = np.tril(case.window.cosines, -1) + np.triu(np.full(case.window.cosines.shape, -2, np.float32))
    distances = np.sqrt(np.maximum(2 - 2 * cosines[1:].max(axis=1), 0))
    kept = distances[np.abs(distances - distances.mean()) <= 3 * distances.std()]
    return float(1 - shapiro(kept).statistic)
