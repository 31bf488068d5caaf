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
from stillwatch.schema.graph import Cluster, Holders, Incidence, distinct
from stillwatch.stats.evidence import mean_bits
from stillwatch.stats.polya import CONCENTRATIONS
from stillwatch.stats.threads import in_parts
from stillwatch.stats.ties import kind_bits, tie_bits

#: Strangers expected among the members of a finished cluster, by their own odds, as a part of it.
STRANGERS = 0.005
#: In a cluster of most accounts no value is rare, so that nobody can be surer: this times the cluster's part of all.
CROWDED = 0.5
ROUNDS = 16
_OPEN_ROUNDS = 3
#: Chance that a member does not follow its cluster in some family: what one odd trait can cost it is bounded.
DEVIATES = 0.005
#: A kind less believed than this to be the one in which a cluster is alike does not speak for its family.
UNLIKELY = 1e-3
#: Beyond this part of all actors everybody is a candidate; before, holders of values so many times commoner inside.
_WIDE, _LIFT = 0.05, 4.0


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
    if len(members) < 2 or (member_odds(graph, order, members, members, chosen_by) > 0).sum() < 2:
        return None  # they do not predict each other
    before: set[bytes] = set()
    for turn in range(ROUNDS):
        if len(members) < 2:
            return None
        candidates = _candidates(graph, held, members, free)
        odds = member_odds(graph, order, members, candidates, chosen_by if turn < _OPEN_ROUNDS else -1)
        kept = candidates[odds > 0]
        members = kept
        if turn >= _OPEN_ROUNDS:  # settled, or going round in circles
            if members.tobytes() in before:
                break
            before.add(members.tobytes())
    if len(members) < 2:
        return None
    odds = member_odds(graph, order, members, members)
    sure = _surest(odds, max(STRANGERS, CROWDED * len(members) / len(graph.actors)))
    if sure.sum() < 2:
        return None
    return Cluster(members[sure], odds[sure], tie_bits(graph, order, members[sure]))


def _surest(odds: NDArray[np.float64], strangers: float) -> NDArray[np.bool_]:
    """The most members such that no more than a part of ``strangers`` of them are expected not to belong."""
    doubt = 1.0 / (1.0 + np.exp2(np.minimum(odds, 60.0)))
    by_doubt = np.argsort(doubt, kind="stable")
    average = np.cumsum(doubt[by_doubt]) / np.arange(1, len(doubt) + 1)
    kept = np.zeros(len(odds), np.bool_)
    kept[by_doubt[: np.searchsorted(average, strangers, side="right")]] = True
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
    width = len(graph.kinds)
    seen = np.count_nonzero(graph.sizes.reshape(-1, width)[members], axis=0).astype(float)
    kinds = np.nonzero(weight)[0]
    counts = _counts(members, kinds, width, graph.indptr, graph.sizes, graph.values, len(graph.share))
    base, slope = _urns(belief, seen)

    def evidence_of(part: NDArray[np.int64]) -> NDArray[np.float64]:
        return _evidence(  # type: ignore[no-any-return]
            part, inside, counts, kinds, graph.families, len(Family), width,
            graph.indptr, graph.sizes, graph.values, graph.share, graph.ordinary, base, slope, weight, leave_out,
        )  # fmt: skip

    evidence = in_parts(evidence_of, candidates)
    size, everybody = len(members), len(graph.actors)
    return np.asarray(evidence + np.log2(size / max(everybody - size, 1)))


def _urns(belief: NDArray[np.float64], seen: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What an actor's overlap with the members is worth: ``base + slope * overlap``, each outsiders x insiders by kind.

    The urns' predictions, weighed by belief, are linear in the overlap; an insider is not counted among the members.
    """
    urns, others = CONCENTRATIONS[:-1], np.stack([seen, np.maximum(seen - 1, 0)])[:, :, None]
    base = (belief[:, :-1] * urns / (urns + others)).sum(axis=2) + belief[:, -1]
    return base, (belief[:, :-1] / (urns + others)).sum(axis=2)


def _kind_weights(graph: Incidence, bits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Belief, within each family, that a kind is the one in which the members are alike; 0 where it is next to none."""
    by_kind, families = mean_bits(bits, axis=1), graph.families
    weight = np.zeros(len(by_kind))
    for family in np.unique(families):
        own = families == family
        weight[own] = np.exp2(by_kind[own] - by_kind[own].max())
        weight[own] /= weight[own].sum()
    return np.where(weight < UNLIKELY, 0.0, weight)


@njit(cache=True, nogil=True)
def _counts(members, kinds, width, indptr, sizes, values, names):  # type: ignore[no-untyped-def]
    counts = np.zeros(names)
    for member in members:
        for kind in kinds:
            row = member * width + kind
            for at in range(indptr[row], indptr[row + 1]):
                counts[values[at]] += 1.0 / sizes[row]
    return counts


@njit(cache=True, nogil=True)
def _evidence(  # type: ignore[no-untyped-def]
    candidates, inside, counts, kinds, families, family_count, width, indptr, sizes, values, share, ordinary,
    base, slope, weight, leave_out,
):  # fmt: skip
    out = np.zeros(len(candidates))
    ratio, measured = np.zeros(family_count), np.zeros(family_count)
    for index in range(len(candidates)):
        actor = candidates[index]
        own = 1 if inside[actor] else 0
        ratio[:] = 0.0
        measured[:] = 0.0
        for kind in kinds:
            row = actor * width + kind
            size = sizes[row]
            if size == 0:
                continue
            overlap = 0.0
            plain = 0
            for at in range(indptr[row], indptr[row + 1]):
                value = values[at]
                overlap += max(counts[value] - own / size, 0.0) / share[value]
                plain += ordinary[value]
            expected = base[own, kind] + slope[own, kind] * overlap / size
            if plain == size and expected > 1.0:
                expected = 1.0
            ratio[families[kind]] += weight[kind] * expected
            measured[families[kind]] += weight[kind]
        for family in range(family_count):
            if measured[family] > 0 and family != leave_out:
                out[index] += np.log2((1.0 - DEVIATES) * ratio[family] / measured[family] + DEVIATES)
    return out


def _candidates(
    graph: Incidence, held: Holders, members: NDArray[np.int64], free: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Free actors who hold a value that is telling of ``members``; everybody, if these are a good part of all."""
    everybody = len(graph.actors)
    if len(members) > _WIDE * everybody:
        return np.nonzero(free)[0]
    times = np.bincount(graph.values_of(members), minlength=len(graph.share))
    value = np.flatnonzero(times)
    count = times[value]
    degree = held.degree_of(value)
    telling = (count >= _LIFT * len(members) * graph.share[value]) & (degree <= np.maximum(200, 20 * len(members)))
    found = [members, *(held.of(int(v)) for v in value[telling & (degree >= 2) & ~graph.ordinary[value]])]
    actors = distinct(np.concatenate(found))
    return actors[free[actors]]
