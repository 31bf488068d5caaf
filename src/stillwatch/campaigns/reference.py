"""Natural groups: how alike are customers who share one innocent thing?

Strangers drawn one by one are too easy a null: people behind one address, users of one tool, newcomers of one day are
alike in many ways, and a large enough group of them differs from the population in everything. The unit that is
exchangeable is the group. So for each explanation the groups that its defining artifacts make in the traffic itself
(or in the operator's own benign period) are measured like the cluster, and the concentration of their traits is fitted
(``stats.evidence.mixture_weights``). A cluster is then judged against a group drawn from that mixture; a trait in
which one natural group in ten is as concentrated can never weigh more than ten to one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.explanations import EXPLANATIONS, Explanation
from stillwatch.schema.evidence import Family
from stillwatch.schema.graph import Cluster, Holders, Incidence
from stillwatch.stats.evidence import mixture_weights
from stillwatch.stats.polya import CONCENTRATIONS
from stillwatch.stats.ties import many_kind_bits

#: Natural groups measured for each explanation, members looked at in each, and fewest members that make one.
GROUPS, MEMBERS, FEWEST = 400, 64, 6
#: A group more than this part of whose members are in one cluster stands for that cluster.
_BELONGS = 0.3


@dataclass(frozen=True, slots=True)
class Reference:
    """Natural groups of one explanation.

    Attributes:
        bits: groups x kinds x concentrations, log2 Bayes factors of each group.
        cluster: the cluster each group belongs to, -1 for none.
    """

    bits: NDArray[np.float64]
    cluster: NDArray[np.int64]

    def weights(self, excluded: frozenset[int]) -> tuple[NDArray[np.float64], int]:
        """Kinds x concentrations, how often natural groups are how concentrated; and the number of groups.

        Groups that stand for a cluster in ``excluded`` are left out.
        """
        kept = self.bits[~np.isin(self.cluster, list(excluded))]
        kinds = self.bits.shape[1]
        return np.stack([mixture_weights(kept[:, kind]) for kind in range(kinds)]), len(kept)


def strangers(kinds: int) -> NDArray[np.float64]:
    """The weights of independence: all on infinite concentration."""
    weights = np.zeros((kinds, len(CONCENTRATIONS)))
    weights[:, -1] = 1.0
    return weights


def references(
    graph: Incidence,
    held: Holders,
    order: NDArray[np.int64],
    clusters: Sequence[Cluster],
) -> dict[str, Reference]:
    """Natural groups of every explanation that has a defining family or grants one.

    Args:
        graph: the account-artifact graph.
        held: its inverse.
        order: a fixed random rank of each actor.
        clusters: groups found tied; each is one group, however many artifacts it holds.
    """
    owner = np.full(len(graph.actors), -1, np.int64)
    for index, cluster in enumerate(clusters):
        owner[cluster.actors] = index
    return {
        explanation.name: _reference(graph, held, order, owner, clusters, explanation)
        for explanation in EXPLANATIONS
        if explanation.grants
    }


def _reference(
    graph: Incidence,
    held: Holders,
    order: NDArray[np.int64],
    owner: NDArray[np.int64],
    clusters: Sequence[Cluster],
    explanation: Explanation,
) -> Reference:
    groups: list[NDArray[np.int64]] = []
    belongs: list[int] = []
    taken = np.zeros(len(graph.actors), np.bool_)
    for value in _values(graph, held, explanation.needs or explanation.grants):
        actors = held.of(int(value))
        sample = actors[np.argsort(order[actors], kind="stable")[:MEMBERS]]
        inside = owner[sample][owner[sample] >= 0]
        if len(inside) and np.bincount(inside).max() > _BELONGS * len(sample):
            continue  # that cluster stands for itself below
        if taken[sample].mean() > 0.5:
            continue
        taken[sample] = True
        groups.append(sample)
        belongs.append(-1)
        if len(groups) == GROUPS:
            break
    for index, cluster in enumerate(clusters):
        groups.append(cluster.actors[np.argsort(order[cluster.actors], kind="stable")[:MEMBERS]])
        belongs.append(index)
    return Reference(many_kind_bits(graph, order, groups), np.array(belongs, np.int64))


def _values(graph: Incidence, held: Holders, families: frozenset[Family]) -> NDArray[np.int64]:
    """Artifacts of ``families`` with enough holders, in a fixed order that mixes kinds and sizes."""
    eligible = np.array([kind.artifact and kind.family in families for kind in graph.kinds], np.bool_)
    values = np.nonzero(eligible[graph.kind_of] & ~graph.ordinary & (held.degree >= FEWEST))[0]
    return np.asarray(np.random.default_rng(0).permutation(values))
