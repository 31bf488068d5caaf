"""Natural groups: how alike are customers who share one innocent thing?

Strangers drawn one by one are too easy a null: people behind one address, users of one tool, newcomers of one day are
alike in many ways, and a large enough group of them differs from the population in everything. The unit that is
exchangeable is the group. So for each explanation the groups that its artifacts make in the traffic itself (or in the
operator's own benign period) are measured like the cluster, and the cluster's rank among them is its conformal p-value.

Alikeness grows with the size of a group, so a group and the cluster are compared at the same number of members.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.explanations import EXPLANATIONS
from stillwatch.schema.evidence import Family
from stillwatch.schema.graph import Cluster, Holders, Incidence
from stillwatch.stats.combine import Moments, conformal_p, log_moments
from stillwatch.stats.evidence import mean_bits
from stillwatch.stats.ties import first_bits

#: Natural groups measured for each explanation.
GROUPS = 1000
#: With fewer natural groups of its own sort an explanation is compared with the sort that has most.
ENOUGH = 30
#: Numbers of members at which groups are compared.
SIZES = (4, 6, 8, 12, 16, 24, 32, 48, 64)
FEWEST = 4
#: An actor counts in so many groups before it is spent, so that the groups are not the same people again and again.
REUSED = 3
FAMILIES = tuple(Family)


@dataclass(frozen=True, slots=True)
class Reference:
    """Natural groups of one explanation.

    Attributes:
        alike: groups x SIZES x FAMILIES, how alike the first so many members are; nan beyond the group's size.
        cluster: the cluster that each group stands for, -1 for none.
    """

    alike: NDArray[np.float64]
    cluster: NDArray[np.int64]

    def among(self, alike: NDArray[np.float64], excluded: frozenset[int]) -> tuple[dict[Family, float], int]:
        """Conformal p-value of a cluster in each family, and the number of groups it was compared with.

        Args:
            alike: SIZES x FAMILIES of the cluster.
            excluded: clusters whose groups are left out.
        """
        groups = self.alike[~np.isin(self.cluster, list(excluded))]
        place = np.minimum(_largest(groups), _largest(alike[None])[0])
        own, theirs = alike[place], groups[np.arange(len(groups)), place]
        ratios = np.divide(theirs, own, out=np.full_like(theirs, np.inf), where=own > 0)
        p_values = [conformal_p(ratios[:, family]) for family in range(len(FAMILIES))]
        return dict(zip(FAMILIES, p_values, strict=True)), len(groups)

    def moments(self, families: Sequence[Family], excluded: frozenset[int]) -> Moments:
        """Moments of ``-2 ln p`` among natural groups, each ranked among the others at its own size."""
        groups = self.alike[~np.isin(self.cluster, list(excluded))]
        place = _largest(groups)
        columns = [FAMILIES.index(family) for family in families]
        whole = groups[np.arange(len(groups)), place][:, columns]
        p_values = np.ones_like(whole)
        for size in np.unique(place):
            rows = np.nonzero(place == size)[0]
            for column in range(len(columns)):
                values = whole[rows, column]
                p_values[rows, column] = (len(values) - np.searchsorted(np.sort(values), values)) / len(values)
        return log_moments(p_values)


def alikeness(graph: Incidence, order: NDArray[np.int64], groups: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """How alike the first 4, 6, 8 ... members of ``groups`` are: groups x SIZES x FAMILIES, nan beyond their size.

    The statistic is the log2 Bayes factor against strangers, added over the kinds of the family that have any.
    """
    drawn = [group[np.argsort(order[group], kind="stable")[: SIZES[-1]]] for group in groups]
    bits = np.maximum(mean_bits(first_bits(graph, drawn, SIZES), axis=3), 0.0)
    kind_family = graph.families
    out = np.stack([bits[:, kind_family == family].sum(axis=1) for family in range(len(FAMILIES))], axis=2)
    out[np.array([len(group) for group in drawn], int)[:, None] < np.array(SIZES)] = np.nan
    return np.asarray(out)


def references(
    graph: Incidence,
    held: Holders,
    order: NDArray[np.int64],
    clusters: Sequence[Cluster],
    benign: Mapping[frozenset[Family], NDArray[np.float64]] | None = None,
) -> dict[str, Reference]:
    """Natural groups of every explanation that is compared with some.

    Args:
        graph: the account-artifact graph.
        held: its inverse.
        order: a fixed random rank of each actor.
        clusters: groups found tied; each is one group, however many artifacts it holds.
        benign: alikeness of the natural groups of a benign period, in place of this traffic's.
    """
    own = alikeness(graph, order, [cluster.actors for cluster in clusters])
    found = benign if benign is not None else natural_groups(graph, held, order, clusters)
    made = {
        families: Reference(np.concatenate([alike, own]), np.r_[np.full(len(alike), -1), np.arange(len(clusters))])
        for families, alike in found.items()
    }
    fullest = max(made.values(), key=lambda reference: np.count_nonzero(reference.cluster < 0))
    chosen = {f: r if np.count_nonzero(r.cluster < 0) >= ENOUGH else fullest for f, r in made.items()}
    return {e.name: chosen[e.alike] for e in EXPLANATIONS if e.alike in chosen}


def natural_groups(
    graph: Incidence, held: Holders, order: NDArray[np.int64], clusters: Sequence[Cluster]
) -> dict[frozenset[Family], NDArray[np.float64]]:
    """Alikeness of the groups that artifacts make, by the families of these; groups of ``clusters`` are left out."""
    owner = np.full(len(graph.actors), -1, np.int64)
    for index, cluster in enumerate(clusters):
        owner[cluster.actors] = index
    return {
        families: alikeness(graph, order, _groups(graph, held, order, owner, families))
        for families in sorted({e.alike for e in EXPLANATIONS if e.alike}, key=sorted)
    }


def _groups(
    graph: Incidence, held: Holders, order: NDArray[np.int64], owner: NDArray[np.int64], families: frozenset[Family]
) -> list[NDArray[np.int64]]:
    """Holders of artifacts of ``families`` that are in no cluster."""
    groups: list[NDArray[np.int64]] = []
    taken = np.zeros(len(graph.actors), np.int64)
    for value in _values(graph, held, families):
        actors = held.of(int(value))
        actors = actors[owner[actors] < 0]  # clusters stand for themselves
        if len(actors) < FEWEST:
            continue
        sample = actors[np.argsort(order[actors], kind="stable")[: SIZES[-1]]]
        if (taken[sample] >= REUSED).mean() > 0.5:
            continue
        taken[sample] += 1
        groups.append(sample)
        if len(groups) == GROUPS:
            break
    return groups


def _values(graph: Incidence, held: Holders, families: frozenset[Family]) -> NDArray[np.int64]:
    """Artifacts of ``families`` with enough holders, in a fixed order that mixes kinds and sizes."""
    eligible = np.array([kind.artifact and kind.family in families for kind in graph.kinds], np.bool_)
    values = np.nonzero(eligible[graph.kind_of] & ~graph.ordinary & (held.degree >= FEWEST))[0]
    return np.asarray(np.random.default_rng(0).permutation(values))


def _largest(alike: NDArray[np.float64]) -> NDArray[np.int64]:
    """The last of SIZES that each group reaches."""
    return np.asarray((~np.isnan(alike[:, :, 0])).sum(axis=1) - 1)
