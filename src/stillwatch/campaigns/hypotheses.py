"""Two families of hypotheses: the clusters that looking found, and those that others' indicators point to.

What looking found is tested as if there were no indicators, to the last bit: it is compared with the same natural
groups, beside the same clusters. Clusters that an indicator points to, put forward for it or found by looking too, are
a second family. Whom an indicator is true of was settled by others, not by what this log shows of them elsewhere, so
that few are tested there, each with the cost of naming saved (``campaigns.naming``), and a small one pays nothing for
the large ones beside it: they weigh alike.

Each family has its part of the error rate: SHARE of it is for the second, where there is one. False discoveries of the
union are at most those of both, so the rate holds for all findings together. A finding's q-value is the smaller of its
two, each over its family's part: a member that knows indicators gives up a tenth of its threshold, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.assess import Assessment, assess
from stillwatch.campaigns.looks import Looks, over_looks
from stillwatch.campaigns.naming import namers
from stillwatch.campaigns.reference import Reference, references
from stillwatch.schema.evidence import Family, Reading
from stillwatch.schema.graph import Cluster, Holders, Incidence, Named
from stillwatch.stats.evidence import benjamini_hochberg

#: Part of the false-discovery rate for clusters that indicators point to.
SHARE = 0.1
LOOKED, POINTED = "looked", "pointed"


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of testing: by the number of a cluster, its assessment in each family that it is in."""

    clusters: int
    looked: Mapping[int, Assessment]
    pointed: Mapping[int, Assessment]

    def plausible(self, most: float) -> list[int]:
        """Clusters that some family does not leave more innocent than a p-value of ``most``."""
        low = {i for family in (self.looked, self.pointed) for i, each in family.items() if each.p_value <= most}
        return sorted(low)

    def over(self, looks: Looks, now: int, graph: Incidence) -> "Tried":
        """The same with the p-values of all looks, to which this one at ``now`` is added."""
        looked = over_looks(looks, now, list(self.looked.values()), graph, LOOKED)
        pointed = over_looks(looks, now, list(self.pointed.values()), graph, POINTED)
        return Tried(
            self.clusters, dict(zip(self.looked, looked, strict=True)), dict(zip(self.pointed, pointed, strict=True))
        )

    def concluded(self, graph: Incidence) -> list[Assessment]:
        """Every cluster with its q-value over both families."""
        weights = [graph.requests[each.cluster.actors].sum() for each in self.looked.values()]
        found = _adjusted(self.looked, weights, 1 - SHARE if self.pointed else 1.0)
        for number, each in _adjusted(self.pointed, None, SHARE).items():
            if number not in found or (each.q_value, each.p_value) < (found[number].q_value, found[number].p_value):
                found[number] = each
        return [found[number] for number in range(self.clusters)]


def _adjusted(tested: Mapping[int, Assessment], weights: Sequence[float] | None, part: float) -> dict[int, Assessment]:
    q_values = benjamini_hochberg([each.p_value for each in tested.values()], weights)
    return {
        number: replace(each, q_value=min(1.0, float(q) / part))
        for (number, each), q in zip(tested.items(), q_values, strict=True)
    }


class Hypotheses:
    """The clusters of a log, ready to be tested.

    Args:
        graph: the account-artifact graph.
        held: its inverse.
        order: a fixed random rank of each actor.
        clusters: those that looking found, and those that were put forward (``Cluster.routes``).
        named: whom indicators are true of.
        benign: alikeness of the natural groups of a benign period, in place of this traffic's.
        silent: families in which the natural groups were not measured as the clusters are.
        fdr: the false-discovery rate.
    """

    def __init__(
        self, graph: Incidence, held: Holders, order: NDArray[np.int64], clusters: Sequence[Cluster],
        named: Sequence[Named], benign: Mapping[frozenset[Family], NDArray[np.float64]] | None,
        silent: frozenset[Family], fdr: float,
    ) -> None:  # fmt: skip
        self._graph, self._held, self._order, self._clusters = graph, held, order, clusters
        self._named, self._silent, self._fdr = named, silent, fdr
        everybody = len(graph.actors)
        self._looked = [i for i, each in enumerate(clusters) if not each.routes]
        self._pointed = [
            i for i, each in enumerate(clusters) if each.routes or (named and namers(each.actors, named, everybody))
        ]
        self._found = references(graph, held, order, [clusters[i] for i in self._looked], benign)
        self._beside = references(graph, held, order, clusters, benign) if self._pointed else {}

    def tried(self, readings: Sequence[Sequence[tuple[Family, Reading]]]) -> Tried:
        """Test all of them; ``readings`` are the cluster signals' of each."""
        looked = self._assessed(self._looked, readings, self._found, ())
        pointed: dict[int, Assessment] = {}
        if self._pointed:
            every = self._assessed(range(len(self._clusters)), readings, self._beside, self._named)
            pointed = {number: every[number] for number in self._pointed}
        return Tried(len(self._clusters), looked, pointed)

    def _assessed(
        self, numbers: Sequence[int], readings: Sequence[Sequence[tuple[Family, Reading]]],
        found: Mapping[str, Reference], named: Sequence[Named],
    ) -> dict[int, Assessment]:  # fmt: skip
        clusters, own = [self._clusters[i] for i in numbers], [readings[i] for i in numbers]
        tested = assess(self._graph, self._held, self._order, clusters, own, found, self._fdr, self._silent, named)
        return dict(zip(numbers, tested, strict=True))
