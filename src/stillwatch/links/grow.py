"""From a seed to a whole cluster: who predicts, and is predicted by, the others' values.

Every actor's log odds of belonging are the sum over families of how much better its values are predicted by the
cluster's (it left out) than by the population, plus the log odds of the cluster's size. Those above a threshold are
the next cluster, until nothing changes: hard expectation-maximisation of a mixture of one concentrated group and the
background. A stranger who shares one artifact with a member is pulled towards the background by everything else, so
clusters do not chain; nothing depends on the cluster's size, so eight and 25,000 come out alike.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.schema.evidence import Family
from stillwatch.schema.graph import Cluster, Holders, Incidence
from stillwatch.stats.evidence import mean_bits
from stillwatch.stats.polya import CONCENTRATIONS
from stillwatch.stats.ties import kind_bits, tie_bits

#: Strangers expected among the members of a finished cluster, by their own odds, as a part of it.
STRANGERS = 0.005
ROUNDS = 16
_OPEN_ROUNDS = 3
#: Values held by more than this part of all actors bring no new candidates into a small cluster.
_WIDE = 0.02


def grow(
    graph: Incidence,
    held: Holders,
    order: NDArray[np.int64],
    start: NDArray[np.int64],
    free: NDArray[np.bool_],
    chosen_by: int = -1,
) -> Cluster | None:
    """The cluster that ``start`` settles into, or None if it dissolves.

    Args:
        graph: the account-artifact graph.
        held: its inverse.
        order: a fixed random rank of each actor.
        start: actors to begin with.
        free: False for actors that belong to another cluster already.
        chosen_by: the family of the artifact that ``start`` holds, -1 if none. It does not count in the first rounds:
            everybody there has it, and a cluster that holds several such artifacts would break up along them.
    """
    members = start[free[start]]
    for turn in range(ROUNDS):
        if len(members) < 2:
            return None
        candidates = _candidates(graph, held, members, free)
        odds = member_odds(graph, order, members, candidates, chosen_by if turn < _OPEN_ROUNDS else -1)
        kept = candidates[odds > 0]
        settled = np.array_equal(kept, members)
        members = kept
        if settled and turn >= _OPEN_ROUNDS:
            break
    if len(members) < 2:
        return None
    odds = member_odds(graph, order, members, members)
    sure = _surest(odds)
    if sure.sum() < 2:
        return None
    return Cluster(members[sure], odds[sure], tie_bits(graph, order, members[sure]))


def _surest(odds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The most members such that no more than STRANGERS of them are expected not to belong."""
    doubt = 1.0 / (1.0 + np.exp2(np.minimum(odds, 60.0)))
    by_doubt = np.argsort(doubt, kind="stable")
    average = np.cumsum(doubt[by_doubt]) / np.arange(1, len(doubt) + 1)
    kept = np.zeros(len(odds), np.bool_)
    kept[by_doubt[: np.searchsorted(average, STRANGERS, side="right")]] = True
    return kept


def member_odds(
    graph: Incidence,
    order: NDArray[np.int64],
    members: NDArray[np.int64],
    candidates: NDArray[np.int64],
    leave_out: int = -1,
) -> NDArray[np.float64]:
    """Log2 odds of each of ``candidates`` belonging with ``members``; a member is judged by the others.

    ``leave_out`` is the index of a family that does not count.
    """
    bits = kind_bits(graph, order, members)
    likelihood = np.exp2(bits - bits.max(axis=1, keepdims=True))
    belief = likelihood / likelihood.sum(axis=1, keepdims=True)
    weight = _kind_weights(graph, bits)
    inside = np.zeros(len(graph.actors), np.bool_)
    inside[members] = True
    evidence = _evidence(
        candidates, inside, members, len(graph.kinds), graph.families, len(Family), len(graph.actors), graph.indptr,
        graph.sizes, graph.values, graph.share, graph.ordinary, CONCENTRATIONS, belief, weight, leave_out,
    )  # fmt: skip
    size, everybody = len(members), len(graph.actors)
    return np.asarray(evidence + np.log2(size / max(everybody - size, 1)))


def _kind_weights(graph: Incidence, bits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Belief, within each family, that a kind is the one in which the members are alike; never quite none."""
    by_kind, families = mean_bits(bits, axis=1), graph.families
    weight = np.zeros(len(by_kind))
    for family in np.unique(families):
        own = families == family
        weight[own] = np.exp2(by_kind[own] - by_kind[own].max())
        weight[own] = (weight[own] + 1e-6) / weight[own].sum()
    return weight


@njit(cache=True, nogil=True)
def _evidence(  # type: ignore[no-untyped-def]
    candidates, inside, members, kinds, families, family_count, actors, indptr, sizes, values, share, ordinary,
    concentrations, belief, weight, leave_out,
):  # fmt: skip
    counts = np.zeros(len(share))
    seen = np.zeros(kinds)
    for member in members:
        for kind in range(kinds):
            row = kind * actors + member
            if sizes[row] > 0:
                seen[kind] += 1
            for at in range(indptr[row], indptr[row + 1]):
                counts[values[at]] += 1.0 / sizes[row]
    out = np.zeros(len(candidates))
    for index in range(len(candidates)):
        actor = candidates[index]
        own = 1.0 if inside[actor] else 0.0
        ratio = np.zeros(family_count)
        measured = np.zeros(family_count)
        for kind in range(kinds):
            row = kind * actors + actor
            low, high, size = indptr[row], indptr[row + 1], sizes[row]
            if size == 0:
                continue
            overlap = 0.0
            plain = 0
            for at in range(low, high):
                overlap += max(counts[values[at]] - own / size, 0.0) / share[values[at]]
                plain += ordinary[values[at]]
            overlap /= size
            expected = 0.0
            for grid in range(len(concentrations)):
                urn = concentrations[grid]
                if np.isinf(urn):
                    expected += belief[kind, grid]
                else:
                    expected += belief[kind, grid] * (urn + overlap) / (urn + seen[kind] - own)
            if plain == size and expected > 1.0:
                expected = 1.0
            ratio[families[kind]] += weight[kind] * expected
            measured[families[kind]] += weight[kind]
        for family in range(family_count):
            if measured[family] > 0 and family != leave_out:
                out[index] += np.log2(ratio[family] / measured[family])
    return out


def _candidates(
    graph: Incidence, held: Holders, members: NDArray[np.int64], free: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Free actors who share a value with a member; only values common in the cluster if they are common outside."""
    everybody = len(graph.actors)
    if len(members) > _WIDE * everybody:
        return np.nonzero(free)[0]
    value, count = np.unique(graph.values_of(members), return_counts=True)
    degree = held.degree[value]
    useful = (degree >= 2) & (degree <= np.maximum(_WIDE * everybody, 50 * count))
    found = [members, *(held.of(int(v)) for v in value[useful & ~graph.ordinary[value]])]
    actors = np.unique(np.concatenate(found))
    return actors[free[actors]]
