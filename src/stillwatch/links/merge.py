"""Pools of one actor: clusters found apart that share an artifact nobody else has.

A blocked pool's work moves to another with other addresses and cards; a campaign runs on several clouds. Such pools
are separate clusters, and one campaign. Two clusters join when a good part of each has traits, of two families or
more, that hardly anybody outside them has. Being made in the same days joins nobody: two campaigns may start
together.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stillwatch.links.grow import grow
from stillwatch.schema.evidence import Family, Kind
from stillwatch.schema.graph import Cluster, Holders, Incidence
from stillwatch.stats.ties import tie_bits

#: Part of each cluster's actors that must hold the shared artifact.
COMMON_PART = 1 / 3
#: An artifact that so many loose actors hold, as a part of those in clusters, is public and joins nobody.
PUBLIC = 0.1
MARGIN = 7.0


def merge(graph: Incidence, held: Holders, order: NDArray[np.int64], clusters: list[Cluster]) -> list[Cluster]:
    """``clusters`` with the pools of one actor joined; the pools stand in ``parts``."""
    if len(clusters) < 2:
        return clusters
    threshold = MARGIN + np.log2(len(clusters) * (len(clusters) - 1) / 2)
    bits = _shared_bits(graph, held, clusters)
    left, right = np.nonzero(bits > threshold)
    size = len(clusters)
    _, label = connected_components(coo_array((np.ones(len(left)), (left, right)), shape=(size, size)), directed=False)
    groups = [[clusters[i] for i in np.nonzero(label == group)[0]] for group in range(label.max() + 1)]
    free = np.ones(len(graph.actors), np.bool_)
    for cluster in clusters:
        free[cluster.actors] = False
    return [_join(graph, held, order, pools, free) for pools in groups]


def _shared_bits(graph: Incidence, held: Holders, clusters: list[Cluster]) -> NDArray[np.float64]:
    """Surprise of what each two clusters share, to unclustered actors: the rarest of each family, summed."""
    joins = np.array([_joins(kind) for kind in graph.kinds], np.bool_)
    telling = joins[graph.kind_of] & ~graph.ordinary
    holding: dict[int, list[int]] = {}
    for index, cluster in enumerate(clusters):
        value, count = np.unique(graph.values_of(cluster.actors), return_counts=True)
        often = (count >= np.maximum(3, COMMON_PART * len(cluster.actors))) & telling[value]
        for v in value[often].tolist():
            holding.setdefault(v, []).append(index)
    families = graph.families
    loose = np.ones(len(graph.actors), np.bool_)
    for cluster in clusters:
        loose[cluster.actors] = False
    everybody = int(loose.sum())
    best = np.zeros((len(clusters), len(clusters), len(Family)))
    for shared, who in holding.items():
        family = families[graph.kind_of[shared]]
        outside = int(loose[held.of(shared)].sum())
        if outside > PUBLIC * (len(held.of(shared)) - outside):
            continue
        surprise = np.log2((everybody + 1) / (outside + 1))
        for one, two in combinations(who, 2):
            best[one, two, family] = max(best[one, two, family], surprise)
    return np.where((best > 0).sum(axis=2) >= 2, best.sum(axis=2), 0.0)


def _joins(kind: Kind) -> bool:
    """Artifacts join, but for dates; of what is measured only the replay of others' reasoning is telling enough."""
    return (kind.artifact and kind.family != Family.COHORT) or kind.family == Family.REPLAY


def _join(
    graph: Incidence, held: Holders, order: NDArray[np.int64], pools: list[Cluster], free: NDArray[np.bool_]
) -> Cluster:
    """One cluster of ``pools``, grown again from all of them; what it gains is no longer ``free``."""
    if len(pools) == 1:
        return pools[0]
    parts = tuple(pool.actors for pool in pools)
    actors = np.sort(np.concatenate(parts))
    odds = dict(zip(np.concatenate(parts).tolist(), np.concatenate([p.odds for p in pools]).tolist(), strict=True))
    free[actors] = True
    grown = grow(graph, held, order, actors, free)
    if grown is not None:  # a pool that the joint cluster does not predict was let in by itself, and stays
        odds |= dict(zip(grown.actors.tolist(), grown.odds.tolist(), strict=True))
        actors = np.union1d(actors, grown.actors)
    free[actors] = False
    bits = max(tie_bits(graph, order, actors), sum(pool.bits for pool in pools))
    return Cluster(actors, np.array([odds[a] for a in actors.tolist()]), bits, parts)
