"""How surprising it is that a group shares its values: Polya-urn Bayes factors.

Under the urn of concentration ``a`` the next member of a group draws its value from what the members before it showed
(weight: their number) or from the whole population (weight ``a``). The ratio of that prediction to the population's own
share, multiplied over members, is a Bayes factor against independent draws, and a test martingale: under
independence its expectation is at most one for every order of the members, so it is an e-value (Shafer 2021;
Ramdas et al. 2023). A small ``a`` means a group that acts as one; ``a = inf`` is independence itself, ratio one.

An actor with several values counts as drawing one of them at random; averaging over which keeps the expectation.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Concentrations that groups are tried with, from one hand to strangers. The last stands for infinity.
CONCENTRATIONS = np.array([0.5, 2.0, 8.0, 32.0, 128.0, 512.0, 2048.0, np.inf])


@njit(cache=True, nogil=True)
def urn_bits(  # type: ignore[no-untyped-def]
    members, kind, width, indptr, sizes, values, share, ordinary, concentrations, counts, stops, out
) -> int:
    """Log2 Bayes factors of the first few ``members`` sharing values of ``kind``, one a concentration, into ``out``.

    Args:
        members: int64[m], actor indices in the order in which they are drawn.
        kind: which kind; rows ``member * width + kind`` of ``indptr`` are read.
        width: number of kinds in the table.
        indptr, sizes, values, share, ordinary: see ``schema.graph.Incidence``.
        concentrations: float64[g]; infinity is allowed at the end.
        counts: float64[number of values], zero on entry and on return: scratch.
        stops: int64[s], ascending: after how many members to note the bits; more than there are means all of them.
        out: float64[s, g], overwritten.

    Returns:
        The number of members that have a value of the kind.
    """
    finite = len(concentrations) - np.count_nonzero(np.isinf(concentrations))
    bits = np.zeros(len(concentrations))
    seen, stop = 0, 0
    for place in range(len(members)):
        while stop < len(stops) and stops[stop] <= place:
            out[stop] = bits
            stop += 1
        if stop == len(stops):
            break
        row = members[place] * width + kind
        low, high, size = indptr[row], indptr[row + 1], sizes[row]
        if size == 0:
            continue
        overlap = 0.0
        plain = 0
        for at in range(low, high):
            value = values[at]
            overlap += counts[value] / share[value]
            plain += ordinary[value]
            counts[value] += 1.0 / size
        overlap /= size
        if plain < size or overlap < seen:  # agreeing on what everybody does is no tie
            for grid in range(finite):
                bits[grid] += np.log2((concentrations[grid] + overlap) / (concentrations[grid] + seen))
        seen += 1
    out[stop:] = bits
    for member in members:
        row = member * width + kind
        for at in range(indptr[row], indptr[row + 1]):
            counts[values[at]] = 0.0
    return seen


@njit(cache=True, nogil=True)
def groups_bits(  # type: ignore[no-untyped-def]
    groups, starts, stops, kinds, width, indptr, sizes, values, share, ordinary, concentrations
):
    """``urn_bits`` of many groups and some kinds.

    Args:
        groups: int64, members of all groups one after the other; ``starts`` int64[groups + 1] delimits them.
        stops: int64[s], after how many members of each group, ascending.
        kinds: int64, which kinds.

    Returns:
        float64[groups, kinds, s, concentrations] of log2 Bayes factors.
    """
    bits = np.zeros((len(starts) - 1, len(kinds), len(stops), len(concentrations)))
    counts = np.zeros(len(share))
    for group in range(len(starts) - 1):
        members = groups[starts[group] : starts[group + 1]]
        for place in range(len(kinds)):
            urn_bits(
                members, kinds[place], width, indptr, sizes, values, share, ordinary, concentrations, counts, stops,
                bits[group, place],
            )  # fmt: skip
    return bits


def reference_urn_bits(
    sets: list[list[int]], share: NDArray[np.float64], ordinary: NDArray[np.bool_], concentration: float
) -> float:
    """The same in plain Python, for tests: ``sets`` are the members' values in drawing order."""
    counts: dict[int, float] = {}
    bits = 0.0
    for seen, own in enumerate(filter(None, sets)):
        predicted = sum((concentration * share[v] + counts.get(v, 0.0)) / share[v] for v in own) / len(own)
        ratio = predicted / (concentration + seen)
        bits += min(np.log2(ratio), 0.0) if all(ordinary[v] for v in own) else np.log2(ratio)
        for v in own:
            counts[v] = counts.get(v, 0.0) + 1 / len(own)
    return float(bits)
