"""Is a window of requests drawn from the same population as a reference? Four answers, and one made of them.

A window is n prompts as unit vectors (a sketch or an embedding) and form bits (``stillwatch.text.form``).
``divergences`` compares it with a reference by four statistics that fail in different places, each larger the less
alike the two are:

- ``mean embedding``: the squared maximum mean discrepancy under a Gaussian kernel of the median distance (Gretton et
  al., JMLR 13, 2012): sees the whole window move.
- ``whitened mean``: Hotelling's T-squared with a ridge of the mean eigenvalue (the regularised test of Harchaoui,
  Bach and Moulines, NIPS 2007, with the linear kernel): sees a move in directions in which the reference hardly
  varies.
- ``enrichment``: around each prompt of the window, the likelihood ratio of Kulldorff's scan (Comm. Stat. 26, 1997)
  for the number of the window's prompts within a radius against what the reference predicts, the best of five radii,
  averaged over the highest 5 % of prompts: sees a minority that is close together, which the mean dilutes.
- ``form``: the Berk-Jones statistic (Z. Wahrscheinlichkeitstheorie 47, 1979) of how the prompts are put: each prompt
  is scored by the bits it has, a bit weighing the more the fewer of the reference have it, and the tail probability
  of an excess above a score is taken, hypergeometric, the best of three scores that 2.5, 5 and 10 % of the reference
  reach. It is fixed in its direction and so keeps its power where a handful of prompts must show in a hundred.

None has a null distribution worth trusting at 0.3 %, so all are calibrated on benign windows: ``surprises`` turns each
into a p-value and joins them by their weighted harmonic mean (Wilson, PNAS 116, 2019), which holds under dependence up
to a constant, and ``joint_p`` ranks the result among those of the benign windows, which is exact wherever all are
exchangeable.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from stillwatch.text.form import BITS
from stillwatch.text.jit import compiled

Vectors = NDArray[np.float32]

STATISTICS: Final = ("mean embedding", "whitened mean", "enrichment", "form")

#: The weights of the four in the harmonic mean. Form has half because it alone is one-sided by construction.
WEIGHTS: Final = np.array([1 / 6, 1 / 6, 1 / 6, 1 / 2])

_PAIR_SHARES: Final = (0.3, 0.1, 0.03, 0.01, 0.003)  # shares of the reference's pairs within each radius
_TOP: Final = 0.05
_RARE: Final = (0.025, 0.05, 0.1)  # shares of the reference that reach the form scores looked at
_BINS: Final = 1024  # of cosine, from -1 to 1; the kernel is read at their centres
_TAIL: Final = 0.1


@dataclass(frozen=True, slots=True)
class Reference:
    """What the statistics need to know of the population.

    Attributes:
        vectors: m x d, unit rows.
        scores: form scores of the m prompts, ascending.
        bit_weights: of the form bits.
        mean: of the vectors.
        axes: d x d, whitens a difference of means.
        kernel: kernel value of each cosine bin.
        within: mean kernel between two prompts of the reference.
        radii: ascending cosine bins at which the enrichment is read.
    """

    vectors: Vectors
    scores: NDArray[np.float64]
    bit_weights: NDArray[np.float64]
    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    kernel: NDArray[np.float64]
    within: float
    radii: NDArray[np.int64]


def refer(vectors: Vectors, forms: NDArray[np.int32]) -> Reference:
    """Reference made of m >= 2 prompts: unit ``vectors`` (m x d) and their ``forms``."""
    bins = _tally(vectors @ vectors.T, True)
    below = np.cumsum(bins) / bins.sum()
    centres = (np.arange(_BINS) + 0.5) * 2 / _BINS - 1
    bandwidth = max(2 - 2 * centres[np.searchsorted(below, 0.5)], 1e-6)
    kernel = np.exp(-(2 - 2 * centres) / bandwidth)
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    spread, axes = np.linalg.eigh(centred.T @ centred / len(vectors))
    ridge = max(float(spread.mean()), 1e-12)
    bits = _bits(forms)
    weights = -np.log((bits.sum(axis=0) + 1) / (len(bits) + 2))
    return Reference(
        vectors=vectors,
        scores=np.sort(bits @ weights),
        bit_weights=weights,
        mean=mean,
        axes=axes / np.sqrt(np.maximum(spread, 0) + ridge),
        kernel=kernel,
        within=float(bins @ kernel / bins.sum()),
        radii=np.searchsorted(below, 1 - np.array(_PAIR_SHARES)).astype(np.int64),
    )


def divergences(reference: Reference, vectors: Vectors, forms: NDArray[np.int32]) -> NDArray[np.float64]:
    """The four statistics (``STATISTICS``) of a window of n >= 2 prompts: unit ``vectors`` (n x d) and ``forms``."""
    inside, between = vectors @ vectors.T, vectors @ reference.vectors.T
    own, own_near = _near(inside, reference.radii, True)
    other, other_near = _near(between, reference.radii, False)
    discrepancy = own @ reference.kernel / own.sum() - 2 * (other @ reference.kernel) / other.sum() + reference.within
    whitened = (vectors.mean(axis=0, dtype=np.float64) - reference.mean) @ reference.axes
    return np.array(
        [
            discrepancy,
            whitened @ whitened,
            _enrichment(own_near, other_near, len(reference.vectors)),
            _berk_jones(reference.scores, np.sort(_bits(forms) @ reference.bit_weights)),
        ]
    )


def _bits(forms: NDArray[np.int32]) -> NDArray[np.float64]:
    return ((forms[:, None] >> np.arange(BITS)) & 1).astype(np.float64)


def _enrichment(own: NDArray[np.int32], other: NDArray[np.int32], reference: int) -> float:
    """Mean over the highest _TOP of the prompts of the best log likelihood ratio over the radii."""
    expected = (other + 0.5) * (len(own) - 1) / (reference + 1)
    counts = np.maximum(own, 1e-9)
    ratio = np.where(own > expected, counts * np.log(counts / expected) - (counts - expected), 0.0).max(axis=1)
    top = max(5, round(len(own) * _TOP))
    return float(np.sort(ratio)[-top:].mean())


def _rare(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each of _RARE the lowest of the ascending ``scores`` that at most such a share reaches, or the highest."""
    levels = np.unique(scores)
    reached = len(scores) - np.searchsorted(scores, levels)
    places = np.searchsorted(-reached, -len(scores) * np.array(_RARE))
    return np.unique(levels[np.minimum(places, len(levels) - 1)])


def _berk_jones(reference: NDArray[np.float64], window: NDArray[np.float64]) -> float:
    """Best -log tail probability of an excess of the window at or above a rare score; both ascending."""
    levels = _rare(reference) - 1e-9
    expected = len(reference) - np.searchsorted(reference, levels)
    found = len(window) - np.searchsorted(window, levels)
    both = len(reference) + len(window)
    return float(np.max(-hypergeom.logsf(found - 1, both, expected + found, len(window))))


@compiled
def _bin(cosine: float) -> int:
    return min(max(int((cosine + 1.0) * (_BINS // 2)), 0), _BINS - 1)


@compiled
def _tally(cosines: NDArray[np.float32], square: bool) -> NDArray[np.int64]:
    """Number of pairs in each cosine bin; without the diagonal if ``square``."""
    bins = np.zeros(_BINS, np.int64)
    for row in range(cosines.shape[0]):
        for column in range(cosines.shape[1]):
            bins[_bin(cosines[row, column])] += 1
        if square:
            bins[_bin(cosines[row, row])] -= 1
    return bins


@compiled
def _near(
    cosines: NDArray[np.float32], radii: NDArray[np.int64], square: bool
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """As ``_tally``, and for each row how many columns lie within each radius."""
    total = np.zeros(_BINS, np.int64)
    near = np.zeros((cosines.shape[0], len(radii)), np.int32)
    bins = np.empty(_BINS, np.int32)
    for row in range(cosines.shape[0]):
        bins[:] = 0
        for column in range(cosines.shape[1]):
            bins[_bin(cosines[row, column])] += 1
        if square:
            bins[_bin(cosines[row, row])] -= 1
        count = 0
        radius = len(radii) - 1
        for place in range(_BINS - 1, -1, -1):
            count += bins[place]
            total[place] += bins[place]
            while radius >= 0 and radii[radius] == place:
                near[row, radius] = count
                radius -= 1
    return total, near


def surprises(scores: NDArray[np.float64], weights: NDArray[np.float64] = WEIGHTS) -> NDArray[np.float64]:
    """How unusual each of N windows is among all N: minus the log of the weighted harmonic mean of its p-values.

    Args:
        scores: N x statistics, N >= 20, each statistic larger where a window is less like the reference.
        weights: of the statistics; those of weight 0 are left out.

    A statistic's p-value is its rank, and beyond the highest tenth that of an exponential tail with their mean excess,
    so that a window far out in one statistic is not mistaken for the merely largest of N.
    """
    used = weights > 0
    values = scores[:, used]
    ranks = len(values) - np.array([np.searchsorted(np.sort(column), column) for column in values.T]).T
    starts = np.quantile(values, 1 - _TAIL, axis=0)
    excess = np.maximum(values - starts, 0)
    means = np.maximum(excess.sum(axis=0) / np.maximum(np.count_nonzero(excess, axis=0), 1), 1e-300)
    logs = np.where(excess > 0, np.log(_TAIL) - excess / means, np.log(ranks / len(values)))
    return np.asarray(np.logaddexp.reduce(np.log(weights[used]) - logs, axis=1))


def joint_p(benign: NDArray[np.float64], window: NDArray[np.float64], weights: NDArray[np.float64] = WEIGHTS) -> float:
    """P-value of a window's statistics: its rank in surprise among it and N benign windows (N x statistics) together.

    The window takes part in the ranks and tails that it is judged by (full conformal prediction: Vovk, Gammerman and
    Shafer, Algorithmic Learning in a Random World, 2005), so the p-value is exact if all are exchangeable.
    """
    found = surprises(np.vstack([benign, window]), weights)
    return float(np.count_nonzero(found >= found[-1]) / len(found))
