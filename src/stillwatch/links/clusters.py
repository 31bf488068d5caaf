"""The account-artifact graph -> clusters, most certain first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.links.grow import grow
from stillwatch.links.merge import merge
from stillwatch.links.seeds import SMALLEST, find_seeds
from stillwatch.links.split import split
from stillwatch.schema.graph import Cluster, Holders, Incidence, holders

#: A seed most of whose holders are in a cluster already, or were let go by this many growths, is not grown again.
_SPENT = 0.5
#: Bits beyond naming the group (1 in 1,000) for a cluster to be worth testing as a campaign.
WORTH_TESTING = 10.0


@dataclass(frozen=True, slots=True)
class Linked:
    """Clusters, the artifacts too common to seed one (kind label, value, holders), and the holders of every value."""

    clusters: list[Cluster]
    capped: list[tuple[str, str, int]]
    held: Holders
    order: NDArray[np.int64]


def find_clusters(graph: Incidence, seed: int = 0) -> Linked:
    """Clusters of ``graph``: disjoint, each tied by more than its naming costs.

    Args:
        graph: the account-artifact graph.
        seed: fixes the order in which holders are sampled.
    """
    held = holders(graph)
    order = np.random.default_rng(seed).permutation(len(graph.actors))
    seeds = find_seeds(graph, held, order)
    free = np.ones(len(graph.actors), np.bool_)
    tried = np.zeros(len(graph.actors), np.int32)
    clusters: list[Cluster] = []
    for value in seeds.values:
        start = held.of(int(value))
        if (~free[start] | (tried[start] >= 3)).mean() >= _SPENT:
            continue
        cluster = grow(graph, held, order, start, free, int(graph.families[graph.kind_of[value]]))
        tried[start] += 1
        for part in split(graph, held, order, cluster) if cluster is not None and cluster.bits > WORTH_TESTING else ():
            if len(part.actors) >= SMALLEST and part.bits > WORTH_TESTING:
                clusters.append(part)
                free[part.actors] = False
    clusters = sorted(merge(graph, held, order, clusters), key=lambda c: (-c.bits, int(c.actors[0])))
    capped = [(graph.kinds[graph.kind_of[v]].label, graph.names[v], len(held.of(v))) for v in seeds.capped]
    return Linked(clusters, capped, held, order)
