"""Two actors in one cluster: taken apart where two descriptions are shorter than one.

A growing cluster may take in another concentrated group that overlaps it somewhere, for both stand out from the
background. By the minimum description length the two belong apart when their ties, each with the cost of naming it,
add up to more than the tie of both together. Splitting along one family alone never pays: what it saves there, it costs
in naming. So only groups that differ in several ways come apart, and pools of one actor are joined again by ``merge``.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.links.grow import member_odds
from stillwatch.schema.graph import Cluster, Holders, Incidence
from stillwatch.stats.ties import tie_bits

#: Bits by which two clusters must beat one, divisions looked at for each cluster, those of them that are refined, and
#: rounds of moving members across.
MARGIN, TRIED, REFINED, ROUNDS = 20.0, 16, 4, 8
SMALLEST = 4


def split(graph: Incidence, held: Holders, order: NDArray[np.int64], cluster: Cluster) -> list[Cluster]:
    """``cluster``, or the clusters it falls into."""
    starts = sorted(_starts(graph, held, cluster.actors), key=lambda left: -_bits(graph, order, cluster.actors, left))
    best = max(
        (_halves(graph, order, cluster.actors, start) for start in starts[:REFINED]),
        key=lambda halves: halves[0],
        default=None,
    )
    if best is None or best[0] < cluster.bits + MARGIN:
        return [cluster]
    return [part for actors in best[1:] for part in split(graph, held, order, _cluster(graph, order, actors))]


def _cluster(graph: Incidence, order: NDArray[np.int64], actors: NDArray[np.int64]) -> Cluster:
    return Cluster(actors, member_odds(graph, order, actors, actors), tie_bits(graph, order, actors))


def _starts(graph: Incidence, held: Holders, actors: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    """Members that hold one of the artifacts that divide the cluster most evenly, one division each."""
    artifact = np.array([kind.artifact for kind in graph.kinds], np.bool_)
    value, count = np.unique(graph.values_of(actors), return_counts=True)
    middling = (
        artifact[graph.kind_of[value]]
        & ~graph.ordinary[value]
        & (count >= SMALLEST)
        & (count <= len(actors) - SMALLEST)
    )
    value, count = value[middling], count[middling]
    chosen = value[np.lexsort((value, np.abs(2 * count - len(actors))))[:TRIED]]
    return [np.isin(actors, held.of(int(v)), assume_unique=True) for v in chosen]


def _halves(
    graph: Incidence, order: NDArray[np.int64], actors: NDArray[np.int64], left: NDArray[np.bool_]
) -> tuple[float, NDArray[np.int64], NDArray[np.int64]]:
    """The bits of the two parts that ``left`` settles into when members move to where they are predicted better."""
    for _ in range(ROUNDS):
        one, two = actors[left], actors[~left]
        if min(len(one), len(two)) < SMALLEST:
            return -np.inf, one, two
        moved = member_odds(graph, order, one, actors) > member_odds(graph, order, two, actors)
        if np.array_equal(moved, left):
            break
        left = moved
    return _bits(graph, order, actors, left), actors[left], actors[~left]


def _bits(graph: Incidence, order: NDArray[np.int64], actors: NDArray[np.int64], left: NDArray[np.bool_]) -> float:
    """Bits of the two parts together; none if one is too small to be a cluster."""
    one, two = actors[left], actors[~left]
    if min(len(one), len(two)) < SMALLEST:
        return -np.inf
    return tie_bits(graph, order, one) + tie_bits(graph, order, two)
